"""An item: one accounting document of a customer, what the collector says of it, and why it is or is
not in the collection scenario (spec 2, 7, 15)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import takewhile
from typing import ClassVar, Final, TypeAlias, assert_never
from uuid import UUID

from domain.calendar import local_date
from domain.catalogue import StatusKind
from domain.commands import Command
from domain.events import Event, PersonalText
from domain.identity import (
    CustomerId,
    DisputeId,
    FollowUpId,
    ImportId,
    ItemId,
    customer_id,
    item_id,
    leading_zero_twins,
)
from domain.made import replace
from domain.money import NOTHING, smaller
from domain.roles import Permission


class ItemType(StrEnum):
    """The accounting documents that there are."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    PAYMENT = "payment"
    OTHER = "other"


class Release(StrEnum):
    """Why an item left its dispute."""

    RESOLVED = "resolved"
    SETTLED = "settled"
    REMOVED = "removed"
    CLEARED = "cleared"
    CANCELLED = "cancelled"
    ESCALATED = "escalated"


_ENDINGS: Final = frozenset({Release.RESOLVED, Release.SETTLED, Release.ESCALATED})
"""Releases that say what is said of the item from then on."""


class Exclusion(StrEnum):
    """Why an item takes no part in the collection scenario (spec 15)."""

    DISPUTE = "dispute"
    LITIGATION = "litigation"
    FOLLOW_UP = "follow_up"
    PROMISE = "promise"
    WRITTEN_OFF = "written_off"


@dataclass(frozen=True, slots=True)
class ItemDetails:
    """What the ledger says of an item. Amounts in ``currency``; credit notes and payments are negative."""

    type: ItemType
    issue_date: date
    due_date: date
    amount: Decimal
    balance: Decimal
    currency: str
    attributes: Mapping[str, PersonalText] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Qualification:
    """What the collector says of an item: a status of the catalogue and a comment."""

    status: str
    kind: StatusKind
    comment: PersonalText | None = None
    promised_on: date | None = None


# --- commands --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RegisterItem(Command):
    """Register an item as a ledger gives it: new, changed, paid (balance 0) or open again."""

    permission: ClassVar[Permission] = Permission.IMPORT
    spans_case: ClassVar[bool] = True
    customer_code: str
    entity: str
    number: str
    details: ItemDetails
    customer_name: str | None = None
    cleared_on: date | None = None
    accept_as_new: bool = False
    import_id: ImportId | None = None

    @property
    def item_id(self) -> ItemId:
        """The item with this identity."""
        return item_id(self.entity, self.customer_code, self.number)

    @property
    def twins(self) -> Mapping[ItemId, str]:
        """Items whose number equals this one but for leading zeros."""
        return leading_zero_twins(self.entity, self.customer_code, self.number)

    def streams(self) -> frozenset[UUID]:
        """The item, its customer, and where leading zeros are in question its twins."""
        twins: frozenset[ItemId] = frozenset() if self.accept_as_new else frozenset(self.twins)
        return frozenset({self.item_id, customer_id(self.customer_code)}) | twins


@dataclass(frozen=True, slots=True)
class ClearItem(Command):
    """The item is paid: its balance is zero."""

    permission: ClassVar[Permission] = Permission.IMPORT
    spans_case: ClassVar[bool] = True
    item_id: ItemId
    cleared_on: date | None = None
    import_id: ImportId | None = None

    def streams(self) -> frozenset[UUID]:
        """The item."""
        return frozenset({self.item_id})


# --- events ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OfItem(Event):
    """A fact of an item's stream."""

    item_id: ItemId


@dataclass(frozen=True, slots=True)
class ItemRegistered(OfItem):
    """The ledger has this document. Occurred on its issue date."""

    customer_id: CustomerId
    customer_code: str
    entity: str
    number: str
    details: ItemDetails
    import_id: ImportId | None


