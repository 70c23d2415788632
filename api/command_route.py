"""The way in for commands that are in order, past FastAPI's own looking through a request, which takes longer
than deciding most of them. Whatever is not in order takes FastAPI's way, which says what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeAlias

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from api.answers import JSON
from api.authentication import Door
from api.bodies import InPath

Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]

_SUBJECT: TypeAdapter[str] = TypeAdapter(Annotated[InPath, Field(min_length=1)])


def command_route(
    endpoint: Callable[..., Response], door: Door, model: type[BaseModel], subject: str | None
) -> type[APIRoute]:
    """The class of the route to *endpoint*, which takes request, visit, body, and subject if there is one.

    *subject*: the path's parameter with the id of what it is about, None if it has none.
    """

    def told(request: Request, raw: bytes) -> dict[str, Any] | None:
        if request.headers.get("content-type") != JSON:
            return None
        try:
            found: dict[str, Any] = {"body": model.model_validate(json.loads(raw))}
            if subject is not None:
                found["subject"] = _SUBJECT.validate_python(request.path_params[subject])
        except (ValueError, ValidationError, RecursionError):
            return None
        return found

    class CommandRoute(APIRoute):
        def get_route_handler(self) -> Handler:
            careful = super().get_route_handler()

            async def handle(request: Request) -> Response:
                in_order = told(request, await request.body())
                if in_order is None:
                    return await careful(request)
                visit = await door(request)
                return await run_in_threadpool(endpoint, request=request, visit=visit, **in_order)

            return handle

    return CommandRoute
