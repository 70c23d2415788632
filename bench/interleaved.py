"""A made-up company whose disputes are all worked on at the same time: what a feed has to follow.

Decided by the domain itself, so that every event and state is one that can be. The same seed gives the same
history.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Final
from uuid import UUID

from domain.case import Case, connected, evolve
from domain.catalogue import Settings
from domain.commands import Command, Decision
from domain.customer import RegisterCustomer
from domain.decide import decide
from domain.dispute import (
    AssignResolver,
    ChangeDisputeType,
    CommentDispute,
    Dispute,
    OpenDispute,
    Outcome,
    ResolveDispute,
    UpdateDisputeComment,
)
from domain.follow_up import ChaseResolver, Direction, Medium, Party, PostponeFollowUp, RecordInteraction
from domain.founding import found_company
from domain.identity import COMPANY_STREAM, OPERATOR, PEOPLE_STREAM, DisputeId, ItemId, item_id, person_id
from domain.item import Item, ItemDetails, ItemType, RegisterItem
from domain.people import RegisterPerson
from domain.refusals import Refusal
from domain.roles import Actor, Role
from store.clock import new_id
from store.log import Attribution, Log, Submission

ACTOR: Final = Actor(OPERATOR, Role.ADMINISTRATOR)
BY: Final = Attribution(OPERATOR, "administrator", None, None)
BEGINNING: Final = datetime(2022, 1, 3, 9, tzinfo=UTC)
PER_SUBMISSION: Final = 500
TYPES: Final = ("price", "quality", "delivery", "administrative")


class Company:
    """Its states so far; what it decides is handed out decision by decision."""

    def __init__(self, customers: int, items: int, disputes: int, seed: int = 1) -> None:
        self._customers: Final = customers
        self._items: Final = items
        self._disputes: Final = disputes
        self._chance: Final = random.Random(seed)
        self._states: Final[dict[UUID, object]] = {}
        self._moments: Final[dict[UUID, datetime]] = {}
        self._at = BEGINNING
        self._free: list[ItemId] = []
        self._open: list[DisputeId] = []
        self._work: Final[tuple[Callable[[Dispute], Command | None], ...]] = (
            self._comment, self._comment, self._interact, self._interact, self._chase, self._postpone,
            self._correct, self._correct, self._assign, self._retype, self._replace_comment, self._resolve,
        )  # fmt: skip

    def beginning(self) -> Iterator[Decision]:
        """The company is founded, its people, customers and items registered, its first disputes opened."""
        yield self._taken(Decision(self._at, tuple(found_company(Settings("Bench")))))
        for number in range(20):
            yield from self._decided(RegisterPerson(f"P{number}", f"Person {number}", role=Role.RESOLVER))
        for number in range(self._customers):
            name = f"Customer {number} & Söhne"
            yield from self._decided(RegisterCustomer(f"C{number}", name, collector_id=person_id("P1")))
        for number in range(self._items):
            yield from self._decided(self._item(number))
        for _ in range(self._disputes):
            yield from self._decided(self._opening())

    def work(self) -> Iterator[Decision]:
        """One decision after the other about disputes at random, for ever."""
        while True:
            self._at += timedelta(minutes=1)
            dispute = self._states[self._chance.choice(self._open)]
            assert isinstance(dispute, Dispute)
            command = self._chance.choice(self._work)(dispute)
            if command is not None:
                yield from self._decided(command)
            if isinstance(command, ResolveDispute):
                self._open.remove(dispute.id)
                yield from self._decided(self._opening())

    def _decided(self, command: Command) -> list[Decision]:
        try:
            decisions = decide(self._case(command), command, ACTOR, self._at)
        except Refusal:
            return []
        return [self._taken(decision) for decision in decisions]

    def _case(self, command: Command) -> Case:
        case = Case()
        reading = {COMPANY_STREAM, PEOPLE_STREAM, *command.streams()}
        while reading:
            for stream in reading & self._states.keys():
                case.states[stream] = self._states[stream]  # type: ignore[assignment]
                case.moments[stream] = self._moments[stream]
            found = [connected(case.states[stream]) for stream in reading if stream in case.states]
            reading = set().union(*found) - case.states.keys() if command.spans_case else set()
            reading &= self._states.keys()
        return case

    def _taken(self, decision: Decision) -> Decision:
        for event in decision.events:
            stream = event.stream_id
            self._states[stream] = evolve(self._states.get(stream), event)  # type: ignore[arg-type]
            self._moments[stream] = decision.occurred_at
        return decision

    # --- commands ----------------------------------------------------------------------------------

    def _item(self, number: int) -> RegisterItem:
        code = f"C{number % self._customers}"
        self._free.append(item_id("main", code, f"INV-{number:07}"))
        amount = Decimal(self._chance.randrange(1_000, 900_000)) / 100
        issued = date(2021, 6, 1) + timedelta(days=number % 200)
        attributes = {"sector": "north", "purchase_order": f"PO {number}", "plant": "4711"}
        due = issued + timedelta(days=30)
        details = ItemDetails(ItemType.INVOICE, issued, due, amount, amount, "EUR", attributes)
        return RegisterItem(code, "main", f"INV-{number:07}", details, accept_as_new=True)

    def _opening(self) -> OpenDispute:
        dispute = DisputeId(UUID(int=self._chance.getrandbits(128), version=4))
        item = self._free.pop(self._chance.randrange(len(self._free)))
        self._open.append(dispute)
        kind = self._chance.choice(TYPES)
        return OpenDispute(dispute, (item,), kind, "not as ordered", "The customer says so.", person_id("P2"))

    def _comment(self, dispute: Dispute) -> Command:
        return CommentDispute(dispute.id, "Asked the plant for the delivery note.")

    def _replace_comment(self, dispute: Dispute) -> Command:
        return UpdateDisputeComment(dispute.id, f"Waiting since {self._at:%d %B, %H:%M}.")

    def _interact(self, dispute: Dispute) -> Command:
        action = next(iter(dispute.follow_ups))
        return RecordInteraction(
            action, Party.CUSTOMER, Medium.PHONE, Direction.INCOMING, "Wants a credit note."
        )

    def _chase(self, dispute: Dispute) -> Command:
        action = next(iter(dispute.follow_ups))
        return ChaseResolver(action, Medium.EMAIL, "Please answer.", self._day(7))

    def _postpone(self, dispute: Dispute) -> Command:
        return PostponeFollowUp(next(iter(dispute.follow_ups)), self._day(self._chance.randrange(30)))

    def _assign(self, dispute: Dispute) -> Command:
        return AssignResolver(dispute.id, person_id(f"P{self._chance.randrange(20)}"))

    def _retype(self, dispute: Dispute) -> Command:
        return ChangeDisputeType(dispute.id, self._chance.choice(TYPES))

    def _correct(self, dispute: Dispute) -> Command:
        item = self._states[next(iter(dispute.items))]
        assert isinstance(item, Item)
        details = item.details
        said = {**details.attributes, "note": f"{self._at:%Y%m%d%H%M}"}
        changed = ItemDetails(
            details.type, details.issue_date, details.due_date, details.amount, details.balance, "EUR", said
        )
        return RegisterItem(item.customer_code, item.entity, item.number, changed)

    def _resolve(self, dispute: Dispute) -> Command | None:
        if self._chance.randrange(2) or not self._free:
            return None
        return ResolveDispute(dispute.id, Outcome.CREDIT_NOTE, None, "Credited.")

    def _day(self, ahead: int) -> date:
        return self._at.date() + timedelta(days=ahead)


def events_of(decisions: Iterator[Decision], at_least: int) -> Iterator[Decision]:
    """Decisions until they hold so many events."""
    events = 0
    for decision in decisions:
        events += len(decision.events)
        yield decision
        if events >= at_least:
            return


def append(log: Log, decisions: Iterator[Decision], versions: dict[UUID, int]) -> int:
    """Append *decisions* in large submissions; return the newest position. *versions* moves along."""
    while part := tuple(islice(decisions, PER_SUBMISSION)):
        streams = [event.stream_id for decision in part for event in decision.events]
        expected = {stream: versions.get(stream, 0) for stream in streams}
        for stream in streams:
            versions[stream] = versions.get(stream, 0) + 1
        log.append(Submission(new_id(), None, b"", BY, part, expected, b""))
    return log.newest()
