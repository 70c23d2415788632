"""A dispute: the case about items of one customer in one currency, from opening to resolution (spec
18-22)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, TypeAlias, assert_never
from uuid import UUID

from domain.commands import UNCHANGED, Command, Unchanged
from domain.events import Event, PersonalText
from domain.follow_up import FollowUpPlan, planned_id
from domain.identity import CustomerId, DisputeId, FollowUpId, ImportId, ItemId, PersonId, follow_up_id
from domain.item import Release
from domain.made import replace
from domain.money import total
from domain.refusals import DisputeAlreadyResolved, DisputeWasCancelled, DisputeWasEscalated, TextMissing
from domain.roles import Permission


class Channel(StrEnum):
    """How the customer said it."""

    PHONE = "phone"
    EMAIL = "email"
    INTERACTIVE_PAGE = "interactive_page"
    IMPORT = "import"
    API = "api"


class Outcome(StrEnum):
    """How a dispute ended (spec 20)."""

    CREDIT_NOTE = "credit_note"
    INVOICE_UPHELD = "invoice_upheld"
    PARTIAL_CREDIT = "partial_credit"
    REPLACEMENT = "replacement"
    CLEARED = "cleared"
    WRITTEN_OFF = "written_off"
    OTHER = "other"


class DisputeState(StrEnum):
    """Where a dispute stands."""

    OPEN = "open"
    RESOLVED = "resolved"
    ESCALATED = "escalated"
    CANCELLED = "cancelled"


class AssignedBy(StrEnum):
    """Whether a person or the assignment rule named the resolver."""

    PERSON = "person"
    RULE = "rule"


class Unassigned(StrEnum):
    """Why there is no resolver: the rule found none (spec 9), or a person withdrew the one that there was."""

    NO_FIELD = "no_assignment_field"
    NO_VALUE = "no_value"
    NO_MATCH = "no_match"
    SEVERAL_MATCHES = "several_matches"
    ITEMS_DISAGREE = "items_disagree"
    WITHDRAWN = "withdrawn"


class Visibility(StrEnum):
    """Who may see a comment or a document."""

    INTERNAL = "internal"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class DisputedItem:
    """An item in a dispute: ``amount`` is what was disputed of it when this was recorded."""

    item_id: ItemId
    entity: str
    amount: Decimal
    disputed: Decimal | None = None
    """None: the whole balance, whatever it becomes."""


# --- commands --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OfDisputeCommand(Command):
    """A command about one dispute."""

    permission: ClassVar[Permission] = Permission.WORK_DISPUTE
    dispute_id: DisputeId

    def streams(self) -> frozenset[UUID]:
        """The dispute."""
        return frozenset({self.dispute_id})

    def objects(self) -> frozenset[UUID]:
        """The dispute alone: whoever may change it may add and remove items of its customer."""
        return frozenset({self.dispute_id})


@dataclass(frozen=True, slots=True)
class OpenDispute(Command):
    """Open a dispute over items of one customer. Without a resolver the assignment rule looks for one.

    ``amounts``: what is disputed of an item, where it is not all of it.
    ``received_on``: when the customer said it, with zone; the episode's clock starts there.
    """

    permission: ClassVar[Permission] = Permission.QUALIFY
    spans_case: ClassVar[bool] = True
    dispute_id: DisputeId
    item_ids: tuple[ItemId, ...]
    type: str
    reason: str = ""
    comment: PersonalText | None = None
    resolver_id: PersonId | None = None
    received_on: datetime | None = None
    channel: Channel = Channel.API
    amounts: Mapping[ItemId, Decimal] | None = None
    follow_up: FollowUpPlan | None = None
    plan_follow_up: bool | None = None
    reference: str | None = None

    def streams(self) -> frozenset[UUID]:
        """The dispute, the action that the service plans for it, and the items."""
        action = planned_id(self.dispute_id, 1, self.follow_up)
        return frozenset({self.dispute_id, action, *self.item_ids})

    def objects(self) -> frozenset[UUID]:
        """The items."""
        return frozenset(self.item_ids)


@dataclass(frozen=True, slots=True)
class ChangeDisputeType(OfDisputeCommand):
    """The dispute is of another type (a status of kind dispute); its items follow."""

    spans_case: ClassVar[bool] = True
    type: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AssignResolver(OfDisputeCommand):
    """Name the person who can settle it; without one the assignment rule looks again.

    ``resolver_id`` None: nobody is to settle it.
    """

    spans_case: ClassVar[bool] = True
    resolver_id: PersonId | Unchanged | None = UNCHANGED


@dataclass(frozen=True, slots=True)
class UpdateDisputeComment(OfDisputeCommand):
    """Replace the dispute's own comment."""

    comment: PersonalText


