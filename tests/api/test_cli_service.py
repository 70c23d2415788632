"""`redress serve`, `demo`, `migrate`, `rebuild` and `verify`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from api.commands import serving
from api.commands.output import progress, stages
from api.sample import SampleInterrupted
from projections.feed import FeedFailed
from tests.api.cli_case import has_items, manager, owner, stranger
from tests.api.command_line import Redress, owning

__all__ = ["manager", "owner", "stranger"]

ROOT = Path(__file__).parents[2]
REDRESS = [sys.executable, "-c", "import sys; from api.cli import main; sys.exit(main())"]


# --- migrate ---------------------------------------------------------------------------------------


def test_a_database_is_brought_up_to_date(server, monkeypatch, capsys):
    name = f"redress_empty_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name}")
        try:
            conninfo = psycopg.conninfo.make_conninfo(server, dbname=name)
            redress = Redress(conninfo, monkeypatch, capsys)
            monkeypatch.setenv("REDRESS_DATABASE_URL", conninfo)
            first, second = redress("migrate"), redress("migrate")
        finally:
            connection.execute(f"drop database {name} with (force)")
    assert first.out.startswith("redress/0001_")
    assert "migrations applied" in first.err
    assert (second.out, second.err) == ("", "everything is up to date\n")


def test_without_a_company_the_way_to_one_is_shown(server, monkeypatch, capsys, tmp_path):
    name = f"redress_alone_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name}")
        try:
            conninfo = psycopg.conninfo.make_conninfo(server, dbname=name)
            redress = owning(Redress(conninfo, monkeypatch, capsys), monkeypatch, tmp_path)
            line = redress("report", "agenda", code=1).line
        finally:
            connection.execute(f"drop database {name} with (force)")
    assert "there are: none yet" in line
    assert "redress demo" in line
    assert "redress found" in line


def test_a_company_without_a_log_is_no_company(database, monkeypatch, capsys, tmp_path):
    redress = owning(Redress(database, monkeypatch, capsys), monkeypatch, tmp_path)
    assert "was not founded yet" in redress("settings", "show", code=1).line


# --- rebuild and verify ----------------------------------------------------------------------------


def test_the_read_side_is_made_anew_and_compared_with_the_log(owner, tmp_path):
    has_items(owner, tmp_path, 1, 2, 3)
    newest = owner.newest
    assert f"acme: no difference; {newest} events and " in owner("verify").err
    space, outcome = owner("rebuild").err.splitlines()
    assert outcome == f"acme: {newest} events folded; the new tables are true up to {newest}"
    assert space.startswith("acme: takes about ")
    assert " beside the live tables, and up to " in space
    assert "no difference" in owner("verify").err
    assert owner.newest == newest


def test_41_named_reports_have_their_tables_made_anew_and_an_unknown_one_is_refused(owner, tmp_path):
    has_items(owner, tmp_path, 1)
    owner("report", "agenda")
    with psycopg.connect(owner.database) as connection:
        connection.execute("update company_acme.item_states set number = 'forged'")
        connection.execute("update company_acme.import_states set file_name = 'forged'")
    assert "new tables are true" in owner("rebuild", "aged-balance", "agenda").err
    assert {line.split()[0] for line in owner("verify", code=1).out.splitlines()} == {"import_states"}
    refused = owner("rebuild", "aged-balances", code=1).line
    assert "no report 'aged-balances'; there are: agenda, dispute-report" in refused


def test_41_a_rebuild_that_does_not_fit_on_the_disk_is_refused_unless_forced(owner, monkeypatch):
    monkeypatch.setattr("replay.space.disk_usage", lambda _: SimpleNamespace(free=1))
    assert "takes about" in owner("rebuild").err  # of a server elsewhere nothing is known
    monkeypatch.setattr("api.commands.upkeep._disk", lambda _settings: Path())
    assert "1 bytes are free in .: make room there" in owner("rebuild", code=1).line
    assert "new tables are true" in owner("rebuild", "--force").err


def test_all_companies_are_looked_at_unless_one_is_named(owner):
    owner("found", "globex")
    assert [line.partition(":")[0] for line in owner("verify").err.splitlines()] == ["acme", "globex"]
    assert [line.partition(":")[0] for line in owner("rebuild").err.splitlines()[::2]] == ["acme", "globex"]
    assert [line.partition(":")[0] for line in owner("verify", "--company", "acme").err.splitlines()] == [
        "acme"
    ]


def test_what_differs_is_named_and_its_values_are_for_those_who_may_read_the_log(owner, tmp_path):
    has_items(owner, tmp_path, 1, 2)
    key = owner.key("auditor", "Otto")
    owner("report", "aged-balance")
    with psycopg.connect(owner.database) as connection:
        connection.execute("update company_acme.item_states set number = 'forged' where number = '2'")
    ran = owner("verify", code=1)
    assert "item_states" in ran.out
    assert ": number" in ran.out
    assert "forged" not in ran.out
    assert "acme: 1 differences" in ran.err
    assert "forged" in owner("verify", "--key", key, code=1).out
    owner("rebuild")
    assert "no difference" in owner("verify").err


def test_a_feed_that_stands_still_is_reported_and_what_is_there_still_compared(owner, monkeypatch):
    def stands(*_arguments, **_named):
        raise FeedFailed(7, "item-registered.v1", "it cannot be")

    monkeypatch.setattr("projections.feed.Feed.catch_up", stands)
    ran = owner("verify", code=1)
    first, second = ran.err.splitlines()
    assert first == "acme: the feed stopped at event 7 (item-registered.v1): it cannot be"
    assert "no difference" in second
    assert "the feed stopped at event 7" in owner("report", "agenda", code=1).line


def test_upkeep_by_key_asks_for_the_right_to_read_the_log(owner):
    collector, auditor = owner.key("collector", "Cleo"), owner.key("auditor", "Otto")
    for command in ("verify", "rebuild"):
        assert "does not include: read_log" in owner(command, "--key", collector, code=1).line
        owner(command, "--key", auditor)


# --- the sample ------------------------------------------------------------------------------------


def test_the_sample_is_loaded_by_the_loader_of_the_sample(owner, monkeypatch, tmp_path):
    told = []

    def load(database, advance):
        advance("Importing", 1, 2)
        told.append(database.data_dir)
        return len(told) == 1

    monkeypatch.setattr("api.sample.load_sample", load)
    assert "the sample company is there; its keys, one per role: " in owner("demo").err
    assert "there already" in owner("demo").err
    assert told == [tmp_path / "data"] * 2


def test_an_interrupted_sample_is_one_line(owner, monkeypatch):
    def load(_database, _advance):
        raise SampleInterrupted("not complete; remove it")

    monkeypatch.setattr("api.sample.load_sample", load)
    assert owner("demo", code=1).line == "not complete; remove it"


# --- serve -----------------------------------------------------------------------------------------


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
        return port


class Service:
    """A real one, in a process of its own, on a real embedded server."""

    def __init__(self, directory: Path, *options: str):
        self.port = free_port()
        self.directory = directory
        self.environment = {**os.environ, "REDRESS_DATA_DIR": str(directory)}
        for name in ("REDRESS_DATABASE_URL", "REDRESS_API_KEY", "REDRESS_COMPANY"):
            self.environment.pop(name, None)
        arguments = ["serve", "--port", str(self.port), *options]
        self.process = subprocess.Popen(
            [*REDRESS, *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def get(self, path: str, key: str = "") -> tuple[int, bytes]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        request.add_header("Authorization", f"Bearer {key}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, b""

    def run(self, *arguments: str) -> str:
        return subprocess.run(
            [*REDRESS, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=True
        ).stdout

    def wait(self) -> str:
        """Until it serves; what it said."""
        assert self.process.stdout is not None
        said = []
        for line in self.process.stdout:
            said.append(line)
            if line == "Ctrl-C stops it\n":
                break
        for _ in range(300):
            try:
                self.get("/v1/health")
                break
            except OSError:
                time.sleep(0.1)
        return "".join(said)

    def servers(self) -> list[str]:
        """PostgreSQL servers on this directory."""
        listed = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True).stdout
        return [line for line in listed.splitlines() if str(self.directory) in line and "ps -eww" not in line]

    def end(self, by: signal.Signals) -> int:
        self.process.send_signal(by)
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()
            for stream in (self.process.stdout, self.process.stderr):
                assert stream is not None
                stream.close()


def test_the_service_serves_until_ctrl_c_and_leaves_nothing_running(tmp_path):
    running = Service(tmp_path / "my data")
    try:
        said = running.wait()
        address = f"http://127.0.0.1:{running.port}"
        assert said.splitlines()[:2] == [
            f"redress serves on {address}",
            f"description of the API:  {address}/v1/docs",
        ]
        assert "redress keys create" in said
        assert running.get("/v1/docs")[0] == 200
        running.run("found", "acme")
        key = running.run("keys", "create", "--role", "auditor", "--name", "Otto").strip()
        status, body = running.get("/v1/reports/dispute-report", key)
        assert (status, json.loads(body)["rows"]) == (200, [])
        assert running.servers()
    finally:
        code = running.end(signal.SIGINT)
    assert code == 0
    assert running.servers() == []


def test_sigterm_stops_the_service_and_the_embedded_server_too(tmp_path):
    running = Service(tmp_path)
    try:
        running.wait()
        assert running.servers()
    finally:
        code = running.end(signal.SIGTERM)
    assert code == 0
    assert running.servers() == []


class Served:
    """What `serve` would do, without doing it."""

    def __init__(self, monkeypatch):
        self.loaded = 0
        self.served = 0
        self.waited: list[Path] = []
        monkeypatch.setattr("store.embedded.wait_until_stopped", self.waited.append)
        monkeypatch.setattr(serving, "_load", self.load)
        monkeypatch.setattr("uvicorn.Server.run", self.run)
        monkeypatch.setattr("signal.signal", lambda *_: None)

    def load(self, _database):
        self.loaded += 1

    def run(self, sockets):
        (listener,) = sockets
        assert listener.getsockname()[0] == "127.0.0.1"
        self.served += 1
        raise KeyboardInterrupt


@pytest.fixture
def served(monkeypatch):
    return Served(monkeypatch)


def test_where_the_keys_of_the_sample_are_and_three_commands_to_try(owner, served, tmp_path):
    directory = tmp_path / "it's here"
    directory.mkdir()
    keys = directory / "sample-keys.json"
    keys.write_text(json.dumps({"administrator": "redress_a", "credit_manager": "redress_c"}, indent=2))
    ran = owner("--data-dir", directory, "serve", "--port", 0)
    assert str(keys) in ran.out
    commands = [line.strip() for line in ran.out.splitlines() if line.startswith("  curl")]
    assert len(commands) == 3
    for command in commands:
        shown = subprocess.run(
            ["sh", "-c", f"echo {command}"], capture_output=True, text=True, check=True
        ).stdout
        assert "Authorization: Bearer redress_c" in shown
    assert ran.err == "stopping\n"
    assert served.served == 1
    assert served.waited == [directory / "postgresql"]


def test_the_sample_is_loaded_only_where_there_is_no_company(owner, served):
    owner("serve", "--demo", "--port", 0)
    owner("serve", "--port", 0)
    assert (served.loaded, served.served) == (0, 2)
    owner.monkeypatch.setattr("api.database.companies", lambda _conninfo: [])
    owner("serve", "--demo", "--port", 0)
    owner.monkeypatch.setattr("api.database.companies", lambda _conninfo: ["sample"])
    owner("serve", "--demo", "--port", 0)
    assert served.loaded == 2


def test_a_port_that_is_taken_is_said_before_anything_starts(owner, served, monkeypatch):
    monkeypatch.setattr("store.embedded.ensure", pytest.fail)
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        line = owner("serve", "--port", port, code=1).line
    assert (
        line == f"cannot listen on 127.0.0.1:{port}: Address already in use; choose another --port or --host"
    )
    assert "the port 70000 does not exist" in owner("serve", "--port", 70000, code=1).line
    assert (
        "cannot listen on 203.0.113.7:0" in owner("serve", "--host", "203.0.113.7", "--port", 0, code=1).line
    )
    assert served.served == 0


# --- progress --------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_is_shown_on_a_terminal_only(monkeypatch, capsys, is_terminal):
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress("Importing", 10) as advance:
        advance(5, None)
        advance(10, 12)
    with stages() as tell:
        tell("Customers", 1, 2)
        tell("Customers", 2, 2)
        tell("Items", 1, 1)
    said = capsys.readouterr()
    assert said.out == ""
    assert ("Items" in said.err) is is_terminal