@dataclass(frozen=True, slots=True)
class ItemCorrected(OfItem):
    """The ledger says otherwise of the document now; both are given whole."""

    details: ItemDetails
    previous: ItemDetails
    import_id: ImportId | None


@dataclass(frozen=True, slots=True)
class ItemCleared(OfItem):
    """The item is paid: ``balance`` was open before. Occurred on the payment date if that is known."""

    customer_id: CustomerId
    cleared_on: date | None
    balance: Decimal
    currency: str
    import_id: ImportId | None


@dataclass(frozen=True, slots=True)
class ItemReinstated(OfItem):
    """A cleared item was seen again with a balance; it comes back outside its old dispute."""

    details: ItemDetails
    qualification: Qualification | None
    import_id: ImportId | None


@dataclass(frozen=True, slots=True)
class ItemQualified(OfItem):
    """The collector says this of the item."""

    qualification: Qualification
    previous: Qualification | None


@dataclass(frozen=True, slots=True)
class ItemStatusRestored(OfItem):
    """What was said of the item before its dispute holds again."""

    qualification: Qualification | None
    previous: Qualification | None


@dataclass(frozen=True, slots=True)
class ItemDisputed(OfItem):
    """The item is in a dispute, in part or as a whole; said again, another part of it is disputed now."""

    dispute_id: DisputeId
    disputed: Decimal | None
    """None: the whole balance, whatever it becomes."""
    opened_by: UUID


@dataclass(frozen=True, slots=True)
class ItemReleased(OfItem):
    """The item has left its dispute."""

    dispute_id: DisputeId
    because: Release


@dataclass(frozen=True, slots=True)
class ItemPlacedUnderFollowUp(OfItem):
    """An open follow-up action lists the item, which keeps it out of dunning."""

    follow_up_id: FollowUpId


@dataclass(frozen=True, slots=True)
class ItemReturned(OfItem):
    """The follow-up action no longer lists the item."""

    follow_up_id: FollowUpId


@dataclass(frozen=True, slots=True)
class ItemWrittenOff(OfItem):
    """Nothing more is asked for the item; it stays excluded until it clears."""

    dispute_id: DisputeId


@dataclass(frozen=True, slots=True)
class ItemWithdrawn(OfItem):
    """The import that registered it was undone: the ledger does not have this document any more."""

    import_id: ImportId
    previous: ItemDetails


@dataclass(frozen=True, slots=True)
class ItemCorrectionUndone(OfItem):
    """The import that corrected it was undone; both are given whole."""

    import_id: ImportId
    details: ItemDetails
    previous: ItemDetails


@dataclass(frozen=True, slots=True)
class ItemClearingUndone(OfItem):
    """The import that cleared it was undone: it is open again, in the dispute and under the actions named."""

    import_id: ImportId
    details: ItemDetails
    qualification: Qualification | None
    dispute_id: DisputeId | None
    disputed: Decimal | None
    disputed_by: UUID | None
    ended_by: DisputeId | None
    follow_ups: tuple[FollowUpId, ...]
    write_offs: tuple[DisputeId, ...]


@dataclass(frozen=True, slots=True)
class ItemReinstatementUndone(OfItem):
    """The import that brought it back was undone: it is cleared again, or withdrawn as it was before."""

    import_id: ImportId
    details: ItemDetails
    previous: ItemDetails
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class ItemWriteOffUndone(OfItem):
    """The dispute by which the item was written off was a mistake, or is reopened; the item is asked for
    again."""

    dispute_id: DisputeId


@dataclass(frozen=True, slots=True)
class ItemDisputeVoided(OfItem):
    """The dispute was a mistake, but a later one speaks for the item: what the mistaken one said will not
    return when that later one is cancelled too."""

    dispute_id: DisputeId


