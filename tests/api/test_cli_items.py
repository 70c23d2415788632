"""`redress import-items`: what it says, its exit codes, and every file that cannot be used."""

from __future__ import annotations

import csv

import pytest

from api import item_import
from tests.api.cli_case import has_items, item_file, manager, owner, row
from tests.api.command_line import Ran
from tests.api.item_file_case import HEADER, mapping_text

__all__ = ["manager", "owner"]


def said(ran: Ran) -> str:
    return ran.err.splitlines()[0]


def test_an_import_says_what_became_of_the_rows(owner, tmp_path):
    file, mapping = item_file(tmp_path, row(1), row(2))
    ran = owner("import-items", file, "--mapping", mapping)
    assert said(ran).startswith("items.csv: 2 registered; import 0")
    assert ran.out == ""
    assert (
        said(owner("import-items", file, "--mapping", mapping))
        == "items.csv: 2 unchanged; nothing was recorded"
    )


def test_the_company_gives_currency_and_entity_where_the_file_does_not(owner, tmp_path):
    has_items(owner, tmp_path, 1)
    assert owner.rows(
        "select data->'details'->>'currency', data->>'entity' from company_acme.events"
        " where type = 'item-registered.v1'"
    ) == [("USD", "main")]


def test_rejected_rows_are_shown_with_place_and_reason_and_the_others_go_in(owner, tmp_path):
    file, mapping = item_file(
        tmp_path, row(1), row(2, "abc"), *(row(number, "x") for number in range(10, 22))
    )
    ran = owner("import-items", file, "--mapping", mapping, code=1)
    first, second, *_, last = ran.err.splitlines()
    assert first.startswith("items.csv: 1 registered, 13 rejected; import ")
    assert second.startswith("  row 3, column amount: ")
    assert last == "  … and 3 more; --rejects FILE lists them all"
    assert owner.events("item-registered") == 1


def test_rejected_rows_are_listed_in_a_file_which_is_safe_to_open(owner, tmp_path):
    file, mapping = item_file(tmp_path, row(1), row(2, "=1+1"))
    rejects = tmp_path / "rejects.csv"
    ran = owner("import-items", file, "--mapping", mapping, "--rejects", rejects, code=1)
    assert str(rejects) in ran.err
    with rejects.open(newline="") as found:
        header, rejected = csv.reader(found)
    assert header == ["row", "column", "reason"]
    assert rejected[:2] == ["3", "amount"]
    owner("import-items", *item_file(tmp_path, row(1))[:1], "--mapping", mapping, "--rejects", rejects)
    assert rejects.read_text().splitlines() == ["row,column,reason"]


def test_a_name_of_a_column_is_safe_to_open_too(owner, tmp_path):
    file, mapping, rejects = tmp_path / "items.csv", tmp_path / "map.toml", tmp_path / "rejects.csv"
    file.write_text(f"{HEADER.replace('amount', '=amount')}\n{row(1, 'x')}\n")
    mapping.write_text(mapping_text(amount='"=amount"'))
    owner("import-items", file, "--mapping", mapping, "--rejects", rejects, code=1)
    with rejects.open(newline="") as found:
        assert list(csv.reader(found))[1][:2] == ["2", "'=amount"]


def test_a_dry_run_writes_nothing(owner, tmp_path):
    file, mapping = item_file(tmp_path, row(1), row(2))
    before = owner.newest
    assert (
        said(owner("import-items", file, "--mapping", mapping, "--dry-run"))
        == "items.csv: would be: 2 registered"
    )
    assert owner.newest == before


def test_leading_zeros_conflict_until_they_are_accepted(owner, tmp_path):
    has_items(owner, tmp_path, "0017")
    file, mapping = item_file(tmp_path, row("17"))
    before = owner.newest
    ran = owner("import-items", file, "--mapping", mapping, code=1)
    assert "row 2, column number: Item '17' equals the existing '0017'" in ran.err
    assert owner.newest == before
    assert "1 registered" in owner("import-items", file, "--mapping", mapping, "--accept-as-new").err


