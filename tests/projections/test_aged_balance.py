"""Aged balance (spec 36), by hand-made rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from domain.identity import person_id
from domain.refusals import RoleForbids
from domain.roles import Permission, Role
from projections.aged_balance import AgedBalanceRow, aged_balance
from projections.parameters import ParameterInvalid, Parameters, Report
from projections.reading import Reading
from tests.projections.world import NOW, World, moment, named


def figures(report: Report[AgedBalanceRow]) -> dict[tuple[str | None, str], dict[str, str]]:
    """What is not zero, by key and currency."""
    return {
        (row.key, row.currency): {name: str(amount) for name, amount in row.buckets.items() if amount}
        | {"total": str(row.total)}
        | ({"disputed": str(row.disputed)} if row.disputed else {})
        for row in report.rows
    }


def keys(report: Report[AgedBalanceRow]) -> list[str | None]:
    return [row.key for row in report.rows]


def ask(reading: Reading, **given: object) -> Report[AgedBalanceRow]:
    return aged_balance(reading, replace(Parameters(), **given))  # type: ignore[arg-type]


def test_nothing_is_known_of_an_empty_company(empty: World):
    report = ask(empty.reading())
    assert report.rows == report.totals == ()
    assert report.position == 0


def test_days_past_due_choose_the_bucket(world: World):
    for days in (-5, 0, 1, 30, 31, 60, 61, 90, 91, 400):
        due = (NOW.date() - timedelta(days=days)).isoformat()
        world.item(f"n{days}", "alpha", str(10**6 + days), due=due)
    (row,) = ask(world.reading()).rows
    assert row.buckets == {
        "not_due": Decimal(2 * 10**6 - 5),
        "1-30": Decimal(2 * 10**6 + 31),
        "31-60": Decimal(2 * 10**6 + 91),
        "61-90": Decimal(2 * 10**6 + 151),
        "over_90": Decimal(2 * 10**6 + 491),
    }
    assert row.total == sum(row.buckets.values())


def test_columns_are_named_as_promised(world: World):
    world.item("1", "alpha", "12.50", due="2026-06-20")
    report = ask(world.reading())
    (record,) = report.records()
    assert report.total_records() == [record | {"key": "total", "label": "total"}]
    assert list(record) == [
        "key", "label", "currency", "not_due", "1-30", "31-60", "61-90", "over_90", "total", "disputed",
    ]  # fmt: skip
    assert record["key"] == "alpha"
    assert record["label"] == "Alpha Ltd"
    assert record["not_due"] == record["total"] == Decimal("12.50")
    assert record["disputed"] == 0


def test_buckets_are_the_companys_own(world: World):
    world.change("settings_states", "name", "Acme", "2026-06-01", ageing_buckets=[15, 45])
    world.item("1", "alpha", "7", due="2026-05-01")
    (row,) = ask(world.reading()).rows
    assert row.buckets == {"not_due": 0, "1-15": 0, "16-45": Decimal(7), "over_45": 0}


def test_who_owes_nothing_is_not_listed(world: World):
    world.clear(world.item("1", "alpha", "7"), "2026-06-01")
    assert ask(world.reading()).rows == ()


def test_credit_notes_count_as_what_they_are(world: World):
    world.item("1", "alpha", "100", due="2026-06-01")
    world.item("2", "alpha", "-30", due="2026-06-01", type="credit_note")
    assert figures(ask(world.reading())) == {("alpha", "EUR"): {"1-30": "70", "total": "70"}}


def test_the_disputed_part_stands_apart_inside_the_total(world: World):
    whole = world.item("1", "alpha", "100", due="2026-06-01")
    part = world.item("2", "alpha", "50", due="2026-06-01")
    world.item("3", "alpha", "1", due="2026-06-01")
    world.dispute("d", {whole: "100", part: "20"})
    assert figures(ask(world.reading())) == {
        ("alpha", "EUR"): {"1-30": "151", "total": "151", "disputed": "120"}
    }


def test_currencies_are_never_added(world: World):
    world.item("1", "alpha", "100")
    world.item("2", "alpha", "7", currency="USD")
    report = ask(world.reading(), by="none")
    assert figures(report) == {
        ("total", "EUR"): {"not_due": "100", "total": "100"},
        ("total", "USD"): {"not_due": "7", "total": "7"},
    }
    assert [(row.key, row.currency, row.total) for row in report.totals] == [
        ("total", "EUR", Decimal(100)),
        ("total", "USD", Decimal(7)),
    ]


@pytest.fixture
def varied(world: World) -> World:
    """Items that differ in whatever can be filtered and grouped by."""
    world.item(
        "a1", "alpha", "1", due="2026-06-01", entity="north", issued="2026-01-31", attributes={"x": "1"}
    )
    a2 = world.item("a2", "alpha", "2", entity="south", issued="2026-02-01", attributes={"x": "2", "y": "1"})
    world.item("b1", "beta", "4", issued="2026-02-28", attributes={"x": "1", "y": "1"})
    b2 = world.item("b2", "beta", "8", currency="USD", status="promise", kind="promise_to_pay")
    world.item("g1", "gamma", "16")
    world.dispute("over a2", [a2], resolver_id=person_id("rita"))
    world.follow_up("over b2", [b2], "2026-06-20", owner="carl", resolver_id=person_id("rolf"))
    return world


@pytest.mark.parametrize(
    ("given", "total"),
    [
        ({"entity": "north"}, {"EUR": 1}),
        ({"customer": "beta"}, {"EUR": 4, "USD": 8}),
        ({"collector": person_id("cora")}, {"EUR": 3}),
        ({"resolver": person_id("rita")}, {"EUR": 2}),
        ({"resolver": person_id("rolf")}, {"USD": 8}),
        ({"status": "promise"}, {"USD": 8}),
        ({"status": "price"}, {"EUR": 2}),
        ({"attributes": {"x": "1"}}, {"EUR": 5}),
        ({"attributes": {"x": "1", "y": "1"}}, {"EUR": 4}),
        ({"currency": "USD"}, {"USD": 8}),
        ({"period_from": date(2026, 2, 1)}, {"EUR": 6}),
        ({"period_to": date(2026, 1, 31)}, {"EUR": 17, "USD": 8}),
        ({"period_from": date(2026, 1, 31), "period_to": date(2026, 2, 27)}, {"EUR": 3}),
        ({"customer": "alpha", "currency": "USD"}, {}),
    ],
)
def test_filters(varied: World, given: dict[str, object], total: dict[str, int]):
    report = ask(varied.reading(), **given)
    assert {row.currency: row.total for row in report.totals} == total
    assert sum(row.total for row in report.rows) == sum(total.values())
    assert given.items() <= report.parameters.items()


@pytest.mark.parametrize(
    ("by", "totals"),
    [
        ("customer", {"alpha": 3, "beta": 4, "gamma": 16, "beta USD": 8}),
        ("collector", {"cora": 3, "carl": 4, None: 16, "carl USD": 8}),
        ("resolver", {"rita": 2, None: 21, "rolf USD": 8}),
        ("entity", {"north": 1, "south": 2, "main": 20, "main USD": 8}),
        ("status", {None: 21, "price": 2, "promise USD": 8}),
        ("currency", {"EUR": 23, "USD USD": 8}),
        ("month", {"2026-01": 17, "2026-02": 6, "2026-01 USD": 8}),
        ("none", {"total": 23, "total USD": 8}),
        ("attribute:x", {"1": 5, "2": 2, None: 16, "None USD": 8}),
    ],
)
def test_groupings(varied: World, by: str, totals: dict[str | None, int]):
    report = ask(varied.reading(), by=by)
    assert {
        row.key if row.currency == "EUR" else f"{row.key} {row.currency}": row.total for row in report.rows
    } == totals
    assert report.parameters["by"] == by


def test_36_whoever_filters_by_a_resolver_finds_what_is_grouped_under_them(world: World):
    """A dispute's resolver comes first; of several actions without a dispute, that of the one due first."""
    disputed, listed, both = (world.item(number, "alpha", "1") for number in "123")
    world.dispute("d", [disputed], resolver_id=person_id("rita"))
    world.follow_up("of d", [disputed], "2026-06-20", owner="cora", resolver_id=person_id("rolf"))
    world.follow_up("ended", [listed], "2026-06-18", owner="cora", resolver_id=person_id("rita"))
    world.change("follow_up_states", "follow_up_id", named("ended"), "2026-06-02", is_open=False)
    world.follow_up("late", [listed, both], "2026-06-25", owner="cora", resolver_id=person_id("rolf"))
    world.follow_up("soon", [both], "2026-06-19", owner="cora", resolver_id=person_id("rita"))
    world.change_item(both, "2026-06-03", follow_ups=[named("late"), named("soon")])

    def grouped() -> dict[str | None, int]:
        return {row.key: int(row.total) for row in ask(world.reading(), by="resolver").rows}

    assert grouped() == {"rita": 2, "rolf": 1}
    for code, total in grouped().items():
        assert sum(row.total for row in ask(world.reading(), resolver=person_id(code or "")).rows) >= total
    then = ask(world.reading(), by="resolver", as_at=date(2026, 5, 31)).rows
    assert [(row.key, int(row.total)) for row in then] == [(None, 3)]


