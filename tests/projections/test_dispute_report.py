"""Dispute report (spec 33), by hand-made rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from domain.identity import person_id
from domain.refusals import RoleForbids
from domain.roles import Permission, Role
from projections.dispute_months import DisputeMonthRow, dispute_months
from projections.dispute_report import (
    Counted,
    DisputeReportParameters,
    DisputeReportRow,
    dispute_report,
)
from projections.parameters import ParameterInvalid, Parameters, Report
from projections.reading import Reading
from tests.projections.world import World, moment


def ask(reading: Reading, state: str = "open", **given: object) -> Report[DisputeReportRow]:
    parameters = replace(DisputeReportParameters(state=Counted(state)), **given)  # type: ignore[arg-type]
    return dispute_report(reading, parameters)


def figures(rows: tuple[DisputeReportRow, ...]) -> dict[str | None, tuple[int, int, int]]:
    """Disputes, items and amount by key; keys of other currencies than EUR say so."""
    return {
        row.key if row.currency == "EUR" else f"{row.key} {row.currency}": (
            row.disputes, row.items, int(row.amount),
        )
        for row in rows
    }  # fmt: skip


def months(reading: Reading, **given: object) -> dict[str, tuple[int, ...]]:
    """Opened, reopened, resolved and their amounts, by month and currency."""
    rows = dispute_months(reading, replace(Parameters(), **given)).rows  # type: ignore[arg-type]

    def told(row: DisputeMonthRow) -> tuple[int, ...]:
        amounts = (row.amount_opened, row.amount_reopened, row.amount_resolved)
        return (row.opened, row.reopened, row.resolved, *(int(amount) for amount in amounts))

    return {f"{row.key} {row.currency}": told(row) for row in rows}


@pytest.fixture
def open_ones(world: World) -> World:
    """Three open disputes, one of them over two entities, one in dollars; and an item nobody disputes."""
    north = world.item("1", "alpha", "1", entity="north", attributes={"site": "N"})
    south = world.item("2", "alpha", "2", entity="south", attributes={"site": "S"})
    also_south = world.item("3", "alpha", "4", entity="south", attributes={"site": "S"})
    part = world.item("4", "beta", "100")
    dollars = world.item("5", "beta", "16", currency="USD")
    world.item("6", "alpha", "57")
    world.dispute("both", [north, south, also_south], "2026-06-01", resolver_id=person_id("rita"))
    world.dispute("part", {part: "8"}, "2026-04-10", type="quality", resolver_id=person_id("rolf"))
    world.dispute("dollars", [dollars], "2026-02-28", opened_by=person_id("rita"))
    return world


def test_nothing_is_known_of_an_empty_company(empty: World):
    for state in Counted:
        report = ask(empty.reading(), state)
        assert report.rows == report.totals == ()
    assert months(empty.reading()) == {}


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (None, {"price": (1, 3, 7), "quality": (1, 1, 8), "price USD": (1, 1, 16)}),
        ("type", {"price": (1, 3, 7), "quality": (1, 1, 8), "price USD": (1, 1, 16)}),
        ("customer", {"alpha": (1, 3, 7), "beta": (1, 1, 8), "beta USD": (1, 1, 16)}),
        ("resolver", {"rita": (1, 3, 7), "rolf": (1, 1, 8), "None USD": (1, 1, 16)}),
        ("collector", {"cora": (1, 3, 7), "carl": (1, 1, 8), "carl USD": (1, 1, 16)}),
        ("entity", {"north": (1, 1, 1), "south": (1, 2, 6), "main": (1, 1, 8), "main USD": (1, 1, 16)}),
        ("currency", {"EUR": (2, 4, 15), "USD USD": (1, 1, 16)}),
        ("month", {"2026-04": (1, 1, 8), "2026-06": (1, 3, 7), "2026-02 USD": (1, 1, 16)}),
        ("age", {"0-30": (1, 3, 7), "61-90": (1, 1, 8), "over_90 USD": (1, 1, 16)}),
        ("none", {"total": (2, 4, 15), "total USD": (1, 1, 16)}),
        ("attribute:site", {"N": (1, 1, 1), "S": (1, 2, 6), None: (1, 1, 8), "None USD": (1, 1, 16)}),
    ],
)
def test_open_disputes_by_each_grouping(open_ones: World, by: str | None, expected: dict[str | None, object]):
    report = ask(open_ones.reading(), by=by)
    assert figures(report.rows) == expected
    assert figures(report.totals) == {"total": (2, 4, 15), "total USD": (1, 1, 16)}


def test_rows_come_in_an_order_that_tells_something(open_ones: World):
    def keys(by: str) -> list[str | None]:
        return [row.key for row in ask(open_ones.reading(), by=by, currency="EUR").rows]

    assert keys("customer") == ["beta", "alpha"]
    assert keys("age") == ["0-30", "61-90"]


def test_a_dispute_ages_from_its_opening_in_the_companys_zone(world: World):
    def age(now: str) -> list[str | None]:
        return [row.key for row in ask(replace(world.reading(), now=moment(now)), by="age").rows]

    item = world.item("1", "alpha", "1")
    world.dispute("d", [item], "2026-05-17 02:00")
    assert age("2026-06-16 05:00") == ["0-30"]
    world.change("settings_states", "name", "Acme", "2026-06-01", zone="America/New_York")
    assert age("2026-06-16 03:00") == ["0-30"]  # there it is the 15th, and was the 16th
    assert age("2026-06-16 05:00") == ["31-60"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"entity": "south"}, {"total": (1, 2, 6)}),
        ({"entity": "main"}, {"total": (1, 1, 8), "total USD": (1, 1, 16)}),
        ({"customer": "alpha"}, {"total": (1, 3, 7)}),
        ({"collector": person_id("carl")}, {"total": (1, 1, 8), "total USD": (1, 1, 16)}),
        ({"resolver": person_id("rolf")}, {"total": (1, 1, 8)}),
        ({"status": "price"}, {"total": (1, 3, 7), "total USD": (1, 1, 16)}),
        ({"attributes": {"site": "N"}}, {"total": (1, 1, 1)}),
        ({"currency": "USD"}, {"total USD": (1, 1, 16)}),
        ({"period_from": date(2026, 4, 10)}, {"total": (2, 4, 15)}),
        ({"period_from": date(2026, 4, 11)}, {"total": (1, 3, 7)}),
        ({"period_to": date(2026, 4, 10)}, {"total": (1, 1, 8), "total USD": (1, 1, 16)}),
        ({"period_to": date(2026, 4, 9)}, {"total USD": (1, 1, 16)}),
    ],
)
def test_filters(open_ones: World, given: dict[str, object], expected: dict[str, object]):
    for state in ("open", "opened"):
        report = ask(open_ones.reading(), state, by="none", **given)
        assert figures(report.rows) == expected
        assert given.items() <= report.parameters.items()


def test_share_is_of_the_open_receivables_in_the_currency(open_ones: World):
    (alpha, beta) = sorted(
        ask(open_ones.reading(), by="customer", currency="EUR").rows, key=lambda row: row.key or ""
    )
    assert alpha.share == Decimal("0.042683")  # 7 of 164
    assert beta.share == Decimal("0.048780")  # 8 of 164
    (south,) = ask(open_ones.reading(), entity="south").rows
    assert south.share == 1
    (total,) = ask(
        open_ones.reading(), status="quality", customer="beta", period_from=date(2026, 4, 1)
    ).totals
    assert total.share == Decimal("0.08")  # of all that is open of beta, whatever its dispute's type


def test_33_share_is_over_debit_balances_alone(world: World):
    """Net of the credit notes it would be 90 of 20, and of the credit note's own dispute negative."""
    bill, other = world.item("1", "alpha", "100"), world.item("2", "alpha", "25")
    credit = world.item("3", "alpha", "-80", type="credit_note")
    world.item("4", "alpha", "-25", type="payment")
    world.dispute("d", {bill: "90"})
    world.dispute("c", [credit], type="quality")
    shares = {row.key: (int(row.amount), row.share) for row in ask(world.reading()).rows}
    assert shares == {"price": (90, Decimal("0.72")), "quality": (-80, Decimal(0))}  # 90 of 125
    (total,) = ask(world.reading()).totals
    assert (int(total.amount), total.share) == (10, Decimal("0.72"))
    world.clear(other, "2026-06-10")
    (total,) = ask(world.reading()).totals
    assert total.share == Decimal("0.9")


