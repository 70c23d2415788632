"""What events did to an item's place in the collection scenario, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from domain.dispute import (
    DisputeCancelled,
    DisputeContinued,
    DisputeEscalated,
    DisputeOpened,
    DisputeReopened,
    DisputeResolved,
    DisputeTypeChanged,
    ItemsAdded,
    ItemsTakenOut,
)
from domain.events import Event
from domain.follow_up import (
    FollowUpContinued,
    FollowUpEnded,
    FollowUpItemsChanged,
    FollowUpPlanned,
    OfFollowUp,
)
from domain.item import (
    ItemCleared,
    ItemClearingUndone,
    ItemDisputed,
    ItemPlacedUnderFollowUp,
    ItemQualified,
    ItemRegistered,
    ItemReinstated,
    ItemReinstatementUndone,
    ItemReleased,
    ItemReturned,
    ItemStatusRestored,
    ItemWithdrawn,
    ItemWriteOffUndone,
    ItemWrittenOff,
    OfItem,
    Qualification,
)


class Words:
    """What things are called: *names* of disputes (their reference, or id), actions (their title), people and
    whatever else is spoken of, by id; *labels* of the catalogue's statuses, by code."""

    def __init__(self, names: Mapping[UUID, str], labels: Mapping[str, str]) -> None:
        self._names = dict(names)
        self._labels = labels

    def learn(self, names: Mapping[UUID, str]) -> None:
        """Take further *names*."""
        self._names.update(names)

    def name(self, of: UUID) -> str:
        """The dispute, action or person *of*, as people call it; its id where nobody does."""
        return self._names.get(of, str(of))

    def known(self, of: UUID | None) -> str | None:
        """As `name`; None for what has none, or for nothing."""
        return self._names.get(of) if of else None

    def status(self, code: str) -> str:
        """The status, as people call it, with its code."""
        label = self._labels.get(code)
        return f"{label} ({code})" if label else code

    def said(self, qualification: Qualification | None) -> str:
        """What the collector said of an item."""
        if qualification is None:
            return "no status"
        text = f"the status {self.status(qualification.status)}"
        if qualification.promised_on is not None:
            text += f", promised for {qualification.promised_on}"
        return f"{text}: {qualification.comment}" if qualification.comment else text


def sentence(event: Event, words: Words) -> str | None:
    """What *event* says, as a sentence; None for what is of no matter to whether an item is collectable."""
    match event:
        case OfItem():
            return (
                _of_item(event, words) or _of_what_was_undone(event, words) or _of_its_matters(event, words)
            )
        case OfFollowUp():
            return _of_follow_up(event, words)
        case _:
            return _of_dispute(event, words)


def _of_item(event: OfItem, words: Words) -> str | None:
    match event:
        case ItemRegistered():
            what = event.details.type.replace("_", " ")
            amount = money(event.details.amount, event.details.currency)
            return f"The {what} of {amount} was registered, due on {event.details.due_date}."
        case ItemCleared():
            return f"It was paid{_on(event.cleared_on)}: {money(event.balance, event.currency)} were open."
        case ItemReinstated():
            amount = money(event.details.balance, event.details.currency)
            return f"It was seen again with {amount} open, after it had been paid."
        case ItemQualified():
            return f"It was given {words.said(event.qualification)}."
        case ItemStatusRestored():
            return f"What was said of it before the dispute holds again: {words.said(event.qualification)}."
        case ItemWrittenOff():
            return f"It was written off at the end of the dispute {words.name(event.dispute_id)}."
        case _:
            return None


def _of_what_was_undone(event: OfItem, words: Words) -> str | None:
    match event:
        case ItemWithdrawn():
            return "The import that had registered it was undone."
        case ItemReinstatementUndone():
            return "The import that had seen it again was undone: it counts as paid."
        case ItemClearingUndone():
            amount = money(event.details.balance, event.details.currency)
            return f"The import that had counted it as paid was undone: {amount} are open again."
        case ItemWriteOffUndone():
            return f"It is no longer written off by the dispute {words.name(event.dispute_id)}."
        case _:
            return None


def _of_its_matters(event: OfItem, words: Words) -> str | None:
    match event:
        case ItemDisputed():
            part = "all of it" if event.disputed is None else f"{event.disputed:f} of it"
            return f"It was taken into the dispute {words.name(event.dispute_id)}, {part}."
        case ItemReleased():
            return f"It left the dispute {words.name(event.dispute_id)}: {event.because}."
        case ItemPlacedUnderFollowUp():
            return f"The follow-up action “{words.name(event.follow_up_id)}” lists it."
        case ItemReturned():
            return f"The follow-up action “{words.name(event.follow_up_id)}” no longer lists it."
        case _:
            return None


def _of_dispute(event: Event, words: Words) -> str | None:
    became = _became(event, words)
    return f"The dispute {words.name(event.stream_id)} {became}." if became else None


def _became(event: Event, words: Words) -> str | None:
    match event:
        case DisputeOpened():
            return f"was opened{_because(event.reason)}"
        case DisputeReopened():
            return f"was reopened{_because(event.comment)}"
        case DisputeTypeChanged():
            return f"took the type {words.status(event.type)}"
        case DisputeContinued():
            return "goes on: the import that had closed it was undone"
        case ItemsAdded():
            return "took in further items"
        case ItemsTakenOut():
            return f"let items go: {event.because}"
        case _:
            return _ended(event)


def _ended(event: Event) -> str | None:
    match event:
        case DisputeResolved():
            return f"was resolved: {event.outcome}{_because(event.comment)}"
        case DisputeCancelled():
            return "was cancelled, for it was opened by mistake"
        case DisputeEscalated():
            return f"was handed to litigation{_because(event.comment)}"
        case _:
            return None


def _of_follow_up(event: OfFollowUp, words: Words) -> str | None:
    title = words.name(event.follow_up_id)
    match event:
        case FollowUpPlanned():
            return f"The follow-up action “{title}” was planned for {event.due_on}."
        case FollowUpItemsChanged():
            return f"The follow-up action “{title}” lists other items."
        case FollowUpContinued():
            return f"The follow-up action “{title}” is open again."
        case FollowUpEnded():
            return f"The follow-up action “{title}” ended: {event.because}."
        case _:
            return None


def _because(reason: str | None) -> str:
    return f": {reason.rstrip('.')}" if reason else ""


def _on(day: date | None) -> str:
    return f" on {day}" if day else ""


def money(amount: Decimal, currency: str) -> str:
    """An amount with its currency."""
    return f"{amount:f} {currency}"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st …"""
    teens = number // 10 % 10 == 1
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def utc(moment: datetime) -> str:
    """*moment* for people to read, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