def test_labels_are_for_people_to_read(varied: World):
    by_person = {row.key: row.label for row in ask(varied.reading(), by="collector").rows}
    by_status = {row.key: row.label for row in ask(varied.reading(), by="status").rows}
    assert by_person == {"cora": "Cora", "carl": "Carl", None: None}
    assert by_status == {"price": "Price", "promise": "Promise", None: None}


def test_an_unknown_grouping_is_refused_with_those_that_there_are(world: World):
    with pytest.raises(ParameterInvalid, match=r"'colour'.*group by collector, currency, customer"):
        ask(world.reading(), by="colour")


@pytest.mark.parametrize(
    ("role", "code", "total"),
    [
        (Role.ADMINISTRATOR, "boss", {"EUR": 23, "USD": 8}),
        (Role.AUDITOR, "boss", {"EUR": 23, "USD": 8}),
        (Role.ANALYST, "boss", {"EUR": 23, "USD": 8}),
        (Role.COLLECTOR, "cora", {"EUR": 3}),
        (Role.COLLECTOR, "carl", {"EUR": 4, "USD": 8}),
        (Role.SALES_MANAGER, "sam", {"EUR": 3}),
        (Role.RESOLVER, "rita", {"EUR": 2}),
        (Role.RESOLVER, "rolf", {"USD": 8}),
        (Role.RESOLVER, "cora", {}),
    ],
)
def test_reach(varied: World, role: Role, code: str, total: dict[str, int]):
    report = ask(varied.reading(role, code))
    assert {row.currency: row.total for row in report.totals} == total


