"""Histories at any moment (spec 39, 40), on random logs in PostgreSQL: what folding the log by hand gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

import pytest
from hypothesis import given, settings

from domain.case import State, evolve
from domain.dispute import Dispute
from domain.follow_up import FollowUpAction
from domain.identity import OPERATOR, DisputeId, FollowUpId, ItemId
from domain.item import Item
from domain.roles import Actor, Role
from projections.absence import NotThereThen
from projections.parameters import Parameters
from replay.history import Asked, History, dispute_history, follow_up_history, item_history
from store.connections import Pool, open_pool
from store.log import Log
from tests.projections.histories import BUSY, HISTORIES, Made, Pick, append, new_company

NOW: Final = datetime(2026, 6, 15, 12, tzinfo=UTC)
MANAGER: Final = Actor(OPERATOR, Role.CREDIT_MANAGER)


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=4) as pool:
        yield pool


def history(log: Log, state: State, asked: Asked) -> History:
    match state:
        case Dispute():
            return dispute_history(log, MANAGER, DisputeId(state.id), NOW, asked)
        case Item():
            return item_history(log, MANAGER, ItemId(state.id), NOW, asked)
        case _:
            assert isinstance(state, FollowUpAction)
            return follow_up_history(log, MANAGER, FollowUpId(state.id), NOW, asked)


Folded = list[tuple[int, State]]
"""A stream's states, each with the position of the event that made it."""


def folded(made: Made, stream: UUID, known: int, moment: datetime) -> Folded:
    """What the events of the stream made of it that occurred by *moment*, up to the position *known*."""
    found: Folded = []
    position = 0
    for decision in made.decisions:
        for event in decision.events:
            position += 1
            if event.stream_id == stream and position <= known and decision.occurred_at <= moment:
                found.append((position, evolve(found[-1][1] if found else None, event)))
    return found


def own(found: History, stream: UUID) -> Folded:
    return [(each.position, each.after) for each in found.entries if each.stream_id == stream]


def moments(made: Made, chance: Random) -> Sequence[tuple[datetime, int]]:
    told = [decision.occurred_at for decision in made.decisions]
    first, last = min(told), max(told)  # what is told last may have happened first
    span = (last - first) // timedelta(minutes=1) + 3_000
    return [
        (first + timedelta(minutes=chance.randrange(span)), chance.randrange(made.events + 1))
        for _ in range(3)
    ]


@settings(max_examples=6, deadline=None, suppress_health_check=BUSY)
@given(HISTORIES)
def test_40_at_any_moment_a_history_is_that_of_the_fold(pool: Pool, picks: tuple[Pick, ...]) -> None:
    made = Made().play(picks)
    log = new_company(pool)
    append(log, made.decisions)
    for stream, state in made.case.states.items():
        if not isinstance(state, Dispute | Item | FollowUpAction):
            continue
        whole = folded(made, stream, made.events, NOW)
        assert own(history(log, state, Asked()), stream) == whole
        for moment, known in moments(made, Random(made.events)):
            expected = folded(made, stream, log.end_of_decision_at(known), moment)
            asked = Asked(Parameters(as_at=moment, known_at=known))
            if not expected:
                with pytest.raises(NotThereThen):
                    history(log, state, asked)
                continue
            found = history(log, state, asked)
            assert own(found, stream) == expected
            assert all(each.occurred_at <= moment for each in found.entries)
            assert all(each.position <= found.known_at <= known for each in found.entries)
            assert [each.position for each in found.entries] == sorted(
                {each.position for each in found.entries}
            )


@settings(max_examples=4, deadline=None, suppress_health_check=BUSY)
@given(HISTORIES)
def test_39_up_to_any_version_a_history_ends_with_the_decision_that_made_it(
    pool: Pool, picks: tuple[Pick, ...]
) -> None:
    made = Made().play(picks)
    log = new_company(pool)
    append(log, made.decisions, per_submission=1)
    disputes = [state for state in made.case.states.values() if isinstance(state, Dispute)]
    for dispute in disputes:
        events = log.read_streams({dispute.id: 0})
        for each in events:
            found = history(log, dispute, Asked(at_version=each.version))
            assert found.known_at == each.decision_end
            assert found.entries[-1].position <= each.decision_end
            versions = [entry.version for entry in found.entries if entry.stream_id == dispute.id]
            assert versions == [one.version for one in events if one.decision_end <= each.decision_end]
