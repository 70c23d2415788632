"""What resolution time tells beside counts and means (spec 34), by hand-made rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from importlib.metadata import version
from typing import Any

import pytest

from domain.identity import person_id
from projections.parameters import Report
from projections.reading import Reading
from projections.resolution_figures import CLOSED_ONLY, ResolutionTimeRow
from projections.resolution_time import ResolutionTimeParameters, resolution_time
from projections.resolver_days import resolver_days
from tests.projections.world import World, moment


def total(reading: Reading, **given: object) -> ResolutionTimeRow:
    (row,) = ask(reading, **given).totals
    return row


def ask(reading: Reading, **given: object) -> Report[ResolutionTimeRow]:
    return resolution_time(reading, replace(ResolutionTimeParameters(), **given))  # type: ignore[arg-type]


def near(expected: object) -> object:
    return pytest.approx(expected, abs=1e-9)


def resolved(world: World, name: str, at: str, until: str, balance: str = "100", **values: Any) -> None:
    """A dispute over an item of its own, resolved at *until*."""
    entity, currency = values.pop("entity", "main"), values.pop("currency", "EUR")
    item = world.item(name, "alpha", balance, entity=entity, currency=currency)
    world.dispute(name, [item], at, **values)
    world.end_dispute(name, until)


def test_34_the_mean_says_that_it_is_of_closed_episodes_only(world: World):
    resolved(world, "a", "2026-03-02", "2026-03-05")
    for row in (*ask(world.reading()).rows, total(world.reading())):
        assert row.mean_basis == CLOSED_ONLY == "closed only"


def test_34_business_days_are_the_working_days_after_the_start_up_to_the_end(world: World):
    resolved(world, "over Easter", "2026-04-03 08:00", "2026-04-07 18:00")
    assert total(world.reading()).mean_business_days == 2
    world.run("update settings_states set country = 'FR'")
    assert total(world.reading()).mean_business_days == 1  # Easter Monday is a holiday in France
    resolved(world, "same day", "2026-04-08 08:00", "2026-04-08 18:00")
    resolved(world, "over a week-end", "2026-04-11 08:00", "2026-04-12 18:00")
    row = total(world.reading())
    assert (row.mean_business_days, row.median_business_days) == near((1 / 3, 0))
    assert row.p90_business_days == near(0.8)


def test_34_the_days_are_those_of_the_companys_zone(world: World):
    world.run("update settings_states set zone = 'Asia/Tokyo'")
    # there it is Tuesday already when it begins, and Wednesday when it ends
    resolved(world, "a", "2026-03-02 15:30", "2026-03-03 15:30")
    assert total(world.reading()).mean_business_days == 1
    resolved(world, "b", "2026-03-02 14:30", "2026-03-03 15:30")
    assert total(world.reading()).p90_business_days == near(1.9)


def test_34_the_version_of_the_calendar_is_told(world: World):
    assert ask(world.reading()).parameters["calendar"] == "weekdays"
    world.run("update settings_states set country = 'DE-BY'")
    stated = ask(world.reading()).parameters
    assert (stated["country"], stated["calendar"]) == ("DE-BY", f"holidays {version('holidays')}")


def test_34_the_weighted_mean_is_per_currency_and_by_the_amount_at_opening(world: World):
    resolved(world, "small", "2026-03-02", "2026-03-04", "100")
    resolved(world, "large", "2026-03-02", "2026-03-12", "300")
    resolved(world, "dollars", "2026-03-02", "2026-03-09", "50", currency="USD")
    resolved(world, "credit note", "2026-03-02", "2026-05-02", "-70")
    row = total(world.reading())
    assert row.by_currency == near({"weighted_mean_days_EUR": 8, "weighted_mean_days_USD": 7})
    by_currency = {each.key: each.by_currency for each in ask(world.reading(), by="currency").rows}
    assert by_currency["USD"] == {"weighted_mean_days_EUR": None, "weighted_mean_days_USD": near(7)}


def test_34_a_dispute_over_two_entities_weighs_in_each_what_is_disputed_there(world: World):
    north = world.item("1", "alpha", "100", entity="north")
    south = world.item("2", "alpha", "300", entity="south")
    world.dispute("both", [north, south], "2026-03-02")
    world.end_dispute("both", "2026-03-12")
    resolved(world, "north alone", "2026-03-02", "2026-03-04", "300", entity="north")
    rows = {
        row.key: row.by_currency["weighted_mean_days_EUR"] for row in ask(world.reading(), by="entity").rows
    }
    assert rows == near({"north": 4, "south": 10})  # (100·10 + 300·2) / 400
    total_row = total(world.reading(), by="entity")
    assert total_row.by_currency["weighted_mean_days_EUR"] == near((400 * 10 + 300 * 2) / 700)


def test_34_within_target_is_a_share_of_those_whose_type_has_a_target(world: World):
    world.run("update status_states set target_days = 5 where code = 'price'")
    resolved(world, "in time", "2026-03-02", "2026-03-07")
    resolved(world, "late", "2026-03-02", "2026-03-07 00:01")
    resolved(world, "later", "2026-03-02", "2026-03-09")
    resolved(world, "no target", "2026-03-02", "2026-03-03", type="quality")
    rows = {row.key: row.within_target for row in ask(world.reading()).rows}
    assert rows == near({"price": 1 / 3, "quality": None})
    assert total(world.reading()).within_target == near(1 / 3)


def test_34_kaplan_meier_counts_those_still_open_at_the_moment(world: World):
    """The worked example: resolved after 2, 3, 3, 8 and 12 days; open since 4 and 10, escalated after 9."""
    for number, days in enumerate((2, 3, 3, 8, 12)):
        resolved(world, f"r{number}", "2026-03-01", f"2026-03-{1 + days:02}")
    for name, opened in (("o4", "2026-03-17"), ("o10", "2026-03-11"), ("e9", "2026-03-05")):
        world.dispute(name, [world.item(name, "alpha")], opened)
    world.end_dispute("e9", "2026-03-14", state="escalated")
    then = datetime.fromisoformat("2026-03-21T00:00:00+00:00")
    row = total(world.reading(), as_at=then)
    assert (row.count, row.opened, row.still_open, row.escalated) == (5, 8, 2, 1)
    assert (row.mean_days, row.median_days) == near((5.6, 3))
    assert (row.km_median_days, row.km_median_low, row.km_median_high) == (8, 2, 12)
    assert (row.km_p90_days, row.km_p90_low, row.km_p90_high) == (12, 12, 12)
    assert total(world.reading(), as_at=moment("2026-03-03")).km_median_days is None


def test_34_the_trend_is_of_those_resolved_in_a_month_and_of_those_opened_in_it(world: World):
    resolved(world, "a", "2026-03-20", "2026-04-10")
    resolved(world, "b", "2026-04-01", "2026-04-11")
    world.dispute("c", [world.item("c", "alpha")], "2026-04-20")
    rows = ask(world.reading(), by="month").rows
    found = {
        row.key: (row.count, row.mean_days, row.opened, row.still_open, row.km_median_days) for row in rows
    }
    assert found == {"2026-03": (0, None, 1, 0, 21), "2026-04": (2, near(15.5), 2, 1, 10)}
    april = ask(world.reading(), by="month", period_from=date(2026, 4, 1)).rows
    assert [row.key for row in april] == ["2026-04"]


def test_34_days_with_each_resolver_add_up_to_those_of_the_episodes(world: World):
    rita, rolf = person_id("rita"), person_id("rolf")
    item = world.item("1", "alpha")
    world.dispute("d", [item], "2026-03-03", episode_opened_at=moment("2026-03-01"), resolver_id=rita)
    world.change_dispute("d", "2026-03-06", comments=1)
    world.change_dispute("d", "2026-03-07", resolver_id=rolf)
    world.change_dispute("d", "2026-03-08", resolver_id=rita)
    world.end_dispute("d", "2026-03-11")
    resolved(world, "other", "2026-03-10", "2026-03-20", resolver_id=rolf)
    world.dispute("open", [world.item("2", "alpha")], "2026-03-10", resolver_id=rolf)
    report = resolver_days(world.reading(), ResolutionTimeParameters())
    rows = {row.key: (row.episodes, row.days, row.mean_days, row.share) for row in report.rows}
    assert rows == near_rows({
        "rolf": (2, 11, 5.5, 0.55), "rita": (1, 7, 7, 0.35), None: (1, 2, 2, 0.1)
    })  # fmt: skip
    (sums,) = report.totals
    assert (sums.episodes, sums.days, sums.mean_days) == near((2, 20, 10))
    assert sums.days == near(sum(row.count * (row.mean_days or 0) for row in ask(world.reading()).rows))


def near_rows(rows: Mapping[str | None, tuple[float, ...]]) -> dict[str | None, object]:
    return {key: near(row) for key, row in rows.items()}
