"""Replay of a company, step by step (spec 40): what each decision did to agenda and dispute report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given, settings

from domain.events import Event
from domain.identity import OPERATOR
from domain.refusals import RoleForbids
from domain.roles import TABLE, Actor, Permission, Role
from projections.agenda import AgendaParameters, agenda
from projections.dispute_report import DisputeReportParameters, dispute_report
from projections.feed import Feed
from projections.parameters import ParameterInvalid
from projections.reading import Reading
from replay.every_event import in_words
from replay.row_changes import RowChange, row_changes
from replay.sentences import Words
from replay.steps import Every, Step, steps
from store.connections import Pool, open_pool
from store.log import Log
from tests.domain.samples import SAMPLES
from tests.projections.histories import BUSY, HISTORIES, Made, Pick, append, new_company, picks

NOW: Final = datetime(2026, 6, 15, 12, tzinfo=UTC)
MANAGER: Final = Actor(OPERATOR, Role.CREDIT_MANAGER)
_AGENDA: Final = ("due_on", "chases", "title", "type", "resolver", "items", "disputed")


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=4) as pool:
        yield pool


def company(pool: Pool, chosen: tuple[Pick, ...]) -> tuple[Reading, Log]:
    log = new_company(pool)
    append(log, Made().play(chosen).decisions, per_submission=1)
    Feed(log.datastore, log).catch_up()  # type: ignore[arg-type]
    return Reading(log.datastore, MANAGER, NOW), log  # type: ignore[arg-type]


def todo(reading: Reading, known: int) -> dict[Any, Any]:
    rows = agenda(reading, AgendaParameters(known_at=known, until=date(2999, 12, 31))).rows
    return {
        (row.kind, row.person_id, row.part, row.customer_id, row.follow_up_id, row.dispute_id): [
            getattr(row, name) for name in _AGENDA
        ]
        for row in rows
    }


def disputes(reading: Reading, known: int) -> dict[Any, Any]:
    rows = dispute_report(reading, DisputeReportParameters(known_at=known)).rows
    return {(row.key, row.currency): (row.disputes, row.items, row.amount) for row in rows}


def applied(rows: dict[Any, Any], changes: tuple[RowChange[Any], ...], key: Any, value: Any) -> None:
    """Take *changes* into *rows*."""
    for change in changes:
        if change.before is not None:
            assert rows.pop(key(change.before)) == value(change.before)
        if change.after is not None:
            assert key(change.after) not in rows
            rows[key(change.after)] = value(change.after)


@settings(max_examples=6, deadline=None, suppress_health_check=BUSY)
@given(HISTORIES)
def test_40_step_by_step_the_reports_become_what_they_are(pool: Pool, picks: tuple[Pick, ...]) -> None:
    reading, log = company(pool, picks)
    lines, figures, last = todo(reading, 0), disputes(reading, 0), 0
    for step in steps(reading, log, None, None):
        assert step.first == last + 1
        last = step.last
        applied(
            lines,
            step.agenda,
            lambda row: (
                row.kind, row.person_id, row.part, row.customer_id, row.follow_up_id, row.dispute_id,
            ),
            lambda row: [getattr(row, name) for name in _AGENDA],
        )  # fmt: skip
        applied(
            figures,
            step.dispute_report,
            lambda row: (row.key, row.currency),
            lambda row: (row.disputes, row.items, row.amount),
        )
        assert lines == todo(reading, last)
        assert figures == disputes(reading, last)
        assert sum(step.counts.values()) == last - step.first + 1
        assert all(told.sentence for told in step.events)
    assert last == log.newest()


@pytest.fixture
def played(pool: Pool) -> tuple[Reading, Log]:
    return company(pool, picks(7, 60))


def ends(found: Iterator[Step]) -> list[int]:
    return [step.last for step in found]


def test_40_a_step_is_one_decision_or_all_that_was_recorded_on_a_day(played: tuple[Reading, Log]) -> None:
    reading, log = played
    decisions = list(steps(reading, log, None, None))
    assert ends(iter(decisions)) == sorted({each.decision_end for each in log.read(0, 10_000)})
    assert {step.decisions for step in decisions} == {1}
    days = list(steps(reading, log, None, None, Every.DAY))
    assert sum(day.decisions for day in days) == len(decisions)
    assert days[0].first == 1
    assert days[-1].last == log.newest()
    (doer,) = days[0].doers
    assert (doer.actor_name, doer.role, doer.key_id) == ("operator", "administrator", None)
    assert len(days[0].events) == 20  # the others are counted
    assert sum(sum(day.counts.values()) for day in days) == log.newest()


def test_40_a_range_holds_both_its_ends_and_whole_decisions(played: tuple[Reading, Log]) -> None:
    reading, log = played
    whole = ends(steps(reading, log, None, None))
    assert whole[0] > 2  # the founding: several events in one decision
    assert ends(steps(reading, log, 2, 2)) == whole[:1]
    assert ends(steps(reading, log, 2, whole[0] + 1)) == [end for end in whole if end <= whole[1]]
    assert ends(steps(reading, log, whole[2], whole[4])) == whole[2:5]
    events = log.read(0, 10_000)
    third = next(each for each in events if each.decision_end == whole[2])
    times = ends(steps(reading, log, third.recorded_at, None))
    assert times == [each for each in whole if each >= whole[2]]
    assert ends(steps(reading, log, None, third.recorded_at)) == whole[:3]
    today = events[0].recorded_at.date()
    assert ends(steps(reading, log, today, today + timedelta(days=1))) == whole


def test_40_a_range_that_the_log_does_not_have_is_refused_with_the_cure(played: tuple[Reading, Log]) -> None:
    reading, log = played
    newest = log.newest()
    future = datetime(2999, 1, 1, tzinfo=UTC)
    for begin, end, said in (
        (0, None, f"from cannot be 0: give a position from 1 to {newest}, or a time"),
        (None, newest + 1, f"to cannot be {newest + 1}: give a position from 1 to {newest}, or a time"),
        (9, 3, "it lies after the end, 3"),
        (future, None, "nothing was recorded from there to the end; the log goes from"),
        (None, date(2001, 1, 1), f"position {newest}"),
        (None, datetime(2026, 1, 1), "give the zone of the time"),  # noqa: DTZ001 - that is the point
    ):
        with pytest.raises(ParameterInvalid) as refused:
            steps(reading, log, begin, end)
        assert said in str(refused.value)


def test_29_a_replay_is_for_those_who_may_read_the_log(played: tuple[Reading, Log]) -> None:
    reading, log = played
    for role in set(Role) - {Role.SERVICE}:
        asking = replace(reading, actor=Actor(OPERATOR, role))
        if role in TABLE[Permission.READ_LOG]:
            assert next(steps(asking, log, 1, 1)).first == 1
        else:
            with pytest.raises(RoleForbids):
                steps(asking, log, 1, 1)


def test_every_event_can_be_said_in_words() -> None:
    words = Words({}, {})
    for event in SAMPLES.values():
        said = in_words(event, words)
        assert said[0].isupper() or said[0].isdigit() or not said[0].isascii(), said
        assert "<" not in said, said  # no names of classes


def test_an_event_without_words_of_its_own_is_told_as_its_class_tells_it() -> None:
    @dataclass(frozen=True, slots=True)
    class ReminderSent(Event):
        """Somebody was
        reminded."""

        stream: UUID

    assert in_words(ReminderSent(UUID(int=1)), Words({}, {})) == "Somebody was reminded."


def test_rows_that_stay_as_they_are_are_no_changes() -> None:
    class Row:
        def __init__(self, name: str, amount: int, share: float = 0.0) -> None:
            self.name, self.amount, self.share = name, amount, share

    one, two, three, changed = Row("a", 1), Row("b", 2), Row("c", 3), Row("b", 5)
    same = Row("a", 1, 0.5)  # a field that is not compared
    found = row_changes([one, two, three], [same, changed, Row("d", 4)], lambda row: row.name, ["amount"])
    assert [(each.row.name, dict(each.changes)) for each in found] == [
        ("c", {}), ("b", {"amount": (2, 5)}), ("d", {}),
    ]  # fmt: skip
    assert (found[0].after, found[2].before) == (None, None)
