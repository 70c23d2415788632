"""Resolution time (spec 34), by hand-made rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.identity import person_id
from domain.refusals import RoleForbids
from domain.roles import Permission, Role
from projections.parameters import ParameterInvalid, Report
from projections.reading import Reading
from projections.resolution_figures import ResolutionTimeRow
from projections.resolution_time import ResolutionTimeParameters, resolution_time
from tests.projections.world import World, moment


def ask(reading: Reading, **given: object) -> Report[ResolutionTimeRow]:
    return resolution_time(reading, replace(ResolutionTimeParameters(), **given))  # type: ignore[arg-type]


def figures(rows: Sequence[ResolutionTimeRow]) -> dict[str | None, tuple[float | None, ...]]:
    """Count, mean, median, p90 and how many are not resolved by key."""
    return {
        row.key: (row.count, row.mean_days, row.median_days, row.p90_days, row.still_open + row.escalated)
        for row in rows
    }


def test_nothing_is_known_of_an_empty_company(empty: World):
    report = ask(empty.reading())
    assert report.rows == ()
    assert figures(report.totals) == {"total": (0, None, None, None, 0)}
    assert figures(ask(empty.reading(), by="none").rows) == {"total": (0, None, None, None, 0)}


@pytest.fixture
def lives(world: World) -> World:
    """Resolved after 2, 4 and 12 days (the last in its second episode, after 20 in its first), one of them
    over two entities; one open, one escalated, and one cancelled after it had been resolved."""
    north = world.item("1", "alpha", "1", entity="north", attributes={"site": "N"})
    south = world.item("2", "alpha", "2", entity="south", attributes={"site": "S"})
    more = world.item("3", "alpha", "4", entity="south", attributes={"site": "S"})
    others = [world.item(str(number), "beta", "8", currency="USD") for number in range(4, 9)]
    world.dispute("both", [north, south, more], "2026-01-30", resolver_id=person_id("rita"))
    world.dispute("half", [others[0]], "2026-02-10 12:00")
    world.dispute("twice", [others[1]], "2026-03-01")
    world.dispute("open", [others[2]], "2026-03-05", type="quality")
    world.dispute("escalated", [others[3]], "2026-04-05", resolver_id=person_id("rolf"))
    world.dispute("mistaken", [others[4]], "2026-04-06")
    world.end_dispute("both", "2026-02-01")
    world.end_dispute("half", "2026-02-14 12:00", type="quality", resolver_id=person_id("rolf"))
    world.end_dispute("twice", "2026-03-21")
    world.end_dispute("escalated", "2026-04-20", state="escalated")
    world.end_dispute("mistaken", "2026-04-21")
    world.reopen_dispute("twice", "2026-04-22")
    world.reopen_dispute("mistaken", "2026-04-23")
    world.end_dispute("mistaken", "2026-04-24", state="cancelled")
    world.end_dispute("twice", "2026-05-04")
    return world


def near(expected: object) -> object:
    return pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (None, {"price": (3, 34 / 3, 12, 18.4, 1), "quality": (1, 4, 4, 4, 1)}),
        ("type", {"price": (3, 34 / 3, 12, 18.4, 1), "quality": (1, 4, 4, 4, 1)}),
        ("customer", {"alpha": (1, 2, 2, 2, 0), "beta": (3, 12, 12, 18.4, 2)}),
        ("resolver", {"rita": (1, 2, 2, 2, 0), "rolf": (1, 4, 4, 4, 1), None: (2, 16, 16, 19.2, 1)}),
        ("collector", {"cora": (1, 2, 2, 2, 0), "carl": (3, 12, 12, 18.4, 2)}),
        ("entity", {"north": (1, 2, 2, 2, 0), "south": (1, 2, 2, 2, 0), "main": (3, 12, 12, 18.4, 2)}),
        ("currency", {"EUR": (1, 2, 2, 2, 0), "USD": (3, 12, 12, 18.4, 2)}),
        ("attribute:site", {"N": (1, 2, 2, 2, 0), "S": (1, 2, 2, 2, 0), None: (3, 12, 12, 18.4, 2)}),
        (
            "month",
            {
                "2026-01": (0, None, None, None, 0),
                "2026-02": (2, 3, 3, 3.8, 0),
                "2026-03": (1, 20, 20, 20, 1),
                "2026-04": (0, None, None, None, 1),
                "2026-05": (1, 12, 12, 12, 0),
            },
        ),
        ("none", {"total": (4, 9.5, 8, 17.6, 2)}),
    ],
)
def test_each_grouping(lives: World, by: str | None, expected: dict[str | None, tuple[float | None, ...]]):
    report = ask(lives.reading(), by=by)
    assert figures(report.rows) == {key: near(row) for key, row in expected.items()}
    assert figures(report.totals) == {"total": near((4, 9.5, 8, 17.6, 2))}


def test_columns_are_named_as_promised(lives: World):
    (record,) = ask(lives.reading(), by="none").records()
    figures = ["count", "mean_days", "median_days", "p90_days", "still_open", "escalated"]
    assert list(record)[:8] == ["key", "label", *figures]
    assert list(record)[-2:] == ["weighted_mean_days_EUR", "weighted_mean_days_USD"]


def test_20_an_escalated_episode_is_neither_resolved_nor_still_open(lives: World):
    def waiting(**given: object) -> dict[str | None, tuple[int, int]]:
        rows = ask(lives.reading(), **given).rows
        return {row.key: (row.still_open, row.escalated) for row in rows}

    assert waiting(by="none") == {"total": (1, 1)}
    (total,) = ask(lives.reading()).totals
    assert (total.still_open, total.escalated) == (1, 1)
    assert waiting(by="none", as_at=date(2026, 4, 19))["total"] == (3, 0)


def test_largest_groups_come_first_but_months_in_order(lives: World):
    assert [row.key for row in ask(lives.reading(), by="resolver").rows] == [None, "rolf", "rita"]
    by_month = [row.key for row in ask(lives.reading(), by="month").rows]
    assert by_month == ["2026-01", "2026-02", "2026-03", "2026-04", "2026-05"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"entity": "south"}, (1, 2, 2, 2, 0)),
        ({"customer": "alpha"}, (1, 2, 2, 2, 0)),
        ({"collector": person_id("cora")}, (1, 2, 2, 2, 0)),
        ({"resolver": person_id("rolf")}, (1, 4, 4, 4, 1)),
        ({"status": "quality"}, (1, 4, 4, 4, 1)),
        ({"attributes": {"site": "N"}}, (1, 2, 2, 2, 0)),
        ({"currency": "USD"}, (3, 12, 12, 18.4, 2)),
        ({"period_from": date(2026, 2, 2)}, (3, 12, 12, 18.4, 2)),
        ({"period_from": date(2026, 3, 6)}, (2, 16, 16, 19.2, 1)),
        ({"period_to": date(2026, 2, 1)}, (1, 2, 2, 2, 0)),
        ({"period_from": date(2026, 2, 14), "period_to": date(2026, 4, 5)}, (2, 12, 12, 18.4, 2)),
        ({"first_episodes_only": True}, (3, 26 / 3, 4, 16.8, 2)),
    ],
)
def test_filters(lives: World, given: dict[str, object], expected: tuple[float, ...]):
    report = ask(lives.reading(), **given)
    assert figures(report.totals) == {"total": near(expected)}
    assert given.items() <= report.parameters.items()


@pytest.mark.parametrize(
    ("role", "code", "count"),
    [
        (Role.ANALYST, "boss", 4),
        (Role.COLLECTOR, "cora", 1),
        (Role.COLLECTOR, "rolf", 1),
        (Role.SALES_MANAGER, "sam", 1),
        (Role.RESOLVER, "rita", 1),
        (Role.RESOLVER, "boss", 4),
        (Role.RESOLVER, "sam", 0),
    ],
)
def test_reach(lives: World, role: Role, code: str, count: int):
    (total,) = ask(lives.reading(role, code)).totals
    assert total.count == count


def test_a_client_needs_the_scope(lives: World):
    assert ask(lives.service(Permission.READ_DISPUTES)).totals[0].count == 4
    with pytest.raises(RoleForbids):
        ask(lives.service(Permission.READ_RECEIVABLES))


def test_an_unknown_grouping_is_refused(world: World):
    with pytest.raises(ParameterInvalid, match="'age'"):
        ask(world.reading(), by="age")


def test_the_clock_starts_when_the_customer_said_it(world: World):
    item = world.item("1", "alpha")
    world.dispute("d", [item], "2026-05-04 06:00", episode_opened_at=moment("2026-05-01"))
    world.end_dispute("d", "2026-05-04 12:00")
    assert figures(ask(world.reading()).totals) == {"total": near((1, 3.5, 3.5, 3.5, 0))}


def test_resolved_then_is_open_before(lives: World):
    def then(as_at: str) -> tuple[float | None, ...]:
        return figures(ask(lives.reading(), as_at=date.fromisoformat(as_at)).totals)["total"]

    assert then("2026-01-29") == (0, None, None, None, 0)
    assert then("2026-01-31") == (0, None, None, None, 1)
    assert then("2026-02-01") == near((1, 2, 2, 2, 0))
    assert then("2026-04-20") == near(
        (3, 26 / 3, 4, 16.8, 3)
    )  # mistaken is open still, escalated was just now
    assert then("2026-04-21") == near((4, 41 / 4, 9.5, 18.5, 2))
    assert then("2026-04-23") == near((4, 41 / 4, 9.5, 18.5, 4))
    assert then("2026-04-24") == near((3, 26 / 3, 4, 16.8, 3))


def test_an_episode_that_goes_on_after_an_undone_import_counts_once(world: World):
    item = world.item("1", "alpha")
    world.dispute("d", [item], "2026-03-01")
    world.end_dispute("d", "2026-03-05")
    world.change_dispute("d", "2026-03-06", state="open", outcome=None)
    assert figures(ask(world.reading()).totals) == {"total": (0, None, None, None, 1)}
    world.change_item(item, "2026-03-06", dispute_id=UUID(int=0))
    world.end_dispute("d", "2026-03-11")
    assert figures(ask(world.reading()).totals) == {"total": near((1, 10, 10, 10, 0))}
    assert figures(ask(world.reading(), as_at=date(2026, 3, 5)).totals) == {"total": near((1, 4, 4, 4, 0))}


def linear(values: list[float], share: float) -> float:
    """The percentile as spec 34 has it: by linear interpolation between the sorted values."""
    values = sorted(values)
    place = share * (len(values) - 1)
    low = math.floor(place)
    high = math.ceil(place)
    return values[low] + (values[high] - values[low]) * (place - low)


@given(seconds=st.lists(st.integers(0, 200 * 86_400), min_size=1, max_size=25), waiting=st.integers(0, 3))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_figures_equal_a_plain_computation(world: World, seconds: list[int], waiting: int):
    world.run("delete from dispute_states")
    item = world.item(str(world.position), "alpha", issued="2025-01-01")
    opened = moment("2025-01-01")
    for number, elapsed in enumerate([*seconds, *[None] * waiting]):
        name = f"{world.position} {number}"
        world.dispute(name, [item], "2025-01-01")
        if elapsed is not None:
            world.change_dispute(
                name, (opened + timedelta(seconds=elapsed)).isoformat(), state="resolved", ends_episode=True
            )
    days = [elapsed / 86_400 for elapsed in seconds]
    assert figures(ask(world.reading()).totals) == {
        "total": near((len(days), math.fsum(days) / len(days), linear(days, 0.5), linear(days, 0.9), waiting))
    }
