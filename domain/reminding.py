"""Doing, skipping and postponing a step of the collection scenario (spec 17)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from domain import scenario
from domain.case import Case
from domain.follow_up import require_not_past
from domain.item import exclusions
from domain.money import NOTHING
from domain.refusals import (
    ItemNotCollectable,
    NothingCollectable,
    SeveralCustomers,
    StepAlreadySettled,
    StepInSeveralCurrencies,
    StepNotDue,
)
from domain.reminder import (
    DoReminderStep,
    OfStep,
    PostponeReminderStep,
    Reminder,
    ReminderRun,
    ReminderStepDone,
    ReminderStepPostponed,
    ReminderStepSkipped,
    SkipReminderStep,
    oldest_of,
    run_of,
)
from domain.selection import select

if TYPE_CHECKING:
    from domain.commands import Occasion
    from domain.events import Event
    from domain.identity import ReminderRunId
    from domain.item import Item

DONE: Final = "done"
SKIPPED: Final = "skipped"


@dataclass(frozen=True, slots=True)
class _Due:
    """A step that is due: its run, as far as there is one, and what the step goes over."""

    run_id: ReminderRunId
    run: ReminderRun | None
    reminder: Reminder

    @property
    def settled(self) -> str | None:
        """What became of the step already."""
        if self.run is None:
            return None
        if self.reminder.step in self.run.done:
            return DONE
        return SKIPPED if self.reminder.step in self.run.skipped else None

    def require_open(self) -> None:
        """Raise StepAlreadySettled if the step was done or skipped."""
        if self.settled:
            raise StepAlreadySettled(self.reminder.step, self.settled, self.reminder.oldest_due)


def do(case: Case, command: DoReminderStep, occasion: Occasion) -> list[Event]:
    """The step is done, even if it was skipped before; said twice changes nothing. Raises as `_due`."""
    due = _due(case, command, occasion)
    if due.settled == DONE:
        return []
    return [ReminderStepDone(due.run_id, due.reminder, command.comment)]


def skip(case: Case, command: SkipReminderStep, occasion: Occasion) -> list[Event]:
    """The step is left out; said twice changes nothing. Raises as `_due`; StepAlreadySettled."""
    due = _due(case, command, occasion)
    if due.settled == SKIPPED:
        return []
    due.require_open()
    return [ReminderStepSkipped(due.run_id, due.reminder, command.comment)]


def postpone(case: Case, command: PostponeReminderStep, occasion: Occasion) -> list[Event]:
    """The whole run rests until that day. Raises as `_due`; StepAlreadySettled, DueInThePast."""
    due = _due(case, command, occasion)
    due.require_open()
    previous = due.run.postponed_to if due.run else None
    if previous == command.to:
        return []
    require_not_past(command.to, case.today(occasion.at))
    return [ReminderStepPostponed(due.run_id, due.reminder, command.to, previous, command.comment)]


def _due(case: Case, command: OfStep, occasion: Occasion) -> _Due:
    """The step over the selected items.

    Raises UnknownCustomer, UnknownStep, StepRetired, NothingCollectable, ItemNotCollectable, StepNotDue; what
    selecting items raises.
    """
    customer = case.customer(command.customer_id)
    step = scenario.usable(case.company.scenario, command.step)
    if not command.item_ids:
        raise NothingCollectable(customer.code, command.currency or "any currency")
    items = select(case, command.item_ids)
    if items[0].customer_id != customer.id:
        raise SeveralCustomers
    told = {command.currency} if command.currency else set()
    currencies = {item.details.currency for item in items} | told
    if len(currencies) > 1:
        raise StepInSeveralCurrencies(", ".join(sorted(currencies)))
    for item in items:
        _require_collectable(case, item, occasion)
    oldest = oldest_of(items)
    amount = sum((item.details.balance for item in items), NOTHING)
    if oldest is None or amount <= 0:
        raise NothingCollectable(customer.code, items[0].details.currency)
    oldest_due = oldest.details.due_date
    # Some ledgers write the last day that there is where nothing is due.
    due_on = oldest_due + min(timedelta(days=step.days), date.max - oldest_due)
    if due_on > case.today(occasion.at):
        raise StepNotDue(step.code, due_on, oldest_due)
    run_id = run_of(customer.id, oldest)
    run = case.states.get(run_id)
    reminder = Reminder(
        *(customer.id, oldest.details.currency, oldest.id, oldest_due, step.code, step.days, step.kind),
        command.item_ids,
        amount,
    )
    return _Due(run_id, run if isinstance(run, ReminderRun) else None, reminder)


def _require_collectable(case: Case, item: Item, occasion: Occasion) -> None:
    because = exclusions(item, occasion.at, case.company.settings.zone)
    if because:
        raise ItemNotCollectable(item.id, ", ".join(because))
