"""The end of a dispute and of a follow-up action (spec 20, 21, 25, 26)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Final

from domain import dispute as disputes
from domain.case import Case, Draft
from domain.catalogue import StatusKind
from domain.dispute import (
    CancelDispute,
    Dispute,
    DisputeCancelled,
    DisputeEscalated,
    DisputeFollowUpEnded,
    DisputeResolved,
    DisputeState,
    EscalateDispute,
    ItemsTakenOut,
    Outcome,
    ResolveDispute,
    amount_of,
)
from domain.events import PersonalText
from domain.follow_up import (
    Ended,
    FollowUpAction,
    FollowUpEnded,
    FollowUpItemsChanged,
    OfFollowUpCommand,
)
from domain.item import (
    Item,
    ItemDisputeVoided,
    ItemPlacedUnderFollowUp,
    ItemQualified,
    ItemReleased,
    ItemReturned,
    ItemStatusRestored,
    ItemWriteOffUndone,
    ItemWrittenOff,
    Qualification,
    Release,
)
from domain.money import total
from domain.refusals import (
    CreditedAmountInvalid,
    NothingCredited,
    OutcomeMissing,
    OutcomeNotByHand,
    OutcomeUncalledFor,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from domain.commands import Occasion
    from domain.events import Event
    from domain.identity import DisputeId, ItemId


@dataclass(frozen=True, slots=True)
class EndFollowUp(OfFollowUpCommand):
    """End the action. ``outcome`` is asked for when it is the last one of a dispute, which it resolves."""

    spans_case: ClassVar[bool] = True
    comment: PersonalText | None = None
    outcome: Outcome | None = None
    credited_amount: Decimal | None = None


# --- resolve, cancel, escalate ---------------------------------------------------------------------


def resolve(case: Case, command: ResolveDispute, occasion: Occasion) -> list[Event]:
    """The dispute is settled: its items get the resolved status, its actions end (spec 21).

    A credited amount belongs to the outcomes that credit something, and need not be told: the credit note is
    often booked later, by the ledger. Raises those of `require_open`, OutcomeNotByHand, NothingCredited,
    CreditedAmountInvalid, and those of the catalogue for a status of kind dispute_resolved.
    """
    del occasion
    dispute = case.dispute(command.dispute_id)
    disputes.require_open(dispute)
    if command.outcome is Outcome.CLEARED:
        raise OutcomeNotByHand
    items = case.disputed_items(dispute)
    _check_credited(command, dispute, [item.disputed_amount for item in items])
    amount = total(item.disputed_amount for item in items)
    qualification = _status(case, StatusKind.DISPUTE_RESOLVED, command.status, command.comment)
    draft = Draft(case)
    draft.record(_resolved(dispute, command.outcome, amount, command.credited_amount, command.comment))
    _end_with(draft, dispute, items, qualification, Release.RESOLVED)
    for item in items:
        if command.outcome is Outcome.WRITTEN_OFF:
            draft.record(ItemWrittenOff(item.id, dispute.id))
    _end_all(draft, dispute, Ended.DISPUTE_RESOLVED)
    return draft.events


def _resolved(
    dispute: Dispute, outcome: Outcome, amount: Decimal, credited: Decimal | None, text: str | None
) -> DisputeResolved:
    """The end of an episode, with the keys that its readers need."""
    return DisputeResolved(
        dispute.id,
        outcome,
        credited,
        text,
        dispute.customer_id,
        dispute.type,
        dispute.resolver_id,
        dispute.currency,
        amount,
        dispute.amount_at_opening,
        dispute.episode,
        dispute.episode_opened_at,
    )


_CREDITING: Final = frozenset({Outcome.CREDIT_NOTE, Outcome.PARTIAL_CREDIT, Outcome.OTHER})
"""Outcomes with a credited amount."""


def _check_credited(command: ResolveDispute, dispute: Dispute, amounts: Sequence[Decimal]) -> None:
    credited = command.credited_amount
    if credited is None:
        return
    if command.outcome not in _CREDITING:
        raise NothingCredited(command.outcome)
    # The larger of now and at opening, for the credit note is often booked before the dispute ends.
    opening = [item.amount for item in dispute.opening_items]
    most = max(_creditable(amounts), _creditable(opening), key=abs)
    if not (abs(credited) <= abs(most) and credited * most >= 0):
        raise CreditedAmountInvalid(credited, most)


def _creditable(amounts: Sequence[Decimal]) -> Decimal:
    """What can be credited of them: the debit ones, and only where there is none the others."""
    return total(amount for amount in amounts if amount > 0) or total(amounts)


def _status(case: Case, kind: StatusKind, code: str | None, comment: str | None) -> Qualification:
    company = case.company
    status = company.usable_status(code, kind) if code else company.first_status(kind)
    return Qualification(status.code, status.kind, comment)


def _end_with(
    draft: Draft, dispute: Dispute, items: Sequence[Item], qualification: Qualification, because: Release
) -> None:
    # Qualified before it leaves: what is said of an item when it leaves is what the ending said.
    draft.record_all(ItemQualified(item.id, qualification, item.qualification) for item in items)
    _release(draft, dispute, items, because)


def _release(draft: Draft, dispute: Dispute, items: Sequence[Item], because: Release) -> None:
    draft.record_all(ItemReleased(item.id, dispute.id, because) for item in items)


def cancel(case: Case, command: CancelDispute) -> list[Event]:
    """It was a mistake: previous statuses return (spec 20), also after it was resolved or escalated.

    Then only those of items that its ending qualified last, settled and left-out ones too: what was said,
    disputed or paid since stands. Where a later dispute speaks for an item, that one returns to what was
    said before this one. What it wrote off is asked for again. Said twice changes nothing. Raises
    UnknownDispute.
    """
    dispute = case.dispute(command.dispute_id)
    if dispute.state is DisputeState.CANCELLED:
        return []
    items = case.disputed_items(dispute)
    inside = [item for item in items if item.dispute_id == dispute.id]
    amount = (
        total(item.disputed_amount for item in inside)
        if dispute.is_open
        else amount_of(tuple(dispute.items.values()))
    )
    draft = Draft(case)
    draft.record(
        DisputeCancelled(
            dispute.id, command.comment, dispute.customer_id, dispute.type, dispute.currency, amount
        )
    )
    _release(draft, dispute, inside, Release.CANCELLED)
    for item_id in dict.fromkeys((*dispute.items, *dispute.former_items, *sorted(dispute.settled_items))):
        draft.record_all(_unsaid(case.item(item_id), dispute.id))
    _end_all(draft, dispute, Ended.DISPUTE_CANCELLED)
    return draft.events


def _unsaid(item: Item, dispute_id: DisputeId) -> Iterator[Event]:
    """What takes back all that the dispute has said of *item*."""
    if item.speaks == dispute_id:
        yield ItemStatusRestored(item.id, item.before(dispute_id), item.qualification)
    elif item.speaks and any(one.dispute_id == dispute_id for one in item.said_before):
        yield ItemDisputeVoided(item.id, dispute_id)
    yield from write_off_undone(item, dispute_id)


def write_off_undone(item: Item, dispute_id: DisputeId) -> Iterator[Event]:
    """The item is asked for again, if the dispute had written it off."""
    if dispute_id in item.write_offs:
        yield ItemWriteOffUndone(item.id, dispute_id)


def escalate(case: Case, command: EscalateDispute) -> list[Event]:
    """It goes to litigation: the items stay excluded, the episode ends unresolved (spec 20).

    Raises those of `require_open`, and those of the catalogue.
    """
    dispute = case.dispute(command.dispute_id)
    disputes.require_open(dispute)
    items = case.disputed_items(dispute)
    qualification = _status(case, StatusKind.LITIGATION, command.status, command.comment)
    draft = Draft(case)
    draft.record(
        DisputeEscalated(
            dispute.id,
            command.comment,
            dispute.customer_id,
            dispute.type,
            dispute.resolver_id,
            dispute.currency,
            total(item.disputed_amount for item in items),
            dispute.amount_at_opening,
            dispute.episode,
            dispute.episode_opened_at,
        )
    )
    _end_with(draft, dispute, items, qualification, Release.ESCALATED)
    _end_all(draft, dispute, Ended.DISPUTE_ESCALATED)
    return draft.events


def _end_all(draft: Draft, dispute: Dispute, because: Ended) -> None:
    for follow_up_id in sorted(dispute.follow_ups):
        _end(draft, draft.follow_up(follow_up_id), because, None)


def _end(draft: Draft, action: FollowUpAction, because: Ended, comment: str | None) -> None:
    draft.record(FollowUpEnded(action.id, because, comment, action.dispute_id))
    if action.dispute_id is not None:
        draft.record(DisputeFollowUpEnded(action.dispute_id, action.id))
    draft.record_all(ItemReturned(item_id, action.id) for item_id in sorted(action.items))


# --- follow-up actions that end --------------------------------------------------------------------


def end_follow_up(case: Case, command: EndFollowUp, occasion: Occasion) -> list[Event]:
    """The action ends; the last one of a dispute resolves it (spec 25). Said twice changes nothing.

    Raises OutcomeUncalledFor when an outcome is told and nothing is resolved; OutcomeMissing when it would
    resolve, and then the refusals of `resolve`.
    """
    action = case.follow_up(command.follow_up_id)
    if not action.is_open:
        return []
    draft = Draft(case)
    _end(draft, action, Ended.DONE, command.comment)
    if action.dispute_id is None or draft.dispute(action.dispute_id).follow_ups:
        if command.outcome is not None or command.credited_amount is not None:
            raise OutcomeUncalledFor(action.id)
        return draft.events
    if command.outcome is None:
        raise OutcomeMissing(action.dispute_id)
    resolving = ResolveDispute(action.dispute_id, command.outcome, command.credited_amount, command.comment)
    return draft.events + resolve(draft, resolving, occasion)


# --- items that leave ------------------------------------------------------------------------------


def leave_everything(draft: Draft, item: Item) -> None:
    """A cleared item leaves its dispute and its actions; the last one resolves or ends them (spec 6, 26)."""
    if item.dispute_id is not None:
        _leave_dispute(draft, draft.dispute(item.dispute_id), item)
    for follow_up_id in sorted(draft.item(item.id).follow_ups):
        withdraw(draft, draft.follow_up(follow_up_id), (item.id,))


def _leave_dispute(draft: Draft, dispute: Dispute, item: Item) -> None:
    _release(draft, dispute, [item], Release.CLEARED)
    draft.record(ItemsTakenOut(dispute.id, (item.id,), Release.CLEARED))
    if not draft.dispute(dispute.id).items:
        draft.record(_resolved(dispute, Outcome.CLEARED, item.disputed_amount, None, None))
        _end_all(draft, dispute, Ended.DISPUTE_RESOLVED)


def take_out(draft: Draft, dispute: Dispute, items: Sequence[Item], because: Release) -> None:
    """Items leave the open dispute, but not the last ones, and the follow-up actions that it has."""
    item_ids = tuple(item.id for item in items)
    draft.record(ItemsTakenOut(dispute.id, item_ids, because))
    _release(draft, dispute, items, because)
    for follow_up_id in sorted(dispute.follow_ups):
        withdraw(draft, draft.follow_up(follow_up_id), item_ids)


def withdraw(draft: Draft, action: FollowUpAction, item_ids: Sequence[ItemId]) -> None:
    """The action no longer lists these items.

    Left with none it ends, unless items remain disputed: then it stays and lists those (spec 26).
    """
    returned = tuple(item_id for item_id in item_ids if item_id in action.items)
    if not returned:
        return
    draft.record_all(ItemReturned(item_id, action.id) for item_id in returned)
    added: tuple[ItemId, ...] = ()
    if action.items == set(returned) and action.dispute_id is not None:
        added = tuple(sorted(draft.dispute(action.dispute_id).items))
    draft.record(FollowUpItemsChanged(action.id, added, returned))
    draft.record_all(ItemPlacedUnderFollowUp(item_id, action.id) for item_id in added)
    if not draft.follow_up(action.id).items:
        draft.record(FollowUpEnded(action.id, Ended.ITEMS_CLEARED, None, action.dispute_id))
