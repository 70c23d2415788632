"""Appending by COPY keeps every promise of the log (spec 42, and §1: the two clocks)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from domain.commands import Decision
from store.bulk import Overtaken, prepared
from store.clock import new_id, now
from store.log import Attribution, Log, ToldInTheFuture
from tests.store.facts import BY, CODEC, MONDAY, Noted, noted, one

A, B, C = new_id(), new_id(), new_id()
HOUR = timedelta(hours=1)


def bulk(log: Log, *decisions: Decision, command: UUID | None = None, by: Attribution = BY, **versions: int):
    known = {stream: versions[name] for name, stream in (("a", A), ("b", B)) if name in versions}
    return log.append_bulk(command or new_id(), by, [prepared(decisions, known, CODEC)])


def places(log: Log) -> list[tuple[int, int, UUID, int]]:
    return [(each.position, each.decision_end, each.stream_id, each.version) for each in log.read(0, 100)]


def test_42_what_is_copied_reads_back_as_what_is_appended(log: Log) -> None:
    log.append(one(C))
    text = "a\\b \\n \\. \t tab, two\nlines, 'quotes' and \u00e9"
    by = Attribution(new_id(), "collector", None, new_id())
    appended = bulk(log, noted(A, B), Decision(MONDAY + HOUR, (Noted(A, text),)), by=by)
    assert (appended.first, appended.last, appended.replayed) == (2, 4, False)
    assert places(log) == [(1, 1, C, 1), (2, 3, A, 1), (3, 3, B, 1), (4, 4, A, 2)]
    *_, last = log.read(0, 10)
    assert last.event == Noted(A, text)
    assert (last.actor, last.role, last.key_id, last.on_behalf_of) == (
        by.actor,
        "collector",
        None,
        by.on_behalf_of,
    )
    assert (last.occurred_at, last.recorded_at) == (MONDAY + HOUR, appended.recorded_at)
    log.append(one(A, 2, at=MONDAY + HOUR))
    assert log.newest() == 5


def test_42_streams_that_moved_on_are_named_and_nothing_is_recorded(log: Log) -> None:
    log.append(one(A))
    for version in (0, 2):
        with pytest.raises(Overtaken) as overtaken:
            bulk(log, noted(B), noted(A), a=version)
        assert overtaken.value.streams == {A}
    assert log.newest() == 1
    bulk(log, noted(B), noted(A), a=1)
    assert places(log)[1:] == [(2, 2, B, 1), (3, 3, A, 2)]


def test_42_sent_again_after_its_answer_was_lost_it_has_one_effect(log: Log) -> None:
    command = new_id()
    first = bulk(log, noted(A), command=command)
    again = bulk(log, noted(A), command=command)
    assert again.replayed
    assert (again.first, again.last, again.recorded_at) == (first.first, first.last, first.recorded_at)
    assert log.newest() == 1


def test_time_does_not_run_backwards_in_a_stream(log: Log) -> None:
    log.append(one(A, at=MONDAY + HOUR))
    with pytest.raises(Overtaken):
        bulk(log, noted(A, at=MONDAY), a=1)
    with pytest.raises(ValueError, match="time runs backwards"):
        prepared([noted(A, at=MONDAY + HOUR), noted(A)], {}, CODEC)
    with pytest.raises(ToldInTheFuture):
        bulk(log, noted(B, at=now() + HOUR))
    assert log.newest() == 1


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(1900, 1, 1, tzinfo=ZoneInfo("Europe/Paris")),
        datetime(2024, 2, 29, 13, 0, 0, 1, tzinfo=ZoneInfo("Asia/Kolkata")),
    ],
)
def test_moments_are_copied_to_the_microsecond(log: Log, moment: datetime) -> None:
    bulk(log, noted(A, at=moment))
    bulk(log, noted(A, at=moment), a=1)
    assert [each.occurred_at for each in log.read(0, 10)] == [moment, moment]


def test_recorded_is_never_before_what_was_recorded_or_occurred(log: Log) -> None:
    soon = now() + timedelta(seconds=20)
    first = bulk(log, noted(A, at=soon))
    assert first.recorded_at == soon
    assert bulk(log, noted(B)).recorded_at == soon


def test_who_waits_for_the_log_is_woken(log: Log) -> None:
    bulk(log, noted(A))
    assert log.wait(0, 0)