def test_a_resolver_sees_nothing_of_what_they_only_opened(varied: World):
    item = varied.item("g2", "gamma", "32")
    varied.dispute("by rita", [item], opened_by=person_id("rita"), resolver_id=person_id("rolf"))
    assert {row.currency: row.total for row in ask(varied.reading(Role.RESOLVER, "rita")).totals} == {
        "EUR": 2
    }


def test_a_resolver_sees_nothing_more_of_what_was_resolved(varied: World):
    varied.end_dispute("over a2", "2026-06-10")
    assert ask(varied.reading(Role.RESOLVER, "rita")).rows == ()


def test_a_client_needs_the_scope(varied: World):
    assert len(ask(varied.service(Permission.READ_AGED_BALANCE)).totals) == 2
    with pytest.raises(RoleForbids):
        ask(varied.service(Permission.READ_DISPUTES))


# --- the two clocks ----------------------------------------------------------------------------------


@pytest.fixture
def told_late(world: World) -> tuple[World, dict[str, int]]:
    """One item: issued 1 March, due 1 April, 100; corrected to 80 on 10 April; paid on 20 April, which was
    told last, after another item, issued 1 May."""
    at: dict[str, int] = {"before": world.position}
    item = world.item("1", "alpha", "100", due="2026-04-01", issued="2026-03-01")
    at["registered"] = world.position
    at["corrected"] = world.change_item(item, "2026-04-10", balance=Decimal(80))
    world.item("2", "alpha", "5", due="2026-06-30", issued="2026-05-01")
    at["second"] = world.position
    at["paid"] = world.clear(item, "2026-04-20")
    return world, at


