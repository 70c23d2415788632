"""Lists of disputes and follow-up actions, and single ones, by hand-made rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from domain.identity import customer_id, dispute_id, follow_up_id, item_id, person_id
from domain.refusals import RoleForbids, UnknownDispute, UnknownFollowUp
from domain.roles import Permission, Role
from projections.cases import (
    DisputeList,
    DisputeRow,
    FollowUpList,
    FollowUpRow,
    dispute,
    disputes,
    follow_up,
    follow_ups,
)
from projections.parameters import ParameterInvalid, Parameters, Report
from projections.reading import Reading
from tests.projections.world import World, moment, named


def ask(reading: Reading, **given: object) -> Report[DisputeRow]:
    return disputes(reading, replace(DisputeList(), **given))  # type: ignore[arg-type]


def ask_actions(reading: Reading, **given: object) -> Report[FollowUpRow]:
    return follow_ups(reading, replace(FollowUpList(), **given))  # type: ignore[arg-type]


def references(report: Report[DisputeRow] | Report[FollowUpRow]) -> str:
    return " ".join(row.reference or "" for row in report.rows)


def test_nothing_is_known_of_an_empty_company(empty: World):
    assert ask(empty.reading()).rows == ()
    assert ask_actions(empty.reading()).rows == ()


@pytest.fixture
def varied(world: World) -> World:
    """Four disputes and four actions that differ in whatever can be asked for."""
    one = world.item("1", "alpha", "10", entity="north", attributes={"x": "1"})
    two = world.item("2", "alpha", "20", entity="south")
    three = world.item("3", "beta", "30", currency="USD")
    four = world.item("4", "gamma", "40")
    five = world.item("5", "alpha", "50")
    world.dispute("D1", {one: "4"}, "2026-06-01", resolver_id=person_id("rita"), assigned_by="rule")
    world.dispute(
        "D2", [two], "2026-06-02", type="quality", unassigned="no_match", opened_by=person_id("rolf")
    )
    world.dispute("D3", [three], "2026-06-03", resolver_id=person_id("rolf"))
    world.dispute("D4", [four], "2026-06-04")
    world.end_dispute("D4", "2026-06-10", credited_amount=Decimal(5))
    world.follow_up("F1", [one], "2026-06-10", owner="cora", dispute_id=named("D1"), chases=1)
    world.follow_up("F2", [two], "2026-06-12", owner="sam", dispute_id=named("D2"), at="2026-06-02")
    world.follow_up("F3", [five], "2026-06-20", owner="cora", status="promise", resolver_id=person_id("rolf"))
    world.follow_up("F4", [four], "2026-06-11", owner="carl", at="2026-06-10")
    world.change("follow_up_states", "follow_up_id", named("F4"), "2026-06-11", is_open=False, ended="done")
    return world


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "D4 D3 D2 D1"),
        ({"sort": "newest"}, "D4 D3 D2 D1"),
        ({"sort": "oldest"}, "D1 D2 D3 D4"),
        ({"state": "open", "sort": "oldest"}, "D1 D2 D3"),
        ({"state": "resolved"}, "D4"),
        ({"item": item_id("south", "alpha", "2")}, "D2"),
        ({"is_assigned": False}, "D4 D2"),
        ({"is_assigned": True}, "D3 D1"),
        ({"entity": "north"}, "D1"),
        ({"attributes": {"x": "1"}}, "D1"),
        ({"customer": "alpha"}, "D2 D1"),
        ({"collector": person_id("carl")}, "D3"),
        ({"resolver": person_id("rita")}, "D1"),
        ({"status": "quality"}, "D2"),
        ({"currency": "USD"}, "D3"),
        ({"period_from": date(2026, 6, 3)}, "D4 D3"),
        ({"period_to": date(2026, 6, 1)}, "D1"),
        ({"as_at": date(2026, 6, 3)}, "D3 D2 D1"),
        ({"as_at": date(2026, 6, 9), "state": "open"}, "D4 D3 D2 D1"),
    ],
)
def test_disputes_by_filter(varied: World, given: dict[str, object], expected: str):
    assert references(ask(varied.reading(), **given)) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "F1 F2 F3"),
        ({"is_open": None}, "F1 F4 F2 F3"),
        ({"is_open": False}, "F4"),
        ({"dispute": named("D2")}, "F2"),
        ({"owner": person_id("cora")}, "F1 F3"),
        ({"due_to": date(2026, 6, 12)}, "F1 F2"),
        ({"entity": "north"}, "F1"),
        ({"attributes": {"x": "1"}}, "F1"),
        ({"currency": "USD"}, ""),
        ({"customer": "gamma", "is_open": None}, "F4"),
        ({"collector": person_id("cora")}, "F1 F2 F3"),
        ({"resolver": person_id("rita")}, "F1"),
        ({"resolver": person_id("rolf")}, "F3"),
        ({"status": "quality"}, "F2"),
        ({"status": "promise"}, "F3"),
        ({"period_from": date(2026, 6, 12)}, "F2 F3"),
        ({"period_to": date(2026, 6, 10)}, "F1"),
        ({"as_at": date(2026, 6, 1)}, "F1 F3"),
    ],
)
def test_actions_by_filter(varied: World, given: dict[str, object], expected: str):
    assert references(ask_actions(varied.reading(), **given)) == expected


@pytest.mark.parametrize("given", [{"currency": "USD"}, {"entity": "north"}, {"attributes": {"x": "1"}}])
def test_33_a_dispute_is_found_by_its_currency_and_items_after_all_of_them_have_cleared(
    world: World, given: dict[str, object]
):
    one = world.item("1", "alpha", "10", entity="north", currency="USD", attributes={"x": "1"})
    world.dispute("D1", [one], "2026-06-01")
    world.end_dispute("D1", "2026-06-05", items=[])
    world.clear(one, "2026-06-05")
    assert references(ask(world.reading(), **given)) == "D1"


def test_33_filters_on_items_ask_for_one_item_that_passes_them_all(world: World):
    one = world.item("1", "alpha", "10", entity="north")
    two = world.item("2", "alpha", "20", entity="south", attributes={"x": "1"})
    world.dispute("D1", [one, two], "2026-06-01")
    world.follow_up("F1", [one, two], "2026-06-10", owner="cora", dispute_id=named("D1"))
    for entity, found in (("north", ""), ("south", "1")):
        given = {"entity": entity, "attributes": {"x": "1"}}
        assert references(ask(world.reading(), **given)) == found.replace("1", "D1")
        assert references(ask_actions(world.reading(), **given)) == found.replace("1", "F1")


def test_pages(varied: World):
    for sort, expected in (("newest", "D4 D3 D2 D1"), ("oldest", "D1 D2 D3 D4"), ("customer", None)):
        seen: list[str] = []
        cursor: str | None = None
        while cursor is not None or not seen:
            report = ask(varied.reading(), sort=sort, limit=1, cursor=cursor)
            seen.append(references(report))
            cursor = report.next_cursor
        assert " ".join(seen) == expected or (expected is None and sorted(seen) == ["D1", "D2", "D3", "D4"])
    first = ask_actions(varied.reading(), limit=2)
    assert references(first) == "F1 F2"
    assert references(ask_actions(varied.reading(), limit=2, cursor=first.next_cursor)) == "F3"


def test_one_dispute(varied: World):
    (row,) = dispute(varied.reading(), named("D1")).rows
    assert row == DisputeRow(
        dispute_id=named("D1"),
        version=2,
        reference="D1",
        customer_id=customer_id("alpha"),
        customer_code="alpha",
        customer="Alpha Ltd",
        currency="EUR",
        type="price",
        type_label="Price",
        reason="",
        comment=None,
        channel="api",
        received_on=moment("2026-06-01"),
        state="open",
        outcome=None,
        credited_amount=None,
        resolver_id=person_id("rita"),
        resolver="Rita",
        assigned_by="rule",
        unassigned=None,
        opened_by=person_id("boss"),
        opener="Boss",
        collector_id=person_id("cora"),
        collector="Cora",
        episode=1,
        episode_opened_at=moment("2026-06-01"),
        amount_at_opening=Decimal(4),
        disputed=Decimal(4),
        items=[item_id("north", "alpha", "1")],
        follow_ups=[named("F1")],
        comments=0,
        documents=0,
        changed_at=moment("2026-06-01"),
    )
    assert dispute(varied.reading(), "D1").rows == (row,)


def test_one_dispute_that_has_ended(varied: World):
    (row,) = dispute(varied.reading(), "D4").rows
    assert (row.state, row.outcome) == ("resolved", "credit_note")
    assert (row.credited_amount, row.disputed) == (Decimal(5), Decimal(0))
    (row,) = dispute(varied.reading(), "D4", Parameters(as_at=date(2026, 6, 9))).rows
    assert (row.state, row.outcome, row.disputed, row.version) == ("open", None, Decimal(40), 1)


def test_what_another_dispute_is_about_is_not_in_dispute_here(varied: World):
    varied.dispute("D5", [item_id("main", "gamma", "4")], "2026-06-11")
    assert [dispute(varied.reading(), name).rows[0].disputed for name in ("D4", "D5")] == [0, 40]


def test_a_cursor_of_another_order_is_refused(varied: World):
    cursor = ask(varied.reading(), limit=1, sort="newest").next_cursor
    with pytest.raises(ParameterInvalid, match="next_cursor"):
        ask(varied.reading(), limit=1, sort="oldest", cursor=cursor)


def test_one_action(varied: World):
    (row,) = follow_up(varied.reading(), "F1").rows
    assert row == FollowUpRow(
        follow_up_id=named("F1"),
        version=1,
        reference="F1",
        customer_id=customer_id("alpha"),
        customer_code="alpha",
        customer="Alpha Ltd",
        dispute_id=named("D1"),
        dispute_reference="D1",
        title="F1",
        due_on=date(2026, 6, 10),
        days_overdue=5,
        owner_id=person_id("cora"),
        owner="Cora",
        resolver_id=person_id("rita"),
        resolver="Rita",
        planned_by=person_id("cora"),
        status="price",
        status_label="Price",
        items=[item_id("north", "alpha", "1")],
        chases=1,
        interactions=0,
        comments=0,
        is_open=True,
        ended=None,
        changed_at=moment("2026-06-01"),
    )
    assert follow_up(varied.reading(), named("F1")).rows == (row,)
    assert follow_up(varied.reading(), "F4").rows[0].days_overdue == 0  # it has ended


def test_a_reference_makes_an_id(world: World):
    item = world.item("1", "alpha")
    world.dispute("D", [item], dispute_id=dispute_id("told"), reference=None)
    world.run("update item_states set dispute_id = %(of)s", of=dispute_id("told"))
    world.follow_up(
        "F", [item], "2026-06-20", owner="cora", follow_up_id=follow_up_id("told"), reference=None
    )
    assert dispute(world.reading(), "told").rows[0].dispute_id == dispute_id("told")
    assert follow_up(world.reading(), "told").rows[0].follow_up_id == follow_up_id("told")


@pytest.mark.parametrize(
    ("role", "code", "seen", "actions"),
    [
        (Role.AUDITOR, "boss", "D4 D3 D2 D1", "F1 F2 F3"),
        (Role.COLLECTOR, "cora", "D2 D1", "F1 F2 F3"),
        (Role.COLLECTOR, "carl", "D3", ""),
        (Role.COLLECTOR, "rolf", "D3", "F3"),
        (Role.SALES_MANAGER, "sam", "D2 D1", "F1 F2 F3"),
        (Role.RESOLVER, "rita", "D1", "F1"),
        (Role.RESOLVER, "rolf", "D3 D2", "F2 F3"),
        (Role.RESOLVER, "sam", "", "F2"),
    ],
)
def test_reach(varied: World, role: Role, code: str, seen: str, actions: str):
    reading = varied.reading(role, code)
    assert references(ask(reading)) == seen
    assert references(ask_actions(reading)) == actions
    for name in ("D1", "D2", "D3", "D4"):
        if name in seen:
            assert dispute(reading, name).rows
        else:
            with pytest.raises(UnknownDispute):
                dispute(reading, name)
    for name in ("F1", "F2", "F3"):
        if name in actions:
            assert follow_up(reading, name).rows
        else:
            with pytest.raises(UnknownFollowUp):
                follow_up(reading, named(name))


def test_what_is_not_there(world: World):
    with pytest.raises(UnknownDispute):
        dispute(world.reading(), UUID(int=1))
    with pytest.raises(UnknownFollowUp):
        follow_up(world.reading(), "nothing")


def test_a_client_needs_the_scope(varied: World):
    assert references(ask(varied.service(Permission.READ_DISPUTES))) == "D4 D3 D2 D1"
    for question in (ask, ask_actions):
        with pytest.raises(RoleForbids):
            question(varied.service(Permission.READ_ITEMS))
