"""Reads over HTTP: reports and lists as JSON and CSV, pages, ETags, and reading one's own write."""

from __future__ import annotations

import csv
import io
import re
import threading
from datetime import datetime
from typing import Any, Final

import pytest
from pytest import MonkeyPatch  # noqa: PT013 - the type

from api import answers
from api.csv_text import cell, csv_text
from api.routes.reports import REPORTS
from domain.catalogue import Settings
from domain.identity import COMPANY_STREAM, PEOPLE_STREAM, KeyId
from domain.people import IssueKey
from domain.roles import Permission
from projections.feed import Feed
from store.clock import new_id
from store.companies import found as found_company
from store.execute import Order
from tests.api.http_service import (
    CUSTOMER,
    DISPUTE,
    OPERATING,
    Service,
    identity,
    invoice,
    issue,
    item,
    opening,
    problem,
)

LISTS: Final = (
    "items", "disputes", "episodes", "follow-ups", "customers", "people", "statuses", "imports",
    "scenario-steps",
)  # fmt: skip


@pytest.fixture
def stocked(service: Service) -> Service:
    for number in range(7):
        service.done("/v1/items", invoice(f"N{number}", f"{number + 1}00.00"))
    service.done("/v1/disputes", opening("N1", "N2"))
    return service


def test_34_resolution_time_of_first_episodes_only_is_an_option(stocked: Service) -> None:
    stocked.done(f"/v1/disputes/{DISPUTE}/resolve", {"outcome": "other"})
    stocked.done(f"/v1/disputes/{DISPUTE}/reopen", {"follow_up": {"due_on": "2100-01-04"}})
    stocked.done(f"/v1/disputes/{DISPUTE}/resolve", {"outcome": "other"})

    def counted(asked: str) -> list[int]:
        found = stocked.seen(f"/v1/reports/resolution-time{asked}")
        return [total["count"] for total in found["totals"]]

    assert counted("") == [2]
    assert counted("?first_episodes_only=true") == [1]


def test_every_report_says_its_position_and_parameters(stocked: Service) -> None:
    for report in REPORTS:
        found = stocked.seen(report.path)
        assert found["position"] == stocked.newest(), report.path
        assert found["parameters"]["known_at"] == found["position"], report.path
        assert found["parameters"]["as_at"], report.path
        assert isinstance(found["rows"], list), report.path
    assert len(REPORTS) == 8


def test_amounts_are_texts(stocked: Service) -> None:
    (row,) = stocked.seen("/v1/reports/dispute-report")["rows"]
    assert (row["key"], row["currency"], row["disputes"], row["items"], row["amount"]) == (
        "price", "EUR", 1, 2, "500.00",
    )  # fmt: skip


def test_reports_take_filters_groupings_and_clocks(stocked: Service) -> None:
    before = stocked.newest()
    stocked.done("/v1/disputes/D/resolve", {"outcome": "invoice_upheld"})

    def disputes(**params: Any) -> int:
        found = stocked.seen("/v1/reports/dispute-report", params=params)
        return sum(row["disputes"] for row in found["totals"])

    assert disputes() == 0
    assert disputes(known_at=before) == 1
    assert disputes(state="resolved") == 1
    assert disputes(state="resolved", resolver="resolver") == 1
    assert disputes(state="resolved", resolver="sales") == 0
    assert disputes(state="resolved", attribute="city=Lille") == 0
    assert disputes(state="opened", as_at="2026-01-01") == 0
    assert stocked.seen("/v1/reports/aged-balance", params={"by": "entity"})["rows"][0]["key"] == "main"
    problem(stocked.get("/v1/reports/aged-balance?by=weather"), 422, "parameter-invalid")
    problem(stocked.get("/v1/reports/aged-balance?attribute=city"), 422, "parameter-invalid")
    problem(stocked.get("/v1/reports/aged-balance?as_at=2026-01-01T00:00:00"), 422, "parameter-invalid")
    problem(stocked.get("/v1/reports/aged-balance?known_at=99999"), 422, "parameter-invalid")