@dataclass(frozen=True, slots=True)
class CommentDispute(OfDisputeCommand):
    """Add a comment, for colleagues or for the customer."""

    text: PersonalText
    visibility: Visibility = Visibility.INTERNAL


@dataclass(frozen=True, slots=True)
class AttachDocument(OfDisputeCommand):
    """Note a document by its name and digest (``sha256:…``); the file itself is kept elsewhere."""

    name: PersonalText
    digest: str
    visibility: Visibility = Visibility.INTERNAL


@dataclass(frozen=True, slots=True)
class AddItems(OfDisputeCommand):
    """Dispute further items of the same customer and currency, or other amounts of those in it already."""

    spans_case: ClassVar[bool] = True
    item_ids: tuple[ItemId, ...]
    amounts: Mapping[ItemId, Decimal] | None = None

    def streams(self) -> frozenset[UUID]:
        """The dispute and the items."""
        return frozenset({self.dispute_id, *self.item_ids})


@dataclass(frozen=True, slots=True)
class RemoveItems(OfDisputeCommand):
    """Take items out of the dispute; their previous status returns."""

    spans_case: ClassVar[bool] = True
    item_ids: tuple[ItemId, ...]

    def streams(self) -> frozenset[UUID]:
        """The dispute and the items."""
        return frozenset({self.dispute_id, *self.item_ids})


@dataclass(frozen=True, slots=True)
class ResolveDispute(OfDisputeCommand):
    """Settle the dispute: its items are collectable again. ``status`` is one of kind dispute_resolved."""

    spans_case: ClassVar[bool] = True
    outcome: Outcome
    credited_amount: Decimal | None = None
    comment: PersonalText | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class CancelDispute(OfDisputeCommand):
    """It was opened by mistake: previous statuses return and it counts nowhere from now on.

    Of a dispute that was resolved or escalated those return that its ending gave and nobody changed since.
    """

    spans_case: ClassVar[bool] = True
    comment: PersonalText | None = None


@dataclass(frozen=True, slots=True)
class EscalateDispute(OfDisputeCommand):
    """Hand it to litigation: the items stay excluded. ``status`` is one of kind litigation."""

    spans_case: ClassVar[bool] = True
    comment: PersonalText | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class ReopenDispute(OfDisputeCommand):
    """Dispute again what is still open of it: a new episode, chased on ``due_on``."""

    spans_case: ClassVar[bool] = True
    follow_up: FollowUpPlan
    comment: PersonalText | None = None

    def streams(self) -> frozenset[UUID]:
        """The dispute, and the action if it is named."""
        named = self.follow_up.reference
        return frozenset({self.dispute_id}) | (frozenset({follow_up_id(named)}) if named else frozenset())


# --- events ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OfDispute(Event):
    """A fact of a dispute's stream."""

    dispute_id: DisputeId


@dataclass(frozen=True, slots=True)
class DisputeOpened(OfDispute):
    """The customer has a valid reason not to pay these items."""

    reference: str | None
    customer_id: CustomerId
    customer_code: str
    currency: str
    type: str
    reason: PersonalText
    comment: PersonalText | None
    items: tuple[DisputedItem, ...]
    amount: Decimal
    received_on: datetime
    channel: Channel
    opened_by: PersonId


