"""The episodes behind the figures of the resolution time (spec 34), by hand-made rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from domain.identity import COMPANY_STREAM, person_id
from domain.refusals import RoleForbids
from domain.roles import Permission
from projections.dispute_report import Counted
from projections.episode_list import EpisodeList, EpisodeRow, episodes
from projections.parameters import ParameterInvalid, Report
from tests.projections.world import World, moment

OPENED, OPEN = Counted.OPENED, Counted.OPEN
FEBRUARY = {"period_from": date(2026, 2, 1), "period_to": date(2026, 2, 28)}
MARCH = {"period_from": date(2026, 3, 1), "period_to": date(2026, 3, 31)}


@pytest.fixture
def lives(world: World) -> World:
    """One over two entities; one resolved twice, and as something else the second time; one open, one
    escalated, and one that was resolved before it was cancelled."""
    north = world.item("1", "alpha", "10", entity="north", attributes={"x": "1"})
    south = world.item("2", "alpha", "20", entity="south", attributes={"x": "2"})
    three, four, five, six = (world.item(number, "beta", "30") for number in ("3", "4", "5", "6"))
    world.dispute("both", [north, south], "2026-01-30", resolver_id=person_id("rita"))
    world.end_dispute("both", "2026-02-06")
    world.dispute("twice", [three], "2026-02-10", resolver_id=person_id("rolf"))
    world.end_dispute("twice", "2026-02-14 12:00")
    world.reopen_dispute("twice", "2026-03-01", type="quality")
    world.end_dispute("twice", "2026-03-21")
    world.dispute("open", [four], "2026-03-05")
    world.dispute("escalated", [five], "2026-03-06")
    world.end_dispute("escalated", "2026-03-07", state="escalated")
    world.dispute("mistaken", [six], "2026-02-06")
    world.end_dispute("mistaken", "2026-02-10")
    world.reopen_dispute("mistaken", "2026-02-11")
    world.end_dispute("mistaken", "2026-02-12", state="cancelled")
    return world


def ask(world: World, **given: object) -> Report[EpisodeRow]:
    return episodes(world.reading(), replace(EpisodeList(), **given))  # type: ignore[arg-type]


def listed(world: World, **given: object) -> str:
    return " ".join(f"{row.reference}.{row.episode}" for row in ask(world, **given).rows)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "twice.2 both.1 twice.1"),
        ({"sort": "newest"}, "twice.2 twice.1 both.1"),
        ({"sort": "oldest"}, "both.1 twice.1 twice.2"),
        (FEBRUARY, "both.1 twice.1"),
        (MARCH, "twice.2"),
        ({"status": "quality"}, "twice.2"),
        ({"status": "price"}, "both.1 twice.1"),
        ({"resolver": person_id("rolf")}, "twice.2 twice.1"),
        ({"is_assigned": False}, ""),
        ({"is_assigned": True, "first_episodes_only": True}, "both.1 twice.1"),
        ({"customer": "alpha"}, "both.1"),
        ({"entity": "north", "attributes": {"x": "1"}}, "both.1"),
        ({"entity": "north", "attributes": {"x": "2"}}, ""),
        ({"counted": OPENED, "sort": "oldest"}, "both.1 twice.1 twice.2 open.1 escalated.1"),
        ({"counted": OPENED, **FEBRUARY}, "twice.1"),
        ({"counted": OPEN}, "open.1"),
        ({"counted": OPEN, **FEBRUARY}, ""),
        ({"as_at": date(2026, 3, 5), "counted": OPEN}, "twice.2 open.1"),
        ({"counted": OPENED}, "open.1 twice.2 both.1 twice.1 escalated.1"),
        ({"as_at": date(2026, 2, 10)}, "both.1 mistaken.1"),
    ],
)
def test_34_the_list_of_what_the_resolution_time_counts(
    lives: World, given: dict[str, object], expected: str
) -> None:
    assert listed(lives, **given) == expected


def test_34_of_customers_with_and_without_collector(lives: World) -> None:
    lives.change("customer_states", "code", "beta", "2026-06-01", collector_id=None)
    assert listed(lives, has_collector=False) == "twice.2 twice.1"
    assert listed(lives, has_collector=True) == "both.1"


def test_34_an_episode_says_how_long_it_took_and_whether_that_was_in_time(lives: World) -> None:
    lives.change("status_states", "code", "price", "2026-06-01", target_days=5)
    second, both, first = ask(lives).rows
    assert [row.days for row in (second, both, first)] == [20.0, 7.0, 4.5]
    assert [row.business_days for row in (second, both, first)] == [15, 5, 3]
    assert [row.within_target for row in (second, both, first)] == [None, False, True]
    assert (both.type, both.target_days, both.resolver) == ("price", 5, "Rita")
    assert both.amount_at_opening == Decimal(30)
    assert (both.opened_at, both.ended_at) == (moment("2026-01-30"), moment("2026-02-06"))
    (waiting,) = ask(lives, counted=OPEN, status="price", as_at=moment("2026-03-08")).rows
    assert (waiting.days, waiting.business_days, waiting.ended_at, waiting.chases) == (3.0, None, None, None)


def test_34_pages_follow_each_other_in_every_order(lives: World) -> None:
    for sort in ("longest", "newest", "oldest"):
        whole, found, cursor = listed(lives, sort=sort, counted=OPENED), [], None
        for _ in range(5):
            page = ask(lives, sort=sort, counted=OPENED, limit=1, cursor=cursor)
            found += [f"{row.reference}.{row.episode}" for row in page.rows]
            cursor = page.next_cursor
        assert " ".join(found) == whole
        assert cursor is None
    with pytest.raises(ParameterInvalid, match="sort by longest, newest, oldest"):
        ask(lives, sort="customer")


def test_34_no_open_episode_is_missed_however_late_the_next_page_is_asked_for(lives: World) -> None:
    one = lives.item("9", "beta", "30")
    lives.dispute("moments later", [one], "2026-03-05 00:00:01")
    first = ask(lives, counted=OPENED, limit=1)
    assert [row.reference for row in first.rows] == ["open"]
    later = EpisodeList(counted=OPENED, limit=5, cursor=first.next_cursor)
    rest = episodes(lives.reading(now=moment("2026-06-25 12:00")), later).rows
    assert [f"{row.reference}.{row.episode}" for row in rest] == [
        "moments later.1", "twice.2", "both.1", "twice.1", "escalated.1",
    ]  # fmt: skip


def test_34_a_list_says_by_which_calendar_it_counts(lives: World) -> None:
    lives.change("settings_states", "company_stream", COMPANY_STREAM, "2026-01-01", country="FR")
    stated = ask(lives).parameters
    assert stated["country"] == "FR"
    assert str(stated["calendar"]).startswith("holidays ")


def test_29_episodes_are_for_who_may_see_the_dispute(lives: World) -> None:
    def seen(code: str, *scopes: Permission) -> str:
        reading = lives.service(*scopes) if scopes else lives.reading(code=code)
        return " ".join(f"{row.reference}.{row.episode}" for row in episodes(reading, EpisodeList()).rows)

    assert seen("", Permission.READ_DISPUTES) == "twice.2 both.1 twice.1"
    with pytest.raises(RoleForbids):
        seen("", Permission.READ_AGENDA)
