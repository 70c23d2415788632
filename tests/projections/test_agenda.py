"""Agenda (spec 32), by hand-made rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from domain.identity import person_id
from domain.refusals import NotYours, RoleForbids
from domain.roles import Permission, Role
from projections.agenda import DAYS_AHEAD, AgendaParameters, AgendaRow, agenda
from projections.parameters import ParameterInvalid, Report
from projections.reading import Reading
from tests.projections.world import World, named


def ask(reading: Reading, **given: object) -> Report[AgendaRow]:
    return agenda(reading, replace(AgendaParameters(), **given))  # type: ignore[arg-type]


def lines(report: Report[AgendaRow]) -> list[str]:
    """Who has what to do, as what, since how many days."""
    return [
        f"{row.person}: {row.title or row.dispute_reference or row.customer_code} as {row.part}"
        + (f", {row.days_overdue} days" if row.days_overdue else "")
        for row in report.rows
    ]


def test_nothing_is_known_of_an_empty_company(empty: World):
    assert ask(empty.reading()).rows == ()


@pytest.fixture
def busy(world: World) -> World:
    """Alpha's dispute is with Rita, chased by Cora, overdue; Beta's has neither resolver nor action; Gamma
    has no collector and a dispute without action; Alpha's promise is to be looked at on Thursday."""
    alpha = world.item("1", "alpha", "100", entity="north", attributes={"x": "1"})
    promised = world.item("2", "alpha", "7")
    beta = world.item("3", "beta", "50")
    gamma = world.item("4", "gamma", "20", currency="USD")
    world.dispute("price of 1", {alpha: "60"}, resolver_id=person_id("rita"))
    world.follow_up("ask rita", [alpha], "2026-06-10", owner="cora", dispute_id=named("price of 1"), chases=2)
    world.follow_up("look at 2", [promised], "2026-06-18", owner="cora", status="promise")
    world.dispute("quality of 3", [beta], "2026-06-03", type="quality")
    world.dispute("price of 4", [gamma], "2026-06-04", resolver_id=person_id("rolf"))
    return world


ASK_RITA = ["Cora: Ask Rita as owner, 5 days", "Rita: Ask Rita as resolver, 5 days"]
BETA = ["Carl: quality of 3 as collector"] * 2
NOBODYS = ["None: price of 4 as credit_manager", "None: gamma as credit_manager"]


def test_overdue_first_then_by_person(busy: World):
    report = ask(busy.reading())
    assert lines(report) == ASK_RITA + BETA + NOBODYS
    assert [row.kind for row in report.rows] == [
        "follow_up",
        "follow_up",
        "dispute_without_resolver",
        "dispute_without_follow_up",
        "dispute_without_follow_up",
        "customer_without_collector",
    ]
    assert report.parameters["until"] == date(2026, 6, 15)


def test_a_line_says_what_it_is_about(busy: World):
    row = ask(busy.reading()).rows[0]
    assert row == AgendaRow(
        kind="follow_up",
        part="owner",
        person_id=person_id("cora"),
        person="Cora",
        day=date(2026, 6, 10),
        days_overdue=5,
        due_on=date(2026, 6, 10),
        follow_up_id=named("ask rita"),
        title="Ask Rita",
        chases=2,
        dispute_id=named("price of 1"),
        dispute_reference="price of 1",
        dispute_opened_at=busy.live("dispute_states", "dispute_id", named("price of 1"))["episode_opened_at"],
        type="price",
        type_label="Price",
        resolver_id=person_id("rita"),
        resolver="Rita",
        customer_id=busy.live("customer_states", "code", "alpha")["customer_id"],
        customer_code="alpha",
        customer="Alpha Ltd",
        items=1,
        currency="EUR",
        balance=Decimal(100),
        disputed=Decimal(60),
    )


def test_what_has_no_due_day_is_of_today(busy: World):
    row = ask(busy.reading()).rows[2]
    assert (row.day, row.due_on, row.days_overdue, row.chases) == (date(2026, 6, 15), None, None, None)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({}, False),
        ({"days_ahead": 2}, False),
        ({"days_ahead": 3}, True),
        ({"until": date(2026, 6, 18)}, True),
        ({"until": date(2026, 6, 17)}, False),
    ],
)
def test_days_ahead(busy: World, given: dict[str, object], shown: bool):  # noqa: FBT001 - a column of the table above
    found = lines(ask(busy.reading(), person=person_id("cora"), **given))
    assert found == ASK_RITA[:1] + ["Cora: Look At 2 as owner"] * shown


