"""Receivables figures (spec 38), by hand-made rows."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.identity import person_id, sales_id
from domain.refusals import RoleForbids
from domain.roles import Permission, Role
from projections.parameters import ParameterInvalid
from projections.reading import Reading
from projections.receivables import ReceivablesParameters, receivables
from tests.projections.world import World, moment


def ask(reading: Reading, **given: object) -> Any:  # amounts are compared with plain numbers
    return receivables(reading, replace(ReceivablesParameters(), **given))  # type: ignore[arg-type]


def one(world: World, **given: Any) -> Any:
    (row,) = ask(world.reading(), **given).rows
    return row


def stated(world: World, month: str, amount: str, entity: str = "main", currency: str = "EUR") -> int:
    day = date.fromisoformat(f"{month}-01")
    given = {"month": day, "entity": entity, "currency": currency, "amount": Decimal(amount)}
    return world.row(
        "sales_states", moment("2026-06-15"), {"sales_id": sales_id(entity, currency, day), **given}
    )


def paid(world: World, number: str, amount: str, issued: str, **values: Any) -> None:
    """Sold and paid for: sales and no receivables."""
    item = world.item(number, values.pop("customer", "beta"), amount, issued=issued, **values)
    world.clear(item, "2026-06-14")


def near(expected: float) -> object:
    return pytest.approx(expected, abs=1e-9)


def test_nothing_is_known_of_an_empty_company(empty: World):
    report = ask(empty.reading())
    assert (report.rows, report.totals) == ((), ())


def test_38_the_example_of_simple_and_best_possible_dso(world: World):
    """1.2 M receivables, 0.8 M of them not due, 10 M sales in 365 days."""
    world.item("1", "alpha", "800000", issued="2026-06-01", due="2026-06-15")
    world.item("2", "alpha", "400000", issued="2026-04-01", due="2026-06-14")
    paid(world, "3", "8800000", "2025-06-16")
    paid(world, "4", "500000", "2025-06-15")  # the 366th day
    row = one(world)
    assert (row.receivables, row.not_due, row.sales) == (1_200_000, 800_000, 10_000_000)
    assert (row.simple_dso, row.best_possible_dso) == (43.8, 29.2)
    assert one(world, sales_days=75).sales == 800_000
    assert one(world, sales_days=76).simple_dso == near(76)


@pytest.fixture
def quarter(world: World) -> World:
    """The example at the end of June: 850 000 open; sales of 350, 200, 400 and 300 thousand since March."""
    for month, sales, still_open in ((3, 350, 100), (4, 200, 150), (5, 400, 300), (6, 300, 300)):
        last = date(2026, month, monthrange(2026, month)[1])
        if sales > still_open:
            paid(world, f"p{month}", f"{sales - still_open}000", last.isoformat())
        world.item(f"o{month}", "alpha", f"{still_open}000", issued=f"2026-0{month}-01", due="2026-07-31")
    return world


END_OF_JUNE = date(2026, 6, 30)


def at_end_of_june(world: World, **given: Any) -> Any:
    (row,) = receivables(world.reading(now=moment("2026-06-30 18:00")), ReceivablesParameters(**given)).rows
    return row


def item_of(world: World, number: str) -> Any:
    return world.run("select item_id from item_states where until is null and number = %(n)s", n=number)[0][
        "item_id"
    ]


def test_38_the_example_of_count_back_and_of_disputes(quarter: World):
    assert at_end_of_june(quarter).dso == near(83.5)
    assert at_end_of_june(quarter).dispute_dso == 0
    quarter.dispute("whole", [item_of(quarter, "o5")], "2026-06-10")
    quarter.dispute("part", {item_of(quarter, "o3"): "10000"}, "2026-06-10")
    row = at_end_of_june(quarter)
    assert (row.disputed, row.disputes) == (310_000, 2)
    assert (row.dso, row.dispute_dso) == (near(83.5), near(34.9))


def test_38_the_month_that_is_not_over_counts_its_days_so_far(world: World):
    world.item("1", "alpha", "300", issued="2026-05-10")
    world.item("2", "alpha", "100", issued="2026-06-10")
    assert one(world).dso == near(15 + 31)
    paid(world, "3", "300", "2026-05-02")
    assert one(world).dso == near(15 + 31 / 2)


def test_38_stated_figures_stand_in_the_place_of_registered_documents(world: World):
    world.item("1", "alpha", "200", issued="2026-05-10")
    world.item("2", "alpha", "100", issued="2026-06-10", entity="north")
    assert (one(world).sales, one(world).sales_source, one(world).dso) == (300, "registered", near(46))
    known = stated(world, "2026-05", "1000")
    row = one(world)
    assert (row.sales, row.sales_source) == (1100, "both")
    assert row.dso == near(15 + 200 / 1000 * 31)
    assert one(world, known_at=known - 1).sales == 300
    stated(world, "2026-06", "600", entity="north")
    row = one(world)
    assert (row.sales, row.sales_source) == (1300, "stated")  # half of June is over
    assert row.dso == near(15)
    # registered in an entity and month of which nothing is stated: those stay
    paid(world, "3", "70", "2026-06-02")
    assert (one(world).sales, one(world).sales_source) == (1370, "both")
    assert one(world, entity="north").sales == 300
    assert one(world, sales_days=20).sales == Decimal("531.29")  # 300 + 70 + 5/31 of 1000


def test_38_stated_figures_tell_nothing_of_customers(world: World):
    world.item("1", "alpha", "200", issued="2026-05-10", attributes={"site": "N"})
    stated(world, "2026-05", "1000")
    for given in ({"customer": "alpha"}, {"collector": person_id("cora")}, {"attributes": {"site": "N"}}):
        row = one(world, **given)
        assert (row.sales, row.sales_source) == (200, "registered")
    (by_customer,) = ask(world.reading(), by="customer").rows
    assert (by_customer.key, by_customer.label, by_customer.sales) == ("alpha", "Alpha Ltd", 200)
    (by_entity,) = ask(world.reading(), by="entity").rows
    assert (by_entity.key, by_entity.sales) == ("main", 1000)


def test_38_credit_notes_reduce_both_and_payments_only_receivables(world: World):
    world.item("1", "alpha", "1000", issued="2026-05-10")
    world.item("2", "alpha", "-100", issued="2026-05-11", type="credit_note")
    world.item("3", "alpha", "-50", issued="2026-05-12", type="payment")
    world.item("4", "alpha", "7", issued="2026-05-12", type="other")
    row = one(world)
    assert (row.receivables, row.sales) == (857, 900)


def test_38_what_was_withdrawn_was_never_registered(world: World):
    world.item("1", "alpha", "1000", issued="2026-05-10")
    world.change_item(
        world.item("2", "alpha", "500", issued="2026-05-11"),
        "2026-06-01",
        withdrawn=True,
        is_open=False,
        balance=Decimal(0),
    )
    assert (one(world).receivables, one(world).sales) == (1000, 1000)
    before = one(world, as_at=date(2026, 5, 31))
    assert (before.receivables, before.sales) == (1500, 1500)  # as-at is not rewritten


def test_38_currencies_are_never_added(world: World):
    world.item("1", "alpha", "10")
    world.item("2", "beta", "70", currency="USD")
    stated(world, "2026-02", "5", currency="USD")
    rows = {row.currency: (row.receivables, row.sales) for row in ask(world.reading()).rows}
    assert rows == {"EUR": (10, 10), "USD": (70, 75)}
    assert one(world, currency="USD").receivables == 70


def test_38_the_example_of_days_deduction_outstanding(world: World):
    """270 000 in 45 disputes of the last 90 days; 18 of them, over 120 000, are open: 40 and 36 days."""
    for number in range(45):
        amount = 6_000 + (667 if number < 17 else 661 if number == 17 else 0)
        rest = (150_000 - 0) // 27 + (15 if number == 44 else 0)
        item = world.item(f"i{number}", "alpha", str(amount if number < 18 else rest), issued="2026-01-05")
        world.dispute(f"d{number}", [item], "2026-03-18" if number % 2 else "2026-06-15 09:00")
    for number in range(18, 45):
        world.end_dispute(f"d{number}", "2026-06-15 10:00")
    old = world.item("old", "alpha", "999", issued="2026-01-05")
    world.dispute("before", [old], "2026-03-17")  # the 91st day
    world.end_dispute("before", "2026-05-02")
    world.reopen_dispute("before", "2026-05-03")  # again is not new
    world.end_dispute("before", "2026-06-01")
    mistaken = world.item("mistaken", "alpha", "999", issued="2026-01-05")
    world.dispute("mistaken", [mistaken], "2026-06-10")
    world.end_dispute("mistaken", "2026-06-11", state="cancelled")
    row = one(world)
    assert (row.disputed, row.disputes) == (120_000, 18)
    assert (row.disputed_opened, row.disputes_opened) == (270_000, 45)
    assert (row.days_deduction_outstanding, row.days_deduction_outstanding_by_number) == (40, 36)
    assert one(world, days=91).disputes_opened == 46


def test_38_a_dispute_over_two_entities_counts_in_each_and_once_in_the_total(world: World):
    north = world.item("1", "alpha", "100", entity="north")
    south = world.item("2", "alpha", "300", entity="south")
    world.dispute("both", [north, south], "2026-06-01")
    report = ask(world.reading(), by="entity")
    found = {
        row.key: (row.receivables, row.disputed, row.disputes, row.disputes_opened) for row in report.rows
    }
    assert found == {"south": (300, 300, 1, 1), "north": (100, 100, 1, 1)}
    (total,) = report.totals
    assert (total.key, total.receivables, total.disputed, total.disputes, total.disputes_opened) == (
        "total", 400, 400, 1, 1,
    )  # fmt: skip
    assert [row.key for row in report.rows] == ["south", "north"]
    assert one(world, entity="north").disputed_opened == 100


def test_38_figures_by_collector_and_attribute(world: World):
    world.item("1", "alpha", "100", attributes={"site": "N"})
    world.item("2", "beta", "300")
    assert [(row.key, row.receivables) for row in ask(world.reading(), by="collector").rows] == [
        ("carl", 300),
        ("cora", 100),
    ]
    by_site = [(row.key, row.receivables) for row in ask(world.reading(), by="attribute:site").rows]
    assert by_site == [(None, 300), ("N", 100)]


def test_38_both_clocks(world: World):
    item = world.item("1", "alpha", "100", issued="2026-05-10")
    world.dispute("d", [item], "2026-06-01")
    known = world.position
    world.end_dispute("d", "2026-06-05")
    world.clear(item, "2026-06-10")
    assert (one(world).receivables, one(world).sales) == (0, 100)
    assert one(world, known_at=known).disputed == 100
    assert one(world, as_at=date(2026, 6, 4)).disputed == 100
    assert one(world, as_at=date(2026, 6, 9)).disputed == 0
    assert ask(world.reading(), as_at=date(2026, 5, 9)).rows == ()


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"period_from": date(2026, 1, 1)}, "period_from"),
        ({"period_to": date(2026, 1, 1)}, "period_to"),
        ({"resolver": person_id("rita")}, "resolver"),
        ({"status": "price"}, "status"),
        ({"by": "status"}, "by"),
        ({"days": 0}, "days"),
        ({"sales_days": 100_000}, "sales_days"),
    ],
)
def test_38_what_has_no_sense_here_is_refused(world: World, given: dict[str, Any], name: str):
    with pytest.raises(ParameterInvalid) as refused:
        ask(world.reading(), **given)
    assert refused.value.name == name


@pytest.mark.parametrize("role", list(Role))
def test_29_who_reads_receivables_figures(world: World, role: Role):
    if role in {Role.ADMINISTRATOR, Role.CREDIT_MANAGER, Role.AUDITOR, Role.ANALYST}:
        assert ask(world.reading(role)).rows == ()
    else:
        with pytest.raises(RoleForbids):
            ask(world.reading(role))
    assert ask(world.service(Permission.READ_RECEIVABLES)).rows == ()
