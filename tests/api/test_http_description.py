"""The description of the API is valid, complete, and true under fire."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from typing import Any, Final, TypeAlias

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings, strategies
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode, checks
from schemathesis.core import NotSet

from api import problems
from domain.roles import Permission
from tests.api.http_service import Service, identity, invoice, issue, item, opening

VERBS: Final = ("get", "post")


def described(service: Service) -> dict[str, Any]:
    found: dict[str, Any] = service.get("/v1/openapi.json", None).json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(verb, path, of[verb]) for path, of in document["paths"].items() for verb in VERBS if verb in of]


def test_every_operation_has_a_name_a_summary_and_its_errors(service: Service) -> None:
    document = described(service)
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names) > 50
    for verb, path, operation in operations(document):
        assert operation["summary"], path
        assert operation["tags"], path
        if path == "/v1/health":
            continue
        assert operation["security"] == [{"api_key": []}], path
        assert operation["x-permission"], path
        expected = {"401", "403", "422", "503"} | ({"404", "409", "412", "413"} if verb == "post" else set())
        assert expected <= set(operation["responses"]), path
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert set(response["content"]) == {problems.MEDIA_TYPE}, path


def test_every_reference_leads_somewhere(service: Service) -> None:
    document = described(service)
    known = document["components"]["schemas"]

    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for each in value.values() for found in references(each)]
        if isinstance(value, list):
            return [found for each in value for found in references(each)]
        return []

    used = references(document)
    assert all(each.removeprefix("#/components/schemas/") in known for each in used)
    assert not [name for name in known if "__" in name], "two classes share a name"
    assert "HTTPValidationError" not in known


# --- under fire --------------------------------------------------------------------------------------

Operation: TypeAlias = APIOperation[Any, Any, Any, Any]
AnyCase: TypeAlias = Case[Any]

CHECKS: Final = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
LUCKY: Final[dict[str, Any]] = {
    "dispute_id": "D", "follow_up_id": "F", "item_id": item("1"), "person_id": "resolver", "code": "price",
    "item_ids": [identity("1"), identity("2")], "resolver_id": "resolver", "owner_id": "collector",
    "type": "price",
    "status": "quality", "due_on": "2030-01-07", "customer": "ACME", "dispute": "D", "by": "customer",
}  # fmt: skip
"""What is there, to be hit now and then: made-up ids never are."""

KEYS: Final = {"/v1/disputes": "D", "/v1/follow-ups": "F", "/v1/people": "resolver", "/v1/customers": "ACME"}


@pytest.mark.filterwarnings("ignore")  # schemathesis' own
def test_no_request_is_too_much(service: Service) -> None:
    """Requests that the description allows, and such that it does not."""
    for number in ("1", "2"):
        service.done("/v1/items", invoice(number))
    service.done("/v1/disputes", opening("1"))
    service.done(
        "/v1/follow-ups", {"title": "x", "due_on": "2030-01-07", "dispute_id": "D", "reference": "F"}
    )
    service.keys["all"] = issue(service, None, *Permission)
    schema = schemathesis.openapi.from_dict(described(service))
    statuses: Counter[int] = Counter()
    for result in schema.get_all_operations():
        operation: Operation = result.ok()  # type: ignore[union-attr]
        shoot(service, operation, GenerationMode.POSITIVE, 3, statuses)
        with suppress(Unsatisfiable):  # where nothing can be wrong
            shoot(service, operation, GenerationMode.NEGATIVE, 1, statuses)
    assert statuses[200] > 30, statuses
    assert statuses[422] > 30, statuses
    assert not [status for status in statuses if status >= 500 and status != 503], statuses


def shoot(
    service: Service, operation: Operation, mode: GenerationMode, count: int, statuses: Counter[int]
) -> None:
    @settings(
        max_examples=count, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode), lucky=strategies.booleans())
    def fire(case: AnyCase, lucky: bool) -> None:  # noqa: FBT001 - hypothesis gives it
        if lucky:
            aim(case)
        answer = service.send(**request_of(case), who="all")
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)

    fire()


def aim(case: AnyCase) -> None:
    for part in (case.path_parameters, case.query, case.body):
        if isinstance(part, dict):
            part.update({name: LUCKY[name] for name in part if name in LUCKY})
    for home, key in KEYS.items():
        if case.path.startswith(home) and "key" in (case.path_parameters or {}):
            case.path_parameters["key"] = key


def request_of(case: AnyCase) -> dict[str, Any]:
    headers = {
        name: value for name, value in (case.headers or {}).items()
        if name.lower() not in {"authorization", "content-length", "x-min-position"}
    }  # fmt: skip
    sent: dict[str, Any] = {"method": case.method, "path": case.formatted_path, "headers": headers}
    if case.query:
        sent["params"] = {name: value for name, value in case.query.items() if value is not None}
    if case.method == "POST" and not isinstance(case.body, NotSet):
        sent["content"] = case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()
        headers["Content-Type"] = "application/json"
    return sent
