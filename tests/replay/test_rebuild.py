from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings

from domain.commands import Decision
from projections.feed import Feed
from projections.fold import Unfoldable
from projections.report_tables import KINDS, READ
from projections.worker import Worker
from replay import filling, new_tables, space, swap
from replay import rebuild as module
from replay.filling import Share, TablesGone, fill
from replay.processes import ProcessLost
from replay.rebuild import RebuildRunning, Rebuilt, rebuild, types_of
from replay.space import NotEnoughSpace, space_for
from replay.stream_ranges import StreamRange, stream_ranges
from replay.swap import ReadersInTheWay
from replay.verify import verify
from store.connections import CompanyDatastore, Pool, open_pool
from store.log import Log
from tests.projections import straight
from tests.projections.histories import BUSY, HISTORIES, Made, Pick, append, append_from, new_company, picks

PLAYED = picks(3, 220)


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=8) as pool:
        yield pool


@pytest.fixture
def datastore(pool: Pool) -> CompanyDatastore:
    return CompanyDatastore(pool, "acme")


@pytest.fixture
def log(datastore: CompanyDatastore) -> Log:
    return Log(datastore)


def rows(pool: Pool, schema: str = "company_acme") -> dict[str, list[straight.StateRow]]:
    with pool.connection() as connection:
        return straight.stored(connection, schema)


SHAPE = """
select c.relname, c.relkind, c.relacl::text, c.reloptions, pg_get_indexdef(i.indexrelid) as index, a.columns,
       k.checks
from pg_class c left join pg_index i on i.indexrelid = c.oid
left join lateral (select array_agg((attname, format_type(atttypid, -1), attnotnull)::text order by attnum)
                   from pg_attribute where attrelid = c.oid and attnum > 0) a (columns) on c.relkind = 'r'
left join lateral (select array_agg(pg_get_constraintdef(oid) order by conname) from pg_constraint
                   where conrelid = c.oid) k (checks) on true
where c.relnamespace = 'company_acme'::regnamespace order by 1"""


def shape(pool: Pool) -> list[dict[str, Any]]:
    """Every table and index of the company: names, columns, definitions, rights."""
    with pool.connection() as connection:
        return connection.execute(SHAPE).fetchall()


def left_behind(pool: Pool) -> list[str]:
    return [row["relname"] for row in shape(pool) if "_new" in row["relname"] or "_old" in row["relname"]]


