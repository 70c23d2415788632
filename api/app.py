"""The HTTP application: what is served, who lets in, what follows the log meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import anyio.to_thread
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from api import problems
from api.authentication import SECURITY_SCHEME, Followers, House, Keyring, require_doors
from api.command_route import Commands
from api.database import Database
from api.downloads import Downloads
from api.edge import Edge
from api.pace import even_pace
from api.problems import ProblemBody
from api.routes import (
    catalogue,
    changes,
    customers,
    disputes,
    documentation,
    follow_ups,
    health,
    histories,
    imports,
    item_imports,
    items,
    keys,
    people,
    reports,
    sales,
    scenario,
    why,
)

ROUTERS: Final[tuple[APIRouter, ...]] = (
    disputes.router,
    follow_ups.router,
    items.router,
    why.router,
    customers.router,
    changes.router,
    reports.router,
    imports.router,
    sales.router,
    item_imports.router,
    people.router,
    keys.router,
    catalogue.router,
    scenario.router,
    health.router,
    histories.router,
)
PUBLIC: Final = frozenset({health.PATH, documentation.DOCS, documentation.ASSETS, documentation.OPENAPI})
"""Paths that need no key."""

LARGEST_BODY: Final = 10 * 1024 * 1024
"""Bytes; 413 for more."""

_OF_THREADS_FOR_FILES: Final = 4
"""Of so many requests that are carried out at once, one may be a file that its client takes in at leisure."""

_DESCRIPTION: Final = """\
Customer disputes in accounts receivable, as events that can be read back for any moment of the past.

* **Commands** are POSTs. Send an `Idempotency-Key`, and a repeated command has one effect and the same
  answer. With `If-Match` a command is carried out only if what it is about is still as you read it.
  `?dry_run=true` says what would be recorded and writes nothing.
* **Reads** state the `position` that they were computed at. To see what you just did, send the `X-Position`
  of your command as `X-Min-Position`.
* **Files**: lists and reports come as `format=csv`, `xlsx` or `parquet`, too, with all their rows.
* **Pages** are linked by `Link: rel="next"`. All pages of a report are of the moment of the first one.
* **Problems** are `application/problem+json` (RFC 9457) with stable types.
* Amounts are texts (`"1250.00"`), never floating-point numbers.
"""


def create_app(database: Database, *, follow: bool = True, threads: int = 16) -> FastAPI:
    """The application over *database*, which stays the caller's to close.

    *follow*: keep the read models up with the logs while it runs (a process that does so elsewhere says no).
    *threads*: requests carried out at once; the database's pool should have as many connections.
    Raises PermissionMissing if a route names none.
    """
    downloads = Downloads(max(1, threads // _OF_THREADS_FOR_FILES))
    house = House(database, Keyring(database), Followers(), downloads=downloads)
    app = FastAPI(
        title="redress",
        version=_version(),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=documentation.OPENAPI,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=_lifespan(house, follow=follow, threads=threads),
        routes=list(_routes()),
    )
    app.state.house = house
    problems.install(app)
    app.add_middleware(Edge, largest=LARGEST_BODY, larger={item_imports.PATH: item_imports.LARGEST_FILE})
    require_doors(list(app.routes), PUBLIC)
    app.router.routes.insert(0, Commands(list(app.routes)))
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign] # FastAPI's own way
    return app


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """Those of every application: they know nothing of it, and to put them together takes longest."""
    collected = FastAPI(openapi_url=None)
    for router in ROUTERS:
        collected.include_router(router)
    documentation.add_documentation(collected)
    return tuple(collected.routes)


def _lifespan(
    house: House, *, follow: bool, threads: int
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Requests wait for a thread rather than for a connection, of which there are as many.
        anyio.to_thread.current_default_thread_limiter().total_tokens = threads
        database = house.database
        if follow:
            known = await anyio.to_thread.run_sync(database.companies)
            house.followers.start([database.company(name) for name in known])
        try:
            with even_pace():
                yield
        finally:
            await anyio.to_thread.run_sync(house.jobs.stop)
            await anyio.to_thread.run_sync(house.followers.stop)

    return lifespan


def _version() -> str:
    try:
        return version("redress")
    except PackageNotFoundError:
        return "0"


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        components = schema.setdefault("components", {})
        components["securitySchemes"] = {"api_key": SECURITY_SCHEME}
        models = components.setdefault("schemas", {})
        shape = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
        models |= shape.pop("$defs")
        models["ProblemBody"] = shape
        # Invalid requests are answered with problems, not as FastAPI would by itself.
        for name in ("HTTPValidationError", "ValidationError"):
            models.pop(name, None)
        app.openapi_schema = schema
    return app.openapi_schema
