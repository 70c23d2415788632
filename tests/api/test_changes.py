"""What changed between two moments of a report, over HTTP and on the command line."""

from __future__ import annotations

import csv
import io
import json

import pytest

from projections.comparable import COMPARABLE
from tests.api.cli_case import has_items, manager, owner
from tests.api.http_service import Service, invoice, opening, problem

__all__ = ["has_items", "manager", "owner"]


@pytest.fixture
def stocked(service: Service) -> Service:
    for number in range(3):
        service.done("/v1/items", invoice(f"N{number}", f"{number + 1}00.00"))
    return service


def test_40_what_changed_of_every_report_that_can_be_compared(stocked: Service) -> None:
    before = stocked.newest()
    stocked.done("/v1/disputes", opening("N1", "N2"))
    stocked.done("/v1/disputes", opening("N0", reference="D0"))
    stocked.done("/v1/disputes/D0/resolve", {"outcome": "other"})
    for report in COMPARABLE:
        ahead = "&days_ahead=30" if report == "agenda" else ""
        path = f"/v1/reports/{report}/changes?since_known_at={before}{ahead}"
        found = stocked.seen(path)
        assert found["report"] == report
        assert found["position"] == found["parameters"]["known_at"] == stocked.newest()
        assert found["parameters"]["since_known_at"] == before
        assert found["rows"], report
        contributions = [each for row in found["rows"] for each in row["contributions"]]
        assert all(set(each["figures"]) == set(found["figures"]) for each in contributions)
        lines = list(csv.DictReader(io.StringIO(stocked.get(f"{path}&format=csv").text)))
        assert [line["kind"] for line in lines] == [each["kind"] for each in contributions]
        nothing = stocked.get(f"/v1/reports/{report}/changes?since_known_at={stocked.newest()}&format=csv")
        assert nothing.text.split("\r\n")[:2] == [",".join(lines[0]), ""]


def test_32_the_command_line_compares_agendas(manager, tmp_path):
    has_items(manager, tmp_path, 1)
    asked = ("what-changed", "agenda", "--since-as-at", "1999-01-01")
    text = manager(*asked, "--days-ahead", "14").out
    assert "(none) customer_without_collector: lines 0 → 1 (+1)" in text
    assert "customer C1 of C1: It has come due." in text
    assert manager(*asked, "--until", "1999-01-01", "--person", "nobody").out.strip() == "nothing changed"
    assert (
        "takes no --until" in manager("what-changed", "aged-balance", *asked[2:], "--until", "x", code=1).line
    )


def test_40_a_contribution_names_its_events_with_both_clocks(stocked: Service) -> None:
    before = stocked.newest()
    stocked.done("/v1/disputes", opening("N1", "N2"))
    (row,) = stocked.seen(f"/v1/reports/dispute-report/changes?since_known_at={before}")["rows"]
    assert row["figures"]["amount"] == {"before": "0", "after": "500.00", "change": "500.00"}
    (opened,) = row["contributions"]
    assert (opened["kind"], opened["name"]) == ("opened", "D")
    assert {"position", "occurred_at", "recorded_at", "actor_name", "role", "sentence"} <= set(
        opened["events"][0]
    )


def test_40_what_cannot_be_compared_is_refused(stocked: Service) -> None:
    for query in (
        "",
        "?since_as_at=2100-01-01",
        "?since_known_at=99999",
        "?since_as_at=2026-01-01&by=weather",
    ):
        problem(stocked.get(f"/v1/reports/dispute-report/changes{query}"), 422, "parameter-invalid")
    for query in ("?since=1", "?since_known_at=1&limit=10", "?since_known_at=1&format=xlsx"):
        problem(stocked.get(f"/v1/reports/dispute-report/changes{query}"), 422, "malformed-request")


def test_34_what_does_not_add_up_is_told_of_the_row_at_both_moments(stocked: Service) -> None:
    before = stocked.newest()
    stocked.done("/v1/disputes", opening("N1", "N2"))
    path = f"/v1/reports/resolution-time/changes?since_known_at={before}"
    found = stocked.seen(path)
    (row,) = found["rows"]
    assert row["statistics"].keys() == set(found["statistics"]) > {"median_days", "km_median_days"}
    assert row["statistics"]["median_days"] == {"before": None, "after": None, "change": None}
    assert row["mean_basis"] == found["totals"][0]["mean_basis"] == "closed only"
    (line,) = csv.DictReader(io.StringIO(stocked.get(f"{path}&format=csv").text))
    assert {f"row_{name}_after" for name in found["statistics"]} < line.keys()
    assert line["row_mean_basis"] == "closed only"
    other = stocked.seen(f"/v1/reports/dispute-report/changes?since_known_at={before}")
    assert other["statistics"] == []
    assert other["rows"][0]["statistics"] == {}
    assert other["rows"][0]["mean_basis"] is None


