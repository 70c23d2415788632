"""Answers of reads: reports and single things as JSON, reports as files, with the position computed at."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack
from itertools import chain
from typing import Annotated, Any, Final, TypeAlias, TypeVar, get_type_hints
from urllib.parse import quote

import orjson
from fastapi import Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field, create_model

from api.authentication import Visit
from api.downloads import Download, begun
from api.drill_down import DrillDown
from api.problems import NotThereYet
from api.table_files import MEDIA_TYPES, FileFormat, file_chunks
from api.typed_columns import table_of
from projections.parameters import GROUPED, SPREAD, Report, record
from projections.reading import Reading

Row = TypeVar("Row")

JSON: Final = "application/json"
PATIENCE: Final = 5.0
"""Seconds that a reader waits for the position that they ask for."""

_LONGEST_WAIT: Final = 2**63 - 1


class ReadHeaders(BaseModel):
    """What a reader may say beside the question."""

    x_min_position: Annotated[
        int | None,
        Field(
            ge=0, le=_LONGEST_WAIT,
            description="Answer from at least this position, such as the X-Position of one's own command;"
            " waits up to 5 seconds for it.",
        ),
    ] = None  # fmt: skip


Asking = Annotated[ReadHeaders, Header()]


def wait(visit: Visit, headers: ReadHeaders) -> None:
    """Wait until the read side is where the reader needs it. Raises NotThereYet, FeedFailed."""
    position = headers.x_min_position
    if position is None:
        return
    if position > visit.company.log.newest():
        raise NotThereYet("The log itself has not reached the position in X-Min-Position.")
    if not visit.company.feed.wait_for(position, PATIENCE):
        raise NotThereYet("The reports have not reached the position in X-Min-Position yet.")


def as_json(value: object) -> bytes:
    """*value* as JSON: amounts as texts, ids and times in their usual forms."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS)


def _plain(value: object) -> object:
    if isinstance(value, frozenset | set):
        return sorted(map(str, value))
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)  # Decimal


# --- reports and lists -----------------------------------------------------------------------------


def report_answer(request: Request, report: Report[Any], drill_down: DrillDown | None = None) -> Response:
    """*report* as JSON, with a link to the next page if there is one; in each row the address of the list
    behind it if *drill_down* makes some."""
    rows, totals = report.records(), report.total_records()
    if drill_down is not None:
        for row in chain(rows, totals):
            row["drill_down"] = drill_down(report.parameters, row)
    body = {
        "position": report.position,
        "parameters": report.parameters,
        "rows": rows,
        "totals": totals,
        "next_cursor": report.next_cursor,
    }
    return Response(as_json(body), 200, _report_headers(request, report), JSON)


def report_file(
    request: Request,
    visit: Visit,
    ask: Callable[[Reading], Report[Row]],
    of: type[Row],
    form: FileFormat,
    *,
    raw: bool,
) -> Response:
    """What *ask* answers, in rows of the class *of*, as a file, which is sent while it is read."""
    with ExitStack() as held:
        held.enter_context(visit.downloads.one())
        reads = held.enter_context(ExitStack())
        report = ask(reads.enter_context(visit.reading().streamed()))
        table = table_of(report, of, request.url.path.rsplit("/", 1)[-1])
        chunks = begun(file_chunks(table, form, raw=raw), held)
        if form is FileFormat.XLSX:
            reads.close()  # all is read: the database need not wait for the client
        headers = _report_headers(request, report) | stated(report.parameters)
        headers["Content-Disposition"] = f'attachment; filename="{table.name}.{form}"'
        return Download(held.pop_all(), chunks, MEDIA_TYPES[form], headers)


def _report_headers(request: Request, report: Report[Any]) -> dict[str, str]:
    headers = {"X-Position": str(report.position)}
    if report.next_cursor is not None:
        headers["Link"] = next_link(request, cursor=report.next_cursor)
    return headers


def stated(parameters: Mapping[str, object]) -> dict[str, str]:
    """The header that says what a file was computed with, as JSON in ASCII: CSV has no place for it."""
    return {"X-Parameters": json.dumps(json.loads(as_json(parameters)))}


def next_link(request: Request, **changed: str) -> str:
    """The header that leads to the same question with other parameters.

    Relative, for the service does not know by which name it is reached.
    """
    url = request.url.include_query_params(**changed)
    return f'<{quote(url.path)}?{url.query}>; rel="next"'


def thing_answer(report: Report[Any]) -> Response:
    """The one row of *report*, as it is now, with its version as ETag."""
    (row,) = report.rows
    return versioned({"position": report.position, **record(row)}, report.position, row.version)


