"""Histories over HTTP (spec 39): of disputes, items and follow-up actions, at any moment, in pages, as CSV"""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from domain.identity import person_id
from tests.api.http_service import DISPUTE, Service, invoice, item, opening, problem


@pytest.fixture
def told(service: Service) -> Service:
    """A dispute over two items, one of which is paid; commented, chased, resolved."""
    service.done("/v1/items", invoice("1"))
    service.done("/v1/items", invoice("2", "50.00"))
    service.done("/v1/disputes", opening("1", "2"))
    service.done("/v1/disputes/D/comment", {"text": "=SUM(A1)"}, "collector")
    (action,) = service.seen("/v1/disputes/D")["follow_ups"]
    chase = {"medium": "email", "text": "Please look", "due_on": "2100-01-04"}
    service.done(f"/v1/follow-ups/{action}/chase", chase, "collector")
    service.done(f"/v1/items/{item('2')}/clear", {})
    service.done("/v1/disputes/D/resolve", {"outcome": "credit_note"})
    return service


def history(service: Service, of: str = "disputes/D", who: str = "manager", **asked: Any) -> Any:
    answer = service.get(f"/v1/{of}/history", who, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def events(found: Any) -> list[str]:
    return [each["event"] for each in found["entries"]]


def entry(found: Any, event: str) -> Any:
    (one,) = [each for each in found["entries"] if each["event"] == f"{event}.v1"]
    return one


def test_39_a_history_says_of_each_event_who_how_and_in_words_what(told: Service) -> None:
    found = history(told)
    assert (found["position"], found["known_at"], found["next_after"]) == (told.newest(), told.newest(), None)
    commented = entry(found, "dispute-commented")
    assert (commented["actor_name"], commented["role"]) == ("Collector", "collector")
    assert (commented["key_name"], commented["original_name"]) == ("collector", None)
    assert commented["sentence"] == "The dispute D was commented (internal): =SUM(A1)"
    chased = entry(found, "resolver-chased")
    assert chased["sentence"].startswith(
        "The follow-up action “Ask the resolver” was chased for the 1st time:"
    )
    assert "Resolver by email" in chased["sentence"]
    assert (chased["changes"]["chases"], chased["stream"]) == ({"before": 0, "after": 1}, "follow_up")
    assert entry(found, "item-cleared")["name"] == "2"
    assert found["entries"][0]["after"]["resolver_id"] is None
    assert entry(found, "dispute-resolved")["after"]["resolver_id"] == str(person_id("resolver"))


def test_39_a_history_stands_as_at_any_version_or_moment(told: Service) -> None:
    found = history(told)
    whole = events(found)
    chased = entry(found, "resolver-chased")
    cleared = entry(found, "item-cleared")
    assert events(history(told, known_at=cleared["position"] - 1))[-1] == "resolver-chased.v1"
    assert events(history(told, as_at=chased["occurred_at"]))[-1] == "resolver-chased.v1"
    version = entry(found, "dispute-commented")["version"]
    assert events(history(told, at_version=version))[-1] == "dispute-commented.v1"
    early = history(told, at_version=1)  # the whole decision that opened it
    assert events(early) == whole[: len(events(early))]
    assert "item-disputed.v1" in events(early)
    assert history(told, as_at="2100-01-01")["as_at"] == "2100-01-01T23:59:59.999999+00:00"


def test_39_a_history_that_cannot_be_is_refused_with_the_cure(told: Service) -> None:
    def refused(status: int, name: str, **asked: Any) -> str:
        detail: str = problem(told.get("/v1/disputes/D/history", params=asked), status, name)["detail"]
        return detail

    assert "give a version from 1 to" in refused(422, "parameter-invalid", at_version=99)
    assert "but not both" in refused(422, "parameter-invalid", at_version=1, known_at=3)
    assert "give a position from 0 to" in refused(422, "parameter-invalid", known_at=99_999)
    assert "at that moment" in refused(404, "not-there-then", as_at="2026-01-01")
    assert "at that moment" in refused(404, "not-there-then", known_at=1)
    refused(422, "malformed-request", at_version=0)
    refused(422, "malformed-request", format="xml")


def test_39_items_and_follow_up_actions_have_their_own_histories(told: Service) -> None:
    of_item = history(told, f"items/{item('2')}")
    assert {each["stream_id"] for each in of_item["entries"]} == {item("2")} == {of_item["item"]}
    assert (events(of_item)[0], events(of_item)[-1]) == ("item-registered.v1", "item-returned.v1")
    assert "It was taken into the dispute D, all of it." in [each["sentence"] for each in of_item["entries"]]
    action = entry(history(told), "resolver-chased")["stream_id"]
    of_action = history(told, f"follow-ups/{action}")
    assert events(of_action)[:2] == ["follow-up-planned.v1", "resolver-chased.v1"]
    assert of_action["follow_up"] == action
    problem(told.get(f"/v1/items/{DISPUTE}/history"), 404, "unknown-item")
    problem(told.get(f"/v1/follow-ups/{DISPUTE}/history"), 404, "unknown-follow-up")


def test_29_a_history_is_for_those_who_may_see_the_thing(told: Service) -> None:
    action = entry(history(told), "resolver-chased")["stream_id"]
    for path in ("disputes/D", f"items/{item('1')}", f"follow-ups/{action}"):
        for who in ("collector", "resolver", "sales", "auditor", "analyst"):
            assert history(told, path, who)["entries"], (path, who)
        problem(told.get(f"/v1/{path}/history", "other-collector"), 403, "not-yours")
    told.done("/v1/items", invoice("3"))
    planned: dict[str, Any] = {"title": "Call", "due_on": "2100-01-04", "owner_id": "other-collector"}
    planned |= {"item_ids": [{"customer_code": "ACME", "number": "3"}], "reference": "F"}
    told.done("/v1/follow-ups", planned)
    assert events(history(told, "follow-ups/F", "other-collector"))  # they own it
    problem(told.get("/v1/follow-ups/F/history", "resolver"), 403, "not-yours")


def test_39_a_history_comes_in_pages_that_follow_each_other_by_position(told: Service) -> None:
    whole = history(told)
    found: list[Any] = []
    after: int | None = 0
    while after is not None:
        page = history(told, after=after, limit=4)
        assert 1 <= len(page["entries"]) <= 4
        found += page["entries"]
        after = page["next_after"]
    assert found == whole["entries"]
    last = whole["entries"][-1]["position"]
    beyond = history(told, after=last, limit=1)
    assert (beyond["entries"], beyond["next_after"]) == ([], None)
    exactly = history(told, limit=len(whole["entries"]))
    assert exactly["next_after"] is None


def test_39_a_history_as_csv_is_one_file_with_defused_cells(told: Service) -> None:
    answer = told.get("/v1/disputes/D/history?format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "dispute-history.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    whole = history(told)["entries"]
    assert [int(row["position"]) for row in rows] == [each["position"] for each in whole]
    (planned,) = [row for row in rows if row["event"] == "resolver-chased.v1"]
    assert planned["changes"].startswith("due on") or "chases: 0 → 1" in planned["changes"]
    assert (planned["actor"], planned["key"]) == ("Collector", "collector")
    assert "chase" in planned["state"]
    assert planned["after"].startswith("{")
    told.done("/v1/disputes/D/reopen", {"follow_up": {"due_on": "2100-01-04", "title": "=1+1"}})
    defused = told.get("/v1/disputes/D/history?format=csv").text
    assert ",'=1+1," in defused
    assert ",=1+1," in told.get("/v1/disputes/D/history?format=csv&raw=true").text
    part = told.get("/v1/disputes/D/history?format=csv&limit=2")
    assert len(list(csv.reader(io.StringIO(part.text, newline="")))) == 3
    assert 'rel="next"' in part.headers["link"]


def test_39_a_history_as_text_is_for_people_to_read(told: Service) -> None:
    answer = told.get("/v1/disputes/D/history?format=text")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    whole = history(told)
    lines = answer.text.splitlines()
    headings = [line for line in lines if not line.startswith(" ")]
    assert [line.partition("  ")[2].partition("  (")[0] for line in headings] == [
        name.removesuffix(".v1").replace("-", " ") for name in events(whole)
    ]
    assert "    The dispute D was commented (internal): =SUM(A1)" in lines
    assert json.loads(answer.headers["x-parameters"])["known_at"] == whole["known_at"]
    part = told.get("/v1/disputes/D/history?format=text&limit=1")
    assert (part.text.splitlines()[0], 'rel="next"' in part.headers["link"]) == (lines[0], True)
    action = entry(whole, "resolver-chased")["stream_id"]
    for of in (f"items/{item('1')}", f"follow-ups/{action}"):
        assert told.get(f"/v1/{of}/history?format=text").text.count("\n    by ") > 1
