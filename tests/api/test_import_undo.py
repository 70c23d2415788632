"""Undoing an import on the real log (spec 5): what goes back, what is left, and that the read side agrees."""

from __future__ import annotations

from uuid import UUID

import pytest

from api import import_undo
from api.import_undo import UndoOptions, UndoResult, undo_import
from api.item_import import ImportOptions
from domain.dispute import OpenDispute
from domain.identity import ImportId, PersonId, customer_id, dispute_id, item_id, person_id
from domain.imports import ImportMode, ImportUndone, UndoCounts
from domain.item import Item
from domain.people import RegisterPerson
from domain.refusals import ItemCleared, RoleForbids, UnknownImport
from domain.reminder import DoReminderStep
from domain.roles import Actor, Role
from replay import import_changes
from replay.verify import verify
from store.execute import Order
from tests.api.company_case import ADMINISTRATOR, MANAGER, company_case
from tests.api.test_item_import import Ledger, row, rows


@pytest.fixture
def case(database, tmp_path):
    with company_case(database, tmp_path) as case:
        yield case


@pytest.fixture
def ledger(case, tmp_path):
    return Ledger(case, tmp_path)


def undo(case, import_id: ImportId, **options: bool) -> UndoResult:
    return undo_import(case.company, import_id, ADMINISTRATOR, UndoOptions(**options))


def items(case, count: int) -> list[Item]:
    return [case.state(item_id("main", "C1", f"N{number}")) for number in range(count)]


def open_dispute(case, *numbers: int) -> None:
    chosen = tuple(item_id("main", "C1", f"N{number}") for number in numbers)
    case.company.executor.execute(Order(OpenDispute(dispute_id("D"), chosen, "price", "dear"), MANAGER))


def agrees(case) -> bool:
    case.company.feed.catch_up()
    return not verify(case.company.datastore, case.company.log).differences


def test_05_a_full_import_goes_back_whole(case, ledger):
    ledger.imports(*rows(6))
    open_dispute(case, 0, 1)
    before = items(case, 6)
    last = case.state(dispute_id("D"))
    run = ledger.imports(
        row("N4", "7.00"),
        row("N5"),
        row("X"),
        name="next.csv",
        options=ImportOptions(ImportMode.FULL, force=True),
    )
    assert (run.counts.cleared, run.counts.corrected, run.counts.registered) == (4, 1, 1)
    assert not case.state(dispute_id("D")).is_open
    result = undo(case, run.import_id)
    assert result == UndoResult(run.import_id, 6, 0, ())
    assert items(case, 6) == before
    assert case.state(item_id("main", "C1", "X")).withdrawn
    again = case.state(dispute_id("D"))
    assert (again.is_open, again.episode, again.episode_opened_at) == (True, 1, last.episode_opened_at)
    assert again.items == last.items
    assert isinstance(case.events()[-1], ImportUndone)
    assert agrees(case)


def test_05_undoing_again_changes_nothing(case, ledger):
    run = ledger.imports(*rows(3))
    undo(case, run.import_id)
    newest = case.newest
    assert undo(case, run.import_id) == UndoResult(run.import_id, 0, 3, ())
    assert case.newest == newest


def test_05_what_something_newer_depends_on_is_listed_and_left(case, ledger):
    run = ledger.imports(*rows(3))
    open_dispute(case, 1)
    result = undo(case, run.import_id)
    (left,) = result.left
    assert (result.undone, left.customer_code, left.number) == (2, "C1", "N1")
    assert str(dispute_id("D")) in left.reason
    assert [each.is_open for each in items(case, 3)] == [False, True, False]
    assert case.events()[-1] == ImportUndone(run.import_id, UndoCounts(2, 1))
    forced = undo(case, run.import_id, force=True)
    assert (forced.undone, forced.unchanged, forced.left) == (1, 2, ())
    assert agrees(case)


def test_05_a_dry_run_writes_nothing(case, ledger):
    run = ledger.imports(*rows(3))
    open_dispute(case, 1)
    newest = case.newest
    result = undo(case, run.import_id, dry_run=True)
    assert (result.undone, len(result.left), case.newest) == (2, 1, newest)


def test_05_imports_are_undone_newest_first(case, ledger):
    first = ledger.imports(row("N0", "10.00"))
    second = ledger.imports(row("N0", "8.00"), name="second.csv")
    assert [each.number for each in undo(case, first.import_id).left] == ["N0"]
    undo(case, second.import_id)
    assert undo(case, first.import_id).undone == 1
    assert items(case, 1)[0].withdrawn


