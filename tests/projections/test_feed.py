from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo

from projections.feed import Feed, FeedFailed
from projections.lines import Lines
from projections.writing import Writer
from store.connections import CompanyDatastore, LogUnavailable, Pool, open_pool
from store.log import Log
from tests.projections import straight
from tests.projections.histories import BUSY, HISTORIES, Made, Pick, append, new_company

PLAYED: tuple[Pick, ...] = tuple((n % 26, n * 7 % 8, n * 3 % 8, n * 5 % 6) for n in range(160))


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=6) as pool:
        yield pool


@pytest.fixture
def datastore(pool: Pool) -> CompanyDatastore:
    return CompanyDatastore(pool, "acme")


@pytest.fixture
def log(datastore: CompanyDatastore) -> Log:
    return Log(datastore)


def rows(pool: Pool, log: Log) -> dict[str, list[straight.StateRow]]:
    with pool.connection() as connection:
        return straight.stored(connection, log.datastore.schema)


def feed_of(log: Log, **options: Any) -> Feed:
    assert isinstance(log.datastore, CompanyDatastore)
    return Feed(log.datastore, log, **options)


@settings(max_examples=30, deadline=None, suppress_health_check=BUSY)
@given(
    HISTORIES, st.integers(1, 40), st.sampled_from([0, 1, 4, 1000]), st.lists(st.integers(1, 200), max_size=3)
)
def test_rows_equal_a_straight_fold_whatever_the_batches_and_the_cache(
    pool: Pool, picks: list[Pick], batch: int, cache: int, stops: list[int]
) -> None:
    made = Made().play(picks)
    log = new_company(pool)
    newest = append(log, made.decisions)
    feed = feed_of(log, batch=batch, cache=cache)
    for stop in stops:
        feed.catch_up(until=stop)
    assert feed.catch_up() == feed.position() == newest == made.events
    assert rows(pool, log) == straight.fold(made.decisions)
    assert len(feed._known) <= cache


@settings(max_examples=25, deadline=None, suppress_health_check=BUSY)
@given(HISTORIES, st.integers(0, 250), st.integers(0, 1500))
def test_as_of_two_clocks_finds_the_one_state_that_a_fold_of_the_visible_facts_gives(
    pool: Pool, picks: list[Pick], known: int, hours: int
) -> None:
    made = Made().play(picks)
    log = new_company(pool)
    append(log, made.decisions)
    feed_of(log).catch_up()
    moment = made.decisions[0].occurred_at + timedelta(hours=hours) - timedelta(days=10)
    visible, position, ends = [], 0, [0]
    for decision in made.decisions:
        position += len(decision.events)
        if position <= known:
            ends.append(position)
            if decision.occurred_at <= moment:
                visible.append(decision)
    schema = log.datastore.schema
    for table in ("item_states", "dispute_states", "follow_up_states", "import_states"):
        expected = [row for row in straight.fold(visible)[table] if row["until"] is None]
        with pool.connection() as connection:
            found = connection.execute(
                f"""select * from {schema}.{table}
                    where since <= %(p)s and (until > %(p)s or until is null) and occurred_from <= %(d)s
                    union
                    select * from {schema}.{table}
                    where since <= %(p)s and occurred_from <= %(d)s
                      and (occurred_until > %(d)s or occurred_until is null)""".encode(),
                {"p": ends[-1], "d": moment},
            ).fetchall()
        # is_open_now is the database's own
        times = (
            "since",
            "until",
            "occurred_until",
            "is_open_now",
        )  # positions of what is visible only are others
        key = straight.KEYS[table]
        assert sorted(
            ({name: value for name, value in row.items() if name not in times} for row in found),
            key=lambda row: str(row[key]),
        ) == [{name: value for name, value in row.items() if name not in times} for row in expected]


