"""Spec §2, 5: undoing an import."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain import identity
from domain.commands import Command
from domain.dispute import (
    CancelDispute,
    ChangeDisputeType,
    CommentDispute,
    DisputeContinued,
    DisputeFollowUpContinued,
    DisputeState,
    ItemsAdded,
    Outcome,
    ReopenDispute,
)
from domain.follow_up import FollowUpContinued, FollowUpItemsChanged, FollowUpPlan, PlanFollowUp
from domain.imports import (
    FinishUndo,
    Import,
    ImportMode,
    ImportStarted,
    ImportUndone,
    StartImport,
    UndoCounts,
)
from domain.item import (
    ClearItem,
    Exclusion,
    Item,
    ItemClearingUndone,
    ItemCorrectionUndone,
    ItemReinstated,
    ItemReinstatementUndone,
    ItemWithdrawn,
)
from domain.refusals import CurrencyOfDisputedItem, NewerThanImport, RoleForbids, UnknownImport
from domain.resolving import EndFollowUp
from domain.undoing import Later, UndoImportOfItem
from tests.domain.sentences import (
    ANALYST,
    Step,
    World,
    action,
    at,
    credit_note,
    day,
    dispute,
    given,
    invoice,
    item,
    on,
    opening,
    planned,
    qualifying,
    resolving,
)

IMPORT = identity.ImportId(identity.item_id("an", "import", "1"))
LATER_IMPORT = identity.ImportId(identity.item_id("an", "import", "2"))


class Imported:
    """A world in which an import did something, and what its items were before and after."""

    def __init__(self, before: World, *steps: Step) -> None:
        self.world = before.copy().take(*steps)
        self._before = before.states
        self._after = dict(self.world.states)

    def then(self, *steps: Step) -> Imported:
        self.world.take(*steps)
        return self

    def undoing(self, number: str, **more: Any) -> UndoImportOfItem:
        before, after = self._before.get(item(number)), self._after[item(number)]
        assert before is None or isinstance(before, Item)
        assert isinstance(after, Item)
        return UndoImportOfItem(IMPORT, item(number), before, after, **more)

    def undone(self, *numbers: str) -> World:
        """The world after undoing what the import did to these items, on the day after."""
        return self.world.take(*(at(day(1), self.undoing(number)) for number in numbers))


def test_05_cancelled_after_the_undoing_a_dispute_that_others_came_after_leaves_no_status() -> None:
    run = Imported(given(invoice("1"), opening("1"), resolving()), *clearing("1"))
    run.then(invoice("1"), qualifying("ongoing", "1"), opening("1", name="E"), CancelDispute(dispute("E")))
    world = run.then(ClearItem(item("1"))).world.take(at(day(1), run.undoing("1", forced=True)))
    assert world.status("1") == "dispute_resolved"
    assert world.take(at(day(1), CancelDispute(dispute()))).status("1") is None


def clearing(*numbers: str) -> list[Command]:
    return [ClearItem(item(number), import_id=IMPORT) for number in numbers]


def imported(*rows: Step) -> Imported:
    return Imported(given(), *rows)


# --- registered ------------------------------------------------------------------------------------


def test_05_what_it_registered_is_withdrawn() -> None:
    run = imported(invoice("1", import_id=IMPORT))
    details = run.world.item("1").details
    world = run.world.when(run.undoing("1"), at=day(1)).then(ItemWithdrawn(item("1"), IMPORT, details))
    assert world.item("1").withdrawn
    assert not world.item("1").is_open
    assert world.item("1").details.balance == 0
    world.when(run.undoing("1")).then_nothing()


def test_05_a_withdrawn_item_that_the_ledger_has_again_is_reinstated() -> None:
    world = imported(invoice("1", import_id=IMPORT)).undone("1")
    world.when(invoice("1", balance="0")).then_nothing()
    world = world.when(invoice("1"), at=day(2)).then(ItemReinstated)
    assert not world.item("1").withdrawn
    assert world.item("1").is_open


@pytest.mark.parametrize(
    ("newer", "named"),
    [
        (invoice("1", balance="50"), "a later change by the ledger"),
        (opening("1"), f"dispute {dispute()}, follow-up action {planned()}"),
        (qualifying("litigation", "1", plan_follow_up=False), "status 'litigation'"),
        (
            PlanFollowUp(action("F"), "Ring", on(9), item_ids=(item("1"),)),
            f"follow-up action {action('F')}",
        ),
    ],
)
def test_05_unless_something_newer_depends_on_it(newer: Command, named: str) -> None:
    run = imported(invoice("1", import_id=IMPORT)).then(newer)
    run.world.when(run.undoing("1")).then(NewerThanImport("1", named))


def test_05_forced_it_is_withdrawn_and_its_dispute_was_a_mistake() -> None:
    run = imported(invoice("1", import_id=IMPORT)).then(opening("1"))
    world = run.world.when(run.undoing("1", forced=True)).then_goes()
    assert world.item("1").withdrawn
    assert world.item("1").dispute_id is None
    assert world.dispute().state is DisputeState.CANCELLED
    assert not world.action(planned()).is_open


def test_05_forced_it_is_taken_out_of_a_dispute_over_others_too_and_of_every_action() -> None:
    ring = PlanFollowUp(action("F"), "Ring", on(9), item_ids=(item("1"),))
    run = imported(invoice("1", import_id=IMPORT), invoice("2")).then(ring, opening("1", "2"))
    world = run.world.when(run.undoing("1", forced=True)).then_goes()
    assert set(world.dispute().items) == {item("2")}
    assert world.action(planned()).items == {item("2")}
    assert not world.action(action("F")).is_open
    assert world.item("1").follow_ups == frozenset()


@pytest.mark.parametrize("later", [Later.NOTHING, Later.OTHER])
def test_05_what_came_to_and_went_from_the_same_figures_is_newer_all_the_same(later: Later) -> None:
    run = Imported(given(invoice("1")), *clearing("1"))
    when = run.world.when(run.undoing("1", later=later))
    if later is Later.OTHER:
        when.then(NewerThanImport("1", "a later change by the ledger"))
    else:
        when.then(ItemClearingUndone)


def test_05_what_was_undone_before_is_not_undone_again() -> None:
    run = Imported(given(invoice("1")), *clearing("1"))
    run.world.when(run.undoing("1", later=Later.UNDONE, forced=True)).then_nothing()


def test_05_what_was_said_and_taken_back_again_is_no_hindrance() -> None:
    run = imported(invoice("1", import_id=IMPORT)).then(
        opening("1"), CommentDispute(dispute(), "x"), CancelDispute(dispute())
    )
    run.world.when(run.undoing("1")).then(ItemWithdrawn)


# --- corrected -------------------------------------------------------------------------------------


def test_05_what_it_corrected_is_as_before_also_in_a_dispute() -> None:
    before = given(invoice("1", "100")).take(opening("1"))
    run = Imported(before, invoice("1", "100", balance="60", import_id=IMPORT))
    now, then = run.world.item("1").details, before.item("1").details
    world = run.world.when(run.undoing("1")).then(ItemCorrectionUndone(item("1"), IMPORT, then, now))
    assert world.item("1") == before.item("1")
    world.when(run.undoing("1")).then_nothing()


def test_05_a_correction_that_was_corrected_since_stays_unless_forced() -> None:
    run = Imported(given(invoice("1", "100")), invoice("1", "100", balance="60", import_id=IMPORT))
    run.then(invoice("1", "100", balance="20", import_id=LATER_IMPORT))
    run.world.when(run.undoing("1")).then(NewerThanImport("1", "a later change by the ledger"))
    world = run.world.when(run.undoing("1", forced=True)).then(ItemCorrectionUndone)
    assert world.item("1").details.balance == Decimal(100)


def test_05_a_dispute_opened_over_corrected_amounts_depends_on_them() -> None:
    run = Imported(given(invoice("1", "100")), invoice("1", "1000", import_id=IMPORT)).then(opening("1"))
    run.world.when(run.undoing("1")).then(NewerThanImport("1", f"dispute {dispute()}"))


def test_05_forced_the_correction_of_an_item_that_has_cleared_leaves_it_cleared() -> None:
    corrected = Imported(given(invoice("1", "100")), invoice("1", "60", import_id=IMPORT))
    run = corrected.then(ClearItem(item("1")))
    world = run.world.when(run.undoing("1", forced=True)).then(ItemCorrectionUndone)
    details = world.item("1").details
    assert (world.item("1").cleared, details.amount, details.balance) == (True, Decimal(100), Decimal(0))


def test_05_a_disputed_item_keeps_its_currency_come_what_may() -> None:
    run = Imported(given(invoice("1")), invoice("1", currency="USD", import_id=IMPORT)).then(opening("1"))
    run.world.when(run.undoing("1", forced=True)).then(CurrencyOfDisputedItem("1", dispute()))


# --- cleared ---------------------------------------------------------------------------------------


def test_05_what_it_cleared_is_open_again_with_what_was_said_of_it() -> None:
    before = given(invoice("1")).take(qualifying("promise_to_pay", "1", promised_on=on(5), comment="soon"))
    run = Imported(before, *clearing("1"))
    world = run.world.when(run.undoing("1")).then_goes()
    assert world.item("1") == before.item("1")
    world.when(run.undoing("1")).then_nothing()


def test_05_a_dispute_that_it_closed_continues_in_the_same_episode() -> None:
    before = given(invoice("1"), invoice("2")).take(opening("1", "2", amounts={item("1"): Decimal(30)}))
    run = Imported(before, *clearing("1", "2"))
    assert run.world.dispute().outcome is Outcome.CLEARED
    first = run.world.when(run.undoing("1"), at=day(1))
    disputed = before.dispute().items[item("1")]
    opened_at = before.dispute().episode_opened_at
    world = first.then(
        ItemClearingUndone,
        DisputeContinued(dispute(), IMPORT, (disputed,), before.dispute().customer_id, "price", 1, opened_at),
        FollowUpContinued(planned(), (item("1"),), dispute()),
        DisputeFollowUpContinued(dispute(), planned()),
    )
    assert set(world.dispute().items) == {item("1")}
    second = world.when(run.undoing("2"), at=day(1))
    world = second.then(
        ItemClearingUndone,
        ItemsAdded(dispute(), (before.dispute().items[item("2")],)),
        FollowUpItemsChanged(planned(), (item("2"),), ()),
    )
    for number in ("1", "2"):
        assert world.item(number) == before.item(number)
        assert world.exclusions(number) == {Exclusion.DISPUTE, Exclusion.FOLLOW_UP}
    assert world.dispute() == before.dispute()
    assert world.action(planned()) == before.action(planned())


def test_05_it_goes_back_into_a_dispute_that_went_on_without_it() -> None:
    before = given(invoice("1"), invoice("2")).take(opening("1", "2"))
    run = Imported(before, *clearing("1"))
    world = run.undone("1")
    assert set(world.dispute().items) == {item("1"), item("2")}
    assert world.action(planned()).items == {item("1"), item("2")}
    assert world.item("1") == before.item("1")


def test_05_a_dispute_cleared_by_two_imports_continues_with_what_comes_back() -> None:
    before = given(invoice("1"), invoice("2")).take(opening("1", "2"))
    run = Imported(before, *clearing("1")).then(ClearItem(item("2"), import_id=LATER_IMPORT))
    world = run.undone("1")
    assert world.dispute().is_open
    assert set(world.dispute().items) == {item("1")}
    assert world.item("2").cleared


def test_05_an_action_without_dispute_that_it_ended_is_open_again() -> None:
    before = given(invoice("1"), invoice("2")).take(
        PlanFollowUp(action("F"), "Ring", on(9), item_ids=(item("1"), item("2")))
    )
    run = Imported(before, *clearing("1", "2"))
    assert not run.world.action(action("F")).is_open
    world = run.undone("1", "2")
    assert world.action(action("F")) == before.action(action("F"))


def test_05_an_action_that_somebody_ended_meanwhile_stays_ended() -> None:
    before = given(invoice("1"), invoice("2")).take(
        PlanFollowUp(action("F"), "Ring", on(9), item_ids=(item("1"), item("2")))
    )
    run = Imported(before, *clearing("1")).then(EndFollowUp(action("F")))
    world = run.undone("1")
    assert not world.action(action("F")).is_open
    assert world.item("1").follow_ups == frozenset()


@pytest.mark.parametrize(
    ("since", "fate"),
    [
        ([resolving()], "resolved"),
        ([CancelDispute(dispute())], "cancelled"),
    ],
)
def test_05_unless_its_dispute_has_gone_another_way(since: list[Step], fate: str) -> None:
    before = given(invoice("1"), invoice("2")).take(opening("1", "2"))
    run = Imported(before, *clearing("1")).then(*since)
    newer = f"dispute {dispute()}, which has been {fate} since"
    run.world.when(run.undoing("1"), at=day(2)).then(NewerThanImport("1", newer))
    world = run.world.when(run.undoing("1", forced=True), at=day(2)).then(ItemClearingUndone)
    assert world.item("1").is_open
    assert world.item("1").dispute_id is None
    assert world.collectable("1"), "outside its old dispute it is dunned"
    assert item("1") not in world.dispute().items


def test_05_it_goes_back_as_what_the_dispute_is_about_by_now() -> None:
    before = given(invoice("1"), invoice("2")).take(opening("1", "2"))
    run = Imported(before, *clearing("1")).then(ChangeDisputeType(dispute(), "quality"))
    assert run.undone("1").status("1") == "quality"


def test_05_it_goes_back_into_a_dispute_that_was_reopened_without_it() -> None:
    before = given(invoice("1"), invoice("2")).take(opening("1", "2"))
    run = Imported(before, *clearing("1")).then(
        resolving(), at(day(1), ReopenDispute(dispute(), FollowUpPlan(due_on=on(9))))
    )
    world = run.undone("1")
    assert set(world.dispute().items) == {item("1"), item("2")}
    assert world.dispute().episode == 2


def test_05_forced_outside_its_dispute_it_keeps_what_else_was_said_of_it() -> None:
    before = given(invoice("1"), invoice("2")).take(opening("1", "2"))
    before.states[item("1")] = replace(before.item("1"), qualification=None)
    run = Imported(before, *clearing("1")).then(resolving())
    world = run.world.when(run.undoing("1", forced=True)).then(ItemClearingUndone)
    assert world.item("1").qualification is None


def test_05_a_cleared_item_that_was_seen_again_needs_no_undoing() -> None:
    run = Imported(given(invoice("1")), *clearing("1")).then(invoice("1", balance="70"))
    run.world.when(run.undoing("1")).then_nothing()


# --- reinstated ------------------------------------------------------------------------------------


def test_05_what_it_reinstated_is_cleared_again() -> None:
    before = given(invoice("1"), ClearItem(item("1")))
    run = Imported(before, invoice("1", balance="70", import_id=IMPORT))
    world = run.world.when(run.undoing("1")).then(ItemReinstatementUndone)
    assert world.item("1") == before.item("1")
    world.when(run.undoing("1")).then_nothing()


def test_05_what_it_reinstated_and_somebody_disputed_stays_unless_forced() -> None:
    before = given(credit_note("1"), ClearItem(item("1")))
    run = Imported(before, credit_note("1", import_id=IMPORT)).then(opening("1"))
    run.world.when(run.undoing("1")).then(NewerThanImport)
    world = run.world.when(run.undoing("1", forced=True)).then_goes()
    assert world.item("1").cleared
    assert world.dispute().state is DisputeState.RESOLVED


def test_05_what_it_reinstated_after_a_withdrawal_is_withdrawn_again() -> None:
    before = imported(invoice("1", import_id=IMPORT)).undone("1")
    run = Imported(before, at(day(2), invoice("1", import_id=LATER_IMPORT)))
    world = run.world.when(run.undoing("1"), at=day(3)).then(ItemReinstatementUndone)
    assert world.item("1").withdrawn


# --- the import itself -----------------------------------------------------------------------------


def test_05_that_an_import_was_undone_is_recorded() -> None:
    begun = given().take(StartImport(IMPORT, "a.csv", "sha256:00", ImportMode.DELTA))
    assert begun.states[IMPORT] == Import(IMPORT, "a.csv", "sha256:00", ImportMode.DELTA)
    first = UndoCounts(undone=7, left=2)
    world = begun.when(FinishUndo(IMPORT, first)).then(ImportUndone(IMPORT, first))
    world.when(FinishUndo(IMPORT, UndoCounts(0, 2))).then_nothing()
    world.when(FinishUndo(IMPORT, first)).then_nothing()
    world = world.when(FinishUndo(IMPORT, UndoCounts(9, 0))).then(ImportUndone)
    again = world.states[IMPORT]
    assert isinstance(again, Import)
    assert again.undone == UndoCounts(9, 0)


def test_05_what_was_never_imported_is_not_undone() -> None:
    given().when(FinishUndo(IMPORT, UndoCounts(1))).then(UnknownImport(IMPORT))
    assert ImportStarted(IMPORT, "a", "b", ImportMode.FULL).stream_id == IMPORT


def test_29_who_may_not_import_may_not_undo() -> None:
    run = imported(invoice("1", import_id=IMPORT))
    run.world.when(run.undoing("1"), by=ANALYST).then(RoleForbids)
