"""A buyer of the company: code, name, attributes, its collector and its sales manager."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, TypeAlias, assert_never
from uuid import UUID

from domain.commands import UNCHANGED, Command, Unchanged
from domain.events import Event, PersonalText
from domain.identity import CustomerId, ImportId, PersonId, customer_id
from domain.refusals import TextMissing
from domain.roles import Permission


@dataclass(frozen=True, slots=True)
class RegisterCustomer(Command):
    """Register a customer, or change what differs of the one with this code; what is not given stays.

    None takes away the collector or the sales manager. Attributes replace all that there were, unless
    ``other_attributes_stay``: then only those that are named change.
    """

    permission: ClassVar[Permission] = Permission.IMPORT
    code: str
    name: str | None = None
    attributes: Mapping[str, PersonalText] | None = None
    collector_id: PersonId | Unchanged | None = UNCHANGED
    sales_manager_id: PersonId | Unchanged | None = UNCHANGED
    other_attributes_stay: bool = False

    def streams(self) -> frozenset[UUID]:
        """The customer's stream."""
        return frozenset({customer_id(self.code)})


@dataclass(frozen=True, slots=True)
class OfCustomer(Event):
    """A fact of a customer's stream."""

    customer_id: CustomerId


@dataclass(frozen=True, slots=True)
class CustomerRegistered(OfCustomer):
    """A buyer of the company is known; by an import, where one met the code first."""

    code: str
    name: PersonalText
    attributes: Mapping[str, PersonalText]
    import_id: ImportId | None = None


@dataclass(frozen=True, slots=True)
class CustomerRenamed(OfCustomer):
    """The customer has another name."""

    name: PersonalText
    previous: PersonalText


@dataclass(frozen=True, slots=True)
class CustomerAttributesGiven(OfCustomer):
    """The customer has these attributes now, all of them."""

    attributes: Mapping[str, PersonalText]
    previous: Mapping[str, PersonalText]


@dataclass(frozen=True, slots=True)
class CollectorAssigned(OfCustomer):
    """This person owns the customer's receivables from now on."""

    collector_id: PersonId
    previous: PersonId | None


@dataclass(frozen=True, slots=True)
class SalesManagerAssigned(OfCustomer):
    """This person manages sales to the customer from now on."""

    sales_manager_id: PersonId
    previous: PersonId | None


@dataclass(frozen=True, slots=True)
class CollectorWithdrawn(OfCustomer):
    """Nobody owns the customer's receivables from now on."""

    previous: PersonId


@dataclass(frozen=True, slots=True)
class SalesManagerWithdrawn(OfCustomer):
    """Nobody manages sales to the customer from now on."""

    previous: PersonId


CustomerEvent: TypeAlias = (
    CustomerRegistered
    | CustomerRenamed
    | CustomerAttributesGiven
    | CollectorAssigned
    | CollectorWithdrawn
    | SalesManagerAssigned
    | SalesManagerWithdrawn
)


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as it stands."""

    id: CustomerId
    code: str
    name: str
    attributes: Mapping[str, str]
    collector_id: PersonId | None = None
    sales_manager_id: PersonId | None = None


def evolve(customer: Customer | None, event: CustomerEvent) -> Customer:
    """The customer after *event*."""
    if isinstance(event, CustomerRegistered):
        return Customer(event.customer_id, event.code, event.name, event.attributes)
    assert customer is not None, "a customer's stream begins with its registration"
    match event:
        case CustomerRenamed():
            return replace(customer, name=event.name)
        case CustomerAttributesGiven():
            return replace(customer, attributes=event.attributes)
        case CollectorAssigned():
            return replace(customer, collector_id=event.collector_id)
        case CollectorWithdrawn():
            return replace(customer, collector_id=None)
        case SalesManagerAssigned():
            return replace(customer, sales_manager_id=event.sales_manager_id)
        case SalesManagerWithdrawn():
            return replace(customer, sales_manager_id=None)
        case _:
            assert_never(event)


def register(code: str, name: str | None, import_id: ImportId | None) -> CustomerRegistered:
    """A customer met for the first time. Raises TextMissing."""
    if not code.strip():
        raise TextMissing("customer code")
    return CustomerRegistered(customer_id(code), code, name or code, {}, import_id)


def change(customer: Customer, command: RegisterCustomer) -> list[Event]:
    """What *command* says differently of *customer*."""
    changes: list[Event] = []
    if command.name and command.name != customer.name:
        changes.append(CustomerRenamed(customer.id, command.name, customer.name))
    attributes = customer.attributes if command.attributes is None else command.attributes
    if command.other_attributes_stay:
        attributes = {**customer.attributes, **attributes}
    if attributes != customer.attributes:
        changes.append(CustomerAttributesGiven(customer.id, attributes, customer.attributes))
    return [*changes, *_collector(customer, command), *_sales_manager(customer, command)]


def _collector(customer: Customer, command: RegisterCustomer) -> list[Event]:
    told, previous = command.collector_id, customer.collector_id
    if told is UNCHANGED or told == previous:
        return []
    if told is not None:
        return [CollectorAssigned(customer.id, told, previous)]
    return [CollectorWithdrawn(customer.id, previous)] if previous else []


def _sales_manager(customer: Customer, command: RegisterCustomer) -> list[Event]:
    told, previous = command.sales_manager_id, customer.sales_manager_id
    if told is UNCHANGED or told == previous:
        return []
    if told is not None:
        return [SalesManagerAssigned(customer.id, told, previous)]
    return [SalesManagerWithdrawn(customer.id, previous)] if previous else []
