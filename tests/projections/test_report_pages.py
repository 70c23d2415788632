"""Pages of reports, and readings whose rows come as they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from projections import shares
from projections.aged_balance import aged_balance
from projections.agenda import AgendaParameters, agenda
from projections.cursors import read, written
from projections.dispute_months import dispute_months
from projections.dispute_report import DisputeReportParameters, dispute_report
from projections.item_statuses import item_statuses
from projections.parameters import ParameterInvalid, Parameters, Report
from projections.receivables import ReceivablesParameters, receivables
from projections.resolution_time import ResolutionTimeParameters, resolution_time
from projections.resolver_days import resolver_days
from projections.search import ItemSearch, items
from tests.projections.world import NOW, World, moment

Ask = Callable[..., Report[Any]]

QUESTIONS: Final[dict[str, tuple[Ask, Parameters]]] = {
    "agenda": (agenda, AgendaParameters()),
    "dispute_report": (dispute_report, DisputeReportParameters(by="customer")),
    "dispute_months": (dispute_months, Parameters()),
    "resolution_time": (resolution_time, ResolutionTimeParameters(by="customer")),
    "resolver_days": (resolver_days, ResolutionTimeParameters()),
    "item_statuses": (item_statuses, Parameters(by="customer")),
    "aged_balance": (aged_balance, Parameters()),
    "aged_balance by two": (aged_balance, Parameters(by="collector,customer")),
    "dispute_report by two": (dispute_report, DisputeReportParameters(by="customer,age")),
    "dispute_months by two": (dispute_months, Parameters(by="customer,month")),
    "resolution_time by two": (resolution_time, ResolutionTimeParameters(by="month,customer")),
    "receivables by two": (receivables, ReceivablesParameters(by="entity,customer")),
    "resolver_days by two": (resolver_days, ResolutionTimeParameters(by="month,customer")),
    "item_statuses by two": (item_statuses, Parameters(by="attribute:none,customer")),
    "receivables": (receivables, ReceivablesParameters(by="customer")),
}


@pytest.fixture
def busy(world: World) -> World:
    """Enough of everything that each report has several rows, and equal figures in some."""
    for number, customer in enumerate(("alpha", "beta", "gamma")):
        for place in range(2):
            one = world.item(f"{customer}{place}", customer, "50", due="2026-06-01")
            kept = world.item(f"{customer}{place}k", customer, "70", due=f"2026-0{number + 1}-01")
            name = f"over {customer} {place}"
            month = number + place + 1
            world.dispute(name, [one], f"2026-0{month}-10", resolver_id=None)
            world.end_dispute(name, f"2026-0{month}-20")
            world.dispute(f"{name} again", [kept], "2026-06-02")
    return world


def pages(ask: Ask, world: World, parameters: Parameters, limit: int) -> list[Report[Any]]:
    found = [ask(world.reading(), replace(parameters, limit=limit))]
    while (cursor := found[-1].next_cursor) is not None:
        found.append(ask(world.reading(), replace(parameters, limit=limit, cursor=cursor)))
    return found


@pytest.mark.parametrize("name", QUESTIONS)
def test_pages_of_a_report_hold_every_row_once_in_its_order_and_all_totals(busy: World, name: str):
    ask, parameters = QUESTIONS[name]
    whole = ask(busy.reading(), parameters)
    assert whole.next_cursor is None
    for limit in (1, 2):
        found = pages(ask, busy, parameters, limit)
        assert [row for page in found for row in page.rows] == [*whole.rows]
        assert {len(page.rows) for page in found[:-1]} <= {limit}
        assert all(page.totals == whole.totals for page in found)
        assert all(page.parameters["as_at"] == NOW for page in found)
    exactly = ask(busy.reading(), replace(parameters, limit=len(whole.rows)))
    assert exactly.next_cursor is None
    assert name == "resolver_days" or len(whole.rows) > 1


@pytest.mark.parametrize("name", QUESTIONS)
def test_all_pages_are_of_the_moment_of_the_first(busy: World, name: str):
    ask, parameters = QUESTIONS[name]
    whole = ask(busy.reading(), parameters)
    first = ask(busy.reading(), replace(parameters, limit=1))
    known = busy.position
    big = busy.item("big", "beta", "999999", due="2026-01-01")
    busy.dispute("big", [big], "2026-06-03")
    if first.next_cursor is None:
        assert len(whole.rows) == 1
        return
    later = busy.reading(now=moment("2026-06-25 12:00"))
    rest = ask(later, replace(parameters, cursor=first.next_cursor))
    assert (*first.rows, *rest.rows) == whole.rows
    assert (rest.parameters["as_at"], rest.parameters["known_at"]) == (NOW, known)
    assert rest.position > known


def test_a_page_has_no_more_rows_than_a_page_may_have(busy: World):
    for limit in (0, -1, 10_001):
        with pytest.raises(ParameterInvalid, match="limit"):
            aged_balance(busy.reading(), Parameters(limit=limit))


def test_a_cursor_that_is_none_is_refused(busy: World):
    cursor = aged_balance(busy.reading(), Parameters(limit=1)).next_cursor
    assert cursor is not None
    as_at, known, seen, last = read(cursor)
    wrong = [
        "", "x", "é", written([]), written(["a", "b", "c", "d"]), written([as_at, known, "0", last]),
        written([as_at, known, seen, "other"]), written([as_at, known, "99", last]),
        written([as_at, "-1", seen, last]), written(["2026-06-15T12:00:00", known, seen, last]),
        written([as_at, str(10**30), seen, last]), written([as_at, known, str(10**30), last]),
    ]  # fmt: skip
    for each in wrong:
        with pytest.raises(ParameterInvalid, match="give the next_cursor of a page"):
            aged_balance(busy.reading(), Parameters(cursor=each))
    with pytest.raises(ParameterInvalid, match="give the next_cursor of a page"):
        aged_balance(busy.reading(), Parameters(cursor=cursor, by="entity"))


# --- rows as they are asked for ----------------------------------------------------------------------


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_streamed_report_has_the_same_rows(busy: World, name: str):
    ask, parameters = QUESTIONS[name]
    whole = ask(busy.reading(), parameters)
    with busy.reading().streamed() as reading:
        found = ask(reading, parameters)
        assert found.rows == ()
        assert tuple(found.each()) == whole.rows
        assert found.position == whole.position
        assert found.next_cursor is None
    with busy.reading().streamed() as reading:
        page = ask(reading, replace(parameters, limit=1))
        assert tuple(page.each()) == whole.rows[:1]


@pytest.mark.parametrize("by", ["customer", "customer,entity", "entity,customer", "attribute:none", "none"])
@pytest.mark.parametrize("at_a_time", [1, 2, 100])
def test_a_streamed_report_that_is_computed_share_by_share_has_the_same_rows(
    busy: World, monkeypatch: pytest.MonkeyPatch, by: str, at_a_time: int
):
    monkeypatch.setattr(shares, "GROUPS_AT_A_TIME", at_a_time)
    for currency, large in (("USD", "gamma"), ("GBP", "alpha")):
        for number, customer in enumerate(("alpha", "beta", "gamma", "delta")):
            balance = "900" if customer == large else "100"
            one = busy.item(f"{currency} {number}", customer, balance, currency=currency, entity="south")
            busy.dispute(f"{currency} {number}", [one], f"2026-06-0{number + 1}")
            if number % 2:
                busy.end_dispute(f"{currency} {number}", f"2026-06-0{number + 2}")
    busy.item("USD north", "alpha", "850", currency="USD", entity="north")  # with the other more than gamma's
    for name in ("resolution_time", "receivables"):
        ask, parameters = QUESTIONS[name]
        whole = ask(busy.reading(), replace(parameters, by=by))
        assert whole.rows
        with busy.reading().streamed() as reading:
            assert tuple(ask(reading, replace(parameters, by=by)).each()) == whole.rows


def test_a_streamed_report_by_two_has_the_groups_of_each_currency_in_its_order(busy: World):
    for currency, large in (("USD", "gamma"), ("GBP", "alpha")):
        for number, customer in enumerate(("alpha", "beta", "gamma")):
            balance = "900" if customer == large else "100"
            busy.item(f"{currency} {number}", customer, balance, currency=currency)
    whole = aged_balance(busy.reading(), Parameters(by="customer,month"))
    assert {row.key for row in whole.rows if row.currency == "USD"} == {"alpha", "beta", "gamma"}
    with busy.reading().streamed() as reading:
        assert tuple(aged_balance(reading, Parameters(by="customer,month")).each()) == whole.rows


def test_37_a_streamed_list_has_all_rows_unless_a_limit_is_told(busy: World):
    for number in range(60):
        busy.item(f"more{number:02}", "alpha", str(number + 1))
    with busy.reading().streamed() as reading:
        found = items(reading, ItemSearch(is_open=None))
        assert found.rows == ()
        rows = list(found.each())
    assert len(rows) == 72
    assert {row.is_collectable for row in rows} == {True, False}
    with busy.reading().streamed() as reading:
        page = items(reading, ItemSearch(limit=3))
        assert len(page.rows) == 3
        assert page.next_cursor is not None
    assert len(items(busy.reading(), ItemSearch()).rows) == 50


def test_a_streamed_reading_is_one_snapshot_and_gives_its_connection_back(busy: World):
    for turn in range(5):  # the pool has two connections
        with busy.reading().streamed() as reading:
            coming = items(reading, ItemSearch()).each()
            next(coming)
            busy.item(f"late {turn}", "alpha", "1")
            assert f"late {turn}" not in {row.number for row in coming}
    assert "late 4" in {row.number for row in items(busy.reading(), ItemSearch()).rows}


def test_a_report_that_is_refused_gives_its_connection_back(busy: World):
    for _ in range(5):
        with busy.reading().streamed() as reading, pytest.raises(ParameterInvalid):
            items(reading, ItemSearch(sort="colour"))
    assert len(items(busy.reading(), ItemSearch()).rows) > 0
