"""Commands as POST routes, made from wire.WIRES: one way for all of them from the body to the log."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from inspect import Parameter, Signature
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import quote
from uuid import UUID

import orjson
from fastapi import APIRouter, Body, Depends, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api import problems, wire
from api.answers import JSON
from api.authentication import Door, Visit
from api.bodies import ITEM_IN_PATH, InPath, PersonRef, Time
from api.command_route import command_route
from api.wire import Wire
from domain.commands import Command
from store import parts
from store.execute import Answer, Order, PremisesMoved, StreamBusy
from store.log import Log

ERRORS: Final = problems.declared(401, 403, 404, 409, 412, 413, 422, 503)

_PREMISES_MOVE: Final = 5
"""How often people or settings may change under one request before it is told to come again."""

Finish = Callable[[Visit, Command, Answer], Mapping[str, object]]
"""What is still to do after a command was accepted; returns what the answer says beside the usual."""


Fill = Callable[[Visit, Command], Command]
"""What the body left to the service is filled in. It refuses nothing: a key may have its answer already."""


class Asked(BaseModel):
    """What can be said of any command beside its body."""

    model_config = ConfigDict(extra="forbid")

    dry_run: Annotated[bool, Field(description="decide, say what would be recorded, and write nothing")] = (
        False
    )
    at: Annotated[
        Time | None, Field(description="when it happened; for loading a history (permission load_history)")
    ] = None
    on_behalf_of: Annotated[
        PersonRef | None,
        Field(description="id or code of the person whose doing it was (permission load_history)"),
    ] = None


class Conditions(BaseModel):
    """Headers under which a command is carried out."""

    idempotency_key: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            pattern=r"^[\x21-\x7e]+$",
            description="A repeated command with the same key and body has one effect and the same answer.",
        ),
    ] = None
    if_match: Annotated[
        str | None,
        Field(
            pattern=r'^("[0-9]{1,18}"|\*)$',
            description='Carry it out only if this is the version (ETag) still: `"7"`.',
            examples=['"7"'],
        ),
    ] = None

    @property
    def version(self) -> int | None:
        """The version that is asked for."""
        return int(self.if_match.strip('"')) if self.if_match and self.if_match != "*" else None


class Accepted(BaseModel):
    """A command was accepted."""

    id: Annotated[str | None, Field(description="of what it was about; null if that did not come into being")]
    version: Annotated[int | None, Field(description="of that, now; also the ETag")]
    position: Annotated[int, Field(description="for X-Min-Position, to read what this has led to")]
    changed: Annotated[bool, Field(description="false: it was so already, and nothing was recorded")]
    recorded_at: Annotated[str | None, Field(description="null if nothing had to be recorded")]


class WouldRecord(BaseModel):
    """How many events of one kind a command would record."""

    event: str
    count: int


class DryRun(BaseModel):
    """What a command would lead to."""

    dry_run: bool
    changed: bool
    position: Annotated[int, Field(description="at which this was decided")]
    events: list[WouldRecord]


def add_commands(
    router: APIRouter,
    examples: Mapping[str, Mapping[str, object]],
    finish: Mapping[str, Finish] | None = None,
    fill: Fill | None = None,
) -> None:
    """Add the commands with these names to *router*, each with an example of its body."""
    for name, example in examples.items():
        _add(router, wire.BY_NAME[name], example, (finish or {}).get(name), fill)


def _add(
    router: APIRouter, of: Wire, example: Mapping[str, object], finish: Finish | None, fill: Fill | None
) -> None:
    model, door = wire.body_of(of, with_subject=False), Door(of.command.permission)
    status = 201 if of.creates else 200
    endpoint = _endpoint(of, model, door, example, finish, fill)
    router.add_api_route(
        of.path,
        endpoint,
        route_class_override=command_route(endpoint, door, model, of.subject if "{" in of.path else None),
        methods=["POST"],
        status_code=status,
        operation_id=of.name,
        summary=of.summary,
        description=_description(of),
        response_class=Response,
        response_model=None,
        responses={**_accepted(of, status), **ERRORS},
        openapi_extra={**door.said, "parameters": _BESIDE},
    )


def _description(of: Wire) -> str:
    return " ".join((of.command.__doc__ or "").split())


def _accepted(of: Wire, status: int) -> dict[int | str, dict[str, Any]]:
    headers = {
        "ETag": {"schema": {"type": "string"}, "description": "the version"},
        "X-Position": {"schema": {"type": "integer"}, "description": "the position reached"},
        "Location": {"schema": {"type": "string"}, "description": "where it can be read"},
        "Idempotency-Replayed": {"schema": {"type": "string"}, "description": "`true` if accepted before"},
    }
    done = {"model": Accepted, "headers": headers}
    as_it_was = {"model": Accepted | DryRun, "description": "Nothing had to change; or a dry run."}
    found: dict[int | str, dict[str, Any]] = {200: {**as_it_was, "headers": headers}}
    if status == 201:  # noqa: PLR2004
        found[201] = {**done, "description": "Recorded."}
    else:
        found[200]["description"] = "Recorded; or nothing had to change; or a dry run."
    if of.name == "issue_key":
        for each in found.values():
            each["description"] += " `secret` is kept nowhere: only this request is told it."
    return found


def _endpoint(
    of: Wire,
    model: type[BaseModel],
    door: Door,
    example: Mapping[str, object],
    finish: Finish | None,
    fill: Fill | None,
) -> Callable[..., Response]:
    def endpoint(request: Request, visit: Visit, body: BaseModel | None, subject: str = "") -> Response:
        asked, conditions = _asked(request), conditions_of(request)
        if of.subject is not None and not of.creates:
            request.state.path_parameter = of.subject
        given = _Given(of, visit, asked, conditions, body or model(), subject, fill)
        # An accepted answer is given again without looking at premises: then who asks is looked up first.
        if conditions.idempotency_key is None and visit.presume():
            try:
                return given.answer(finish)
            except PremisesMoved:
                given = replace(given, visit=visit.again())
        for _ in range(_PREMISES_MOVE):
            try:
                return given.answer(finish)
            except PremisesMoved:  # people or settings changed between the door and the log
                given = replace(given, visit=visit.again())
        raise StreamBusy(StreamBusy.__doc__)

    optional = not any(field.is_required() for field in model.model_fields.values())
    content = Body(openapi_examples={"example": {"summary": of.summary, "value": dict(example)}})
    kinds: dict[str, Any] = {
        "request": Request,
        "visit": Annotated[Visit, Depends(door)],
        "body": Annotated[model | None if optional else model, content],
    }
    if "{" in of.path:
        kinds["subject"] = Annotated[InPath, Path(alias=of.subject, description=_of_path(of), min_length=1)]
    parameters = [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            annotation=kind,
            default=None if name == "body" and optional else Parameter.empty,
        )
        for name, kind in kinds.items()
    ]
    endpoint.__name__ = of.name
    endpoint.__doc__ = of.command.__doc__
    endpoint.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return endpoint


# What can be said beside the body is seldom said, and looked for by hand: FastAPI's own way with models of
# query and headers takes longer than deciding most commands. The description is made from the same models.


def _asked(request: Request) -> Asked:
    given = request.url.query
    return _read(Asked, "query", dict(request.query_params)) if given else _NOTHING_ASKED


def conditions_of(request: Request) -> Conditions:
    """The headers of *request* under which a command is carried out. Raises RequestValidationError."""
    given = {name: request.headers[header] for name, header in _HEADERS.items() if header in request.headers}
    return _read(Conditions, "header", given) if given else _UNCONDITIONED


Model = TypeVar("Model", bound=BaseModel)


def _read(of: type[Model], place: str, given: Mapping[str, str]) -> Model:
    try:
        return of.model_validate(given)
    except ValidationError as invalid:
        found = invalid.errors(include_url=False, include_context=False, include_input=False)
        named = [{**each, "loc": (place, *map(_header, each["loc"]))} for each in found]
        raise RequestValidationError(named) from None


def _header(name: object) -> object:
    return _HEADERS.get(str(name), name)


_NOTHING_ASKED: Final = Asked()
_UNCONDITIONED: Final = Conditions()
_HEADERS: Final = {name: name.replace("_", "-").title() for name in Conditions.model_fields}


def _parameters(of: type[BaseModel], place: str) -> list[dict[str, Any]]:
    shapes = of.model_json_schema()["properties"]
    return [
        {
            "name": _header(name),
            "in": place,
            "required": False,
            "description": shape.pop("description", ""),
            "schema": shape,
        }
        for name, shape in shapes.items()
    ]


_BESIDE: Final = [*_parameters(Asked, "query"), *_parameters(Conditions, "header")]


def _of_path(of: Wire) -> str:
    if of.subject == "item_id":
        return ITEM_IN_PATH
    return (
        "id, or the own reference or code"
        if of.subject in {"dispute_id", "follow_up_id", "person_id", "customer_id"}
        else "id"
    )


@dataclass(frozen=True, slots=True)
class _Given:
    """One command as it came in."""

    of: Wire
    visit: Visit
    asked: Asked
    conditions: Conditions
    body: BaseModel
    subject: str
    fill: Fill | None

    def answer(self, finish: Finish | None) -> Response:
        """Do what is asked for. Raises PremisesMoved."""
        return self._dry_run() if self.asked.dry_run else self._execute(finish)

    def _execute(self, finish: Finish | None) -> Response:
        order = self._order()
        answer = self.visit.company.executor.execute(order)
        body = _body(answer)
        if finish is not None:
            body |= finish(self.visit, order.command, answer)
        is_new = self.of.creates and answer.changed and body["id"] is not None
        return Response(orjson.dumps(body), 201 if is_new else 200, self._headers(answer, body["id"]), JSON)

    def _dry_run(self) -> Response:
        company = self.visit.company
        answer = company.executor.dry_run(self._order())
        body = {
            "dry_run": True,
            "changed": answer.changed,
            "position": answer.position,
            "events": _events(company.log, answer),
        }
        return Response(orjson.dumps(body), 200, {"X-Position": str(answer.position)}, JSON)

    def _order(self) -> Order:
        of, asked, settings = self.of, self.asked, self.visit.settings
        subject = wire.path_subject(of, self.subject) if self.subject else None
        command = wire.command_of(of, self.body, settings, subject)
        if self.fill is not None:
            command = self.fill(self.visit, command)
        key = self.conditions.idempotency_key
        return Order(
            command,
            replace(self.visit.actor, on_behalf_of=asked.on_behalf_of)
            if asked.on_behalf_of
            else self.visit.actor,
            wire.moment_of(asked.at, settings.zone) if asked.at else None,
            key,
            self._digest(subject) if key is not None else b"",
            wire.subject_of(of, command),
            self.conditions.version,
            wire.part_of(command),
            self.visit.premises,
        )

    def _digest(self, subject: UUID | str | None) -> bytes:
        # Of what was meant: how it was spaced, and in which order, makes no other request of it.
        said = self.asked.model_dump_json(exclude={"dry_run"}), self.body.model_dump_json(exclude_unset=True)
        return hashlib.sha256("\n".join((self.of.name, str(subject), *said)).encode()).digest()

    def _headers(self, answer: Answer, subject: object) -> dict[str, str]:
        headers = {"X-Position": str(answer.position)}
        if answer.version is not None:
            headers["ETag"] = f'"{answer.version}"'
        if answer.replayed:
            headers["Idempotency-Replayed"] = "true"
        if subject is not None and self.of.name in _HOMES:
            headers["Location"] = f"{_HOMES[self.of.name]}/{quote(str(subject), safe='')}"
        return headers


_HOMES: Final = {
    "register_item": "/v1/items",
    "qualify_items": "/v1/disputes",
    "open_dispute": "/v1/disputes",
    "plan_follow_up": "/v1/follow-ups",
    "register_customer": "/v1/customers",
    "register_person": "/v1/people",
    "issue_key": "/v1/keys",
    "define_status": "/v1/statuses",
    "define_action_template": "/v1/action-templates",
    "define_scenario_step": "/v1/scenario-steps",
}
"""Where to read what a command has made."""


def _body(answer: Answer) -> dict[str, object]:
    return {
        "id": _id(answer),
        "version": answer.version,
        "position": answer.position,
        "changed": answer.changed,
        "recorded_at": answer.recorded_at,
    }


def _id(answer: Answer) -> str | None:
    if answer.version is None:
        return None
    if answer.part is not None:
        return parts.id_of(answer.part)
    return str(answer.subject) if answer.subject else None


def _events(log: Log, answer: Answer) -> list[dict[str, object]]:
    counts: dict[str, int] = {}
    for decision in answer.decisions:
        for event in decision.events:
            name = log.codec.types.name_of(type(event))
            counts[name] = counts.get(name, 0) + 1
    return [{"event": name, "count": count} for name, count in counts.items()]