def test_34_the_command_line_says_that_medians_do_not_add_up(manager, tmp_path):
    has_items(manager, tmp_path, 1)
    before = manager.newest
    history = tmp_path / "history.ndjson"
    lines = [
        {
            "command": "open_dispute",
            "at": "2024-03-02T09:00:00Z",
            "data": {
                "reference": "D1",
                "item_ids": [{"customer_code": "C1", "number": "1"}],
                "type": "price",
                "reason": "Too dear",
            },
        },
        {
            "command": "resolve_dispute",
            "at": "2024-03-12T09:00:00Z",
            "data": {"dispute_id": "D1", "outcome": "other"},
        },
    ]
    history.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    manager("load", history)
    text = manager("what-changed", "resolution-time", "--since-known-at", str(before)).out
    row, statistics, caution, contribution, *_ = text.splitlines()
    assert row.endswith("count 0 → 1 (+1), days 0 → 10.000000 (+10.000000)")
    assert "mean_days none → 10.000000 (closed only), median_days" in statistics
    assert "median_days none → 10.000000, p90_days none → 10.000000" in statistics
    assert "do not add up" in caution
    assert "D1 of C1, episode 1: It was resolved." in contribution
    total, statistics = manager(
        "what-changed", "resolution-time", "--since-as-at", "2024-03-31"
    ).out.splitlines()
    assert total.endswith("count 1, days 10.000000")
    assert "median_days 10.000000, p90_days 10.000000" in statistics


def test_40_rows_of_two_groupings_have_both_keys(stocked: Service, manager, tmp_path) -> None:
    before = stocked.newest()
    stocked.done("/v1/disputes", opening("N1", "N2"))
    path = f"/v1/reports/dispute-report/changes?since_known_at={before}&by=type,customer"
    found = stocked.seen(path)
    (row,) = found["rows"]
    assert (row["key"], row["second_key"], row["second_label"]) == ("price", "ACME", "Acme Foods")
    assert [(each["key"], each["second_key"]) for each in found["totals"]] == [
        ("price", "total"), ("total", "total"),
    ]  # fmt: skip
    (line,) = csv.DictReader(io.StringIO(stocked.get(f"{path}&format=csv").text))
    assert (line["key"], line["second_key"]) == ("price", "ACME")
    has_items(manager, tmp_path, 1)
    text = manager("what-changed", "item-statuses", "--since-as-at", "1999-01-01", "--by", "customer,status")
    assert "C1, (none) EUR: items 0 → 1 (+1)" in text.out
    assert "C1, total EUR: items 0 → 1 (+1)" in text.out


def test_38_the_command_line_says_why_the_dso_is_another(manager, tmp_path):
    has_items(manager, tmp_path, 1)
    asked = ("what-changed", "receivables", "--since-as-at", "1999-01-01", "--sales-days")
    assert "--sales-days" in manager(*asked, "36500", code=1).line
    text = manager(*asked, "3660").out
    assert text.count("dso none → ") == 8  # with the row and the total, and not with the month again
    assert "It was registered." in text
    since = manager.newest
    file = tmp_path / "sales.csv"
    file.write_text("month;amount\n2024-01;5000\n", encoding="utf-8")
    manager("sales", "import", file)
    text = manager("what-changed", "receivables", "--since-known-at", str(since)).out
    assert "sales main 2024-01: The company stated it." in text


def test_40_the_command_line_tells_what_changed(manager, tmp_path):
    has_items(manager, tmp_path, 1, 2)
    before = manager.newest
    text = manager("what-changed", "item-statuses", "--since-as-at", "1999-01-01").out
    assert ": items 0 → " in text
    assert "It was registered." in text
    assert "item-registered.v1 by " in text
    nothing = manager("what-changed", "dispute-report", "--since-known-at", str(before))
    assert nothing.out.strip() == "nothing changed"
    assert f"at position {before}" in nothing.err
    asked = ("what-changed", "aged-balance", "--since-as-at", "1999-01-01", "--format")
    found = manager(*asked, "json").json
    lines = list(csv.DictReader(io.StringIO(manager(*asked, "csv").out)))
    assert len(lines) == sum(len(row["contributions"]) for row in found["rows"]) > 0
    assert all("recorded" in line["events"] for line in lines)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["dispute-report"], "--since-as-at or --since-known-at"),
        (["items", "--since-as-at", "2026-01-01"], "dispute-report, dispute-months"),
        (["aged-balance", "--since-as-at", "yesterday"], "--since-as-at: give a date"),
        (["aged-balance", "--since-known-at", "1", "--state", "open"], "takes no --state"),
    ],
)
def test_40_the_command_line_says_what_cannot_be_compared(owner, asked, said):
    assert said in owner("what-changed", *asked, code=1).line
