"""Processes of a test's own, which may be killed at any moment, and the waiting for what comes after.

They are forked from one process that has imported everything: a hundred of them start in the time of two.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

_FORKING: Final = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(["tests.torture.victims"])


def start(program: Callable[..., None], *arguments: object) -> BaseProcess:
    """*program*, a function of tests.torture.victims, in a process of its own."""
    process = _FORKING.Process(target=program, args=arguments, daemon=True)
    process.start()
    return process


def kill(process: BaseProcess) -> None:
    """As by ``kill -9``; it is gone afterwards."""
    process.kill()
    process.join()
    process.close()


@contextlib.contextmanager
def killed_in_the_end(program: Callable[..., None], *arguments: object) -> Iterator[BaseProcess]:
    """*program*, until the block ends."""
    process = start(program, *arguments)
    try:
        yield process
    finally:
        kill(process)


def channel() -> Any:
    """A queue from such processes to the test."""
    return _FORKING.Queue()


def eventually(is_so: Callable[[], object], seconds: float = 60) -> None:
    """Wait until it *is_so*; whoever waits in vain fails."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.01)


def children(pid: int) -> list[int]:
    """The processes whose parent is *pid*."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            after_name = path.read_text().rpartition(")")[2].split()
            if int(after_name[1]) == pid:
                found.append(int(path.parent.name))
    return found


def kill_with_children(pid: int) -> None:
    """All of a server at once: the process *pid*, which the test started, and those that it started."""
    everybody = [pid, *children(pid)]
    for each in everybody:
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
    eventually(lambda: not any(_is_alive(each) for each in everybody))


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
