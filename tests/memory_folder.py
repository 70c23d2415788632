"""A folder in memory for the run's PostgreSQL: a database of four hundred files is copied for nearly each
test, which takes a tenth of the time there.

Named after the process that the run is of, so that the next run can put away what a killed one has left.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

from store.embedded_supervisor import closing, try_lock

_MEMORY: Final = Path("/dev/shm")
_ENOUGH: Final = 4 * 2**30
"""Bytes that must be free; with less the server is on disk."""

_NAME: Final = "redress-tests-"
_PATIENCE_SECONDS: Final = 30


def make() -> Path | None:
    """A new folder; None where there is no room in memory."""
    if not os.access(_MEMORY, os.W_OK) or shutil.disk_usage(_MEMORY).free < _ENOUGH:
        return None
    for left in _MEMORY.glob(f"{_NAME}*"):
        _, process, _ = left.name.removeprefix("redress-").split("-", 2)
        if left.stat().st_uid == os.geteuid() and not Path("/proc", process).exists():
            _remove(left)
    folder = Path(tempfile.mkdtemp(prefix=f"{_NAME}{os.getpid()}-", dir=_MEMORY))
    folder.chmod(0o711)  # as root, the server is somebody else's
    return folder


def put_away(folder: Path) -> None:
    """Remove *folder* once the server in it, which nobody uses any more, has ended."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while not _remove(folder) and time.monotonic() < end:
        time.sleep(0.05)


def _remove(folder: Path) -> bool:
    """Remove *folder* unless a server runs in it: then its run is one that this process cannot see."""
    lock = try_lock(folder / "server.lock")
    if lock is None:
        return False
    with closing(lock):
        shutil.rmtree(folder, ignore_errors=True)
    return True