def test_a_full_import_clears_what_the_file_does_not_have(owner, tmp_path):
    has_items(owner, tmp_path, *range(10))
    file, mapping = item_file(tmp_path, *map(row, range(9)))
    ran = owner("import-items", file, "--mapping", mapping, "--mode", "full")
    assert said(ran).startswith(
        "items.csv: 1 cleared, 9 unchanged; 1 of the cleared because the file does not have"
    )
    assert owner.events("item-cleared") == 1


def test_a_full_import_that_clears_too_much_is_refused_unless_forced(owner, tmp_path):
    has_items(owner, tmp_path, *range(10))
    file, mapping = item_file(tmp_path, row(0), row("new"))
    before = owner.newest
    for option in ((), ("--dry-run",)):
        ran = owner("import-items", file, "--mapping", mapping, "--mode", "full", *option, code=1)
        assert "would clear 9 of 10 open items" in ran.line
    assert owner.newest == before
    assert "9 cleared" in owner("import-items", file, "--mapping", mapping, "--mode", "full", "--force").err


def test_a_row_that_cannot_be_identified_keeps_items_open(owner, tmp_path):
    has_items(owner, tmp_path, *range(10))
    file, mapping = item_file(tmp_path, *map(row, range(9)), ",,invoice,2024-01-31,2024-03-01,1.00")
    ran = owner("import-items", file, "--mapping", mapping, "--mode", "full", code=1)
    assert "1 that the file does not have stay open: rejected rows may be theirs (--force)" in ran.err
    assert owner.events("item-cleared") == 0


def test_an_interrupted_import_leaves_whole_chunks_and_is_finished_by_the_next(owner, monkeypatch, tmp_path):
    monkeypatch.setattr(item_import, "CHUNK", 2)
    file, mapping = item_file(tmp_path, *map(row, range(5)))
    record = item_import._Run._record
    taken = []

    def interrupted(run, chunk):
        taken.append(chunk)
        if len(taken) == 3:
            raise KeyboardInterrupt
        record(run, chunk)

    monkeypatch.setattr(item_import._Run, "_record", interrupted)
    assert "interrupted" in owner("import-items", file, "--mapping", mapping, code=130).line
    assert owner.events("item-registered") == 4
    assert owner.events("import-finished") == 0
    assert "1 registered, 4 unchanged" in owner("import-items", file, "--mapping", mapping).err
    assert owner.events("item-registered") == 5


def test_a_mapping_that_comes_with_redress_is_named(owner, tmp_path):
    file = tmp_path / "ibm.csv"
    file.write_text(
        "countryCode,customerID,PaperlessDate,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,Disputed,SettledDate,"
        "PaperlessBill,DaysToSettle,DaysLate\n"
        "391,0379-NEVHP,4/6/2013,0000611365,1/2/2013,2/1/2013,55.94,No,1/15/2013,Paper,13,0\n"
    )
    assert "1 registered" in owner("import-items", file, "--mapping", "ibm").err
    assert "there is no mapping 'sap': give a TOML file, or one of datev, dynamics, fec, " in (
        owner("import-items", file, "--mapping", "sap", code=1).line
    )


