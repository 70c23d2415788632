"""Who gets in: keys, roles, and how far each of them reaches."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import Annotated, Any, Final
from uuid import UUID

import psycopg
import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from psycopg.conninfo import make_conninfo

from api.app import PUBLIC
from api.authentication import Door, PermissionMissing, Visit, permissions_of, require_doors
from domain.identity import KeyId, person_id
from domain.people import DeactivatePerson, RegisterPerson, RevokeKey
from domain.roles import TABLE, Permission, Role
from store.clock import new_id
from store.connections import LogUnavailable, open_pool
from store.execute import Order
from store.keys import PREFIX, Keys, actor_of
from tests.api.http_service import (
    DISPUTE,
    OPERATING,
    OTHER,
    PEOPLE,
    Service,
    invoice,
    issue,
    item,
    opening,
    problem,
)


def routes(app: FastAPI) -> list[APIRoute]:
    found = [context.original_route for context in iter_route_contexts(list(app.routes))]
    return [route for route in found if isinstance(route, APIRoute) and route.path not in PUBLIC]


# --- keys --------------------------------------------------------------------------------------------


def test_without_a_key_nothing_is_served_but_health_and_the_description(service: Service) -> None:
    for route in routes(service.app):
        path = route.path.replace("{", "").replace("}", "")
        for method in route.methods or ():
            answer = service.send(method, path, None)
            problem(answer, 401, "key-not-accepted")
            assert answer.headers["www-authenticate"].startswith("Bearer")
    for path in ("/v1/health", "/v1/docs", "/v1/openapi.json", "/v1/docs/assets/swagger-ui.css"):
        assert service.get(path, None).status_code == 200, path


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "Bearer",
        "Bearer x",
        "Basic cmVkcmVzczp4",
        "Bearer redress_",
        "Bearer redress_" + "A" * 43,
        "Bearer \xff",
    ],
)
def test_what_is_no_key_opens_nothing(service: Service, shown: str) -> None:
    headers = {"Authorization": shown.encode("latin-1")}
    problem(service.get("/v1/items", None, headers=headers), 401, "key-not-accepted")


def test_a_revoked_key_opens_nothing_from_the_next_request_on(service: Service) -> None:
    service.done("/v1/items", invoice("1"))
    key = service.done("/v1/keys", {"name": "k", "scopes": ["read_items", "import"]})
    service.keys["client"] = key["secret"]
    assert service.get("/v1/items", "client").status_code == 200
    assert service.post(f"/v1/items/{item('1')}/clear", None, "client").status_code == 200
    service.done(f"/v1/keys/{key['id']}/revoke")
    problem(service.get("/v1/items", "client"), 401, "key-not-accepted")
    problem(service.post("/v1/items", invoice("2"), "client"), 401, "key-not-accepted")


def test_a_key_revoked_by_another_process_opens_nothing(service: Service) -> None:
    key = service.done("/v1/keys", {"name": "k", "scopes": ["import"]})
    service.keys["client"] = key["secret"]
    repeat = {"Idempotency-Key": "x"}
    assert service.post("/v1/items", invoice("1"), "client", headers=repeat).status_code == 200
    # The log alone is told, behind the back of what the serving process remembers.
    behind = type(service.database.company("acme"))(service.database.pool, "acme").executor
    behind.execute(Order(RevokeKey(KeyId(UUID(key["id"]))), OPERATING))
    problem(service.post("/v1/items", invoice("1"), "client", headers=repeat), 401, "key-not-accepted")
    problem(service.post("/v1/items", invoice("2"), "client"), 401, "key-not-accepted")


def test_whoever_is_deactivated_is_out_and_whoever_gets_another_role_has_it(service: Service) -> None:
    service.done("/v1/items", invoice("1"))
    behind = type(service.database.company("acme"))(service.database.pool, "acme").executor
    behind.execute(Order(RegisterPerson("collector", role=Role.ANALYST), OPERATING))
    problem(service.post("/v1/disputes", opening("1"), "collector"), 403, "role-forbids")
    behind.execute(Order(RegisterPerson("collector", role=Role.CREDIT_MANAGER), OPERATING))
    assert service.post("/v1/disputes", opening("1"), "collector").status_code == 201
    behind.execute(Order(DeactivatePerson(person_id("collector")), OPERATING))
    problem(service.post("/v1/disputes/D/comment", {"text": "x"}, "collector"), 401, "key-not-accepted")


def test_43_a_key_that_is_asked_for_again_is_answered_byte_for_byte(service: Service) -> None:
    repeat, robot = {"Idempotency-Key": "k"}, {"name": "robot", "scopes": ["read_items"]}
    first = service.post("/v1/keys", robot, headers=repeat)
    again = service.post("/v1/keys", robot, headers=repeat)
    assert (first.status_code, first.content) == (201, again.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    secret = first.json()["secret"]
    service.keys["client"] = secret
    assert service.get("/v1/items", "client").status_code == 200
    others = [
        service.done("/v1/keys", robot),
        service.done("/v1/keys", robot, headers={"Idempotency-Key": "l"}),
        service.done("/v1/keys", robot, "admin", headers=repeat),
    ]
    assert len({secret, *(each["secret"] for each in others)}) == 4
    assert service.done("/v1/keys", robot, params={"dry_run": True})["changed"]


def test_a_secret_is_kept_nowhere_and_the_name_of_a_key_only_in_the_log(service: Service) -> None:
    robot = {"name": "Ann's robot", "scopes": ["read_items"]}
    key = service.done("/v1/keys", robot)
    listed = service.get("/v1/keys")
    assert key["id"] in [row["key_id"] for row in listed.json()["rows"]]
    assert key["secret"] not in listed.text
    tables = (
        "redress.api_keys k",
        "redress.installation k",
        "company_acme.events k",
        "company_acme.commands k",
    )
    with psycopg.connect(service.database.conninfo) as connection:
        rows = [
            str(connection.execute(f"select k::text from {table}".encode()).fetchall()) for table in tables
        ]
    bits = urlsafe_b64decode(key["secret"].removeprefix(PREFIX) + "=")
    for kept in rows:
        assert key["secret"] not in kept
        assert bits.hex() not in kept
    assert ["Ann's robot" in kept for kept in rows[:2]] == [False, False]


def test_29_the_log_says_what_a_key_may_and_not_the_row_that_finds_it(service: Service) -> None:
    robot = service.done("/v1/keys", {"name": "robot", "scopes": ["read_items"]}, "admin")
    service.keys["robot"] = robot["secret"]
    assert service.get("/v1/items", "robot").status_code == 200
    with psycopg.connect(service.database.conninfo) as connection:
        columns = connection.execute(
            "select column_name from information_schema.columns where table_name = 'api_keys'"
        ).fetchall()
    kept = {"key_id", "company", "sha256", "created_at", "revoked_at"}
    assert {name for (name,) in columns} == kept
    holder = service.database.keys.holder
    people = service.database.company("acme").executor.people()
    program, analyst = (actor_of(holder(service.keys[who]), people) for who in ("robot", "analyst"))
    assert (program.role, program.scopes) == (Role.SERVICE, frozenset({Permission.READ_ITEMS}))
    assert (analyst.role, analyst.person_id) == (Role.ANALYST, person_id("analyst"))


def test_a_key_whose_secret_could_not_be_stored_gets_it_when_it_is_asked_for_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    repeat, robot = {"Idempotency-Key": "k"}, {"name": "robot", "scopes": ["read_items"]}

    def gone(*_: object) -> None:
        raise LogUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(Keys, "issue", gone)
        problem(service.post("/v1/keys", robot, headers=repeat), 503, "database-unavailable")
    service.keys["client"] = service.done("/v1/keys", robot, headers=repeat)["secret"]
    assert service.get("/v1/items", "client").status_code == 200
    assert len([row for row in service.get("/v1/keys").json()["rows"] if row["name"] == "robot"]) == 1


def test_a_secret_whose_key_the_log_does_not_know_opens_nothing(service: Service) -> None:
    keys = service.database.keys
    service.keys["client"] = keys.issue(KeyId(new_id()), "acme")
    problem(service.get("/v1/items", "client"), 401, "key-not-accepted")


def test_keys_that_cannot_be_issued_or_revoked_now_are_no_fault_of_the_service(database: str) -> None:
    slow = make_conninfo(database, options="-c statement_timeout=100")
    with psycopg.connect(database) as other, open_pool(slow) as pool:
        other.execute("lock table redress.api_keys in access exclusive mode")
        keys = Keys(pool)
        for work in (
            lambda: keys.issue(KeyId(new_id()), "acme"),
            lambda: keys.revoke(KeyId(new_id())),
            lambda: keys.holder(PREFIX + "x"),
        ):
            with pytest.raises(LogUnavailable, match="statement timeout"):
                work()


def test_a_service_key_does_what_its_scopes_say_and_no_more(service: Service) -> None:
    service.keys["client"] = issue(service, None, Permission.IMPORT)
    assert service.post("/v1/items", invoice("1"), "client").status_code == 200
    problem(service.get("/v1/items", "client"), 403, "role-forbids")
    problem(service.post("/v1/disputes", opening("1"), "client"), 403, "role-forbids")


# --- roles -------------------------------------------------------------------------------------------


def test_every_route_asks_every_role_for_the_permission_that_it_names(service: Service) -> None:
    for route in routes(service.app):
        permissions = permissions_of(route)
        path = route.path.replace("{", "").replace("}", "")
        (method,) = route.methods or {""}
        for who, role in PEOPLE.items():
            answer = service.send(method, path, who, json={} if method == "POST" else None)
            may = any(role in TABLE[permission] for permission in permissions)
            is_forbidden = answer.status_code == 403 and answer.json()["type"].endswith(":role-forbids")
            # A body that is not understood is said to be so before anybody is looked up.
            assert is_forbidden == (not may) or answer.status_code == 422, (who, path, answer.text)


READS: Final = [
    ("/v1/reports/dispute-report", lambda found: sum(row["disputes"] for row in found["totals"])),
    ("/v1/disputes", lambda found: len(found["rows"])),
    ("/v1/follow-ups", lambda found: len(found["rows"])),
    ("/v1/items", lambda found: len(found["rows"])),
    ("/v1/customers", lambda found: len(found["rows"])),
]
SEEN: Final = {
    "manager": (2, 2, 2, 2, 2),
    "collector": (1, 1, 1, 1, 1),
    "other-collector": (0, 0, 0, 0, 0),
    "resolver": (1, 1, 1, 2, 2),
    "auditor": (2, 2, 2, 2, 2),
}


@pytest.fixture
def two(service: Service) -> Service:
    """Disputes of a customer of ``collector``, for ``resolver``, and of one of nobody."""
    service.done("/v1/items", invoice("1"))
    service.done("/v1/items", invoice("1", customer=OTHER))
    service.done("/v1/disputes", opening("1"))
    other = {"item_ids": [{"customer_code": OTHER, "number": "1"}], "type": "price", "reference": "E"}
    service.done("/v1/disputes", other)
    return service


def test_lists_and_reports_show_what_a_role_reaches(two: Service) -> None:
    for who, counts in SEEN.items():
        for (path, counted), expected in zip(READS, counts, strict=True):
            assert counted(two.seen(path, who)) == expected, (who, path)


def test_single_things_out_of_reach_are_forbidden_and_not_absent(two: Service) -> None:
    (action,) = two.seen("/v1/disputes/E")["follow_ups"]
    for path in (
        "/v1/disputes/E",
        "/v1/disputes/E/history",
        f"/v1/items/{item('1', OTHER)}",
        f"/v1/items/{item('1', OTHER)}/why",
        f"/v1/follow-ups/{action}",
        f"/v1/customers/{OTHER}",
    ):
        assert two.get(path, "auditor").status_code == 200, path
        problem(two.get(path, "collector"), 403, "not-yours")
    for path, name in (
        ("/v1/disputes/none", "unknown-dispute"),
        ("/v1/disputes/none/history", "unknown-dispute"),
        (f"/v1/items/{DISPUTE}", "unknown-item"),
        (f"/v1/items/{DISPUTE}/why", "unknown-item"),
        ("/v1/follow-ups/none", "unknown-follow-up"),
        ("/v1/customers/none", "unknown-customer"),
        ("/v1/people/none", "unknown-person"),
        ("/v1/statuses/none", "unknown-status"),
        ("/v1/action-templates/none", "unknown-action-template"),
        (f"/v1/imports/{DISPUTE}", "unknown-import"),
        (f"/v1/keys/{DISPUTE}", "unknown-key"),
    ):
        for who in ("manager", *(("collector",) if "keys" not in path else ())):
            problem(two.get(path, who), 404, name)


def test_commands_out_of_reach_are_forbidden(two: Service) -> None:
    problem(two.post("/v1/disputes/E/comment", {"text": "x"}, "collector"), 403, "not-yours")
    problem(two.post("/v1/disputes/D/comment", {"text": "x"}, "other-collector"), 403, "not-yours")
    assert two.post("/v1/disputes/D/comment", {"text": "x"}, "resolver").status_code == 200


def test_an_agenda_is_ones_own(two: Service) -> None:
    own = two.seen("/v1/reports/agenda", "collector", params={"days_ahead": 60})
    assert {row["person"] for row in own["rows"]} == {"Collector"}
    problem(two.get("/v1/reports/agenda?person=resolver", "collector"), 403, "not-yours")
    problem(two.get("/v1/reports/agenda", "auditor"), 403, "role-forbids")


def test_logins_are_shown_to_those_who_manage_people(service: Service) -> None:
    def login(who: str, of: str) -> Any:
        return service.seen(f"/v1/people/{of}", who)["login"]

    assert login("manager", "resolver") == "resolver@example.com"
    assert login("collector", "resolver") is None
    assert login("collector", "collector") == "collector@example.com"


# --- no route without a permission ---------------------------------------------------------------------


def test_every_route_says_what_it_asks_for(service: Service) -> None:
    assert len(routes(service.app)) > 50
    for route in routes(service.app):
        assert permissions_of(route), route.path
        assert tuple((route.openapi_extra or {})["x-permission"]) == permissions_of(route), route.path


def test_a_route_without_a_permission_keeps_the_service_from_starting() -> None:
    app, router = FastAPI(), APIRouter()

    @router.get("/v1/guarded")
    def guarded(visit: Annotated[Visit, Depends(Door(Permission.PEOPLE))]) -> None: ...

    app.include_router(router)
    public = frozenset({"/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"})
    require_doors(list(app.routes), public)

    @app.get("/v1/open")
    def open_() -> None: ...

    with pytest.raises(PermissionMissing, match="/v1/open"):
        require_doors(list(app.routes), public)
