"""Given, when, then: the sentences in which the domain's tests are written.

A `World` holds every stream that a test has spoken of. A command in it is decided as the service does it:
only what `still_to_read` asks for is put into the case, then `authorize`, then `decide`. What was decided is
folded by `domain.case.evolve`, and the rules that hold for every decision are checked on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID, uuid5

from domain import identity
from domain.calendar import WorkingDay, is_weekday
from domain.case import Case, State, evolve
from domain.catalogue import Company, Settings
from domain.commands import Command, Decision
from domain.customer import Customer, RegisterCustomer
from domain.decide import authorize, decide, still_to_read
from domain.dispute import Dispute, OpenDispute, Outcome, ResolveDispute
from domain.events import Event
from domain.follow_up import FollowUpAction
from domain.founding import found_company
from domain.identity import (
    COMPANY_STREAM,
    OPERATOR,
    PEOPLE_STREAM,
    DisputeId,
    FollowUpId,
    ItemId,
    KeyId,
    PersonId,
)
from domain.item import Exclusion, Item, ItemDetails, ItemType, RegisterItem, exclusions, is_collectable
from domain.people import People, RegisterPerson
from domain.qualifying import QualifyItems
from domain.refusals import Refusal
from domain.roles import Actor, Permission, Role

E = TypeVar("E", bound=Event)

# --- when ------------------------------------------------------------------------------------------

MONDAY: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""When everything happens that says no other time. UTC is the company's zone unless a test says otherwise."""

TODAY: Final = MONDAY.date()


def day(number: int, hour: int = 9) -> datetime:
    """*number* days after that Monday."""
    return MONDAY.replace(hour=hour) + timedelta(days=number)


def on(number: int) -> date:
    """The date of `day`."""
    return day(number).date()


# --- who -------------------------------------------------------------------------------------------


def person(code: str, role: Role) -> Actor:
    return Actor(identity.person_id(code), role)


def service(*scopes: Permission) -> Actor:
    return Actor(PersonId(key("client")), Role.SERVICE, key("client"), frozenset(scopes))


def key(name: str) -> KeyId:
    return KeyId(uuid5(PEOPLE_STREAM, name))


OPERATING: Final = Actor(OPERATOR, Role.ADMINISTRATOR)
MANAGER: Final = person("manager", Role.CREDIT_MANAGER)
COLLECTOR: Final = person("collector", Role.COLLECTOR)
OTHER_COLLECTOR: Final = person("other_collector", Role.COLLECTOR)
RESOLVER: Final = person("resolver", Role.RESOLVER)
OTHER_RESOLVER: Final = person("other_resolver", Role.RESOLVER)
SALES: Final = person("sales", Role.SALES_MANAGER)
AUDITOR: Final = person("auditor", Role.AUDITOR)
ANALYST: Final = person("analyst", Role.ANALYST)
CAST: Final = (MANAGER, COLLECTOR, OTHER_COLLECTOR, RESOLVER, OTHER_RESOLVER, SALES, AUDITOR, ANALYST)
TECHNICIAN: Final = identity.person_id("technician")
"""Somebody without a login."""

# --- what ------------------------------------------------------------------------------------------

ISSUED: Final = on(-30)
DUE: Final = on(-1)

ACME: Final = "ACME"
"""A customer of `COLLECTOR` and `SALES`."""

OTHER: Final = "OTHER"
"""A customer of nobody."""


def item(number: str, customer: str = ACME) -> ItemId:
    return identity.item_id("main", customer, number)


def dispute(name: str = "D") -> DisputeId:
    return identity.dispute_id(name)


def action(name: str) -> FollowUpId:
    return identity.follow_up_id(name)


def planned(name: str = "D", number: int = 1) -> FollowUpId:
    """The action that the service itself planned for dispute *name*."""
    return identity.follow_up_of(dispute(name), number)


def invoice(  # noqa: PLR0913 - what a row of a ledger says
    number: str,
    amount: str = "100",
    *,
    balance: str | None = None,
    customer: str = ACME,
    currency: str = "EUR",
    kind: ItemType = ItemType.INVOICE,
    issued: date = ISSUED,
    due: date = DUE,
    attributes: Mapping[str, str] | None = None,
    entity: str = "main",
    **more: Any,
) -> RegisterItem:
    """A ledger's row; said again with another balance it is a correction."""
    details = ItemDetails(
        kind, issued, due, Decimal(amount), Decimal(balance or amount), currency, attributes or {}
    )
    return RegisterItem(customer, entity, number, details, **more)