@dataclass(frozen=True, slots=True)
class DisputeTypeChanged(OfDispute):
    """The dispute has another type or reason."""

    type: str
    reason: PersonalText
    previous_type: str
    previous_reason: PersonalText


@dataclass(frozen=True, slots=True)
class ResolverAssigned(OfDispute):
    """This person is to settle it, named by a person or found by the rule."""

    resolver_id: PersonId
    previous: PersonId | None
    by: AssignedBy


@dataclass(frozen=True, slots=True)
class ResolverNotFound(OfDispute):
    """Nobody is to settle it: the rule found nobody, for this reason, or a person withdrew the resolver."""

    because: Unassigned
    previous: PersonId | None


@dataclass(frozen=True, slots=True)
class DisputeCommentReplaced(OfDispute):
    """The dispute's own comment is another."""

    comment: PersonalText
    previous: PersonalText | None


@dataclass(frozen=True, slots=True)
class DisputeCommented(OfDispute):
    """Somebody said something about it."""

    text: PersonalText
    visibility: Visibility


@dataclass(frozen=True, slots=True)
class DocumentAttached(OfDispute):
    """A document belongs to it: its name and digest, not the file."""

    name: PersonalText
    digest: str
    visibility: Visibility


@dataclass(frozen=True, slots=True)
class ItemsAdded(OfDispute):
    """Further items are disputed, or other amounts of items that were so already."""

    items: tuple[DisputedItem, ...]


@dataclass(frozen=True, slots=True)
class ItemsTakenOut(OfDispute):
    """Items are no longer disputed."""

    item_ids: tuple[ItemId, ...]
    because: Release


@dataclass(frozen=True, slots=True)
class DisputeFollowedUp(OfDispute):
    """A follow-up action is planned for it."""

    follow_up_id: FollowUpId


@dataclass(frozen=True, slots=True)
class DisputeFollowUpEnded(OfDispute):
    """One of its follow-up actions has ended."""

    follow_up_id: FollowUpId


@dataclass(frozen=True, slots=True)
class DisputeResolved(OfDispute):
    """It is settled: the end of an episode."""

    outcome: Outcome
    credited_amount: Decimal | None
    comment: PersonalText | None
    customer_id: CustomerId
    type: str
    resolver_id: PersonId | None
    currency: str
    amount: Decimal
    amount_at_opening: Decimal
    episode: int
    episode_opened_at: datetime


@dataclass(frozen=True, slots=True)
class DisputeCancelled(OfDispute):
    """It was opened by mistake and counts in no statistic from now on."""

    comment: PersonalText | None
    customer_id: CustomerId
    type: str
    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class DisputeEscalated(OfDispute):
    """It went to litigation: the episode ends without resolution."""

    comment: PersonalText | None
    customer_id: CustomerId
    type: str
    resolver_id: PersonId | None
    currency: str
    amount: Decimal
    amount_at_opening: Decimal
    episode: int
    episode_opened_at: datetime


@dataclass(frozen=True, slots=True)
class DisputeReopened(OfDispute):
    """It is disputed again: a new episode over these items; ``left_out`` are paid or disputed elsewhere."""

    items: tuple[DisputedItem, ...]
    left_out: tuple[ItemId, ...]
    amount: Decimal
    comment: PersonalText | None
    episode: int
    episode_opened_at: datetime


@dataclass(frozen=True, slots=True)
class DisputeContinued(OfDispute):
    """The import that had closed it, by clearing its last items, was undone: the same episode goes on."""

    import_id: ImportId
    items: tuple[DisputedItem, ...]
    customer_id: CustomerId
    type: str
    episode: int
    episode_opened_at: datetime


@dataclass(frozen=True, slots=True)
class DisputeFollowUpContinued(OfDispute):
    """One of its follow-up actions, which the clearing had ended, is open again."""

    follow_up_id: FollowUpId


