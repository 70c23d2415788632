"""Disputes with their episodes, and follow-up actions, folded by hand from the reference of events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from tests.projections.oracle.facts import Data, Fact


@dataclass
class Part:
    """An item of a dispute, and what was disputed of it when that was said."""

    item: str
    entity: str
    amount: Decimal


@dataclass
class Episode:
    """From *opened_at*, known from *began_at* on, to *ended_at*; *type* and *resolver* are those at the end
    or, as long as it goes on, the latest. *desks*: from when on it was with whom."""

    dispute: Dispute
    number: int
    opened_at: datetime
    began_at: datetime
    opening: list[Part]
    type: str = ""
    resolver: str | None = None
    state: str = "open"
    ended_at: datetime | None = None
    ended_by: int | None = None
    """The position at which the decision that ended it ends."""
    desks: list[tuple[datetime, str | None]] = field(default_factory=list)
    chases: int = 0
    responded_at: datetime | None = None


@dataclass
class Dispute:
    id: str
    reference: str | None
    customer_id: str
    customer: str
    currency: str
    type: str
    reason: str
    comment: str | None
    channel: str
    opened_by: str
    received_on: datetime
    changed_at: datetime
    version: int = 0
    state: str = "open"
    outcome: str | None = None
    credited: Decimal | None = None
    resolver: str | None = None
    assigned_by: str | None = None
    unassigned: str | None = None
    items: list[str] = field(default_factory=list)
    actions: set[str] = field(default_factory=set)
    comments: int = 0
    documents: int = 0
    episodes: list[Episode] = field(default_factory=list)

    @property
    def episode(self) -> Episode:
        return self.episodes[-1]


@dataclass
class Action:
    id: str
    reference: str | None
    customer_id: str
    dispute: str | None
    title: str
    due_on: date
    owner: str | None
    resolver: str | None
    planned_by: str
    status: str | None
    items: set[str]
    changed_at: datetime
    version: int = 0
    chases: int = 0
    interactions: int = 0
    comments: int = 0
    is_open: bool = True
    ended: str | None = None


def fold_actions(facts: Iterable[Fact]) -> dict[str, Action]:
    actions: dict[str, Action] = {}
    for fact in facts:
        if fact.of != "follow_up_id":
            continue
        data = fact.data
        if fact.name == "follow-up-planned":
            actions[fact.stream] = Action(
                fact.stream,
                data["reference"],
                data["customer_id"],
                data["dispute_id"],
                data["title"],
                date.fromisoformat(data["due_on"]),
                data["owner_id"],
                data["resolver_id"],
                data["planned_by"],
                data["status"],
                set(data["items"]),
                fact.occurred_at,
            )
        action = actions[fact.stream]
        _change_action(action, fact.name, data)
        action.changed_at = fact.occurred_at
        action.version += 1
    return actions


def _change_action(action: Action, name: str, data: Data) -> None:
    match name:
        case "follow-up-postponed":
            action.due_on = date.fromisoformat(data["due_on"])
        case "resolver-chased":
            action.due_on = date.fromisoformat(data["due_on"])
            action.chases += 1
            action.interactions += 1  # a chase is one (spec 24)
        case "interaction-recorded":
            action.interactions += 1
        case "follow-up-commented":
            action.comments += 1
        case "follow-up-items-changed":
            action.items = (action.items - set(data["returned"])) | set(data["added"])
        case "follow-up-ended":
            action.is_open, action.ended = False, data["because"]
        case "follow-up-continued":
            action.is_open, action.ended, action.items = True, None, set(data["items"])
        case _:
            pass


def fold_disputes(facts: Iterable[Fact]) -> dict[str, Dispute]:
    disputes: dict[str, Dispute] = {}
    for fact in facts:
        if fact.of != "dispute_id":
            continue
        if fact.name == "dispute-opened":
            disputes[fact.stream] = _opened(fact.stream, fact.data, fact.occurred_at)
        dispute = disputes[fact.stream]
        _change(dispute, fact.name, fact.data)
        _turn(dispute, fact)
        dispute.changed_at = fact.occurred_at
        dispute.version += 1
        if dispute.state == "open":
            dispute.episode.type = dispute.type
            dispute.episode.resolver = dispute.resolver
    return disputes


def _opened(of: str, data: Data, at: datetime) -> Dispute:
    return Dispute(
        of,
        data["reference"],
        data["customer_id"],
        data["customer_code"],
        data["currency"],
        data["type"],
        data["reason"],
        data["comment"],
        data["channel"],
        data["opened_by"],
        datetime.fromisoformat(data["received_on"]),
        at,
    )


def _parts(data: Data) -> list[Part]:
    return [Part(each["item_id"], each["entity"], Decimal(each["amount"])) for each in data["items"]]


def _change(dispute: Dispute, name: str, data: Data) -> None:  # noqa: C901 - one flat match over the events
    match name:
        case "dispute-type-changed":
            dispute.type, dispute.reason = data["type"], data["reason"]
        case "dispute-comment-replaced":
            dispute.comment = data["comment"]
        case "dispute-commented":
            dispute.comments += 1
        case "document-attached":
            dispute.documents += 1
        case "items-added":
            dispute.items += [part.item for part in _parts(data) if part.item not in dispute.items]
        case "items-taken-out":
            dispute.items = [each for each in dispute.items if each not in data["item_ids"]]
        case "dispute-followed-up" | "dispute-follow-up-continued":
            dispute.actions.add(data["follow_up_id"])
        case "dispute-follow-up-ended":
            dispute.actions.discard(data["follow_up_id"])
        case "resolver-assigned":
            dispute.resolver, dispute.assigned_by, dispute.unassigned = data["resolver_id"], data["by"], None
        case "resolver-not-found":
            dispute.resolver, dispute.assigned_by, dispute.unassigned = None, None, data["because"]
        case _:
            pass


def _turn(dispute: Dispute, fact: Fact) -> None:
    """What begins, ends and continues episodes, and at whose desk they are."""
    data, at = fact.data, fact.occurred_at
    match fact.name:
        case "dispute-opened":
            _begin(dispute, dispute.received_on, fact)
        case "dispute-reopened":
            _begin(dispute, datetime.fromisoformat(data["episode_opened_at"]), fact)
        case "dispute-continued":
            dispute.state = dispute.episode.state = "open"
            dispute.outcome, dispute.episode.ended_at, dispute.episode.ended_by = None, None, None
            dispute.items = [part.item for part in _parts(data)]
        case "dispute-resolved":
            dispute.outcome = data["outcome"]
            dispute.credited = Decimal(data["credited_amount"]) if data["credited_amount"] else None
            dispute.state = dispute.episode.state = "resolved"
            dispute.episode.ended_at, dispute.episode.ended_by = at, fact.decision_end
        case "dispute-escalated":
            dispute.state = dispute.episode.state = "escalated"
            dispute.episode.ended_at, dispute.episode.ended_by = at, fact.decision_end
        case "dispute-cancelled":
            dispute.state, dispute.outcome, dispute.credited = "cancelled", None, None
        case "resolver-assigned" | "resolver-not-found":
            dispute.episode.desks.append((at, dispute.resolver))
        case _:
            pass


def _begin(dispute: Dispute, opened_at: datetime, fact: Fact) -> None:
    opening = _parts(fact.data)
    episode = Episode(dispute, len(dispute.episodes) + 1, opened_at, fact.occurred_at, opening)
    episode.desks.append((fact.occurred_at, dispute.resolver))
    dispute.state, dispute.outcome, dispute.credited = "open", None, None
    dispute.items = [part.item for part in opening]
    dispute.episodes.append(episode)
