"""API keys: issued, listed, revoked. A secret is shown only to the request that issues its key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict

from api.answers import JSON, as_json, described, versioned
from api.authentication import Door, Visit
from api.routes.asking import LIST_ERRORS, THING_ERRORS
from api.routes.orders import add_commands
from domain.commands import Command
from domain.identity import PEOPLE_STREAM, KeyId
from domain.people import ApiKey, IssueKey, RevokeKey
from domain.refusals import UnknownKey
from domain.roles import Permission
from store import parts
from store.execute import Answer


def _hand_out(visit: Visit, command: Command, answer: Answer) -> Mapping[str, object]:
    assert isinstance(command, IssueKey), "this is done after issuing a key"
    assert answer.part is not None, "the answer is about a key"
    # Of a replayed answer it is the key that was issued then. The log has it already: should this fail, the
    # same request with its Idempotency-Key gets there; without one the key opens nothing.
    key_id = KeyId(UUID(parts.id_of(answer.part)))
    return {"secret": visit.issue(key_id)}


def _shut(visit: Visit, command: Command, answer: Answer) -> Mapping[str, object]:
    del answer  # also when it was revoked before: the log may know of it, and this not yet
    assert isinstance(command, RevokeKey), "this is done after revoking a key"
    visit.database.keys.revoke(command.key_id)
    return {}


class KeyBody(BaseModel):
    """An API key, without its secret. It acts as the person, or as a service with the scopes."""

    model_config = ConfigDict(extra="forbid")

    key_id: UUID
    version: int
    name: str
    person_id: UUID | None
    scopes: list[Permission]
    revoked: bool


class KeyPage(BaseModel):
    """All keys, revoked ones too."""

    position: int
    rows: list[KeyBody]


class KeyThing(KeyBody):
    """One key."""

    position: int


router: Final = APIRouter(tags=["keys"])

_READ: Final = (Permission.PEOPLE,)

add_commands(
    router,
    {"issue_key": {"name": "nightly import", "scopes": ["import", "read_items"]}, "revoke_key": {}},
    {"issue_key": _hand_out, "revoke_key": _shut},
)


@router.get(
    "/v1/keys",
    operation_id="list_keys",
    summary="List API keys",
    response_class=Response,
    response_model=None,
    responses=described(KeyPage, "X-Position") | LIST_ERRORS,
    openapi_extra=Door(*_READ).said,
)
def list_keys(visit: Annotated[Visit, Depends(Door(*_READ))]) -> Response:
    """All keys of the company as the log knows them; never their secrets."""
    keys = visit.case.people.keys
    position, versions = visit.company.log.newest(), visit.company.executor.parts(PEOPLE_STREAM)
    body = {"position": position, "rows": [_key(key, versions) for key in keys.values()]}
    return Response(as_json(body), 200, {"X-Position": str(position)}, JSON)


@router.get(
    "/v1/keys/{key_id}",
    operation_id="get_key",
    summary="One API key",
    response_class=Response,
    response_model=None,
    responses=described(KeyThing, "ETag", "X-Position") | THING_ERRORS,
    openapi_extra=Door(*_READ).said,
)
def get_key(visit: Annotated[Visit, Depends(Door(*_READ))], key_id: UUID) -> Response:
    """One key as the log knows it; never its secret."""
    found = visit.case.people.keys.get(KeyId(key_id))
    if found is None:
        raise UnknownKey(key_id)
    position, versions = visit.company.log.newest(), visit.company.executor.parts(PEOPLE_STREAM)
    body = _key(found, versions)
    return versioned({"position": position, **body}, position, versions[parts.key(key_id)])


def _key(key: ApiKey, versions: dict[str, int]) -> dict[str, object]:
    return {
        "key_id": key.id,
        "version": versions[parts.key(key.id)],
        "name": key.name,
        "person_id": key.person_id,
        "scopes": key.scopes,
        "revoked": key.revoked,
    }
