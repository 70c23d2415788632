"""Item statuses (spec 35), by hand-made rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from domain.identity import person_id
from domain.refusals import RoleForbids
from domain.roles import Permission, Role
from projections.item_statuses import ItemStatusRow, item_statuses
from projections.parameters import Parameters, Report
from projections.reading import Reading
from tests.projections.world import World


def ask(reading: Reading, **given: object) -> Report[ItemStatusRow]:
    return item_statuses(reading, replace(Parameters(), **given))  # type: ignore[arg-type]


def figures(rows: Sequence[ItemStatusRow]) -> dict[str | None, tuple[int, int, int, int]]:
    """Items, amount, overdue, and overdue with a status, by key."""
    return {
        row.key if row.currency == "EUR" else f"{row.key} {row.currency}": (
            row.items, int(row.amount), int(row.overdue), int(row.overdue_with_status),
        )
        for row in rows
    }  # fmt: skip


@pytest.fixture
def varied(world: World) -> World:
    """With and without status, overdue and not, of two currencies; and one that is paid."""
    disputed = world.item("1", "alpha", "1", due="2026-06-14", entity="north", attributes={"x": "1"})
    world.item("2", "alpha", "2", due="2026-06-14", entity="south")
    world.item("3", "alpha", "4", due="2026-06-15", status="promise", kind="promise_to_pay")
    world.item(
        "4", "beta", "8", due="2026-06-01", status="promise", kind="promise_to_pay", issued="2026-02-01"
    )
    world.item("5", "gamma", "16", due="2026-07-01", currency="USD")
    paid = world.item("6", "alpha", "32", due="2026-06-01")
    world.dispute("d", [disputed], resolver_id=person_id("rita"), opened_by=person_id("rolf"))
    world.clear(paid, "2026-06-10")
    return world


ALL = {"total": (4, 15, 11, 9), "total USD": (1, 16, 0, 0)}


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (
            None,
            {"price": (1, 1, 1, 1), "promise": (2, 12, 8, 8), None: (1, 2, 2, 0), "None USD": (1, 16, 0, 0)},
        ),
        ("customer", {"alpha": (3, 7, 3, 1), "beta": (1, 8, 8, 8), "gamma USD": (1, 16, 0, 0)}),
        ("collector", {"cora": (3, 7, 3, 1), "carl": (1, 8, 8, 8), "None USD": (1, 16, 0, 0)}),
        ("resolver", {"rita": (1, 1, 1, 1), None: (3, 14, 10, 8), "None USD": (1, 16, 0, 0)}),
        (
            "entity",
            {"north": (1, 1, 1, 1), "south": (1, 2, 2, 0), "main": (2, 12, 8, 8), "main USD": (1, 16, 0, 0)},
        ),
        ("month", {"2026-01": (3, 7, 3, 1), "2026-02": (1, 8, 8, 8), "2026-01 USD": (1, 16, 0, 0)}),
        ("none", ALL),
        ("attribute:x", {"1": (1, 1, 1, 1), None: (3, 14, 10, 8), "None USD": (1, 16, 0, 0)}),
    ],
)
def test_each_grouping(varied: World, by: str | None, expected: dict[str | None, object]):
    report = ask(varied.reading(), by=by)
    assert figures(report.rows) == expected
    assert figures(report.totals) == ALL


def test_share_of_overdue_value_that_has_a_status(varied: World):
    report = ask(varied.reading(), by="customer")
    shares = {row.key: row.share_with_status for row in report.rows}
    assert shares == {"alpha": Decimal("0.333333"), "beta": 1, "gamma": None}
    assert [row.share_with_status for row in report.totals] == [Decimal("0.818182"), None]


def test_35_the_share_is_over_debit_balances_alone(world: World):
    """Net of credit notes it would be 60 of -20."""
    world.item("1", "alpha", "60", due="2026-06-01", status="promise", kind="promise_to_pay")
    world.item("2", "alpha", "20", due="2026-06-01")
    world.item("3", "alpha", "-100", due="2026-06-01", type="credit_note")
    world.item("4", "alpha", "-7", due="2026-06-01", type="payment", status="promise", kind="promise_to_pay")
    (row,) = ask(world.reading(), by="none").rows
    assert [row.amount, row.overdue, row.overdue_with_status] == [-27, -27, 53]
    assert row.share_with_status == Decimal("0.75")
    (credits_only,) = ask(world.reading(), by="none", status="promise", as_at=date(2026, 6, 1)).rows
    assert (int(credits_only.overdue), credits_only.share_with_status) == (0, None)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"entity": "south"}, {"total": (1, 2, 2, 0)}),
        ({"customer": "beta"}, {"total": (1, 8, 8, 8)}),
        ({"collector": person_id("cora")}, {"total": (3, 7, 3, 1)}),
        ({"resolver": person_id("rita")}, {"total": (1, 1, 1, 1)}),
        ({"status": "promise"}, {"total": (2, 12, 8, 8)}),
        ({"attributes": {"x": "1"}}, {"total": (1, 1, 1, 1)}),
        ({"currency": "USD"}, {"total USD": (1, 16, 0, 0)}),
        ({"period_from": date(2026, 2, 1)}, {"total": (1, 8, 8, 8)}),
        ({"as_at": date(2026, 6, 9)}, {"total": (5, 47, 40, 8), "total USD": (1, 16, 0, 0)}),
    ],
)
def test_filters(varied: World, given: dict[str, object], expected: dict[str | None, object]):
    assert figures(ask(varied.reading(), **given).totals) == expected


@pytest.mark.parametrize(
    ("role", "code", "items"),
    [
        (Role.AUDITOR, "boss", 5),
        (Role.COLLECTOR, "cora", 3),
        (Role.COLLECTOR, "rita", 1),
        (Role.SALES_MANAGER, "sam", 3),
        (Role.RESOLVER, "rita", 1),
        (Role.RESOLVER, "rolf", 1),
        (Role.RESOLVER, "sam", 0),
    ],
)
def test_reach(varied: World, role: Role, code: str, items: int):
    assert sum(row.items for row in ask(varied.reading(role, code)).rows) == items


def test_a_client_needs_the_scope(varied: World):
    assert len(ask(varied.service(Permission.READ_DISPUTES)).totals) == 2
    with pytest.raises(RoleForbids):
        ask(varied.service(Permission.READ_ITEMS))


def test_labels_speak_the_companys_language(world: World):
    world.status("litige", fr="Litige", en="Dispute")
    world.status("untold", de="Nicht gesagt")
    for status in ("litige", "untold"):
        world.item(status, "alpha", status=status, kind="dispute")

    def labels() -> list[str]:
        return sorted(row.label or "" for row in ask(world.reading()).rows)

    assert labels() == ["Dispute", "untold"]
    world.change("settings_states", "name", "Acme", "2026-06-01", language="fr")
    assert labels() == ["Litige", "untold"]