def credit_note(number: str, amount: str = "-100", **more: Any) -> RegisterItem:
    return invoice(number, amount, kind=ItemType.CREDIT_NOTE, **more)


def opening(*numbers: str, name: str = "D", type: str = "price", **more: Any) -> OpenDispute:  # noqa: A002
    return OpenDispute(dispute(name), tuple(map(item, numbers)), type, **more)


def qualifying(status: str, *numbers: str, name: str = "Q", **more: Any) -> QualifyItems:
    return QualifyItems(dispute(name), tuple(map(item, numbers)), status, **more)


def resolving(outcome: Outcome = Outcome.INVOICE_UPHELD, name: str = "D", **more: Any) -> ResolveDispute:
    return ResolveDispute(dispute(name), outcome, **more)


# --- sentences -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """A command that somebody gave at some time."""

    command: Command
    by: Actor
    at: datetime


Step: TypeAlias = Event | Command | Told


def at(when: datetime, command: Command, by: Actor = MANAGER) -> Told:
    """*command* given at *when*."""
    return Told(command, by, when)


def by(who: Actor, command: Command) -> Told:
    """*command* given by *who*."""
    return Told(command, who, MONDAY)


@dataclass
class World:
    """All streams that there are."""

    states: dict[UUID, State] = field(default_factory=dict)
    moments: dict[UUID, datetime] = field(default_factory=dict)
    is_working_day: WorkingDay = is_weekday
    decisions: list[Decision] = field(default_factory=list)

    # --- going on ---

    def copy(self) -> World:
        return World(dict(self.states), dict(self.moments), self.is_working_day, list(self.decisions))

    def read(self, command: Command, actor: Actor) -> Case:
        """The case as the service reads it: nothing in it that `still_to_read` did not ask for."""
        case = Case(is_working_day=self.is_working_day)
        wanted = frozenset({COMPANY_STREAM, PEOPLE_STREAM}) | still_to_read(case, [command], actor)
        while wanted:
            case.absent |= wanted - self.states.keys()
            case.states |= {stream: self.states[stream] for stream in wanted & self.states.keys()}
            case.moments |= {stream: self.moments[stream] for stream in wanted & self.moments.keys()}
            wanted = still_to_read(case, [command], actor)
        return case

    def decide(
        self, command: Command, actor: Actor, when: datetime, *, explicit: bool = False
    ) -> list[Decision]:
        """What *command* leads to; nothing is folded yet."""
        case = self.read(command, actor)
        before = dict(case.states)
        try:
            authorize(case, command, actor, loads_history=explicit)
            decisions = decide(case, command, actor, when, explicit=explicit)
        finally:
            assert case.states == before, "deciding changes nothing by itself, nor does a refusal"
        assert all(decision.events for decision in decisions), "a decision records something"
        return decisions

    def record(self, decision: Decision) -> None:
        for event in decision.events:
            last = self.moments.get(event.stream_id, decision.occurred_at)
            assert decision.occurred_at >= last, "time never goes backwards in a stream"
            self.states[event.stream_id] = evolve(self.states.get(event.stream_id), event)
            self.moments[event.stream_id] = decision.occurred_at
        self.decisions.append(decision)

    def take(self, *steps: Step) -> World:
        """Fold events; carry out commands, which have to lead to something."""
        for step in steps:
            if isinstance(step, Event):
                self.record(Decision(MONDAY, (step,)))
                continue
            told = step if isinstance(step, Told) else Told(step, MANAGER, MONDAY)
            decisions = self.decide(told.command, told.by, told.at)
            assert decisions, f"{told.command} changes nothing; say it in a when"
            for decision in decisions:
                self.record(decision)
        return self

    def when(
        self, command: Command, *, by: Actor = MANAGER, at: datetime = MONDAY, explicit: bool = False
    ) -> When:
        """What comes of *command*; this world itself stays as it is."""
        after = self.copy()
        try:
            decisions = after.decide(command, by, at, explicit=explicit)
        except Refusal as refusal:
            return When(after, (), refusal)
        for decision in decisions:
            after.record(decision)
        return When(after, tuple(decisions), None)

    # --- asking ---

    @property
    def company(self) -> Company:
        return self._is(Company, COMPANY_STREAM)

    @property
    def people(self) -> People:
        return self._is(People, PEOPLE_STREAM)

    def customer(self, code: str = ACME) -> Customer:
        return self._is(Customer, identity.customer_id(code))

    def item(self, number: str, customer: str = ACME) -> Item:
        return self._is(Item, item(number, customer))

    def dispute(self, name: str = "D") -> Dispute:
        return self._is(Dispute, dispute(name))

    def action(self, which: FollowUpId) -> FollowUpAction:
        return self._is(FollowUpAction, which)

    def status(self, number: str) -> str | None:
        qualification = self.item(number).qualification
        return qualification.status if qualification else None

    def exclusions(self, number: str, when: datetime = MONDAY) -> set[Exclusion]:
        return set(exclusions(self.item(number), when, self.company.settings.zone))

    def collectable(self, number: str, when: datetime = MONDAY) -> bool:
        return is_collectable(self.item(number), when, self.company.settings.zone)

    def _is(self, kind: type[State_], stream: UUID) -> State_:
        state = self.states[stream]
        assert isinstance(state, kind)
        return state


