"""What became of the steps of the scenario (spec 17), folded by hand from the reference of events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from tests.projections.oracle.facts import Fact

Run: TypeAlias = tuple[str, str, date]
"""A customer, a currency, and the due date of the oldest item that could be collected."""


@dataclass
class Reminders:
    """*settled*: steps that were done or skipped. *furthest*: the most days that one of them had then."""

    settled: set[str] = field(default_factory=set)
    furthest: int | None = None
    postponed_to: date | None = None


def fold(facts: Iterable[Fact]) -> dict[Run, Reminders]:
    found: dict[Run, Reminders] = {}
    for fact in facts:
        if fact.of != "run_id":
            continue
        of = fact.data["reminder"]
        run = of["customer_id"], of["currency"], date.fromisoformat(of["oldest_due"])
        reminders = found.setdefault(run, Reminders())
        if fact.name == "reminder-step-postponed":
            reminders.postponed_to = date.fromisoformat(fact.data["to"])
            continue
        reminders.settled.add(of["step"])
        earlier = reminders.furthest
        reminders.furthest = of["days"] if earlier is None else max(earlier, of["days"])
        reminders.postponed_to = None
    return found
