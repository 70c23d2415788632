"""Reads as GET routes: lists and reports made from the projections' parameter classes, and single things."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from inspect import Parameter, Signature
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api import problems
from api.answers import (
    Asking,
    ReadHeaders,
    described,
    past_thing_answer,
    report_answer,
    report_file,
    report_model,
    thing_answer,
    thing_model,
    wait,
)
from api.authentication import Door, Visit
from api.bodies import ITEM_IN_PATH, InPath, ItemInPath
from api.drill_down import DrillDown
from api.queries import Clocks, Formats, KnownClock, parameters_of, query_of
from api.table_files import FileFormat
from domain.case import connected
from domain.refusals import Unknown
from domain.roles import Permission, require
from projections.absence import AskOne, explain_absence
from projections.parameters import Parameters, Report
from projections.reading import Reading
from projections.report_pages import LONGEST_PAGE

LIST_ERRORS: Final = problems.declared(401, 403, 422, 503)
THING_ERRORS: Final = problems.declared(401, 403, 404, 422, 503)


@dataclass(frozen=True, slots=True)
class Listed:
    """A list or a report: *ask* answers it with rows of the class *row*, to who has one of *permissions*.

    *drill_down* makes the address of the list behind a row.
    """

    path: str
    name: str
    summary: str
    ask: Callable[[Reading, Any], Report[Any]]
    parameters: type[Parameters]
    row: type[Any]
    permissions: tuple[Permission, ...]
    is_report: bool = False
    drill_down: DrillDown | None = None


@dataclass(frozen=True, slots=True)
class Single:
    """One thing by its key: an id, a code, or (if *own* says to which id they lead) either.

    *has_reach*: not everybody with the permission may see each of them. *clocks*: both, or known-at alone, by
    which master data are read.
    """

    path: str
    name: str
    summary: str
    ask: AskOne
    row: type[Any]
    permissions: tuple[Permission, ...]
    key: Any = InPath
    own: Callable[[str], UUID] | None = None
    has_reach: bool = False
    clocks: type[Clocks | KnownClock] = KnownClock


def add_list(router: APIRouter, of: Listed) -> None:
    """Add a route for *of* to *router*."""
    # No list is grouped.
    without = frozenset() if of.is_report else frozenset({"by"})
    query = query_of(of.parameters, Formats, without=without)

    def endpoint(request: Request, visit: Visit, query: Formats, headers: ReadHeaders) -> Response:
        parameters = parameters_of(of.parameters, query)
        if query.format != "json":
            wait(visit, headers)
            form = FileFormat(query.format)

            def ask(reading: Reading) -> Report[Any]:
                return of.ask(reading, parameters)

            return report_file(request, visit, ask, of.row, form, raw=query.raw)
        reading = visit.reading()
        wait(visit, headers)
        if of.is_report and parameters.limit is None:
            parameters = replace(parameters, limit=LONGEST_PAGE)
        return report_answer(request, of.ask(reading, parameters), of.drill_down)

    kinds = {
        "request": Request,
        "visit": Annotated[Visit, Depends(Door(*of.permissions))],
        "query": Annotated[query, Query()],
        "headers": Asking,
    }
    model = report_model(of.row, has_drill_down=of.drill_down is not None)
    success = described(model, "X-Position", "Link", files=tuple(FileFormat))
    _add(router, of, endpoint, kinds, success | LIST_ERRORS)


def add_single(router: APIRouter, of: Single) -> None:
    """Add a route for *of* to *router*."""

    def endpoint(visit: Visit, key: UUID | str, query: Clocks | KnownClock, headers: ReadHeaders) -> Response:
        reading, past = visit.reading(), query.told
        wait(visit, headers)
        wanted = key if of.own is None or isinstance(key, UUID) else id_or_key(key)
        try:
            found = of.ask(reading, wanted, past or Parameters())
        except Unknown:
            if of.has_reach:
                refuse_out_of_reach(visit, of.permissions[0], _stream(of, wanted))
            if past is not None:
                thing = of.summary.removeprefix("One ")
                explain_absence(of.ask, reading, wanted, past, thing=thing, permissions=of.permissions)
            raise
        return thing_answer(found) if past is None else past_thing_answer(found, type(query).model_fields)

    kinds = {
        "visit": Annotated[Visit, Depends(Door(*of.permissions))],
        "key": Annotated[of.key, Path(description=_said_of_key(of))],
        "query": Annotated[of.clocks, Query()],
        "headers": Asking,
    }
    success = described(thing_model(of.row), "ETag", "X-Position")
    _add(router, of, endpoint, kinds, success | THING_ERRORS)


def id_or_key(key: str) -> UUID | str:
    """*key* as the id that it is, or else as it stands."""
    try:
        return UUID(key)
    except ValueError:
        return key


def _said_of_key(of: Single) -> str:
    if of.key is ItemInPath:
        return ITEM_IN_PATH
    return "id, or own code or reference" if of.own else "id or code"


def _stream(of: Single, wanted: UUID | str) -> UUID:
    if isinstance(wanted, UUID):
        return wanted
    assert of.own is not None, "what has a reach has an id"
    return of.own(wanted)


def refuse_out_of_reach(visit: Visit, permission: Permission, stream: UUID) -> None:
    """Raise NotYours if there is such a stream and *permission* does not reach it for the visitor.

    The lists leave out what is out of reach, and so do the queries for single things. Whoever names one that
    exists is told the difference. The log decides, by the same rule as for commands.
    """
    states = visit.company.executor.states
    case = states.read(frozenset({stream})).case
    if stream in case.states:
        around = states.read(frozenset({stream}) | connected(case.states[stream])).case
        require(visit.actor, permission, around.concerned(stream))


def _add(
    router: APIRouter,
    of: Listed | Single,
    endpoint: Callable[..., Response],
    kinds: Mapping[str, Any],
    responses: dict[int | str, dict[str, Any]],
) -> None:
    parameters = [Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind) for name, kind in kinds.items()]
    endpoint.__name__ = of.name
    endpoint.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    router.add_api_route(
        of.path,
        endpoint,
        methods=["GET"],
        operation_id=of.name,
        summary=of.summary,
        description=_description(of),
        response_class=Response,
        response_model=None,
        responses=responses,
        openapi_extra=Door(*of.permissions).said,
    )


def _description(of: Listed | Single) -> str:
    text = (of.ask.__doc__ or "").partition("Raises")[0]
    said = "\n\n".join(" ".join(part.split()) for part in text.split("\n\n")).strip()
    return f"{said}\n\n{_PAST[of.clocks]}" if isinstance(of, Single) else said


_PAST: Final[Mapping[type[Clocks | KnownClock], str]] = {
    Clocks: "As it was at any moment: a past state has no ETag, and what did not exist then is a 404 that"
    " says so.",
    KnownClock: "As it was known at any position or time (master data have no as_at): a past state has no"
    " ETag, and what was not known then is a 404 that says so.",
}