def test_40_every_report_takes_both_clocks_in_each_of_their_forms(stocked: Service) -> None:
    stocked.seen("/v1/items")
    before = stocked.newest()
    recorded = stocked.get("/v1/disputes/D/history").json()["entries"][-1]["recorded_at"]
    as_ats = {
        "2026-01-05": "2026-01-05T23:59:59.999999+00:00",
        "2026-01-05T10:00:00+01:00": "2026-01-05T09:00:00+00:00",
        "2026-01-05T09:00:00Z": "2026-01-05T09:00:00+00:00",
    }
    for report in REPORTS:
        for told, understood in as_ats.items():
            found = stocked.seen(report.path, params={"as_at": told})["parameters"]
            assert datetime.fromisoformat(found["as_at"]) == datetime.fromisoformat(understood), report.path
            assert found["known_at"] == before, report.path
        for known, position in ((str(before), before), (recorded, before), ("2020-01-01T00:00:00Z", 0)):
            found = stocked.seen(report.path, params={"known_at": known, "as_at": "2026-01-05"})
            assert found["parameters"]["known_at"] == position, report.path
        for wrong in ({"as_at": "2026-01-05T10:00:00"}, {"known_at": before + 1}, {"as_at": "5.1.2026"}):
            assert stocked.get(report.path, params=wrong).status_code == 422, (report.path, wrong)


def test_every_report_and_list_comes_as_csv_too(stocked: Service) -> None:
    for path in (*(report.path for report in REPORTS), *(f"/v1/{name}" for name in LISTS)):
        answer = stocked.get(path, params={"format": "csv"})
        assert answer.headers["content-type"] == "text/csv; charset=utf-8", path
        assert answer.headers["content-disposition"].endswith('.csv"'), path
        assert answer.headers["x-position"], path
        rows = list(csv.reader(io.StringIO(answer.text)))
        assert all(len(row) == len(rows[0]) for row in rows), path


def test_cells_that_look_like_formulas_are_defused_unless_raw(service: Service) -> None:
    service.done("/v1/customers", {"code": "=1+1", "name": "@SUM(A1)"})
    service.done("/v1/items", invoice("-7", "-5.00", customer="=1+1", type="credit_note"))
    text = service.get("/v1/items?format=csv", headers={"X-Min-Position": str(service.newest())}).text
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["customer_code"], row["customer"], row["number"], row["amount"]) == (
        "'=1+1", "'@SUM(A1)", "'-7", "-5.00",
    )  # fmt: skip
    (row,) = csv.DictReader(io.StringIO(service.get("/v1/items?format=csv&raw=true").text))
    assert (row["customer_code"], row["number"], row["amount"]) == ("=1+1", "-7", "-5.00")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""), ("", ""), ("a", "a"), ("=a", "'=a"), ("+a", "'+a"), ("-a", "'-a"), ("@a", "'@a"),
        ("\ta", "'\ta"), ("\ra", "'\ra"), (-1, "-1"), (True, "true"), (["=a", "b"], "'=a b"),
        ({"-k": "v"}, "'-k=v"),
    ],
)  # fmt: skip
def test_a_cell(value: object, shown: str) -> None:
    assert cell(value) == shown
    assert cell(value, raw=True) == shown.removeprefix("'")


def test_what_a_cell_holds_does_not_break_its_row() -> None:
    text = csv_text(["a", "=b"], [{"a": 'x"y,\r\nz', "=b": None}])
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["a", "'=b"], ['x"y,\r\nz', ""]]


# --- pages -------------------------------------------------------------------------------------------


def pages(service: Service, path: str) -> list[list[dict[str, Any]]]:
    found = []
    link: str | None = path
    while link is not None:
        answer = service.get(link)
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["rows"])
        given = answer.headers.get("link")
        assert (given is None) == (answer.json()["next_cursor"] is None)
        link = re.fullmatch(r'<(/v1/.*)>; rel="next"', given)[1] if given else None  # type: ignore[index]
    return found


