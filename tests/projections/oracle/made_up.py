"""Random companies with all that happens to disputes, told late and in any order: commands picked by chance,
decided by the domain, appended in the name of whoever gave them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from random import Random
from typing import Final, TypeAlias
from uuid import UUID, uuid4, uuid5

from domain import catalogue, customer, dispute, follow_up, item, people, qualifying, resolving, sales
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
TYPES: Final = ("price", "quality", "delivery", "special")
_SPACE: Final = UUID("6f2f2a6e-52a5-4b39-8a2d-2f2f6f9f9f02")
_DAY: Final = timedelta(days=1)

Make: TypeAlias = "Callable[[Story], Command | None]"


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

    def play(self, length: int) -> Story:
        for _ in range(length):
            self.clock += timedelta(minutes=self.chance.choice((0, 7, 90, 600, 1_440)))
            late = self.chance.random() < 0.4
            self.at = self.clock - (
                self.chance.randrange(1, 12_000) * timedelta(minutes=1) if late else 0 * _DAY
            )
            (make,) = self.chance.choices([each for each, _ in COMMANDS], [often for _, often in COMMANDS])
            if make is None:
                self.undo()
            elif (command := make(self)) is not None:
                self.give(command)
        return self

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


# --- commands ------------------------------------------------------------------------------------------


def _register(story: Story) -> Command:
    chance = story.chance
    known = story.any_item(is_open=None) if chance.random() < 0.45 else None
    if known is not None:
        return _again(story, known)
    code, number = f"C{chance.randrange(3)}", f"N{chance.randrange(40)}"
    issued = date(2019, 11, 1) + chance.randrange(150) * _DAY
    kind = chance.choice((item.ItemType.INVOICE,) * 5 + (item.ItemType.CREDIT_NOTE, item.ItemType.PAYMENT))
    sign = 1 if kind is item.ItemType.INVOICE else -1
    amount = sign * Decimal(chance.randrange(100, 90_000)) / 100
    balance = amount * chance.choice((4, 4, 4, 3, 1)) / 4
    attributes = {"sector": chance.choice(SECTORS), "branch": chance.choice(("x", "y"))}
    if chance.random() < 0.2:
        attributes = {}
    details = item.ItemDetails(
        kind,
        issued,
        issued + chance.choice((0, 14, 30, 60)) * _DAY,
        amount,
        balance,
        "USD" if chance.random() < 0.25 else "EUR",
        attributes,
    )
    entity = chance.choice(("main", "main", "north"))
    return item.RegisterItem(code, entity, number, details, import_id=ImportId(story.new_id()))


def _again(story: Story, known: item.Item) -> Command:
    """The same document with another balance, date or sector; perhaps paid, perhaps brought back."""
    chance, said = story.chance, known.details
    balance = said.amount * chance.choice((0, 1, 2, 4)) / 4
    details = item.ItemDetails(
        said.type,
        said.issue_date,
        said.due_date + chance.choice((0, 0, 10)) * _DAY,
        said.amount,
        balance,
        said.currency,
        {**said.attributes, "sector": chance.choice(SECTORS)} if chance.random() < 0.3 else said.attributes,
    )
    paid = story.at.date() - chance.randrange(4) * _DAY if balance == 0 and chance.random() < 0.5 else None
    return item.RegisterItem(
        known.customer_code,
        known.entity,
        known.number,
        details,
        cleared_on=paid,
        import_id=ImportId(story.new_id()),
    )


def _clear(story: Story) -> Command | None:
    known = story.any_item()
    paid = story.at.date() - story.chance.randrange(6) * _DAY if story.chance.random() < 0.5 else None
    return item.ClearItem(known.id, paid, ImportId(story.new_id())) if known else None


def _open(story: Story) -> Command:
    items = story.some_items()
    chance = story.chance
    received = story.at - chance.randrange(5_000) * timedelta(minutes=1) if chance.random() < 0.5 else None
    return dispute.OpenDispute(
        DisputeId(story.new_id()),
        items,
        chance.choice(TYPES[:3]),
        "too dear",
        story.text(),
        story.person() if chance.random() < 0.4 else None,
        received,
        amounts=story.part_of(items),
        plan_follow_up=chance.random() < 0.7,
        reference=f"ref {story.new_id()}" if chance.random() < 0.3 else None,
    )


def _qualify(story: Story) -> Command:
    items = story.some_items()
    status = story.chance.choice(
        ("promise_to_pay", "promise_to_pay", "litigation", "ongoing", *TYPES, "dispute_resolved")
    )
    is_settled = status == "dispute_resolved" and story.chance.random() < 0.5
    return qualifying.QualifyItems(
        DisputeId(story.new_id()),
        items,
        status,
        story.text(),
        promised_on=story.due() if status == "promise_to_pay" else None,
        outcome=dispute.Outcome.OTHER if is_settled else None,
    )


def _of_dispute(make: Callable[[Story, DisputeId], Command], *, is_open: bool | None = True) -> Make:
    def made(story: Story) -> Command | None:
        found = story.any_dispute(is_open=is_open)
        return make(story, found) if found else None

    return made


def _of_action(make: Callable[[Story, FollowUpId], Command]) -> Make:
    def made(story: Story) -> Command | None:
        found = story.any_action()
        return make(story, found) if found else None

    return made


_BY_HAND: Final = tuple(each for each in dispute.Outcome if each is not dispute.Outcome.CLEARED)


def _plan(story: Story) -> Command | None:
    chance = story.chance
    of = story.any_dispute() if chance.random() < 0.5 else None
    return follow_up.PlanFollowUp(
        FollowUpId(story.new_id()),
        story.text(),
        story.due(),
        of,
        () if of else story.some_items(),
        story.person() if chance.random() < 0.5 else None,
        story.person() if chance.random() < 0.3 else None,
    )


def _settings(story: Story) -> Command:
    chance = story.chance
    return chance.choice(
        (
            catalogue.ChangeSettings(zone=chance.choice(ZONES)),
            catalogue.ChangeSettings(ageing_buckets=chance.choice(((30, 60, 90), (5, 20), (15,)))),
            catalogue.ChangeSettings(
                language=chance.choice(("en", "fr")), country=chance.choice(("FR", None))
            ),
        )
    )


def _catalogue(story: Story) -> Command:
    chance = story.chance
    code = chance.choice(TYPES)
    kind = catalogue.StatusKind.DISPUTE
    labels = {chance.choice(("en", "fr", "de")): f"{code} {chance.randrange(9)}"}
    return chance.choice(
        (
            catalogue.DefineStatus(code, kind, labels, 3, chance.choice((None, 2, 9)), back_into_use=True),
            catalogue.DefineStatus(code, kind, labels, back_into_use=True),
            catalogue.RetireStatus(code),
        )
    )


def _person(story: Story) -> Command:
    chance = story.chance
    who = chance.choice(PEOPLE)
    return chance.choice(
        (
            people.DeactivatePerson(person_id(who)),
            people.ReactivatePerson(person_id(who)),
            people.ReactivatePerson(person_id(who)),
            people.RegisterPerson(who, f"Person {chance.randrange(9)}"),
        )
    )


def _customer(story: Story) -> Command:
    chance = story.chance
    collector = story.person() if chance.random() < 0.8 else None
    code, name = f"C{chance.randrange(3)}", f"Buyer {chance.randrange(9)}"
    if chance.random() < 0.3:
        manager = story.person() if chance.random() < 0.7 else None
        return customer.RegisterCustomer(code, name, sales_manager_id=manager)
    return customer.RegisterCustomer(code, name, None, collector)


def _sales(story: Story) -> Command:
    chance = story.chance
    month = chance.choice((date(2019, 12, 1), date(2020, 1, 1), date(2020, 2, 1), date(2020, 3, 1)))
    entity = chance.choice(("main", "north", "west"))
    return sales.StateMonthlySales(
        month, entity, chance.choice(("EUR", "USD")), Decimal(chance.randrange(0, 9_000))
    )


COMMANDS: Final[Sequence[tuple[Make | None, int]]] = (
    (_register, 22),
    (_clear, 7),
    (None, 7),
    (_open, 14),
    (_qualify, 9),
    (_of_dispute(lambda s, d: dispute.ResolveDispute(d, s.chance.choice(_BY_HAND), None, s.text())), 6),
    (_of_dispute(lambda s, d: dispute.ReopenDispute(d, follow_up.FollowUpPlan(s.due())), is_open=False), 6),
    (_of_dispute(lambda _, d: dispute.CancelDispute(d), is_open=None), 2),
    (_of_dispute(lambda _, d: dispute.EscalateDispute(d)), 2),
    (_of_dispute(lambda s, d: dispute.AssignResolver(d, s.person() if s.chance.random() < 0.8 else None)), 6),
    (_of_dispute(lambda _, d: dispute.AssignResolver(d)), 1),
    (_of_dispute(lambda s, d: dispute.ChangeDisputeType(d, s.chance.choice(TYPES))), 4),
    (_of_dispute(lambda s, d: dispute.CommentDispute(d, s.text()), is_open=None), 6),
    (_of_dispute(lambda s, d: dispute.UpdateDisputeComment(d, s.text())), 1),
    (_of_dispute(lambda s, d: dispute.AttachDocument(d, s.text(), "sha256:1"), is_open=None), 1),
    (_of_dispute(lambda s, d: dispute.AddItems(d, items := s.some_items(), s.part_of(items))), 5),
    (_of_dispute(lambda s, d: dispute.RemoveItems(d, s.some_items()[:1])), 4),
    (_plan, 5),
    (_of_action(lambda s, f: follow_up.PostponeFollowUp(f, s.due())), 4),
    (_of_action(lambda s, f: follow_up.ChaseResolver(f, follow_up.Medium.SMS, s.text(), s.due())), 6),
    (
        _of_action(
            lambda s, f: follow_up.RecordInteraction(
                f,
                s.chance.choice(list(follow_up.Party)),
                follow_up.Medium.PHONE,
                s.chance.choice(list(follow_up.Direction)),
                s.text(),
            )
        ),
        4,
    ),
    (_of_action(lambda s, f: follow_up.CommentFollowUp(f, s.text())), 2),
    (_of_action(lambda s, f: resolving.EndFollowUp(f, s.text())), 2),
    (_of_action(lambda s, f: resolving.EndFollowUp(f, None, s.chance.choice(_BY_HAND))), 3),
    (_settings, 2),
    (_catalogue, 2),
    (_person, 2),
    (_customer, 3),
    (_sales, 2),
)
"""What may happen (None: an import is undone), and how often."""
