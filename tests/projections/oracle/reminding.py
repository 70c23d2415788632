"""What may happen to the collection scenario, and by it: steps are defined, done, skipped and postponed."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from domain import item, reminder, scenario
from domain.commands import Command
from domain.identity import ItemId
from tests.projections.oracle.made_up import Story

_CODES: Final = ("before_due", "first_reminder", "second_reminder", "call", "formal_notice", "visit", "gift")
"""Those of a fresh company, and two more."""


def define_step(story: Story) -> Command:
    """Another day, another amount: often the same as those of a second step."""
    chance = story.chance
    return scenario.DefineScenarioStep(
        chance.choice(_CODES),
        chance.choice((-20, -7, 5, 5, 5, 15, 15, 40, 90)),
        chance.choice(list(scenario.StepKind)),
        {chance.choice(("en", "fr", "de")): chance.choice(("", f"step {chance.randrange(9)}"))},
        chance.choice((None, Decimal(0), Decimal(150), Decimal("400.5"), Decimal(2_000))),
        back_into_use=chance.random() < 0.7,
    )


def retire_step(story: Story) -> Command:
    return scenario.RetireScenarioStep(story.chance.choice(_CODES))


def remind(story: Story) -> Command | None:
    """A step is done, skipped or postponed, over all that can be collected or over some of it."""
    chance, step = story.chance, _step(story)
    items = next(filter(_asks_for_something, (_collectable(story) for _ in range(5))), None)
    if items is None or step is None:
        return None
    over = items if chance.random() < 0.7 else chance.sample(items, chance.randrange(1, len(items) + 1))
    ids: tuple[ItemId, ...] = tuple(each.id for each in over)
    what = items[0].customer_id, step, ids
    kind = chance.choice(("do", "do", "skip", "postpone"))
    if kind == "postpone":
        return reminder.PostponeReminderStep(*what, to=_some_day(story))
    return (reminder.DoReminderStep if kind == "do" else reminder.SkipReminderStep)(*what)


def _collectable(story: Story) -> list[item.Item]:
    """Of one customer in one currency."""
    first, zone = story.any_item(), story.case.company.settings.zone
    return [
        each
        for each in story.case.states.values()
        if first is not None
        and isinstance(each, item.Item)
        and (each.customer_id, each.details.currency) == (first.customer_id, first.details.currency)
        and item.is_collectable(each, story.at, zone)
    ]


def _asks_for_something(items: list[item.Item]) -> bool:
    return sum(each.details.balance for each in items) > 0


def _step(story: Story) -> str | None:
    """Rather an early one: none before it is due afterwards."""
    steps = [each for each in story.case.company.scenario.values() if each.active]
    steps.sort(key=lambda step: (step.days, step.code))
    return steps[min(story.chance.randrange(len(steps)) for _ in range(2))].code if steps else None


def _some_day(story: Story) -> date:
    return story.at.date() + timedelta(days=story.chance.randrange(25))