def test_33_share_is_nothing_where_no_debit_is_open(world: World):
    credit = world.item("1", "alpha", "-5", type="credit_note")
    world.dispute("d", [credit])
    assert [row.share for row in ask(world.reading()).rows] == [None]


def test_33_a_collectors_share_is_of_their_own_customers_above_and_below_the_line(world: World):
    """A dispute over another's customer that is assigned to them counts, but not in what they collect."""
    own, others = world.item("1", "alpha", "40"), world.item("2", "beta", "500")
    world.item("3", "alpha", "60")
    world.dispute("own", [own])
    world.dispute("assigned", [others], resolver_id=person_id("cora"))
    cora = world.reading(Role.COLLECTOR, "cora")
    shares = {row.key: (row.disputes, int(row.amount), row.share) for row in ask(cora, by="customer").rows}
    assert shares == {"alpha": (1, 40, Decimal("0.4")), "beta": (1, 500, None)}
    (total,) = ask(cora).totals
    assert (total.disputes, int(total.amount), total.share) == (2, 540, Decimal("0.4"))
    (total,) = ask(world.reading()).totals
    assert total.share == Decimal("0.9")


@pytest.mark.parametrize(
    ("role", "code", "expected"),
    [
        (Role.AUDITOR, "boss", {"total": (2, 4, 15), "total USD": (1, 1, 16)}),
        (Role.COLLECTOR, "cora", {"total": (1, 3, 7)}),
        (Role.COLLECTOR, "carl", {"total": (1, 1, 8), "total USD": (1, 1, 16)}),
        (Role.COLLECTOR, "rita", {"total": (1, 3, 7)}),
        (Role.SALES_MANAGER, "sam", {"total": (1, 3, 7)}),
        (Role.RESOLVER, "rita", {"total": (1, 3, 7), "total USD": (1, 1, 16)}),
        (Role.RESOLVER, "rolf", {"total": (1, 1, 8)}),
        (Role.RESOLVER, "cora", {}),
    ],
)
def test_reach(open_ones: World, role: Role, code: str, expected: dict[str, object]):
    for state in ("open", "opened"):
        report = ask(open_ones.reading(role, code), state, by="none")
        assert figures(report.rows) == expected
    got = months(open_ones.reading(role, code))
    assert sum(each[0] for each in got.values()) == sum(each[0] for each in expected.values())  # type: ignore[index]


