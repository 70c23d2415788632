"""What events did to the figures of a report, in words: what replay/sentences.py tells, and what is of no
matter to whether an item is collectable."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from domain.customer import CollectorAssigned, CollectorWithdrawn
from domain.dispute import DisputeOpened, DisputeReopened, ResolverAssigned, ResolverNotFound
from domain.events import Event
from domain.item import ItemCorrected, ItemCorrectionUndone, ItemDetails
from domain.sales import MonthlySalesStated
from replay.sentences import Words, money, sentence


def change_sentence(event: Event, words: Words, people: Mapping[UUID, str]) -> str | None:
    """What *event* says, as a sentence; None for what changes no figure. *people* are names by id."""
    match event:
        case ItemCorrected():
            return f"It was corrected: {_differences(event.previous, event.details)}."
        case ItemCorrectionUndone():
            return (
                f"The import that had corrected it was undone: {_differences(event.previous, event.details)}."
            )
        case DisputeOpened() | DisputeReopened():
            return _opened(event, words)
        case MonthlySalesStated():
            before = f", before {event.previous:f}" if event.previous is not None else ""
            amount = money(event.amount, event.currency)
            return f"The sales of {event.entity} in {event.month:%Y-%m} were stated: {amount}{before}."
        case _:
            return _of_people(event, words, people) or sentence(event, words)


def _opened(event: DisputeOpened | DisputeReopened, words: Words) -> str:
    items = "one item" if len(event.items) == 1 else f"{len(event.items)} items"
    said = (sentence(event, words) or "").removesuffix(".")
    return f"{said} (over {items}, {event.amount:f})."


def _of_people(event: Event, words: Words, people: Mapping[UUID, str]) -> str | None:
    match event:
        case ResolverAssigned():
            name = people.get(event.resolver_id, str(event.resolver_id))
            return f"The dispute {words.name(event.dispute_id)} was given to {name}, by {_by(event)}."
        case ResolverNotFound():
            because = event.because.replace("_", " ")
            return f"The dispute {words.name(event.dispute_id)} has no resolver: {because}."
        case CollectorAssigned():
            name = people.get(event.collector_id, str(event.collector_id))
            return f"The customer was given to the collector {name}."
        case CollectorWithdrawn():
            return "The customer has no collector any more."
        case _:
            return None


def _by(event: ResolverAssigned) -> str:
    return event.by.replace("_", " ")


def _differences(before: ItemDetails, after: ItemDetails) -> str:
    told = [
        f"{name} {_text(was)} → {_text(now)}"
        for name, was, now in (
            ("type", before.type, after.type),
            ("amount", before.amount, after.amount),
            ("balance", before.balance, after.balance),
            ("currency", before.currency, after.currency),
            ("issued", before.issue_date, after.issue_date),
            ("due", before.due_date, after.due_date),
        )
        if was != now
    ]
    told += [
        f"{name} {before.attributes.get(name, '')!r} → {after.attributes.get(name, '')!r}"
        for name in sorted({*before.attributes, *after.attributes})
        if before.attributes.get(name) != after.attributes.get(name)
    ]
    return ", ".join(told) or f"{money(after.balance, after.currency)} as before"


def _text(value: object) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
