"""The pool, and what a lost connection does to an append."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import DictRow

from store import connections
from store.clock import new_id
from store.connections import CompanyDatastore, LogUnavailable, Pool, UnsafeSetting, open_pool
from store.log import Log
from tests.store.facts import CODEC, one

A = new_id()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_FIRST_PAUSE", 0.001)


@pytest.fixture
def company(pool: Pool) -> CompanyDatastore:
    return CompanyDatastore(pool, "acme")


@pytest.fixture
def commands(database: str) -> Iterator[psycopg.Cursor]:
    """Looks at the commands that were accepted."""
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection.cursor()


def test_the_connection_returned_last_is_handed_out_next(pool: Pool) -> None:
    first, second = pool.getconn(), pool.getconn()
    pool.putconn(first)
    pool.putconn(second)

    for _ in range(3):
        again = pool.getconn()
        assert again is second
        pool.putconn(again)


def test_connections_commit_by_themselves_and_speak_utc(pool: Pool) -> None:
    with pool.connection() as connection:
        assert connection.autocommit
        assert connection.execute("show timezone").fetchone() == {"TimeZone": "UTC"}


def taken(pool: Pool) -> list[psycopg.Connection[DictRow]]:
    """Every connection of the pool, given back already."""
    every = [pool.getconn() for _ in range(pool.max_size)]
    for connection in every:
        pool.putconn(connection)
    return every


def test_connections_that_were_cut_while_idle_do_no_harm_however_many(
    log: Log, pool: Pool, commands: psycopg.Cursor
) -> None:
    log.append(one(A))
    taken(pool)
    commands.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
        " and backend_type = 'client backend' and pid <> pg_backend_pid()"
    )

    assert log.append(one(A, 1)).last == 2
    assert log.newest() == 2
    for connection in taken(pool):  # the others need not each be found out
        assert connection.execute("select 1 as one").fetchone() == {"one": 1}


def test_an_append_whose_answer_was_lost_after_the_commit_has_one_effect(
    company: CompanyDatastore, monkeypatch: pytest.MonkeyPatch, commands: psycopg.Cursor
) -> None:
    log = Log(company, CODEC)
    really = company.rows_once
    calls: list[object] = []

    def lose_the_first_answer(*call: object) -> list[connections.Row]:
        rows = really(*call)  # type: ignore[arg-type]
        calls.append(call)
        if len(calls) == 1:
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return rows

    monkeypatch.setattr(company, "rows_once", lose_the_first_answer)

    appended = log.append(one(A, key="mine"))

    assert len(calls) == 2
    assert (appended.first, appended.last, appended.answer, appended.replayed) == (1, 1, b"accepted", False)
    assert log.newest() == 1
    assert commands.execute("select count(*) from company_acme.commands").fetchone() == (1,)


def test_a_batch_whose_answer_was_lost_after_the_commit_has_one_effect(
    company: CompanyDatastore, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(company, CODEC)
    log.append(one(A, key="known"))
    really = company.rows_together
    calls: list[object] = []

    def lose_the_first_answer(*call: object) -> list[connections.Row]:
        rows = really(*call)  # type: ignore[arg-type]
        calls.append(call)
        if len(calls) == 1:
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return rows

    monkeypatch.setattr(company, "rows_together", lose_the_first_answer)

    appended = log.append_all([one(new_id()), one(new_id(), key="known"), one(new_id())])

    assert len(calls) == 2
    assert [(each.last, each.replayed) for each in appended] == [(2, False), (1, True), (3, False)]
    assert log.newest() == 3


def test_patience_has_an_end(company: CompanyDatastore, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []

    def lose(*call: object) -> list[connections.Row]:
        calls.append(call)
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(company, "rows_once", lose)

    with pytest.raises(LogUnavailable, match="closed the connection"):
        Log(company, CODEC).append(one(A))
    assert len(calls) == 5


def test_a_pool_without_a_connection_to_give_is_told_as_such(database: str) -> None:
    with (
        open_pool(database, size=1, timeout=0.05) as pool,
        pool.connection(),
        pytest.raises(LogUnavailable, match="couldn't get a connection"),
    ):
        Log(CompanyDatastore(pool, "acme"), CODEC).newest()


def test_whether_the_database_answers_can_be_asked(pool: Pool, tmp_path: Path) -> None:
    assert connections.is_reachable(pool)
    with open_pool(f"host={tmp_path} user=nobody dbname=nothing", size=1) as nowhere:
        assert not connections.is_reachable(nowhere, patience=0.05)


def test_a_statement_that_takes_too_long_is_not_tried_again(log: Log, database: str, pool: Pool) -> None:
    with psycopg.connect(database) as other:
        other.execute("select pg_advisory_xact_lock(company_acme.append_lock())")
        with pool.connection() as connection:
            connection.execute("set statement_timeout = '50ms'")
        with pytest.raises(LogUnavailable, match="statement timeout"):
            log.append(one(A))  # on the same connection: the last in is the first out
    assert log.newest() == 0


def test_what_is_wrong_with_a_statement_itself_passes_through(company: CompanyDatastore) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        company.rows(b"select 1 from nowhere")


@pytest.mark.parametrize("value", ["yes", "1", "nonsense"])
def test_the_librarys_database_functions_are_refused_at_start(
    database: str, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("POSTGRES_ENABLE_DB_FUNCTIONS", value)

    with pytest.raises(UnsafeSetting, match="POSTGRES_ENABLE_DB_FUNCTIONS"):
        open_pool(database)


@pytest.mark.parametrize("value", ["", "no", "False", "0"])
def test_database_functions_that_are_switched_off_are_no_reason_to_refuse(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("POSTGRES_ENABLE_DB_FUNCTIONS", value)

    connections.refuse_unsafe_settings()
