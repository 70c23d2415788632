"""`redress report`: every report in every form, and what cannot be asked."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal

import pytest

from tests.api.cli_case import has_items, item_file, manager, owner, row

__all__ = ["manager", "owner"]

REPORTS = (
    "agenda",
    "dispute-report",
    "dispute-months",
    "resolution-time",
    "resolver-days",
    "item-statuses",
    "aged-balance",
    "receivables",
    "items",
    "episodes",
)


@pytest.fixture
def told(manager, tmp_path):
    """Three invoices, two of them disputed, one dispute resolved after ten days."""
    file, mapping = item_file(tmp_path, row(1, "10.00"), row(2, "20.50"), row(3, "40.00"))
    manager("import-items", file, "--mapping", mapping)
    lines = [
        {
            "command": "open_dispute",
            "at": f"2024-03-0{number}T09:00:00Z",
            "data": {
                "reference": f"D{number}",
                "type": kind,
                "item_ids": [{"customer_code": "C1", "number": str(number)}],
            },
        }
        for number, kind in ((1, "price"), (2, "quality"))
    ]
    lines.append(
        {
            "command": "resolve_dispute",
            "at": "2024-03-11T09:00:00Z",
            "data": {"dispute_id": "D1", "outcome": "other"},
        }
    )
    history = tmp_path / "history.ndjson"
    history.write_text("".join(json.dumps(line) + "\n" for line in lines))
    manager("load", history)
    return manager


def rows(redress, *arguments):
    return redress("report", *arguments, "--format", "json").json["rows"]


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_comes_as_table_json_and_csv(told, name):
    whole = told("report", name, "--format", "json").json
    assert whole["position"] == told.newest
    assert {"as_at", "known_at"} <= set(whole["parameters"])
    assert whole["rows"]
    columns = list(whole["rows"][0])
    table = told("report", name)
    shown = table.out.splitlines()[0].split()
    assert shown == [column for column in columns if column in shown]
    assert {"key", "kind", "episodes", "episode", "number"} & set(shown)
    assert f"at position {told.newest}" in table.err
    found = list(csv.DictReader(io.StringIO(told("report", name, "--format", "csv").out)))
    assert list(found[0]) == columns
    assert len(found) == len(whole["rows"])


def test_the_columns_that_others_rely_on(told):
    def columns(name):
        return set(rows(told, name)[0])

    assert {"key", "count", "mean_days", "median_days", "p90_days", "still_open"} <= columns(
        "resolution-time"
    )
    assert {"key", "currency", "disputes", "items", "amount"} <= columns("dispute-report")
    assert {
        "key",
        "currency",
        "not_due",
        "1-30",
        "31-60",
        "61-90",
        "over_90",
        "total",
        "disputed",
    } <= columns("aged-balance")


def test_amounts_are_texts_and_days_are_numbers(told):
    (dispute,) = rows(told, "dispute-report")
    assert (dispute["key"], dispute["amount"], dispute["disputes"]) == ("quality", "20.50", 1)
    (resolved,) = [each for each in rows(told, "resolution-time") if each["count"]]
    assert (resolved["key"], resolved["mean_days"]) == ("price", 10.0)


def test_filters_and_groupings_reach_the_report(told):
    assert [each["key"] for each in rows(told, "dispute-report", "--state", "opened", "--type", "price")] == [
        "price"
    ]
    assert (
        rows(told, "dispute-report", "--state", "opened", "--from", "2024-03-02", "--to", "2024-03-31")[0][
            "key"
        ]
        == "quality"
    )
    assert [each["key"] for each in rows(told, "dispute-report", "--by", "customer")] == ["C1"]
    assert rows(told, "dispute-report", "--customer", "C2") == []
    assert rows(told, "aged-balance", "--currency", "EUR") == []
    (now,), (then,) = rows(told, "aged-balance"), rows(told, "aged-balance", "--as-at", "2024-02-10")
    assert (Decimal(now["over_90"]), Decimal(then["not_due"])) == (Decimal("70.50"), Decimal("70.50"))
    assert rows(told, "aged-balance", "--known-at", "1") == []


def test_33_two_groupings_one_within_the_other(told):
    whole = told(
        "report", "dispute-report", "--state", "opened", "--by", "customer,type", "--format", "json"
    ).json
    found = [[each[name] for name in ("key", "second_key", "amount")] for each in whole["rows"]]
    assert found == [["C1", "quality", "20.50"], ["C1", "price", "10.00"]]
    above = [[each[name] for name in ("key", "second_key", "amount")] for each in whole["totals"]]
    assert above == [["C1", "total", "30.50"], ["total", "total", "30.50"]]
    table = told("report", "dispute-report", "--state", "opened", "--by", "customer,type")
    assert table.out.split()[:4] == ["key", "label", "second_key", "second_label"]
    assert "30.50" in table.err
    lines = told("report", "aged-balance", "--by", "customer,status", "--format", "csv").out.splitlines()
    assert lines[0].startswith("key,label,second_key,second_label,currency,")
    assert [line.split(",")[2] for line in lines[1:]] == ["", "quality", "dispute_resolved"]
    assert "second_key" not in told("report", "dispute-report", "--by", "customer").out


def test_38_receivables_figures_take_the_sales_that_were_stated(told, tmp_path):
    (before,) = rows(told, "receivables", "--as-at", "2024-03-31", "--days", "31")
    assert (before["receivables"], before["disputed"], before["sales_source"]) == (
        "70.50",
        "20.50",
        "registered",
    )
    assert before["days_deduction_outstanding"] == pytest.approx(20.5 / 30.5 * 31)
    sales = tmp_path / "sales.csv"
    sales.write_text("month,currency,amount\n2024-03,USD,141.00\n2024-02,USD,500\n")
    told("sales", "import", sales)
    (after,) = rows(told, "receivables", "--as-at", "2024-03-31", "--sales-days", "31")
    assert (after["dso"], after["simple_dso"], after["sales_source"]) == (15.5, 15.5, "stated")
    refused = told("report", "receivables", "--sales-days", "0", code=1)
    assert "--sales-days" in refused.err
    assert "takes no --days" in told("report", "aged-balance", "--days", "9", code=1).err


def test_a_report_knows_what_was_just_done(told, tmp_path):
    has_items(told, tmp_path, 9)
    whole = told("report", "aged-balance", "--format", "json").json
    assert whole["position"] == told.newest
    assert Decimal(whole["totals"][0]["total"]) == Decimal("80.50")


@pytest.mark.parametrize("form", ["table", "csv"])
def test_40_what_was_asked_is_said_beside_a_table_and_csv(told, form):
    asked = ("--as-at", "2024-03-05", "--customer", "C1", "--attribute", "sector=food", "--by", "entity")
    ran = told("report", "aged-balance", *asked, "--format", form)
    line = ran.err.splitlines()[-1]
    newest = told.newest
    assert line.startswith(
        f"at position {newest}, as at 2024-03-05T23:59:59.999999+00:00, known at {newest}, "
    )
    assert {"customer C1", "attributes sector=food", "by entity"} <= set(line.split(", "))
    assert "at position" not in ran.out


def test_other_names_and_spellings(told):
    assert rows(told, "dispute") == rows(told, "dispute_report") == rows(told, "disputes")


def test_a_report_without_rows_says_so(manager):
    ran = manager("report", "agenda")
    assert ran.out == "nothing to report\n"
    assert manager("report", "agenda", "--format", "json").json["rows"] == []


def test_34_the_episodes_behind_the_resolution_time(told):
    assert [(row["reference"], row["days"]) for row in rows(told, "episodes")] == [("D1", 10.0)]
    assert rows(told, "episodes", "--type", "quality") == []
    opened = rows(told, "episodes", "--counted", "opened", "--sort", "oldest", "--first-episodes-only")
    assert [(row["reference"], row["state"]) for row in opened] == [("D1", "resolved"), ("D2", "open")]
    assert rows(told, "episodes", "--counted", "open", "--is-assigned", "yes") == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sales"], "there is no report 'sales'; there are: agenda, "),
        (["agenda", "--state", "open"], "the report agenda takes no --state"),
        (["aged-balance", "--person", "c1"], "the report aged-balance takes no --person"),
        (["dispute-report", "--state", "lost"], "--state: "),
        (["dispute-report", "--by", "colour"], "by"),
        (["dispute-report", "--by", "type,type"], "name two different ones"),
        (["dispute-report", "--by", "type,month,customer"], "group by two at most, such as entity,customer"),
        (["dispute-report", "--from", "yesterday"], "--from: "),
        (["dispute-report", "--from", "2024-03-02", "--to", "2024-03-01"], "it lies after period_to"),
        (["aged-balance", "--as-at", "31.03.2024"], "--as-at: give a date (2026-03-31)"),
        (["aged-balance", "--as-at", "2024-03-31T09:00:00"], "give the zone of the time"),
        (["aged-balance", "--known-at", "999999"], "give a position from 0 to"),
        (["aged-balance", "--attribute", "sector"], "write name=value"),
        (["agenda", "--days-ahead", "-1"], "--days-ahead: "),
        (["agenda", "--item-type", "invoice"], "the report agenda takes no --item-type"),
        (["items", "--by", "customer"], "the report items takes no --by"),
        (["items", "--sort", "colour"], "sort by customer, due_date, balance"),
        (["items", "--limit", "201"], "--limit: "),
        (["episodes", "--counted", "escalated"], "--counted: "),
    ],
)
def test_what_cannot_be_asked(told, arguments, said):
    assert said in told("report", *arguments, code=1).line


def test_csv_for_spreadsheets_and_for_machines(manager, tmp_path):
    customers = tmp_path / "customers.csv"
    customers.write_text('code,name\nC1,"=HYPERLINK(1)"\n')
    manager("customers", "import", customers)
    has_items(manager, tmp_path, 1)
    safe = manager("report", "aged-balance", "--format", "csv").out
    raw = manager("report", "aged-balance", "--format", "csv", "--raw").out
    assert ",'=HYPERLINK(1)," in safe
    assert ",=HYPERLINK(1)," in raw


def test_a_report_shows_what_the_role_reaches(told):
    assert rows(told, "dispute-report", "--key", told.key("resolver", "Ida")) == []
    assert rows(told, "aged-balance", "--key", told.key("collector", "Cleo")) == []


@pytest.mark.parametrize("name", REPORTS)
def test_40_every_report_takes_both_clocks(told, name):
    def understood(*clocks):
        found = told("report", name, *clocks, "--format", "json").json["parameters"]
        return (found["as_at"], found["known_at"])

    assert understood("--as-at", "2024-03-05") == ("2024-03-05T23:59:59.999999+00:00", told.newest)
    assert understood("--as-at", "2024-03-05T09:00:00+01:00")[0] in {
        "2024-03-05T09:00:00+01:00",
        "2024-03-05T08:00:00+00:00",
    }
    assert understood("--as-at", "2024-03-05", "--known-at", told.newest)[1] == told.newest
    assert understood("--known-at", "2020-01-01T00:00:00Z")[1] == 0
    assert "zone" in told("report", name, "--as-at", "2024-03-05T09:00:00", code=1).line
    assert "known_at" in told("report", name, "--known-at", told.newest + 1, code=1).line
