"""Scenario steps in the agenda (spec 15, 17, 32), by hand-made rows; oracle/ asks for them at any past."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest

from domain.identity import customer_id, person_id, reminder_run_id
from domain.roles import Role
from projections.agenda import AgendaParameters, AgendaRow, agenda
from tests.projections.world import World, moment

TODAY: Final = date(2026, 6, 15)
STEPS: Final = {"before": -7, "first": 5, "second": 15, "letter": 40}


@pytest.fixture
def scenario(world: World) -> World:
    """Four steps; the letter asks for 50 or more."""
    for code, days in STEPS.items():
        step(world, code, days, minimum="50" if code == "letter" else "0")
    return world


def step(world: World, code: str, days: int, *, minimum: str = "0", at: str = "2026-01-01") -> int:
    return world.row(
        "scenario_step_states",
        moment(at),
        {
            "code": code,
            "days": days,
            "kind": "letter" if code == "letter" else "email",
            "labels": {"en": code.title()},
            "minimum_amount": Decimal(minimum),
            "active": True,
        },
    )


def settled(world: World, code: str, oldest: date, at: str = "2026-06-10", **values: Any) -> int:
    """What was done (or else told) of customer *code*'s steps in EUR."""
    given = {
        "run_id": reminder_run_id(customer_id(code), "EUR", oldest),
        "customer_id": customer_id(code),
        "currency": "EUR",
        "oldest_due": oldest,
        "done": [],
        "skipped": [],
    }
    return world.row("reminder_states", moment(at), given | values)


def overdue(world: World, days: int, number: str = "1", amount: str = "100", **values: Any) -> date:
    """Alpha owes *amount* since so many days; the due date."""
    due = TODAY - timedelta(days=days)
    world.item(number, values.pop("customer", "alpha"), amount, due=due.isoformat(), **values)
    return due


def rows(world: World, role: Role = Role.CREDIT_MANAGER, code: str = "boss", **given: Any) -> list[AgendaRow]:
    report = agenda(world.reading(role, code), AgendaParameters(**given))
    return [row for row in report.rows if row.kind == "scenario_step"]


def steps(world: World, **given: Any) -> list[str | None]:
    return [row.step for row in rows(world, **given)]


# --- which step ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "due"),
    [
        (-8, []),
        (-7, ["before"]),
        (4, ["before"]),
        (5, ["first"]),
        (14, ["first"]),
        (15, ["second"]),
        (40, ["letter"]),
    ],
)
def test_17_the_last_step_whose_day_has_come_is_due(scenario: World, days: int, due: list[str]):
    overdue(scenario, days)
    assert steps(scenario) == due


def test_17_a_line_says_what_the_step_goes_over(scenario: World):
    oldest = overdue(scenario, 17)
    overdue(scenario, -3, "2", "50")
    overdue(scenario, 90, "3", "-30", type="credit_note")
    (row,) = rows(scenario)
    assert (row.step, row.title, row.medium, row.oldest_due) == ("second", "Second", "email", oldest)
    assert (row.items, row.currency, row.balance, row.disputed) == (3, "EUR", Decimal(120), Decimal(0))
    assert (row.due_on, row.day, row.days_overdue) == (date(2026, 6, 13), date(2026, 6, 13), 2)
    assert (row.person, row.part, row.customer_code) == ("Cora", "collector", "alpha")


def test_17_below_its_minimum_amount_a_step_is_left_out(scenario: World):
    overdue(scenario, 41, amount="49.99")
    assert steps(scenario) == ["second"]
    overdue(scenario, 1, "2", "0.01")
    assert steps(scenario) == ["letter"]


def test_17_of_two_steps_of_a_day_the_dearer_takes_the_place(scenario: World):
    step(scenario, "a call", 15, minimum="100")
    overdue(scenario, 15)
    assert steps(scenario) == ["a call"]


def test_17_nothing_is_asked_for_where_credit_outweighs(scenario: World):
    overdue(scenario, 17)
    overdue(scenario, 1, "2", "-100")
    assert steps(scenario) == []


def test_17_each_currency_has_steps_of_its_own(scenario: World):
    overdue(scenario, 17)
    overdue(scenario, 6, "2", "20", currency="USD")
    found = [(row.currency, row.step, row.balance) for row in rows(scenario)]
    assert found == [("EUR", "second", Decimal(100)), ("USD", "first", Decimal(20))]
    assert steps(scenario, currency="USD") == ["first"]


# --- what was done, skipped, postponed -------------------------------------------------------------


@pytest.mark.parametrize("how", ["done", "skipped"])
def test_17_what_was_done_or_skipped_is_not_due_again_nor_what_lies_before_it(scenario: World, how: str):
    oldest = overdue(scenario, 17)
    values: dict[str, Any] = {how: ["second"]}
    settled(scenario, "alpha", oldest, furthest=15, **values)
    assert steps(scenario) == []
    assert steps(scenario, until=TODAY + timedelta(days=22)) == []
    assert steps(scenario, until=TODAY + timedelta(days=23)) == ["letter"]


def test_17_a_step_that_was_done_is_not_due_again_on_other_days(scenario: World):
    oldest = overdue(scenario, 17)
    settled(scenario, "alpha", oldest, furthest=3, done=["second"])
    assert steps(scenario) == ["first"]


