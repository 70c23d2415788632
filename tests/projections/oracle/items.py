"""Items, folded by hand from the reference of events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from tests.projections.oracle.facts import Data, Fact


@dataclass
class Item:
    id: str
    customer_id: str
    customer: str
    entity: str
    number: str
    details: Data
    changed_at: datetime
    version: int = 0
    is_open: bool = True
    withdrawn: bool = False
    said: Data | None = None
    dispute: str | None = None
    part: Decimal | None = None
    actions: set[str] = field(default_factory=set)
    write_offs: set[str] = field(default_factory=set)
    said_by_ledger: list[tuple[int, datetime, Data]] = field(default_factory=list)
    """What the ledger said of it, from which position and moment on."""

    @property
    def balance(self) -> Decimal:
        return Decimal(self.details["balance"])

    @property
    def amount(self) -> Decimal:
        return Decimal(self.details["amount"])

    @property
    def currency(self) -> str:
        return str(self.details["currency"])

    @property
    def issued(self) -> date:
        return date.fromisoformat(self.details["issue_date"])

    @property
    def due(self) -> date:
        return date.fromisoformat(self.details["due_date"])

    @property
    def status(self) -> str | None:
        return self.said["status"] if self.said else None

    @property
    def disputed(self) -> Decimal:
        """A whole dispute follows the balance, a partial one is the smaller of the two (spec 7)."""
        if self.dispute is None:
            return Decimal(0)
        if self.part is None:
            return self.balance
        if self.part * self.balance < 0:
            return Decimal(0)  # what is open changed its sign since: nothing of the part is left
        return min(self.part, self.balance, key=abs)

    def attributes_at(self, known: int, at: datetime) -> Data:
        """Its attributes as at a moment, as known at a position."""
        seen = [each for since, when, each in self.said_by_ledger if since <= known and when <= at]
        return dict(seen[-1]["attributes"])

    def exclusions(self, today: date) -> list[str]:
        """Why it takes no part in dunning (spec 15)."""
        said = self.said or {"kind": None}
        promised = said.get("promised_on")
        found = {
            "dispute": said["kind"] == "dispute",
            "litigation": said["kind"] == "litigation",
            "follow_up": bool(self.actions),
            "promise": promised is not None and today <= date.fromisoformat(promised),
            "written_off": bool(self.write_offs),
        }
        return [name for name, holds in found.items() if holds]


def fold(facts: Iterable[Fact]) -> dict[str, Item]:
    items: dict[str, Item] = {}
    for fact in facts:
        if fact.of != "item_id":
            continue
        data = fact.data
        if fact.name == "item-registered":
            items[fact.stream] = Item(
                fact.stream,
                data["customer_id"],
                data["customer_code"],
                data["entity"],
                data["number"],
                data["details"],
                fact.occurred_at,
            )
        item = items[fact.stream]
        _ledger(item, fact.name, data)
        _said(item, fact.name, data)
        item.changed_at = fact.occurred_at
        item.version += 1
        item.said_by_ledger.append((fact.decision_end, fact.occurred_at, item.details))
    return items


def _ledger(item: Item, name: str, data: Data) -> None:
    match name:
        case "item-corrected" | "item-correction-undone":
            item.details = data["details"]
        case "item-cleared":
            item.details = {**item.details, "balance": "0"}
            item.is_open = False
            item.write_offs = set()
        case "item-reinstated":
            item.details, item.said = data["details"], data["qualification"]
            item.is_open, item.withdrawn = True, False
        case "item-withdrawn":
            item.is_open, item.withdrawn, item.write_offs = False, True, set()
            item.details = {**item.details, "balance": "0"}  # it counts as cleared (ADR 13)
        case "item-clearing-undone":
            item.details, item.said, item.is_open = data["details"], data["qualification"], True
            item.dispute = data["dispute_id"]
            item.part = Decimal(data["disputed"]) if data["disputed"] is not None else None
            item.actions, item.write_offs = set(data["follow_ups"]), set(data["write_offs"])
        case "item-reinstatement-undone":
            item.details, item.is_open, item.withdrawn = data["details"], False, data["withdrawn"]
            item.write_offs = set()
        case _:
            pass


def _said(item: Item, name: str, data: Data) -> None:
    match name:
        case "item-qualified" | "item-status-restored":
            item.said = data["qualification"]
        case "item-disputed":
            item.dispute = data["dispute_id"]
            item.part = Decimal(data["disputed"]) if data["disputed"] is not None else None
        case "item-released":
            item.dispute = item.part = None
        case "item-placed-under-follow-up":
            item.actions.add(data["follow_up_id"])
        case "item-returned":
            item.actions.discard(data["follow_up_id"])
        case "item-written-off":
            item.write_offs.add(data["dispute_id"])
        case "item-write-off-undone":
            item.write_offs.discard(data["dispute_id"])
        case _:
            pass