@pytest.mark.parametrize("days", [-1, DAYS_AHEAD + 1])
def test_days_ahead_are_not_endless(busy: World, days: int):
    with pytest.raises(ParameterInvalid, match="days_ahead"):
        ask(busy.reading(), days_ahead=days)


def test_whose_it_is(busy: World):
    def of(code: str) -> list[str]:
        return lines(ask(busy.reading(), person=person_id(code)))

    assert of("rita") == ASK_RITA[1:]
    assert of("carl") == BETA
    assert of("boss") == NOBODYS
    assert of("rolf") == of("sam") == []


def test_one_who_owns_and_resolves_has_it_once(busy: World):
    busy.change(
        "dispute_states", "dispute_id", named("price of 1"), "2026-06-10", resolver_id=person_id("cora")
    )
    assert lines(ask(busy.reading(), person=person_id("cora"))) == ASK_RITA[:1]


def test_an_actions_own_resolver_comes_before_its_disputes(busy: World):
    busy.change(
        "follow_up_states", "follow_up_id", named("ask rita"), "2026-06-10", resolver_id=person_id("rolf")
    )
    assert lines(ask(busy.reading(), person=person_id("rolf"))) == ["Rolf: Ask Rita as resolver, 5 days"]
    assert lines(ask(busy.reading(), person=person_id("rita"))) == []


def leave(world: World, *codes: str) -> None:
    for code in codes:
        world.change("person_states", "person_id", person_id(code), "2026-06-10", active=False)


def test_32_the_collector_stands_in_for_a_resolver_who_has_left(busy: World):
    leave(busy, "rita")
    assert lines(ask(busy.reading(), customer="alpha")) == ASK_RITA[:1]  # Cora owns it, and has it once
    busy.change("customer_states", "code", "alpha", "2026-06-10", collector_id=person_id("carl"))
    assert lines(ask(busy.reading(), customer="alpha")) == [
        "Carl: Ask Rita as collector, 5 days",
        "Cora: Ask Rita as owner, 5 days",
    ]


@pytest.mark.parametrize("owner", ["cora", "a program", None])
def test_32_the_collector_stands_in_for_an_owner_who_is_not_there(busy: World, owner: str | None):
    busy.change("customer_states", "code", "alpha", "2026-06-10", collector_id=person_id("carl"))
    busy.change(
        "follow_up_states", "follow_up_id", named("ask rita"), "2026-06-10",
        owner_id=person_id(owner) if owner else None,
    )  # fmt: skip
    leave(busy, "cora")
    assert lines(ask(busy.reading(), customer="alpha")) == [
        "Carl: Ask Rita as collector, 5 days",
        ASK_RITA[1],
    ]
    assert lines(ask(busy.reading(), person=person_id("carl"), customer="alpha")) != []


def test_32_and_the_credit_manager_for_a_collector_who_has_left(busy: World):
    leave(busy, "cora", "rita", "carl")
    report = ask(busy.reading(), person=person_id("boss"))
    assert sorted(lines(report)) == sorted(
        [
            "None: Ask Rita as credit_manager, 5 days",
            "None: alpha as credit_manager",
            "None: beta as credit_manager",
            *["None: quality of 3 as credit_manager"] * 2,
            *NOBODYS,
        ]
    )


def test_what_has_ended_is_not_to_do(busy: World):
    busy.change(
        "follow_up_states", "follow_up_id", named("ask rita"), "2026-06-10", is_open=False, ended="done"
    )
    busy.end_dispute("quality of 3", "2026-06-10")
    busy.end_dispute("price of 4", "2026-06-10")
    busy.change("customer_states", "code", "gamma", "2026-06-10", collector_id=person_id("carl"))
    assert ask(busy.reading()).rows == ()


def test_a_customer_without_open_items_needs_no_collector(busy: World):
    busy.end_dispute("price of 4", "2026-06-10")
    busy.clear(busy.live("item_states", "number", "4")["item_id"], "2026-06-10")
    assert lines(ask(busy.reading(), person=person_id("boss"))) == []


