"""Real files of other people, through the shipped mappings; figures from their `expected.json`."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from api.item_file import ItemRow, read_items, read_mapping, shipped_mappings

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real data is not at {DATA}")

IBM = "ibm_accounts_receivable/WA_Fn-UseC_-Accounts-Receivable.csv"


def read(file: str, mapping: Path) -> list[ItemRow]:
    found = list(
        read_items(DATA / file, read_mapping(mapping), default_currency="USD", default_entity="main")
    )
    items = [item for item in found if isinstance(item, ItemRow)]
    assert len(items) == len(found), [row for row in found if not isinstance(row, ItemRow)][:3]
    return items


def expected(folder: str):
    return json.loads((DATA / folder / "expected.json").read_text(encoding="utf-8"))


def test_the_invoices_of_ibm():
    items, told = read(IBM, shipped_mappings()["ibm"]), expected("ibm_accounts_receivable")
    assert len(items) == told["rows"] == 2_466
    assert len({item.customer_code for item in items}) == told["customers"]
    assert sum(item.amount for item in items) == Decimal(told["amount"]["total"]) == Decimal("147703.18")
    assert sum(item.number.startswith("0") for item in items) == told["invoice_numbers_with_leading_zero"]
    for field, dates in (("InvoiceDate", "issue_date"), ("DueDate", "due_date")):
        found = sorted(getattr(item, dates) for item in items)
        assert [found[0].isoformat(), found[-1].isoformat()] == told["date_ranges"][field]
    assert Counter(item.attributes["Disputed"] for item in items)["Yes"] == told["disputed"]["n"]
    assert sorted({item.attributes["countryCode"] for item in items}) == told["countries"]
    assert "SettledDate" in items[0].attributes


def test_the_copy_that_lost_its_zeros_has_the_same_identities_when_padded(tmp_path):
    text = shipped_mappings()["ibm"].read_text(encoding="utf-8")
    line = 'number = "invoiceNumber"'
    assert line in text
    padded = tmp_path / "padded.toml"
    padded.write_text(text.replace(line, 'number = { column = "invoiceNumber", pad = 10 }'), encoding="utf-8")
    copy = "ibm_accounts_receivable/alt_pbifinanceml.csv"
    first = {content(item) for item in read(IBM, shipped_mappings()["ibm"])}
    assert {content(item) for item in read(copy, padded)} == first
    unpadded = {content(item) for item in read(copy, shipped_mappings()["ibm"])}
    assert len(first - unpadded) == 266


def content(item: ItemRow):
    key = (item.entity, item.customer_code, item.number)
    return (*key, item.amount, item.issue_date, item.due_date, frozenset(item.attributes.items()))


def test_the_open_items_of_highradius():
    file = "highradius/highradius_open_invoices_shubhi.csv"
    items, told = read(file, shipped_mappings()["highradius"]), expected("highradius")
    assert len(items) == told["rows"] == 9_700
    assert items[0].number == "1930571429"
    assert {item.type for item in items} == {"invoice"}
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for item in items:
        sums[item.currency] += item.amount
        sums[item.entity] += item.amount
    for group in (told["by_currency"], told["by_business_code"]):
        for key, figures in group.items():
            assert sums[key] == Decimal(figures["amount"])
    assert len({item.customer_code for item in items}) == told["cust_number"]
    assert [
        min(i.issue_date for i in items).isoformat(),
        max(i.issue_date for i in items).isoformat(),
    ] == told["posting"]
    assert [min(i.due_date for i in items).isoformat(), max(i.due_date for i in items).isoformat()] == told[
        "due"
    ]


def test_the_journal_of_an_s4hana_system(tmp_path):
    mapping = tmp_path / "sap.toml"
    mapping.write_text(
        """
        [file]
        format = "jsonl"
        [columns]
        entity = "companyCode"
        customer_code = "customer"
        number = { join = ["accountingDocument", "accountingDocumentItem"], with = "-" }
        type = { positive = "invoice", negative = "credit_note" }
        issue_date = "documentDate"
        due_date = "postingDate"
        amount = "amountInTransactionCurrency"
        currency = "transactionCurrency"
        cleared_on = "clearingDate"
        """,
        encoding="utf-8",
    )
    folder = "sap_o2c/journal_entry_items_accounts_receivable"
    files = sorted((DATA / folder).glob("*.jsonl"))
    items = [item for file in files for item in read(f"{folder}/{file.name}", mapping)]
    told = expected("sap_o2c")
    assert len(items) == told["journal_items"]
    assert sum(item.amount for item in items) == Decimal(told["sum"])
    assert sum(item.balance for item in items) == Decimal(told["open_amount"])


def test_free_text_with_quotation_marks_and_line_breaks(tmp_path):
    mapping = tmp_path / "cfpb.toml"
    mapping.write_text(
        """
        [file]
        date = "m/d/yyyy"
        [columns]
        customer_code = "Company"
        number = { join = ["Date received", "Issue", "ZIP code", "Product", "State"], with = " " }
        type = { constant = "other" }
        issue_date = "Date received"
        due_date = "Date sent to company"
        amount = { constant = "1" }
        """,
        encoding="utf-8",
    )
    found = list(
        read_items(
            DATA / "cfpb_complaints" / "nobieyi00.csv",
            read_mapping(mapping),
            default_currency="USD",
            default_entity="main",
        )
    )
    assert len(found) == 3_186
    assert found[-1].row == 3_187
