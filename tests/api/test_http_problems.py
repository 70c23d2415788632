"""What goes wrong is a problem with a stable type; the log is unchanged after each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import FastAPI
from pytest import MonkeyPatch  # noqa: PT013 - the type
from starlette.types import Message, Scope
from structlog.testing import capture_logs

from api import problems
from api.downloads import TooManyDownloads
from api.edge import Edge
from api.item_file import FileRefused, MappingRefused
from api.new_items import ImportCutShort
from api.typed_columns import WorkbookTooSmall
from docs import generate, problems_page
from domain import refusals
from domain.refusals import Forbidden, Invalid, Refusal, Unknown
from projections.feed import FeedFailed
from store.codec import Unencodable
from store.connections import LogUnavailable
from store.execute import Executor, StreamBusy
from store.keys import KeyNotAccepted
from store.log import KeyReused, ToldInTheFuture
from store.states import NoSuchCompany
from tests.api.http_service import Service, identity, invoice, listening, opening, problem


def new(*numbers: str, **more: Any) -> dict[str, Any]:
    return opening(*numbers, reference="N", **more)


def part(amount: str) -> list[dict[str, Any]]:
    return [{"item": identity("1"), "amount": amount}]


def said(status: str, *items: dict[str, str]) -> dict[str, Any]:
    return {"item_ids": list(items), "status": status}


BAD: Final[list[tuple[str, Any, int, str]]] = [
    ("/v1/disputes", new("none"), 404, "unknown-item"),
    ("/v1/disputes", new(), 422, "empty-selection"),
    ("/v1/disputes", new("1", "1"), 422, "item-selected-twice"),
    ("/v1/disputes", new("1", "other"), 404, "unknown-item"),
    ("/v1/disputes", new("1", "usd"), 409, "several-currencies"),
    ("/v1/disputes", new("2"), 409, "item-already-disputed"),
    ("/v1/disputes", new("paid"), 409, "item-cleared"),
    ("/v1/disputes", new("1", type="nothing"), 404, "unknown-status"),
    ("/v1/disputes", new("1", type="administrative"), 409, "status-retired"),
    ("/v1/disputes", new("1", type="ongoing"), 422, "wrong-kind"),
    ("/v1/disputes", new("1", resolver_id="nobody"), 404, "unknown-person"),
    ("/v1/disputes", new("1", resolver_id="analyst"), 409, "person-inactive"),
    ("/v1/disputes", new("1", amounts=part("100.01")), 409, "amount-over-balance"),
    ("/v1/disputes", new("1", amounts=part("-1")), 409, "amount-over-balance"),
    ("/v1/disputes", opening("1"), 409, "dispute-exists"),
    ("/v1/disputes", new("1", received_on="2100-01-01"), 422, "received-in-the-future"),
    ("/v1/items/qualify", said("promise_to_pay", identity("1")), 422, "promise-without-date"),
    ("/v1/items/qualify", said("ongoing", identity("1"), identity("o", "OTHER")), 409, "several-customers"),
    ("/v1/items", invoice("01"), 409, "leading-zeros-differ"),
    ("/v1/items", invoice("7", currency="EURO"), 422, "currency-invalid"),
    ("/v1/disputes/D/resolve", {"outcome": "cleared"}, 422, "outcome-not-by-hand"),
    ("/v1/disputes/D/reopen", {"follow_up": {"due_on": "2030-01-01"}}, 409, "dispute-still-open"),
    ("/v1/disputes/none/comment", {"text": "x"}, 404, "unknown-dispute"),
    ("/v1/disputes/D/comment", {"text": ""}, 422, "text-missing"),
    ("/v1/follow-ups/none/end", {}, 404, "unknown-follow-up"),
    ("/v1/people/none/deactivate", None, 404, "unknown-person"),
    ("/v1/settings/change", {"zone": "Mars/Base"}, 422, "zone-invalid"),
    ("/v1/settings/change", {"ageing_buckets": [5, 3]}, 422, "setting-invalid"),
    ("/v1/people", {"code": "admin", "name": "x"}, 403, "role-not-givable"),
    ("/v1/keys", {"name": "k", "person_id": "admin"}, 403, "role-not-givable"),
    (f"/v1/keys/{'0' * 8}-0000-0000-0000-{'0' * 12}/revoke", None, 404, "unknown-key"),
]  # fmt: skip


@pytest.fixture
def stocked(service: Service) -> Service:
    for number in ("1", "2"):
        service.done("/v1/items", invoice(number))
    service.done("/v1/items", invoice("paid", balance="0"))
    service.done("/v1/items", invoice("usd", currency="USD"))
    service.done("/v1/items", invoice("o", customer="OTHER"))
    service.done("/v1/disputes", opening("2"))
    service.done("/v1/statuses/administrative/retire")
    service.done("/v1/people/analyst/deactivate")
    return service


def test_each_bad_command_is_refused_and_writes_nothing(stocked: Service) -> None:
    before = stocked.newest()
    for path, body, status, name in BAD:
        problem(stocked.post(path, body), status, name)
        assert stocked.newest() == before, (path, body)


def test_a_refusal_says_where_and_about_what(stocked: Service) -> None:
    refused = problem(stocked.post("/v1/disputes", opening("2", reference="E")), 409, "item-already-disputed")
    assert refused["errors"][0]["pointer"] == "/item_ids"
    assert refused["errors"][0]["detail"] == refused["detail"]
    assert refused["dispute_id"] in refused["detail"]
    in_path = problem(stocked.post("/v1/disputes/none/comment", {"text": "x"}), 404, "unknown-dispute")
    assert (in_path["errors"][0]["parameter"], in_path["errors"][0]["in"]) == ("dispute_id", "path")
    of_report = problem(
        stocked.get("/v1/reports/agenda?by=person&period_from=2026-02-01&period_to=2026-01-01"),
        422,
        "parameter-invalid",
    )
    assert (of_report["errors"][0]["parameter"], of_report["errors"][0]["in"]) == ("period_from", "query")


NAMED: Final = (
    ("/v1/disputes", new("none"), "There is no item 'none of ACME' ("),
    ("/v1/disputes", new("2"), "Item '2 of ACME' ("),
    ("/v1/disputes", new("1", resolver_id="nobody"), "There is no person 'nobody' ("),
    ("/v1/disputes/nothing/comment", {"text": "x"}, "There is no dispute 'nothing' ("),
    ("/v1/follow-ups/gone/comment", {"text": "x"}, "no follow-up action 'gone' ("),
)


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=UTF-8"])
def test_a_refusal_calls_things_as_the_client_does(stocked: Service, kind: str) -> None:
    for path, body, said in NAMED:
        answer = stocked.send(
            "POST", path, "manager", content=json.dumps(body), headers={"Content-Type": kind}
        )
        assert said in answer.json()["detail"], answer.text
        assert answer.json()["errors"][0]["detail"] == answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "disputes/D9",
        "disputes/D9/history",
        "follow-ups/D9",
        "customers/D9",
        "people/D9",
        "follow-ups/D9/history",
    ],
)
def test_what_is_not_found_is_called_as_it_was_asked_for(service: Service, path: str) -> None:
    assert " 'D9' (" in service.get(f"/v1/{path}").json()["detail"]


# --- malformed ---------------------------------------------------------------------------------------

SECRET: Final = "my-very-secret-text"

MALFORMED: Final[list[tuple[Any, str]]] = [
    ({"item_ids": [identity("1")], "typ": SECRET}, "/type"),
    ({**opening("1"), SECRET: 1}, f"/{SECRET}"),
    ({**opening("1"), "type": [SECRET]}, "/type"),
    ({**opening("1"), "amounts": [{"item": identity("1"), "amount": SECRET}]}, "/amounts/0/amount"),
    ({**opening("1"), "received_on": SECRET}, "/received_on"),
    ({**opening("1"), "received_on": "1066-10-14"}, "/received_on"),
    ({**opening("1"), "channel": SECRET}, "/channel"),
    ({**opening("1"), "comment": SECRET + "\x00"}, "/comment"),
    ({**opening("1"), "type": SECRET * 20}, "/type"),
    ({**opening("1"), "item_ids": [{"customer_code": SECRET}]}, "/item_ids/0/number"),
    ({**opening("1"), "item_ids": [SECRET]}, "/item_ids/0"),
    ({**opening("1"), "follow_up": {"a/b~c": 1}}, "/follow_up/a~1b~0c"),
    ([SECRET], ""),
    (None, ""),
]


def test_a_malformed_body_is_named_by_its_places_and_never_sent_back(stocked: Service) -> None:
    before = stocked.newest()
    for body, pointer in MALFORMED:
        answer = stocked.post("/v1/disputes", body)
        said = problem(answer, 422, "malformed-request")
        assert pointer in [error["pointer"] for error in said["errors"]], (body, said)
        assert SECRET not in answer.text.replace(f'"pointer":"/{SECRET}"', ""), answer.text
    assert stocked.newest() == before


@pytest.mark.parametrize(
    "content",
    [
        b'{"text": ', b'{"text": "\xff"}', b'{"text": "\\ud800"}', b"[" * 100_000, b"NaN", b"\x00",
        b'{"text": "x", "text"}', b"",
    ],
)  # fmt: skip
def test_garbage_is_malformed(stocked: Service, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = stocked.send("POST", "/v1/disputes/D/comment", content=content, headers=headers)
    problem(answer, 422, "malformed-request")


def test_headers_and_query_have_a_shape_too(stocked: Service) -> None:
    for headers, name in (
        ({"If-Match": "7"}, "If-Match"),
        ({"If-Match": 'W/"7"'}, "If-Match"),
        ({"Idempotency-Key": "x" * 201}, "Idempotency-Key"),
    ):
        said = problem(
            stocked.post("/v1/disputes/D/comment", {"text": "x"}, headers=headers), 422, "malformed-request"
        )
        assert said["errors"][0]["parameter"].lower() == name.lower()
        assert said["errors"][0]["in"] == "header"
    for query in ("dry=true", "at=yesterday", "at=20260301", "dry_run=perhaps", "on_behalf_of="):
        problem(stocked.post(f"/v1/disputes/D/comment?{query}", {"text": "x"}), 422, "malformed-request")
    for query in (
        "limit=0",
        "limit=201",
        "limit=x",
        "foo=1",
        "cursor=%00",
        "customer=%00",
        "as_at=x",
        "is_open=maybe",
    ):
        problem(stocked.get(f"/v1/items?{query}"), 422, "malformed-request")
    problem(stocked.get("/v1/items?cursor=abcd"), 422, "parameter-invalid")
    problem(stocked.get("/v1/items/abc"), 422, "malformed-request")
    problem(stocked.post("/v1/items/abc/clear"), 422, "malformed-request")
    problem(stocked.get("/v1/items", headers={"X-Min-Position": "-1"}), 422, "malformed-request")


def test_a_body_that_is_too_large_is_refused(stocked: Service) -> None:
    large = json.dumps({"text": "x" * (10 * 1024 * 1024)}).encode()
    headers = {"Content-Type": "application/json"}
    problem(
        stocked.send("POST", "/v1/disputes/D/comment", content=large, headers=headers), 413, "body-too-large"
    )

    def in_pieces() -> Iterator[bytes]:
        for _ in range(11):
            yield b" " * 1024 * 1024

    problem(
        stocked.send("POST", "/v1/disputes/D/comment", content=in_pieces(), headers=headers),
        413,
        "body-too-large",
    )


def test_addresses_and_methods_that_are_not_there(service: Service) -> None:
    problem(service.get("/v1/nothing"), 404, "no-such-route")
    problem(service.get("/v1/disputes/"), 404, "no-such-route")
    assert "POST" in service.get("/v1/disputes/D/resolve").headers["allow"]
    problem(service.get("/v1/disputes/D/resolve"), 405, "method-not-allowed")


# --- what is not a refusal -----------------------------------------------------------------------------

RAISED: Final[list[tuple[Exception, int, str]]] = [
    (KeyNotAccepted("no"), 401, "key-not-accepted"),
    (NoSuchCompany("no"), 404, "no-such-company"),
    (KeyReused("k"), 422, "idempotency-key-reused"),
    (StreamBusy("busy"), 503, "stream-busy"),
    (ImportCutShort("cut"), 503, "import-cut-short"),
    (LogUnavailable("password=hunter2"), 503, "database-unavailable"),
    (FeedFailed(7, "x.v1", "a secret"), 503, "reports-stand-still"),
    (ToldInTheFuture("later"), 503, "clocks-differ"),
    (Unencodable("a secret"), 422, "not-storable"),
    (RuntimeError("a secret"), 500, "unexpected"),
]


@pytest.mark.parametrize(("raised", "status", "name"), RAISED)
def test_whatever_is_raised_becomes_a_problem(
    stocked: Service, monkeypatch: MonkeyPatch, raised: Exception, status: int, name: str
) -> None:
    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr(Executor, "execute", fail)
    answer = stocked.post("/v1/disputes/D/comment", {"text": "x"})
    problem(answer, status, name)
    assert ("retry-after" in answer.headers) == (status == 503)
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert "secret" not in answer.text
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text


def test_what_went_wrong_is_noted_without_what_it_said(
    stocked: Service, monkeypatch: MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("Mrs Lind owes 5")

    monkeypatch.setattr(Executor, "execute", fail)
    stocked.post("/v1/disputes/D/comment", {"text": "x"})
    written = "".join(capfd.readouterr())
    assert "RuntimeError" in written
    assert "fail" in written
    assert "Lind" not in written


def test_the_table_knows_every_kind_of_exception() -> None:
    assert {type(raised) for raised, _, _ in RAISED} - {RuntimeError} <= set(problems.KINDS)
    elsewhere = {problems.NotThereYet, problems.NoSuchJob, FileRefused, MappingRefused}
    elsewhere |= {TooManyDownloads, WorkbookTooSmall}
    assert set(problems.KINDS) - elsewhere == {type(raised) for raised, _, _ in RAISED} - {RuntimeError}


def test_every_refusal_has_a_type_of_its_own_and_a_status() -> None:
    found = problems.all_refusals()
    own = [each for each in found if each.__module__ == refusals.__name__]
    assert len({problems.name_of(each) for each in own}) == len(own)
    for each in found:
        expected = 412 if each is refusals.VersionStale else (
            404 if issubclass(each, Unknown) else 403 if issubclass(each, Forbidden)
            else 422 if issubclass(each, Invalid) else 409
        )  # fmt: skip
        assert problems.status_of(each) == expected, each
    assert Refusal not in found


def test_the_edge_lets_through_what_is_no_request(tmp_path: Path) -> None:
    app = FastAPI()
    app.add_middleware(Edge, largest=10)

    @app.get("/fail")
    def fail() -> None:
        raise RuntimeError

    with listening(app, tmp_path / "s") as http:  # its lifespan goes through the edge
        assert http.get("/fail").status_code == 500


def test_the_page_of_problems_is_what_the_classes_say() -> None:
    page = generate.REFERENCE / "problems.md"
    assert page.read_text("utf-8") == problems_page.render(), "run `make docs`"
    assert "`item-already-disputed`" in problems_page.render()


def test_who_hangs_up_amid_a_command_is_nothing_unexpected(service: Service) -> None:
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/disputes/D/comment",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    sent: list[Message] = []

    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    with capture_logs() as noted:
        asyncio.run(service.app(scope, gone, send))
    assert (sent, noted) == ([], [])