BAD_FILES = {
    "not there": (None, "cannot be read: No such file"),
    "wrong encoding": (f"{HEADER}\n{row(1)}\n{row('é')}\n".encode("cp1252"), "line 3, byte"),
    "binary": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)), "items.csv"),
    "a workbook": (b"PK\x03\x04" + bytes(range(256)), "items.csv"),
    "zero bytes": (f"{HEADER}\n{row(1)}\n\0".encode(), "zero byte"),
    "empty": (b"", "items.csv"),
    "column missing": (b"customer,number,type,issued,due\nC1,1,invoice,2024-01-31,2024-03-01\n", "amount"),
    "ambiguous dates": (f"{HEADER}\nC1,1,invoice,01/02/2024,03/04/2024,1\n".encode(), "issued"),
    "10 MB cell": (
        f"{HEADER}\nC1,{'9' * 10_000_000},invoice,2024-01-31,2024-03-01,1\n".encode(),
        "characters",
    ),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(owner, tmp_path, name):
    content, reason = BAD_FILES[name]
    file, mapping = item_file(tmp_path)
    file.unlink() if content is None else file.write_bytes(content)
    before = owner.newest
    ran = owner("import-items", file, "--mapping", mapping, code=1)
    assert ran.line.startswith("items.csv: ")
    assert reason in ran.line
    assert len(ran.line) < 1_500
    assert owner.newest == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[columns", "map.toml"),
        (mapping_text(amount=""), "amount"),
        (mapping_text(amount='"total"'), "total"),
        (mapping_text(file='decimal = ";"'), "decimal"),
        (mapping_text(file='colour = "red"'), "colour"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused_in_one_line(owner, tmp_path, text, said):
    file, mapping = item_file(tmp_path, row(1))
    mapping.write_text(text)
    before = owner.newest
    assert said in owner("import-items", file, "--mapping", mapping, code=1).line
    assert owner.newest == before


def test_one_identity_twice_rejects_both_naming_each_other(owner, tmp_path):
    file, mapping = item_file(tmp_path, row(1), row(1, "11.00"))
    before = owner.newest
    ran = owner("import-items", file, "--mapping", mapping, code=1)
    assert "row 2: has the same entity, customer and number as row 3" in ran.err
    assert "row 3: has the same entity, customer and number as row 2" in ran.err
    assert owner.newest == before


# --- undo-import -----------------------------------------------------------------------------------


def imported(owner, tmp_path, *numbers: object) -> str:
    """Import invoices with these numbers; the import's id."""
    file, mapping = item_file(tmp_path, *map(row, numbers))
    return said(owner("import-items", file, "--mapping", mapping)).rpartition("import ")[2]


def test_05_an_import_is_undone_and_said_so(owner, tmp_path):
    import_id = imported(owner, tmp_path, 1, 2)
    would_be = owner("undo-import", import_id, "--dry-run")
    assert said(would_be) == f"import {import_id}: would be: 2 undone"
    assert owner.events("item-withdrawn") == 0
    assert said(owner("undo-import", import_id)) == f"import {import_id}: 2 undone"
    assert owner.events("item-withdrawn") == 2
    assert said(owner("undo-import", import_id)) == f"import {import_id}: 2 undone before"


def test_05_what_had_to_be_left_is_shown_or_listed_in_a_file(owner, tmp_path):
    import_id = imported(owner, tmp_path, *range(1, 13))
    imported(owner, tmp_path, "other")
    file, mapping = item_file(tmp_path, *(row(number, "5.00") for number in range(1, 12)))
    owner("import-items", file, "--mapping", mapping)
    ran = owner("undo-import", import_id, "--dry-run", code=1)
    first, second, *_, last = ran.err.splitlines()
    assert first == f"import {import_id}: would be: 1 undone, 11 left as they are"
    assert second.startswith("  C1 1: Item '1' is left as it is")
    assert last == "  … and 1 more; --left FILE lists them all"
    left = tmp_path / "left.csv"
    owner("undo-import", import_id, "--left", left, code=1)
    with left.open(newline="") as found:
        header, *listed = csv.reader(found)
    assert header == ["customer", "entity", "number", "reason"]
    assert listed[0][:3] == ["C1", "main", "1"]
    assert len(listed) == 11
    assert (
        said(owner("undo-import", import_id, "--force")) == f"import {import_id}: 11 undone, 1 undone before"
    )


def test_05_an_unknown_import_and_a_folder_that_is_not_there_are_refused(owner, tmp_path):
    missing = owner("undo-import", "00000000-0000-0000-0000-000000000005", code=1)
    assert "There is no import 00000000-0000-0000-0000-000000000005" in missing.err
    import_id = imported(owner, tmp_path, 1)
    assert (
        "--left: there is no folder"
        in owner("undo-import", import_id, "--left", tmp_path / "no" / "left.csv", code=1).err
    )
    assert owner.events("item-withdrawn") == 0


def test_04_a_number_that_is_too_long_is_rejected_with_its_row_and_column(owner, tmp_path):
    file, mapping = item_file(tmp_path, row("9" * 201), row(2))
    ran = owner("import-items", file, "--mapping", mapping, code=1)
    assert "column number: '999999999999" in ran.err
    assert "has more than 200 characters" in ran.err
    assert "row 2" in ran.err
    assert owner.events("item-registered") == 1
