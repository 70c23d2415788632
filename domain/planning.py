"""Planning follow-up actions (spec 11, 12, 23)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from domain import dispute as disputes
from domain.calendar import next_working_day
from domain.case import Case, Draft
from domain.catalogue import Status
from domain.commands import Occasion
from domain.dispute import (
    DisputeFollowedUp,
)
from domain.events import Event
from domain.follow_up import (
    FollowUpItemsChanged,
    FollowUpPlan,
    FollowUpPlanned,
    PlanFollowUp,
    require_not_past,
)
from domain.identity import DisputeId, FollowUpId, ItemId, PersonId
from domain.item import (
    Item,
    ItemPlacedUnderFollowUp,
)
from domain.refusals import (
    FollowUpContradicted,
    FollowUpExists,
    ItemNotInDispute,
)
from domain.selection import select

DEFAULT_FOLLOW_UP: Final = timedelta(days=7)
"""Of what has no status to say it (spec 11)."""


def require_one_wish(told: bool | None, plan: FollowUpPlan | None) -> None:  # noqa: FBT001
    """Raise FollowUpContradicted if an action is not to be planned and described all the same."""
    if told is False and plan is not None:
        raise FollowUpContradicted


def wants_follow_up(status: Status, told: bool | None, plan: FollowUpPlan | None) -> bool:  # noqa: FBT001
    """Whether an action is planned: as told, else if a plan is given or the status is automatic (spec 12)."""
    if told is not None:
        return told
    return plan is not None or status.automatic


def due_after(case: Case, status: Status, at: datetime) -> date:
    """Today and the status's follow-up days, moved to the next business day (spec 11)."""
    day = case.today(at) + timedelta(days=status.follow_up_days)
    return next_working_day(day, case.is_working_day)


def plan_by_status(
    draft: Draft,
    follow_up_id: FollowUpId,
    items: Sequence[Item],
    dispute_id: DisputeId | None,
    plan: FollowUpPlan | None,
    status: Status,
    occasion: Occasion,
) -> None:
    """The action that the status's template gives, where the plan says nothing else (spec 11)."""
    said = plan or FollowUpPlan()
    command = PlanFollowUp(
        follow_up_id,
        said.title or draft.company.action_title(status),
        said.due_on or due_after(draft, status, occasion.at),
        dispute_id,
        tuple(item.id for item in items),
        said.owner_id,
        reference=said.reference or None,
    )
    _plan_over(draft, command, items, occasion, status)


def _plan_over(
    draft: Draft, command: PlanFollowUp, items: Sequence[Item], occasion: Occasion, status: Status | None
) -> None:
    if command.follow_up_id in draft.states:
        raise FollowUpExists(command.follow_up_id)
    require_not_past(command.due_on, draft.today(occasion.at))
    customer = draft.customer(items[0].customer_id)
    for person in (command.owner_id, command.resolver_id):
        if person is not None:
            draft.people.active_person(person)
    draft.record(
        FollowUpPlanned(
            command.follow_up_id,
            command.reference,
            customer.id,
            command.dispute_id,
            command.title,
            command.due_on,
            command.owner_id or _active(draft, customer.collector_id) or _active(draft, occasion.by),
            command.resolver_id,
            tuple(item.id for item in items),
            occasion.by,
            status.code if status else None,
        )
    )
    if command.dispute_id is not None:
        draft.record(DisputeFollowedUp(command.dispute_id, command.follow_up_id))
    draft.record_all(ItemPlacedUnderFollowUp(item.id, command.follow_up_id) for item in items)


def _active(draft: Draft, person: PersonId | None) -> PersonId | None:
    # Whoever acts may be a program, or the operator of the machine, who has no agenda.
    known = draft.people.persons.get(person) if person else None
    return person if known and known.active else None


def place_under(draft: Draft, follow_up_id: FollowUpId, item_ids: Sequence[ItemId]) -> None:
    """The action lists these items too."""
    draft.record(FollowUpItemsChanged(follow_up_id, tuple(item_ids), ()))
    draft.record_all(ItemPlacedUnderFollowUp(item_id, follow_up_id) for item_id in item_ids)


def plan_follow_up(case: Case, command: PlanFollowUp, occasion: Occasion) -> list[Event]:
    """Over a dispute's items, all unless some are named, or over items without a dispute (spec 19, 23).

    Raises FollowUpExists, the refusals of `select`, ItemNotInDispute, DisputeAlreadyResolved, TextMissing.
    """
    disputes.require_text("title", command.title)
    if command.dispute_id is None:
        items = select(case, command.item_ids)
    else:
        dispute = case.dispute(command.dispute_id)
        disputes.require_open(dispute)
        items = select(case, command.item_ids or tuple(dispute.items))
        for item in items:
            if item.dispute_id != dispute.id:
                raise ItemNotInDispute(item.id, dispute.id)
    draft = Draft(case)
    _plan_over(draft, command, items, occasion, None)
    return draft.events