def test_who_sees_no_receivables_is_told_no_share(open_ones: World):
    assert {row.share for row in ask(open_ones.reading(Role.RESOLVER, "rita")).rows} == {None}
    assert {row.share for row in ask(open_ones.reading(Role.COLLECTOR, "cora")).rows} == {Decimal("0.109375")}


def test_a_client_needs_the_scope(open_ones: World):
    assert len(ask(open_ones.service(Permission.READ_DISPUTES)).totals) == 2
    with pytest.raises(RoleForbids):
        ask(open_ones.service(Permission.READ_ITEMS))
    with pytest.raises(RoleForbids):
        dispute_months(open_ones.service(Permission.READ_ITEMS), Parameters())


def test_only_open_disputes_are_grouped_by_age(world: World):
    with pytest.raises(ParameterInvalid, match="'age'"):
        ask(world.reading(), "opened", by="age")


def test_open_amounts_follow_the_balance_and_opened_ones_do_not(world: World):
    item = world.item("1", "alpha", "100")
    world.dispute("d", [item])
    world.change_item(item, "2026-06-05", balance=Decimal(70), disputed=Decimal(70))
    assert figures(ask(world.reading()).rows) == {"price": (1, 1, 70)}
    assert figures(ask(world.reading(), "opened").rows) == {"price": (1, 1, 100)}


