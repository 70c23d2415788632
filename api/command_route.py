"""The way in for commands that are in order, past FastAPI's own looking for a route and through a request,
which take longer than deciding most of them. Whatever is not in order takes FastAPI's way, which says what is
wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

from fastapi import Request, Response
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Match
from starlette.types import Message, Receive, Scope, Send

from api.answers import JSON
from api.authentication import Door
from api.bodies import InPath
from api.told_names import name_as_told
from domain.refusals import Refusal

Endpoint: TypeAlias = Callable[..., Response]
"""Takes request, visit, body, and subject if there is one."""

_SUBJECT: TypeAdapter[str] = TypeAdapter(Annotated[InPath, Field(min_length=1)])
_JSON: Final = frozenset({JSON, f"{JSON}; charset=utf-8", f"{JSON};charset=utf-8"})
_LOOKED_AT: Final = "redress.looked_at"


class _Place(NamedTuple):
    """What a path is made of: `/v1/{collection}` or `/v1/{collection}/{subject}/{verb}`."""

    collection: str
    verb: str | None


@dataclass(frozen=True, slots=True)
class _Way:
    """To one endpoint. *subject*: whether the path names what the command is about."""

    endpoint: Endpoint
    door: Door
    model: type[BaseModel]
    subject: bool


class CommandRoute(APIRoute):
    """The route of a command, as FastAPI serves and describes it."""

    way: _Way


def command_route(
    endpoint: Endpoint, door: Door, model: type[BaseModel], subject: str | None
) -> type[CommandRoute]:
    """The class of the route to *endpoint*. *subject*: the path's parameter with the id of what it is about,
    if there is one."""

    class Route(CommandRoute):
        way = _Way(endpoint, door, model, subject is not None)

    return Route


class Commands(BaseRoute):
    """All commands of *routes* as one route, to be asked before any other."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._ways: Final = dict(_ways(routes))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether *scope* is that of a command which was not looked at before."""
        if scope["type"] != "http" or scope["method"] != "POST" or _LOOKED_AT in scope:
            return Match.NONE, {}
        place, subject = _placed(scope["path"])
        way = self._ways.get(place) if place is not None else None
        return (Match.NONE, {}) if way is None else (Match.FULL, {_LOOKED_AT: (way, subject)})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve what `matches` found."""
        request = Request(scope, receive)
        try:
            raw = await request.body()
        except ClientDisconnect:
            return  # nobody is there any more to be answered
        way, subject = scope[_LOOKED_AT]
        in_order = _told(way, subject, request, raw)
        if in_order is None:
            await scope["router"].app(scope, _again(raw, receive), send)
            return
        visit = await way.door(request)
        endpoint: Endpoint = way.endpoint

        def answer() -> Response:
            try:
                return endpoint(request=request, visit=visit, **in_order)
            except Refusal as refusal:
                name_as_told(refusal, [subject, json.loads(raw)], visit.settings.default_entity)
                raise

        response = await run_in_threadpool(answer)
        await response(scope, receive, send)


def _ways(routes: Iterable[BaseRoute]) -> Iterable[tuple[_Place, _Way]]:
    for context in iter_route_contexts(list(routes)):
        route = context.original_route
        if not isinstance(route, CommandRoute):
            continue
        place, subject = _placed(context.path or "")
        if place is not None and (subject is not None) == route.way.subject:
            yield place, route.way


def _placed(path: str) -> tuple[_Place | None, str | None]:
    match path.split("/"):
        case ["", "v1", collection]:
            return _Place(collection, None), None
        case ["", "v1", collection, subject, verb]:
            return _Place(collection, verb), subject
        case _:
            return None, None


def _told(way: _Way, subject: str | None, request: Request, raw: bytes) -> Mapping[str, Any] | None:
    """What the endpoint is to be told; None if anything is not in order."""
    if request.headers.get("content-type", "").lower() not in _JSON:
        return None
    try:
        found: dict[str, Any] = {"body": way.model.model_validate(json.loads(raw))}
        if subject is not None:
            found["subject"] = _SUBJECT.validate_python(subject)
    except (ValueError, ValidationError, RecursionError):
        return None
    return found


def _again(raw: bytes, receive: Receive) -> Receive:
    """*receive* for somebody who has not read the body yet."""
    is_told = False

    async def told() -> Message:
        nonlocal is_told
        if is_told:
            return await receive()
        is_told = True
        return {"type": "http.request", "body": raw, "more_body": False}

    return told
