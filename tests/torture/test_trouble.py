"""14. Trouble of the database and of the machine: said as such, over without a restart, nothing half done.

Here: a full disk, no connection to be had, an exhausted pool, a clock that is set back. Read-only databases,
lost connections and statements that take too long: tests/api/test_database_trouble.py.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, tzinfo
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

import psycopg
import pytest
from httpx import Response

from api.database import OpenCompany
from domain.dispute import DisputeCommented
from replay.verify import verify
from store.migrate import migrate
from tests.api.http_service import Service, invoice, opening, problem, service, serving
from tests.api.test_database_trouble import alter
from tests.torture.clusters import Cluster, give, short_folder
from tests.torture.killing import eventually

__all__ = ["service"]

AN_HOUR: Final = timedelta(hours=1)
LONG_TEXT: Final = "all of it" * 1_000


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder


@pytest.fixture
def cluster(folder: Path) -> Iterator[Cluster]:
    """A server of the test's own, not yet started."""
    cluster = Cluster(folder, "s")
    cluster.create("--wal-segsize=1")
    yield cluster
    cluster.kill()


@contextmanager
def small_disk(at: Path, megabytes: int) -> Iterator[None]:
    """A file system of that size; what is at *at* is copied onto it."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system that is small enough to be filled")
    aside = at.with_name("aside")
    at.rename(aside)
    at.mkdir(mode=0o700)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(at)],
        check=False,
        capture_output=True,
    )
    if done.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {done.stderr.decode().strip()}")
    try:
        give(at)
        subprocess.run(["cp", "-a", f"{aside}/.", str(at)], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


def fill(disk: Path) -> Path:
    """A file that takes all that is left on *disk*."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        try:
            while True:
                file.write(b"\0" * 65_536)
                file.flush()
        except OSError:
            return ballast
    raise AssertionError("the disk has no end")


def is_sound(service: Service) -> bool:
    company: OpenCompany = service.database.company("acme")
    company.feed.catch_up()
    return verify(company.datastore, company.log).differences == []


def comment(service: Service, text: str) -> Response:
    return service.post("/v1/disputes/D/comment", {"text": text})


def comments(service: Service) -> list[str]:
    """What the log holds of them."""
    log = service.database.company("acme").log
    events = (each.event for each in log.read(0, 1_000_000))
    return [event.text for event in events if isinstance(event, DisputeCommented)]


# --- a full disk -----------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["tables", "write-ahead log"])
def test_14_a_full_disk_refuses_commands_until_there_is_room_again(
    cluster: Cluster, folder: Path, tmp_path: Path, what: str
) -> None:
    place = cluster.data / "pg_wal"
    with ExitStack() as stack:
        if what == "tables":
            place = folder / "small"
            place.mkdir()
            give(place)
        stack.enter_context(small_disk(place, 96))
        stack.callback(cluster.kill)
        cluster.start(max_wal_size="8MB", wal_recycle="off")
        if what == "tables":
            cluster.ask(f"create tablespace small location '{place}'")
            cluster.ask("create database redress tablespace small")
        else:
            cluster.ask("create database redress")
        conninfo = cluster.conninfo.replace("dbname=postgres", "dbname=redress")
        migrate(conninfo)
        service = stack.enter_context(serving(conninfo, tmp_path, patience=2.0))
        service.done("/v1/items", invoice("1"))
        service.done("/v1/disputes", opening("1"))
        ballast = fill(place)
        accepted, refused = fill_the_rest(service)
        problem(refused, 503, "database-unavailable")
        assert refused.headers["Retry-After"] == "1"
        ballast.unlink()
        if not cluster.runs:  # without room for its write-ahead log PostgreSQL stops
            cluster.start(max_wal_size="8MB")
        eventually(lambda: comment(service, "there again").status_code == 200)
        kept = comments(service)
        assert [text for text in accepted if kept.count(text) != 1] == []
        assert all(kept.count(text) == 1 for text in kept if text != "there again")
        assert is_sound(service)


def fill_the_rest(service: Service) -> tuple[list[str], Response]:
    """What was still accepted, and the first answer that refuses."""
    accepted: list[str] = []
    while len(accepted) < 5_000:
        text = f"{len(accepted)} {LONG_TEXT}"
        answer = comment(service, text)
        if answer.status_code != 200:
            return accepted, answer
        accepted.append(text)
    raise AssertionError("the disk was never full")


# --- no connection ---------------------------------------------------------------------------------


