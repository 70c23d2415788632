"""Settings, catalogue, people, customers and stated sales, folded by hand: what known-at alone shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from tests.projections.oracle.facts import Data, Fact


@dataclass
class Person:
    id: str
    code: str
    name: str
    role: str | None
    active: bool = True


@dataclass
class Customer:
    id: str
    code: str
    name: str
    attributes: Data
    collector: str | None = None
    manager: str | None = None


@dataclass
class Masters:
    """Master data; ids are texts."""

    settings: Data = field(
        default_factory=lambda: {
            "zone": "UTC",
            "language": "en",
            "ageing_buckets": [30, 60, 90],
            "country": None,
        }
    )
    statuses: dict[str, Data] = field(default_factory=dict)
    steps: dict[str, Data] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    sales: dict[tuple[date, str, str], Decimal] = field(default_factory=dict)

    def name(self, person: str | None) -> str | None:
        """What the person is called; None for nobody and for who is not known."""
        known = self.people.get(person) if person else None
        return known.name if known else None

    def active(self, person: str | None) -> bool:
        return person in self.people and self.people[person].active

    def label(self, code: str | None) -> str | None:
        """Of the status with that code."""
        if code is None or code not in self.statuses:
            return None
        return self.label_of(self.statuses[code])

    def label_of(self, named: Data) -> str:
        """What a status or a step is called: in the company's language, else in English, else by its code."""
        labels = named["labels"]
        return str(labels.get(self.settings["language"]) or labels.get("en") or named["code"])

    def collector_of(self, customer: str) -> str | None:
        known = self.customers.get(customer)
        return known.collector if known else None

    def customer_name(self, customer: str) -> str | None:
        known = self.customers.get(customer)
        return known.name if known else None


def fold(facts: Iterable[Fact]) -> Masters:
    masters = Masters()
    for fact in facts:
        match fact.of:
            case "company":
                _company(masters, fact.name, fact.data)
            case "people":
                _people(masters, fact.name, fact.data)
            case "customer_id":
                _customer(masters, fact.name, fact.data)
            case "sales_id":
                stated = (date.fromisoformat(fact.data["month"]), fact.data["entity"], fact.data["currency"])
                masters.sales[stated] = Decimal(fact.data["amount"])
            case _:
                pass
    return masters


def _company(masters: Masters, name: str, data: Data) -> None:
    match name:
        case "company-founded" | "settings-changed":
            masters.settings = data["settings"]
        case "status-defined":
            masters.statuses[data["status"]["code"]] = data["status"]
        case "status-taken-out-of-use":
            masters.statuses[data["code"]] = {**masters.statuses[data["code"]], "active": False}
        case "scenario-step-defined":
            masters.steps[data["step"]["code"]] = data["step"]
        case "scenario-step-taken-out-of-use":
            masters.steps[data["code"]] = {**masters.steps[data["code"]], "active": False}
        case _:
            pass


def _people(masters: Masters, name: str, data: Data) -> None:
    person: Any = data.get("person_id")
    match name:
        case "person-registered":
            masters.people[person] = Person(person, data["code"], data["name"], data["role"])
        case "person-renamed":
            masters.people[person].name = data["name"]
        case "role-given" | "role-withdrawn":
            masters.people[person].role = data.get("role")
        case "person-deactivated" | "person-reactivated":
            masters.people[person].active = name == "person-reactivated"
        case _:
            pass


def _customer(masters: Masters, name: str, data: Data) -> None:
    of = data["customer_id"]
    if name == "customer-registered":
        masters.customers[of] = Customer(of, data["code"], data["name"], data["attributes"])
        return
    customer = masters.customers[of]
    match name:
        case "customer-renamed":
            customer.name = data["name"]
        case "customer-attributes-given":
            customer.attributes = data["attributes"]
        case "collector-assigned":
            customer.collector = data["collector_id"]
        case "collector-withdrawn":
            customer.collector = None
        case "sales-manager-assigned":
            customer.manager = data["sales_manager_id"]
        case "sales-manager-withdrawn":
            customer.manager = None
        case _:
            pass