def test_several_currencies_are_not_added(busy: World):
    busy.item("5", "gamma", "3")
    row = ask(busy.reading()).rows[-1]
    assert (row.kind, row.items, row.currency, row.balance, row.disputed) == (
        "customer_without_collector", 2, None, None, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"entity": "north"}, ASK_RITA),
        ({"attributes": {"x": "1"}}, ASK_RITA),
        ({"currency": "USD"}, NOBODYS),
        ({"customer": "beta"}, BETA),
        ({"collector": person_id("cora")}, ASK_RITA),
        ({"resolver": person_id("rolf")}, NOBODYS[:1]),
        ({"status": "quality"}, BETA),
        ({"status": "promise", "days_ahead": 9}, ["Cora: Look At 2 as owner"]),
        ({"period_from": date(2026, 6, 10)}, ASK_RITA),
        ({"period_from": date(2026, 6, 11)}, []),
        ({"period_to": date(2026, 6, 10)}, ASK_RITA),
        ({"period_to": date(2026, 6, 9)}, []),
    ],
)
def test_filters(busy: World, given: dict[str, object], expected: list[str]):
    report = ask(busy.reading(), **given)
    assert lines(report) == expected
    assert given.items() <= report.parameters.items()


def test_an_action_whose_items_are_paid_is_still_to_do(busy: World):
    busy.clear(busy.live("item_states", "number", "2")["item_id"], "2026-06-10")
    row = ask(busy.reading(), days_ahead=9).rows[-1]
    assert (row.title, row.items, row.balance) == ("Look At 2", 0, None)


# --- reach -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "code", "expected"),
    [
        (Role.ADMINISTRATOR, "boss", ASK_RITA + BETA + NOBODYS),
        (Role.COLLECTOR, "cora", ASK_RITA[:1]),
        (Role.COLLECTOR, "carl", BETA),
        (Role.RESOLVER, "rita", ASK_RITA[1:]),
        (Role.SALES_MANAGER, "sam", []),
    ],
)
def test_each_role_has_its_own(busy: World, role: Role, code: str, expected: list[str]):
    report = ask(busy.reading(role, code))
    assert lines(report) == expected


def test_others_agendas_are_not_shown(busy: World):
    with pytest.raises(NotYours):
        ask(busy.reading(Role.COLLECTOR, "cora"), person=person_id("carl"))
    assert lines(ask(busy.reading(Role.COLLECTOR, "cora"), person=person_id("cora"))) == ASK_RITA[:1]


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ANALYST])
def test_some_have_none(busy: World, role: Role):
    with pytest.raises(RoleForbids):
        ask(busy.reading(role))


def test_a_client_needs_the_scope(busy: World):
    assert len(ask(busy.service(Permission.READ_AGENDA)).rows) == 6
    with pytest.raises(RoleForbids):
        ask(busy.service(Permission.READ_ITEMS))


# --- the two clocks ----------------------------------------------------------------------------------


def test_as_at_an_earlier_day(busy: World):
    """All was planned and opened on 1 June or after."""
    assert lines(ask(busy.reading(), as_at=date(2026, 5, 31))) == ["None: gamma as credit_manager"]
    assert lines(ask(busy.reading(), as_at=date(2026, 6, 10))) == [
        *BETA, "Cora: Ask Rita as owner", "Rita: Ask Rita as resolver", *NOBODYS,
    ]  # fmt: skip
    assert lines(ask(busy.reading(), as_at=date(2026, 6, 3))) == [*BETA, NOBODYS[1]]


def test_known_at_an_earlier_position(busy: World):
    before = busy.position
    busy.change(
        "follow_up_states", "follow_up_id", named("ask rita"), "2026-06-10", is_open=False, ended="done"
    )
    assert lines(ask(busy.reading()))[0] == BETA[0]
    assert lines(ask(busy.reading(), known_at=before))[:2] == ASK_RITA


def test_32_an_agenda_is_by_person_and_refuses_another_grouping(busy: World):
    assert lines(ask(busy.reading(), by="person")) == lines(ask(busy.reading()))
    with pytest.raises(ParameterInvalid, match="comes by person alone"):
        ask(busy.reading(), by="customer")