def test_attributes_are_those_at_the_resolution(world: World):
    item = world.item("1", "alpha", "100", attributes={"site": "old"})
    world.dispute("d", [item], "2026-03-01")
    world.change_item(item, "2026-03-10", attributes={"site": "then"})
    world.end_dispute("d", "2026-03-20")
    world.change_item(item, "2026-03-30", attributes={"site": "new"})
    assert figures(ask(world.reading(), "resolved", by="attribute:site").rows) == {"then": (1, 1, 100)}
    assert figures(ask(world.reading(), "resolved", attributes={"site": "then"}).rows) == {
        "price": (1, 1, 100)
    }
    assert ask(world.reading(), "resolved", attributes={"site": "new"}).rows == ()
    world.reopen_dispute("d", "2026-04-10")
    assert figures(ask(world.reading(), "open", by="attribute:site").rows) == {"new": (1, 1, 100)}


@pytest.fixture
def lives(world: World) -> World:
    """What becomes of disputes: one resolved, one reopened and resolved again, one reopened and open, one
    escalated, one cancelled, one resolved and cancelled after reopening."""
    items = [world.item(str(number), "alpha", str(10**number)) for number in range(6)]
    opened = ("2026-01-10", "2026-01-20", "2026-02-10", "2026-02-20", "2026-02-25", "2026-02-26")
    for number, name in enumerate(["plain", "twice", "again", "escalated", "cancelled", "mistaken"]):
        world.dispute(name, [items[number]], opened[number])
    world.end_dispute("plain", "2026-02-05", type="quality", resolver_id=person_id("rita"))
    world.end_dispute("twice", "2026-02-15")
    world.end_dispute("again", "2026-03-01")
    world.end_dispute("escalated", "2026-03-02", state="escalated")
    world.end_dispute("cancelled", "2026-03-03", state="cancelled")
    world.end_dispute("mistaken", "2026-03-04")
    world.reopen_dispute("twice", "2026-03-10")
    world.reopen_dispute("again", "2026-03-11")
    world.reopen_dispute("mistaken", "2026-03-12")
    world.end_dispute("twice", "2026-04-05", type="quality")
    world.end_dispute("mistaken", "2026-04-06", state="cancelled")
    return world


def test_opened_counts_first_episodes_of_what_was_not_cancelled(lives: World):
    opened = ask(lives.reading(), "opened", by="month")
    assert figures(opened.rows) == {"2026-01": (2, 2, 11), "2026-02": (2, 2, 1100)}
    assert [row.key for row in opened.rows] == ["2026-01", "2026-02"]
    march = ask(lives.reading(), "opened", period_from=date(2026, 3, 1))
    assert march.rows == ()


def test_resolved_counts_each_dispute_once_as_it_was_last(lives: World):
    assert figures(ask(lives.reading(), "resolved").rows) == {"quality": (2, 2, 11), "price": (1, 1, 100)}
    february = {"period_from": date(2026, 2, 1), "period_to": date(2026, 2, 28)}
    assert figures(ask(lives.reading(), "resolved", **february).rows) == {
        "quality": (1, 1, 1),
        "price": (1, 1, 10),
    }
    assert figures(ask(lives.reading(), "resolved", by="resolver").rows) == {
        "rita": (1, 1, 1),
        None: (2, 2, 110),
    }
    assert figures(ask(lives.reading(), "resolved", by="month").rows) == {
        "2026-02": (1, 1, 1), "2026-03": (1, 1, 100), "2026-04": (1, 1, 10),
    }  # fmt: skip


def test_months_count_every_episode(lives: World):
    assert months(lives.reading()) == {
        "2026-01 EUR": (2, 0, 0, 11, 0, 0),
        "2026-02 EUR": (2, 0, 2, 1100, 0, 11),
        "2026-03 EUR": (0, 2, 1, 0, 110, 100),
        "2026-04 EUR": (0, 0, 1, 0, 0, 10),
    }
    assert months(lives.reading(), period_from=date(2026, 2, 11), period_to=date(2026, 2, 28)) == {
        "2026-02 EUR": (1, 0, 1, 1000, 0, 10)
    }