def test_pages_hold_every_row_once(stocked: Service) -> None:
    stocked.seen("/v1/items")
    found = pages(stocked, "/v1/items?limit=3&customer=ACME&sort=balance")
    assert [len(page) for page in found] == [3, 3, 1]
    assert [row["number"] for page in found for row in page] == [f"N{n}" for n in range(6, -1, -1)]
    for name in ("people", "customers"):
        rows = [row["code"] for page in pages(stocked, f"/v1/{name}?limit=1") for row in page]
        assert rows == sorted(set(rows))
        assert len(rows) > 1


def test_reports_come_in_pages_of_one_moment(stocked: Service) -> None:
    for number in range(3):
        stocked.done("/v1/customers", {"code": f"C{number}", "name": f"Customer {number}"})
        stocked.done("/v1/items", invoice("1", f"{number + 1}.00", customer=f"C{number}"))
    stocked.seen("/v1/items")
    first = stocked.get("/v1/reports/aged-balance?limit=2")
    clocks = {name: first.json()["parameters"][name] for name in ("as_at", "known_at")}
    whole = stocked.seen("/v1/reports/aged-balance", params=clocks)
    assert whole["next_cursor"] is None
    assert [row["key"] for row in first.json()["rows"]] == [row["key"] for row in whole["rows"][:2]]
    assert first.json()["totals"] == whole["totals"]
    stocked.done("/v1/items", invoice("2", "9000.00", customer="C0"))  # would be the first of all
    stocked.seen("/v1/items")
    found = pages(stocked, re.fullmatch(r'<(/v1/.*)>; rel="next"', first.headers["link"])[1])  # type: ignore[index]
    rest = [row for page in found for row in page]
    assert [*first.json()["rows"], *rest] == whole["rows"]
    problem(stocked.get("/v1/reports/aged-balance?cursor=abc"), 422, "parameter-invalid")
    problem(stocked.get("/v1/reports/aged-balance?limit=201"), 422, "malformed-request")


def test_what_comes_meanwhile_does_not_move_a_page(stocked: Service) -> None:
    first = stocked.seen("/v1/items", params={"limit": 3})
    stocked.done("/v1/items", invoice("A0"))  # sorts before what was seen
    rest = stocked.seen("/v1/items", params={"limit": 200, "cursor": first["next_cursor"]})
    assert [row["number"] for row in (*first["rows"], *rest["rows"])] == [f"N{n}" for n in range(7)]


def test_lists_take_filters(stocked: Service) -> None:
    def numbers(**params: Any) -> list[str]:
        return [row["number"] for row in stocked.seen("/v1/items", params=params)["rows"]]

    assert numbers(dispute="D") == ["N1", "N2"]
    assert numbers(text="n3") == ["N3"]
    assert numbers(is_disputed=True) == ["N1", "N2"]
    assert numbers(customer="OTHER") == []
    assert len(stocked.seen("/v1/disputes", params={"item": item("N1")})["rows"]) == 1
    assert len(stocked.seen("/v1/disputes", params={"state": "resolved"})["rows"]) == 0
    assert len(stocked.seen("/v1/follow-ups", params={"dispute": "D", "owner": "collector"})["rows"]) == 1
    assert len(stocked.seen("/v1/follow-ups", params={"owner": "sales"})["rows"]) == 0
    assert [row["code"] for row in stocked.seen("/v1/people", params={"role": "resolver"})["rows"]] == [
        "resolver"
    ]


# --- single things -----------------------------------------------------------------------------------


def test_single_things_by_id_and_by_own_key(stocked: Service) -> None:
    for path in ("D", DISPUTE):
        assert stocked.seen(f"/v1/disputes/{path}")["dispute_id"] == DISPUTE
    customer = stocked.seen("/v1/customers/ACME")
    assert stocked.seen(f"/v1/customers/{customer['customer_id']}") == customer | {
        "position": stocked.newest()
    }
    assert stocked.seen("/v1/people/resolver")["role"] == "resolver"
    assert stocked.seen("/v1/statuses/price")["kind"] == "dispute"
    assert stocked.seen("/v1/settings")["name"] == "Acme"
    found = stocked.seen(f"/v1/items/{item('N1')}")
    assert (found["number"], found["is_collectable"], found["exclusions"]) == (
        "N1",
        False,
        ["dispute", "follow_up"],
    )


