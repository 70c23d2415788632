"""`redress report items`: the item search, with its filters, as a page and as a whole."""

from __future__ import annotations

import csv
import io
import json

import pytest
from pyarrow import parquet
from python_calamine import CalamineWorkbook

from tests.api.cli_case import has_items, item_file, manager, owner, row

__all__ = ["manager", "owner"]

MORE_THAN_A_PAGE = 60


def numbers(redress, *options):
    whole = redress("report", "items", *options, "--format", "json").json
    return [each["number"] for each in whole["rows"]]


@pytest.fixture
def told(manager, tmp_path):
    """Three invoices; the first is promised to be paid, the third is cleared."""
    file, mapping = item_file(tmp_path, row("A-1", "10.00"), row("A-2", "20.50"), row("B-3", "40.00"))
    manager("import-items", file, "--mapping", mapping)
    lines = [
        {
            "command": "qualify_items",
            "at": "2024-03-05T09:00:00Z",
            "data": {
                "item_ids": [{"customer_code": "C1", "number": "A-1"}],
                "status": "promise_to_pay",
                "promised_on": "2024-04-01",
                "comment": "Mrs Lind",
            },
        },
        {
            "command": "clear_item",
            "at": "2024-03-06T09:00:00Z",
            "data": {
                "item_id": {"customer_code": "C1", "number": "B-3"},
                "cleared_on": "2024-03-06",
            },
        },
    ]
    history = tmp_path / "history.ndjson"
    history.write_text("".join(json.dumps(line) + "\n" for line in lines))
    manager("load", history)
    return manager


def test_37_the_words_of_a_text_and_the_filters_pick_items(told):
    assert numbers(told) == ["A-1", "A-2"]
    assert numbers(told, "--text", "LIND a-") == ["A-1"]
    assert numbers(told, "--text", "nothing like it") == []
    assert numbers(told, "--number", "A-2") == ["A-2"]
    assert numbers(told, "--item-type", "invoice", "--has-status", "no") == ["A-2"]
    assert numbers(told, "--item-type", "credit_note") == []
    assert numbers(told, "--kind", "promise_to_pay") == ["A-1"]
    assert numbers(told, "--status", "promise_to_pay", "--is-overdue", "yes") == ["A-1"]
    assert numbers(told, "--due-from", "2024-03-02") == numbers(told, "--due-to", "2024-02-29") == []
    assert numbers(told, "--is-disputed", "yes") == numbers(told, "--has-collector", "yes") == []
    assert numbers(told, "--dispute", "D1") == numbers(told, "--follow-up", "F1") == []
    assert numbers(told, "--sort", "balance") == ["A-2", "A-1"]


def test_37_what_is_not_open_is_found_where_it_is_asked_for(told):
    assert numbers(told, "--is-open", "no") == ["B-3"]
    assert numbers(told, "--is-open", "either") == ["A-1", "A-2", "B-3"]


def test_37_a_table_has_a_page_and_all_else_has_all_items(manager, tmp_path):
    has_items(manager, tmp_path, *range(MORE_THAN_A_PAGE))
    shown = manager("report", "items")
    assert len(shown.out.splitlines()) == 2 + 50
    assert "the first 50, and there are more" in shown.err
    whole = manager("report", "items", "--limit", "200")
    assert len(whole.out.splitlines()) == 2 + MORE_THAN_A_PAGE
    assert "more" not in whole.err
    assert len(numbers(manager)) == MORE_THAN_A_PAGE
    assert len(numbers(manager, "--limit", "7")) == 7
    lines = manager("report", "items", "--format", "csv").out
    assert len(list(csv.DictReader(io.StringIO(lines)))) == MORE_THAN_A_PAGE
    for ending in ("xlsx", "parquet"):
        manager("report", "items", "--output", tmp_path / f"items.{ending}")
    assert parquet.read_table(tmp_path / "items.parquet").num_rows == MORE_THAN_A_PAGE
    sheet = CalamineWorkbook.from_path(tmp_path / "items.xlsx").get_sheet_by_name("rows")
    assert len(sheet.to_python()) == 1 + MORE_THAN_A_PAGE


def test_37_it_finds_what_the_role_reaches(told):
    assert numbers(told, "--key", told.key("collector", "Cleo")) == []
