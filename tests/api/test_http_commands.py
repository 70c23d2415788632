"""Every command over HTTP: what it answers, that it is written once, and only as it was read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest

from api import wire
from api.database import OpenCompany
from api.routes import catalogue, customers, disputes, follow_ups, items, keys, people, sales, scenario
from domain.dispute import Outcome, ResolveDispute
from domain.identity import dispute_id, person_id
from domain.roles import Actor, Role
from store.execute import Order
from tests.api.http_service import (
    CUSTOMER,
    DISPUTE,
    Service,
    identity,
    invoice,
    item,
    opening,
    problem,
)

MANAGER: Final = Actor(person_id("manager"), Role.CREDIT_MANAGER)
SHA: Final = "sha256:" + "0" * 64
FOLLOW_UP: Final = {"title": "Ask", "due_on": "2030-01-07", "item_ids": [identity("3")], "reference": "F"}

STORY: Final[list[tuple[str, str, Any]]] = [
    ("register_item", "/v1/items", invoice("5", "-20.00", type="credit_note")),
    ("clear_item", f"/v1/items/{item('4')}/clear", {"cleared_on": "2026-02-01"}),
    (
        "qualify_items",
        "/v1/items/qualify",
        {"item_ids": [item("2")], "status": "promise_to_pay", "promised_on": "2030-01-01"},
    ),
    ("do_reminder_step", "/v1/customers/ACME/reminders/do", {"step": "before_due"}),
    (
        "skip_reminder_step",
        "/v1/customers/ACME/reminders/skip",
        {"step": "first_reminder", "item_ids": [identity("1"), identity("3")], "comment": "On leave"},
    ),
    (
        "postpone_reminder_step",
        "/v1/customers/ACME/reminders/postpone",
        {"step": "call", "currency": "EUR", "to": "2100-01-04"},
    ),
    ("open_dispute", "/v1/disputes", opening("1", amounts=[{"item": identity("1"), "amount": "60.00"}])),
    ("change_dispute_type", "/v1/disputes/D/change-type", {"type": "quality", "reason": "Broken"}),
    ("assign_resolver", "/v1/disputes/D/assign-resolver", {"resolver_id": "sales"}),
    ("update_dispute_comment", "/v1/disputes/D/update-comment", {"comment": "Seen on site"}),
    ("comment_dispute", "/v1/disputes/D/comment", {"text": "Called", "visibility": "customer"}),
    ("attach_document", "/v1/disputes/D/attach-document", {"name": "photo.jpg", "digest": SHA}),
    ("add_items", "/v1/disputes/D/add-items", {"item_ids": [identity("3")]}),
    ("remove_items", "/v1/disputes/D/remove-items", {"item_ids": [identity("3")]}),
    ("plan_follow_up", "/v1/follow-ups", FOLLOW_UP),
    ("postpone_follow_up", "/v1/follow-ups/F/postpone", {"due_on": "2030-01-08"}),
    (
        "record_interaction",
        "/v1/follow-ups/F/record-interaction",
        {"with_whom": "customer", "medium": "sms", "direction": "outgoing", "text": "Hello"},
    ),
    ("comment_follow_up", "/v1/follow-ups/F/comment", {"text": "No answer"}),
    ("end_follow_up", "/v1/follow-ups/F/end", {"comment": "Done"}),
    ("escalate_dispute", "/v1/disputes/D/escalate", {"comment": "Lawyers"}),
    ("reopen_dispute", "/v1/disputes/D/reopen", {"follow_up": {"due_on": "2030-02-01"}}),
    ("resolve_dispute", "/v1/disputes/D/resolve", {"outcome": "partial_credit", "credited_amount": "10.00"}),
    (
        "state_monthly_sales",
        "/v1/monthly-sales",
        {"month": "2026-03-01", "entity": "main", "currency": "EUR", "amount": "125000.00"},
    ),
    ("register_customer", "/v1/customers", {"code": "NEW", "name": "New", "attributes": {"city": "Lille"}}),
    ("register_person", "/v1/people", {"code": "new", "name": "New", "role": "resolver"}),
    ("deactivate_person", "/v1/people/new/deactivate", None),
    ("reactivate_person", "/v1/people/new/reactivate", {}),
    ("define_action_template", "/v1/action-templates", {"code": "t", "titles": {"en": "T"}}),
    ("define_status", "/v1/statuses", {"code": "tax", "kind": "dispute", "labels": {"en": "Tax"}}),
    ("retire_status", "/v1/statuses/tax/retire", None),
    (
        "define_scenario_step",
        "/v1/scenario-steps",
        {"code": "visit", "days": 60, "kind": "call", "labels": {"en": "Visit"}, "minimum_amount": "500"},
    ),
    ("retire_scenario_step", "/v1/scenario-steps/visit/retire", None),
    ("change_settings", "/v1/settings/change", {"zone": "Europe/Paris", "ageing_buckets": [15, 45]}),
]


def stocked(service: Service) -> Service:
    for number in ("1", "2", "3", "4"):
        service.done("/v1/items", invoice(number))
    return service


def test_each_command_is_carried_out_once_over_http(service: Service) -> None:
    stocked(service)
    for name, path, body in STORY:
        before = service.newest()

        tried = service.done(path, body, params={"dry_run": True})
        assert tried["dry_run"], name
        assert tried["changed"], name
        assert tried["position"] == before, name
        assert service.newest() == before, f"{name}: a dry run wrote something"
        count = sum(each["count"] for each in tried["events"])

        answer = service.post(path, body)
        assert answer.status_code == (
            201 if wire.BY_NAME[name].creates and name != "qualify_items" else 200
        ), name
        done = answer.json()
        assert done["changed"], name
        assert done["position"] == service.newest() == before + count, name
        assert answer.headers["x-position"] == str(done["position"]), name
        assert done["recorded_at"], name
        if name != "qualify_items":
            assert answer.headers["etag"] == f'"{done["version"]}"', name
            assert done["id"], name


def test_the_story_tells_every_command_but_those_with_tests_of_their_own(service: Service) -> None:
    told = {name for name, _, _ in STORY}
    assert set(wire.BY_NAME) - told == {"issue_key", "revoke_key", "chase_resolver", "cancel_dispute"}


def test_a_dispute_is_chased_and_cancelled(service: Service) -> None:
    stocked(service)
    service.done("/v1/disputes", opening("1"))
    (action,) = service.seen("/v1/disputes/D")["follow_ups"]
    chased = service.done(f"/v1/follow-ups/{action}/chase", {"due_on": "2030-01-07", "text": "Please"})
    assert chased["changed"]
    assert service.seen(f"/v1/follow-ups/{action}")["chases"] == 1
    assert service.done("/v1/disputes/D/cancel")["changed"]
    assert service.seen("/v1/disputes/D")["state"] == "cancelled"


def test_what_is_created_can_be_read_where_location_says(service: Service) -> None:
    stocked(service)
    made = [
        service.post("/v1/disputes", opening("1")),
        service.post("/v1/follow-ups", FOLLOW_UP),
        service.post("/v1/items", invoice("9")),
        service.post("/v1/customers", {"code": "a/b ü", "name": "Slash"}),
        service.post("/v1/people", {"code": "p"}),
        service.post("/v1/statuses", {"code": "x/y", "kind": "ongoing", "labels": {"en": "X"}}),
        service.post("/v1/action-templates", {"code": "t/u", "titles": {"en": "T"}}),
        service.post("/v1/people", {"code": "p/q"}),
        service.post("/v1/keys", {"name": "k", "scopes": ["read_items"]}),
    ]
    assert [answer.status_code for answer in made] == [201, 201, 200, 200, 200, 200, 200, 200, 201]
    for answer in made:
        location = answer.headers["location"]
        found = service.get(location, headers={"X-Min-Position": answer.headers["x-position"]})
        assert found.status_code == 200, (location, found.text)
        assert found.headers["etag"] == answer.headers["etag"], location


def test_every_example_of_the_description_is_a_body_that_is_understood() -> None:
    routers = (catalogue, customers, disputes, follow_ups, items, keys, people, sales, scenario)
    shown = {}
    for module in routers:
        for route in module.router.routes:
            body = getattr(route, "body_field", None)
            if body is not None:
                shown[route.operation_id] = body.field_info.openapi_examples["example"]["value"]
    assert set(shown) == set(wire.BY_NAME)
    for name, example in shown.items():
        wire.body_of(wire.BY_NAME[name], with_subject=False).model_validate(example)


def test_said_twice_changes_nothing_and_says_so(service: Service) -> None:
    stocked(service)
    service.done("/v1/disputes", opening("1"))
    first = service.done("/v1/disputes/D/change-type", {"type": "quality"})
    again = service.done("/v1/disputes/D/change-type", {"type": "quality"})
    assert again == {
        "id": DISPUTE, "version": first["version"], "position": first["position"], "changed": False,
        "recorded_at": None,
    }  # fmt: skip


def test_times_and_originals_are_told_by_whoever_loads_a_history(service: Service) -> None:
    stocked(service)
    told = {"at": "2026-03-01T10:00:00+01:00", "on_behalf_of": "old"}
    unknown = problem(service.post("/v1/disputes", opening("1"), params=told), 404, "unknown-original")
    assert unknown["errors"][0]["parameter"] == "on_behalf_of"
    assert "register the person first" in unknown["detail"]
    service.done("/v1/people", {"code": "old", "name": "Mrs Old"})
    answer = service.post("/v1/disputes", opening("1"), params={**told, "at": "2026-01-04"})
    problem(answer, 409, "time-goes-backwards")  # the item was registered at its issue date
    service.done("/v1/disputes", opening("1"), params=told)
    (entry, *_) = service.get("/v1/disputes/D/history").json()["entries"]
    assert entry["occurred_at"] == "2026-03-01T09:00:00+00:00"
    assert (entry["on_behalf_of"], entry["original_name"]) == (str(person_id("old")), "Mrs Old")
    assert entry["actor_name"] == "Manager"
    forbidden = service.post("/v1/disputes/D/comment", {"text": "x"}, "collector", params=told)
    problem(forbidden, 403, "role-forbids")
    problem(
        service.post("/v1/disputes/D/comment", {"text": "x"}, params={"at": "2100-01-01"}),
        422,
        "told-in-the-future",
    )


# --- the same command again --------------------------------------------------------------------------


def test_a_repeated_key_gets_the_same_answer_byte_for_byte(service: Service) -> None:
    stocked(service)
    key = {"Idempotency-Key": "abc"}
    first = service.post("/v1/disputes", opening("1", reference=None), headers=key)
    before = service.newest()
    again = service.post("/v1/disputes", opening("1", reference=None), headers=key)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    for name in ("etag", "location", "x-position"):
        assert again.headers[name] == first.headers[name]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert service.newest() == before


def test_a_comment_sent_twice_with_a_key_is_made_once_and_without_one_twice(service: Service) -> None:
    stocked(service)
    service.done("/v1/disputes", opening("1"))
    for headers in ({"Idempotency-Key": "k"}, {"Idempotency-Key": "k"}, {}, {}):
        service.done("/v1/disputes/D/comment", {"text": "Called"}, headers=headers)
    assert service.seen("/v1/disputes/D")["comments"] == 3


def test_the_order_of_fields_and_defaults_spelt_out_make_no_other_request(service: Service) -> None:
    stocked(service)
    service.done("/v1/disputes", opening("1"))
    key = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    first = service.send(
        "POST", "/v1/disputes/D/comment", content=b'{"text":"a","visibility":"customer"}', headers=key
    )
    again = service.send(
        "POST", "/v1/disputes/D/comment", content=b'{"visibility": "customer", "text": "a"}', headers=key
    )
    assert (first.status_code, first.content) == (again.status_code, again.content)


@pytest.mark.parametrize(
    ("path", "body", "params"),
    [
        ("/v1/disputes/D/comment", {"text": "other"}, {}),
        ("/v1/disputes/E/comment", {"text": "Called"}, {}),
        ("/v1/disputes/D/update-comment", {"comment": "Called"}, {}),
        ("/v1/disputes/D/comment", {"text": "Called"}, {"on_behalf_of": "somebody"}),
    ],
)
def test_a_key_with_another_request_is_refused(
    service: Service, path: str, body: dict[str, str], params: dict[str, str]
) -> None:
    stocked(service)
    service.done("/v1/disputes", opening("1"))
    service.done("/v1/disputes", opening("2", reference="E"))
    key = {"Idempotency-Key": "k"}
    service.done("/v1/disputes/D/comment", {"text": "Called"}, headers=key)
    before = service.newest()
    problem(service.post(path, body, headers=key, params=params), 422, "idempotency-key-reused")
    assert service.newest() == before


def test_keys_of_different_clients_never_meet(service: Service) -> None:
    stocked(service)
    service.done("/v1/disputes", opening("1"))
    key = {"Idempotency-Key": "k"}
    service.done("/v1/disputes/D/comment", {"text": "mine"}, headers=key)
    theirs = service.post("/v1/disputes/D/comment", {"text": "theirs"}, "collector", headers=key)
    assert theirs.status_code == 200
    assert "idempotency-replayed" not in theirs.headers


def test_a_refusal_is_decided_anew(service: Service) -> None:
    key = {"Idempotency-Key": "k"}
    problem(service.post("/v1/disputes", opening("1"), headers=key), 404, "unknown-item")
    stocked(service)
    assert service.post("/v1/disputes", opening("1"), headers=key).status_code == 201


def test_a_key_that_is_used_by_many_at_once_has_one_effect(service: Service) -> None:
    stocked(service)
    service.done("/v1/disputes", opening("1"))
    key = {"Idempotency-Key": "k"}
    with ThreadPoolExecutor(8) as threads:
        sent = [
            threads.submit(service.post, "/v1/disputes/D/comment", {"text": "Called"}, headers=key)
            for _ in range(24)
        ]
    assert len({each.result().content for each in sent}) == 1
    assert service.seen("/v1/disputes/D")["comments"] == 1


# --- only as it was read -----------------------------------------------------------------------------


def test_if_match_lets_through_what_is_as_it_was_read(service: Service) -> None:
    stocked(service)
    service.done("/v1/disputes", opening("1"))
    tag = service.get("/v1/disputes/D", headers={"X-Min-Position": str(service.newest())}).headers["etag"]
    service.done("/v1/disputes/D/comment", {"text": "a"}, headers={"If-Match": tag})
    stale = service.post("/v1/disputes/D/comment", {"text": "b"}, headers={"If-Match": tag})
    problem(stale, 412, "version-stale")
    problem(
        service.post("/v1/disputes/D/comment", {"text": "b"}, headers={"If-Match": '"99"'}),
        412,
        "version-stale",
    )
    service.done("/v1/disputes/D/comment", {"text": "c"}, headers={"If-Match": "*"})
    assert service.seen("/v1/disputes/D")["comments"] == 2


PARTS: Final = [
    (
        "/v1/people/resolver", "/v1/people", {"code": "resolver", "name": "R"},
        "/v1/people", {"code": "sales", "name": "S"},
    ),
    (
        "/v1/statuses/price", "/v1/statuses", {"code": "price", "kind": "dispute", "labels": {"en": "P"}},
        "/v1/statuses/quality/retire", None,
    ),
    ("/v1/settings", "/v1/settings/change", {"name": "Acme 2"}, "/v1/statuses/quality/retire", None),
    (
        "/v1/action-templates/ask_resolver", "/v1/action-templates",
        {"code": "ask_resolver", "titles": {"en": "A"}}, "/v1/settings/change", {"name": "Acme 2"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("thing", "path", "body", "other_path", "other"), PARTS)
def test_if_match_speaks_of_one_person_or_status_whatever_happens_to_others(
    service: Service, thing: str, path: str, body: Any, other_path: str, other: Any
) -> None:
    def tag() -> str:
        return service.get(thing, headers={"X-Min-Position": str(service.newest())}).headers["etag"]

    read = tag()
    service.done(other_path, other)  # on the same stream
    assert tag() == read
    done = service.post(path, body, headers={"If-Match": read})
    assert done.status_code == 200, done.text
    assert done.headers["etag"] == tag() != read
    problem(service.post(path, body, headers={"If-Match": read}), 412, "version-stale")
    unchanged = service.post(path, body)
    assert unchanged.json()["changed"] is False
    assert unchanged.headers["etag"] == tag()


def test_if_match_of_a_key(service: Service) -> None:
    key = service.done("/v1/keys", {"name": "k", "scopes": ["read_items"]})
    service.done("/v1/people", {"code": "sales", "name": "Other"})
    assert service.get(f"/v1/keys/{key['id']}").headers["etag"] == f'"{key["version"]}"'
    answer = service.post(f"/v1/keys/{key['id']}/revoke", headers={"If-Match": f'"{key["version"]}"'})
    assert answer.status_code == 200


def test_many_at_once_change_one_dispute_without_losing_anything(service: Service) -> None:
    stocked(service)
    service.done("/v1/disputes", opening("1"))
    with ThreadPoolExecutor(8) as threads:
        sent = [threads.submit(service.done, "/v1/disputes/D/comment", {"text": str(n)}) for n in range(40)]
    assert sorted(each.result()["version"] for each in sent) == list(range(4, 44))


def test_what_another_process_did_counts_whatever_this_one_remembers(service: Service) -> None:
    stocked(service)
    service.done("/v1/disputes", opening("1"))
    service.done("/v1/disputes/D/comment", {"text": "remembered"})
    behind = OpenCompany(service.database.pool, "acme").executor
    behind.execute(Order(ResolveDispute(dispute_id("D"), Outcome.INVOICE_UPHELD), MANAGER))
    refused = service.post("/v1/disputes/D/assign-resolver", {"resolver_id": "sales"})
    problem(refused, 409, "dispute-already-resolved")
    again = service.done("/v1/disputes", opening("1", reference="E"))  # the item is free again
    assert again["changed"]


def test_a_dry_run_is_refused_as_the_command_would_be(service: Service) -> None:
    stocked(service)
    service.done("/v1/disputes", opening("1"))
    problem(
        service.post("/v1/disputes", opening("1", reference="E"), params={"dry_run": 1}),
        409,
        "item-already-disputed",
    )
    problem(service.post("/v1/disputes", opening("2"), "auditor", params={"dry_run": 1}), 403, "role-forbids")
    tried = service.done("/v1/disputes", opening("2", reference="E"), params={"dry_run": 1})
    assert {"event": "dispute-opened.v1", "count": 1} in tried["events"]


def test_customers_are_changed_by_the_same_command(service: Service) -> None:
    service.done("/v1/customers", {"code": "ACME", "name": "Acme Renamed"})
    found = service.seen("/v1/customers/ACME")
    assert (found["customer_id"], found["name"], found["collector"]) == (
        CUSTOMER,
        "Acme Renamed",
        "Collector",
    )


def test_29_null_takes_away_and_what_is_left_out_stays(service: Service) -> None:
    service.done("/v1/customers", {"code": "ACME", "sales_manager_id": None})
    found = service.seen("/v1/customers/ACME")
    assert (found["collector"], found["sales_manager"]) == ("Collector", None)
    service.done("/v1/people", {"code": "sales", "login": None})
    found = service.seen("/v1/people/sales", "admin")
    assert (found["login"], found["role"]) == (None, "sales_manager")
    service.done("/v1/people", {"code": "sales", "role": None})
    assert service.seen("/v1/people/sales")["role"] is None
    service.done("/v1/settings/change", {"country": "FR"})
    service.done("/v1/settings/change", {"assignment_field": {"of": "item", "attribute": "sector"}})
    service.done("/v1/settings/change", {"country": None})
    found = service.seen("/v1/settings")
    assert (found["country"], found["assignment_attribute"]) == (None, "sector")


def test_29_null_and_left_out_are_different_requests(service: Service) -> None:
    headers = {"Idempotency-Key": "one"}
    service.done("/v1/customers", {"code": "ACME"}, headers=headers)
    again = service.post("/v1/customers", {"code": "ACME", "collector_id": None}, headers=headers)
    problem(again, 422, "idempotency-key-reused")


def test_29_the_description_says_what_null_does(service: Service) -> None:
    shapes = service.get("/v1/openapi.json", None).json()["components"]["schemas"]
    login = shapes["RegisterPerson"]["properties"]["login"]
    assert login["description"] == "null takes it away; left out, it stays"
    assert "default" not in login


def test_a_key_with_a_slash_stands_in_a_path_encoded(service: Service) -> None:
    stocked(service)
    service.done("/v1/people", {"code": "p/q %2F"})
    service.done("/v1/people/p%2fq%20%252F/deactivate")
    assert service.seen("/v1/people/p%2Fq%20%252F")["active"] is False
    service.done("/v1/statuses", {"code": "x/y", "kind": "ongoing", "labels": {"en": "X"}})
    service.done("/v1/statuses/x%2Fy/retire")
    assert service.seen("/v1/statuses/x%2Fy")["active"] is False
    service.done("/v1/disputes", opening("1", reference="C-17/1"))
    service.done("/v1/disputes/C-17%2F1/comment", {"text": "Called"})
    assert service.seen("/v1/disputes/C-17%2F1/history")["entries"]
    problem(service.get("/v1/disputes/C-17/1"), 404, "no-such-route")
