"""PostgreSQL servers of a test's own: a primary, its standby, one on a small disk. They may be killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg

from store.embedded_programs import account_for_server, find_programs, reachable
from tests.torture.killing import eventually, kill_with_children

_ACCOUNT: Final = account_for_server()


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    """A folder in which the server's account may make its own, and whose path is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="redress-torture-", dir="/tmp"))
    give(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def give(folder: Path) -> None:
    """Let *folder* belong to the account that servers run as."""
    if _ACCOUNT is not None:
        os.chown(folder, _ACCOUNT.uid, _ACCOUNT.gid)


class Cluster:
    """One server, with its data and its socket below *folder*."""

    def __init__(self, folder: Path, name: str) -> None:
        self.socket: Final = folder / name
        self.data: Final = self.socket / "data"
        self._said: Final = self.socket / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self.socket.mkdir()
        give(self.socket)

    @property
    def conninfo(self) -> str:
        """To its database postgres."""
        return f"host={self.socket} port=5432 user=postgres dbname=postgres"

    def create(self, *options: str) -> None:
        """An empty one."""
        self.run("initdb", "-D", self.data, "--username=postgres", "--auth=trust", "--no-sync", *options)

    def copy(self, primary: Cluster) -> None:
        """A standby of *primary*, which runs."""
        options = ("-h", primary.socket, "-U", "postgres", "--checkpoint=fast", "--no-sync", "-R")
        self.run("pg_basebackup", "-D", self.data, *options)

    def run(self, program: str, *arguments: object) -> None:
        """One of PostgreSQL's programs."""
        done = subprocess.run(
            [str(_programs() / program), *map(str, arguments)],
            check=False,
            capture_output=True,
            **_as_account(),
        )
        assert done.returncode == 0, done.stderr.decode()

    def start(self, **settings: str) -> None:
        """It answers when this returns, also as a standby."""
        here = {"unix_socket_directories": str(self.socket), "listen_addresses": "", **settings}
        options = [word for name, value in here.items() for word in ("-c", f"{name}={value}")]
        with self._said.open("ab") as said:
            self._process = subprocess.Popen(
                [str(_programs() / "postgres"), "-D", str(self.data), *options],
                stdout=said,
                stderr=said,
                **_as_account(),
            )
        eventually(self._answers)

    @property
    def runs(self) -> bool:
        """Whether it has not ended by itself."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """All of it at once, as when the machine fails; nothing happens if it does not run."""
        if self._process is not None:
            kill_with_children(self._process.pid)
            self._process.wait()
            self._process = None

    def cut_off(self) -> None:
        """As a standby: it hears nothing more of its primary."""
        self.ask("alter system set primary_conninfo = ''")
        self.ask("select pg_reload_conf()")
        eventually(lambda: not self.ask("select exists (select from pg_stat_wal_receiver)"))

    def promote(self) -> None:
        """From here on this is the primary."""
        self.ask("select pg_promote()")

    def ask(self, statement: str) -> Any:
        """The first value that *statement* finds, if any."""
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            found = connection.execute(statement.encode())
            row = found.fetchone() if found.description else None
        return row[0] if row else None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._said.read_text()
        with contextlib.suppress(psycopg.OperationalError):
            return bool(self.ask("select true"))
        return False


def _programs() -> Path:
    return reachable(find_programs(), _ACCOUNT)


def _as_account() -> dict[str, Any]:
    return {"cwd": "/", **(_ACCOUNT.popen_arguments() if _ACCOUNT else {})}
