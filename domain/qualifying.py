"""The four steps (spec 7-14): items get a status, a dispute is opened over them, a resolver is found, a
follow-up action is planned. One decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Final
from uuid import UUID

from domain import dispute as disputes
from domain.case import Case, Draft
from domain.catalogue import Status, StatusKind
from domain.commands import Command, Occasion
from domain.dispute import (
    ChangeDisputeType,
    Channel,
    Dispute,
    DisputeTypeChanged,
    OpenDispute,
    Outcome,
    ResolveDispute,
)
from domain.events import Event, PersonalText
from domain.follow_up import FollowUpPlan, planned_id
from domain.identity import DisputeId, FollowUpId, ItemId, PersonId
from domain.item import Item, ItemQualified, Qualification, Release
from domain.opening import open_dispute
from domain.planning import plan_by_status, require_one_wish, wants_follow_up
from domain.refusals import (
    ChangesWholeDispute,
    NotByQualifying,
    NotByRepeating,
    NotWithStatus,
    OutcomeMissing,
    PromiseWithoutDate,
    SeveralCases,
    StatusNotForDispute,
)
from domain.resolving import resolve, take_out
from domain.roles import Permission
from domain.selection import select


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
        action = planned_id(self.dispute_id, 1, self.follow_up)
        return frozenset({self.dispute_id, action, *self.item_ids})

    def objects(self) -> frozenset[UUID]:
        """The items."""
        return frozenset(self.item_ids)


# --- qualify ---------------------------------------------------------------------------------------


def qualify(case: Case, command: QualifyItems, occasion: Occasion) -> list[Event]:
    """Spec 7, 8, 11-14. What has the status and comment already stays, even if that was retired since.

    Of an open dispute a status of kind dispute changes type, reason and comment (the reason too only over
    all of its items). Whatever else is told of the dispute then is not applied in passing but refused, unless
    it is so already: resolver, amounts and follow-up actions have commands, and rights, of their own. Nor is
    anything passed over that has no place with the status, or that comes with a status that is there already.

    Raises the refusals of `select`, of the catalogue, FollowUpContradicted, NotWithStatus, NotByRepeating,
    and those of spec 14.
    """
    require_one_wish(command.plan_follow_up, command.follow_up)
    status = case.company.status(command.status)
    items = select(case, command.item_ids)
    if any(item.qualification is None or item.qualification.status != status.code for item in items):
        case.company.usable_status(status.code)  # spec 28: refused on what does not have it yet
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
        _require_its_own(command, status)
        return open_dispute(case, _opening(command), occasion)
    qualification = _qualification(status, command)
    draft = Draft(case)
    is_new = _give_status(draft, items, qualification)
    # What settled the last items of a dispute can be told again, with all that it said.
    if is_new or status.kind is not StatusKind.DISPUTE_RESOLVED:
        _require_its_own(command, status)
    first = planned_id(command.dispute_id, 1, command.follow_up)
    if not is_new:
        _require_planned(case, command, first, items)
    elif wants_follow_up(status, command.plan_follow_up, command.follow_up):
        plan_by_status(draft, first, items, None, command.follow_up, status, occasion)
    return draft.events


def _require_its_own(command: QualifyItems, status: Status) -> None:
    """Raise NotWithStatus for what is told and has no place with the status of items without a dispute."""
    own = _OWN.get(status.kind, frozenset())
    for name, cure in _CURES.items():
        if name not in own and getattr(command, name) not in (None, "", {}):
            raise NotWithStatus(status.kind, name, cure)


_OWN: Final = {
    StatusKind.DISPUTE: frozenset({"reason", "resolver_id", "received_on", "amounts"}),
    StatusKind.PROMISE_TO_PAY: frozenset({"promised_on"}),
}
_OF_DISPUTE: Final = "leave it out, or choose a status of kind dispute"
_OF_ENDING: Final = "leave it out; it belongs to the end of a dispute"
_CURES: Final = {
    "reason": _OF_DISPUTE,
    "resolver_id": _OF_DISPUTE,
    "received_on": _OF_DISPUTE,
    "amounts": _OF_DISPUTE,
    "promised_on": "leave it out, or choose a status of kind promise_to_pay",
    "outcome": _OF_ENDING,
    "credited_amount": _OF_ENDING,
}


def _require_planned(case: Case, command: QualifyItems, first: FollowUpId, items: Sequence[Item]) -> None:
    """Raise NotByRepeating if an action over items that are qualified so already is wanted and not there."""
    if (command.follow_up is None and not command.plan_follow_up) or first in case.states:
        return
    shared = frozenset.intersection(*(item.follow_ups for item in items))
    plan = command.follow_up or FollowUpPlan()
    if not any(case.follow_up(each).is_as_planned(plan) for each in shared):
        raise NotByRepeating("plan_follow_up" if command.follow_up is None else "follow_up")


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
        _require_nothing_else(case, command, dispute, settles=True, ends=is_all)
        return _settle(case, command, occasion, dispute, is_all=is_all)
    if status.kind is not StatusKind.DISPUTE:
        raise StatusNotForDispute(dispute.id, status.kind)
    _require_nothing_else(case, command, dispute, settles=False, ends=False)
    reason = command.reason or dispute.reason
    if (status.code, reason) == (dispute.type, dispute.reason):
        return _say(Draft(case), items, status, command.comment)
    if not is_all:
        raise ChangesWholeDispute(dispute.id)
    return _change_type(case, dispute, status, reason, command.comment)


def _say(draft: Draft, items: Sequence[Item], status: Status, comment: str | None) -> list[Event]:
    for item in items:
        said = comment or (item.qualification.comment if item.qualification else None)
        _give_status(draft, [item], Qualification(status.code, status.kind, said))
    return draft.events


def _require_nothing_else(
    case: Case, command: QualifyItems, dispute: Dispute, *, settles: bool, ends: bool
) -> None:
    """Raise NotByQualifying for what is told of the open dispute, is not so, and would not become so.

    *settles*: items leave it by this, which is no time to plan anything; *ends*: with them it ends.
    """
    actions = [case.follow_up(follow_up_id) for follow_up_id in dispute.follow_ups]
    amounts = {item: dispute.items[item].disputed for item in command.item_ids}
    plan = command.follow_up
    is_so = {
        "resolver_id": command.resolver_id in {None, dispute.resolver_id},
        "amounts": {**amounts, **(command.amounts or {})} == amounts,
        "follow_up": plan is None or (not settles and any(action.is_as_planned(plan) for action in actions)),
        "plan_follow_up": not command.plan_follow_up or (not settles and bool(actions)),
        "received_on": command.received_on in {None, dispute.received_on},
        "reference": command.reference in {None, dispute.reference},
        "reason": not settles or command.reason in {"", dispute.reason},
        "promised_on": command.promised_on is None,
        "outcome": ends or command.outcome is None,
        "credited_amount": ends or command.credited_amount is None,
    }
    for name, holds in is_so.items():
        if not holds:
            raise NotByQualifying(dispute.id, name, _INSTEAD[name])


_INSTEAD: Final = {
    "resolver_id": "assign the resolver to the dispute",
    "amounts": "add the items to the dispute again, with their new amounts",
    "follow_up": "plan a follow-up action for the dispute, or postpone the one that it has",
    "plan_follow_up": "plan a follow-up action for the dispute",
    "received_on": "leave it out",
    "reference": "leave it out",
    "reason": "change the type or reason of the dispute",
    "promised_on": "leave it out",
    "outcome": "leave it out, or resolve the dispute by settling all of its items",
    "credited_amount": "leave it out, or resolve the dispute by settling all of its items",
}


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
    items = [case.item(item_id) for item_id in command.item_ids]
    # Qualified before they leave: what is said of them then is what the dispute said.
    _give_status(draft, items, Qualification(status.code, status.kind, command.comment))
    take_out(draft, dispute, items, Release.SETTLED)
    return draft.events


# --- change ----------------------------------------------------------------------------------------


def change_type(case: Case, command: ChangeDisputeType) -> list[Event]:
    """The dispute and the status of its items change together.

    A type that was retired since can stay, and its reason change. Raises those of `require_open`, WrongKind
    and those of the catalogue.
    """
    dispute = case.dispute(command.dispute_id)
    disputes.require_open(dispute)
    reason = dispute.reason if command.reason is None else command.reason
    if (command.type, reason) == (dispute.type, dispute.reason):
        return []
    if command.type == dispute.type:
        status = case.company.status(command.type)
    else:
        status = case.company.usable_status(command.type, StatusKind.DISPUTE)
    return _change_type(case, dispute, status, reason, None)


def _change_type(
    case: Case, dispute: Dispute, status: Status, reason: str, comment: str | None
) -> list[Event]:
    draft = Draft(case)
    draft.record(DisputeTypeChanged(dispute.id, status.code, reason, dispute.type, dispute.reason))
    return _say(draft, case.disputed_items(dispute), status, comment)
