"""The library's recorders work on our table as they promise."""

from __future__ import annotations

import threading
from uuid import UUID

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError, StoredEvent, Tracking
from eventsourcing.postgres import PostgresTrackingRecorder

from store.clock import new_id
from store.codec import Versioned
from store.connections import CompanyDatastore, Pool
from store.log import Log, StaleVersion
from tests.store.facts import BY, CODEC, MONDAY, Noted, noted, submission

A, B = new_id(), new_id()


def stored(stream: UUID | str, version: int, text: str = "said") -> StoredEvent:
    known = CODEC.to_stored_event(Versioned(Noted(UUID(str(stream)), text), version))
    return StoredEvent(stream, version, known.topic, known.state)


def test_stored_events_are_inserted_as_one_decision_with_their_attribution(log: Log) -> None:
    positions = log.insert_events(
        [stored(A, 1), stored(str(B), 1), stored(A, 2)], attribution=BY, occurred_at=MONDAY, key="mine"
    )

    assert list(positions) == [1, 2, 3]
    recorded = log.read(0, 10)
    assert [(each.stream_id, each.version, each.decision_end) for each in recorded] == [
        (A, 1, 3),
        (B, 1, 3),
        (A, 2, 3),
    ]
    assert {(each.actor, each.occurred_at) for each in recorded} == {(BY.actor, MONDAY)}
    assert log.answered("mine", b"") is not None


def test_no_stored_events_record_nothing(log: Log) -> None:
    assert log.insert_events([]) == []


def test_a_version_that_is_taken_is_the_librarys_integrity_error(log: Log) -> None:
    log.insert_events([stored(A, 1)], attribution=BY)

    with pytest.raises(IntegrityError) as refused:
        log.insert_events([stored(A, 1)], attribution=BY)
    assert isinstance(refused.value, StaleVersion)


def test_versions_that_do_not_follow_each_other_are_an_integrity_error(log: Log) -> None:
    with pytest.raises(IntegrityError, match="does not follow"):
        log.insert_events([stored(A, 1), stored(A, 3)], attribution=BY)
    assert log.newest() == 0


def test_one_stream_is_selected_by_versions(log: Log) -> None:
    events = [stored(A, version, f"{version}") for version in range(1, 6)]
    log.insert_events([stored(B, 1), *events], attribution=BY)

    assert log.select_events(A) == events
    assert log.select_events(str(A), gt=2, lte=4) == events[2:4]
    assert log.select_events(A, desc=True, limit=2) == [events[4], events[3]]
    assert log.select_events(new_id()) == []
    assert [CODEC.to_domain_event(each) for each in log.select_events(A, lte=1)] == [
        Versioned(Noted(A, "1"), 1)
    ]


def test_notifications_are_the_positions(log: Log) -> None:
    log.insert_events([stored(A, version) for version in range(1, 6)], attribution=BY)

    def ids(*arguments: int | None, **keywords: bool) -> list[int]:
        return [each.id for each in log.select_notifications(*arguments, **keywords)]  # type: ignore[arg-type]

    assert ids(None, 10) == [1, 2, 3, 4, 5]
    assert ids(2, 2) == [2, 3]
    assert ids(2, 10, 4) == [2, 3, 4]
    assert ids(2, 10, 4, inclusive_of_start=False) == [3, 4]
    assert len(log.select_notifications(1, 10, topics=["noted.v1"])) == 5
    assert log.select_notifications(1, 10, topics=["another.v1"]) == []


def test_the_largest_notification_is_the_newest_position(log: Log) -> None:
    assert log.max_notification_id() is None
    log.insert_events([stored(A, 1)], attribution=BY)
    assert log.max_notification_id() == 1


def test_a_subscription_gets_what_is_there_and_what_comes_until_it_is_stopped(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.subscription._BATCH", 2)
    log.insert_events([stored(A, version) for version in range(1, 5)], attribution=BY)
    with log.subscribe(gt=1) as subscription:
        assert [next(subscription).id for _ in range(3)] == [2, 3, 4]
        appending = threading.Timer(0.05, log.append, [submission(noted(B), expected={B: 0})])
        appending.start()
        assert next(subscription).originator_id == B
        appending.join()
        threading.Timer(0.05, subscription.stop).start()
        assert list(subscription) == []


def test_a_subscription_to_some_types_passes_over_the_others(log: Log) -> None:
    log.insert_events([stored(A, 1)], attribution=BY)
    with log.subscribe(topics=["another.v1"]) as subscription:
        stopping = threading.Timer(0.1, subscription.stop)
        stopping.start()
        assert list(subscription) == []
        stopping.join()


def test_the_recorders_create_and_change_nothing(log: Log, pool: Pool, database: str) -> None:
    def tables() -> object:
        with psycopg.connect(database) as connection:
            return connection.execute("select oid, relname from pg_class order by oid").fetchall()

    before = tables()
    log.create_table()
    PostgresTrackingRecorder(CompanyDatastore(pool, "acme"), tracking_table_name="tracking").create_table()
    assert tables() == before


def test_the_librarys_tracking_recorder_keeps_positions_of_feeds(pool: Pool) -> None:
    tracking = PostgresTrackingRecorder(CompanyDatastore(pool, "acme"), tracking_table_name="tracking")

    assert tracking.max_tracking_id("states") is None
    tracking.insert_tracking(Tracking("states", 5))
    tracking.insert_tracking(Tracking("states", 8))
    assert tracking.max_tracking_id("states") == 8
    with pytest.raises(IntegrityError):
        tracking.insert_tracking(Tracking("states", 8))
