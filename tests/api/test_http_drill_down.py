"""Drill-down: every row of a report leads to the list of what it counts, at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from statistics import fmean
from typing import Any

import pytest

from tests.api.http_service import ACME, Service, invoice, item, opening, service

__all__ = ["service"]

Row = dict[str, Any]


@pytest.fixture
def stocked(service: Service) -> Service:
    """Items and disputes that differ in whatever reports group by."""
    service.done("/v1/items", invoice("N1", "100.00", attributes={"sector": "food"}))
    service.done("/v1/items", invoice("N2", "200.00", entity="north", attributes={"sector": "a,b & c"}))
    service.done("/v1/items", invoice("N3", "300.00", issue_date="2026-02-03", due_date="2026-03-03"))
    service.done("/v1/items", invoice("N4", "400.00", customer="OTHER"))
    service.done("/v1/items", invoice("N5", "500.00", customer="OTHER", currency="USD"))
    service.done("/v1/items", invoice("N6", "600.00", due_date="2100-01-01"))
    both = [
        {"customer_code": ACME, "number": "N1"},
        {"customer_code": ACME, "number": "N2", "entity": "north"},
    ]
    service.done("/v1/disputes", opening(reference="two entities") | {"item_ids": both})
    service.done("/v1/disputes", opening("N3", reference="resolved"))
    service.done("/v1/disputes/resolved/resolve", {"outcome": "other"})
    usd = [{"customer_code": "OTHER", "number": "N5"}]
    nobodys = opening(reference="unassigned", type="quality", resolver_id=None) | {"item_ids": usd}
    service.done("/v1/disputes", nobodys)
    service.seen("/v1/items")
    return service


def listed(service: Service, row: Row) -> list[Row]:
    """The list behind *row*."""
    answer = service.get(row["drill_down"])
    assert answer.status_code == 200, (row, answer.text)
    rows: list[Row] = answer.json()["rows"]
    return rows


def total(rows: list[Row], column: str = "balance") -> Decimal:
    return sum((Decimal(row[column]) for row in rows), Decimal(0))


def is_the_number(row: Row, rows: list[Row]) -> bool:
    return bool(len(rows) == row["disputes"])


def is_the_sum(row: Row, rows: list[Row]) -> bool:
    return total(rows) == Decimal(row.get("total") or row.get("amount") or row["receivables"])


QUESTIONS: list[tuple[str, Callable[[Row, list[Row]], bool], int]] = [
    *[
        (f"dispute-report?by={by}", is_the_number, lacking)
        for by, lacking in (
            ("type", 0), ("customer", 0), ("resolver", 0), ("collector", 0), ("entity", 0), ("currency", 0),
            ("month", 0), ("age", 0), ("none", 0), ("attribute:sector", 1),
        )
    ],
    ("dispute-report?state=opened&by=month", is_the_number, 0),
    ("dispute-report?state=opened&by=entity&period_from=2026-01-01", is_the_number, 0),
    ("dispute-report?state=opened&by=resolver&attribute=sector=food", is_the_number, 0),
    ("dispute-report?state=resolved&by=type", is_the_number, 0),
    ("dispute-report?state=resolved&by=resolver&resolver=resolver", is_the_number, 0),
    *[
        (f"{report}?by={by}", is_the_sum, lacking)
        for report in ("aged-balance", "item-statuses")
        for by, lacking in (
            ("customer", 0), ("collector", 0), ("entity", 0), ("status", 0), ("currency", 0), ("month", 0),
            ("none", 0), ("attribute:sector", 2), ("resolver", 2),
        )
    ],
    ("aged-balance?by=month&period_from=2026-01-02&period_to=2026-01-31&status=price", is_the_sum, 0),
    ("aged-balance?attribute=sector=a,b %26 c&entity=north", is_the_sum, 0),
    ("receivables?by=customer", is_the_sum, 0),
    ("dispute-report?by=type,entity", is_the_number, 0),
    ("aged-balance?by=status,customer", is_the_sum, 0),
    *[
        (f"resolution-time?{asked}", lambda row, rows: len(rows) == row["count"], lacking)
        for asked, lacking in (
            ("by=type", 0), ("by=resolver,month", 0), ("by=none&first_episodes_only=true", 0),
            ("by=entity&status=price", 0), ("by=attribute:sector", 1),
        )
    ],
    ("agenda?days_ahead=30", lambda row, rows: len(rows) == row["items"], 2),  # steps of the scenario
]  # fmt: skip


def test_a_row_leads_to_the_list_of_what_it_counts(stocked: Service) -> None:
    for asked, is_told, lacking in QUESTIONS:
        found = stocked.get(f"/v1/reports/{asked}").json()
        rows = [*found["rows"], *found["totals"]]
        assert found["rows"], asked
        leading = [row for row in rows if row["drill_down"] is not None]
        assert len(rows) - len(leading) == lacking, asked
        for row in leading:
            assert is_told(row, listed(stocked, row)), (asked, row)


def test_34_a_row_of_the_resolution_time_leads_to_the_episodes_that_it_counts(stocked: Service) -> None:
    """Reopened as another type with another resolver, and resolved again: two episodes, in two rows."""
    dispute = "/v1/disputes/resolved"
    stocked.done(f"{dispute}/reopen", {"follow_up": {"due_on": "2100-01-04"}})
    stocked.done(f"{dispute}/change-type", {"type": "quality"})
    stocked.done(f"{dispute}/assign-resolver", {"resolver_id": "sales"})
    stocked.done(f"{dispute}/resolve", {"outcome": "other"})
    stocked.seen("/v1/items")
    for by, keys in (
        ("type", {"price", "quality"}),
        ("resolver", {"resolver", "sales"}),
        ("none", {"total"}),
    ):
        found = stocked.get(f"/v1/reports/resolution-time?by={by}").json()
        assert {row["key"] for row in found["rows"] if row["count"]} == keys
        for row in found["rows"]:
            days = [each["days"] for each in listed(stocked, row)]
            assert len(days) == row["count"]
            assert not days or fmean(days) == pytest.approx(row["mean_days"])


def test_a_list_behind_a_row_is_of_the_moment_of_the_report(stocked: Service) -> None:
    reports = ("dispute-report", "aged-balance?as_at=2026-02-10", "dispute-report?state=opened")
    before = [stocked.get(f"/v1/reports/{report}").json() for report in reports]
    lists = [listed(stocked, row) for found in before for row in found["rows"]]
    stocked.done("/v1/disputes/two entities/resolve", {"outcome": "other"})
    stocked.done(f"/v1/items/{item('N3')}/clear")
    stocked.done("/v1/items", invoice("N9", "900.00"))
    stocked.seen("/v1/items")
    assert [listed(stocked, row) for found in before for row in found["rows"]] == lists
    for found in before:
        for row in found["rows"]:
            assert f"known_at={found['parameters']['known_at']}" in row["drill_down"]
            assert "as_at=2026" in row["drill_down"]


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ("by=month", [1, 2]),
        ("by=resolver,month", [1, 2]),
        ("by=month,type", [1, 1, 1]),
        ("by=month&period_to=2026-04-30", [2]),
        ("by=resolver,month&period_to=2026-04-30", [2]),
        ("by=month&period_from=2026-04-01&status=quality", [1]),
    ],
)
def test_33_a_month_of_resolution_leads_to_what_was_resolved_there_last(
    stocked: Service, asked: str, numbers: list[int]
) -> None:
    for number, type_ in (("N7", "price"), ("N8", "quality")):
        stocked.done("/v1/items", invoice(number, "700.00"))
        dispute = f"/v1/disputes/again {number}"
        in_march, in_april = ({"at": f"2026-0{month}-05T09:00:00Z"} for month in (3, 4))
        told = opening(number, reference=f"again {number}", type=type_)
        stocked.done("/v1/disputes", told, params=in_march)
        stocked.done(f"{dispute}/resolve", {"outcome": "other"}, params=in_april)
        if number == "N8":
            stocked.done(f"{dispute}/reopen", {"follow_up": {"due_on": "2100-01-04"}})
            stocked.done(f"{dispute}/resolve", {"outcome": "other"})
    stocked.seen("/v1/items")
    found = stocked.get(f"/v1/reports/dispute-report?state=resolved&{asked}").json()
    for row in [*found["rows"], *found["totals"]]:
        assert len(listed(stocked, row)) == row["disputes"], row
    assert [row["disputes"] for row in found["rows"]] == numbers
