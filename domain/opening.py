"""A dispute is opened over items, finds its resolver, and takes further items in or lets some go (spec 8, 9,
18, 19)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain import dispute as disputes
from domain.assignment import find_resolver
from domain.case import Case, Draft
from domain.catalogue import Status, StatusKind
from domain.commands import UNCHANGED
from domain.dispute import (
    AddItems,
    AssignedBy,
    AssignResolver,
    Dispute,
    DisputedItem,
    DisputeOpened,
    ItemsAdded,
    OpenDispute,
    RemoveItems,
    Unassigned,
    amount_of,
)
from domain.follow_up import planned_id
from domain.item import Item, ItemDisputed, ItemQualified, ItemStatusRestored, Qualification, Release
from domain.planning import place_under, plan_by_status, require_one_wish, wants_follow_up
from domain.refusals import (
    DisputeExists,
    FollowUpExists,
    ItemNotInDispute,
    LastItemOfDispute,
    ReceivedInTheFuture,
    SeveralCustomers,
)
from domain.resolving import take_out
from domain.selection import disputed, require_one_currency, require_undisputed, select

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from domain.commands import Occasion
    from domain.events import Event
    from domain.identity import DisputeId, PersonId


def open_dispute(case: Case, command: OpenDispute, occasion: Occasion) -> list[Event]:
    """Spec 8, 9, 11-13, 18.

    Raises the refusals of `select`, ItemAlreadyDisputed, SeveralCurrencies, AmountOverBalance,
    ItemNotSelected, UnknownPerson, PersonInactive, ReceivedInTheFuture, DisputeExists, FollowUpExists,
    WrongKind, FollowUpContradicted.
    """
    require_one_wish(command.plan_follow_up, command.follow_up)
    status = case.company.usable_status(command.type, StatusKind.DISPUTE)
    items = select(case, command.item_ids)
    require_undisputed(items)
    require_one_currency({item.details.currency for item in items})
    if command.dispute_id in case.states:
        raise DisputeExists(command.dispute_id)
    first = planned_id(command.dispute_id, 1, command.follow_up)
    if first in case.states:  # planned when the same reference was given to items without a dispute
        raise FollowUpExists(first)
    draft = Draft(case)
    opened = _opened(command, items, _received_on(command, occasion), occasion)
    draft.record(opened)
    take_in(draft, opened.dispute_id, opened.items, occasion, status, command.comment)
    _assign(draft, opened.dispute_id, command.resolver_id)
    if wants_follow_up(status, command.plan_follow_up, command.follow_up):
        plan_by_status(draft, first, items, opened.dispute_id, command.follow_up, status, occasion)
    return draft.events


def _received_on(command: OpenDispute, occasion: Occasion) -> datetime:
    received_on = command.received_on or occasion.at
    if received_on > occasion.at:
        raise ReceivedInTheFuture(received_on, occasion.at)
    return received_on


def _opened(
    command: OpenDispute, items: Sequence[Item], received_on: datetime, occasion: Occasion
) -> DisputeOpened:
    all_disputed = disputed(items, command.amounts)
    return DisputeOpened(
        command.dispute_id,
        command.reference,
        items[0].customer_id,
        items[0].customer_code,
        items[0].details.currency,
        command.type,
        command.reason,
        command.comment,
        all_disputed,
        amount_of(all_disputed),
        received_on,
        command.channel,
        occasion.by,
    )


def take_in(
    draft: Draft,
    dispute_id: DisputeId,
    items: Sequence[DisputedItem],
    occasion: Occasion,
    status: Status,
    comment: str | None,
) -> None:
    """Items come into the dispute and get its type as their status."""
    qualification = Qualification(status.code, status.kind, comment)
    for one in items:
        previous = draft.item(one.item_id).qualification
        draft.record(
            ItemDisputed(one.item_id, dispute_id, one.disputed, occasion.by),
            ItemQualified(one.item_id, qualification, previous),
        )


def _assign(draft: Draft, dispute_id: DisputeId, by_hand: PersonId | None) -> None:
    dispute = draft.dispute(dispute_id)
    if by_hand is not None:
        draft.people.active_person(by_hand)
        draft.record_all(disputes.assign(dispute, by_hand, AssignedBy.PERSON))
        return
    found = find_resolver(
        draft.company.settings.assignment_field,
        draft.disputed_items(dispute),
        draft.customer(dispute.customer_id),
        draft.people.persons.values(),
    )
    if not (isinstance(found, Unassigned) and dispute.assigned_by is AssignedBy.PERSON):
        draft.record_all(disputes.assign(dispute, found, AssignedBy.RULE))


def assign_resolver(case: Case, command: AssignResolver) -> list[Event]:
    """By hand the named person, or nobody; else whom the rule finds (spec 9).

    Where the rule finds nobody, who was named by hand stays: by-hand wins. Raises UnknownPerson,
    PersonInactive.
    """
    dispute = case.dispute(command.dispute_id)
    disputes.require_open(dispute)
    if command.resolver_id is None:
        return disputes.assign(dispute, Unassigned.WITHDRAWN, AssignedBy.PERSON)
    draft = Draft(case)
    _assign(draft, dispute.id, None if command.resolver_id is UNCHANGED else command.resolver_id)
    return draft.events


# --- items come and go -----------------------------------------------------------------------------


def add_items(case: Case, command: AddItems, occasion: Occasion) -> list[Event]:
    """Further items come into the dispute and under its open follow-up actions.

    Of items that are in it already another amount, if one is told, is disputed from now on (spec 7, 19).
    Raises as `open_dispute`, and StatusRetired when the dispute's own type is out of use by now.
    """
    dispute = case.dispute(command.dispute_id)
    disputes.require_open(dispute)
    chosen = select(case, command.item_ids)
    amounts = command.amounts or {}
    items = [item for item in chosen if item.dispute_id != dispute.id]
    inside = [item for item in chosen if item.dispute_id == dispute.id]
    changed = [item for item in inside if amounts.get(item.id, item.disputed) != item.disputed]
    require_undisputed(items)
    if any(item.customer_id != dispute.customer_id for item in items):
        raise SeveralCustomers
    require_one_currency({dispute.currency, *(item.details.currency for item in items)})
    same = {item.id for item in inside if item not in changed}
    told = disputed([*changed, *items], {item: amounts[item] for item in amounts if item not in same})
    draft = Draft(case)
    if told:
        draft.record(ItemsAdded(dispute.id, told))
    for one, item in zip(told, changed, strict=False):
        assert item.disputed_by is not None, "whoever disputed it is known"
        draft.record(ItemDisputed(item.id, dispute.id, one.disputed, item.disputed_by))
    if items:
        _add(draft, dispute, told[len(changed) :], occasion)
    return draft.events


def _add(draft: Draft, dispute: Dispute, added: Sequence[DisputedItem], occasion: Occasion) -> None:
    status = draft.company.usable_status(dispute.type)
    take_in(draft, dispute.id, added, occasion, status, dispute.comment)
    for follow_up in sorted(dispute.follow_ups):
        place_under(draft, follow_up, [one.item_id for one in added])


def remove_items(case: Case, command: RemoveItems) -> list[Event]:
    """Items leave the dispute and their previous status returns.

    Raises ItemNotInDispute, LastItemOfDispute (resolve or cancel instead).
    """
    dispute = case.dispute(command.dispute_id)
    disputes.require_open(dispute)
    items = select(case, command.item_ids)
    for item in items:
        if item.dispute_id != dispute.id:
            raise ItemNotInDispute(item.id, dispute.id)
    if len(items) == len(dispute.items):
        raise LastItemOfDispute(dispute.id)
    draft = Draft(case)
    take_out(draft, dispute, items, Release.REMOVED)
    for item in items:
        draft.record(ItemStatusRestored(item.id, item.before(dispute.id), item.qualification))
    return draft.events
