"""Customers, people, catalogue, settings and imports, by hand-made rows."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest

from domain.identity import customer_id, person_id
from domain.refusals import RoleForbids, UnknownCustomer, UnknownImport, UnknownPerson, UnknownStatus
from domain.roles import Permission, Role
from projections.directory import (
    CustomerList,
    CustomerRow,
    ImportRow,
    NotFounded,
    PersonList,
    PersonRow,
    SettingsRow,
    StatusRow,
    customer,
    customers,
    import_,
    imports,
    people,
    person,
    settings,
    status,
    statuses,
)
from projections.paging import PageParameters
from projections.parameters import Parameters, Report
from projections.reading import Reading
from tests.projections.world import World, moment, named


def ask(reading: Reading, **given: object) -> Report[CustomerRow]:
    return customers(reading, replace(CustomerList(), **given))  # type: ignore[arg-type]


def ask_people(reading: Reading, **given: object) -> Report[PersonRow]:
    return people(reading, replace(PersonList(), **given))  # type: ignore[arg-type]


def codes(report: Report[CustomerRow] | Report[PersonRow]) -> str:
    return " ".join(row.code for row in report.rows)


def test_nothing_is_known_of_an_empty_company(empty: World):
    reading = empty.reading()
    assert (ask(reading).rows, ask_people(reading).rows) == ((), ())
    assert (statuses(reading).rows, imports(reading, PageParameters()).rows) == ((), ())
    with pytest.raises(NotFounded, match="not founded"):
        settings(reading)


# --- customers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "alpha beta gamma"),
        ({"sort": "name"}, "alpha beta gamma"),
        ({"customer": "beta"}, "beta"),
        ({"collector": person_id("cora")}, "alpha"),
        ({"sales_manager": person_id("sam")}, "alpha"),
        ({"has_collector": False}, "gamma"),
        ({"has_collector": True}, "alpha beta"),
        ({"attributes": {"city": "Ulm"}}, "beta"),
        ({"text": "LTD mm"}, "gamma"),
        ({"text": "%"}, ""),
        ({"text": " "}, "alpha beta gamma"),
    ],
)
def test_customers_by_filter(world: World, given: dict[str, object], expected: str):
    assert codes(ask(world.reading(), **given)) == expected


def test_one_customer(world: World):
    (row,) = customer(world.reading(), "alpha").rows
    assert row == CustomerRow(
        customer_id=customer_id("alpha"),
        version=1,
        code="alpha",
        name="Alpha Ltd",
        attributes={"city": "Lyon"},
        collector_id=person_id("cora"),
        collector="Cora",
        sales_manager_id=person_id("sam"),
        sales_manager="Sam",
        changed_at=moment("2026-01-01"),
    )
    assert customer(world.reading(), customer_id("alpha")).rows == (row,)


def test_one_customer_as_it_was_known(world: World):
    known_at = world.position
    world.change("customer_states", "code", "alpha", "2026-06-01", name="Alpha & Co")
    (now,) = customer(world.reading(), "alpha").rows
    (then,) = customer(world.reading(), "alpha", Parameters(known_at=known_at)).rows
    assert [(row.name, row.version) for row in (now, then)] == [("Alpha & Co", 2), ("Alpha Ltd", 1)]


@pytest.mark.parametrize(
    ("role", "code", "expected"),
    [
        (Role.RESOLVER, "rita", "alpha beta gamma"),
        (Role.COLLECTOR, "cora", "alpha"),
        (Role.SALES_MANAGER, "sam", "alpha"),
    ],
)
def test_reach_of_customers(world: World, role: Role, code: str, expected: str):
    assert codes(ask(world.reading(role, code))) == expected
    if "beta" not in expected:
        with pytest.raises(UnknownCustomer):
            customer(world.reading(role, code), "beta")


def test_a_customer_that_is_not_there(world: World):
    with pytest.raises(UnknownCustomer):
        customer(world.reading(), "delta")


# --- people ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "boss carl cora rita rolf sam"),
        ({"sort": "name"}, "boss carl cora rita rolf sam"),
        ({"role": "resolver"}, "rita rolf"),
        ({"active": False}, "carl"),
        ({"role": "collector", "active": True}, "cora"),
    ],
)
def test_people_by_filter(world: World, given: dict[str, object], expected: str):
    world.change("person_states", "code", "carl", "2026-06-01", active=False)
    assert codes(ask_people(world.reading(), **given)) == expected


def test_pages_of_people(world: World):
    first = ask_people(world.reading(), limit=4)
    assert codes(first) == "boss carl cora rita"
    assert codes(ask_people(world.reading(), limit=4, cursor=first.next_cursor)) == "rolf sam"


def test_one_person(world: World):
    (row,) = person(world.reading(), "rita").rows
    assert row == PersonRow(
        person_id=person_id("rita"),
        version=1,
        code="rita",
        name="Rita",
        login="rita",
        role="resolver",
        assignment_values=[],
        active=True,
        changed_at=moment("2026-01-01"),
    )
    assert person(world.reading(), person_id("rita")).rows == (row,)
    with pytest.raises(UnknownPerson):
        person(world.reading(), "nobody")


def test_logins_are_for_those_who_manage_people(world: World):
    as_cora = world.reading(Role.COLLECTOR, "cora")
    assert {row.code: row.login for row in ask_people(as_cora).rows if row.login} == {"cora": "cora"}
    assert person(as_cora, "rita").rows[0].login is None
    assert all(row.login for row in ask_people(world.reading(Role.ADMINISTRATOR)).rows)


# --- catalogue and settings --------------------------------------------------------------------------


def test_statuses(world: World):
    world.change("status_states", "code", "quality", "2026-06-01", active=False)
    rows = statuses(world.reading()).rows
    assert [(row.kind, row.code, row.active) for row in rows] == [
        ("dispute", "price", True),
        ("dispute", "quality", False),
        ("litigation", "litigation", True),
        ("promise_to_pay", "promise", True),
    ]
    assert status(world.reading(), "price").rows == (
        StatusRow("price", 1, "dispute", {"en": "Price"}, 7, None, None, automatic=True, active=True),
    )
    with pytest.raises(UnknownStatus, match="litigation, price, promise, quality"):
        status(world.reading(), "colour")


def test_settings(world: World):
    assert settings(world.reading()).rows == (
        SettingsRow(1, "Acme", "UTC", "EUR", "en", None, "main", Decimal("0.3"), [30, 60, 90], None, None),
    )


# --- imports -----------------------------------------------------------------------------------------


@pytest.fixture
def imported(world: World) -> World:
    for name in ("first", "second"):
        told = {"import_id": named(name), "file_name": f"{name}.csv", "digest": "sha256:00", "mode": "delta"}
        world.row("import_states", moment("2026-06-01"), told)
    counts = {"registered": 1, "corrected": 2, "cleared": 3, "reinstated": 4, "unchanged": 5, "rejected": 6}
    counts |= {"undone": 9, "left_as_is": 1}
    world.change("import_states", "import_id", named("first"), "2026-06-02", **counts)
    return world


def test_imports(imported: World):
    rows = imports(imported.reading(), PageParameters()).rows
    assert [row.file_name for row in rows] == ["first.csv", "second.csv"]
    assert rows[0] == ImportRow(
        import_id=named("first"),
        version=2,
        file_name="first.csv",
        digest="sha256:00",
        mode="delta",
        registered=1,
        corrected=2,
        cleared=3,
        reinstated=4,
        unchanged=5,
        rejected=6,
        undone=9,
        left_as_is=1,
        is_finished=True,
        changed_at=moment("2026-06-02"),
        since=imported.position,
    )
    assert (rows[1].is_finished, rows[1].registered) == (False, None)


def test_pages_of_imports(imported: World):
    first = imports(imported.reading(), PageParameters(limit=1))
    second = imports(imported.reading(), PageParameters(limit=1, cursor=first.next_cursor))
    assert [row.file_name for row in (*first.rows, *second.rows)] == ["first.csv", "second.csv"]
    assert second.next_cursor is None


def test_one_import(imported: World):
    assert import_(imported.reading(), named("second")).rows[0].file_name == "second.csv"
    with pytest.raises(UnknownImport):
        import_(imported.reading(), UUID(int=1))


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.ADMINISTRATOR, True),
        (Role.COLLECTOR, True),
        (Role.AUDITOR, True),
        (Role.RESOLVER, False),
        (Role.SALES_MANAGER, False),
        (Role.ANALYST, False),
    ],
)
def test_who_may_see_imports(imported: World, role: Role, may: bool):  # noqa: FBT001 - a column of the table above
    reading = imported.reading(role)
    if may:
        assert len(imports(reading, PageParameters()).rows) == 2
        assert import_(reading, named("first")).rows
        return
    with pytest.raises(RoleForbids):
        imports(reading, PageParameters())
    with pytest.raises(RoleForbids):
        import_(reading, named("first"))


def test_a_client_needs_one_of_the_scopes(world: World):
    may = world.service(Permission.CATALOGUE)
    assert len(statuses(may).rows) == 4
    assert settings(may).rows
    assert ask_people(may).rows
    may_not = world.service(Permission.LOAD_HISTORY)
    for question in (statuses, settings):
        with pytest.raises(RoleForbids):
            question(may_not)
    with pytest.raises(RoleForbids):
        ask_people(may_not)
    with pytest.raises(RoleForbids):
        person(may_not, "rita")
    with pytest.raises(RoleForbids):
        ask(world.service(Permission.PEOPLE))
    with pytest.raises(RoleForbids):
        customer(world.service(Permission.PEOPLE), "alpha")
