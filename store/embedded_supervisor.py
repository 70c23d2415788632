"""The supervisor of an embedded server, and the locks by which it knows who is there.

One supervisor runs beside each server. It stops the server when the last process that used it has gone,
even by ``kill -9``, and then ends. Who is there is told by file locks, which the kernel takes back from a
dead process:

==================  ====================================================================================
``start.lock``      held while one process looks for, starts or stops the server
``use.lock``        shared by every process that uses the server; the supervisor's while it stops the server
``supervisor.lock`` held by the supervisor
``server.lock``     inherited by the server and its backends, so it is free only when all of them are gone
==================  ====================================================================================

The supervisor runs this file by its path, so it imports the standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Account(NamedTuple):
    """Whom the server runs as when we are root, which PostgreSQL refuses to be."""

    uid: int
    gid: int

    def popen_arguments(self) -> dict[str, Any]:
        """What ``subprocess`` needs in order to run a program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


class Place(NamedTuple):
    """The directory of one server, where its socket is, and whom it runs as (None: as we do)."""

    directory: Path
    socket_directory: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """The cluster, as ``initdb`` made it."""
        return self.directory / "data"

    @property
    def log(self) -> Path:
        """What the server and its supervisor have to say."""
        return self.directory / "server.log"

    @property
    def start_lock(self) -> Path:
        """Held by whoever looks for, starts or stops the server."""
        return self.directory / "start.lock"

    @property
    def use_lock(self) -> Path:
        """Shared by all who use the server."""
        return self.directory / "use.lock"

    @property
    def supervisor_lock(self) -> Path:
        """Held by the supervisor."""
        return self.directory / "supervisor.lock"

    @property
    def server_lock(self) -> Path:
        """Held by the server and its backends."""
        return self.directory / "server.lock"


# --- locks ----------------------------------------------------------------------------------------------


def open_lock(path: Path) -> int:
    """A descriptor to lock, which programs that we run do not inherit unless told."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


@contextlib.contextmanager
def closing(descriptor: int) -> Iterator[int]:
    """Close the descriptor in the end, which gives its lock back if nobody inherited it."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold the lock, after waiting for it."""
    with closing(open_lock(path)) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor


def try_lock(path: Path, kind: int = fcntl.LOCK_EX) -> int | None:
    """The descriptor that now holds the lock, alone or as *kind* says, or None if others do not let it."""
    descriptor = open_lock(path)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


# --- starting -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def data_for(account: Account | None, data: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """What to give as ``-D`` and to ``subprocess`` so that the account reaches the data.

    As root the directory is handed over open: its path may lead through a private one such as /root.
    """
    if account is None:
        yield str(data), {}
        return
    descriptor = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
    with closing(descriptor):
        yield f"/proc/self/fd/{descriptor}", account.popen_arguments() | {"pass_fds": [descriptor]}


def spawn(place: Place, supervisor_lock: int, server_lock: int | None, command: list[str]) -> None:
    """Start the supervisor, of a new server or (without lock and command) of the one that runs already.

    The locks are held when this is called, and are then the supervisor's and the server's.
    """
    task = {
        "directory": str(place.directory),
        "socket_directory": str(place.socket_directory),
        "account": place.account,
        "server_lock": server_lock,
        "command": command,
    }
    locks = [lock for lock in (supervisor_lock, server_lock) if lock is not None]
    with place.log.open("ab") as log:
        subprocess.run(
            [sys.executable, "-I", __file__, json.dumps(task)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            pass_fds=locks,
            start_new_session=True,
            check=True,
        )


# --- the supervisor itself ------------------------------------------------------------------------------


def supervise(place: Place, server_lock: int | None, command: list[str]) -> None:
    """Start the server, stop it when nobody uses it or on a signal, and end after it."""
    server = _launch(place, server_lock, command) if server_lock is not None else None
    pid = server.pid if server else int((place.data / "postmaster.pid").read_text().split()[0])

    def stop(*_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)  # fast shutdown: what is committed is kept, sessions end

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    stopping = threading.Lock()
    threading.Thread(target=_stop_unused, args=(place, stop, stopping), daemon=True).start()
    with locked(place.server_lock):  # free as soon as the server and all its backends have ended
        pass
    with stopping:
        pass
    if server:
        server.wait()


def _launch(place: Place, server_lock: int, command: list[str]) -> subprocess.Popen[bytes]:
    with closing(server_lock), data_for(place.account, place.data) as (data, popen_arguments):
        descriptors = [*popen_arguments.pop("pass_fds", []), server_lock]
        return subprocess.Popen([*command, "-D", data], cwd="/", pass_fds=descriptors, **popen_arguments)


def _stop_unused(place: Place, stop: Callable[[], None], stopping: threading.Lock) -> None:
    """Wait until nobody uses the server; then, if nobody came meanwhile, stop it before anybody can."""
    while True:
        with locked(place.use_lock):
            pass
        with locked(place.start_lock):
            use_lock = try_lock(place.use_lock)
            if use_lock is None:
                continue
            with closing(use_lock), stopping:
                stop()
                with locked(place.server_lock):
                    remove_outside_socket_directory(place)
                return


def remove_outside_socket_directory(place: Place) -> None:
    """Leave nothing behind in /tmp. To be called with ``start.lock`` held."""
    if place.socket_directory.parent != place.directory:
        with contextlib.suppress(OSError):
            place.socket_directory.rmdir()


def _main(task: dict[str, Any]) -> None:
    if os.fork():  # the caller waits for this process only, and need not reap the supervisor later
        os._exit(0)
    account = Account(*task["account"]) if task["account"] else None
    place = Place(Path(task["directory"]), Path(task["socket_directory"]), account)
    supervise(place, task["server_lock"], task["command"])


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
