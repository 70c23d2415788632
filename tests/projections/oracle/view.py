"""What the two clocks show of a log (spec §1), folded by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from domain.identity import person_id
from domain.roles import Actor, Role
from projections.parameters import Parameters
from tests.projections.oracle import disputes, items, masters, reminders
from tests.projections.oracle.disputes import Action, Dispute, Episode
from tests.projections.oracle.facts import BY_KNOWN_AT_ALONE, Data, Fact, end_of_decision
from tests.projections.oracle.items import Item
from tests.projections.oracle.reminders import Reminders, Run

BOSS: Final = Actor(person_id("boss"), Role.CREDIT_MANAGER)


class View:
    """All that holds as at a moment, as it is known at a position."""

    def __init__(
        self,
        log: Sequence[Fact],
        now: datetime,
        as_at: date | datetime | None,
        known_at: int | datetime | None,
        asker: Actor = BOSS,
    ) -> None:
        self.asker = asker
        self.known = end_of_decision(log, known_at)
        self._known_facts = [fact for fact in log if fact.position <= self.known]
        self.masters = masters.fold(self._known_facts)
        self.zone = ZoneInfo(self.masters.settings["zone"])
        self.at = self._moment(now, as_at)
        self.today = self.day(self.at)

    def _moment(self, now: datetime, as_at: date | datetime | None) -> datetime:
        if as_at is None:
            return now
        if isinstance(as_at, datetime):
            return as_at
        midnight = datetime.combine(as_at + timedelta(days=1), time(), self.zone)
        return midnight.astimezone(UTC) - timedelta(microseconds=1)

    def day(self, at: datetime) -> date:
        """The date of *at* in the company's zone."""
        return at.astimezone(self.zone).date()

    def month(self, at: datetime) -> str:
        return self.day(at).strftime("%Y-%m")

    @cached_property
    def facts(self) -> list[Fact]:
        """What had occurred by the moment, of streams that both clocks show."""
        return [
            fact
            for fact in self._known_facts
            if fact.of not in BY_KNOWN_AT_ALONE and fact.occurred_at <= self.at
        ]

    @cached_property
    def items(self) -> dict[str, Item]:
        return items.fold(self.facts)

    @cached_property
    def disputes(self) -> dict[str, Dispute]:
        return disputes.fold_disputes(self.facts)

    @cached_property
    def actions(self) -> dict[str, Action]:
        return disputes.fold_actions(self.facts)

    @cached_property
    def reminders(self) -> dict[Run, Reminders]:
        return reminders.fold(self.facts)

    @property
    def open_items(self) -> list[Item]:
        return [item for item in self.items.values() if item.is_open]

    @property
    def counted(self) -> list[Dispute]:
        """Disputes that were not opened by mistake (spec 20)."""
        return [each for each in self.disputes.values() if each.state != "cancelled"]

    @property
    def episodes(self) -> list[Episode]:
        return [episode for dispute in self.counted for episode in dispute.episodes]

    def resolvers_of(self, item: Item) -> set[str]:
        """Who is to settle what the item is in: its dispute, and the open actions that list it."""
        of_dispute = self.disputes[item.dispute].resolver if item.dispute else None
        found = {of_dispute, *(self.actions[each].resolver for each in item.actions)}
        return {each for each in found if each}

    def resolver_of(self, item: Item) -> str | None:
        """Of its dispute, or else of the action due first that lists it and has one of its own."""
        of_dispute = self.disputes[item.dispute].resolver if item.dispute else None
        actions = [self.actions[each] for each in item.actions]
        due = sorted((each.due_on, each.id, each.resolver) for each in actions if each.resolver)
        return of_dispute or (due[0][2] if due else None)

    # --- filters ------------------------------------------------------------------------------------

    def in_period(self, day: date, asked: Parameters) -> bool:
        return (asked.period_from is None or asked.period_from <= day) and (
            asked.period_to is None or day <= asked.period_to
        )

    def attributes_then(self, episode: Episode, item: str) -> Data:
        """An item's attributes as they were when the episode ended, or are while it goes on."""
        if episode.ended_at is None or episode.ended_by is None:
            return dict(self.items[item].details["attributes"])
        return self.items[item].attributes_at(episode.ended_by, episode.ended_at)

    def has_item_part(self, item: Item, asked: Parameters, then: Episode | None = None) -> bool:
        """Whether the filters that pick items out of a dispute's or an action's pick this one."""
        own = self.attributes_then(then, item.id) if then else item.details["attributes"]
        return _fits(asked.entity, item.entity) and all(
            own.get(name) == value for name, value in asked.attributes.items()
        )

    def is_item_asked(self, item: Item, asked: Parameters) -> bool:
        return (
            self.has_item_part(item, asked)
            and _fits(asked.customer, item.customer)
            and _fits(asked.collector, self.masters.collector_of(item.customer_id))
            and (asked.resolver is None or str(asked.resolver) in self.resolvers_of(item))
            and _fits(asked.status, item.status)
            and _fits(asked.currency, item.currency)
            and self.in_period(item.issued, asked)
        )

    def is_case_asked(self, of: Dispute, asked: Parameters, kind: str, resolver: str | None) -> bool:
        """Whether the filters on disputes as a whole pick *of*, with that type and resolver."""
        return (
            _fits(asked.customer, of.customer)
            and _fits(asked.collector, self.masters.collector_of(of.customer_id))
            and _fits(asked.resolver, resolver)
            and _fits(asked.status, kind)
            and _fits(asked.currency, of.currency)
        )


def _fits(wanted: object, value: str | None) -> bool:
    return wanted is None or str(wanted) == value
