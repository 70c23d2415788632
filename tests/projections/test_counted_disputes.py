"""The lists behind the figures of the dispute report: as the disputes were when they were counted."""

from __future__ import annotations

from datetime import date

import pytest

from domain.identity import person_id
from projections.cases import DisputeList, FollowUpList, disputes, follow_ups
from projections.dispute_report import Counted
from projections.parameters import ParameterInvalid
from projections.search import ItemSearch, items
from tests.projections.world import World


@pytest.fixture
def changing(world: World) -> World:
    """Disputes that became something else after they were opened, or resolved."""
    north = world.item("1", "alpha", "10", entity="north", attributes={"x": "1"})
    south = world.item("2", "alpha", "20", entity="south", attributes={"x": "2"})
    three, four = (world.item(number, "beta", "30") for number in ("3", "4"))
    world.dispute("both", [north, south], "2026-02-01", resolver_id=person_id("rita"))
    world.change_dispute("both", "2026-03-01", type="quality", resolver_id=None)
    world.dispute("twice", [three], "2026-02-10", resolver_id=person_id("rolf"))
    world.end_dispute("twice", "2026-02-20")
    world.reopen_dispute("twice", "2026-03-01", type="quality")
    world.end_dispute("twice", "2026-03-10")
    world.dispute("mistake", [four], "2026-02-15")
    world.end_dispute("mistake", "2026-02-16", state="cancelled")
    return world


def counted(world: World, **given: object) -> str:
    found = disputes(world.reading(), DisputeList(sort="oldest", **given))  # type: ignore[arg-type]
    return " ".join(str(row.reference) for row in found.rows)


OPENED, RESOLVED = Counted.OPENED, Counted.RESOLVED
FEBRUARY = {"period_from": date(2026, 2, 1), "period_to": date(2026, 2, 28)}
MARCH = {"period_from": date(2026, 3, 1), "period_to": date(2026, 3, 31)}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"counted": Counted.OPEN}, "both"),
        ({"counted": OPENED}, "both twice"),
        ({"counted": OPENED, **FEBRUARY}, "both twice"),
        ({"counted": OPENED, **MARCH}, ""),
        ({"counted": RESOLVED}, "twice"),
        ({"counted": RESOLVED, **FEBRUARY}, "twice"),
        ({"counted": RESOLVED, "status": "price"}, ""),
        ({"counted": RESOLVED, "status": "price", **FEBRUARY}, "twice"),
        ({"counted": RESOLVED, "status": "quality", **FEBRUARY}, ""),
        ({"counted": RESOLVED, "status": "quality", **MARCH}, "twice"),
        ({"counted": RESOLVED, "resolver": person_id("rolf")}, "twice"),
        ({"counted": RESOLVED, "is_assigned": False}, ""),
        ({"counted": OPENED, "entity": "north", "attributes": {"x": "1"}}, "both"),
        ({"counted": OPENED, "entity": "north", "attributes": {"x": "2"}}, ""),
        ({"counted": OPENED, "state": "open"}, "both"),
        ({"counted": OPENED, "counted_month": "2026-02"}, "both twice"),
        ({"counted": OPENED, "counted_month": "2026-03"}, ""),
        ({"counted": RESOLVED, "counted_month": "2026-02"}, ""),
        ({"counted": RESOLVED, "counted_month": "2026-02", **FEBRUARY}, "twice"),
        ({"counted": RESOLVED, "counted_month": "2026-03"}, "twice"),
    ],
)
def test_33_the_list_of_what_is_counted(changing: World, given: dict[str, object], expected: str):
    assert counted(changing, **given) == expected


@pytest.mark.parametrize(
    ("given", "cure"),
    [
        ({"counted": RESOLVED, "counted_month": "2026-3"}, "give year and month, such as 2026-03"),
        ({"counted": RESOLVED, "counted_month": "2026-13"}, "give year and month, such as 2026-03"),
        ({"counted": Counted.OPEN, "counted_month": "2026-03"}, "counted as opened or resolved"),
        ({"counted_month": "2026-03"}, "counted as opened or resolved"),
    ],
)
def test_33_a_month_is_of_what_is_counted(changing: World, given: dict[str, object], cure: str):
    with pytest.raises(ParameterInvalid, match=cure):
        counted(changing, **given)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"state": "open", "age": "91-120"}, ""),
        ({"state": "open", "age": "over_90"}, "both"),
        ({"state": "open", "age": "0-30"}, ""),
        ({"has_collector": True}, "both"),
        ({"has_collector": False}, "mistake twice"),
        ({"entity": "north", "attributes": {"x": "1"}}, "both"),
        ({"entity": "north", "attributes": {"x": "2"}}, ""),
    ],
)
def test_lists_take_what_reports_group_by(changing: World, given: dict[str, object], expected: str):
    changing.change("customer_states", "code", "beta", "2026-06-01", collector_id=None)
    if given.get("age") == "91-120":
        with pytest.raises(ParameterInvalid, match="give one of 0-30, 31-60, 61-90, over_90"):
            counted(changing, **given)
        return
    assert counted(changing, **given) == expected


def test_items_with_and_without_status_and_collector(changing: World):
    changing.item("5", "gamma", "50")
    changing.change("customer_states", "code", "gamma", "2026-06-01", collector_id=None)

    def numbers(**given: bool) -> str:
        found = items(changing.reading(), ItemSearch(**given))  # type: ignore[arg-type]
        return " ".join(row.number for row in found.rows)

    assert numbers(has_status=False) == "5"
    assert numbers(has_status=True) == "1 2 3 4"
    assert numbers(has_collector=False) == "5"
    assert numbers(has_collector=True) == "1 2 3 4"


def test_one_item_of_an_action_passes_all_filters_for_items(changing: World):
    both = [each.item_id for each in items(changing.reading(), ItemSearch(customer="alpha")).rows]
    changing.follow_up("F", both, "2026-06-10", owner="cora", dispute_id=None)

    def found(entity: str, value: str) -> int:
        parameters = FollowUpList(entity=entity, attributes={"x": value})
        return len(follow_ups(changing.reading(), parameters).rows)

    assert (found("north", "1"), found("north", "2"), found("south", "2")) == (1, 0, 1)
