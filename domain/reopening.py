"""A dispute that comes back (spec 22)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.case import Case, Draft
from domain.dispute import Dispute, DisputedItem, DisputeReopened, DisputeState, ReopenDispute, amount_of
from domain.follow_up import planned_id
from domain.money import smaller
from domain.opening import take_in
from domain.planning import plan_by_status
from domain.refusals import DisputeStillOpen, DisputeWasCancelled, FollowUpDateMissing, NothingToReopen
from domain.resolving import write_off_undone
from domain.selection import require_one_currency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.commands import Occasion
    from domain.events import Event
    from domain.item import Item


def reopen(case: Case, command: ReopenDispute, occasion: Occasion) -> list[Event]:
    """A new episode over what is still open and in no other dispute, whatever earlier reopenings left out.

    What the earlier one wrote off is asked for again.

    Raises DisputeWasCancelled, DisputeStillOpen, NothingToReopen, SeveralCurrencies (an item's has changed
    since), FollowUpDateMissing, FollowUpExists, DueInThePast.
    """
    dispute = case.dispute(command.dispute_id)
    _require_reopenable(dispute)
    if command.follow_up.due_on is None:
        raise FollowUpDateMissing(dispute.id)
    before = {**dispute.former_items, **dispute.items}
    items = [case.item(item_id) for item_id in before]
    back = [item for item in items if item.is_open and item.dispute_id is None]
    if not back:
        raise _nothing_left(dispute, items)
    require_one_currency({dispute.currency, *(item.details.currency for item in back)})
    disputed = tuple(_disputed_again(item, before[item.id]) for item in back)
    left_out = tuple(item.id for item in items if item not in back)
    draft = Draft(case)
    draft.record(
        DisputeReopened(
            dispute.id,
            disputed,
            left_out,
            amount_of(disputed),
            command.comment,
            dispute.episode + 1,
            occasion.at,
        )
    )
    status = case.company.status(dispute.type)
    take_in(draft, dispute.id, disputed, occasion, status, dispute.comment)
    for item in items:
        draft.record_all(write_off_undone(item, dispute.id))
    follow_up = planned_id(dispute.id, dispute.follow_ups_planned + 1, command.follow_up)
    plan_by_status(draft, follow_up, back, dispute.id, command.follow_up, status, occasion)
    return draft.events


def _require_reopenable(dispute: Dispute) -> None:
    if dispute.state is DisputeState.CANCELLED:
        raise DisputeWasCancelled(dispute.id)
    if dispute.is_open:
        raise DisputeStillOpen(dispute.id)


def _nothing_left(dispute: Dispute, items: Sequence[Item]) -> NothingToReopen:
    cleared = ", ".join(item.number for item in items if item.cleared)
    elsewhere = ", ".join(f"{item.number} in {item.dispute_id}" for item in items if item.dispute_id)
    return NothingToReopen(dispute.id, cleared or "none", elsewhere or "none")


def _disputed_again(item: Item, before: DisputedItem) -> DisputedItem:
    balance = item.details.balance
    amount = balance if before.disputed is None else smaller(before.disputed, balance)
    return DisputedItem(item.id, item.entity, amount, before.disputed)
