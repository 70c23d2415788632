"""What changed between two moments of a report: why a figure is not what was told before."""

from __future__ import annotations

from inspect import Parameter, Signature
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response

from api import problems
from api.answers import JSON, Asking, ReadHeaders, as_json, described, row_model, stated, wait
from api.authentication import Door, Visit
from api.csv_text import CSV, csv_text
from api.queries import SinceQuery, parameters_of, query_of
from api.table_files import FileFormat
from projections.comparable import COMPARABLE, Comparable
from projections.comparison import Since
from replay.changed_rows import WhatChanged
from replay.what_changed import what_changed

router: Final = APIRouter(tags=["reports"])

_DESCRIPTION: Final = (
    "The report's figures at two moments, and what makes the difference of each row: one contribution for"
    " each dispute, episode, item or line of an agenda, with the kind of change, its figures before and"
    " after, and the events that lie between the two moments, by both clocks, with who recorded them, in"
    " words. The contributions of a row add up to its difference. `statistics` (of resolution time: mean,"
    " median, 90th percentile, share within target, Kaplan-Meier median and 90th percentile; of resolver"
    " days: the mean; of receivables: DSO, simple, best possible and of disputes, and days deduction"
    " outstanding) are the report's own at both moments: they do not add up, and what is named is why they"
    " changed; those of receivables may also change because days went by. `mean_basis` says that means are of"
    " closed episodes only, as the report does. `as_at` and `known_at` are the later moment; `since_as_at`"
    " and `since_known_at` the earlier one, of which at least one must be given: a clock that is left out is"
    " that of the later moment. Filters, grouping and permission are those of the report, at both moments;"
    " grouped by two, rows have a `second_key`, and subtotals, where it is `total`, stand before the totals."
    " In CSV each contribution is one line, with its row's statistics as `row_…`."
)


# What changed comes whole.
_PAGES: Final = frozenset({"limit", "cursor"})


def _add(name: str, of: Comparable) -> None:
    door = Door(of.permission)

    def endpoint(visit: Visit, query: SinceQuery, headers: ReadHeaders) -> Response:
        parameters = parameters_of(of.parameters, query)
        since = Since(query.since_as_at, query.since_known_at)
        reading = visit.reading()
        wait(visit, headers)
        found = what_changed(reading, visit.company.log, name, parameters, since)
        return _answer(found, query)

    kinds: dict[str, Any] = {
        "visit": Annotated[Visit, Depends(door)],
        "query": Annotated[query_of(of.parameters, SinceQuery, without=_PAGES), Query()],
        "headers": Asking,
    }
    parameters = [Parameter(each, Parameter.KEYWORD_ONLY, annotation=kind) for each, kind in kinds.items()]
    endpoint.__name__ = f"{name.replace('-', '_')}_changes"
    endpoint.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    router.add_api_route(
        f"/v1/reports/{name}/changes",
        endpoint,
        methods=["GET"],
        operation_id=endpoint.__name__,
        summary=f"What changed between two moments: {name.replace('-', ' ')}",
        description=_DESCRIPTION,
        response_class=Response,
        response_model=None,
        responses=described(row_model(WhatChanged), "X-Position", files=(FileFormat.CSV,))
        | problems.declared(401, 403, 422, 503),
        openapi_extra=door.said,
    )


def _answer(found: WhatChanged, query: SinceQuery) -> Response:
    headers = {"X-Position": str(found.position)}
    if query.format == "csv":
        headers |= stated(found.parameters)
        headers["Content-Disposition"] = f'attachment; filename="{found.report}-changes.csv"'
        return Response(csv_text(found.columns(), found.records(), raw=query.raw), 200, headers, CSV)
    return Response(as_json(found), 200, headers, JSON)


for _name, _of in COMPARABLE.items():
    _add(_name, _of)
