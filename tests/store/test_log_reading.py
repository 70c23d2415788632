"""Reading the log: batches that end on decisions, many streams at once, moments of the past, waiting."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import psycopg
import pytest

from store.clock import new_id, now
from store.connections import CompanyDatastore, Pool
from store.event_types import UnknownEventType
from store.log import Log
from tests.store.facts import CODEC, noted, one, submission

A, B, C = new_id(), new_id(), new_id()


@pytest.fixture
def filled(log: Log) -> Log:
    """Decisions that end at 1, 4, 5 and 7."""
    log.append(one(A))
    log.append(submission(noted(B, A, C), noted(B), expected={A: 1, B: 0, C: 0}))
    log.append(submission(noted(C, A), expected={C: 1, A: 2}))
    return log


@pytest.mark.parametrize(
    ("after", "limit", "last"),
    [
        (0, 1, 1),
        (0, 2, 4),
        (1, 1, 4),
        (1, 3, 4),
        (1, 4, 5),
        (2, 1, 4),
        (4, 1, 5),
        (5, 1, 7),
        (0, 7, 7),
        (0, 99, 7),
    ],
)
def test_a_batch_ends_on_the_end_of_a_decision(filled: Log, after: int, limit: int, last: int) -> None:
    batch = filled.read(after, limit)

    assert [each.position for each in batch] == list(range(after + 1, last + 1))
    assert batch[-1].decision_end == last


@pytest.mark.parametrize("after", [7, 8, 1000])
def test_at_the_end_of_the_log_a_batch_is_empty(filled: Log, after: int) -> None:
    assert filled.read(after, 10) == []


def test_the_newest_position_of_an_empty_log_is_0(log: Log) -> None:
    assert log.newest() == 0
    assert log.read(0, 10) == []


def test_streams_are_read_from_the_version_after_the_one_given(filled: Log) -> None:
    def places(after: dict[object, int]) -> list[tuple[int, object, int]]:
        return [(each.position, each.stream_id, each.version) for each in filled.read_streams(after)]  # type: ignore[arg-type]

    assert places({A: 0}) == [(1, A, 1), (3, A, 2), (7, A, 3)]
    assert places({A: 2}) == [(7, A, 3)]
    assert places({A: 1, C: 0, B: 2}) == [(3, A, 2), (4, C, 1), (6, C, 2), (7, A, 3)]
    assert places({new_id(): 0}) == []
    assert places({}) == []


def test_known_at_a_position_falls_on_the_end_of_a_decision(filled: Log) -> None:
    found = [filled.end_of_decision_at(position) for position in range(9)]

    assert found == [0, 1, 1, 1, 4, 5, 5, 7, 7]


def test_known_at_a_moment_is_the_last_decision_recorded_by_then(filled: Log) -> None:
    recorded = {each.position: each.recorded_at for each in filled.read(0, 10)}
    instant = timedelta(microseconds=1)

    for position, end in ((1, 1), (4, 5), (5, 5), (7, 7)):
        assert filled.end_of_decision_at(recorded[position]) == end
    assert filled.end_of_decision_at(recorded[1] - instant) == 0
    assert filled.end_of_decision_at(recorded[2] - instant) == 1
    assert filled.end_of_decision_at(recorded[7] - instant) == 5
    assert filled.end_of_decision_at(now() + timedelta(days=1)) == 7


def test_known_at_a_moment_of_an_empty_log_is_0(log: Log) -> None:
    assert log.end_of_decision_at(now()) == 0


def test_an_event_of_an_unknown_type_stops_the_reader_and_is_named(filled: Log, database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            "insert into company_acme.events select 8, 8, stream_id, 9, 'from-the-future.v7', data,"
            " occurred_at, recorded_at, actor, role, key_id, on_behalf_of, command_id"
            " from company_acme.events where position = 7"
        )
    with pytest.raises(UnknownEventType, match=r"from-the-future\.v7"):
        filled.read(0, 100)


# --- waiting --------------------------------------------------------------------------------------------


def test_waiting_ends_at_once_when_there_is_something(filled: Log) -> None:
    assert filled.wait(6, timeout=0)
    assert not filled.wait(7, timeout=0)


def test_waiting_in_vain_takes_as_long_as_told(log: Log) -> None:
    began = time.monotonic()

    assert not log.wait(0, timeout=0.1)
    assert 0.1 <= time.monotonic() - began < 1


def test_a_wait_ends_when_it_is_told_to_stop(log: Log) -> None:
    looks = iter((False, True))

    assert not log.wait(0, timeout=5, stop=lambda: next(looks))
    assert list(looks) == []  # it looked again and did not wait to the end


def test_an_append_through_the_same_log_wakes_who_waits(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.log._POLL", 60.0)
    appending = threading.Timer(0.1, log.append, [one(A)])
    began = time.monotonic()
    appending.start()

    assert log.wait(0, timeout=30)
    assert time.monotonic() - began < 15
    appending.join()


def test_an_append_of_another_process_is_noticed_by_looking(log: Log, pool: Pool) -> None:
    other = Log(CompanyDatastore(pool, "acme"), CODEC)
    appending = threading.Timer(0.1, other.append, [one(A)])
    began = time.monotonic()
    appending.start()

    assert log.wait(0, timeout=30)
    assert time.monotonic() - began < 15
    appending.join()
