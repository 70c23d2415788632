"""Reminders: what was done, skipped or postponed of the collection scenario's steps (spec 17).

A *run* is what became of the steps of one customer in one currency, counted from one due date: that of the
oldest item that could be collected then. Once that item is paid, disputed or otherwise out of the scenario,
the due date of the next oldest begins another run; if it comes back, its own run goes on where it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import ClassVar, TypeAlias, assert_never
from uuid import UUID

from domain.commands import Command
from domain.events import Event, PersonalText
from domain.identity import CustomerId, ItemId, ReminderRunId, reminder_run_id
from domain.item import Item
from domain.roles import Permission
from domain.scenario import StepKind


def oldest_of(items: list[Item]) -> Item | None:
    """The item due first of those that are open and ask for something; None if none does."""
    asking = [item for item in items if item.is_open and item.details.balance > 0]
    return min(asking, key=lambda item: (item.details.due_date, item.id), default=None)


# --- commands --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OfStep(Command):
    """What is said of a reminder step of a customer, over selected items."""

    permission: ClassVar[Permission] = Permission.REMINDERS
    customer_id: CustomerId
    step: str
    item_ids: tuple[ItemId, ...] = ()
    currency: str | None = None
    comment: PersonalText | None = None

    def streams(self) -> frozenset[UUID]:
        """The customer and the items."""
        return frozenset({self.customer_id, *self.item_ids})

    def also_reads(self, states: Mapping[UUID, object]) -> frozenset[UUID]:
        """The run that the items belong to."""
        found = [states.get(item_id) for item_id in self.item_ids]
        oldest = oldest_of([item for item in found if isinstance(item, Item)])
        return frozenset({run_of(self.customer_id, oldest)}) if oldest else frozenset()

    def objects(self) -> frozenset[UUID]:
        """The customer, and the items, which are to be theirs."""
        return frozenset({self.customer_id, *self.item_ids})


@dataclass(frozen=True, slots=True)
class DoReminderStep(OfStep):
    """Note that a reminder step was done: the customer was written to or called about these items.

    Over HTTP ``item_ids`` may be left out: then it went over all that can be collected of the customer, in
    ``currency`` if there are several. A history names the items.
    """


@dataclass(frozen=True, slots=True)
class SkipReminderStep(OfStep):
    """Leave out a reminder step that is due; the next step comes when it is due. Items as in doing it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostponeReminderStep(OfStep):
    """Leave the customer in peace until a day, on which the step that is due by then is to be done. Items as
    in doing a step."""

    to: date


def run_of(customer_id: CustomerId, oldest: Item) -> ReminderRunId:
    """The customer's run while *oldest* is the oldest item to be collected."""
    return reminder_run_id(customer_id, oldest.details.currency, oldest.details.due_date)


# --- events ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reminder:
    """A step and what it goes over: *amount* is the balance of all *item_ids* in *currency*; *days* and
    *kind* are what the scenario said then."""

    customer_id: CustomerId
    currency: str
    oldest_item_id: ItemId
    oldest_due: date
    step: str
    days: int
    kind: StepKind
    item_ids: tuple[ItemId, ...]
    amount: Decimal


@dataclass(frozen=True, slots=True)
class OfReminders(Event):
    """A fact of one run of reminders."""

    run_id: ReminderRunId


@dataclass(frozen=True, slots=True)
class ReminderStepDone(OfReminders):
    """The customer was reminded."""

    reminder: Reminder
    comment: PersonalText | None


@dataclass(frozen=True, slots=True)
class ReminderStepSkipped(OfReminders):
    """The step was left out."""

    reminder: Reminder
    comment: PersonalText | None


@dataclass(frozen=True, slots=True)
class ReminderStepPostponed(OfReminders):
    """No step of the run is due before that day."""

    reminder: Reminder
    to: date
    previous: date | None
    comment: PersonalText | None


ReminderEvent: TypeAlias = ReminderStepDone | ReminderStepSkipped | ReminderStepPostponed


# --- state -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReminderRun:
    """A run as it stands. *furthest*: the most days of a step that was done or skipped; what is not later
    is behind. *postponed_to*: no step is due before that day."""

    id: ReminderRunId
    customer_id: CustomerId
    currency: str
    oldest_due: date
    done: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset()
    furthest: int | None = None
    postponed_to: date | None = None


def evolve(run: ReminderRun | None, event: ReminderEvent) -> ReminderRun:
    """The run after *event*."""
    of = event.reminder
    run = run or ReminderRun(event.run_id, of.customer_id, of.currency, of.oldest_due)
    furthest = of.days if run.furthest is None else max(run.furthest, of.days)
    match event:
        case ReminderStepDone():
            done, skipped = run.done | {of.step}, run.skipped - {of.step}
            return replace(run, done=done, skipped=skipped, furthest=furthest, postponed_to=None)
        case ReminderStepSkipped():
            skipped = run.skipped | {of.step}
            return replace(run, skipped=skipped, furthest=furthest, postponed_to=None)
        case ReminderStepPostponed():
            return replace(run, postponed_to=event.to)
        case _:
            assert_never(event)