def test_17_another_oldest_item_begins_anew(scenario: World):
    oldest = overdue(scenario, 17)
    overdue(scenario, 6, "2")
    settled(scenario, "alpha", oldest, furthest=15, done=["second"])
    assert steps(scenario) == []
    scenario.run("update item_states set is_open = false where number = '1'")
    assert steps(scenario) == ["first"]


def test_17_a_postponed_step_is_due_on_that_day_and_nothing_before(scenario: World):
    oldest = overdue(scenario, 17)
    settled(scenario, "alpha", oldest, postponed_to=date(2026, 6, 18))
    assert steps(scenario) == []
    (row,) = rows(scenario, until=date(2026, 6, 18))
    assert (row.step, row.due_on) == ("second", date(2026, 6, 18))
    assert steps(scenario, as_at=date(2026, 6, 20)) == ["second"]
    later = settled(scenario, "beta", oldest, postponed_to=date(2026, 6, 30))
    assert later
    overdue(scenario, 17, customer="beta")
    (row,) = [row for row in rows(scenario, days_ahead=30) if row.customer_code == "beta"]
    assert (row.step, row.due_on) == ("second", date(2026, 6, 30))


def test_32_what_comes_is_shown_as_far_as_one_looks_ahead(scenario: World):
    overdue(scenario, 3)
    assert steps(scenario) == ["before"]
    settled(scenario, "alpha", TODAY - timedelta(days=3), furthest=-7, done=["before"])
    assert steps(scenario) == []
    assert [row.days_overdue for row in rows(scenario, days_ahead=2)] == [0]
    assert steps(scenario, days_ahead=30) == ["first"]
    assert steps(scenario, until=date(2026, 5, 1)) == []


# --- over collectable items only -------------------------------------------------------------------


@pytest.mark.parametrize(
    "excluded",
    [
        {"kind": "dispute", "status": "price"},
        {"kind": "litigation", "status": "litigation"},
        {"kind": "promise_to_pay", "status": "promise", "promised_on": TODAY},
        {"follow_ups": [person_id("any")]},
        {"written_off": True},
        {"is_open": False},
    ],
    ids=["dispute", "litigation", "promise", "follow_up", "written_off", "cleared"],
)
def test_15_an_excluded_item_takes_no_part(scenario: World, excluded: Mapping[str, Any]):
    overdue(scenario, 17, **excluded)
    assert steps(scenario) == []
    overdue(scenario, 6, "2")
    assert [(row.step, row.items) for row in rows(scenario)] == [("first", 1)]


def test_15_a_promise_expires_by_the_calendar(scenario: World):
    overdue(scenario, 17, kind="promise_to_pay", status="promise", promised_on=date(2026, 6, 16))
    assert steps(scenario, as_at=date(2026, 6, 16)) == []
    assert steps(scenario, as_at=date(2026, 6, 17)) == ["second"]


@pytest.mark.parametrize("kind", ["ongoing", "dispute_resolved"])
def test_15_any_other_status_keeps_an_item_in(scenario: World, kind: str):
    overdue(scenario, 17, kind=kind, status=kind)
    assert steps(scenario) == ["second"]


# --- whose, and filters ----------------------------------------------------------------------------


def test_32_the_step_is_the_collectors_and_without_one_the_credit_managers(scenario: World):
    overdue(scenario, 17)
    overdue(scenario, 17, "2", customer="gamma")
    assert [(row.person, row.part) for row in rows(scenario)] == [
        ("Cora", "collector"),
        (None, "credit_manager"),
    ]
    assert [row.customer_code for row in rows(scenario, Role.COLLECTOR, "cora")] == ["alpha"]
    assert rows(scenario, Role.COLLECTOR, "carl") == []
    assert [row.customer_code for row in rows(scenario, person=person_id("boss"))] == ["gamma"]


def test_32_filters_pick_among_the_items_and_the_minimum_speaks_of_all(scenario: World):
    overdue(scenario, 41, amount="30", entity="north")
    overdue(scenario, 1, "2", "30", entity="south")
    (row,) = rows(scenario, entity="south")
    assert (row.step, row.items, row.balance) == ("letter", 1, Decimal(30))
    assert rows(scenario, entity="west") == []
    assert rows(scenario, status="price") == []
    assert len(rows(scenario, customer="alpha", collector=person_id("cora"))) == 1
    assert rows(scenario, period_from=TODAY) == []


# --- the two clocks --------------------------------------------------------------------------------


def test_17_the_catalogue_is_that_which_was_known(scenario: World):
    overdue(scenario, 17)
    before = scenario.position
    scenario.change("scenario_step_states", "code", "second", "2026-06-14", active=False)
    assert steps(scenario) == ["first"]
    assert steps(scenario, known_at=before) == ["second"]
    assert steps(scenario, as_at=date(2026, 6, 13)) == ["first"]  # by known-at alone


def test_17_reminders_are_those_of_the_moment(scenario: World):
    oldest = overdue(scenario, 17)
    before = scenario.position
    settled(scenario, "alpha", oldest, at="2026-06-14", furthest=15, done=["second"])
    assert steps(scenario) == []
    assert steps(scenario, known_at=before) == ["second"]
    assert steps(scenario, as_at=date(2026, 6, 13)) == ["second"]
    assert steps(scenario, as_at=date(2026, 6, 4)) == ["first"]
