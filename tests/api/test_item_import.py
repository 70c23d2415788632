"""Importing items: what is recorded, what is not, and what a full file may clear (spec 1-5)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import psycopg
import pytest

from api import item_import, new_items
from api.item_file import FileRefused, read_mapping
from api.item_import import (
    ImportOptions,
    SafetyShareExceeded,
    import_items,
    item_source,
    settings_of,
)
from domain.catalogue import ChangeSettings
from domain.dispute import OpenDispute
from domain.identity import PersonId, dispute_id, item_id, person_id
from domain.imports import ImportCounts, ImportFinished, ImportMode, ImportStarted
from domain.item import ItemCleared, ItemCorrected, ItemRegistered, RegisterItem
from domain.ledger import register_unseen
from domain.refusals import ItemRowInvalid, RoleForbids
from domain.roles import Actor, Role
from projections.staging import staging
from replay.verify import verify
from store.execute import Order
from tests.api.company_case import ADMINISTRATOR, MANAGER, company_case
from tests.api.item_file_case import mapping_text

HEADER = "customer,number,type,issued,due,amount"
FULL = ImportOptions(ImportMode.FULL)


@pytest.fixture
def case(database, tmp_path):
    with company_case(database, tmp_path) as case:
        yield case


@pytest.fixture
def ledger(case, tmp_path):
    return Ledger(case, tmp_path)


class Ledger:
    """Files of a ledger, and their import."""

    def __init__(self, case, directory):
        self.case = case
        self.directory = directory
        self.mapping = mapping_text()

    def source(self, *rows, name="items.csv", header=HEADER):
        path = self.directory / name
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        mapping = self.directory / "map.toml"
        mapping.write_text(self.mapping, encoding="utf-8")
        return item_source(path, read_mapping(mapping), settings_of(self.case.company.executor))

    def imports(self, *rows, options=ImportOptions(), actor=ADMINISTRATOR, **source):  # noqa: B008
        return import_items(self.case.company, self.source(*rows, **source), actor, options)


def row(number, amount="10.00", *, customer="C1", issued="2024-01-31"):
    return f"{customer},{number},invoice,{issued},2024-03-01,{amount}"


def rows(count, *, first=0):
    return [row(f"N{first + each}") for each in range(count)]


def assert_sound(case):
    case.company.feed.catch_up()
    found = verify(case.company.datastore, case.company.log)
    assert found.is_sound, found.differences


# --- what an import records ------------------------------------------------------------------------


def test_an_import_is_recorded_with_its_file_its_digest_and_what_it_did(case, ledger):
    before = case.newest
    result = ledger.imports(row("1"), row("2", customer="C2"))
    started, *facts, finished = case.events(before)
    assert isinstance(started, ImportStarted)
    assert (started.file_name, started.mode) == ("items.csv", ImportMode.DELTA)
    assert started.digest == f"sha256:{ledger.source(row('1'), row('2', customer='C2')).digest}"
    assert [type(each).__name__ for each in facts] == ["CustomerRegistered", "ItemRegistered"] * 2
    assert {each.import_id for each in case.events(before)} == {started.import_id} == {result.import_id}
    assert finished == ImportFinished(started.import_id, ImportCounts(registered=2))


def test_an_unknown_customer_is_registered_once(case, ledger):
    before = case.newest
    ledger.imports(row("1"), row("2"))
    assert case.kinds(before).count("CustomerRegistered") == 1


def test_a_registration_occurred_on_its_issue_date(case, ledger):
    before = case.newest
    ledger.imports(row("1", issued="2024-01-31"))
    moments = {
        each.occurred_at.date() for each in case.recorded(before) if isinstance(each.event, ItemRegistered)
    }
    assert moments == {date(2024, 1, 31)}


def test_the_same_file_again_records_nothing(case, ledger):
    ledger.imports(*rows(3))
    before = case.newest
    result = ledger.imports(*rows(3))
    assert case.newest == before
    assert result.import_id is None
    assert result.counts == ImportCounts(unchanged=3)


def test_a_changed_row_corrects_and_a_zero_balance_clears(case, ledger):
    ledger.mapping = mapping_text(balance='"balance"')
    header = HEADER + ",balance"
    ledger.imports(row("1") + ",10.00", row("2") + ",10.00", header=header)
    before = case.newest
    result = ledger.imports(row("1") + ",4.00", row("2") + ",0", header=header)
    assert result.counts == ImportCounts(corrected=1, cleared=1)
    found = case.events(before)
    assert [type(each) for each in found[1:-1]] == [ItemCorrected, ItemCleared]
    again = ledger.imports(row("1") + ",4.00", row("2") + ",10.00", header=header)
    assert again.counts == ImportCounts(reinstated=1, unchanged=1)


def test_chunks_are_whole_decisions_in_one_append_each(case, ledger, monkeypatch):
    monkeypatch.setattr(item_import, "CHUNK", 2)
    before = case.newest
    ledger.imports(*rows(5))
    commands = [each.command_id for each in case.recorded(before)]
    assert len(set(commands)) == 4  # three chunks and the end
    ends = [each.decision_end for each in case.recorded(before) if isinstance(each.event, ItemRegistered)]
    assert len(set(ends)) == 5


def test_an_import_that_was_interrupted_is_finished_by_running_it_again(case, ledger, monkeypatch):
    monkeypatch.setattr(item_import, "CHUNK", 2)
    before = case.newest

    def stop(done):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_items(case.company, ledger.source(*rows(5)), ADMINISTRATOR, ImportOptions(), stop)
    assert case.kinds(before).count("ItemRegistered") == 4
    assert "ImportFinished" not in case.kinds(before)
    result = ledger.imports(*rows(5))
    assert result.counts == ImportCounts(registered=1, unchanged=4)
    assert case.kinds(before).count("ItemRegistered") == 5
    assert case.kinds(before).count("ImportFinished") == 1
    after = case.newest
    assert ledger.imports(*rows(5)).import_id is None
    assert case.newest == after


def test_somebody_else_may_change_a_row_meanwhile(case, ledger, monkeypatch):
    ledger.imports(row("1"))
    append = case.company.log.append
    calls = 0

    def overtaken(*what):
        nonlocal calls
        calls += 1
        if calls == 1:
            monkeypatch.setattr(case.company.log, "append", append)
            ledger.imports(row("1", "12.00"), row("9"), name="other.csv")
        return append(*what)

    monkeypatch.setattr(case.company.log, "append", overtaken)
    result = ledger.imports(row("1", "12.00"), row("2"))
    assert result.counts == ImportCounts(registered=1, unchanged=1)
    assert case.state(item_id("main", "C1", "1")).details.amount == Decimal("12.00")
    assert case.kinds().count("ItemCorrected") == 1


def test_1_what_somebody_else_registers_meanwhile_is_compared_again(case, ledger, monkeypatch):
    append = case.company.log.append_bulk

    def overtaken(*submitted):
        monkeypatch.setattr(case.company.log, "append_bulk", append)
        ledger.imports(row("1"), row("2", "12.00"), name="other.csv")
        return append(*submitted)

    monkeypatch.setattr(case.company.log, "append_bulk", overtaken)
    before = case.newest
    result = ledger.imports(row("1"), row("2"), row("3"), row("4", customer="C2"))
    assert result.counts == ImportCounts(registered=2, corrected=1, unchanged=1)
    assert case.kinds(before).count("CustomerRegistered") == 2
    assert case.kinds(before).count("ImportStarted") == 2
    assert case.state(item_id("main", "C1", "2")).details.amount == Decimal("10.00")
    assert_sound(case)


def test_1_a_new_item_that_is_paid_already_is_registered_and_cleared(case, ledger):
    ledger.mapping = mapping_text(balance='"balance"', cleared_on='"paid"')
    header = HEADER + ",balance,paid"
    before = case.newest
    result = ledger.imports(row("1") + ",0,2024-02-10", row("2") + ",0,2024-01-01", header=header)
    assert result.counts == ImportCounts(registered=2)
    facts = {
        (type(each.event), each.event.item_id): each.occurred_at.date()
        for each in case.recorded(before)
        if isinstance(each.event, ItemRegistered | ItemCleared)
    }
    first, second = item_id("main", "C1", "1"), item_id("main", "C1", "2")
    assert facts[ItemCleared, first] == date(2024, 2, 10)
    assert facts[ItemCleared, second] == facts[ItemRegistered, second] == date(2024, 1, 31)
    assert_sound(case)


def test_1_a_customer_whose_first_row_is_refused_comes_with_the_next(case, ledger, monkeypatch):
    def refusing(command, *told, **more):
        if command.number == "1":
            raise ItemRowInvalid(command.number, "because of the test")
        return register_unseen(command, *told, **more)

    monkeypatch.setattr(new_items, "register_unseen", refusing)
    monkeypatch.setattr(item_import, "CHUNK", 1)
    before = case.newest
    result = ledger.imports(row("1"), row("2"), row("3"))
    assert result.counts == ImportCounts(registered=2, rejected=1)
    assert case.kinds(before).count("CustomerRegistered") == 1
    assert_sound(case)


def test_1_tables_of_imports_that_died_are_removed_by_the_next(case, ledger, database):
    def tables():
        with psycopg.connect(database) as connection:
            found = connection.execute("select relname from pg_class where relname like 'import\\_%staged'")
            return [name for (name,) in found]

    with staging(case.company.datastore):
        assert len(tables()) == 1
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("create table company_acme.import_0123abcd_staged (row bigint)")
        seen: list[int] = []
        import_items(case.company, ledger.source(row("1")), ADMINISTRATOR, ImportOptions(), seen.append)
        assert len(tables()) == 1  # the one that is alive
    assert tables() == []


def test_1_progress_tells_rows_read_and_rows_done(case, ledger):
    done: list[int] = []
    read: list[int] = []
    told = ledger.source(*rows(3), row("N9", "abc"))
    import_items(case.company, told, ADMINISTRATOR, ImportOptions(), done.append, read.append)
    assert (read[-1], done[-1]) == (4, 4)
    assert done == sorted(done)


def test_1_a_thousand_repeated_rows_name_a_few_of_the_others(case, ledger):
    result = ledger.imports(*[row("1")] * 1000, row("2"))
    assert result.counts == ImportCounts(registered=1, rejected=1000)
    assert "rows 2, 3, 4, 5, 6 and 994 more" in result.rejections[-1].reason
    assert "rows 3, 4, 5, 6, 7 and 994 more" in result.rejections[0].reason


def test_3_what_somebody_else_changes_before_it_is_cleared_is_looked_at_again(case, ledger, monkeypatch):
    ledger.imports(*rows(10))
    dispute, append = dispute_id("D1"), case.company.log.append_bulk

    def overtaken(*submitted):
        monkeypatch.setattr(case.company.log, "append_bulk", append)
        disputed(case, "N9")
        ledger.imports(row("N8", "11.00"), name="other.csv")
        return append(*submitted)

    monkeypatch.setattr(case.company.log, "append_bulk", overtaken)
    result = ledger.imports(*rows(7), options=FULL)
    assert result.counts == ImportCounts(unchanged=7, cleared=3)
    assert result.missing == 3
    assert case.state(dispute).outcome == "cleared"
    assert {case.state(item_id("main", "C1", f"N{each}")).is_open for each in (7, 8, 9)} == {False}
    assert_sound(case)


# --- disputes and follow-ups -----------------------------------------------------------------------


def disputed(case, *numbers, amounts=None):
    dispute = dispute_id("D1")
    items = tuple(item_id("main", "C1", number) for number in numbers)
    case.company.executor.execute(Order(OpenDispute(dispute, items, "price", amounts=amounts), MANAGER))
    return dispute


def test_7_disputed_items_keep_status_and_case_through_corrections(case, ledger):
    ledger.mapping = mapping_text(balance='"balance"')
    header = HEADER + ",balance"
    ledger.imports(row("1") + ",10.00", row("2") + ",10.00", row("3") + ",10.00", header=header)
    whole, part, alone = (item_id("main", "C1", number) for number in "123")
    dispute = disputed(case, "1", "2", amounts={part: Decimal("6.00")})
    said = case.state(whole).qualification
    result = ledger.imports(row("1") + ",7.00", row("2") + ",4.00", row("3") + ",1.00", header=header)
    assert result.counts == ImportCounts(corrected=3)
    assert case.state(whole).qualification == said
    assert case.state(whole).dispute_id == case.state(part).dispute_id == dispute
    assert case.state(alone).dispute_id is None
    assert case.state(whole).disputed_amount == Decimal("7.00")
    assert case.state(part).disputed_amount == Decimal("4.00")
    assert case.state(dispute).amount_at_opening == Decimal("16.00")
    assert_sound(case)


def test_6_in_bulk_too_items_leave_their_disputes_and_their_actions(case, ledger, monkeypatch):
    monkeypatch.setattr(item_import, "CASES", 3)
    ledger.imports(*rows(10))
    dispute = disputed(case, *(f"N{each}" for each in range(8)))
    actions = case.state(dispute).follow_ups
    assert actions
    ledger.imports(*rows(5, first=5), options=ImportOptions(ImportMode.FULL, force=True))
    assert set(case.state(dispute).items) == {item_id("main", "C1", f"N{each}") for each in (5, 6, 7)}
    assert case.state(dispute).outcome is None
    ledger.imports(*rows(2, first=8), options=ImportOptions(ImportMode.FULL, force=True))
    assert case.state(dispute).outcome == "cleared"
    assert not any(case.state(action).is_open for action in actions)
    assert_sound(case)


# --- rejections ------------------------------------------------------------------------------------


def test_good_rows_go_in_and_the_others_are_named(case, ledger):
    result = ledger.imports(row("1"), row("2", "abc"), row("3"), row("4"), row("4"))
    assert result.counts == ImportCounts(registered=2, rejected=3)
    assert [(each.row, each.column) for each in result.rejections] == [(3, "amount"), (5, None), (6, None)]
    assert "row 6" in result.rejections[1].reason


def test_a_number_that_lost_leading_zeros_is_rejected_with_the_cure(case, ledger):
    ledger.imports(row("0017"))
    before = case.newest
    result = ledger.imports(row("17"))
    (rejection,) = result.rejections
    assert (rejection.row, rejection.column) == (2, "number")
    assert rejection.identity == ("main", "C1", "17")
    assert "'0017'" in rejection.reason
    assert "`pad = 4`" in rejection.reason
    assert case.newest == before
    accepted = ledger.imports(row("17"), options=ImportOptions(accept_as_new=True))
    assert accepted.counts == ImportCounts(registered=1)


def test_two_spellings_of_a_number_in_one_file_conflict_across_chunks(case, ledger, monkeypatch):
    monkeypatch.setattr(item_import, "CASES", 1)
    for options in (ImportOptions(dry_run=True), ImportOptions()):
        result = ledger.imports(row("0017"), row("17"), options=options)
        assert result.counts == ImportCounts(registered=1, rejected=1)
        assert result.rejections[0].row == 3


def test_a_file_that_cannot_be_read_changes_nothing(case, ledger):
    before = case.newest
    with pytest.raises(FileRefused):
        ledger.imports("1,2", header="a,b")
    assert case.newest == before


def test_importing_is_for_those_who_may(case, ledger):
    person = PersonId(person_id("x"))
    for told in ((), (row("1"),)):  # also where there is nothing to import
        with pytest.raises(RoleForbids):
            ledger.imports(*told, actor=Actor(person, Role.AUDITOR))
    assert "ItemRegistered" not in case.kinds()
    ledger.imports(row("1"), actor=Actor(person, Role.COLLECTOR))


# --- dry runs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", list(ImportMode))
def test_a_dry_run_says_what_would_happen_and_writes_nothing(case, ledger, mode):
    ledger.imports(*rows(10))
    before = case.newest
    told = [*rows(8), row("N8", "11.00"), row("new")]
    rehearsed = ledger.imports(*told, options=ImportOptions(mode, dry_run=True))
    assert case.newest == before
    done = ledger.imports(*told, options=ImportOptions(mode))
    assert rehearsed.counts == done.counts
    assert rehearsed.missing == done.missing == (1 if mode is ImportMode.FULL else 0)
    assert case.newest > before


# --- full files ------------------------------------------------------------------------------------


def test_what_a_full_file_does_not_have_is_cleared(case, ledger):
    ledger.imports(*rows(10))
    before = case.newest
    result = ledger.imports(*rows(8), options=FULL)
    assert result.counts == ImportCounts(unchanged=8, cleared=2)
    assert (result.missing, result.kept) == (2, 0)
    cleared = [each for each in case.events(before) if isinstance(each, ItemCleared)]
    assert {each.item_id for each in cleared} == {item_id("main", "C1", number) for number in ("N8", "N9")}
    assert {each.import_id for each in cleared} == {result.import_id}
    again = case.newest
    ledger.imports(*rows(8), options=FULL)
    assert case.newest == again


def test_only_the_entities_of_the_file_are_looked_at(case, ledger):
    ledger.mapping = mapping_text(entity='"entity"')
    header = HEADER + ",entity"
    ledger.imports(
        *(each + ",north" for each in rows(10)), *(each + ",south" for each in rows(10)), header=header
    )
    result = ledger.imports(*(each + ",north" for each in rows(9)), header=header, options=FULL)
    assert result.counts == ImportCounts(unchanged=9, cleared=1)


def test_a_file_without_rows_clears_nothing(case, ledger):
    ledger.imports(*rows(2))
    before = case.newest
    assert ledger.imports(options=FULL).counts == ImportCounts()
    assert case.newest == before


def test_an_item_whose_row_was_rejected_is_not_missing(case, ledger):
    ledger.imports(*rows(10))
    result = ledger.imports(*rows(9), row("N9", "abc"), options=FULL)
    assert result.counts == ImportCounts(unchanged=9, rejected=1)
    assert (result.missing, result.kept) == (0, 0)


def test_an_item_whose_row_lost_its_leading_zeros_is_not_missing(case, ledger):
    ledger.imports(*rows(9), row("0017"))
    result = ledger.imports(*rows(9), row("17"), options=FULL)
    assert result.counts == ImportCounts(unchanged=9, rejected=1)
    assert case.state(item_id("main", "C1", "0017")).is_open


def test_a_twin_that_is_an_item_of_its_own_is_missing(case, ledger):
    ledger.imports(*rows(9), row("0017"))
    ledger.imports(row("17"), options=ImportOptions(accept_as_new=True))
    result = ledger.imports(*rows(9), row("17"), options=FULL)
    assert result.counts == ImportCounts(unchanged=10, cleared=1)
    assert not case.state(item_id("main", "C1", "0017")).is_open


def test_a_cleared_twin_that_comes_back_does_not_keep_the_other_open(case, ledger):
    ledger.imports(*rows(9), row("0017"))
    ledger.imports(row("17"), options=ImportOptions(accept_as_new=True))
    ledger.imports(*rows(9), row("0017"), options=FULL)
    result = ledger.imports(*rows(9), row("17"), options=FULL)
    assert result.counts == ImportCounts(unchanged=9, reinstated=1, cleared=1)


def test_a_rejected_row_that_cannot_be_identified_keeps_everything_open_unless_forced(case, ledger):
    ledger.imports(*rows(10))
    told = [*rows(9), ",,invoice,2024-01-31,2024-03-01,10.00", row("new")]
    result = ledger.imports(*told, options=FULL)
    assert result.counts == ImportCounts(registered=1, unchanged=9, rejected=1)
    assert (result.missing, result.kept) == (0, 1)
    forced = ledger.imports(*told, options=ImportOptions(ImportMode.FULL, force=True))
    assert forced.counts == ImportCounts(unchanged=10, cleared=1, rejected=1)
    assert (forced.missing, forced.kept) == (1, 0)


def test_more_than_the_safety_share_is_refused_before_anything_is_written(case, ledger):
    ledger.imports(*rows(10))
    before = case.newest
    for options in (FULL, ImportOptions(ImportMode.FULL, dry_run=True)):
        with pytest.raises(SafetyShareExceeded, match=r"4 of 10 open items .* 30%; .* --force"):
            ledger.imports(*rows(6), row("new"), options=options)
        assert case.newest == before
    forced = ledger.imports(*rows(6), options=ImportOptions(ImportMode.FULL, force=True))
    assert forced.counts == ImportCounts(unchanged=6, cleared=4)


def test_the_safety_share_itself_is_not_too_much_and_the_company_sets_it(case, ledger):
    ledger.imports(*rows(10))
    case.company.executor.execute(Order(ChangeSettings(safety_share=Decimal("0.2")), ADMINISTRATOR))
    with pytest.raises(SafetyShareExceeded):
        ledger.imports(*rows(7), options=FULL)
    assert ledger.imports(*rows(8), options=FULL).counts.cleared == 2


def test_items_that_the_file_itself_clears_count_for_the_safety_share(case, ledger):
    ledger.imports(*rows(10))
    ledger.mapping = mapping_text(balance='"balance"')
    header = HEADER + ",balance"
    open_ones = [each + ",10.00" for each in rows(6)]
    settled = [each + ",0" for each in (*rows(2, first=6), row("never open"))]
    before = case.newest
    with pytest.raises(SafetyShareExceeded, match="4 of 10 open items"):  # two more are not in the file
        ledger.imports(*open_ones, *settled, header=header, options=FULL)
    assert case.newest == before


def test_clearing_the_last_item_resolves_its_dispute(case, ledger):
    ledger.imports(*rows(10))
    dispute = dispute_id("D1")
    items = (item_id("main", "C1", "N8"), item_id("main", "C1", "N9"))
    case.company.executor.execute(Order(OpenDispute(dispute, items, "price"), MANAGER))
    ledger.imports(*rows(8), options=FULL)
    assert case.state(dispute).outcome == "cleared"


def test_what_became_open_after_the_comparison_is_not_cleared(case, ledger):
    ledger.imports(*rows(10))

    def another(_done):
        other = RegisterItem("C1", "main", "late", case.state(item_id("main", "C1", "N0")).details)
        case.company.executor.execute(Order(other, ADMINISTRATOR))

    import_items(case.company, ledger.source(*rows(10)), ADMINISTRATOR, FULL, another)
    assert case.state(item_id("main", "C1", "late")).is_open
