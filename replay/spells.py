"""An item's life as the stretches in which it was collectable or not, and what began each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise
from operator import attrgetter
from typing import TypeAlias, assert_never

from domain.calendar import start_of_day
from domain.case import evolve
from domain.events import Event
from domain.identity import FollowUpId
from domain.item import (
    Exclusion,
    Item,
    ItemClearingUndone,
    ItemPlacedUnderFollowUp,
    ItemStatusRestored,
    exclusions,
    is_collectable,
)
from store.log import Recorded


@dataclass(frozen=True, slots=True)
class Step:
    """What one decision did to the item: its events of the item's own stream; the item before and after."""

    decision: int
    """Position of its last event."""
    moment: datetime
    events: tuple[Recorded, ...]
    before: Item | None
    item: Item


Steps: TypeAlias = list[Step]


@dataclass(frozen=True, slots=True)
class Stretch:
    """From *begins* on the item is collectable, or is not. A *step* began it, or the end of the day *expired*
    of a promise that this step gave."""

    begins: datetime
    step: Step
    expired: date | None
    is_collectable: bool


def steps_of(recorded: Iterable[Recorded]) -> Steps:
    """The decisions of an item's stream, each with the item as it was after it."""
    steps: Steps = []
    item: Item | None = None
    for decision, of_one in groupby(recorded, key=attrgetter("decision_end")):
        events, before = tuple(of_one), item
        for each in events:
            after = evolve(item, each.event)
            assert isinstance(after, Item), "an item's stream holds an item"
            item = after
        assert item is not None, "a decision has events"
        steps.append(Step(decision, events[0].occurred_at, events, before, item))
    return steps


def last_change(steps: Steps, at: datetime, zone: str) -> Stretch | None:
    """What made the item collectable, or no longer so, for the last time up to *at* (company's IANA *zone*);
    None if it has been either ever since its registration."""
    last: Stretch | None = None
    for before, after in pairwise(_stretches(steps, at, zone)):
        if before.is_collectable != after.is_collectable:
            last = after
    return last


def _stretches(steps: Steps, at: datetime, zone: str) -> Iterator[Stretch]:
    ends = [*(step.moment for step in steps[1:]), at]
    for step, end in zip(steps, ends, strict=True):
        yield Stretch(step.moment, step, None, is_collectable(step.item, step.moment, zone))
        promised = _promised_on(step.item)
        if promised is None:
            continue
        expiry = start_of_day(promised + timedelta(days=1), zone)
        if step.moment < expiry <= end:  # what happens at the very midnight finds it expired
            yield Stretch(expiry, step, promised, is_collectable(step.item, expiry, zone))


def _promised_on(item: Item) -> date | None:
    return item.qualification.promised_on if item.qualification else None


# --- what an exclusion comes from ------------------------------------------------------------------


def origins(steps: Steps, reason: Exclusion, zone: str) -> Steps:
    """The steps to which the item owes *reason*, which holds after the last of them, in their order."""
    last = steps[-1].item
    match reason:
        case Exclusion.FOLLOW_UP:
            found = [_placed(steps, each) for each in last.follow_ups]
        case Exclusion.PROMISE:
            found = _said(steps)
        case Exclusion.WRITTEN_OFF:
            found = [_beginning(steps, reason, zone)]
        case Exclusion.DISPUTE | Exclusion.LITIGATION:
            found = [_beginning(steps, reason, zone), *_said(steps)]
        case _:
            assert_never(reason)
    return [step for step in steps if step in found]


def _placed(steps: Steps, action: FollowUpId) -> Step:
    for step in reversed(steps):
        for each in step.events:
            if _places(each.event, action):
                return step
    raise AssertionError("an action that lists an item was told to")


def _places(event: Event, action: FollowUpId) -> bool:
    match event:
        case ItemPlacedUnderFollowUp():
            return event.follow_up_id == action
        case ItemClearingUndone():
            return action in event.follow_ups
        case _:
            return False


def _beginning(steps: Steps, reason: Exclusion, zone: str) -> Step:
    beginning = steps[-1]
    for step in reversed(steps):
        if reason not in exclusions(step.item, step.moment, zone):
            break
        beginning = step
    return beginning


def _said(steps: Steps) -> Steps:
    """The step that gave the item its present status; if that only restored it, also the one before."""
    qualification = steps[-1].item.qualification
    giving = [
        step
        for step in steps
        if step.item.qualification == qualification
        and (step.before is None or step.before.qualification != qualification)
    ]
    is_restored = any(isinstance(each.event, ItemStatusRestored) for each in giving[-1].events)
    return giving[-2:] if is_restored else giving[-1:]