State_ = TypeVar("State_", bound=State)


@dataclass
class When:
    """What came of a command."""

    world: World
    decisions: tuple[Decision, ...]
    refusal: Refusal | None

    @property
    def events(self) -> tuple[Event, ...]:
        assert self.refusal is None, f"refused: {self.refusal}"
        return tuple(event for decision in self.decisions for event in decision.events)

    def then(self, *expected: type[Event | Refusal] | Event | Refusal) -> World:
        """Exactly these events (whole, or by class) in this order; or this refusal; or, of nothing, none."""
        if len(expected) == 1 and _is_refusal(expected[0]):
            self._refused(expected[0])
        else:
            found = [
                type(event) if isinstance(wanted, type) else event
                for event, wanted in zip(self.events, expected, strict=False)
            ]
            assert [*found, *self.events[len(found) :]] == list(expected)
        return self.world

    def then_nothing(self) -> World:
        """Accepted, and nothing changes."""
        return self.then()

    def then_also(self, *expected: Event) -> World:
        """These events are among those recorded, in this order."""
        found = [event for event in self.events if event in expected]
        assert found == list(expected), self.events
        return self.world

    def then_goes(self) -> World:
        """Accepted, and something changes: the test goes on to ask what."""
        assert self.events
        return self.world

    def one(self, event_class: type[E]) -> E:
        """The only event of this class."""
        (found,) = self.all(event_class)
        return found

    def all(self, event_class: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, event_class)]

    @property
    def moments(self) -> list[datetime]:
        """Occurred-at of each decision."""
        return [decision.occurred_at for decision in self.decisions]

    def _refused(self, expected: object) -> None:
        assert self.refusal is not None, f"accepted: {self.decisions}"
        if isinstance(expected, type):
            assert type(self.refusal) is expected
        else:
            assert self.refusal == expected


def _is_refusal(expected: object) -> bool:
    return isinstance(expected, Refusal) or (isinstance(expected, type) and issubclass(expected, Refusal))


def given(*steps: Step, working_day: WorkingDay = is_weekday, **settings: Any) -> World:
    """A fresh company with the cast and two customers, in which *steps* have happened."""
    world = replace(_stage().copy(), is_working_day=working_day)
    if settings:
        company = world.company
        world.states[COMPANY_STREAM] = replace(company, settings=replace(company.settings, **settings))
    return world.take(*steps)


@cache
def _stage() -> World:
    world = World()
    world.record(Decision(day(-1000), tuple(found_company(Settings("Our company")))))
    hired: list[Step] = [
        Told(RegisterPerson(_code(actor.person_id), role=actor.role), OPERATING, day(-999)) for actor in CAST
    ]
    return world.take(
        *hired,
        at(day(-999), RegisterPerson("technician")),
        at(
            day(-998),
            RegisterCustomer(ACME, collector_id=COLLECTOR.person_id, sales_manager_id=SALES.person_id),
        ),
        at(day(-998), RegisterCustomer(OTHER)),
    )


def _code(person_id: PersonId) -> str:
    names = (
        "manager",
        "collector",
        "other_collector",
        "resolver",
        "other_resolver",
        "sales",
        "auditor",
        "analyst",
    )
    return next(name for name in names if identity.person_id(name) == person_id)


Ask: TypeAlias = Callable[[World], When]
"""A whole sentence up to its end, for tables of sentences."""
