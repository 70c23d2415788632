"""What goes wrong, over HTTP: problem details as of RFC 9457, and which refusal means which status.

Every problem has a stable type, ``urn:redress:problem:<name>``; docs/reference/problems.md lists them all.
What could not be read is never sent back: not the body, and not the value that was wrong.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from pydantic import ValidationError as ModelInvalid
from starlette.exceptions import HTTPException

from api.downloads import TooManyDownloads
from api.mapping_table import MappingRefused
from api.new_items import ImportCutShort
from api.records import FileRefused
from api.told_names import name_as_told
from api.typed_columns import WorkbookTooSmall
from domain import refusals
from domain.refusals import Forbidden, Invalid, Refusal, Unknown, VersionStale
from projections.feed import FeedFailed
from projections.parameters import ParameterInvalid
from store.codec import Unencodable
from store.connections import LogUnavailable
from store.execute import StreamBusy
from store.keys import KeyNotAccepted
from store.log import KeyReused, ToldInTheFuture
from store.states import NoSuchCompany

MEDIA_TYPE: Final = "application/problem+json"
NAMESPACE: Final = "urn:redress:problem:"
RETRY_AFTER: Final = 1
"""Seconds after which it makes sense to try again what was too much or too early."""

_log: Final = structlog.get_logger()


class NotThereYet(Exception):
    """The read side has not reached the position that X-Min-Position asks for; try again."""


class NoSuchJob(LookupError):
    """There is no such job: its id is wrong, or the service was started anew since; no import is lost."""


class ErrorAt(BaseModel):
    """What is wrong at one place: of the body by JSON Pointer, elsewhere by the parameter's name."""

    model_config = ConfigDict(extra="allow")

    detail: str
    pointer: str | None = None
    parameter: str | None = None