ItemEvent: TypeAlias = (
    ItemRegistered
    | ItemCorrected
    | ItemCleared
    | ItemReinstated
    | ItemQualified
    | ItemStatusRestored
    | ItemDisputed
    | ItemReleased
    | ItemPlacedUnderFollowUp
    | ItemReturned
    | ItemWrittenOff
    | ItemWithdrawn
    | ItemCorrectionUndone
    | ItemClearingUndone
    | ItemReinstatementUndone
    | ItemWriteOffUndone
    | ItemDisputeVoided
)

# --- state -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SaidBefore:
    """What was said of an item when it came into a dispute."""

    dispute_id: DisputeId
    qualification: Qualification | None


@dataclass(frozen=True, slots=True)
class Item:
    """An item as it stands.

    ``ended_by`` is the dispute whose end says what is said of the item now: nobody has qualified it anew
    since. ``said_before`` are the disputes that lie one upon the other in what is said of it, the one that it
    is in or that ``ended_by`` names last, each with what was said before. ``write_offs`` are the disputes by
    which it was written off.
    """

    id: ItemId
    customer_id: CustomerId
    customer_code: str
    entity: str
    number: str
    details: ItemDetails
    cleared: bool = False
    qualification: Qualification | None = None
    dispute_id: DisputeId | None = None
    disputed: Decimal | None = None
    disputed_by: UUID | None = None
    said_before: tuple[SaidBefore, ...] = ()
    ended_by: DisputeId | None = None
    follow_ups: frozenset[FollowUpId] = frozenset()
    write_offs: frozenset[DisputeId] = frozenset()
    withdrawn: bool = False
    """The import that registered it was undone. Withdrawn items count as cleared."""

    @property
    def is_open(self) -> bool:
        """Whether it is still to be paid."""
        return not self.cleared

    @property
    def written_off(self) -> bool:
        """Whether nothing more is asked for it."""
        return bool(self.write_offs)

    @property
    def disputed_amount(self) -> Decimal:
        """What is in dispute of it: all of the balance, or the smaller of disputed and balance (spec 7)."""
        balance = self.details.balance
        if self.disputed is None:
            return balance
        return smaller(self.disputed, balance)

    @property
    def speaks(self) -> DisputeId | None:
        """The dispute that says what is said of the item now: it is in it, or was at its end."""
        return self.dispute_id or self.ended_by

    def before(self, dispute_id: DisputeId) -> Qualification | None:
        """What was said of the item before that dispute, which speaks for it now, came upon it."""
        of_it = takewhile(lambda one: one.dispute_id == dispute_id, reversed(self.said_before))
        return list(of_it)[-1].qualification


def exclusions(item: Item, at: datetime, zone: str) -> tuple[Exclusion, ...]:
    """Why *item* is out of the collection scenario at *at* (company's IANA *zone*); empty: it is in it.

    A promise holds through the end of the promised date; no event marks its expiry (spec 15).
    """
    qualification = item.qualification
    kind = qualification.kind if qualification else None
    promised_on = qualification.promised_on if qualification else None
    promised = (
        kind is StatusKind.PROMISE_TO_PAY and promised_on is not None and local_date(at, zone) <= promised_on
    )
    held = {
        Exclusion.DISPUTE: kind is StatusKind.DISPUTE,
        Exclusion.LITIGATION: kind is StatusKind.LITIGATION,
        Exclusion.FOLLOW_UP: bool(item.follow_ups),
        Exclusion.PROMISE: promised,
        Exclusion.WRITTEN_OFF: item.written_off,
    }
    return tuple(reason for reason, holds in held.items() if holds)


def is_collectable(item: Item, at: datetime, zone: str) -> bool:
    """Whether *item* may be dunned at *at*: open and not excluded."""
    return item.is_open and not exclusions(item, at, zone)


