"""Public files of several systems, imported with the mappings that come with redress; figures from
`expected.json`, which others computed, or from the files by other means."""

from __future__ import annotations

import csv
import json
from decimal import ROUND_HALF_UP, Decimal

import pytest

from tests.api.command_line import Redress, elsewhere

ITEMS = """select coalesce(sum((data->'details'->>'amount')::numeric), 0),
                  coalesce(sum((data->'details'->>'balance')::numeric), 0), count(*),
                  count(distinct data->>'customer_code')
           from company_acme.events where type = 'item-registered.v1'"""


@pytest.fixture
def redress(database, monkeypatch, capsys):
    redress = elsewhere(Redress(database, monkeypatch, capsys), monkeypatch)
    redress("found", "acme", "--currency", "EUR", "--zone", "UTC")
    redress.uses(redress.key("credit_manager", "Mona Reyes"))
    return redress


def imported(redress, file, mapping):
    """What the import said of its rows, without its id."""
    said = redress("import-items", file, "--mapping", mapping).err.splitlines()
    assert len(said) == 1
    return said[0].split(": ", 1)[1].split("; import")[0]


def test_the_journal_of_an_s4hana_system(redress, shared_data):
    told = json.loads((shared_data / "sap_o2c" / "expected.json").read_text())
    folder = shared_data / "sap_o2c" / "journal_entry_items_accounts_receivable"
    for file in sorted(folder.glob("*.jsonl")):
        imported(redress, file, "sap_o2c")
    ((amount, _, count, customers),) = redress.rows(ITEMS)
    assert (amount, count) == (Decimal(told["sum"]), told["journal_items"])
    assert customers == len(told["by_customer"])
    rows = redress("report", "aged-balance", "--by", "currency", "--format", "json").json["rows"]
    assert [(row["key"], Decimal(row["total"])) for row in rows] == [("INR", Decimal(told["open_amount"]))]


def test_the_bookings_that_a_gem_writes_for_datev(redress, shared_data):
    told = json.loads((shared_data / "datev" / "expected.json").read_text())
    booking = told["EXTF_Buchungsstapel.csv"]["bookings"][1]
    file = shared_data / "datev" / "EXTF_Buchungsstapel.csv"
    assert imported(redress, file, "datev") == "1 registered"
    ((customer, number, details),) = redress.rows(
        "select data->>'customer_code', data->>'number', data->'details' from company_acme.events"
        " where type = 'item-registered.v1'"
    )
    assert (customer, number) == (booking["Konto"], booking["Belegfeld 1"])
    assert (details["amount"], details["issue_date"]) == ("5950.00", "2018-02-22")
    assert details["attributes"]["Buchungstext"] == booking["Buchungstext"]


def test_the_lines_of_customers_in_a_french_ledger(redress, shared_data):
    told = json.loads((shared_data / "fec" / "expected.json").read_text())["odoo_fec_expected_pipe.txt"]
    file = shared_data / "fec" / "odoo_fec_expected_pipe.txt"
    assert imported(redress, file, "fec") == f"{told['customer_lines_411']} registered"
    ((amount, balance, _, _),) = redress.rows(ITEMS)
    assert amount == balance == Decimal(told["411_balance"])


def test_the_copy_of_highradius_in_us_dollars(redress, shared_data):
    file = shared_data / "highradius" / "highradius_open_nulldata_noob.csv"
    with file.open(newline="") as text:
        rows = list(csv.DictReader(text))
    cent = Decimal("0.01")
    amount = sum(Decimal(row["converted_usd"]).quantize(cent, ROUND_HALF_UP) for row in rows)
    customers = {
        row["cust_number"].zfill(10) if row["cust_number"].isdigit() else row["cust_number"] for row in rows
    }
    assert imported(redress, file, "highradius_usd") == f"{len(rows)} registered"
    assert redress.rows(ITEMS) == [(amount, amount, len(rows), len(customers))]
    assert imported(redress, file, "highradius_usd") == f"{len(rows)} unchanged; nothing was recorded"
