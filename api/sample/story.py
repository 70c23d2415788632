"""The story of the sample company: which commands were given over its last twelve months, and when.

The same seed and the same last day tell the same story.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Final
from uuid import UUID

from api.sample import names
from domain.commands import Command
from domain.customer import RegisterCustomer
from domain.dispute import (
    CancelDispute,
    Channel,
    CommentDispute,
    EscalateDispute,
    OpenDispute,
    Outcome,
    ReopenDispute,
    ResolveDispute,
)
from domain.follow_up import ChaseResolver, FollowUpPlan, Medium
from domain.identity import DisputeId, dispute_id, follow_up_of, person_id
from domain.item import ClearItem, ItemDetails, ItemType, RegisterItem
from domain.qualifying import QualifyItems

SEED: Final = 20
CUSTOMERS: Final = 300
ITEMS: Final = 20_000
DISPUTES: Final = 1_200
COLLECTORS: Final = tuple(f"collector-{number}" for number in range(1, 6))
RESOLVERS: Final = tuple(f"resolver-{number}" for number in range(1, 9))

_DAYS: Final = 365
_TERMS: Final = (14, 30, 30, 45, 60)
_CURRENCIES: Final = {"FR01": "EUR", "DE01": "EUR", "UK01": "GBP"}
_MEDIAN_DAYS: Final = {"price": 9.0, "quality": 24.0, "delivery": 15.0, "administrative": 6.0}
_TYPES: Final = ("price", "quality", "delivery", "administrative")
_TYPE_WEIGHTS: Final = (35, 20, 25, 20)
_OUTCOMES: Final = {
    "price": (Outcome.CREDIT_NOTE, Outcome.PARTIAL_CREDIT, Outcome.INVOICE_UPHELD),
    "quality": (Outcome.REPLACEMENT, Outcome.PARTIAL_CREDIT, Outcome.CREDIT_NOTE, Outcome.WRITTEN_OFF),
    "delivery": (Outcome.CREDIT_NOTE, Outcome.REPLACEMENT, Outcome.INVOICE_UPHELD),
    "administrative": (Outcome.INVOICE_UPHELD, Outcome.OTHER),
}
_CHASE_EVERY: Final = 7


@dataclass(frozen=True, slots=True)
class Told:
    """A command of the story and when it was given; None: the command knows its own time."""

    command: Command
    at: datetime | None
    behalf: str | None = None


@dataclass(frozen=True, slots=True)
class SampleCustomer:
    """A customer of the story."""

    code: str
    name: str
    entity: str
    currency: str
    sector: str
    collector: str


@dataclass(frozen=True, slots=True)
class SampleItem:
    """An item of the story, with the day on which it will be paid if nobody disputes it."""

    customer: SampleCustomer
    command: RegisterItem
    pays_on: date


def customers(random: Random) -> list[SampleCustomer]:
    """The customers, each with one entity, one currency, one sector and one collector."""
    made = []
    for number in range(1, CUSTOMERS + 1):
        entity = random.choices(tuple(names.FORMS), (5, 3, 2))[0]
        form = random.choice(names.FORMS[entity])
        name = f"{random.choice(names.SURNAMES)} {random.choice(names.TRADES)} {form}"
        # Some customers of every entity are invoiced in dollars.
        currency = "USD" if random.random() < 0.12 else _CURRENCIES[entity]
        sector = random.choices(names.SECTORS, (20, 18, 14, 12, 10, 9, 8, 6, 3))[0]
        code = f"C{number:05d}"
        made.append(SampleCustomer(code, name, entity, currency, sector, random.choice(COLLECTORS)))
    return made


def registrations(of: list[SampleCustomer]) -> Iterator[Told]:
    """The customers are registered, each with its collector."""
    for number, each in enumerate(of):
        manager = person_id("sales-1" if number % 2 else "sales-2")
        attributes = {"sector": each.sector, "country": each.entity[:2]}
        yield Told(
            RegisterCustomer(each.code, each.name, attributes, person_id(each.collector), manager), None
        )


def items(random: Random, of: list[SampleCustomer], last_day: date) -> list[SampleItem]:
    """The items of twelve months; a few customers have most of them."""
    weights = [1 / (rank + 3) for rank in range(len(of))]
    made = []
    for number, customer in enumerate(random.choices(of, weights, k=ITEMS), 1):
        issued = last_day - timedelta(days=random.randint(1, _DAYS))
        due = issued + timedelta(days=random.choice(_TERMS))
        kind = random.choices((ItemType.INVOICE, ItemType.CREDIT_NOTE, ItemType.PAYMENT), (93, 5, 2))[0]
        size = Decimal(round(random.lognormvariate(6.6, 1.1) * 100) + 100) / 100
        amount = size if kind is ItemType.INVOICE else -size / 4
        amount = amount.quantize(Decimal("0.01"))
        details = ItemDetails(
            kind, issued, due, amount, amount, customer.currency, {"order": f"PO-{number % 9973:05d}"}
        )
        command = RegisterItem(customer.code, customer.entity, f"{issued:%y%m}-{number:06d}", details)
        late = round(random.lognormvariate(1.8, 1.0)) - 4
        made.append(
            SampleItem(customer, command, max(due + timedelta(days=late), issued + timedelta(days=1)))
        )
    return made


def resolver_of(customer: SampleCustomer) -> str | None:
    """Whom the rule finds for the customer's disputes: each has a sector, and one sector has nobody."""
    return dict(zip(names.SECTORS, RESOLVERS, strict=False)).get(customer.sector)


