from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.commands import Decision
from projections import worker as worker_module
from projections.feed import Feed, FeedFailed
from projections.lines import Lines
from projections.worker import Worker
from store.connections import CompanyDatastore, LogUnavailable, Pool, open_pool
from store.log import Log
from tests.projections import straight
from tests.projections.histories import Made, Pick, append_from

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


def eventually(holds: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def test_it_follows_what_this_process_appends_at_once(
    datastore: CompanyDatastore, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.log._POLL", 60)  # so that only being woken explains it
    monkeypatch.setattr(worker_module, "_PATIENCE", 3)
    made = Made().play(PLAYED)
    feed = Feed(datastore, log)
    with Worker(feed, log) as worker:
        versions: dict[Any, int] = {}
        for start in range(0, len(made.decisions), 20):
            newest = append_from(log, made.decisions[start : start + 20], versions)
            assert feed.wait_for(newest, timeout=2)
        health = worker.health()
    assert (health.running, health.position, health.lag, health.failure) == (True, made.events, 0, None)
    assert worker.health().running is False


def test_it_notices_what_others_append(datastore: CompanyDatastore, log: Log) -> None:
    feed = Feed(datastore, log)
    with Worker(feed, log):
        newest = append_from(Log(datastore), Made().decisions, {})
        assert feed.wait_for(newest, timeout=10)


def test_it_stops_and_starts(datastore: CompanyDatastore, log: Log) -> None:
    feed = Feed(datastore, log)
    worker = Worker(feed, log)
    worker.stop()  # nothing to stop
    worker.start()
    with pytest.raises(RuntimeError):
        worker.start()
    worker.stop()
    assert not any(thread.name == "feed" for thread in threading.enumerate())
    newest = append_from(log, Made().decisions, {})
    assert feed.position() == 0
    assert feed.wait_for(newest, timeout=10)  # nobody follows any more: who waits does it
    worker.start()
    worker.stop()


def test_stopping_does_not_wait_for_the_end_of_a_long_way(datastore: CompanyDatastore, log: Log) -> None:
    made = Made().play(PLAYED)
    append_from(log, made.decisions, {})
    feed = Feed(datastore, log, batch=1)
    worker = Worker(feed, log)
    worker.start()
    assert eventually(lambda: feed.position() > 0)
    worker.stop()
    assert 0 < feed.position() < made.events


def test_a_failure_shows_and_who_waits_hears_it_and_mending_goes_on(
    datastore: CompanyDatastore, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "_RETRY", 0.01)
    made = Made().play(PLAYED)
    append_from(log, made.decisions, {})
    read = Lines.after

    def spoiled(self: Lines, after: int, limit: int) -> list[Any]:
        lines = read(self, after, limit)
        return [(*line[:5], "{", line[6]) if line[0] == made.events else line for line in lines]

    feed = Feed(datastore, log)
    with monkeypatch.context() as patched:
        patched.setattr(Lines, "after", spoiled)  # before the worker starts: it is fast
        worker = Worker(feed, log)
        worker.start()
        assert eventually(lambda: not worker.health().running)
        health = worker.health()
        assert health.failure is not None
        assert re.fullmatch(rf"the feed stopped at event {made.events} \([\w.-]+\): \w+", health.failure)
        assert health.lag
        with pytest.raises(FeedFailed):
            feed.wait_for(made.events, timeout=10)
    assert eventually(lambda: worker.health().lag == 0)
    assert eventually(lambda: worker.health().running)
    worker.stop()


def test_a_database_that_is_away_shows_and_is_waited_for(
    datastore: CompanyDatastore, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "_RETRY", 0.01)
    away = True
    rows = CompanyDatastore.rows

    def unreachable(self: CompanyDatastore, *call: Any) -> Any:
        if away:
            raise LogUnavailable("nobody answers")
        return rows(self, *call)

    monkeypatch.setattr(CompanyDatastore, "rows", unreachable)
    with Worker(Feed(datastore, log), log) as worker:
        assert eventually(lambda: not worker.health().running)
        assert worker.health() == worker_module.Health(False, None, None, "LogUnavailable")  # noqa: FBT003
        away = False
        assert eventually(lambda: worker.health().running)


def test_trouble_that_nobody_thought_of_shows_too(
    datastore: CompanyDatastore, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "_RETRY", 0.01)
    feed = Feed(datastore, log)
    with capture_logs() as logged, monkeypatch.context() as patched, Worker(feed, log) as worker:
        patched.setattr(feed, "catch_up", lambda **_: 1 // 0)
        assert eventually(lambda: bool(logged))
        assert worker.health().failure == "ZeroDivisionError"  # its text is in the log: health is for all
        (entry,) = logged
        assert entry["error"].startswith("ZeroDivisionError: ")
        patched.undo()
        assert eventually(lambda: worker.health().running)


def test_feeds_of_several_processes_apply_each_event_once(
    database: str, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "_GATHER", 0)  # or one of them would take all of it at once
    made = Made().play([*PLAYED, *PLAYED[::-1], *PLAYED[::3]])
    with open_pool(database, size=4) as elsewhere:
        others = [CompanyDatastore(elsewhere, "acme") for _ in range(2)]
        feeds = [Feed(datastore, Log(datastore), batch=3) for datastore in others]
        applied = [count_applied(feed) for feed in feeds]
        workers = [Worker(feed, feed._log) for feed in feeds]
        for worker in workers:
            worker.start()
        versions: dict[Any, int] = {}
        newest = 0
        for decision in made.decisions:
            newest = append_from(log, [decision], versions)
        try:
            assert all(feed.wait_for(newest, timeout=20) for feed in feeds)
            assert [worker.health().failure for worker in workers] == [None, None]
        finally:
            for worker in workers:
                worker.stop()
        with elsewhere.connection() as connection:
            assert straight.stored(connection, "company_acme") == straight.fold(made.decisions)
    assert sorted([*applied[0], *applied[1]]) == sorted({*applied[0], *applied[1]})
    assert any(applied)  # which of them, and how much, is chance


def count_applied(feed: Feed) -> list[int]:
    applied: list[int] = []
    apply = feed._apply

    def counting(batch: Any) -> Any:
        outcome = apply(batch)
        if outcome.name == "APPLIED":
            applied.append(batch.after)
        return outcome

    feed._apply = counting  # type: ignore[method-assign]
    return applied


def test_decisions_are_taken_whole(datastore: CompanyDatastore, log: Log) -> None:
    made = Made().play(PLAYED)
    several: list[Decision] = [decision for decision in made.decisions if len(decision.events) > 1]
    assert several
    append_from(log, made.decisions, {})
    ends = {0}
    position = 0
    for decision in made.decisions:
        position += len(decision.events)
        ends.add(position)
    feed = Feed(datastore, log, batch=1)
    seen: set[int] = set()
    feed.catch_up(progress=lambda at, _: seen.add(at))
    assert seen | {0} == ends
