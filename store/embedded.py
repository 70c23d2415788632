"""A PostgreSQL server for one directory.

``ensure(directory)`` starts the server there unless one runs already and answers how to reach it;
any number of processes share it. The last process to leave, even by ``kill -9``, stops it. It can be
reached by its Unix socket only and never runs as root.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import socket
import stat
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from store.embedded_programs import (
    EmbeddedServerRefusal,
    UnsupportedVersion,
    account_for_server,
    can_enter,
    find_programs,
    major_version,
    reachable,
)
from store.embedded_supervisor import (
    Account,
    Place,
    closing,
    data_for,
    locked,
    open_lock,
    remove_outside_socket_directory,
    spawn,
    try_lock,
)

__all__ = [
    "DirectoryNotUsable",
    "EmbeddedServerRefusal",
    "NotDurable",
    "ServerDidNotStart",
    "SocketDirectoryTaken",
    "ensure",
    "kept_up",
    "release",
    "wait_until_stopped",
]

_PATIENCE_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.01
_LOOK_SECONDS: Final = 0.5
_LAST_SECONDS: Final = 10.0
_FIRST_MAJOR_WITH_BUILTIN_LOCALE: Final = 17

_SETTINGS: Final = {
    "listen_addresses": "",
    "port": "5432",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "jit": "off",  # compiling costs more than it gains on short queries
    "wal_buffers": "16MB",
    "wal_compression": "on",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The log is to hold no personal data: neither statements nor the key values of a DETAIL line.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}
_SETTINGS_WHEN_NOT_DURABLE: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "max_wal_size": "256MB",  # the folder may be in memory
}

_held: dict[Path, int] = {}  # directory -> descriptor of our share of its use.lock


class DirectoryNotUsable(EmbeddedServerRefusal):
    """The directory cannot hold a database."""


class SocketDirectoryTaken(EmbeddedServerRefusal):
    """The directory meant for the socket belongs to somebody else."""


class NotDurable(EmbeddedServerRefusal):
    """A server runs there, but one that may lose what it acknowledged."""


class ServerDidNotStart(EmbeddedServerRefusal):
    """PostgreSQL was started and does not answer."""


def ensure(directory: Path, *, durable: bool = True) -> str:
    """See to it that a server runs for *directory* and return how to reach it.

    The answer is a libpq connection string for the database ``redress``, such as
    ``host=/srv/redress/socket port=5432 user=redress dbname=redress``. From here on this process uses
    the server, until it ends or calls ``release``. Safe to call again, from many processes and threads
    at once, and after a crash of the server.

    With *durable* false the server may lose or corrupt its data when the machine fails: for tests.

    Raises an ``EmbeddedServerRefusal`` whose message is one line for the person who runs the service.
    """
    try:
        directory = Path(directory).resolve()
        directory.mkdir(parents=True, exist_ok=True)
        account = account_for_server()
        with locked(directory / "start.lock"):
            place = Place(directory, _socket_directory(directory, account), account)
            _use(place, durable=durable)
    except OSError as error:
        raise DirectoryNotUsable(f"{directory} cannot hold a database: {error}") from error
    return f"host={place.socket_directory} port=5432 user=redress dbname=redress"


def release(directory: Path) -> None:
    """Stop using the server of *directory*; if nobody else uses it, it stops soon. Twice does no harm."""
    descriptor = _held.pop(Path(directory).resolve(), None)
    if descriptor is not None:
        os.close(descriptor)


def wait_until_stopped(directory: Path) -> None:
    """Wait a few seconds until the released server of *directory* and then its supervisor have ended.

    Not if another process uses them.
    """
    end = time.monotonic() + _LAST_SECONDS
    for lock in ("server.lock", "supervisor.lock"):
        while (directory / "use.lock").exists() and time.monotonic() < end:
            if _others_use(directory / "use.lock"):
                return
            ended = try_lock(directory / lock)
            if ended is not None:
                os.close(ended)
                break
            time.sleep(_POLL_SECONDS)


def _others_use(use_lock: Path) -> bool:
    alone = try_lock(use_lock)
    shared = try_lock(use_lock, fcntl.LOCK_SH) if alone is None else None  # None: the supervisor has it alone
    for descriptor in (alone, shared):
        if descriptor is not None:
            os.close(descriptor)
    return shared is not None


@contextlib.contextmanager
def kept_up(directory: Path) -> Iterator[None]:
    """Until the block ends, start the server of *directory* again whenever it was killed.

    For a process that uses the server for long; who comes for a moment starts it with ``ensure``.
    """
    ended = threading.Event()
    keeper = threading.Thread(target=_keep_up, args=(Path(directory), ended), name="keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()


def _keep_up(directory: Path, ended: threading.Event) -> None:
    while not ended.wait(_LOOK_SECONDS):
        # What is in the way may be gone the next time; the server's log says what it is.
        with contextlib.suppress(OSError, EmbeddedServerRefusal):
            server_lock = try_lock(directory / "server.lock")
            if server_lock is not None:
                os.close(server_lock)
                ensure(directory)


def _use(place: Place, *, durable: bool) -> None:
    newcomer = place.directory not in _held
    if newcomer:
        _held[place.directory] = open_lock(place.use_lock)
        fcntl.flock(_held[place.directory], fcntl.LOCK_SH)
    try:
        _bring_up(place, durable=durable)
        if durable:
            _check_durable(place)
    except BaseException:
        if newcomer:
            release(place.directory)
            remove_outside_socket_directory(place)
        raise


def _bring_up(place: Place, *, durable: bool) -> None:
    started = False
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not _answers(place.socket_directory):
        with _both_locks(place) as locks:
            if locks and started:
                raise ServerDidNotStart(f"PostgreSQL stopped as soon as it was started: see {place.log}")
            if locks:
                _start(place, *locks, durable=durable)
                started = True
        if time.monotonic() > deadline:
            raise ServerDidNotStart(
                f"PostgreSQL let nobody in for {_PATIENCE_SECONDS:.0f} s (recovering?): see {place.log}"
            )
        time.sleep(_POLL_SECONDS)
    supervisor_lock = try_lock(place.supervisor_lock)
    if supervisor_lock is not None:  # the supervisor was killed and its server goes on
        with closing(supervisor_lock):
            spawn(place, supervisor_lock, None, [])


@contextlib.contextmanager
def _both_locks(place: Place) -> Iterator[tuple[int, int] | None]:
    """The locks of server and supervisor if neither is there, nor any backend left over from a killed server.

    To hold one and wait for the other would be a deadlock: a supervisor ends when it gets its server's lock.
    """
    with contextlib.ExitStack() as held:
        server_lock = try_lock(place.server_lock)
        supervisor_lock = try_lock(place.supervisor_lock)
        for lock in (server_lock, supervisor_lock):
            if lock is not None:
                held.enter_context(closing(lock))
        yield None if server_lock is None or supervisor_lock is None else (server_lock, supervisor_lock)


def _start(place: Place, server_lock: int, supervisor_lock: int, *, durable: bool) -> None:
    programs = reachable(find_programs(), place.account)
    major = major_version(programs)
    if not (place.data / "PG_VERSION").exists():
        _create_cluster(place, programs, major, durable=durable)
    _check_data_version(place.data, programs, major)
    for leftover in (place.data / "postmaster.pid", place.socket_directory / ".s.PGSQL.5432.lock"):
        leftover.unlink(missing_ok=True)  # we hold the server's lock: whoever they name is gone
    settings = _SETTINGS | {"unix_socket_directories": str(place.socket_directory)}
    if not durable:
        settings |= _SETTINGS_WHEN_NOT_DURABLE
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    spawn(place, supervisor_lock, server_lock, [str(programs / "postgres"), *options])


def _create_cluster(place: Place, programs: Path, major: int, *, durable: bool) -> None:
    """Make a cluster with the database, under another name first so that a half-made one never counts."""
    new = place.directory / "data.new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    if place.account:
        os.chown(new, place.account.uid, place.account.gid)
    locale = ["--locale=C.UTF-8"]
    if major >= _FIRST_MAJOR_WITH_BUILTIN_LOCALE:
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    initdb = ["initdb", "--username=redress", "--encoding=UTF8", "--auth=trust", "--data-checksums", *locale]
    single_user = ["postgres", "--single"]
    if not durable:
        initdb.append("--no-sync")
        single_user.append("-F")
    with data_for(place.account, new) as (data, popen_arguments), place.log.open("ab") as log:
        for (program, *options), statement in (
            ([*initdb, "-D", data], ""),
            ([*single_user, "-D", data, "postgres"], "create database redress"),
        ):
            done = subprocess.run(
                [str(programs / program), *options],
                input=statement.encode(),
                stdout=log,
                stderr=log,
                cwd="/",
                check=False,
                **popen_arguments,
            )
            if done.returncode != 0:
                raise ServerDidNotStart(f"{program} failed in {place.directory}: see {place.log}")
    new.rename(place.data)


def _check_data_version(data: Path, programs: Path, major: int) -> None:
    written_by = int((data / "PG_VERSION").read_text())
    if written_by != major:
        raise UnsupportedVersion(
            f"{data} was written by PostgreSQL {written_by}, but {programs} is {major}: point "
            f"REDRESS_PG_BINDIR to version {written_by}, or move the data with pg_dump or pg_upgrade"
        )


def _check_durable(place: Place) -> None:
    if '"fsync=off"' in (place.data / "postmaster.opts").read_text():
        raise NotDurable(f"the server in {place.directory} was started without fsync: stop its users first")


# --- the socket -----------------------------------------------------------------------------------------


def _socket_directory(directory: Path, account: Account | None) -> Path:
    """Where the socket is: in the directory, or under /tmp if it could not be used there.

    Unix limits the length of a socket's path, and libpq gives commas and spaces in it a meaning.
    """
    inside = directory / "socket"
    if re.fullmatch(r"[A-Za-z0-9/._+-]{1,88}", str(inside)) and can_enter(account, directory):
        return _private(inside, account)
    key = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return _private(Path("/tmp") / f"redress-{os.geteuid()}-{key}", account)  # noqa: S108 - see _private


def _private(directory: Path, account: Account | None) -> Path:
    """Make the directory, or make sure that it is ours and nobody else can enter: anyone may write /tmp."""
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    found = directory.lstat()
    owners = {os.geteuid(), account.uid if account else os.geteuid()}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners or found.st_mode & 0o077:
        raise SocketDirectoryTaken(f"{directory} should be a private directory of ours: remove it")
    if account:
        os.chown(directory, account.uid, account.gid, follow_symlinks=False)
    return directory


def _answers(socket_directory: Path) -> bool:
    """Does a server let clients in? (Merely connecting also works while it starts, stops or recovers.)"""
    words = b"user\0redress\0database\0redress\0\0"
    with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
        client.settimeout(10)
        client.connect(f"{socket_directory}/.s.PGSQL.5432")
        client.sendall(struct.pack("!ii", 8 + len(words), 3 << 16) + words)
        answer = client.recv(4096)
        return answer[:1] == b"R" or (answer[:1] == b"E" and b"C57P03\0" not in answer)  # cannot_connect_now
    return False