DisputeEvent: TypeAlias = (
    DisputeOpened
    | DisputeTypeChanged
    | ResolverAssigned
    | ResolverNotFound
    | DisputeCommentReplaced
    | DisputeCommented
    | DocumentAttached
    | ItemsAdded
    | ItemsTakenOut
    | DisputeFollowedUp
    | DisputeFollowUpEnded
    | DisputeResolved
    | DisputeCancelled
    | DisputeEscalated
    | DisputeReopened
    | DisputeContinued
    | DisputeFollowUpContinued
)

# --- state -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute as it stands.

    ``items`` are those in dispute now, or at the end of the last episode; ``former_items`` left by being
    paid, or were left out by a reopening, and may come back by the next one; ``settled_items`` were settled
    before the others; ``opening_items`` are those at the opening of the episode.
    """

    id: DisputeId
    reference: str | None
    customer_id: CustomerId
    customer_code: str
    currency: str
    type: str
    reason: str
    comment: str | None
    channel: Channel
    opened_by: PersonId
    received_on: datetime
    items: Mapping[ItemId, DisputedItem]
    opening_items: tuple[DisputedItem, ...]
    amount_at_opening: Decimal
    episode_opened_at: datetime
    state: DisputeState = DisputeState.OPEN
    outcome: Outcome | None = None
    credited_amount: Decimal | None = None
    resolver_id: PersonId | None = None
    assigned_by: AssignedBy | None = None
    unassigned: Unassigned | None = None
    former_items: Mapping[ItemId, DisputedItem] = field(default_factory=dict)
    settled_items: frozenset[ItemId] = frozenset()
    follow_ups: frozenset[FollowUpId] = frozenset()
    follow_ups_planned: int = 0
    episode: int = 1
    comments: int = 0
    documents: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it waits to be settled."""
        return self.state is DisputeState.OPEN


def evolve(dispute: Dispute | None, event: DisputeEvent) -> Dispute:  # noqa: C901 - one flat match
    """The dispute after *event*."""
    if isinstance(event, DisputeOpened):
        return _opened(event)
    assert dispute is not None, "a dispute's stream begins with its opening"
    match event:
        case DisputeTypeChanged():
            return replace(dispute, type=event.type, reason=event.reason)
        case ResolverAssigned():
            return replace(dispute, resolver_id=event.resolver_id, assigned_by=event.by, unassigned=None)
        case ResolverNotFound():
            return replace(dispute, resolver_id=None, assigned_by=None, unassigned=event.because)
        case DisputeCommentReplaced():
            return replace(dispute, comment=event.comment)
        case DisputeCommented():
            return replace(dispute, comments=dispute.comments + 1)
        case DocumentAttached():
            return replace(dispute, documents=dispute.documents + 1)
        case ItemsAdded():
            added = _by_id(event.items)
            return replace(
                dispute,
                items={**dispute.items, **added},
                former_items=_without(dispute.former_items, added),
                settled_items=dispute.settled_items - added.keys(),
            )
        case ItemsTakenOut():
            return _taken_out(dispute, event)
        case DisputeFollowedUp():
            return replace(
                dispute,
                follow_ups=dispute.follow_ups | {event.follow_up_id},
                follow_ups_planned=dispute.follow_ups_planned + 1,
            )
        case DisputeFollowUpEnded():
            return replace(dispute, follow_ups=dispute.follow_ups - {event.follow_up_id})
        case DisputeResolved():
            return replace(
                dispute,
                state=DisputeState.RESOLVED,
                outcome=event.outcome,
                credited_amount=event.credited_amount,
            )
        case DisputeCancelled():
            return replace(dispute, state=DisputeState.CANCELLED, outcome=None, credited_amount=None)
        case DisputeEscalated():
            return replace(dispute, state=DisputeState.ESCALATED)
        case DisputeContinued():
            back = _by_id(event.items)
            former = _without(dispute.former_items, back)
            return replace(dispute, state=DisputeState.OPEN, outcome=None, items=back, former_items=former)
        case DisputeFollowUpContinued():
            return replace(dispute, follow_ups=dispute.follow_ups | {event.follow_up_id})
        case DisputeReopened():
            return replace(
                dispute,
                state=DisputeState.OPEN,
                outcome=None,
                credited_amount=None,
                items=_by_id(event.items),
                former_items=_without({**dispute.former_items, **dispute.items}, _by_id(event.items)),
                opening_items=event.items,
                amount_at_opening=event.amount,
                episode=event.episode,
                episode_opened_at=event.episode_opened_at,
            )
        case _:
            assert_never(event)


