"""The collection scenario over HTTP (spec 17, 29, 43)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.http_service import Service, identity, invoice, item, opening, problem

DO = "/v1/customers/ACME/reminders/do"


@pytest.fixture
def owing(service: Service) -> Service:
    """ACME owes 300 since long, one invoice of which is disputed."""
    for number in ("1", "2", "3"):
        service.done("/v1/items", invoice(number))
    service.done("/v1/disputes", opening("3"))
    return service


def steps(service: Service, asked: str = "", **more: Any) -> list[tuple[str, int, str, str]]:
    rows = service.seen(f"/v1/reports/agenda{asked}", **more)["rows"]
    return [
        (row["step"], row["items"], row["balance"], row["currency"])
        for row in rows
        if row["kind"] == "scenario_step"
    ]


def test_17_the_agenda_shows_the_step_and_after_doing_it_none(owing: Service) -> None:
    assert steps(owing) == [("formal_notice", 2, "200.00", "EUR")]
    done = owing.done(DO, {"step": "formal_notice"})
    assert steps(owing, headers={"X-Min-Position": str(done["position"])}) == []
    assert not owing.done(DO, {"step": "formal_notice"})["changed"]


def test_17_without_items_it_goes_over_all_that_can_be_collected(owing: Service) -> None:
    owing.done("/v1/items", invoice("4", "7.00", currency="USD"))
    found = owing.post(DO, {"step": "call"})
    problem(found, 409, "step-in-several-currencies")
    assert owing.done(DO, {"step": "call", "currency": "USD"})["changed"]
    assert owing.done(DO, {"step": "call", "currency": "EUR"})["changed"]
    nothing = owing.post(DO, {"step": "call", "currency": "GBP"})
    problem(nothing, 409, "nothing-collectable")


def test_15_a_disputed_item_is_refused_by_name(owing: Service) -> None:
    found = owing.post(DO, {"step": "call", "item_ids": [item("1"), identity("3")]})
    assert "dispute, follow_up" in problem(found, 409, "item-not-collectable")["detail"]


def test_43_a_repeated_key_has_one_effect_even_when_nothing_is_left(owing: Service) -> None:
    first = owing.post(DO, {"step": "call"}, headers={"Idempotency-Key": "k"})
    for number in ("1", "2"):
        owing.done(f"/v1/items/{item(number)}/clear", {})
    again = owing.post(DO, {"step": "call"}, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.content) == (first.status_code, first.content) == (200, first.content)


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("manager", 200),
        ("collector", 200),
        ("resolver", 403),
        ("sales", 403),
        ("admin", 403),
        ("auditor", 403),
    ],
)
def test_29_ordinary_reminders_are_not_everybodys(owing: Service, who: str, status: int) -> None:
    assert owing.post(DO, {"step": "call"}, who).status_code == status


def test_29_of_anothers_customer_not_even_that_nothing_is_owed_is_told(owing: Service) -> None:
    owing.done("/v1/customers", {"code": "OTHER"})
    found = owing.post("/v1/customers/OTHER/reminders/do", {"step": "call"}, "collector")
    problem(found, 403, "not-yours")


@pytest.mark.parametrize(
    ("path", "body", "status", "kind"),
    [
        (DO, {"step": "sms"}, 404, "unknown-step"),
        ("/v1/customers/NOBODY/reminders/do", {"step": "call"}, 404, "unknown-customer"),
        (
            "/v1/customers/ACME/reminders/postpone",
            {"step": "call", "to": "2020-01-01"},
            422,
            "due-in-the-past",
        ),
        ("/v1/scenario-steps", {"code": "x", "kind": "call", "labels": {"en": "X"}}, 422, "step-invalid"),
        (
            "/v1/scenario-steps",
            {"code": "x", "days": 1, "kind": "fax", "labels": {"en": "X"}},
            422,
            "malformed-request",
        ),
    ],
)
def test_17_what_cannot_be_is_refused(
    owing: Service, path: str, body: dict[str, Any], status: int, kind: str
) -> None:
    before = owing.newest()
    found = owing.post(path, body)
    problem(found, status, kind)
    assert owing.newest() == before


def test_27_the_steps_are_listed_in_their_order_and_singly(owing: Service) -> None:
    owing.done("/v1/scenario-steps", {"code": "call", "days": -3})
    owing.done("/v1/scenario-steps/second_reminder/retire", None)
    listed = owing.seen("/v1/scenario-steps")["rows"]
    assert [(row["code"], row["active"]) for row in listed] == [
        ("before_due", True),
        ("call", True),
        ("first_reminder", True),
        ("second_reminder", False),
        ("formal_notice", True),
    ]
    one = owing.send("GET", "/v1/scenario-steps/call")
    assert (one.json()["days"], one.json()["minimum_amount"]) == (-3, "0")
    stale = owing.post("/v1/scenario-steps", {"code": "call", "days": 4}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    fresh = {"If-Match": one.headers["etag"]}
    assert owing.post("/v1/scenario-steps", {"code": "call", "days": 4}, headers=fresh).status_code == 200
    assert owing.send("GET", "/v1/scenario-steps/none").status_code == 404