def test_2_who_has_only_an_items_number_is_told_how_to_find_its_id(stocked: Service) -> None:
    paths = [("GET", "/v1/items/N3"), ("GET", "/v1/items/N3/why"), ("POST", "/v1/items/N3/clear")]
    for method, path in paths:
        body = {"cleared_on": "2026-02-20"} if method == "POST" else None
        said = problem(stocked.send(method, path, json=body), 422, "malformed-request")
        (error,) = said["errors"]
        assert error["in"] == "path"
        assert "/v1/items?customer=C-1001&number=4711" in error["detail"], path
    stocked.done("/v1/items", invoice("N3", entity="north"))
    both = stocked.seen("/v1/items", params={"customer": "ACME", "number": "N3"})["rows"]
    assert {row["entity"] for row in both} == {"main", "north"}
    (row,) = stocked.seen("/v1/items", params={"customer": "ACME", "number": "N3", "entity": "main"})["rows"]
    assert row["item_id"] == item("N3")
    assert stocked.get(f"/v1/items/{row['item_id']}").status_code == 200


def test_the_etag_of_what_is_read_is_for_if_match_alone(stocked: Service) -> None:
    """It is the version of one thing, and a body tells of others, too: of a dispute's items, of people."""
    before = stocked.seen("/v1/disputes/D")
    tag = stocked.get("/v1/disputes/D").headers["etag"]
    assert tag == f'"{before["version"]}"'
    stocked.done("/v1/items", invoice("N1", "200.00", balance="150.00"))
    after = stocked.seen("/v1/disputes/D")
    assert (before["disputed"], after["disputed"]) == ("500.00", "450.00")
    assert after["version"] == before["version"]
    for path in ("/v1/disputes/D", f"/v1/items/{item('N1')}", "/v1/settings", "/v1/statuses/price"):
        answer = stocked.get(path)
        again = stocked.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (200, answer.content), path
    assert stocked.post("/v1/disputes/D/comment", {"text": "x"}, headers={"If-Match": tag}).status_code == 200


# --- reading one's own write -------------------------------------------------------------------------


def test_whoever_asks_for_their_own_position_sees_what_they_did(stocked: Service) -> None:
    for number in range(20):
        done = stocked.done("/v1/disputes/D/comment", {"text": str(number)})
        found = stocked.get("/v1/disputes/D", headers={"X-Min-Position": str(done["position"])})
        assert found.json()["comments"] == number + 1
        assert int(found.headers["x-position"]) >= done["position"]


def test_who_asks_for_too_much_is_told_to_come_back(stocked: Service, monkeypatch: MonkeyPatch) -> None:
    headers = {"X-Min-Position": str(stocked.newest() + 1)}
    for path in ("/v1/disputes/D", "/v1/items", "/v1/reports/agenda", "/v1/settings", "/v1/action-templates"):
        answer = stocked.get(path, headers=headers)
        problem(answer, 503, "not-there-yet")
        assert answer.headers["retry-after"] == "1"
    monkeypatch.setattr(answers, "PATIENCE", 0.01)
    monkeypatch.setattr(Feed, "wait_for", lambda *_: False)
    headers = {"X-Min-Position": str(stocked.newest())}
    problem(stocked.get("/v1/items", headers=headers), 503, "not-there-yet")


# --- history -----------------------------------------------------------------------------------------


