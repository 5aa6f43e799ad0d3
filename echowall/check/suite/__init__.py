"""Every check, in the order in which they are shown."""

from echowall.check.registry import CHECKS, GROUPS, Check
from echowall.check.suite import (  # noqa: F401  imported for what they register
    closing,
    compression,
    control,
    endurance,
    errors,
    fragmentation,
    handshake,
    honesty,
    messages,
)

ALL: list[Check] = sorted(CHECKS.values(), key=lambda check: GROUPS.index(check.group))