def _opened(event: DisputeOpened) -> Dispute:
    return Dispute(
        id=event.dispute_id,
        reference=event.reference,
        customer_id=event.customer_id,
        customer_code=event.customer_code,
        currency=event.currency,
        type=event.type,
        reason=event.reason,
        comment=event.comment,
        channel=event.channel,
        opened_by=event.opened_by,
        received_on=event.received_on,
        items=_by_id(event.items),
        opening_items=event.items,
        amount_at_opening=event.amount,
        episode_opened_at=event.received_on,
    )


def _taken_out(dispute: Dispute, event: ItemsTakenOut) -> Dispute:
    out = {item: dispute.items[item] for item in event.item_ids}
    left = replace(dispute, items=_without(dispute.items, out))
    match event.because:
        case Release.CLEARED:
            return replace(left, former_items={**dispute.former_items, **out})
        case Release.SETTLED:
            return replace(left, settled_items=dispute.settled_items | out.keys())
        case _:
            return left


def _without(
    items: Mapping[ItemId, DisputedItem], others: Mapping[ItemId, DisputedItem]
) -> Mapping[ItemId, DisputedItem]:
    return {item: disputed for item, disputed in items.items() if item not in others}


def _by_id(items: tuple[DisputedItem, ...]) -> Mapping[ItemId, DisputedItem]:
    return {item.item_id: item for item in items}


# --- decisions about the dispute's stream alone ----------------------------------------------------


def require_open(dispute: Dispute) -> None:
    """Raise DisputeAlreadyResolved, DisputeWasEscalated or DisputeWasCancelled unless the dispute is open."""
    if dispute.state is DisputeState.CANCELLED:
        raise DisputeWasCancelled(dispute.id)
    if dispute.state is DisputeState.ESCALATED:
        raise DisputeWasEscalated(dispute.id)
    if not dispute.is_open:
        raise DisputeAlreadyResolved(dispute.id)


def require_text(name: str, text: str) -> None:
    """Raise TextMissing when *text* is blank."""
    if not text.strip():
        raise TextMissing(name)


def assign(dispute: Dispute, found: PersonId | Unassigned, by: AssignedBy) -> list[Event]:
    """The resolver becomes *found*, or the dispute visibly has none; said twice changes nothing."""
    if isinstance(found, Unassigned):
        if found is dispute.unassigned:
            return []
        return [ResolverNotFound(dispute.id, found, dispute.resolver_id)]
    if (found, by) == (dispute.resolver_id, dispute.assigned_by):
        return []
    return [ResolverAssigned(dispute.id, found, dispute.resolver_id, by)]


def update_comment(dispute: Dispute, command: UpdateDisputeComment) -> list[Event]:
    """The dispute's own comment is replaced. Raises those of `require_open`, TextMissing."""
    require_open(dispute)
    require_text("comment", command.comment)
    if command.comment == dispute.comment:
        return []
    return [DisputeCommentReplaced(dispute.id, command.comment, dispute.comment)]


def comment(dispute: Dispute, command: CommentDispute) -> list[Event]:
    """A comment is added. Raises those of `require_open`, TextMissing."""
    require_open(dispute)
    require_text("text", command.text)
    return [DisputeCommented(dispute.id, command.text, command.visibility)]


def attach(dispute: Dispute, command: AttachDocument) -> list[Event]:
    """A document is noted. Raises those of `require_open`, TextMissing."""
    require_open(dispute)
    require_text("name", command.name)
    require_text("digest", command.digest)
    return [DocumentAttached(dispute.id, command.name, command.digest, command.visibility)]


def amount_of(items: tuple[DisputedItem, ...]) -> Decimal:
    """What is disputed of *items* together, in the dispute's currency."""
    return total(item.amount for item in items)
