"""A company in memory to which things happen, told late and in any order: decided by the domain, appended in
the name of whoever gave the commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from random import Random
from typing import Final
from uuid import UUID, uuid4, uuid5

from domain import catalogue, customer, dispute, follow_up, item, people
from domain.case import Case, evolve
from domain.commands import Command, Decision
from domain.decide import decide
from domain.events import Event
from domain.founding import found_company
from domain.identity import (
    DisputeId,
    FollowUpId,
    ImportId,
    ItemId,
    PersonId,
    person_id,
)
from domain.refusals import Refusal
from domain.roles import Actor, Role
from domain.undoing import Later, UndoImportOfItem
from store.log import Attribution, Log, Submission

BEGINNING: Final = datetime(2020, 1, 20, 9, tzinfo=UTC)
PEOPLE: Final = tuple(f"P{number}" for number in range(5))
ZONES: Final = ("Asia/Tokyo", "America/New_York", "UTC", "Europe/Paris", "Asia/Beirut")
SECTORS: Final = ("north", "south", "")
BRANCH: Final = "branch, site"
"""An attribute of items, named so that it has to be written in another way in a grouping."""
TYPES: Final = ("price", "quality", "delivery", "special")
_SPACE: Final = UUID("6f2f2a6e-52a5-4b39-8a2d-2f2f6f9f9f02")
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Spoken:
    """What an import did to an item, as undoing wants to hear it."""

    import_id: ImportId
    item_id: ItemId
    before: item.Item | None
    after: item.Item
    number: int


class Story:
    """A company in memory: its states, and the decisions that led to them with those who took them."""

    def __init__(self, seed: str) -> None:
        self.chance = Random(seed)
        self.case = Case()
        self.decisions: list[tuple[PersonId, Decision]] = []
        self.clock = BEGINNING
        self.at = BEGINNING
        self.imported: list[_Spoken] = []
        self.spoken = 0
        self._take(PersonId(person_id("P0")), [Decision(BEGINNING - 60 * _DAY, tuple(founded()))])
        for number, code in enumerate(PEOPLE):
            role = (Role.CREDIT_MANAGER, Role.COLLECTOR, Role.COLLECTOR, Role.RESOLVER, Role.RESOLVER)[number]
            values = (SECTORS[number % 2],) if role is Role.RESOLVER else ()
            self.give(people.RegisterPerson(code, f"Person {number}", None, role, values))
        for number in range(3):
            collector = person_id(PEOPLE[1 + number % 2]) if number < 2 else None
            manager = person_id("P4") if number else None
            buyer = f"C{number}", f"Buyer {number}"
            self.give(customer.RegisterCustomer(*buyer, None, collector, manager))

    def give(self, command: Command) -> None:
        """Decided as if it was said at ``at`` by anybody; refusals are passed over."""
        by = person_id(self.chance.choice(PEOPLE))
        about = command.item_id if isinstance(command, item.RegisterItem | item.ClearItem) else None
        before = self.case.states.get(about) if about else None
        try:
            found = decide(self.case, command, Actor(by, Role.ADMINISTRATOR), self.at)
        except Refusal:
            return
        self._take(by, found)
        if about and found and isinstance(command, item.RegisterItem | item.ClearItem):
            after = self.case.states[about]
            assert isinstance(after, item.Item)
            assert before is None or isinstance(before, item.Item)
            self.spoken += 1
            spoken = _Spoken(command.import_id or ImportId(UUID(int=0)), about, before, after, self.spoken)
            self.imported.append(spoken)

    def undo(self) -> None:
        """Take back what an import did to an item, forced or not."""
        if not self.imported:
            return
        what = self.chance.choice(self.imported[-8:])
        newer = any(each.item_id == what.item_id and each.number > what.number for each in self.imported)
        self.give(
            UndoImportOfItem(
                what.import_id,
                what.item_id,
                what.before,
                what.after,
                Later.OTHER if newer else Later.NOTHING,
                forced=self.chance.random() < 0.4,
            )
        )

    def _take(self, by: PersonId, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            self.decisions.append((by, decision))
            for event in decision.events:
                stream = event.stream_id
                self.case.states[stream] = evolve(self.case.states.get(stream), event)
                self.case.moments[stream] = decision.occurred_at

    # --- what there is to choose from -----------------------------------------------------------------

    def person(self) -> PersonId:
        return person_id(self.chance.choice(PEOPLE))

    def any_item(self, *, is_open: bool | None = True, like: item.Item | None = None) -> item.Item | None:
        found = [
            each
            for each in self.case.states.values()
            if isinstance(each, item.Item)
            and is_open in {None, each.is_open}
            and (
                like is None
                or (each.customer_id, each.details.currency) == (like.customer_id, like.details.currency)
            )
        ]
        return self.chance.choice(found) if found else None

    def some_items(self) -> tuple[ItemId, ...]:
        """Open ones of one customer in one currency, of which some may be disputed already."""
        first = self.any_item()
        if first is None:
            return ()
        others = (self.any_item(like=first) for _ in range(self.chance.randrange(3)))
        return tuple(dict.fromkeys([first.id, *(each.id for each in others if each)]))

    def any_dispute(self, *, is_open: bool | None = True) -> DisputeId | None:
        found = [
            each.id
            for each in self.case.states.values()
            if isinstance(each, dispute.Dispute) and is_open in {None, each.is_open}
        ]
        return self.chance.choice(found) if found else None

    def any_action(self) -> FollowUpId | None:
        found = [
            each.id
            for each in self.case.states.values()
            if isinstance(each, follow_up.FollowUpAction) and each.is_open
        ]
        return self.chance.choice(found) if found else None

    def due(self) -> date:
        return self.at.date() + self.chance.randrange(1, 25) * _DAY

    def part_of(self, items: Sequence[ItemId]) -> dict[ItemId, Decimal] | None:
        """Some of them in part."""
        if self.chance.random() < 0.5:
            return None
        states = [self.case.states[each] for each in items]
        return {
            each.id: each.details.balance * self.chance.randrange(1, 5) / 4
            for each in states
            if isinstance(each, item.Item)
        }

    def new_id(self) -> UUID:
        return uuid5(_SPACE, str(len(self.decisions)))

    def text(self) -> str:
        return self.chance.choice(("plain words", "Ein 100% \\ sure_thing", "é ü 中", "again"))


def founded() -> list[Event]:
    return found_company(
        catalogue.Settings(
            "Acme", assignment_field=catalogue.AssignmentField(catalogue.AttributeOf.ITEM, "sector")
        )
    )


def append_as_told(log: Log, story: Story) -> None:
    """Append what the story decided, in the name of whoever did it, some of it on behalf of another."""
    versions: dict[UUID, int] = {}
    for by, several in groupby(story.decisions, key=lambda each: each[0]):
        decisions = tuple(decision for _, decision in several)
        streams = [event.stream_id for decision in decisions for event in decision.events]
        expected = {stream: versions.get(stream, 0) for stream in streams}
        for stream in streams:
            versions[stream] = versions.get(stream, 0) + 1
        loader = person_id("P0")
        loaded = story.chance.random() < 0.3
        named = Attribution(loader if loaded else by, "credit_manager", None, by if loaded else None)
        log.append(Submission(uuid4(), None, b"", named, decisions, expected, b""))