class ProblemBody(BaseModel):
    """Problem details (RFC 9457). Some types have further members, such as ``dispute_id``."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    errors: list[ErrorAt] = []


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem, ready to be sent."""

    status: int
    name: str
    title: str
    detail: str
    errors: Sequence[Mapping[str, object]] = ()
    further: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, object]:
        """The problem as JSON has it."""
        body: dict[str, object] = {
            "type": NAMESPACE + self.name,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = self.errors
        return body | dict(self.further)

    def response(self) -> Response:
        """The problem as an answer."""
        return Response(orjson.dumps(self.body()), self.status, dict(self.headers), MEDIA_TYPE)


# --- what is not a refusal ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of problem that is no refusal. *detail* None: the exception says it."""

    status: int
    name: str
    detail: str | None
    headers: Mapping[str, str] = field(default_factory=dict)


_RETRY: Final = {"Retry-After": str(RETRY_AFTER)}
_UNAVAILABLE: Final = (
    "The database cannot be reached now. Whether the command was carried out is not known:"
    " send it again with its Idempotency-Key."
)
MALFORMED: Final = Kind(422, "malformed-request", "The request does not have the shape that it must have.")
UNEXPECTED: Final = Kind(
    500, "unexpected", "Something went wrong here. It was noted; nothing was recorded halfway."
)

KINDS: Final[Mapping[type[Exception], Kind]] = {
    KeyNotAccepted: Kind(401, "key-not-accepted", None, {"WWW-Authenticate": 'Bearer realm="redress"'}),
    NoSuchCompany: Kind(404, "no-such-company", "The company of this key does not exist."),
    KeyReused: Kind(
        422,
        "idempotency-key-reused",
        "This Idempotency-Key came before with another request; take a new one.",
    ),
    StreamBusy: Kind(503, "stream-busy", None, _RETRY),
    ImportCutShort: Kind(503, "import-cut-short", None, _RETRY),
    LogUnavailable: Kind(503, "database-unavailable", _UNAVAILABLE, _RETRY),
    NotThereYet: Kind(503, "not-there-yet", None, _RETRY),
    FeedFailed: Kind(
        503, "reports-stand-still", "The reports do not follow the log any more; /v1/health says why.", _RETRY
    ),
    TooManyDownloads: Kind(503, "too-many-downloads", None, _RETRY),
    WorkbookTooSmall: Kind(422, "workbook-too-small", None),
    NoSuchJob: Kind(404, "no-such-job", None),
    MappingRefused: Kind(422, "mapping-refused", None),
    FileRefused: Kind(422, "file-refused", None),
    ToldInTheFuture: Kind(
        503, "clocks-differ", "The clocks of the service and of its database differ.", _RETRY
    ),
    Unencodable: Kind(422, "not-storable", "A text holds a character that cannot be stored."),
}
"""By class of exception. Together with `_OF_HTTP` and the refusals these are all types of problems."""

_OF_HTTP: Final[Mapping[int, Kind]] = {
    400: MALFORMED,
    404: Kind(404, "no-such-route", "There is nothing at this address."),
    405: Kind(405, "method-not-allowed", "This address does not take this method."),
    413: Kind(413, "body-too-large", "The body is larger than the service takes; send it in parts."),
}


def of_http() -> list[Kind]:
    """The types of problems that the server itself answers with, and the one for what nobody thought of."""
    return [*_OF_HTTP.values(), UNEXPECTED]


def title_of(name: str) -> str:
    """``item-already-disputed`` → ``Item already disputed``."""
    return name.replace("-", " ").capitalize()


def of_kind(kind: Kind, detail: str = "", errors: Sequence[Mapping[str, object]] = ()) -> Problem:
    """A problem of *kind*."""
    said = kind.detail or detail
    return Problem(kind.status, kind.name, title_of(kind.name), said, errors, headers=kind.headers)


# --- refusals ----------------------------------------------------------------------------------------

_STATUSES: Final = ((VersionStale, 412), (Unknown, 404), (Forbidden, 403), (Invalid, 422), (Refusal, 409))
_BORDER: Final = re.compile(r"(?<!^)(?=[A-Z])")


def status_of(refusal: type[Refusal]) -> int:
    """The HTTP status that a class of refusals has."""
    return next(status for kind, status in _STATUSES if issubclass(refusal, kind))


def name_of(refusal: type[Refusal]) -> str:
    """``ItemAlreadyDisputed`` → ``item-already-disputed``."""
    return _BORDER.sub("-", refusal.__name__).lower()


def of_refusal(refusal: Refusal, path_parameter: str | None = None) -> Problem:
    """The problem that *refusal* is. *path_parameter* is the command's field that stood in the path."""
    name = name_of(type(refusal))
    further = {key: value for key, value in refusal.facts().items() if isinstance(value, UUID)}
    detail = str(refusal)
    return Problem(
        status_of(type(refusal)),
        name,
        title_of(name),
        detail,
        _place(refusal, detail, path_parameter),
        further,
    )


_BESIDE: Final = frozenset({"at", "on_behalf_of"})
"""What is said of a command in the query, beside its body."""


def _place(refusal: Refusal, detail: str, path_parameter: str | None) -> list[dict[str, object]]:
    if isinstance(refusal, ParameterInvalid):
        return [{"parameter": refusal.name, "in": "query", "detail": detail}]
    name = refusal.place.removeprefix("/")
    if not name:
        return []
    if name == path_parameter:
        return [{"parameter": name, "in": "path", "detail": detail}]
    if name in _BESIDE:
        return [{"parameter": name, "in": "query", "detail": detail}]
    return [{"pointer": refusal.place, "detail": detail}]


def all_refusals() -> list[type[Refusal]]:
    """Every class of refusals that has no classes below it, in the order of the source."""

    def leaves(of: type[Refusal]) -> list[type[Refusal]]:
        below = of.__subclasses__()
        return [leaf for each in below for leaf in leaves(each)] if below else [of]

    # Files and the command line have refusals of their own.
    return [each for each in leaves(refusals.Refusal) if not each.__module__.startswith(("api.", "tests."))]


# --- malformed requests ------------------------------------------------------------------------------


def of_validation(errors: Sequence[Any], body: object) -> Problem:
    """The problem that pydantic's *errors* are; *body* is only walked through, to find the places."""
    return of_kind(MALFORMED, errors=[_error_at(error, body) for error in errors[:50]])


def _error_at(error: Mapping[str, Any], body: object) -> dict[str, object]:
    where, *path = error["loc"] or ("body",)
    detail = _explained(error)
    if error["type"] == "json_invalid":
        return {"pointer": "", "detail": f"not JSON: see character {path[0] if path else 0}"}
    if where == "body":
        return {"pointer": _pointer(path, body, is_absent=error["type"] == "missing"), "detail": detail}
    return {"parameter": str(path[0]) if path else "", "in": str(where), "detail": detail}


def _explained(error: Mapping[str, Any]) -> str:
    # Parsers quote what they stumbled over; up to the colon they only say what they wanted.
    message = str(error["msg"])
    if error["type"].endswith("_parsing") or error["type"].startswith("uuid"):
        return message.partition(",")[0].partition(":")[0]
    return message.removeprefix("Value error, ")


def _pointer(path: Sequence[str | int], body: object, *, is_absent: bool) -> str:
    # Between the steps stand names of pydantic's: the alternatives of a union that were tried.
    pointer, here = "", body
    for number, step in enumerate(path):
        found, here = _step(here, step)
        if found or (is_absent and number == len(path) - 1):
            pointer += "/" + str(step)[:200].replace("~", "~0").replace("/", "~1")
    return pointer


def _step(here: object, step: str | int) -> tuple[bool, object]:
    if isinstance(here, Mapping) and step in here:
        return True, here[step]
    if isinstance(here, list) and isinstance(step, int) and step < len(here):
        return True, here[step]
    return False, here


# --- into the application ----------------------------------------------------------------------------


def install(app: FastAPI) -> None:
    """Answer everything that goes wrong in *app* with a problem."""
    handlers: dict[type[Exception], Callable[[Request, Any], Response]] = {
        Refusal: _on_refusal,
        RequestValidationError: _on_malformed,
        ModelInvalid: _on_model_invalid,
        HTTPException: _on_http,
        **dict.fromkeys(KINDS, _on_kind),
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def _on_refusal(request: Request, refusal: Refusal) -> Response:
    name_as_told(refusal, [*request.path_params.values()])
    return of_refusal(refusal, getattr(request.state, "path_parameter", None)).response()


def _on_malformed(_: Request, error: RequestValidationError) -> Response:
    return of_validation(error.errors(), error.body).response()


def _on_model_invalid(request: Request, error: ModelInvalid) -> Response:
    name = getattr(request.state, "path_parameter", None)
    if name is None:
        return on_unexpected(request, error)
    found = error.errors(include_url=False, include_context=False, include_input=False)
    errors = [{"parameter": name, "in": "path", "detail": _explained(each)} for each in found]
    return of_kind(MALFORMED, errors=errors).response()


def _on_http(_: Request, error: HTTPException) -> Response:
    kind = _OF_HTTP.get(error.status_code)
    if kind is None:
        phrase = HTTPStatus(error.status_code).phrase
        kind = Kind(error.status_code, phrase.lower().replace(" ", "-"), f"{phrase}.")
    problem = of_kind(kind)
    response = problem.response()
    response.headers.update(error.headers or {})
    return response


def _on_kind(_: Request, error: Exception) -> Response:
    return of_exception(error).response()


def on_unexpected(request: Request, error: Exception) -> Response:
    """The answer to what nobody thought of; noted in the service's own log."""
    return _unexpected(error, request.method).response()


def of_exception(error: Exception) -> Problem:
    """The problem that any *error* is; what nobody thought of is noted in the service's own log."""
    if isinstance(error, Refusal):
        return of_refusal(error)
    kind = next((KINDS[each] for each in type(error).__mro__ if each in KINDS), None)
    return _unexpected(error, "") if kind is None else of_kind(kind, str(error))


def _unexpected(error: Exception, method: str) -> Problem:
    # Where it happened and what it was, but not what it said: messages quote data, and data can be personal.
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[-8:]]
    _log.error("unexpected", method=method, error=type(error).__qualname__, where=where)
    return of_kind(UNEXPECTED)


# --- declared in the description of the API ----------------------------------------------------------

_MEANINGS: Final = {
    401: "no API key, or one that opens nothing",
    403: "the role does not include it, or not for this object",
    404: "what is named does not exist",
    409: "the state does not allow it",
    412: "changed since the version that If-Match names",
    413: "the body is too large",
    422: "the request cannot be right, whatever the state; or an Idempotency-Key that came with another one",
    503: "not possible at this moment; try again after Retry-After seconds",
}


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route says of the problems that it answers with."""
    schema = {"$ref": "#/components/schemas/ProblemBody"}
    return {
        status: {
            "description": _MEANINGS[status],
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in statuses
    }