def test_05_what_another_import_found_again_and_cleared_again_stays(case, ledger):
    full = ImportOptions(ImportMode.FULL, force=True)
    ledger.imports(row("A"), row("B"))
    first = ledger.imports(row("A"), options=full)
    ledger.imports(row("A"), row("B"), options=full)
    ledger.imports(row("A"), options=full)
    (left,) = undo(case, first.import_id).left
    assert (left.number, "a later change by the ledger" in left.reason) == ("B", True)
    assert not case.state(item_id("main", "C1", "B")).is_open


def test_05_an_import_undone_twice_leaves_what_a_later_one_brought(case, ledger):
    first = ledger.imports(row("A"))
    undo(case, first.import_id)
    ledger.imports(row("A"), name="again.csv")
    assert undo(case, first.import_id) == UndoResult(first.import_id, 0, 1, ())
    assert case.state(item_id("main", "C1", "A")).is_open


def test_05_what_a_crash_left_unsaid_is_said_by_the_next_undoing(case, ledger, monkeypatch):
    run = ledger.imports(*rows(4))
    with monkeypatch.context() as patch:
        patch.setattr(import_undo._Undoing, "record", lambda _: None)
        assert undo(case, run.import_id).undone == 4
    assert "ImportUndone" not in case.kinds()
    assert undo(case, run.import_id).unchanged == 4
    assert case.events()[-1] == ImportUndone(run.import_id, UndoCounts(4, 0))


def test_05_an_interrupted_undoing_is_finished_by_the_next(case, ledger, monkeypatch):
    monkeypatch.setattr(import_changes, "_WINDOW", 4)
    run = ledger.imports(*rows(10))

    def interrupt(done: int, _: int) -> None:
        if done > 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        undo_import(case.company, run.import_id, ADMINISTRATOR, UndoOptions(), interrupt)
    withdrawn = sum(each.withdrawn for each in items(case, 10))
    assert 0 < withdrawn < 10
    assert case.events()[-1] == ImportUndone(run.import_id, UndoCounts(withdrawn, 0))
    result = undo(case, run.import_id)
    assert (result.undone, result.unchanged) == (10 - withdrawn, withdrawn)
    assert agrees(case)


def test_05_each_item_is_taken_back_once_however_the_log_is_cut(case, ledger, monkeypatch):
    monkeypatch.setattr(import_changes, "_WINDOW", 1)
    run = ledger.imports(*rows(4), row("P", "-5.00").replace("invoice", "payment"))
    paid = ledger.imports(*rows(2), name="full.csv", options=ImportOptions(ImportMode.FULL, force=True))
    assert undo(case, paid.import_id).undone == 3
    assert undo(case, run.import_id) == UndoResult(run.import_id, 5, 0, ())


def test_05_only_what_the_import_did_goes_back(case, ledger):
    ledger.imports(row("A"))
    run = ledger.imports(row("A"), row("B"), name="second.csv")
    ledger.imports(row("C"), name="third.csv")
    undo(case, run.import_id)
    assert [case.state(item_id("main", "C1", each)).is_open for each in "ABC"] == [True, False, True]


def test_05_what_a_customer_was_reminded_of_comes_back_with_its_reminders(case, ledger):
    first = ledger.imports(row("A"))
    reminder = DoReminderStep(customer_id("C1"), "formal_notice", (item_id("main", "C1", "A"),))
    assert case.company.executor.execute(Order(reminder, MANAGER)).changed
    paid = ledger.imports(row("B"), name="full.csv", options=ImportOptions(ImportMode.FULL, force=True))
    with pytest.raises(ItemCleared):
        case.company.executor.execute(Order(reminder, MANAGER))
    assert undo(case, paid.import_id).left == ()
    assert not case.company.executor.execute(Order(reminder, MANAGER)).changed  # it was done already
    assert undo(case, first.import_id).left == ()  # that somebody was reminded is no hindrance
    assert agrees(case)


def test_05_an_unknown_import_is_not_undone(case):
    unknown = ImportId(UUID(int=5))
    with pytest.raises(UnknownImport):
        undo(case, unknown)


def test_29_who_may_not_import_may_not_undo(case, ledger):
    run = ledger.imports(row("A"))
    case.company.executor.execute(Order(RegisterPerson("ann", "Ann", None, Role.ANALYST), ADMINISTRATOR))
    with pytest.raises(RoleForbids):
        undo_import(
            case.company, run.import_id, Actor(PersonId(person_id("ann")), Role.ANALYST), UndoOptions()
        )