def test_14_a_server_without_a_connection_to_give_is_waited_for(cluster: Cluster, tmp_path: Path) -> None:
    cluster.start(max_connections="12", superuser_reserved_connections="0", max_wal_senders="0")
    migrate(cluster.conninfo)
    with serving(cluster.conninfo, tmp_path, patience=0.5) as service:
        service.done("/v1/items", invoice("1"))
        with ExitStack() as others:
            take_all(cluster.conninfo, others)
            refused = service.post("/v1/items", invoice("2"))
            problem(refused, 503, "database-unavailable")
            assert refused.headers["Retry-After"] == "1"
            problem(service.get("/v1/items"), 503, "database-unavailable")
            assert service.http.get("/v1/health").status_code == 503
        eventually(lambda: service.post("/v1/items", invoice("2")).status_code in {200, 201})
        eventually(lambda: service.http.get("/v1/health").status_code == 200)
        assert is_sound(service)


def _taken(conninfo: str, connections: ExitStack) -> psycopg.Connection | None:
    try:
        return connections.enter_context(psycopg.connect(conninfo))
    except psycopg.OperationalError as error:
        assert "too many clients" in str(error)  # noqa: PT017 - the other errors are failures
        return None


def take_all(conninfo: str, connections: ExitStack) -> None:
    """Every connection that the server has to give, also those of the service."""
    admin = connections.enter_context(psycopg.connect(conninfo, autocommit=True))
    own = [admin.info.backend_pid]
    are_left = True
    while are_left:
        own += (each.info.backend_pid for each in iter(partial(_taken, conninfo, connections), None))
        are_left = bool(
            admin.execute(
                "select pg_terminate_backend(pid, 1000) from pg_stat_activity"
                " where backend_type = 'client backend' and pid <> all (%s)",
                [own],
            ).fetchall()
        )


def test_14_a_pool_without_a_connection_to_give_is_a_503_and_gives_one_later(
    database: str, tmp_path: Path
) -> None:
    with serving(database, tmp_path, size=3, patience=0.5) as service:
        service.done("/v1/items", invoice("1"))
        newest = service.newest()
        with ExitStack() as taken:
            for _ in range(3):
                taken.enter_context(service.database.pool.connection(timeout=10))
            refused = service.post("/v1/items", invoice("2"))
            problem(refused, 503, "database-unavailable")
            assert refused.headers["Retry-After"] == "1"
        assert service.newest() == newest
        assert service.done("/v1/items", invoice("2"))["changed"]


# --- the clock -------------------------------------------------------------------------------------


class SetBack(datetime):
    """The machine's clock after somebody has set it back."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """An hour ago."""
        return datetime.now(tz) - AN_HOUR


def set_back(conninfo: str) -> None:
    """The clock of the database, in every session that begins from now on."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("create schema set_back")
        connection.execute(
            "create function set_back.clock_timestamp() returns timestamptz language sql volatile"
            " as $$select pg_catalog.clock_timestamp() - interval '1 hour'$$"
        )
    alter(conninfo, psycopg.sql.SQL("set search_path = set_back, pg_catalog, public"))


def test_14_a_clock_that_is_set_back_does_not_turn_the_logs_time_back(
    service: Service, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.done("/v1/items", invoice("1"))
    before = service.done("/v1/disputes", opening("1"))
    set_back(database)
    with monkeypatch.context() as patched:
        patched.setattr("store.clock.datetime", SetBack)
        after = service.done("/v1/disputes/D/comment", {"text": "an hour before, by the clock"})
        other = service.done("/v1/items", invoice("2"))
        assert before["recorded_at"] == after["recorded_at"] == other["recorded_at"]
        assert service.done("/v1/disputes/D/resolve", {"outcome": "invoice_upheld"})["changed"]
        assert is_sound(service)
    alter(database, psycopg.sql.SQL("reset search_path"))
    last = service.done("/v1/items", invoice("3"))
    assert last["recorded_at"] > before["recorded_at"]
    recorded = service.database.company("acme").log.read(0, 1_000_000)
    assert all(one.recorded_at <= two.recorded_at for one, two in pairwise(recorded))
    assert is_sound(service)


def test_14_a_service_whose_database_was_set_back_alone_says_that_the_clocks_differ(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.done("/v1/items", invoice("1"))
    service.done("/v1/disputes", opening("1"))
    newest = service.newest()

    class Ahead(SetBack):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + AN_HOUR

    with monkeypatch.context() as patched:
        patched.setattr("store.clock.datetime", Ahead)
        refused = comment(service, "in an hour, by the clock")
        problem(refused, 503, "clocks-differ")
        assert refused.headers["Retry-After"] == "1"
    assert service.newest() == newest
    assert service.done("/v1/items", invoice("2"))["changed"]