@pytest.mark.parametrize(
    ("as_at", "known", "expected"),
    [
        (None, None, {"not_due": "5"}),
        ("2026-02-28", None, {}),
        ("2026-03-01", None, {"not_due": "100"}),
        ("2026-04-01", None, {"not_due": "100"}),
        ("2026-04-02", None, {"1-30": "100"}),
        ("2026-04-09", None, {"1-30": "100"}),
        ("2026-04-10", None, {"1-30": "80"}),
        ("2026-04-19", None, {"1-30": "80"}),
        ("2026-04-20", None, {}),
        ("2026-05-02", None, {"not_due": "5"}),
        ("2026-12-31", None, {"over_90": "5"}),
        (None, "before", {}),
        (None, "registered", {"61-90": "100"}),
        (None, "corrected", {"61-90": "80"}),
        (None, "second", {"61-90": "80", "not_due": "5"}),
        (None, "paid", {"not_due": "5"}),
        ("2026-05-02", "before", {}),
        ("2026-05-02", "registered", {"31-60": "100"}),
        ("2026-05-02", "corrected", {"31-60": "80"}),
        ("2026-05-02", "second", {"31-60": "80", "not_due": "5"}),
        ("2026-05-02", "paid", {"not_due": "5"}),
        ("2026-04-09", "second", {"1-30": "100"}),
        ("2026-02-28", "registered", {}),
    ],
)
def test_as_at_and_known_at(
    told_late: tuple[World, dict[str, int]], as_at: str | None, known: str | None, expected: dict[str, str]
):
    world, at = told_late
    day = date.fromisoformat(as_at) if as_at else None
    report = ask(world.reading(), as_at=day, known_at=at[known] if known else None)
    shown = {name: amount for found in figures(report).values() for name, amount in found.items()}
    assert {name: amount for name, amount in shown.items() if name != "total"} == expected
    assert report.parameters["known_at"] == (at[known] if known else world.position)
    assert report.position == world.position


def test_a_day_ends_in_the_companys_zone(world: World):
    world.change("settings_states", "name", "Acme", "2026-06-01", zone="America/New_York")
    item = world.item("1", "alpha", "100", due="2026-06-09")
    world.change("item_states", "item_id", item, moment("2026-06-11 03:59"), balance=Decimal(60))
    world.change("item_states", "item_id", item, moment("2026-06-11 04:00"), balance=Decimal(10))
    report = ask(world.reading(), as_at=date(2026, 6, 10))
    assert figures(report) == {("alpha", "EUR"): {"1-30": "60", "total": "60"}}
    assert report.parameters["as_at"] == moment("2026-06-11 03:59:59.999999")


def test_days_past_due_are_counted_in_the_companys_zone(world: World):
    world.change("settings_states", "name", "Acme", "2026-06-01", zone="Pacific/Auckland")
    world.item("1", "alpha", "100", due="2026-06-15")
    late = replace(world.reading(), now=moment("2026-06-15 13:00"))  # there it is the 16th
    assert figures(ask(late)) == {("alpha", "EUR"): {"1-30": "100", "total": "100"}}
    assert figures(ask(late, as_at=moment("2026-06-15 11:00"))) == {
        ("alpha", "EUR"): {"not_due": "100", "total": "100"}
    }


def test_a_time_stands_for_itself(told_late: tuple[World, dict[str, int]]):
    world, _ = told_late
    before = datetime(2026, 4, 20, 0, 59, tzinfo=timezone(timedelta(hours=1)))
    report = ask(world.reading(), as_at=before)
    assert figures(report) == {("alpha", "EUR"): {"1-30": "80", "total": "80"}}
    assert report.parameters["as_at"] == before