def test_a_history_tells_who_did_what_when_and_what_it_changed(stocked: Service) -> None:
    stocked.done("/v1/disputes/D/assign-resolver", {"resolver_id": "sales"}, "collector")
    stocked.done("/v1/items", invoice("N2", "300.00", balance="250.00"))  # corrected while it is in dispute
    stocked.done("/v1/disputes/D/resolve", {"outcome": "credit_note", "credited_amount": "20.00"})
    stocked.done(f"/v1/items/{item('N1')}/clear")  # not about the dispute any more
    found = stocked.get("/v1/disputes/D/history").json()
    entries = found["entries"]
    assert found["dispute"] == DISPUTE
    assert [each["position"] for each in entries] == sorted(each["position"] for each in entries)
    assert {each["stream"] for each in entries} == {"dispute", "item", "follow_up"}
    opened = entries[0]
    assert (opened["event"], opened["changes"], opened["name"]) == ("dispute-opened.v1", {}, "D")
    (assigned,) = [each for each in entries if each["actor_name"] == "Collector"]
    assert assigned["event"] == "resolver-assigned.v1"
    assert assigned["role"] == "collector"
    assert set(assigned["changes"]) == {"resolver_id"}
    assert assigned["changes"]["resolver_id"]["after"] == assigned["after"]["resolver_id"]
    (resolved,) = [each for each in entries if each["event"] == "dispute-resolved.v1"]
    assert resolved["data"]["outcome"] == "credit_note"
    assert resolved["changes"]["state"] == {"before": "open", "after": "resolved"}
    assert resolved["after"]["credited_amount"] == "20.00"
    released = [each["name"] for each in entries if each["event"] == "item-released.v1"]
    assert sorted(released) == ["N1", "N2"]
    assert [each["name"] for each in entries if each["event"] == "item-corrected.v1"] == ["N2"]
    assert "item-cleared.v1" not in {each["event"] for each in entries}
    assert "item-registered.v1" not in {each["event"] for each in entries}


def test_30_a_history_names_a_program_by_its_key(stocked: Service) -> None:
    stocked.keys["client"] = issue(stocked, None, Permission.WORK_DISPUTE)
    stocked.done("/v1/disputes/D/comment", {"text": "Seen"}, "client")
    *_, last = stocked.get("/v1/disputes/D/history").json()["entries"]
    assert (last["role"], last["actor_name"]) == ("service", "client")


@pytest.mark.parametrize("who", ["manager", "collector", "resolver", "auditor"])
def test_39_only_disputes_have_this_history(stocked: Service, who: str) -> None:
    (key,) = (each["key_id"] for each in stocked.get("/v1/keys", "admin").json()["rows"][:1])
    for stream in (CUSTOMER, item("N1"), str(PEOPLE_STREAM), str(COMPANY_STREAM), key):
        answer = stocked.get(f"/v1/disputes/{stream}/history", who)
        if answer.status_code == 403:
            problem(answer, 403, "not-yours")
        else:
            problem(answer, 404, "unknown-dispute")


def test_a_history_comes_in_pages(stocked: Service) -> None:
    whole = stocked.get("/v1/disputes/D/history").json()["entries"]
    found: list[Any] = []
    link: str | None = "/v1/disputes/D/history?limit=2"
    while link is not None:
        answer = stocked.get(link)
        found += answer.json()["entries"]
        given = answer.headers.get("link")
        link = given.split(">")[0][1:] if given else None
    assert found == whole
    assert len(whole) > 6


def test_the_next_page_of_a_reference_with_other_letters_is_linked(stocked: Service) -> None:
    stocked.done("/v1/disputes", opening("N3") | {"reference": "Спор 1"})
    stocked.done("/v1/disputes/Спор 1/comment", {"text": "x"})
    first = stocked.get("/v1/disputes/Спор 1/history?limit=1")
    assert first.status_code == 200, first.text
    link = first.headers["link"].split(">")[0].strip("<")
    assert link.isascii()
    assert " " not in link
    assert stocked.get(link).json()["entries"]


# --- why ---------------------------------------------------------------------------------------------