@settings(max_examples=10, deadline=None, suppress_health_check=BUSY)
@given(HISTORIES)
def test_rebuilt_tables_equal_a_straight_fold(pool: Pool, picks: tuple[Pick, ...]) -> None:
    made = Made().play(picks)
    log = new_company(pool)
    newest = append(log, made.decisions)
    assert isinstance(log.datastore, CompanyDatastore)
    feed = Feed(log.datastore, log)
    feed.catch_up(newest // 2)  # behind: the tables in use are brought up to the log as well
    rebuilt = rebuild(log.datastore, log)
    assert (rebuilt.events, rebuilt.position, feed.position()) == (newest, newest, newest)
    assert rows(pool, log.datastore.schema) == straight.fold(made.decisions)


def test_a_rebuild_mends_what_was_altered_and_leaves_the_tables_as_they_are_made(
    pool: Pool, datastore: CompanyDatastore, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "_CHUNK", 7)
    made = Made().play(PLAYED)
    append(log, made.decisions)
    feed = Feed(datastore, log)
    feed.catch_up()
    with pool.connection() as connection:
        connection.execute("create role reader_of_states")
        connection.execute("grant select, update on company_acme.item_states to reader_of_states")
        connection.execute("grant select on company_acme.customer_states to public")
        connection.execute(
            "alter table company_acme.item_states add constraint whole check (balance is not null)"
        )
    try:
        before = shape(pool)
        with pool.connection() as connection:
            connection.execute("update company_acme.item_states set balance = 0")
            connection.execute("delete from company_acme.dispute_states")
        rebuild(datastore, log)
        assert shape(pool) == before
        assert rows(pool) == straight.fold(made.decisions)
        more = Made().play([*PLAYED, *picks(4, 100)])
        append_rest(log, more, len(made.decisions))
        assert feed.catch_up() == more.events  # and the feed goes on where it was
        assert verify(datastore, log).is_sound
    finally:
        with pool.connection() as connection:
            connection.execute("drop owned by reader_of_states")
            connection.execute("drop role reader_of_states")


def append_rest(log: Log, made: Made, start: int) -> None:
    versions: dict[Any, int] = {}
    for decision in made.decisions[:start]:
        for event in decision.events:
            versions[event.stream_id] = versions.get(event.stream_id, 0) + 1
    append_from(log, made.decisions[start:], versions)


def test_an_empty_company_can_be_rebuilt(pool: Pool, datastore: CompanyDatastore, log: Log) -> None:
    before = shape(pool)
    assert rebuild(datastore, log).position == 0
    assert shape(pool) == before


def test_progress_is_told(datastore: CompanyDatastore, log: Log) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    told: list[tuple[str, int, int]] = []
    rebuild(datastore, log, lambda *at: told.append(at))
    assert [at for at in told if at[0] == "folding"][-1] == ("folding", made.events, made.events)
    assert ("indexing", 39, 39) in told
    assert told[-1] == ("swapped", 1, 1)


def in_halves(decisions: Sequence[Decision], once: threading.Event) -> Iterator[Decision]:
    """The second half only *once* that has happened: there is something to write during two rebuilds."""
    half = len(decisions) // 2
    yield from decisions[:half]
    assert once.wait(60)
    yield from decisions[half:]


def test_the_service_goes_on_while_tables_are_rebuilt(
    pool: Pool, datastore: CompanyDatastore, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "_CHUNK", 20)
    monkeypatch.setattr(module, "_CLOSE", 5)
    made = Made().play(picks(5, 1500))
    feed = Feed(datastore, log, batch=10)
    once, over = threading.Event(), threading.Event()
    troubles: list[BaseException] = []
    reads: list[int] = []

    def read() -> None:
        with suppress_into(troubles):
            while not over.is_set():
                reads.append(one_read(pool))

    def write() -> None:
        with suppress_into(troubles):
            versions: dict[Any, int] = {}
            for decision in in_halves(made.decisions, once):
                append_from(log, [decision], versions)

    threads = [threading.Thread(target=read), threading.Thread(target=write)]
    with Worker(feed, log) as worker:
        for thread in threads:
            thread.start()
        rebuilt: list[Rebuilt] = []
        while threads[1].is_alive():
            rebuilt.append(rebuild(datastore, log))
            once.set()
        assert feed.wait_for(made.events, timeout=20)
        over.set()
        for thread in threads:
            thread.join()
        assert worker.health().failure is None
    assert troubles == []
    assert len(rebuilt) > 1
    assert any(0 < one.position < made.events for one in rebuilt)
    assert sorted(reads) == reads
    assert rows(pool) == straight.fold(made.decisions)


@contextmanager
def suppress_into(troubles: list[BaseException]) -> Iterator[None]:
    try:
        yield
    except Exception as trouble:  # noqa: BLE001 - a thread's, to be shown by the test
        troubles.append(trouble)


def one_read(pool: Pool) -> int:
    """One snapshot, the position locked before it is taken. The rows must be those of just this position."""
    with pool.connection() as connection:
        connection.execute(
            "begin isolation level repeatable read, read only;"
            " lock table company_acme.tracking in access share mode"
        )
        position = only(connection, "select coalesce(max(notification_id), 0) from company_acme.tracking"
                                    " where application_name = 'states'")  # fmt: skip
        time.sleep(0.001)
        for table in ("item_states", "follow_up_states", "status_states", "dispute_states"):
            last = only(connection, f"select coalesce(max(since), 0) from company_acme.{table}")
            assert last <= position
            live = only(connection, f"select count(*) from company_acme.{table} where until is null")
            keys = only(
                connection, f"select count(distinct {straight.KEYS[table]}) from company_acme.{table}"
            )
            assert live == keys
        connection.rollback()
        return position


def only(connection: psycopg.Connection[Any], statement: str) -> int:
    found = connection.execute(statement.encode()).fetchone()
    assert found is not None
    value: int
    (value,) = found.values()
    return value


def test_views_show_the_new_tables(pool: Pool, datastore: CompanyDatastore, log: Log) -> None:
    append(log, Made().play(PLAYED).decisions)
    Feed(datastore, log).catch_up()
    with pool.connection() as connection:
        connection.execute(
            """create view company_acme.numbers with (security_barrier = true) as
               select i.number || '%' as number, c.name from company_acme.item_states i
               join company_acme.customer_states c using (customer_id)"""
        )
        connection.execute("create view company_acme.fewer as select number from company_acme.numbers")
        before = only(connection, "select count(*) from company_acme.fewer")
        connection.execute("delete from company_acme.item_states")
    shaped = shape(pool)
    rebuild(datastore, log)
    with pool.connection() as connection:
        assert only(connection, "select count(*) from company_acme.fewer") == before > 0
    assert shape(pool) == shaped


# --- what ends it early ------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["folding", "indexing", "catching up", "swap"])
def test_a_rebuild_that_is_broken_off_leaves_the_tables_as_they_were(
    pool: Pool, datastore: CompanyDatastore, log: Log, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    monkeypatch.setattr(module, "_CLOSE", 0)
    made = Made().play(PLAYED)
    half_way = len(made.decisions) // 2
    append(log, made.decisions[:half_way])
    feed = Feed(datastore, log)
    feed.catch_up()
    renames = swap._renames
    before: list[Any] = []

    def half(*call: Any) -> Any:
        return renames(*call) + psycopg.sql.SQL("; select 1 / 0")

    def told(what: str, *_: int) -> None:
        if not before:  # the service goes on meanwhile
            append_rest(log, made, half_way)
            feed.catch_up()
            with pool.connection() as connection:
                connection.execute("update company_acme.item_states set number = 'as it was'")
            before.extend(([row for row in shape(pool) if "_new" not in row["relname"]], rows(pool)))
        if what == stage:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if stage == "swap":
            patched.setattr(swap, "_renames", half)
        with pytest.raises((KeyboardInterrupt, psycopg.errors.DivisionByZero)):
            rebuild(datastore, log, told)
    assert [shape(pool), rows(pool)] == before
    rebuild(datastore, log)
    assert rows(pool) == straight.fold(made.decisions)


def test_what_a_crash_left_behind_is_removed_by_the_next_rebuild(
    pool: Pool, datastore: CompanyDatastore, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    Feed(datastore, log).catch_up()
    before = shape(pool), rows(pool)

    def crash(*_: Any) -> None:
        with pool.connection() as other:  # the server ends all our connections but this one
            other.execute("select pg_terminate_backend(pid) from pg_stat_activity"
                          " where datname = current_database() and pid <> pg_backend_pid()")  # fmt: skip
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(module, "swap", crash)
        with pytest.raises((ZeroDivisionError, psycopg.OperationalError)):
            rebuild(datastore, log)
    pool.check()
    assert set(left_behind(pool)) >= {"item_states_new", "tracking_new", "item_states_live_new"}
    assert rows(pool) == before[1]
    rebuild(datastore, log)
    assert (shape(pool), rows(pool)) == before


def test_an_event_that_cannot_be_folded_ends_a_rebuild(
    pool: Pool, datastore: CompanyDatastore, log: Log
) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    Feed(datastore, log).catch_up()
    with pool.connection() as connection:
        connection.execute("alter table company_acme.events disable trigger events_stay")
        connection.execute("update company_acme.events set type = 'spoilt' where position = 100")
    with pytest.raises(Unfoldable, match="spoilt"):
        rebuild(datastore, log)
    assert left_behind(pool) == []
    assert rows(pool) == straight.fold(made.decisions)


def test_one_rebuild_at_a_time(datastore: CompanyDatastore, log: Log) -> None:
    append(log, Made().play(PLAYED).decisions)
    refused: list[bool] = []

    def another(*_: Any) -> None:
        if not refused:
            with pytest.raises(RebuildRunning):
                rebuild(datastore, log)
            refused.append(True)

    rebuild(datastore, log, another)
    assert refused


# --- readers -----------------------------------------------------------------------------------------


def test_a_reader_in_the_way_is_waited_for_and_holds_nobody_up(
    pool: Pool, datastore: CompanyDatastore, log: Log
) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    Feed(datastore, log).catch_up()
    rebuilding = threading.Thread(target=rebuild, args=(datastore, log))
    with pool.connection() as reader:
        reader.execute("begin")
        reader.execute("select from company_acme.dispute_states")
        rebuilding.start()
        end, waits = time.monotonic() + 1.5, []
        while time.monotonic() < end:
            began = time.monotonic()
            assert one_read(pool) == made.events
            waits.append(time.monotonic() - began)
        assert rebuilding.is_alive()
        reader.rollback()
    rebuilding.join(20)
    assert not rebuilding.is_alive()
    assert rows(pool) == straight.fold(made.decisions)
    assert max(waits) < 1


def test_who_has_seen_the_position_reads_on_in_the_tables_that_belong_to_it(
    pool: Pool, datastore: CompanyDatastore, log: Log
) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    feed = Feed(datastore, log)
    position = feed.catch_up(made.events // 2)
    rebuilding = threading.Thread(target=rebuild, args=(datastore, log))
    with pool.connection() as reader:
        reader.execute(
            "begin isolation level repeatable read; lock table company_acme.tracking in access share mode"
        )
        reader.execute("select from company_acme.tracking")
        feed.catch_up()
        rebuilding.start()
        time.sleep(1)
        assert rebuilding.is_alive()
        assert straight.stored(reader, "company_acme") == straight.fold(up_to(made, position))
        reader.rollback()
    rebuilding.join(20)
    assert rows(pool) == straight.fold(made.decisions)


def up_to(made: Made, position: int) -> list[Any]:
    taken, events = [], 0
    for decision in made.decisions:
        events += len(decision.events)
        if events <= position:
            taken.append(decision)
    return taken


def test_readers_that_never_go_away_end_it(
    pool: Pool, datastore: CompanyDatastore, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swap, "_PATIENCE", 0.2)
    append(log, Made().play(PLAYED).decisions)
    Feed(datastore, log).catch_up()
    before = shape(pool)
    with pool.connection() as reader, reader.transaction():
        reader.execute("select from company_acme.dispute_states")
        with pytest.raises(ReadersInTheWay):
            rebuild(datastore, log)
    assert shape(pool) == before


def test_plans_made_before_a_swap_read_the_new_tables(
    pool: Pool, datastore: CompanyDatastore, log: Log
) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    Feed(datastore, log).catch_up()
    statement = b"select count(*) as n from company_acme.item_states where since > %s"
    with pool.connection() as connection:
        before = connection.execute(statement, [0], prepare=True).fetchone()
        for _ in range(8):  # often enough to be planned once for all
            connection.execute(statement, [0], prepare=True)
        connection.execute("delete from company_acme.item_states")
        rebuild(datastore, log)
        assert connection.execute(statement, [0], prepare=True).fetchone() == before
    assert before != {"n": 0}


# --- several processes -------------------------------------------------------------------------------


def test_41_processes_share_the_streams_out_and_make_the_same_tables(
    pool: Pool, datastore: CompanyDatastore, log: Log
) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    Feed(datastore, log).catch_up()
    with pool.connection() as connection:
        ranges = stream_ranges(connection, datastore.schema, made.events, 8)
        connection.execute("delete from company_acme.dispute_states")
    assert len(ranges) == 8
    told: list[int] = []
    rebuilt = rebuild(datastore, log, lambda what, done, _: told.append(done) if what == "folding" else None,
                      processes=2)  # fmt: skip
    assert rebuilt.events == told[-1] == made.events
    assert rows(pool) == straight.fold(made.decisions)


def test_41_a_process_that_is_killed_leaves_the_live_tables(
    pool: Pool, datastore: CompanyDatastore, log: Log
) -> None:
    append(log, Made().play(PLAYED).decisions)
    Feed(datastore, log).catch_up()
    with pool.connection() as connection:
        connection.execute("update company_acme.item_states set number = 'as it was'")
    before = shape(pool), rows(pool)

    def kill(*_: Any) -> None:
        for process in multiprocessing.active_children():
            process.kill()

    with pytest.raises(ProcessLost):
        rebuild(datastore, log, kill, processes=2)
    assert multiprocessing.active_children() == []
    assert (shape(pool), rows(pool)) == before


def test_41_what_one_process_cannot_fold_ends_all_of_them(
    pool: Pool, datastore: CompanyDatastore, log: Log
) -> None:
    append(log, Made().play(PLAYED).decisions)
    with pool.connection() as connection:
        connection.execute("alter table company_acme.events disable trigger events_stay")
        connection.execute("update company_acme.events set type = 'spoilt' where position = 100")
    with pytest.raises(Unfoldable, match=r"event 100 \(spoilt\)"):
        rebuild(datastore, log, processes=2)
    assert multiprocessing.active_children() == []
    assert left_behind(pool) == []


def test_a_process_that_outlives_its_rebuild_does_not_write_into_the_next_ones_tables(
    pool: Pool, datastore: CompanyDatastore, log: Log
) -> None:
    append(log, Made().play(PLAYED).decisions)
    share = Share(str(pool.conninfo), "acme", StreamRange(), 100, None, new_tables.ALL, 1)
    with pytest.raises(TablesGone):
        fill(share, lambda _: None)
    with pool.connection() as connection, connection.cursor() as cursor:
        made = new_tables.create(cursor, datastore.schema, new_tables.ALL, 100)
    with pytest.raises(TablesGone):
        fill(replace(share, made=made - 1), lambda _: None)
    assert fill(replace(share, made=made), lambda _: None) == 100


# --- some tables -------------------------------------------------------------------------------------


def test_41_tables_of_some_reports_are_made_anew_at_the_position_of_the_others(
    pool: Pool, datastore: CompanyDatastore, log: Log
) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    feed = Feed(datastore, log)
    position = feed.catch_up(made.events // 2)  # behind the log: so are the tables that stay
    with pool.connection() as connection:
        connection.execute("update company_acme.item_states set number = 'x'")
        connection.execute("update company_acme.import_states set file_name = 'as it was'")
        kept = connection.execute("select * from company_acme.import_states order by 1, since").fetchall()
    before = shape(pool)
    rebuilt = rebuild(datastore, log, tables=READ["dispute-report"])
    assert rebuilt.position == feed.position() == position
    expected = straight.fold(up_to(made, position))
    found = rows(pool)
    names = READ["dispute-report"] & expected.keys()  # episodes that ended are verified below
    assert {name: found[name] for name in names} == {name: expected[name] for name in names}
    with pool.connection() as connection:
        assert kept == connection.execute(
            "select * from company_acme.import_states order by 1, since"
        ).fetchall()  # fmt: skip
    assert shape(pool) == before
    rebuild(datastore, log, tables=["import_states"])
    assert verify(datastore, log).is_sound
    assert feed.catch_up() == made.events
    assert verify(datastore, log).is_sound


def test_every_table_follows_from_streams_of_one_kind(log: Log) -> None:
    assert list(KINDS) == list(new_tables.ALL)
    types = [types_of(log.codec, [name]) for name in KINDS]
    assert set().union(*types) == log.codec.types.stored_names


# --- room --------------------------------------------------------------------------------------------


def test_room_is_asked_for_by_what_there_is_now(
    pool: Pool, datastore: CompanyDatastore, log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(log, Made().play(PLAYED).decisions)
    empty = space_for(datastore)
    Feed(datastore, log).catch_up()
    all_tables, some = space_for(datastore), space_for(datastore, READ["dispute-report"])
    with pool.connection() as connection:
        log_size = only(connection, "select pg_relation_size('company_acme.events')")
        sizes = " + ".join(f"pg_total_relation_size('company_acme.{name}')" for name in new_tables.ALL)
        assert all_tables.tables == only(connection, f"select {sizes}") > some.tables > 0
    assert empty.tables >= 2 * log_size > 0
    assert all_tables.needed > all_tables.tables + log_size
    assert all_tables.check(tmp_path) > all_tables.needed
    monkeypatch.setattr(space, "disk_usage", lambda _: SimpleNamespace(free=1_500))
    with pytest.raises(NotEnoughSpace, match=r"takes about .*B, and 1\.5 kB are free in .* --force"):
        all_tables.check(tmp_path)
