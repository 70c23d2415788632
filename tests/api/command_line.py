"""The command line as a person uses it: `redress` in this process, over one test's database."""

from __future__ import annotations

import json
from dataclasses import dataclass

import psycopg
import pytest

from api.cli import main

SETTINGS = ("DATA_DIR", "DATABASE_URL", "COMPANY", "API_KEY", "HOST", "PORT", "THREADS")


@dataclass(frozen=True, slots=True)
class Ran:
    """What one command did: its exit code and what it said."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line on standard error: a refusal is never more."""
        (line,) = self.err.splitlines()
        assert line.startswith("redress: ")
        assert "Traceback" not in line
        return line.removeprefix("redress: ")

    @property
    def json(self):
        return json.loads(self.out)


class Redress:
    """Runs `redress`, and looks into the log."""

    def __init__(self, database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
        self.database = database
        self.monkeypatch = monkeypatch
        self._capsys = capsys
        for name in SETTINGS:
            monkeypatch.delenv(f"REDRESS_{name}", raising=False)

    def __call__(self, *arguments: object, code: int = 0) -> Ran:
        self._capsys.readouterr()
        ended = main([str(each) for each in arguments])
        said = self._capsys.readouterr()
        ran = Ran(ended, said.out, said.err)
        assert ended == code, ran
        return ran

    def key(self, role: str, name: str) -> str:
        """A new person's key."""
        return self("keys", "create", "--role", role, "--name", name).out.strip()

    def uses(self, key: str) -> None:
        """From here on all commands come with *key*."""
        self.monkeypatch.setenv("REDRESS_API_KEY", key)

    def rows(self, statement: str):
        with psycopg.connect(self.database) as connection:
            return connection.execute(statement).fetchall()

    @property
    def newest(self) -> int:
        """The log's last position."""
        newest: int
        ((newest,),) = self.rows("select coalesce(max(position), 0) from company_acme.events")
        return newest

    def events(self, kind: str) -> int:
        """How many events of a kind there are."""
        count: int
        ((count,),) = self.rows(f"select count(*) from company_acme.events where type = '{kind}.v1'")
        return count


def owning(redress: Redress, monkeypatch: pytest.MonkeyPatch, tmp_path) -> Redress:
    """*redress* in the hands of who owns the data directory: its embedded server is the test's."""
    monkeypatch.setattr("store.embedded.ensure", lambda _directory: redress.database)
    monkeypatch.setattr("store.embedded.release", lambda _directory: None)
    monkeypatch.setenv("REDRESS_DATA_DIR", str(tmp_path / "data"))
    return redress


def elsewhere(redress: Redress, monkeypatch: pytest.MonkeyPatch) -> Redress:
    """*redress* over somebody's PostgreSQL, where nobody is anybody without a key."""
    monkeypatch.setenv("REDRESS_DATABASE_URL", redress.database)
    return redress
