"""Single things over HTTP at moments of the past (spec §1, two clocks)."""

from __future__ import annotations

import pytest

from tests.api.http_service import ACME, DISPUTE, OTHER, Service, invoice, item, opening, problem


@pytest.fixture
def resolved(service: Service) -> tuple[Service, int]:
    """A dispute that was resolved by now, and the position before it was."""
    service.done("/v1/items", invoice("1"))
    service.done("/v1/disputes", opening("1"))
    before = service.newest()
    service.done("/v1/disputes/D/resolve", {"outcome": "credit_note"})
    service.seen("/v1/disputes/D")
    return service, before


def test_40_single_things_are_shown_as_they_were_at_any_moment(resolved: tuple[Service, int]) -> None:
    service, before = resolved
    found = {}
    for reference in ("D", DISPUTE):
        answer = service.get(f"/v1/disputes/{reference}", params={"known_at": before})
        found = answer.json()
        assert (found["state"], found["disputed"], found["position"]) == ("open", "100.00", service.newest())
        assert found["parameters"]["known_at"] == before
        assert found["parameters"]["as_at"]
        assert answer.headers["x-position"] == str(service.newest())
    (action,) = found["follow_ups"]
    opened = found["changed_at"]
    then = {"as_at": opened}
    assert service.seen(f"/v1/follow-ups/{action}", params=then)["is_open"] is True
    assert service.seen(f"/v1/follow-ups/{action}")["is_open"] is False
    was = service.seen(f"/v1/items/{item('1')}", params=then)
    assert (was["dispute_id"], was["is_collectable"], was["exclusions"]) == (
        DISPUTE, False, ["dispute", "follow_up"],
    )  # fmt: skip
    earlier = service.seen(f"/v1/items/{item('1')}", params={"as_at": "2026-01-05"})
    assert (earlier["status"], earlier["is_collectable"]) == (None, True)
    assert earlier["parameters"]["as_at"] == "2026-01-05T23:59:59.999999+00:00"


def test_a_past_state_has_no_etag_for_if_match_to_go_by(resolved: tuple[Service, int]) -> None:
    service, before = resolved
    for path in ("/v1/disputes/D", f"/v1/items/{item('1')}", f"/v1/customers/{ACME}", "/v1/settings"):
        assert "etag" in service.get(path).headers, path
        assert "parameters" not in service.get(path).json(), path
        for known_at in (before, service.newest()):
            past = service.get(path, params={"known_at": known_at})
            assert past.status_code == 200, past.text
            assert "etag" not in past.headers, path
            assert past.json()["parameters"]["known_at"] == known_at, path


def test_what_did_not_exist_at_a_moment_is_a_404_that_says_so(resolved: tuple[Service, int]) -> None:
    service, before = resolved
    (action,) = service.seen("/v1/disputes/D", params={"known_at": before})["follow_ups"]
    early = ({"known_at": 1}, {"as_at": "2025-12-31"})
    for path in ("/v1/disputes/D", f"/v1/items/{item('1')}", f"/v1/follow-ups/{action}"):
        for clocks in early:
            said = problem(service.get(path, params=clocks), 404, "not-there-then")
            assert said["detail"].startswith("There was no ")
            assert "at that moment, though there is one now" in said["detail"]
    for path in (f"/v1/customers/{ACME}", "/v1/people/resolver"):
        problem(service.get(path, params={"known_at": 1}), 404, "not-there-then")
    problem(service.get("/v1/disputes/none", params={"known_at": 1}), 404, "unknown-dispute")
    problem(service.get("/v1/statuses/none", params={"known_at": 1}), 404, "unknown-status")


def test_who_could_not_see_a_thing_at_a_moment_does_not_see_what_it_was_then(service: Service) -> None:
    service.done("/v1/items", invoice("1", customer=OTHER))
    its_item = {"customer_code": OTHER, "number": "1"}
    service.done("/v1/disputes", {"item_ids": [its_item], "type": "price", "reference": "E"})
    before = service.newest()
    service.seen("/v1/disputes/E")
    problem(service.get("/v1/disputes/E", "resolver", params={"known_at": before}), 403, "not-yours")
    service.done("/v1/disputes/E/assign-resolver", {"resolver_id": "resolver"})
    assert service.seen("/v1/disputes/E", "resolver")["resolver"] == "Resolver"
    problem(service.get("/v1/disputes/E", "resolver", params={"known_at": before}), 403, "not-yours")
    problem(service.get("/v1/disputes/E", "resolver", params={"known_at": 1}), 404, "not-there-then")
    assert service.get("/v1/disputes/E", params={"known_at": before}).status_code == 200


def test_29_since_when_a_thing_is_there_is_nothing_for_who_may_not_see_it(
    resolved: tuple[Service, int],
) -> None:
    service, _ = resolved
    for path in ("/v1/disputes/D", f"/v1/items/{item('1')}"):
        for asked in ({"known_at": 1}, {"as_at": "2025-12-31"}):
            problem(service.get(path, "other-collector", params=asked), 403, "not-yours")
            problem(service.get(f"{path}/history", "other-collector", params=asked), 403, "not-yours")
        versions = {"at_version": 999}
        problem(service.get(f"{path}/history", "other-collector", params=versions), 403, "not-yours")


def test_master_data_are_read_by_known_at_alone_and_say_so(resolved: tuple[Service, int]) -> None:
    service, before = resolved
    body = {"code": ACME, "name": "Acme Foods & Co"}
    service.done("/v1/customers", body)
    service.done("/v1/settings/change", {"zone": "Europe/Paris"}, "admin")
    assert service.seen(f"/v1/customers/{ACME}")["name"] == "Acme Foods & Co"
    was = service.seen(f"/v1/customers/{ACME}", params={"known_at": before})
    assert (was["name"], was["parameters"]) == ("Acme Foods", {"known_at": before})
    assert service.seen("/v1/settings", params={"known_at": before})["zone"] == "UTC"
    for path in (f"/v1/customers/{ACME}", "/v1/people/resolver", "/v1/statuses/price", "/v1/settings"):
        said = problem(service.get(path, params={"as_at": "2026-03-31"}), 422, "malformed-request")
        assert "known_at alone" in said["errors"][0]["detail"], path


@pytest.mark.parametrize(
    ("clocks", "name"),
    [
        ({"as_at": "2026-03-31T10:00:00"}, "parameter-invalid"),
        ({"known_at": "99999"}, "parameter-invalid"),
        ({"as_at": "soon"}, "malformed-request"),
        ({"at": "2026-03-31"}, "malformed-request"),
    ],
)
def test_a_moment_that_cannot_be_is_refused(
    resolved: tuple[Service, int], clocks: dict[str, str], name: str
) -> None:
    service, _ = resolved
    problem(service.get("/v1/disputes/D", params=clocks), 422, name)


@pytest.mark.parametrize("said", ["-1", "2026-03-31", "yesterday"])
def test_known_at_asks_for_a_position_or_a_time(resolved: tuple[Service, int], said: str) -> None:
    service, _ = resolved
    answer = service.get("/v1/disputes/D", params={"known_at": said})
    assert answer.status_code == 422
    assert "a position of the log (42) or a time with its zone" in answer.text
