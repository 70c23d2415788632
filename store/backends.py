"""The server's own processes, one for each connection, where they run beside us."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from psycopg import Connection

BEHIND: Final = 10
"""By how much what nobody waits for stands behind others that want the same core: degrees of niceness."""

_LAST: Final = 19
"""The system knows no further behind."""

_PROCESSES: Final = Path("/proc")


def stand_behind(connection: Connection[Any]) -> None:
    """Let what *connection* is used for stand BEHIND others. Where the server runs elsewhere, or as somebody
    else, nothing changes."""
    process = connection.info.backend_pid
    # Through a socket of this machine; and still the number may be one in another room of it (a container).
    if connection.info.host.startswith("/"):
        with suppress(OSError):
            if (_PROCESSES / str(process) / "comm").read_text() == "postgres\n":
                usual = os.getpriority(os.PRIO_PROCESS, process)
                os.setpriority(os.PRIO_PROCESS, process, min(usual + BEHIND, _LAST))
