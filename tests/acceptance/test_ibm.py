"""The main job on the receivables that IBM published: 2 466 invoices, 561 of them disputed and settled.

Figures from `expected.json`, which others computed."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from api.item_file import shipped_mappings
from tests.api.command_line import Redress, elsewhere

FOLDER = "ibm_accounts_receivable"
FIRST = "WA_Fn-UseC_-Accounts-Receivable.csv"
SECOND = "alt_pbifinanceml.csv"


@pytest.fixture
def data(shared_data):
    return shared_data / FOLDER


@pytest.fixture
def redress(database, monkeypatch, capsys):
    redress = elsewhere(Redress(database, monkeypatch, capsys), monkeypatch)
    redress("found", "acme", "--name", "Acme", "--currency", "USD", "--zone", "UTC")
    redress.uses(redress.key("credit_manager", "Mona Reyes"))
    return redress


def day(text: str):
    return datetime.strptime(text, "%m/%d/%Y").date()  # noqa: DTZ007 - a date


def history(path):
    """Every disputed invoice: opened on its date, chased a week later, resolved when settled."""
    with path.open(newline="") as file:
        disputed = [row for row in csv.DictReader(file) if row["Disputed"] == "Yes"]
    told = []
    for row in disputed:
        number, opened, settled = row["invoiceNumber"], day(row["InvoiceDate"]), day(row["SettledDate"])
        chased = opened + timedelta(days=7)
        item = {"customer_code": row["customerID"], "number": number}
        told += [
            line(
                "open_dispute",
                opened,
                f"{number}/1",
                type="price",
                reference=number,
                item_ids=[item],
                plan_follow_up=False,
            ),
            line(
                "plan_follow_up",
                opened,
                f"{number}/2",
                title="Ask for the reason",
                reference=f"F-{number}",
                due_on=chased.isoformat(),
                dispute_id=number,
            ),
            line("chase_resolver", chased, f"{number}/3", follow_up_id=f"F-{number}", text="What about it?"),
            line("resolve_dispute", settled, f"{number}/4", dispute_id=number, outcome="invoice_upheld"),
        ]
    return sorted(told, key=lambda each: each["at"])


def line(command, at, key, **data):
    return {"command": command, "at": at.isoformat(), "actor": "clerk", "key": key, "data": data}


def expected_times(figures):
    return tuple(pytest.approx(figures[name], abs=1e-6) for name in ("n", "mean", "median", "p90"))


def times(row):
    return (row["count"], row["mean_days"], row["median_days"], row["p90_days"])


def prepared(redress, data, tmp_path):
    """Imported, with five resolvers and the rule that finds them."""
    told = json.loads((data / "expected.json").read_text())
    redress("import-items", data / FIRST, "--mapping", "ibm")
    team = tmp_path / "team.csv"
    team.write_text(
        "code,name,role,assignment_values\n"
        "clerk,Ledger clerk,,\n"
        + "".join(f"r{country},Resolver {country},resolver,{country}\n" for country in told["countries"])
    )
    redress("people", "import", team)
    redress("settings", "change", "--assignment-field", "item:countryCode")
    file = tmp_path / "history.ndjson"
    file.write_text("".join(json.dumps(each) + "\n" for each in history(data / FIRST)))
    return told, file


def test_the_disputes_of_two_years_are_imported_told_and_reported(redress, data, tmp_path):
    told, file = prepared(redress, data, tmp_path)
    assert redress.events("item-registered") == told["rows"] == 2_466
    ((zeros,),) = redress.rows(
        "select count(*) from company_acme.events"
        " where type = 'item-registered.v1' and data->>'number' like '0%'"
    )
    assert zeros == told["invoice_numbers_with_leading_zero"] == 266

    loaded = redress("load", file)
    assert "2244 carried out, 0 without effect, 0 loaded before, 0 refused" in loaded.err
    assert redress.events("dispute-opened") == told["disputed"]["n"] == 561
    after = redress.newest
    assert "0 carried out, 0 without effect, 2244 loaded before, 0 refused" in redress("load", file).err
    assert redress.newest == after

    reported = redress("report", "dispute-report", "--state", "opened", "--format", "json").json
    (total,) = reported["totals"]
    assert reported["position"] == after
    assert reported["parameters"]["state"] == "opened"
    assert (total["disputes"], total["items"], total["currency"]) == (561, 561, "USD")
    assert Decimal(total["amount"]) == Decimal(told["disputed"]["amount"]) == Decimal("36746.12")
    of_country = redress(
        "report", "dispute-report", "--state", "opened", "--by", "resolver", "--format", "json"
    )
    assert {row["label"]: (row["disputes"], Decimal(row["amount"])) for row in of_country.json["rows"]} == {
        f"Resolver {country}": (figures["disputed_n"], Decimal(figures["disputed_amount"]))
        for country, figures in told["by_country"].items()
    }

    (total,) = redress("report", "resolution-time", "--format", "json").json["totals"]
    assert times(total) == expected_times(told["days_to_settle"]["disputed"])
    assert times(total) == (561, pytest.approx(36.424242, abs=1e-6), 37, 52)
    assert total["still_open"] == 0
    by_country = redress(
        "report", "resolution-time", "--by", "attribute:countryCode", "--format", "json"
    ).json
    assert {row["key"]: times(row) for row in by_country["rows"]} == {
        country: expected_times(figures["days_to_settle_disputed"])
        for country, figures in told["by_country"].items()
    }

    assert "no difference" in redress("verify").err


def test_a_copy_that_lost_its_leading_zeros_is_noticed_and_a_padded_one_changes_nothing(
    redress, data, tmp_path
):
    redress("import-items", data / FIRST, "--mapping", "ibm")
    before = redress.newest
    rejects = tmp_path / "rejects.csv"
    ran = redress("import-items", data / SECOND, "--mapping", "ibm", "--rejects", rejects, code=1)
    assert "2200 unchanged, 266 rejected" in ran.err
    with rejects.open(newline="") as file:
        rejected = list(csv.DictReader(file))
    assert len(rejected) == 266
    assert all("but for leading zeros; set `pad = 10` in the mapping" in each["reason"] for each in rejected)
    assert {each["column"] for each in rejected} == {"invoiceNumber"}
    assert redress.newest == before

    mapping = tmp_path / "padded.toml"
    text = shipped_mappings()["ibm"].read_text()
    mapping.write_text(text.replace('= "invoiceNumber"', '= { column = "invoiceNumber", pad = 10 }'))
    assert (
        "2466 unchanged; nothing was recorded"
        in redress("import-items", data / SECOND, "--mapping", mapping).err
    )
    assert redress.newest == before


def test_importing_the_same_file_twice_changes_nothing(redress, data):
    redress("import-items", data / FIRST, "--mapping", "ibm")
    before = redress.newest
    for mode in ("delta", "full"):
        ran = redress("import-items", data / FIRST, "--mapping", "ibm", "--mode", mode)
        assert "2466 unchanged; nothing was recorded" in ran.err
    assert redress.newest == before
