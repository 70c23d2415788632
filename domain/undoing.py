"""Undoing an import, item by item (spec 5): what it registered, corrected, cleared or reinstated goes back.

Nothing is rewritten: the reversal takes effect when it is made, and the log keeps both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Final
from uuid import UUID

from domain.case import Case, Draft
from domain.catalogue import StatusKind
from domain.commands import Command
from domain.dispute import (
    CancelDispute,
    Dispute,
    DisputeContinued,
    DisputeFollowUpContinued,
    DisputeState,
    ItemsAdded,
    Outcome,
)
from domain.follow_up import Ended, FollowUpAction, FollowUpContinued, FollowUpItemsChanged
from domain.identity import ImportId, ItemId
from domain.item import (
    Item,
    ItemClearingUndone,
    ItemCorrectionUndone,
    ItemReinstatementUndone,
    ItemWithdrawn,
    Release,
)
from domain.money import NOTHING
from domain.refusals import CurrencyOfDisputedItem, NewerThanImport
from domain.resolving import cancel, leave_everything, take_out, withdraw
from domain.roles import Permission

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.events import Event


class Later(StrEnum):
    """What the ledger has said of an item after an import that is to be undone."""

    NOTHING = "nothing"
    """Or only what was undone again."""
    OTHER = "other"
    """Another import or command has changed the item since."""
    UNDONE = "undone"
    """The import was undone before, as far as this item goes."""


@dataclass(frozen=True, slots=True)
class UndoImportOfItem(Command):
    """Take back what an import did to one item.

    *before* is the item as it was then (None: the import registered it), *after* as the import left it, and
    *later* what came then; the log tells all of it. *forced*: also if something newer depends on it.
    """

    permission: ClassVar[Permission] = Permission.IMPORT
    spans_case: ClassVar[bool] = True
    import_id: ImportId
    item_id: ItemId
    before: Item | None
    after: Item
    later: Later = Later.NOTHING
    forced: bool = False

    def streams(self) -> frozenset[UUID]:
        """The item, and what it belonged to before the import."""
        if self.before is None:
            return frozenset({self.item_id})
        of_dispute = frozenset({self.before.dispute_id}) if self.before.dispute_id else frozenset()
        return frozenset({self.item_id}) | of_dispute | self.before.follow_ups


_BY_CLEARING: Final = frozenset({Ended.ITEMS_CLEARED, Ended.DISPUTE_RESOLVED})
"""How actions end when the last of their items clears."""


def undo(case: Case, command: UndoImportOfItem) -> list[Event]:
    """The item goes back to what it was before the import; said twice changes nothing.

    Raises UnknownItem; NewerThanImport unless forced; CurrencyOfDisputedItem.
    """
    item = case.item(command.item_id)
    if command.later is Later.UNDONE or _needs_no_undoing(item, command):
        return []
    newer = ", ".join(_newer(case, item, command))
    if newer and not command.forced:
        raise NewerThanImport(item.number, newer)
    draft = Draft(case)
    if command.before is None:
        _withdraw(draft, item, command.import_id)
    elif command.before.cleared:
        before = command.before
        draft.record(
            ItemReinstatementUndone(
                item.id, command.import_id, before.details, item.details, before.withdrawn
            )
        )
        leave_everything(draft, item)
    elif command.after.cleared:
        _put_back(draft, item, command.before, command.import_id)
    else:
        _correct_back(draft, item, command.before, command.import_id)
    return draft.events


def _needs_no_undoing(item: Item, command: UndoImportOfItem) -> bool:
    """Whether the item stands, in what the ledger says, where an undoing would bring it."""
    before, after = command.before, command.after
    if before is None:
        return item.withdrawn
    if after.cleared and not item.cleared:
        return True  # it was seen again: there is no clearing left to undo
    return (item.cleared, item.details) == (before.cleared, before.details)


# --- what is newer ---------------------------------------------------------------------------------


def _newer(case: Case, item: Item, command: UndoImportOfItem) -> Iterator[str]:
    """What depends on what the import did, in words."""
    before, after = command.before, command.after
    # The values tell what came since the log was read; of what went to and fro before only the log tells.
    if command.later is Later.OTHER or (item.cleared, item.details) != (after.cleared, after.details):
        yield "a later change by the ledger"
    if not after.cleared and (before is None or before.cleared):  # it brought the item in
        yield from _built_on(item, after)
    elif not after.cleared and item.dispute_id not in {None, after.dispute_id}:
        yield f"dispute {item.dispute_id}"  # over amounts as the import had them
    elif after.cleared and before is not None and before.dispute_id is not None:
        of = case.dispute(before.dispute_id)
        if not _can_continue(of, item.id):
            yield f"dispute {of.id}, which has been {of.state} since"


def _built_on(item: Item, after: Item) -> Iterator[str]:
    if item.dispute_id is not None:
        yield f"dispute {item.dispute_id}"
    for follow_up_id in sorted(item.follow_ups):
        yield f"follow-up action {follow_up_id}"
    said = item.qualification
    if said is not None and said != after.qualification and item.dispute_id is None:
        yield f"status {said.status!r}"


def _can_continue(of: Dispute, item_id: ItemId) -> bool:
    """Whether the dispute has gone no further than losing its items by clearing."""
    is_closed_by_clearing = of.state is DisputeState.RESOLVED and of.outcome is Outcome.CLEARED
    return item_id in of.former_items and (of.is_open or is_closed_by_clearing)


# --- back ------------------------------------------------------------------------------------------


def _withdraw(draft: Draft, item: Item, import_id: ImportId) -> None:
    """The item is taken out of everything: what was said of it was said of nothing."""
    if item.dispute_id is not None:
        of = draft.dispute(item.dispute_id)
        if of.items.keys() == {item.id}:
            draft.record_all(cancel(draft, CancelDispute(of.id)))
        else:
            take_out(draft, of, [item], Release.REMOVED)
    for follow_up_id in sorted(draft.item(item.id).follow_ups):
        withdraw(draft, draft.follow_up(follow_up_id), (item.id,))
    draft.record(ItemWithdrawn(item.id, import_id, item.details))


def _correct_back(draft: Draft, item: Item, before: Item, import_id: ImportId) -> None:
    if item.dispute_id and before.details.currency != item.details.currency:
        raise CurrencyOfDisputedItem(item.number, item.dispute_id)
    details = replace(before.details, balance=NOTHING) if item.cleared else before.details
    draft.record(ItemCorrectionUndone(item.id, import_id, details, item.details))


def _put_back(draft: Draft, item: Item, before: Item, import_id: ImportId) -> None:
    """The item is open again: in its dispute and under its actions, where these can go on."""
    of = draft.dispute(before.dispute_id) if before.dispute_id else None
    said = before.qualification
    if of is not None and not _can_continue(of, item.id):
        of = None
        before = replace(before, dispute_id=None, disputed=None, disputed_by=None)
        said = None if said and said.kind is StatusKind.DISPUTE else said
    elif of is not None and said is not None:
        said = replace(said, status=of.type)  # which may have changed meanwhile
    actions = [
        action
        for action in (draft.follow_up(each) for each in sorted(before.follow_ups))
        if _can_list(action, of)
    ]
    draft.record(
        ItemClearingUndone(
            item.id,
            import_id,
            before.details,
            said,
            before.dispute_id,
            before.disputed,
            before.disputed_by,
            before.ended_by,
            tuple(action.id for action in actions),
            tuple(sorted(before.write_offs)),
        )
    )
    if of is not None:
        _continue(draft, of, item.id, import_id)
    for action in actions:
        _list_again(draft, action, item.id)


def _can_list(action: FollowUpAction, of: Dispute | None) -> bool:
    if action.dispute_id is not None and of is None:
        return False
    return action.is_open or action.ended in _BY_CLEARING


def _continue(draft: Draft, of: Dispute, item_id: ItemId, import_id: ImportId) -> None:
    items = (of.former_items[item_id],)
    if of.is_open:
        draft.record(ItemsAdded(of.id, items))
    else:
        draft.record(
            DisputeContinued(
                of.id, import_id, items, of.customer_id, of.type, of.episode, of.episode_opened_at
            )
        )


def _list_again(draft: Draft, action: FollowUpAction, item_id: ItemId) -> None:
    if action.is_open:
        draft.record(FollowUpItemsChanged(action.id, (item_id,), ()))
        return
    draft.record(FollowUpContinued(action.id, (item_id,), action.dispute_id))
    if action.dispute_id is not None:
        draft.record(DisputeFollowUpContinued(action.dispute_id, action.id))
