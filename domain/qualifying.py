"""The four steps (spec 7-14): items get a status, a dispute is opened over them, a resolver is found, a
follow-up action is planned. One decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from domain import dispute as disputes
from domain.assignment import find_resolver
from domain.case import Case, Draft
from domain.catalogue import Status, StatusKind
from domain.commands import Command, Occasion
from domain.dispute import (
    AddItems,
    AssignedBy,
    AssignResolver,
    ChangeDisputeType,
    Channel,
    Dispute,
    DisputedItem,
    DisputeOpened,
    DisputeTypeChanged,
    ItemsAdded,
    OpenDispute,
    Outcome,
    RemoveItems,
    ResolveDispute,
    amount_of,
)
from domain.events import Event, PersonalText
from domain.follow_up import (
    FollowUpPlan,
)
from domain.identity import DisputeId, ItemId, PersonId, follow_up_of
from domain.item import (
    Item,
    ItemDisputed,
    ItemQualified,
    ItemStatusRestored,
    Qualification,
    Release,
)
from domain.planning import place_under, plan_by_status, wants_follow_up
from domain.refusals import (
    ChangesWholeDispute,
    DisputeExists,
    FollowUpExists,
    ItemNotInDispute,
    LastItemOfDispute,
    OutcomeMissing,
    PromiseWithoutDate,
    ReceivedInTheFuture,
    SeveralCases,
    SeveralCustomers,
    StatusNotForDispute,
)
from domain.resolving import resolve, take_out
from domain.roles import Permission
from domain.selection import disputed, require_one_currency, require_undisputed, select


@dataclass(frozen=True, slots=True)
class QualifyItems(Command):
    """Give open items of one customer a status and a comment.

    With a status of kind dispute a dispute ``dispute_id`` is opened over them; with one of kind
    dispute_resolved the items of an open dispute are settled (``outcome`` when these are all of them).
    ``plan_follow_up`` overrides the status's own *automatic*.
    """

    permission: ClassVar[Permission] = Permission.QUALIFY
    spans_case: ClassVar[bool] = True
    dispute_id: DisputeId
    item_ids: tuple[ItemId, ...]
    status: str
    comment: PersonalText | None = None
    promised_on: date | None = None
    reason: str = ""
    resolver_id: PersonId | None = None
    received_on: datetime | None = None
    channel: Channel = Channel.API
    amounts: Mapping[ItemId, Decimal] | None = None
    follow_up: FollowUpPlan | None = None
    plan_follow_up: bool | None = None
    outcome: Outcome | None = None
    credited_amount: Decimal | None = None
    reference: str | None = None

    def streams(self) -> frozenset[UUID]:
        """The dispute to open, the action that the service plans, and the items."""
        return frozenset({self.dispute_id, follow_up_of(self.dispute_id, 1), *self.item_ids})

    def objects(self) -> frozenset[UUID]:
        """The items."""
        return frozenset(self.item_ids)


# --- qualify ---------------------------------------------------------------------------------------


def qualify(case: Case, command: QualifyItems, occasion: Occasion) -> list[Event]:
    """Spec 7, 8, 11-14. Raises the refusals of `select`, of the catalogue, and those of spec 14."""
    status = case.company.usable_status(command.status)
    items = select(case, command.item_ids)
    cases = {item.dispute_id for item in items}
    if cases == {None}:
        return _qualify_undisputed(case, command, occasion, status, items)
    if len(cases) > 1:
        raise SeveralCases(", ".join(sorted(str(one) for one in cases if one is not None)))
    return _qualify_disputed(case, command, occasion, status, items)


def _qualify_undisputed(
    case: Case, command: QualifyItems, occasion: Occasion, status: Status, items: list[Item]
) -> list[Event]:
    if status.kind is StatusKind.DISPUTE:
        return open_dispute(case, _opening(command), occasion)
    qualification = _qualification(status, command)
    draft = Draft(case)
    if not _give_status(draft, items, qualification):
        return []
    if wants_follow_up(status, command.plan_follow_up, command.follow_up):
        first = follow_up_of(command.dispute_id, 1)
        plan_by_status(draft, first, items, None, command.follow_up, status, occasion)
    return draft.events


def _opening(command: QualifyItems) -> OpenDispute:
    return OpenDispute(
        command.dispute_id,
        command.item_ids,
        command.status,
        command.reason,
        command.comment,
        command.resolver_id,
        command.received_on,
        command.channel,
        command.amounts,
        command.follow_up,
        command.plan_follow_up,
        command.reference,
    )


def _qualification(status: Status, command: QualifyItems) -> Qualification:
    if status.kind is not StatusKind.PROMISE_TO_PAY:
        return Qualification(status.code, status.kind, command.comment)
    if command.promised_on is None:
        raise PromiseWithoutDate(status.code)
    return Qualification(status.code, status.kind, command.comment, command.promised_on)


def _give_status(draft: Draft, items: Sequence[Item], qualification: Qualification) -> bool:
    """Qualify the items that are not so already; whether any was not."""
    changed = [item for item in items if item.qualification != qualification]
    draft.record_all(ItemQualified(item.id, qualification, item.qualification) for item in changed)
    return bool(changed)


def _qualify_disputed(
    case: Case, command: QualifyItems, occasion: Occasion, status: Status, items: list[Item]
) -> list[Event]:
    assert items[0].dispute_id is not None, "these items are in a dispute"
    dispute = case.dispute(items[0].dispute_id)
    is_all = {item.id for item in items} == set(dispute.items)
    if status.kind is StatusKind.DISPUTE_RESOLVED:
        return _settle(case, command, occasion, dispute, is_all=is_all)
    if status.kind is not StatusKind.DISPUTE:
        raise StatusNotForDispute(dispute.id, status.kind)
    if status.code == dispute.type:
        draft = Draft(case)
        for item in items:
            said = command.comment or (item.qualification.comment if item.qualification else None)
            _give_status(draft, [item], Qualification(status.code, status.kind, said))
        return draft.events
    if not is_all:
        raise ChangesWholeDispute(dispute.id)
    return _change_type(case, dispute, status, command.reason or dispute.reason, command.comment)


def _settle(
    case: Case, command: QualifyItems, occasion: Occasion, dispute: Dispute, *, is_all: bool
) -> list[Event]:
    if not is_all:
        return _settle_some(case, command, dispute)
    if command.outcome is None:
        raise OutcomeMissing(dispute.id)
    resolving = ResolveDispute(
        dispute.id, command.outcome, command.credited_amount, command.comment, command.status
    )
    return resolve(case, resolving, occasion)


def _settle_some(case: Case, command: QualifyItems, dispute: Dispute) -> list[Event]:
    status = case.company.status(command.status)
    draft = Draft(case)
    take_out(draft, dispute, [case.item(item_id) for item_id in command.item_ids], Release.SETTLED)
    items = [draft.item(item_id) for item_id in command.item_ids]
    _give_status(draft, items, Qualification(status.code, status.kind, command.comment))
    return draft.events


# --- open ------------------------------------------------------------------------------------------


def open_dispute(case: Case, command: OpenDispute, occasion: Occasion) -> list[Event]:
    """Spec 8, 9, 11-13, 18.

    Raises the refusals of `select`, ItemAlreadyDisputed, SeveralCurrencies, AmountOverBalance,
    ItemNotSelected, UnknownPerson, PersonInactive, ReceivedInTheFuture, DisputeExists, FollowUpExists,
    WrongKind.
    """
    status = case.company.usable_status(command.type, StatusKind.DISPUTE)
    items = select(case, command.item_ids)
    require_undisputed(items)
    require_one_currency({item.details.currency for item in items})
    if command.dispute_id in case.states:
        raise DisputeExists(command.dispute_id)
    first = follow_up_of(command.dispute_id, 1)
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
    draft.record_all(disputes.assign(dispute, found, AssignedBy.RULE))


def assign_resolver(case: Case, command: AssignResolver) -> list[Event]:
    """By hand the named person, else whom the rule finds (spec 9). Raises UnknownPerson, PersonInactive."""
    dispute = case.dispute(command.dispute_id)
    disputes.require_open(dispute)
    draft = Draft(case)
    _assign(draft, dispute.id, command.resolver_id)
    return draft.events


# --- change ----------------------------------------------------------------------------------------


def change_type(case: Case, command: ChangeDisputeType) -> list[Event]:
    """The dispute and the status of its items change together. Raises WrongKind and those of the
    catalogue."""
    dispute = case.dispute(command.dispute_id)
    disputes.require_open(dispute)
    status = case.company.usable_status(command.type, StatusKind.DISPUTE)
    reason = dispute.reason if command.reason is None else command.reason
    if (status.code, reason) == (dispute.type, dispute.reason):
        return []
    return _change_type(case, dispute, status, reason, None)


def _change_type(
    case: Case, dispute: Dispute, status: Status, reason: str, comment: str | None
) -> list[Event]:
    draft = Draft(case)
    draft.record(DisputeTypeChanged(dispute.id, status.code, reason, dispute.type, dispute.reason))
    for item in case.disputed_items(dispute):
        said = comment or (item.qualification.comment if item.qualification else None)
        _give_status(draft, [item], Qualification(status.code, status.kind, said))
    return draft.events


def add_items(case: Case, command: AddItems, occasion: Occasion) -> list[Event]:
    """Further items come into the dispute and under its open follow-up actions.

    Raises as `open_dispute`, and StatusRetired when the dispute's own type is out of use by now; items
    that are in it already change nothing.
    """
    dispute = case.dispute(command.dispute_id)
    disputes.require_open(dispute)
    items = [item for item in select(case, command.item_ids) if item.dispute_id != dispute.id]
    require_undisputed(items)
    if any(item.customer_id != dispute.customer_id for item in items):
        raise SeveralCustomers
    require_one_currency({dispute.currency, *(item.details.currency for item in items)})
    if not items:
        return []
    status = case.company.usable_status(dispute.type)
    chosen = {item.id for item in items}
    amounts = {
        item: amount
        for item, amount in (command.amounts or {}).items()
        if item in chosen or item not in dispute.items
    }
    added = disputed(items, amounts)
    draft = Draft(case)
    draft.record(ItemsAdded(dispute.id, added))
    take_in(draft, dispute.id, added, occasion, status, dispute.comment)
    for follow_up in sorted(dispute.follow_ups):
        place_under(draft, follow_up, [item.id for item in items])
    return draft.events


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
        draft.record(ItemStatusRestored(item.id, item.before_dispute, item.qualification))
    return draft.events