def test_known_at_a_time_is_the_last_position_recorded_by_then(told_late: tuple[World, dict[str, int]]):
    world, at = told_late
    for seconds, position in ((0, at["corrected"]), (-1, at["registered"]), (59, at["corrected"])):
        known_at = world.recorded(at["corrected"]) + timedelta(seconds=seconds)
        assert ask(world.reading(), known_at=known_at).parameters["known_at"] == position


def test_known_at_a_time_to_come_is_all_that_the_read_side_has(told_late: tuple[World, dict[str, int]]):
    world, at = told_late
    world.run(
        "update tracking set notification_id = %(behind)s where application_name = 'states'",
        behind=at["second"],
    )
    report = ask(world.reading(), known_at=moment("2036-01-01"))
    assert report.position == report.parameters["known_at"] == at["second"]


@pytest.mark.parametrize("position", [-1, 10**9])
def test_known_at_a_position_that_is_not_there_is_refused(world: World, position: int):
    with pytest.raises(ParameterInvalid, match=f"give a position from 0 to {world.position}"):
        ask(world.reading(), known_at=position)


@pytest.mark.parametrize("name", ["as_at", "known_at"])
def test_a_time_without_zone_is_refused(world: World, name: str):
    with pytest.raises(ParameterInvalid, match=f"The parameter {name} .*zone"):
        ask(world.reading(), **{name: datetime(2026, 4, 20)})  # noqa: DTZ001


@pytest.mark.parametrize(
    "given",
    [
        {"as_at": date.max},
        {"as_at": moment("0001-01-01")},
        {"known_at": moment("9999-12-31")},
        {"period_to": date.max},
        {"period_from": date.min},
        {"customer": "a\0"},
        {"entity": "\ud800"},
        {"attributes": {"a\0": "1"}},
        {"attributes": {"a": "\udfff"}},
    ],
)
def test_what_no_database_can_hold_is_refused(world: World, given: dict[str, object]):
    with pytest.raises(ParameterInvalid, match=next(iter(given))):
        ask(world.reading(), **given)


def test_a_period_that_ends_before_it_begins_is_refused(world: World):
    with pytest.raises(ParameterInvalid, match="period_from"):
        ask(world.reading(), period_from=date(2026, 2, 1), period_to=date(2026, 1, 31))


def test_who_collects_is_read_by_known_at_alone(world: World):
    world.item("1", "alpha", "100")
    known_at = world.position
    world.change("customer_states", "code", "alpha", "2026-06-14", collector_id=person_id("carl"))
    assert keys(ask(world.reading(), by="collector")) == ["carl"]
    assert keys(ask(world.reading(), by="collector", as_at=date(2026, 6, 1))) == ["carl"]
    assert keys(ask(world.reading(), by="collector", known_at=known_at)) == ["cora"]


def test_what_was_disputed_then(world: World):
    item = world.item("1", "alpha", "100", due="2026-06-30")
    world.dispute("d", [item], at="2026-03-01", resolver_id=person_id("rita"))
    world.end_dispute("d", "2026-04-01")
    for day, disputed in (("2026-02-28", 0), ("2026-03-01", 100), ("2026-03-31", 100), ("2026-04-01", 0)):
        as_at = date.fromisoformat(day)
        (row,) = ask(world.reading(), as_at=as_at).rows
        assert row.disputed == disputed
        seen = ask(world.reading(Role.RESOLVER, "rita"), as_at=as_at).rows
        assert [row.total for row in seen] == ([Decimal(100)] if disputed else [])


def test_largest_balances_come_first(world: World):
    for number, (customer, balance) in enumerate([("alpha", "5"), ("beta", "70"), ("gamma", "-3")]):
        world.item(str(number), customer, balance)
    assert keys(ask(world.reading())) == ["beta", "alpha", "gamma"]