def test_16_why_an_item_is_not_collectable_is_told_over_http(stocked: Service) -> None:
    path = f"/v1/items/{item('N1')}/why"
    answer = stocked.get(path)
    found = answer.json()
    assert answer.headers["x-position"] == str(stocked.newest()) == str(found["position"])
    assert (found["number"], found["is_collectable"], found["known_at"]) == ("N1", False, found["position"])
    dispute, action = found["reasons"]
    assert (dispute["reason"], action["reason"]) == ("dispute", "follow_up")
    opened = dispute["events"][0]
    assert (opened["event"], opened["actor_name"], opened["role"]) == (
        "dispute-opened.v1", "Manager", "credit_manager",
    )  # fmt: skip
    assert opened["sentence"] == "The dispute D was opened: Too much."
    before = stocked.get(path, params={"as_at": "2026-01-06"}).json()
    assert (before["is_collectable"], before["reasons"]) == (True, [])
    assert [each["event"] for each in before["events"]] == ["item-registered.v1"]
    position = before["events"][0]["position"]
    assert stocked.get(path, params={"known_at": position}).json()["is_collectable"]


def test_16_what_why_cannot_answer_is_a_problem(stocked: Service) -> None:
    path = f"/v1/items/{item('N1')}/why"
    problem(stocked.get(f"{path}?as_at=2026-01-04"), 404, "item-not-registered-yet")
    problem(stocked.get(f"{path}?known_at=0"), 404, "item-not-registered-yet")
    problem(stocked.get(f"{path}?known_at=99999"), 422, "parameter-invalid")
    problem(stocked.get(f"{path}?as_at=2026-01-04T00:00:00"), 422, "parameter-invalid")
    problem(stocked.get(f"{path}?as_at=yesterday"), 422, "malformed-request")
    problem(stocked.get(f"{path}?by=type"), 422, "malformed-request")
    problem(stocked.get("/v1/items/N1/why"), 422, "malformed-request")


# --- health and description ----------------------------------------------------------------------------


def test_health_tells_how_far_the_reports_are(stocked: Service, monkeypatch: MonkeyPatch) -> None:
    stocked.seen("/v1/items")
    answer = stocked.get("/v1/health", None)
    assert answer.status_code == 200
    (feed,) = answer.json()["feeds"]
    assert (feed["running"], feed["position"], feed["lag"], feed["failure"]) == (
        True,
        stocked.newest(),
        0,
        None,
    )
    monkeypatch.setattr(type(stocked.database), "is_reachable", lambda _: False)
    failing = stocked.get("/v1/health", None)
    assert (failing.status_code, failing.json()["status"], failing.json()["database"]) == (
        503,
        "failing",
        False,
    )


def test_a_company_that_is_founded_while_the_service_runs_is_served(stocked: Service) -> None:

    database = stocked.database
    found_company(database.conninfo, database.pool, "late", Settings("Late", currency="SEK"))
    key = KeyId(new_id())
    scopes = (Permission.READ_ITEMS, Permission.IMPORT)
    late = database.company("late")
    late.executor.execute(Order(IssueKey(key, "k", None, scopes), OPERATING))
    stocked.keys["late"] = database.keys.issue(key, "late")
    done = stocked.done("/v1/items", invoice("1"), "late")
    answer = stocked.get("/v1/items", "late", headers={"X-Min-Position": str(done["position"])})
    (row,) = answer.json()["rows"]
    assert row["currency"] == "SEK"
    assert len(stocked.get("/v1/health", None).json()["feeds"]) == 2
    assert stocked.get("/v1/items").json()["rows"][0]["currency"] == "EUR"


def test_the_description_is_a_page_with_assets_of_our_own(service: Service) -> None:
    page = service.get("/v1/docs", None)
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) >= 2
    for link in links:
        assert service.get(link, None).status_code == 200, link


def test_nothing_runs_any_more_once_the_service_has_stopped(service: Service) -> None:
    assert any(thread.name == "feed" for thread in threading.enumerate())
    service.app.state.house.followers.stop()
    assert not any(thread.name == "feed" for thread in threading.enumerate())


def test_identity_is_understood_where_an_item_is_named(stocked: Service) -> None:
    body = {
        "item_ids": [item("N3"), {**identity("N4"), "entity": "main"}],
        "status": "ongoing",
        "comment": "x",
    }
    assert stocked.done("/v1/items/qualify", body)["changed"]
