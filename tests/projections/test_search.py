"""Item search (spec 37), by hand-made rows."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.identity import customer_id, item_id, person_id
from domain.refusals import RoleForbids, UnknownItem
from domain.roles import Permission, Role
from projections.parameters import ParameterInvalid, Parameters, Report
from projections.reading import Reading
from projections.search import ItemRow, ItemSearch, item, items
from tests.projections.world import World, moment, named


def ask(reading: Reading, **given: object) -> Report[ItemRow]:
    return items(reading, replace(ItemSearch(), **given))  # type: ignore[arg-type]


def numbers(report: Report[ItemRow]) -> str:
    return " ".join(row.number for row in report.rows)


def all_pages(reading: Reading, **given: object) -> list[list[str]]:
    pages: list[list[str]] = []
    cursor: str | None = None
    while True:
        report = ask(reading, cursor=cursor, **given)
        pages.append([row.number for row in report.rows])
        cursor = report.next_cursor
        if cursor is None:
            return pages


def test_nothing_is_known_of_an_empty_company(empty: World):
    report = ask(empty.reading())
    assert report.rows == ()
    assert report.next_cursor is None


@pytest.fixture
def varied(world: World) -> World:
    """Items that differ in whatever can be asked for."""
    a1 = world.item("A1", "alpha", "10", due="2026-06-01", attributes={"order": "PO 4711", "x": "1"})
    a2 = world.item("A2", "alpha", "30", due="2026-06-10", entity="north", issued="2026-02-01")
    world.item("A3", "alpha", "-5", due="2026-06-20", type="credit_note", comment="50%_off \\ promised")
    b1 = world.item(
        "B1", "beta", "20", status="promise", kind="promise_to_pay", promised_on=date(2026, 6, 15)
    )
    world.item("B2", "beta", "7", currency="USD", attributes={"x": "2", "size": '19" \\ Ü'})
    paid = world.item("G1", "gamma", "99", due="2026-06-02", status="litigation", kind="litigation")
    world.dispute("over a1", {a1: "4"}, resolver_id=person_id("rita"), opened_by=person_id("rolf"))
    world.follow_up("over a2", [a2], "2026-06-20", owner="cora", resolver_id=person_id("rolf"))
    world.follow_up("over b1", [b1], "2026-06-20", owner="carl")
    world.clear(paid, "2026-06-10")
    return world


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "A1 A2 A3 B1 B2"),
        ({"is_open": None}, "A1 A2 A3 B1 B2 G1"),
        ({"is_open": False}, "G1"),
        ({"is_disputed": True}, "A1"),
        ({"is_disputed": False}, "A2 A3 B1 B2"),
        ({"is_overdue": True}, "A1 A2"),
        ({"is_overdue": True, "is_open": None}, "A1 A2"),
        ({"is_overdue": False}, "A3 B1 B2"),
        ({"number": "B1"}, "B1"),
        ({"number": "b1"}, ""),
        ({"type": "credit_note"}, "A3"),
        ({"kind": "promise_to_pay"}, "B1"),
        ({"status": "promise"}, "B1"),
        ({"status": "price"}, "A1"),
        ({"dispute": named("over a1")}, "A1"),
        ({"follow_up": named("over a2")}, "A2"),
        ({"due_from": date(2026, 6, 10)}, "A2 A3 B1 B2"),
        ({"due_to": date(2026, 6, 10)}, "A1 A2"),
        ({"entity": "north"}, "A2"),
        ({"customer": "beta"}, "B1 B2"),
        ({"collector": person_id("cora")}, "A1 A2 A3"),
        ({"resolver": person_id("rita")}, "A1"),
        ({"resolver": person_id("rolf")}, "A2"),
        ({"attributes": {"x": "2"}}, "B2"),
        ({"currency": "USD"}, "B2"),
        ({"period_from": date(2026, 2, 1)}, "A2"),
        ({"as_at": date(2026, 6, 9)}, "A1 A2 A3 B1 B2 G1"),
        ({"as_at": date(2026, 5, 31), "is_disputed": True}, ""),
    ],
)
def test_filters(varied: World, given: dict[str, object], expected: str):
    report = ask(varied.reading(), **given)
    assert numbers(report) == expected
    assert {
        name: value for name, value in given.items() if name != "as_at" and value is not None
    }.items() <= (report.parameters.items())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a1", "A1"),
        ("ALPHA", "A1 A2 A3"),
        ("ltd", "A1 A2 A3 B1 B2"),
        ("4711", "A1"),
        ("order", ""),  # the name of an attribute, not a value
        ("price", "A1"),
        ("promise", "A3 B1"),
        ("beta promise", "B1"),
        ("promise  beta", "B1"),
        ("50%_", "A3"),
        ("5_%", ""),
        ("%", "A3"),
        ("_", "A3"),
        ("\\", "A3 B2"),
        ('19"', "B2"),
        ('19" 20"', ""),
        ("ü", "B2"),
        ("  ", "A1 A2 A3 B1 B2"),
        ("nothing", ""),
    ],
)
def test_free_text(varied: World, text: str, expected: str):
    assert numbers(ask(varied.reading(), text=text)) == expected


def test_37_a_status_is_found_by_the_label_that_is_shown_where_the_companys_language_has_none(empty: World):
    empty.settings(language="fr")
    empty.customer("alpha")
    empty.status("S7", en="Wrong price")
    empty.item("A1", "alpha", status="S7", kind="dispute")
    (shown,) = ask(empty.reading(), text="wrong PRICE").rows
    assert shown.status_label == "Wrong price"


def test_a_text_of_unreasonable_length_is_refused(world: World):
    with pytest.raises(ParameterInvalid, match="text"):
        ask(world.reading(), text="x" * 201)


def test_one_item(varied: World):
    found = item(varied.reading(), item_id("main", "alpha", "A1"))
    assert found.rows == (
        ItemRow(
            item_id=item_id("main", "alpha", "A1"),
            version=2,
            customer_id=customer_id("alpha"),
            customer_code="alpha",
            customer="Alpha Ltd",
            entity="main",
            number="A1",
            type="invoice",
            issue_date=date(2026, 1, 5),
            due_date=date(2026, 6, 1),
            days_overdue=14,
            amount=Decimal(10),
            balance=Decimal(10),
            currency="EUR",
            attributes={"order": "PO 4711", "x": "1"},
            is_open=True,
            status="price",
            status_label="Price",
            kind="dispute",
            comment=None,
            promised_on=None,
            dispute_id=named("over a1"),
            dispute_reference="over a1",
            disputed=Decimal(4),
            disputed_in_part=True,
            resolver_id=person_id("rita"),
            resolver="Rita",
            follow_ups=[],
            written_off=False,
            withdrawn=False,
            collector_id=person_id("cora"),
            collector="Cora",
            changed_at=moment("2026-06-01"),
            is_collectable=False,
            exclusions=["dispute"],
        ),
    )


def test_one_item_as_it_was(varied: World):
    (row,) = item(varied.reading(), item_id("main", "alpha", "A1"), Parameters(as_at=date(2026, 5, 31))).rows
    assert (row.version, row.dispute_id, row.is_collectable) == (1, None, True)


def test_an_item_that_is_not_there(varied: World):
    with pytest.raises(UnknownItem):
        item(varied.reading(), UUID(int=1))
    with pytest.raises(UnknownItem):  # not yet
        item(varied.reading(), item_id("main", "alpha", "A1"), Parameters(as_at=date(2026, 1, 4)))
    with pytest.raises(UnknownItem):  # not theirs
        item(varied.reading(Role.COLLECTOR, "carl"), item_id("main", "alpha", "A1"))


def test_why_an_item_is_not_to_be_dunned(varied: World):
    def why(now: str) -> dict[str, list[str]]:
        report = ask(replace(varied.reading(), now=moment(now)), is_open=None)
        assert [row.is_collectable for row in report.rows] == [
            row.is_open and not row.exclusions for row in report.rows
        ]
        return {row.number: [*row.exclusions] for row in report.rows if row.exclusions}

    assert why("2026-06-15 23:59") == {"A1": ["dispute"], "A2": ["follow_up"], "B1": ["follow_up", "promise"]}
    assert why("2026-06-16 00:00") == {"A1": ["dispute"], "A2": ["follow_up"], "B1": ["follow_up"]}
    varied.change("settings_states", "name", "Acme", "2026-06-01", zone="America/New_York")
    assert why("2026-06-16 03:59")["B1"] == ["follow_up", "promise"]


@pytest.mark.parametrize(
    ("role", "code", "expected"),
    [
        (Role.ADMINISTRATOR, "boss", "A1 A2 A3 B1 B2"),
        (Role.ANALYST, "boss", "A1 A2 A3 B1 B2"),
        (Role.RESOLVER, "rita", "A1 A2 A3 B1 B2"),
        (Role.COLLECTOR, "cora", "A1 A2 A3"),
        (Role.SALES_MANAGER, "sam", "A1 A2 A3"),
        (Role.COLLECTOR, "rita", ""),
    ],
)
def test_reach(varied: World, role: Role, code: str, expected: str):
    assert numbers(ask(varied.reading(role, code))) == expected


def test_a_client_needs_the_scope(varied: World):
    assert len(ask(varied.service(Permission.READ_ITEMS)).rows) == 5
    with pytest.raises(RoleForbids):
        ask(varied.service(Permission.READ_DISPUTES))
    with pytest.raises(RoleForbids):
        item(varied.service(Permission.READ_DISPUTES), item_id("main", "alpha", "A1"))


# --- pages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (None, [["A1", "A2"], ["A3", "B1"], ["B2"]]),
        ("customer", [["A1", "A2"], ["A3", "B1"], ["B2"]]),
        ("balance", [["A2", "B1"], ["A1", "B2"], ["A3"]]),
    ],
)
def test_pages_in_each_order(varied: World, sort: str | None, expected: list[list[str]]):
    assert all_pages(varied.reading(), sort=sort, limit=2) == expected


def test_pages_by_due_date(varied: World):
    found = [number for page in all_pages(varied.reading(), sort="due_date", limit=1) for number in page]
    assert (found[:2], set(found[2:4]), found[4:]) == (["A1", "A2"], {"B1", "B2"}, ["A3"])


def test_a_last_page_that_is_full_has_no_next(varied: World):
    assert [len(page) for page in all_pages(varied.reading(), limit=5)] == [5]


@given(
    balances=st.lists(st.sampled_from(["1", "2", "-3", "2.0"]), max_size=12),
    limit=st.integers(1, 5),
    sort=st.sampled_from(["customer", "due_date", "balance"]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_see_each_item_once(world: World, balances: list[str], limit: int, sort: str):
    world.run("delete from item_states")
    for number, balance in enumerate(balances):
        world.item(f"'{number}\u00e9", "alpha", balance)
    seen = [number for page in all_pages(world.reading(), limit=limit, sort=sort) for number in page]
    assert sorted(seen) == sorted(f"'{number}\u00e9" for number in range(len(balances)))


def test_what_comes_between_pages_does_not_repeat_others(varied: World):
    first = ask(varied.reading(), limit=2)
    varied.item("A0", "alpha")
    varied.item("A9", "alpha")
    assert numbers(ask(varied.reading(), limit=9, cursor=first.next_cursor)) == "A3 A9 B1 B2"


@pytest.mark.parametrize("limit", [0, -1, 201])
def test_limits_are_refused(world: World, limit: int):
    with pytest.raises(ParameterInvalid, match=r"limit.*give 1 to 200"):
        ask(world.reading(), limit=limit)


def test_an_unknown_order_is_refused(world: World):
    with pytest.raises(ParameterInvalid, match="sort by customer, due_date, balance"):
        ask(world.reading(), sort="colour")


@pytest.mark.parametrize("cursor", ["", "x", "####", "é", "bnVsbA", "WyJjdXN0b21lciJd", "WzEsMiwzLDRd"])
def test_a_cursor_that_is_none_is_refused(world: World, cursor: str):
    with pytest.raises(ParameterInvalid, match="next_cursor"):
        ask(world.reading(), cursor=cursor)


def test_a_cursor_of_another_order_is_refused(varied: World):
    cursor = ask(varied.reading(), limit=1, sort="due_date").next_cursor
    with pytest.raises(ParameterInvalid, match="next_cursor"):
        ask(varied.reading(), limit=1, sort="balance", cursor=cursor)


def test_a_cursor_with_values_that_cannot_be_is_refused(varied: World):
    for values in (
        ["never", str(UUID(int=1))],
        ["2026-06-01", "no id"],
        ["2026-06-01\0", ""],
        ["\ud800", ""],
    ):
        cursor = base64.urlsafe_b64encode(json.dumps(["due_date", *values]).encode()).decode()
        with pytest.raises(ParameterInvalid, match="next_cursor"):
            ask(varied.reading(), sort="due_date", cursor=cursor)


def test_only_a_cursor_is_blamed_for_what_a_cursor_did(world: World):
    with pytest.raises(psycopg.DataError):
        ask(world.reading(), due_from="never")


def test_the_answer_states_its_page(varied: World):
    stated = ask(varied.reading(), limit=3).parameters
    assert (stated["limit"], stated["sort"]) == (3, "customer")
    assert ask(varied.reading()).parameters["limit"] == 50