class Story:
    """What happened to the items: payments, promises, and disputes from opening to resolution."""

    def __init__(self, random: Random, all_items: list[SampleItem], last_moment: datetime) -> None:
        self._random: Final = random
        self._items: Final = all_items
        self._last: Final = last_moment
        self._told: Final[list[tuple[datetime, int, Told]]] = []

    def tell(self) -> list[Told]:
        """All of it in the order of time."""
        disputed = self._disputes()
        for each in self._items:
            if each.command.item_id not in disputed:
                self._pay(each, each.pays_on)
        self._promises(disputed)
        return [told for _, _, told in (heapq.heappop(self._told) for _ in range(len(self._told)))]

    def _add(self, at: datetime, command: Command, behalf: str | None = None) -> bool:
        if at >= self._last:
            return False
        heapq.heappush(self._told, (at, len(self._told), Told(command, at, behalf)))
        return True

    def _pay(self, each: SampleItem, day: date) -> None:
        paid = datetime.combine(day, time(1), UTC)
        if paid < self._last:
            heapq.heappush(
                self._told, (paid, len(self._told), Told(ClearItem(each.command.item_id, day), None))
            )

    def _disputes(self) -> set[UUID]:
        by_customer: dict[str, list[SampleItem]] = {}
        for each in self._items:
            if each.command.details.type is ItemType.INVOICE:
                by_customer.setdefault(each.customer.code, []).append(each)
        disputed: set[UUID] = set()
        opened = 0
        while opened < DISPUTES:
            mine = [
                each
                for each in self._random.choice(list(by_customer.values()))
                if each.command.item_id not in disputed
            ]
            if not mine:
                continue
            first = self._random.choice(mine)
            chosen = [first, *self._beside(first, mine)]
            if self._dispute(f"D-{opened + 1:05d}", chosen):
                opened += 1
                disputed |= {each.command.item_id for each in chosen}
        return disputed

    def _beside(self, first: SampleItem, mine: list[SampleItem]) -> list[SampleItem]:
        # A delivery often went onto several invoices of the same weeks.
        if self._random.random() > 0.3:
            return []
        issued = first.command.details.issue_date
        near = [
            each
            for each in mine
            if each is not first and abs((each.command.details.issue_date - issued).days) < 15
        ]
        return self._random.sample(near, min(len(near), self._random.randint(1, 3)))

    def _dispute(self, reference: str, chosen: list[SampleItem]) -> bool:
        random = self._random
        issued = max(each.command.details.issue_date for each in chosen)
        noon = datetime.combine(issued, time(9), UTC)
        opened = noon + timedelta(days=random.randint(2, 40), minutes=random.randint(0, 480))
        if opened >= self._last:
            return False
        kind = random.choices(_TYPES, _TYPE_WEIGHTS)[0]
        of = dispute_id(reference)
        collector = chosen[0].customer.collector
        amounts = None
        if random.random() < 0.15:
            whole = chosen[0].command.details.balance
            amounts = {
                chosen[0].command.item_id: (whole * random.randint(10, 80) / 100).quantize(Decimal("0.01"))
            }
        self._add(
            opened,
            OpenDispute(
                of,
                tuple(each.command.item_id for each in chosen),
                kind,
                random.choice(names.REASONS[kind]),
                received_on=opened - timedelta(hours=random.randint(0, 60)),
                channel=random.choice((Channel.PHONE, Channel.EMAIL, Channel.EMAIL)),
                amounts=amounts,
                reference=reference,
            ),
            collector,
        )
        self._episode(of, 1, kind, chosen, opened)
        return True

    def _episode(
        self, of: DisputeId, number: int, kind: str, chosen: list[SampleItem], opened: datetime
    ) -> None:
        random = self._random
        collector = chosen[0].customer.collector
        days = random.lognormvariate(0, 0.7) * _MEDIAN_DAYS[kind]
        ended = opened + timedelta(days=days + 0.2)
        if random.random() < 0.5:
            responded = opened + (ended - opened) / 3
            comment = CommentDispute(of, random.choice(names.COMMENTS))
            self._add(responded, comment, resolver_of(chosen[0].customer) or collector)
        self._chases(of, number, chosen, opened, ended)
        fate = random.random()
        if fate < 0.02:
            self._add(ended, CancelDispute(of, "Opened by mistake"), collector)
            self._pay_all(chosen, ended)
        elif fate < 0.04:
            self._add(ended, EscalateDispute(of, "Handed to the lawyer"), collector)
        else:
            self._resolve(of, number, kind, chosen, ended)

    def _chases(
        self, of: DisputeId, number: int, chosen: list[SampleItem], opened: datetime, ended: datetime
    ) -> None:
        if resolver_of(chosen[0].customer) is None:
            return
        lazy = self._random.random() < 0.25
        at = opened + timedelta(days=_CHASE_EVERY + self._random.random())
        while at < ended and not lazy:
            chase = ChaseResolver(follow_up_of(of, number), Medium.EMAIL, "Please answer the customer")
            self._add(at, chase, chosen[0].customer.collector)
            at += timedelta(days=_CHASE_EVERY + 3 * self._random.random())

    def _resolve(
        self, of: DisputeId, number: int, kind: str, chosen: list[SampleItem], ended: datetime
    ) -> None:
        random = self._random
        collector = chosen[0].customer.collector
        outcome = random.choice(_OUTCOMES[kind])
        if not self._add(
            ended, ResolveDispute(of, outcome, comment=random.choice(names.COMMENTS)), collector
        ):
            return
        again = ended + timedelta(days=random.randint(1, 12))
        if number == 1 and random.random() < 0.05:
            plan = FollowUpPlan((again + timedelta(days=5)).date())
            if self._add(again, ReopenDispute(of, plan, "The customer is not satisfied"), collector):
                self._episode(of, 2, kind, chosen, again)
                return
        if outcome is not Outcome.WRITTEN_OFF:
            self._pay_all(chosen, ended)

    def _pay_all(self, chosen: list[SampleItem], ended: datetime) -> None:
        for each in chosen:
            self._pay(each, (ended + timedelta(days=self._random.randint(13, 40))).date())

    def _promises(self, disputed: set[UUID]) -> None:
        last_day = self._last.date()
        late = [
            each
            for each in self._items
            if each.command.item_id not in disputed
            and each.pays_on > last_day
            and each.command.details.type is ItemType.INVOICE
            and each.command.details.due_date < last_day
        ]
        for number, each in enumerate(self._random.sample(late, min(len(late), 80))):
            promised = last_day + timedelta(days=self._random.randint(-5, 15))
            said = self._last - timedelta(days=self._random.randint(6, 10))
            if said.date() <= each.command.details.issue_date:
                continue
            base = dispute_id(f"promise {number}")
            command = QualifyItems(
                base, (each.command.item_id,), "promise_to_pay", "Promised on the phone", promised_on=promised
            )
            self._add(said, command, each.customer.collector)
