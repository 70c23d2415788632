"""The sample company's reminders: some of the scenario's steps that are due were dealt with this morning."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from api.database import OpenCompany
from domain.identity import CustomerId, PersonId
from domain.reminder import DoReminderStep, OfStep, PostponeReminderStep, SkipReminderStep
from domain.roles import Actor
from projections.agenda import AgendaParameters, AgendaRow, agenda
from projections.reading import Reading
from projections.steps_due import collectable_items
from store.clock import now
from store.execute import Order

_NOT_YET: Final = timedelta(days=7)
"""For how long a customer asked."""


def remind(company: OpenCompany, manager: Actor) -> None:
    """Of the steps that the agenda shows about a third is done and some are postponed or skipped, by the
    customers' collectors; the others are left to do."""
    present = now()
    reading = Reading(company.datastore, manager, present)
    due = [row for row in agenda(reading, AgendaParameters()).rows if row.kind == "scenario_step"]
    for number, row in enumerate(due):
        command = _command(number, row, reading, present.date())
        if command is not None and row.person_id is not None:
            by = replace(manager, on_behalf_of=PersonId(row.person_id))
            company.executor.execute(Order(command, by))


def _command(number: int, row: AgendaRow, reading: Reading, today: date) -> OfStep | None:
    assert row.step is not None, "a scenario step has a code"
    if number % 10 not in {0, 3, 5, 6, 9}:
        return None
    of = CustomerId(row.customer_id)
    items = collectable_items(reading, row.customer_id, row.currency)
    match number % 10:
        case 5:
            return PostponeReminderStep(of, row.step, items, comment="Asked for a week", to=today + _NOT_YET)
        case 6:
            return SkipReminderStep(of, row.step, items, comment="Pays every month's end")
        case _:
            return DoReminderStep(of, row.step, items)
