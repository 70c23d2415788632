"""Spec 17: the step of the collection scenario that is due for a customer in a currency, or comes next."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from tests.projections.oracle.facts import Data
from tests.projections.oracle.items import Item
from tests.projections.oracle.reminders import Reminders
from tests.projections.oracle.view import View


@dataclass
class Due:
    """A step, with all that it goes over."""

    customer_id: str
    step: Data
    on: date
    oldest_due: date
    items: list[Item]


def steps_due(view: View, until: date) -> list[Due]:
    """Those due, and where none is the next by *until*."""
    collectable: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in view.open_items:
        if not item.exclusions(view.today):
            collectable[item.customer_id, item.currency].append(item)
    found = (_step(view, *of, items, until) for of, items in collectable.items())
    return [due for due in found if due is not None]


def _step(view: View, customer: str, currency: str, items: list[Item], until: date) -> Due | None:
    amount = sum((item.balance for item in items), Decimal(0))
    dates = [item.due for item in items if item.balance > 0]
    if not dates or amount <= 0:
        return None  # credit outweighs
    oldest = min(dates)
    told = view.reminders.get((customer, currency, oldest), Reminders())
    left = [
        (_day(step, oldest, told), step)
        for step in sorted(view.masters.steps.values(), key=_place)
        if step["active"] and amount >= Decimal(step["minimum_amount"]) and not _is_behind(step, told)
    ]
    reached = [each for each in left if each[0] <= view.today]
    next_day = min((day for day, _ in left), default=date.max)
    coming = [each for each in left if each[0] == next_day and next_day <= until]
    shown = reached or coming
    return Due(customer, shown[-1][1], shown[-1][0], oldest, items) if shown else None


def _place(step: Data) -> tuple[int, Decimal, str]:
    """Of two steps of a day the dearer is the later."""
    return step["days"], Decimal(step["minimum_amount"]), step["code"]


def _day(step: Data, oldest: date, told: Reminders) -> date:
    day = oldest + timedelta(days=step["days"])
    return max(day, told.postponed_to or day)


def _is_behind(step: Data, told: Reminders) -> bool:
    return step["code"] in told.settled or (told.furthest is not None and step["days"] <= told.furthest)
