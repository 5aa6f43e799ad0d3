"""What uWSGI lacks, and the service makes up for."""

import os
from contextlib import suppress

GOING_AWAY = b"\x88\x02\x03\xe9"  # a close frame with code 1001


def shutdown_close(fds):
    """shutdown-close: uWSGI has no call that closes with a code (unbit/uwsgi#1926), so the frame is written by hand."""
    for fd in fds:
        with suppress(OSError):  # gone, or not reading
            os.write(fd, GOING_AWAY)
