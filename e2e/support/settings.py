"""Where the suite runs, and where it leaves what it writes."""

import os

from echowall.catalog.catalog import ROOT

#: Whether the suite runs in its own container (e2e/Dockerfile), which cannot stop another.
IN_CONTAINER = os.environ.get("ECHOWALL_IN_CONTAINER") == "1"

#: Reports and screenshots of the run. The results that the lab measures are somewhere else: in results/.
ARTIFACTS = ROOT / "test-artifacts" / "e2e"