def test_33_months_come_by_month_alone_as_they_always_did(lives: World):
    assert months(lives.reading(), by="month") == months(lives.reading())
    report = dispute_months(lives.reading(), Parameters())
    assert {*report.records()[0]} == {
        "key", "currency", "opened", "reopened", "resolved", "amount_opened", "amount_reopened",
        "amount_resolved",
    }  # fmt: skip
    assert (report.totals, report.parameters["by"]) == ((), "month")


def test_months_of_a_dispute_over_two_entities(open_ones: World):
    assert months(open_ones.reading(), entity="south") == {"2026-06 EUR": (1, 0, 0, 6, 0, 0)}
    assert months(open_ones.reading(), attributes={"site": "N"}) == {"2026-06 EUR": (1, 0, 0, 1, 0, 0)}
    assert months(open_ones.reading(), status="quality") == {"2026-04 EUR": (1, 0, 0, 8, 0, 0)}


def test_a_cancelled_dispute_counted_until_then(lives: World):
    for as_at, disputes in (("2026-03-02", 6), ("2026-03-03", 5), ("2026-04-05", 5), ("2026-04-06", 4)):
        (total,) = ask(lives.reading(), "opened", as_at=date.fromisoformat(as_at), by="none").totals
        assert total.disputes == disputes


def test_disputes_open_then(lives: World):
    def then(as_at: str) -> object:
        return figures(ask(lives.reading(), by="none", as_at=date.fromisoformat(as_at)).rows).get("total")

    assert then("2026-01-09") is None
    assert then("2026-01-20") == (2, 2, 11)
    assert then("2026-02-28") == (4, 4, 111_100)
    assert then("2026-03-11") == (2, 2, 110)
    assert then("2026-06-01") == (1, 1, 100)


def test_resolved_as_at_an_earlier_day(lives: World):
    (total,) = ask(lives.reading(), "resolved", by="none", as_at=date(2026, 2, 15)).totals
    assert (total.disputes, int(total.amount)) == (2, 11)
    assert figures(ask(lives.reading(), "resolved", as_at=date(2026, 2, 15)).rows) == {
        "quality": (1, 1, 1), "price": (1, 1, 10),
    }  # fmt: skip


def test_an_episode_that_an_undone_import_had_ended_goes_on(world: World):
    item = world.item("1", "alpha", "100")
    world.dispute("d", [item], "2026-03-01")
    world.end_dispute("d", "2026-03-10")
    resolved = world.position
    assert figures(ask(world.reading(), "resolved").rows) == {"price": (1, 1, 100)}
    world.change_dispute("d", "2026-03-20", state="open", outcome=None)
    world.change_item(item, "2026-03-20", dispute_id=UUID(int=0))
    assert ask(world.reading(), "resolved").rows == ()
    assert figures(ask(world.reading(), "opened").rows) == {"price": (1, 1, 100)}
    assert figures(ask(world.reading(), "resolved", as_at=date(2026, 3, 19)).rows) == {"price": (1, 1, 100)}
    assert figures(ask(world.reading(), "resolved", known_at=resolved).rows) == {"price": (1, 1, 100)}
    world.end_dispute("d", "2026-04-10")
    assert figures(ask(world.reading(), "resolved", by="month").rows) == {"2026-04": (1, 1, 100)}
    assert months(world.reading()) == {
        "2026-03 EUR": (1, 0, 0, 100, 0, 0),
        "2026-04 EUR": (0, 0, 1, 0, 0, 100),
    }


def test_known_at_shows_disputes_as_they_were_known(world: World):
    item = world.item("1", "alpha", "100")
    world.dispute("d", [item], "2026-03-01")
    opened = world.position
    world.end_dispute("d", "2026-03-10")
    assert figures(ask(world.reading(), known_at=opened).rows) == {"price": (1, 1, 100)}
    assert figures(ask(world.reading(), "opened", known_at=opened).rows) == {"price": (1, 1, 100)}
    assert ask(world.reading(), "resolved", known_at=opened).rows == ()
    assert ask(world.reading(), known_at=world.position).rows == ()
