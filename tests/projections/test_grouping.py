"""Two groupings, one within the other (spec §8), by hand-made rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeAlias

import pytest

from domain.identity import person_id, sales_id
from projections import (
    aged_balance,
    dispute_months,
    dispute_report,
    item_statuses,
    receivables,
    resolution_time,
    resolver_days,
)
from projections.dispute_report import Counted, DisputeReportParameters
from projections.parameters import ParameterInvalid, Parameters, Report
from projections.reading import Reading
from projections.receivables import ReceivablesParameters
from projections.resolution_time import ResolutionTimeParameters
from projections.selection import Groupings
from tests.projections.world import World, moment

Ask: TypeAlias = Callable[[Reading, Any], Report[Any]]

REPORTS: Final[Sequence[tuple[Ask, Parameters, Groupings]]] = (
    (aged_balance.aged_balance, Parameters(), aged_balance.BY),
    (item_statuses.item_statuses, Parameters(), item_statuses.BY),
    (dispute_report.dispute_report, DisputeReportParameters(), dispute_report.BY_OF_OPEN),
    (
        dispute_report.dispute_report,
        DisputeReportParameters(state=Counted.RESOLVED),
        dispute_report.BY,
    ),
    (dispute_months.dispute_months, Parameters(), dispute_months.BY),
    (resolution_time.resolution_time, ResolutionTimeParameters(), resolution_time.BY),
    (resolver_days.resolver_days, ResolutionTimeParameters(), resolver_days.BY),
    (receivables.receivables, ReceivablesParameters(), receivables.BY),
)
"""Every report that groups."""

SECOND: Final = {"second_key", "second_label"}


@pytest.fixture
def split(world: World) -> World:
    """Disputes of two types in three entities; one over two of them, one in dollars."""
    north = world.item("1", "alpha", "1", entity="north", attributes={"a,b": "x"})
    south = world.item("2", "alpha", "2", entity="south")
    also_south = world.item("3", "alpha", "6", entity="south", attributes={"a,b": "x"})
    of_beta = world.item("4", "beta", "8", entity="north")
    quality = world.item("5", "beta", "16")
    dollars = world.item("6", "beta", "32", entity="north", currency="USD")
    world.dispute("both", [north, south, also_south], "2026-06-01", resolver_id=person_id("rita"))
    world.dispute("north", [of_beta], "2026-04-10", resolver_id=person_id("rolf"))
    world.dispute("quality", [quality], "2026-05-01", type="quality", resolver_id=person_id("rita"))
    world.dispute("dollars", [dollars], "2026-05-02")
    return world


def ask(reading: Reading, by: str, **given: object) -> Report[Any]:
    parameters = replace(DisputeReportParameters(by=by), **given)  # type: ignore[arg-type]
    return dispute_report.dispute_report(reading, parameters)


def told(rows: Sequence[Any], *names: str) -> list[tuple[object, ...]]:
    """Both keys and the values called *names*, row by row."""
    return [(row.key, row.grouped["second_key"], *(getattr(row, name) for name in names)) for row in rows]


def near(expected: object) -> Any:
    return pytest.approx(expected, abs=1e-9)


def test_33_a_dispute_over_two_entities_counts_once_in_subtotal_and_total(split: World):
    report = ask(split.reading(), "type,entity")
    assert told(report.rows, "currency", "disputes", "items", "amount") == [
        ("price", "north", "EUR", 2, 2, 9),
        ("price", "south", "EUR", 1, 2, 8),
        ("quality", "main", "EUR", 1, 1, 16),
        ("price", "north", "USD", 1, 1, 32),
    ]
    assert told(report.totals, "currency", "disputes", "items", "amount") == [
        ("price", "total", "EUR", 2, 4, 17),
        ("quality", "total", "EUR", 1, 1, 16),
        ("price", "total", "USD", 1, 1, 32),
        ("total", "total", "EUR", 3, 5, 33),
        ("total", "total", "USD", 1, 1, 32),
    ]
    assert report.parameters["by"] == "type,entity"


def test_33_both_levels_have_labels_and_shares(split: World):
    report = ask(split.reading(), "customer,type", currency="EUR")
    assert report.records()[0] == {
        "key": "beta", "label": "Beta Ltd", "second_key": "quality", "second_label": "Quality",
        "currency": "EUR", "disputes": 1, "items": 1, "amount": 16, "share": Decimal("0.484848"),
    }  # fmt: skip
    assert report.total_records()[0] == {
        "key": "beta", "label": "Beta Ltd", "second_key": "total", "second_label": "total",
        "currency": "EUR", "disputes": 2, "items": 2, "amount": 24, "share": Decimal("0.727273"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("month,customer", ["2026-04 beta", "2026-05 beta", "2026-06 alpha"]),
        ("customer,month", ["beta 2026-04", "beta 2026-05", "alpha 2026-06"]),
        ("age,resolver", ["0-30 rita", "31-60 rita", "61-90 rolf"]),
        ("resolver,age", ["rita 0-30", "rita 31-60", "rolf 61-90"]),
        ("none,type", ["total price", "total quality"]),
        ("resolver,collector", ["rita carl", "rita cora", "rolf carl"]),
        ("attribute:a,,b,type", ["None quality", "None price", "x price"]),
        ("type,attribute:a,,b", ["price None", "price x", "quality None"]),
        ("attribute:a,,b,attribute:none", ["None None", "x None"]),
    ],
)
def test_33_every_grouping_at_either_level_in_its_own_order(split: World, by: str, expected: list[str]):
    rows = ask(split.reading(), by, currency="EUR").rows
    assert [f"{row.key} {row.grouped['second_key']}" for row in rows] == expected


def test_an_attribute_with_a_comma_in_its_name_can_be_asked_for_alone(split: World):
    rows = ask(split.reading(), "attribute:a,,b", currency="EUR").rows
    assert [(row.key, row.amount) for row in rows] == [(None, 26), ("x", 7)]


@pytest.mark.parametrize(("report", "parameters", "known"), REPORTS)
def test_one_level_is_told_as_it_always_was(
    split: World, report: Ask, parameters: Parameters, known: Groupings
):
    split.end_dispute("both", "2026-06-10")
    for by in (None, known.default, "customer" if "customer" in known.known else "type"):
        found = report(split.reading(), replace(parameters, by=by))
        assert found.rows
        for row in (*found.records(), *found.total_records()):
            assert not SECOND & {*row}


@pytest.mark.parametrize(("report", "parameters", "known"), REPORTS)
def test_every_report_takes_each_of_its_groupings_at_either_level(
    split: World, report: Ask, parameters: Parameters, known: Groupings
):
    split.end_dispute("both", "2026-06-10")
    names = [*known.known, "attribute:a,,b"]
    for first, second in zip(names, [*names[1:], names[0]], strict=True):
        found = report(split.reading(), replace(parameters, by=f"{first},{second}"))
        assert found.rows
        assert all({*row} >= {"key", "label", *SECOND} for row in found.records())
        assert [row.key for row in found.totals][-1] == "total"
        assert {row.grouped["second_key"] for row in found.totals} == {"total"}
        assert found.parameters["by"] == f"{first},{second}"


@pytest.mark.parametrize(
    ("by", "value", "cure"),
    [
        ("entity,customer,collector", "entity,customer,collector", "group by two at most"),
        ("entity,entity", "entity,entity", "name two different ones"),
        ("attribute:a,attribute:a", "attribute:a,attribute:a", "name two different ones"),
        ("entity,weather", "weather", "or by two with a comma between"),
        ("weather,entity", "weather", "customer, entity"),
        ("entity,", "", "customer, entity"),
        (",entity", "", "customer, entity"),
        ("entity,attribute:", "attribute:", "or attribute:<name>"),
        ("entity,,customer", "entity,customer", "customer, entity"),
    ],
)
def test_other_groupings_are_refused_with_the_cure(world: World, by: str, value: str, cure: str):
    for report, parameters, _ in REPORTS:
        with pytest.raises(ParameterInvalid) as refused:
            report(world.reading(), replace(parameters, by=by))
        assert (refused.value.name, refused.value.value) == ("by", value)
        assert cure in refused.value.cure


# --- what the other reports make of it ---------------------------------------------------------------


def test_36_buckets_add_up_at_each_level(split: World):
    split.item("7", "alpha", "64", entity="north", due="2026-05-01")
    report = aged_balance.aged_balance(split.reading(), Parameters(by="entity,customer", currency="EUR"))
    assert told(report.rows, "total", "disputed", "buckets")[:2] == [
        ("north", "alpha", 65, 1, {"not_due": 1, "1-30": 0, "31-60": 64, "61-90": 0, "over_90": 0}),
        ("north", "beta", 8, 8, {"not_due": 8, "1-30": 0, "31-60": 0, "61-90": 0, "over_90": 0}),
    ]
    north, *_, total = report.totals
    assert told([north], "total", "disputed") == [("north", "total", 73, 9)]
    assert north.buckets == {"not_due": 9, "1-30": 0, "31-60": 64, "61-90": 0, "over_90": 0}
    assert told([total], "total", "disputed") == [("total", "total", 97, 33)]


def test_35_the_share_with_a_status_is_told_at_each_level(world: World):
    for number, (customer, balance, status) in enumerate(
        (("alpha", "30", "promise"), ("alpha", "10", None), ("beta", "20", None))
    ):
        world.item(str(number), customer, balance, due="2026-06-01", status=status)
    report = item_statuses.item_statuses(world.reading(), Parameters(by="customer,status"))
    assert told(report.rows, "items", "amount", "share_with_status") == [
        ("alpha", "promise", 1, 30, 1),
        ("alpha", None, 1, 10, 0),
        ("beta", None, 1, 20, 0),
    ]
    assert told(report.totals, "items", "amount", "share_with_status") == [
        ("alpha", "total", 2, 40, Decimal("0.75")),
        ("beta", "total", 1, 20, 0),
        ("total", "total", 3, 60, Decimal("0.5")),
    ]


@pytest.fixture
def lasted(world: World) -> World:
    """Resolved after 1, 2 and 30 days (alpha) and 4 (beta), all of them price; and one over two entities
    after 10, of which 7 were with rolf."""
    for number, (customer, end) in enumerate(
        (("alpha", "03-03"), ("alpha", "03-04"), ("alpha", "04-01"), ("beta", "03-06"))
    ):
        item = world.item(f"i{number}", customer, "100", entity="north")
        world.dispute(f"d{number}", [item], "2026-03-02", resolver_id=person_id("rita"))
        world.end_dispute(f"d{number}", f"2026-{end}")
    parts = [world.item(f"p{entity}", "beta", "50", entity=entity) for entity in ("north", "south")]
    world.dispute("both", parts, "2026-03-02", type="quality", resolver_id=person_id("rita"))
    world.change_dispute("both", "2026-03-05", resolver_id=person_id("rolf"))
    world.end_dispute("both", "2026-03-12")
    return world


def times(world: World, by: str) -> Report[Any]:
    return resolution_time.resolution_time(world.reading(), ResolutionTimeParameters(by=by))


def test_34_percentiles_of_a_subtotal_are_over_its_episodes(lasted: World):
    report = times(lasted, "type,customer")
    columns = ("count", "mean_days", "median_days", "p90_days", "km_median_days")
    assert told(report.rows, *columns) == [
        ("price", "alpha", 3, 11, 2, near(24.4), 2),
        ("price", "beta", 1, 4, 4, 4, 4),
        ("quality", "beta", 1, 10, 10, 10, 10),
    ]
    assert told(report.totals, *columns) == [
        ("price", "total", 4, 9.25, 3, near(22.2), 2),
        ("quality", "total", 1, 10, 10, 10, 10),
        ("total", "total", 5, near(9.4), 4, near(22), 4),
    ]
    assert [row.label for row in report.totals] == ["Price", "Quality", "total"]


def test_34_an_episode_over_two_entities_counts_once_in_subtotal_and_total(lasted: World):
    report = times(lasted, "customer,entity")
    assert told(report.rows, "count", "opened") == [
        ("alpha", "north", 3, 3),
        ("beta", "north", 2, 2),
        ("beta", "south", 1, 1),
    ]
    assert told(report.totals, "count", "opened", "mean_days") == [
        ("alpha", "total", 3, 3, 11),
        ("beta", "total", 2, 2, 7),
        ("total", "total", 5, 5, near(9.4)),
    ]
    beta = report.totals[1]
    assert beta.by_currency["weighted_mean_days_EUR"] == near((100 * 4 + 100 * 10) / 200)


def test_34_months_come_as_they_come_at_either_level(lasted: World):
    assert told(times(lasted, "month,type").rows, "count") == [
        ("2026-03", "price", 3), ("2026-03", "quality", 1), ("2026-04", "price", 1),
    ]  # fmt: skip
    assert told(times(lasted, "type,month").rows, "count") == [
        ("price", "2026-03", 3), ("price", "2026-04", 1), ("quality", "2026-03", 1),
    ]  # fmt: skip


def held(world: World, by: str) -> Report[Any]:
    return resolver_days.resolver_days(world.reading(), ResolutionTimeParameters(by=by))


def test_34_days_with_each_resolver_within_each_type(lasted: World):
    report = held(lasted, "type,resolver")
    assert told(report.rows, "episodes", "days", "mean_days") == [
        ("price", "rita", 4, 37, 9.25),
        ("quality", "rolf", 1, 7, 7),
        ("quality", "rita", 1, 3, 3),
    ]
    assert told(report.totals, "episodes", "days", "share") == [
        ("price", "total", 4, 37, near(37 / 47)),
        ("quality", "total", 1, 10, near(10 / 47)),
        ("total", "total", 5, 47, 1),
    ]
    assert report.rows[1].grouped == {"second_key": "rolf", "second_label": "Rolf"}


def test_34_days_of_an_episode_over_two_entities_are_in_both_and_once_in_what_they_come_to(lasted: World):
    by_entity = held(lasted, "entity")
    assert [(row.key, row.episodes, row.days) for row in (*by_entity.rows, *by_entity.totals)] == [
        ("north", 5, 47), ("south", 1, 10), ("total", 5, 47),
    ]  # fmt: skip
    report = held(lasted, "resolver,entity")
    assert told(report.rows, "episodes", "days") == [
        ("rita", "north", 5, 40), ("rita", "south", 1, 3), ("rolf", "north", 1, 7), ("rolf", "south", 1, 7),
    ]  # fmt: skip
    assert told(report.totals, "episodes", "days") == [
        ("rita", "total", 5, 40), ("rolf", "total", 1, 7), ("total", "total", 5, 47),
    ]  # fmt: skip
    assert [(row.key, row.days) for row in held(lasted, "month").rows] == [("2026-03", 17), ("2026-04", 30)]


@pytest.mark.parametrize("by", ["resolver", "type", "entity", "resolver,entity", "entity,type"])
def test_34_of_no_episode_at_all_there_is_a_total_too(lasted: World, by: str):
    later = ResolutionTimeParameters(by=by, period_from=date(2027, 1, 1))
    report = resolver_days.resolver_days(lasted.reading(), later)
    assert report.rows == ()
    (total,) = report.totals
    assert (total.key, total.episodes, total.days, total.mean_days, total.share) == (
        "total",
        0,
        0,
        None,
        None,
    )


def test_33_what_happened_in_each_month_by_type_and_by_entity(lasted: World):
    lasted.reopen_dispute("both", "2026-05-01")

    def ask(by: str) -> Report[Any]:
        return dispute_months.dispute_months(lasted.reading(), Parameters(by=by))

    columns = ("opened", "reopened", "resolved", "amount_opened", "amount_resolved")
    by_type = ask("type,month")
    assert told(by_type.rows, *columns) == [
        ("price", "2026-03", 4, 0, 3, 400, 300),
        ("price", "2026-04", 0, 0, 1, 0, 100),
        ("quality", "2026-03", 1, 0, 1, 100, 100),
        ("quality", "2026-05", 0, 1, 0, 0, 0),
    ]
    assert told(by_type.totals, *columns)[-1] == ("total", "total", 5, 1, 5, 500, 500)
    assert by_type.rows[0].grouped == {"label": "Price", "second_key": "2026-03", "second_label": "2026-03"}
    by_entity = ask("customer,entity")
    assert told(by_entity.rows, *columns) == [
        ("alpha", "north", 3, 0, 3, 300, 300),
        ("beta", "north", 2, 1, 2, 150, 150),
        ("beta", "south", 1, 1, 1, 50, 50),
    ]
    assert told(by_entity.totals, *columns) == [
        ("alpha", "total", 3, 0, 3, 300, 300),
        ("beta", "total", 2, 1, 2, 200, 200),
        ("total", "total", 5, 1, 5, 500, 500),
    ]
    assert ask("month,type").rows[0].grouped["label"] == "2026-03"
    (alpha, beta), (total,) = (ask("customer").records(), ask("customer").total_records())
    assert (alpha["key"], alpha["label"], beta["opened"], total["opened"]) == ("alpha", "Alpha Ltd", 2, 5)


def test_38_each_level_has_its_own_sales(split: World):
    def ask(by: str) -> Report[Any]:
        return receivables.receivables(split.reading(), ReceivablesParameters(by=by, currency="EUR"))

    by_customer = ask("customer,entity")
    columns = ("receivables", "disputes", "disputes_opened", "sales")
    assert told(by_customer.rows, *columns) == [
        ("beta", "main", 16, 1, 1, 16),
        ("beta", "north", 8, 1, 1, 8),
        ("alpha", "south", 8, 1, 1, 8),
        ("alpha", "north", 1, 1, 1, 1),
    ]
    assert told(by_customer.totals, *columns) == [
        ("beta", "total", 24, 2, 2, 24),
        ("alpha", "total", 9, 1, 1, 9),
        ("total", "total", 33, 3, 3, 33),
    ]
    month = {"month": date(2026, 1, 1), "entity": "north", "currency": "EUR", "amount": Decimal(900)}
    key = sales_id("north", "EUR", date(2026, 1, 1))
    split.row("sales_states", moment("2026-06-15"), {"sales_id": key, **month})
    assert told(ask("customer,entity").totals, "sales")[-1] == ("total", "total", 33)
    assert told(ask("none,entity").rows, "sales", "sales_source")[-1:] == [
        ("total", "south", 8, "registered"),
    ]
    assert told(ask("entity,none").totals, "sales", "sales_source") == [
        ("main", "total", 16, "registered"),
        ("north", "total", 900, "stated"),
        ("south", "total", 8, "registered"),
        ("total", "total", 924, "both"),
    ]
