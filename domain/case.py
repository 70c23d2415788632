"""A case: the states that one decision reads, and the draft in which it is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from domain import catalogue, customer, dispute, follow_up, imports, item, people, reminder, sales
from domain.calendar import WorkingDay, is_weekday, local_date
from domain.catalogue import Company
from domain.customer import Customer
from domain.dispute import Dispute
from domain.events import OfCompany
from domain.follow_up import FollowUpAction
from domain.identity import COMPANY_STREAM, PEOPLE_STREAM
from domain.imports import Import
from domain.item import Item
from domain.people import People
from domain.refusals import UnknownCustomer, UnknownDispute, UnknownFollowUp, UnknownItem
from domain.reminder import ReminderRun
from domain.roles import Concerned
from domain.sales import MonthlySales

if TYPE_CHECKING:
    from datetime import date

    from domain.commands import Decision
    from domain.events import Event
    from domain.identity import CustomerId, DisputeId, FollowUpId, ItemId, PersonId

State: TypeAlias = (
    Company | People | Customer | Item | Dispute | FollowUpAction | Import | MonthlySales | ReminderRun
)
"""The state of any stream."""

_KINDS: Mapping[type[Event], Callable[..., State]] = {
    OfCompany: catalogue.evolve,
    people.OfPeople: people.evolve,
    customer.OfCustomer: customer.evolve,
    item.OfItem: item.evolve,
    dispute.OfDispute: dispute.evolve,
    follow_up.OfFollowUp: follow_up.evolve,
    imports.OfImport: imports.evolve,
    sales.OfSales: sales.evolve,
    reminder.OfReminders: reminder.evolve,
}


def kind_of(event_class: type[Event]) -> type[Event]:
    """The kind of stream that events of *event_class* belong to: its ``Of…`` class."""
    return event_class.__mro__[1]


def evolve(state: State | None, event: Event) -> State:
    """The state of any stream after *event*; None before its first event."""
    if state is None and isinstance(event, people.OfPeople):
        state = People()
    return _KINDS[kind_of(type(event))](state, event)


def connected(state: State) -> frozenset[UUID]:
    """Ids of the streams that belong to the same case as *state*."""
    match state:
        case Item():
            of_dispute = frozenset({state.dispute_id}) if state.dispute_id else frozenset()
            return frozenset({state.customer_id}) | of_dispute | state.follow_ups
        case Dispute():
            inside = frozenset({state.customer_id, *state.items, *state.former_items, *state.settled_items})
            return inside | state.follow_ups
        case FollowUpAction():
            of_dispute = frozenset({state.dispute_id}) if state.dispute_id else frozenset()
            return frozenset({state.customer_id}) | of_dispute | state.items
        case _:
            return frozenset()


@dataclass(slots=True)
class Case:
    """The states that a decision reads, by stream id. The company's own two are always there."""

    states: dict[UUID, State] = field(default_factory=dict)
    moments: dict[UUID, datetime] = field(default_factory=dict)
    """Occurred-at of the last event of each stream read."""
    absent: set[UUID] = field(default_factory=set)
    """Streams that were looked for and do not exist."""
    is_working_day: WorkingDay = is_weekday

    @property
    def company(self) -> Company:
        """Settings and catalogue."""
        company = self.states[COMPANY_STREAM]
        assert isinstance(company, Company), "the company's stream holds a company"
        return company

    @property
    def people(self) -> People:
        """The company's people and keys."""
        found = self.states.get(PEOPLE_STREAM, People())
        assert isinstance(found, People), "the people's stream holds people"
        return found

    def item(self, item_id: ItemId) -> Item:
        """The item. Raises UnknownItem."""
        found = self.states.get(item_id)
        if not isinstance(found, Item):
            raise UnknownItem(item_id)
        return found

    def dispute(self, dispute_id: DisputeId) -> Dispute:
        """The dispute. Raises UnknownDispute."""
        found = self.states.get(dispute_id)
        if not isinstance(found, Dispute):
            raise UnknownDispute(dispute_id)
        return found

    def follow_up(self, follow_up_id: FollowUpId) -> FollowUpAction:
        """The follow-up action. Raises UnknownFollowUp."""
        found = self.states.get(follow_up_id)
        if not isinstance(found, FollowUpAction):
            raise UnknownFollowUp(follow_up_id)
        return found

    def customer(self, customer_id: CustomerId) -> Customer:
        """The customer. Raises UnknownCustomer."""
        found = self.states.get(customer_id)
        if not isinstance(found, Customer):
            raise UnknownCustomer(customer_id)
        return found

    def references(self) -> Mapping[UUID, str]:
        """What people themselves call the disputes and follow-up actions that have been read."""
        return {
            state.id: state.reference
            for state in self.states.values()
            if isinstance(state, (Dispute, FollowUpAction)) and state.reference
        }

    def last_moment(self, events: Iterable[Event]) -> datetime | None:
        """The last moment of the streams that *events* are written to; None for new streams only."""
        known = [self.moments[event.stream_id] for event in events if event.stream_id in self.moments]
        return max(known, default=None)

    def take(self, decision: Decision) -> None:
        """The case goes on from *decision*, as after reading it back."""
        for event in decision.events:
            self.states[event.stream_id] = evolve(self.states.get(event.stream_id), event)
            self.moments[event.stream_id] = decision.occurred_at
            self.absent.discard(event.stream_id)

    def today(self, at: datetime) -> date:
        """The company's local date at *at*."""
        return local_date(at, self.company.settings.zone)

    def disputed_items(self, of: Dispute) -> list[Item]:
        """The items in dispute, or in it at the end of the last episode, as they stand."""
        return [self.item(item_id) for item_id in of.items]

    def concerned(self, stream: UUID) -> Concerned:
        """The people whom the stream concerns, as the role table's reaches need them."""
        state = self.states.get(stream)
        match state:
            case Customer():
                return Concerned(self._of_customer(state.id))
            case Item():
                return Concerned(self._of_customer(state.customer_id))
            case Dispute():
                resolvers = _those(state.resolver_id)
                return Concerned(self._of_customer(state.customer_id), resolvers, _those(state.opened_by))
            case FollowUpAction():
                case = self.concerned(state.dispute_id) if state.dispute_id else Concerned()
                resolvers = case.resolvers | _those(state.resolver_id)
                customers = self._of_customer(state.customer_id)
                return Concerned(customers, resolvers, case.openers, _those(state.owner_id))
            case _:
                return Concerned()

    def _of_customer(self, customer_id: CustomerId) -> frozenset[PersonId]:
        found = self.states.get(customer_id)
        if not isinstance(found, Customer):
            return frozenset()
        return _those(found.collector_id, found.sales_manager_id)


def _those(*persons: PersonId | None) -> frozenset[PersonId]:
    return frozenset(person for person in persons if person is not None)


class Draft(Case):
    """A case in which events are recorded one after the other, each seen by what is decided next."""

    def __init__(self, case: Case) -> None:
        super().__init__(dict(case.states), case.moments, case.absent, case.is_working_day)
        self.events: list[Event] = []

    def record(self, *events: Event) -> None:
        """Take *events* as decided."""
        for event in events:
            self.events.append(event)
            self.states[event.stream_id] = evolve(self.states.get(event.stream_id), event)

    def record_all(self, events: Iterable[Event]) -> None:
        """Take *events* as decided."""
        self.record(*events)