def evolve(item: Item | None, event: ItemEvent) -> Item:  # noqa: C901 - one flat match over the events
    """The item after *event*."""
    if isinstance(event, ItemRegistered):
        return Item(
            event.item_id, event.customer_id, event.customer_code, event.entity, event.number, event.details
        )
    assert item is not None, "an item's stream begins with its registration"
    match event:
        case ItemCorrected():
            return replace(item, details=event.details)
        case ItemCleared():
            return _cleared(item, replace(item.details, balance=NOTHING))
        case ItemReinstated():
            return replace(
                item,
                cleared=False,
                withdrawn=False,
                details=event.details,
                qualification=event.qualification,
            )
        case ItemQualified():
            return replace(item, qualification=event.qualification, ended_by=None)
        case ItemStatusRestored():
            said_before = _without(item.said_before, item.said_before[-1].dispute_id)
            ended_by = said_before[-1].dispute_id if said_before else None
            return replace(
                item, qualification=event.qualification, said_before=said_before, ended_by=ended_by
            )
        case ItemDisputed():
            return replace(
                item,
                dispute_id=event.dispute_id,
                disputed=event.disputed,
                disputed_by=event.opened_by,
                said_before=_said_before(item, event.dispute_id),
                ended_by=None,
            )
        case ItemReleased():
            ended_by = event.dispute_id if event.because in _ENDINGS else None
            return replace(item, dispute_id=None, disputed=None, disputed_by=None, ended_by=ended_by)
        case ItemPlacedUnderFollowUp():
            return replace(item, follow_ups=item.follow_ups | {event.follow_up_id})
        case ItemReturned():
            return replace(item, follow_ups=item.follow_ups - {event.follow_up_id})
        case ItemWrittenOff():
            return replace(item, write_offs=item.write_offs | {event.dispute_id})
        case ItemWriteOffUndone():
            return replace(item, write_offs=item.write_offs - {event.dispute_id})
        case ItemDisputeVoided():
            return replace(item, said_before=_without(item.said_before, event.dispute_id))
        case ItemWithdrawn():
            return replace(_cleared(item, replace(item.details, balance=NOTHING)), withdrawn=True)
        case ItemCorrectionUndone():
            return replace(item, details=event.details)
        case ItemReinstatementUndone():
            return replace(_cleared(item, event.details), withdrawn=event.withdrawn)
        case ItemClearingUndone():
            return replace(
                item,
                cleared=False,
                details=event.details,
                qualification=event.qualification,
                dispute_id=event.dispute_id,
                disputed=event.disputed,
                disputed_by=event.disputed_by,
                said_before=_said_again(item, event.dispute_id or event.ended_by),
                ended_by=event.ended_by,
                follow_ups=frozenset(event.follow_ups),
                write_offs=frozenset(event.write_offs),
            )
        case _:
            assert_never(event)


def _cleared(item: Item, details: ItemDetails) -> Item:
    return replace(item, cleared=True, ended_by=None, write_offs=frozenset(), details=details)


def _said_before(item: Item, dispute_id: DisputeId) -> tuple[SaidBefore, ...]:
    """With the dispute into which the item comes on top."""
    if item.speaks == dispute_id:
        return item.said_before
    beneath = item.said_before if item.speaks else ()  # what somebody has said since stands by itself
    return (*beneath, SaidBefore(dispute_id, item.qualification))


def _said_again(item: Item, speaks: DisputeId | None) -> tuple[SaidBefore, ...]:
    """After the clearing of the item is undone. Seen again meanwhile, other disputes may have taken over."""
    said = item.said_before
    if speaks is None or (said and said[-1].dispute_id == speaks):
        return said
    return (SaidBefore(speaks, None),)


def _without(said: tuple[SaidBefore, ...], dispute_id: DisputeId) -> tuple[SaidBefore, ...]:
    """As if that dispute had never spoken: what was said before it was said before the next one."""
    kept: list[SaidBefore] = []
    before: SaidBefore | None = None
    for one in said:
        if one.dispute_id == dispute_id:
            before = before or one
            continue
        kept.append(replace(one, qualification=before.qualification) if before else one)
        before = None
    return tuple(kept)