def test_a_batch_that_breaks_off_leaves_rows_and_position_as_they_were(
    pool: Pool, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    feed = feed_of(log, batch=60)
    feed.catch_up(until=60)
    before, position = rows(pool, log), feed.position()
    write, calls = Writer.write, 0

    def breaks_off(self: Writer, cursor: Any, new: Any) -> None:
        nonlocal calls
        calls += 1
        write(self, cursor, new)
        if calls == 2:
            raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(Writer, "write", breaks_off)
        with pytest.raises(ZeroDivisionError):
            feed.catch_up()
    assert calls == 2
    assert (rows(pool, log), feed.position()) == (before, position)
    assert feed.catch_up() == made.events
    assert rows(pool, log) == straight.fold(made.decisions)


def test_a_lost_connection_in_the_middle_of_a_batch_does_no_harm(
    pool: Pool, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    write, calls = Writer.write, 0

    def is_killed(self: Writer, cursor: Any, new: Any) -> None:
        nonlocal calls
        calls += 1
        write(self, cursor, new)
        if calls == 2:
            with pool.connection() as other:
                other.execute("select pg_terminate_backend(%s)", [cursor.connection.info.backend_pid])

    monkeypatch.setattr(Writer, "write", is_killed)
    assert feed_of(log, batch=60).catch_up() == made.events
    assert rows(pool, log) == straight.fold(made.decisions)


def test_catching_up_ends_on_the_decision_that_is_asked_for(log: Log) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    feed = feed_of(log)
    first = len(made.decisions[0].events)
    assert first > 3
    assert feed.catch_up(until=3) == first
    assert feed.catch_up(until=2) == first  # it never goes back
    assert feed.lag() == made.events - first
    assert feed.catch_up(until=10_000_000) == made.events
    assert feed.lag() == 0


def test_progress_is_told_after_every_batch(log: Log) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    told: list[tuple[int, int]] = []
    feed_of(log, batch=50).catch_up(progress=lambda *at: told.append(at))
    assert told[-1] == (made.events, made.events)
    assert len(told) >= made.events // 60
    assert told == sorted(told)


def test_it_leaves_off_after_a_batch_when_it_is_told_so(log: Log) -> None:
    append(log, Made().play(PLAYED).decisions)
    feed = feed_of(log, batch=50)
    assert 50 <= feed.catch_up(stop=lambda: feed.position() > 0) < 100
    assert feed.catch_up(stop=lambda: True) == feed.position()


def test_an_empty_log_is_no_work(log: Log) -> None:
    feed = feed_of(log)
    assert (feed.catch_up(), feed.position(), feed.lag()) == (0, 0, 0)


# --- two feeds ---------------------------------------------------------------------------------------


def test_a_feed_whose_batch_another_has_applied_drops_it(pool: Pool, log: Log) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    one, other = feed_of(log, batch=30), feed_of(log, batch=70)
    batch = one._prepare(0, 30)
    assert batch is not None
    other.catch_up(until=100)
    one._apply(batch)  # as if it had been slow
    assert one.catch_up(until=130) >= 130
    other.catch_up(until=150)  # its states are behind by what the first one applied
    one.catch_up()
    assert rows(pool, log) == straight.fold(made.decisions)


# --- where it stops ----------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 7, 2000])
def test_an_event_that_cannot_be_read_stops_the_feed_before_its_decision(
    pool: Pool, log: Log, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    several = next(n for n, decision in enumerate(made.decisions) if n > 20 and len(decision.events) > 2)
    applied = sum(len(decision.events) for decision in made.decisions[:several])
    spoil(log, monkeypatch, position=applied + 2, name="nobody-knows.v9")
    feed = feed_of(log, batch=batch)
    with pytest.raises(FeedFailed):
        feed.catch_up()
    with pytest.raises(FeedFailed) as failed:  # trying again skips nothing
        feed.catch_up()
    assert failed.value.position == applied + 2
    assert str(failed.value).startswith(f"the feed stopped at event {applied + 2} (nobody-knows.v9): Unknown")
    assert (feed.position(), feed.lag(), feed.failure) == (applied, made.events - applied, failed.value)
    assert rows(pool, log) == straight.fold(made.decisions[:several])
    monkeypatch.undo()
    assert feed.catch_up() == made.events
    assert feed.failure is None
    assert rows(pool, log) == straight.fold(made.decisions)


def spoil(log: Log, monkeypatch: pytest.MonkeyPatch, position: int, name: str) -> None:
    read = Lines.after

    def spoiled(self: Lines, after: int, limit: int) -> list[Any]:
        lines = read(self, after, limit)
        return [(*line[:4], name, *line[5:]) if line[0] == position else line for line in lines]

    monkeypatch.setattr(Lines, "after", spoiled)


def test_rows_that_do_not_fit_stop_the_feed_and_say_so(pool: Pool, log: Log) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    feed = feed_of(log)
    feed.catch_up(until=made.events // 2)
    with pool.connection() as connection:
        connection.execute("delete from company_acme.item_states where until is null")
    with pytest.raises(FeedFailed, match="item_states lacks live rows that the log tells of: rebuild"):
        feed.catch_up()


def test_a_failure_quotes_nothing_of_the_rows(pool: Pool, log: Log) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    with pool.connection() as connection:
        connection.execute("alter table company_acme.customer_states add check (code <> 'C1')")
    with pytest.raises(FeedFailed, match="CheckViolation") as failed:
        feed_of(log).catch_up()
    assert "C1" not in str(failed.value)


# --- trouble that passes -----------------------------------------------------------------------------


def test_a_database_that_takes_no_changes_is_no_failure_of_an_event(database: str, log: Log) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    read_only = make_conninfo(database, options="-c default_transaction_read_only=on")
    with open_pool(read_only, size=2) as pool:
        feed = Feed(CompanyDatastore(pool, "acme"), log)
        with pytest.raises(LogUnavailable, match="read-only"):
            feed.catch_up()
        assert feed.failure is None
    assert feed_of(log).catch_up() == made.events


class Hiccup:
    """The rows of one batch cannot be written, once; ``sizes`` are those of the batches that were."""

    def __init__(self, feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        write, has_failed = feed._write, False

        def once(batch: Any) -> Any:
            nonlocal has_failed
            if not has_failed:
                has_failed = True
                raise psycopg.errors.CheckViolation("no")
            outcome = write(batch)
            if outcome.name == "APPLIED":
                self.sizes.append(batch.upto - batch.after)
            return outcome

        monkeypatch.setattr(feed, "_write", once)


def test_looking_for_a_bad_event_ends_after_the_batch_that_failed(
    pool: Pool, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    feed = feed_of(log, batch=40)
    hiccup = Hiccup(feed, monkeypatch)
    assert feed.catch_up() == made.events > 160
    small = [size for size in hiccup.sizes if size < 40]
    assert sum(small[:-1]) <= 60  # of the batch that failed; the last of all may be small, too
    assert max(hiccup.sizes) >= 40
    assert rows(pool, log) == straight.fold(made.decisions)


def test_looking_for_a_bad_event_goes_no_further_than_asked(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    until = len(made.decisions[0].events)
    feed = feed_of(log)
    Hiccup(feed, monkeypatch)
    assert feed.catch_up(until=until) == until


def test_looking_for_a_bad_event_leaves_off_when_it_is_told_so(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    feed = feed_of(log, batch=40)
    hiccup = Hiccup(feed, monkeypatch)
    feed.catch_up(stop=lambda: bool(hiccup.sizes))
    assert len(hiccup.sizes) == 1
    assert feed.position() < 40


def test_looking_for_a_bad_event_waits_for_another_feed_at_work(
    pool: Pool, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    feed = feed_of(log)
    feed.catch_up(until=1)
    Hiccup(feed, monkeypatch)
    pauses: list[float] = []
    with pool.connection() as connection:
        connection.execute("begin")
        connection.execute("select from company_acme.tracking for update")

        def pause(_: int, seconds: float) -> None:
            pauses.append(seconds)
            connection.execute("commit")

        monkeypatch.setattr(feed, "_pause", pause)
        assert feed.catch_up() == made.events
    assert len(pauses) == 1


# --- waiting for it ----------------------------------------------------------------------------------


def test_who_waits_for_a_position_brings_the_tables_there(log: Log) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    feed = feed_of(log, batch=20)
    assert feed.wait_for(90, timeout=10)
    assert 90 <= feed.position() < made.events
    assert feed.wait_for(0, timeout=0)


def test_who_waits_for_what_is_not_there_gets_tired(log: Log) -> None:
    append(log, Made().decisions)
    feed = feed_of(log)
    assert not feed.wait_for(10_000, timeout=0.1)
    assert feed.lag() == 0


def test_who_waits_while_another_feed_holds_the_tables_gets_tired(pool: Pool, log: Log) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    feed = feed_of(log)
    feed.catch_up(until=10)
    with pool.connection() as connection, connection.transaction():
        connection.execute("select from company_acme.tracking where application_name = 'states' for update")
        assert not feed.wait_for(made.events, timeout=0.1)
    assert feed.wait_for(made.events, timeout=10)


def test_who_waits_for_a_feed_that_failed_hears_why(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    spoil(log, monkeypatch, position=made.events, name="nobody-knows.v9")
    feed = feed_of(log)
    with pytest.raises(FeedFailed, match="nobody-knows"):
        feed.wait_for(made.events, timeout=10)