def past_thing_answer(report: Report[Any], clocks: Iterable[str]) -> Response:
    """The one row of *report* as it was, with these *clocks* as they were understood. There is no ETag: a
    past state is nothing that If-Match could go by."""
    (row,) = report.rows
    stated = {name: report.parameters[name] for name in clocks}
    body = {"position": report.position, "parameters": stated, **record(row)}
    return Response(as_json(body), 200, {"X-Position": str(report.position)}, JSON)


def versioned(body: Mapping[str, object], position: int, version: int) -> Response:
    """*body* at *version*: for If-Match alone. There is no 304.

    A body tells of other things, too (of a dispute's items, say, or of how somebody is called now), and they
    change without its version.
    """
    return Response(as_json(body), 200, {"ETag": f'"{version}"', "X-Position": str(position)}, JSON)


# --- what the description of the API says of them --------------------------------------------------


class _Described(BaseModel):
    model_config = ConfigDict(extra="forbid")


_MODELS: Final[dict[str, type[BaseModel]]] = {}
"""The same class must have one model, or it stands twice in the description of the API."""


def row_model(of: type[Any], *, has_drill_down: bool = False) -> type[BaseModel]:
    """The JSON of one row."""
    hints = get_type_hints(of)
    fields: dict[str, Any] = {
        each.name: (hints[each.name], ...) for each in dataclasses.fields(of) if each.name not in SPREAD
    }
    if "grouped" in hints:
        fields |= {name: (str | None, None) for name in GROUPED if name not in hints}
    if has_drill_down:
        fields["drill_down"] = (
            str | None,
            Field(description="the list of what the row counts, if there is one"),
        )
    config = ConfigDict(extra="allow" if (SPREAD - {"grouped"}) & set(hints) else "forbid")
    if of.__name__ not in _MODELS:
        _MODELS[of.__name__] = create_model(of.__name__, __doc__=of.__doc__, __config__=config, **fields)
    return _MODELS[of.__name__]


def report_model(of: type[Any], *, has_drill_down: bool = False) -> type[BaseModel]:
    """The JSON of a report or a page of such rows."""
    rows = types.GenericAlias(list, (row_model(of, has_drill_down=has_drill_down),))
    fields: dict[str, Any] = {
        "position": (int, Field(description="how far the reports had followed the log")),
        "parameters": (dict[str, Any], Field(description="those given, and how they were understood")),
        "rows": (rows, ...),
        "totals": (rows, Field(description="what the rows do not add up to")),
        "next_cursor": (str | None, Field(description="asks for the next page")),
    }
    return create_model(f"{of.__name__.removesuffix('Row')}Report", __base__=_Described, **fields)


def thing_model(of: type[Any]) -> type[BaseModel]:
    """The JSON of one single thing."""
    name = of.__name__.removesuffix("Row")
    stated: Any = Field(default_factory=dict, description="of a past state: the clocks, as understood")
    fields = {"position": (int, ...), "parameters": (dict[str, Any], stated)}
    model: type[BaseModel] = create_model(name, __base__=row_model(of), __doc__=of.__doc__, **fields)  # type: ignore[call-overload]
    return model


_HEADERS: Final = {
    "X-Position": {"description": "the position computed at", "schema": {"type": "integer"}},
    "ETag": {
        "description": "the version, in quotes: for If-Match. It does not stand for the whole body, which"
        " tells of other things, too; so If-None-Match is not looked at, and there is no 304. A past state"
        " has none.",
        "schema": {"type": "string"},
    },
    "X-Parameters": {
        "description": "of files: the parameters as JSON, those given and how they were understood; what is"
        " not ASCII is escaped",
        "schema": {"type": "string"},
    },
    "Link": {"description": 'the next page, `rel="next"`', "schema": {"type": "string"}},
}

_BINARY: Final = {"type": "string", "format": "binary"}
_FILES: Final[Mapping[FileFormat, Mapping[str, str]]] = {
    FileFormat.CSV: {"type": "string"},
    FileFormat.XLSX: _BINARY,
    FileFormat.PARQUET: _BINARY,
}

Described: TypeAlias = dict[int | str, dict[str, Any]]


def described(
    model: type[BaseModel], *headers: str, files: Collection[FileFormat] = (), is_text: bool = False
) -> Described:
    """What a route says of its success: with these *headers*, and as *files* of these kinds too, or as text
    for people to read."""
    found: dict[str, Any] = {
        "model": model,
        "description": "Found.",
        "headers": {name: _HEADERS[name] for name in (*headers, *(["X-Parameters"] if files else []))},
    }
    if files:
        found["content"] = {MEDIA_TYPES[form].partition(";")[0]: {"schema": _FILES[form]} for form in files}
    if is_text:
        found.setdefault("content", {})["text/plain"] = {"schema": {"type": "string"}}
    return {200: found}
