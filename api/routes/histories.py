"""Histories (spec 39) of disputes, items and follow-up actions, page by page, or as a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field

from api.answers import JSON, as_json, described, next_link, stated
from api.authentication import Door, Visit
from api.bodies import ITEM_IN_PATH, InPath, ItemInPath
from api.csv_text import CSV, csv_text
from api.history_rows import COLUMNS, rows, text
from api.queries import Clocks, CsvCells
from api.routes.asking import THING_ERRORS, id_or_key
from api.table_files import FileFormat
from domain.identity import dispute_id, follow_up_id
from domain.roles import Permission
from projections.paging import LIMIT
from projections.parameters import Parameters
from replay.history import Asked, History, dispute_history, follow_up_history, item_history
from store.clock import now

router: Final = APIRouter()

TEXT: Final = "text/plain; charset=utf-8"

_DOOR: Final = Door(Permission.READ_DISPUTES)


class HistoryQuery(Clocks, CsvCells):
    """Which part of a history, and in which form."""

    format: Annotated[
        Literal["json", "csv", "text"],
        Field(description="text is for people to read: what happened, line by line"),
    ] = "json"
    at_version: Annotated[
        int | None, Field(ge=1, lt=2**63, description="as it was after this version, with its whole decision")
    ] = None
    after: Annotated[int, Field(ge=0, lt=2**63, description="only what was recorded after this position")] = 0
    limit: Annotated[
        int | None,
        Field(
            ge=1,
            le=LIMIT,
            description=f"entries of a page: {LIMIT}, and in CSV and text all, if it is left out",
        ),
    ] = None

    @property
    def asked(self) -> Asked:
        """The same for `replay.history`."""
        limit = LIMIT if self.limit is None and self.format == "json" else self.limit
        return Asked(self.told or Parameters(), self.at_version, self.after, limit)


class HistoryEntry(BaseModel):
    """One event: who did it by both clocks, in which role, with which key and on whose behalf; what it says,
    in words too; what it changed (``before`` and ``after`` by field) and the state of its stream after it."""

    position: int
    occurred_at: datetime
    recorded_at: datetime
    actor: UUID
    actor_name: str | None
    role: str
    key_id: UUID | None
    key_name: str | None
    on_behalf_of: UUID | None
    original_name: str | None
    command_id: UUID
    stream: str
    stream_id: UUID
    name: str | None
    version: int
    event: str
    sentence: str
    data: dict[str, Any]
    changes: dict[str, Any]
    after: dict[str, Any]


class HistoryPage(BaseModel):
    """Entries by position; *next_after* is ``after`` of the next page, null on the last one. *position* is
    the log's newest; *as_at* and *known_at* are the clocks as they were understood."""

    position: int
    as_at: datetime
    known_at: int
    entries: list[HistoryEntry]
    next_after: int | None


class DisputeHistory(HistoryPage):
    """The history of a dispute."""

    dispute: UUID


class ItemHistory(HistoryPage):
    """The history of an item."""

    item: UUID


class FollowUpHistory(HistoryPage):
    """The history of a follow-up action."""

    follow_up: UUID


@dataclass(frozen=True, slots=True)
class _Told:
    """A kind of things that have a history."""

    path: str
    name: str
    summary: str
    tag: str
    key: Any
    model: type[HistoryPage]
    history: Callable[..., History]
    own: Callable[[str], UUID] | None = None


_KINDS: Final = (
    _Told(
        "/v1/disputes/{key}/history", "dispute", "Everything that happened to a dispute", "disputes",
        Annotated[InPath, Path(description="id, or own reference")], DisputeHistory, dispute_history,
        dispute_id,
    ),
    _Told(
        "/v1/items/{key}/history", "item", "Everything that happened to an item", "items",
        Annotated[ItemInPath, Path(description=ITEM_IN_PATH)], ItemHistory, item_history,
    ),
    _Told(
        "/v1/follow-ups/{key}/history", "follow_up", "Everything that happened to a follow-up action",
        "follow-ups", Annotated[InPath, Path(description="id, or own reference")], FollowUpHistory,
        follow_up_history, follow_up_id,
    ),
)  # fmt: skip

_WOVEN: Final = " Events of its items and follow-up actions are woven in, as far as they concerned it."
_DESCRIPTION: Final = (
    "By position: who did it, in which role, with which key and on whose behalf; when it occurred and when it"
    " was recorded; what it changed from what to what, and the state after it.{woven} Up to any version of it"
    " or any moment; a decision is told as a whole or not at all. It is for whoever may see the thing today,"
    " whole, and people are called as they are called now. It is read from the log itself. As CSV or text it"
    " is one file, unless a limit is given."
)


def _add(of: _Told) -> None:
    def endpoint(
        request: Request,
        visit: Annotated[Visit, Depends(_DOOR)],
        key: Any,  # noqa: ANN401 - an id or a reference
        query: Annotated[HistoryQuery, Query()],
    ) -> Response:
        wanted = id_or_key(str(key))
        if of.own is not None and not isinstance(wanted, UUID):
            wanted = of.own(wanted)
        history = of.history(visit.company.log, visit.actor, wanted, now(), query.asked)
        headers = {"X-Position": str(history.position)}
        if history.next_after is not None:
            headers["Link"] = next_link(request, after=str(history.next_after))
        if query.format != "json":
            headers |= stated({"as_at": history.as_at, "known_at": history.known_at})
        if query.format == "csv":
            headers["Content-Disposition"] = f'attachment; filename="{of.name}-history.csv"'
            return Response(csv_text(COLUMNS, rows(history), raw=query.raw), 200, headers, CSV)
        if query.format == "text":
            return Response("".join(f"{line}\n" for line in text(history)), 200, headers, TEXT)
        body = {name: getattr(history, name) for name in HistoryPage.model_fields}
        return Response(as_json(body | {of.name: wanted}), 200, headers, JSON)

    endpoint.__annotations__["key"] = of.key
    endpoint.__name__ = f"get_{of.name}_history"
    router.add_api_route(
        of.path,
        endpoint,
        methods=["GET"],
        operation_id=endpoint.__name__,
        summary=of.summary,
        description=_DESCRIPTION.format(woven=_WOVEN if of.name == "dispute" else ""),
        tags=[of.tag],
        response_class=Response,
        response_model=None,
        responses=described(of.model, "X-Position", "Link", files=(FileFormat.CSV,), is_text=True)
        | THING_ERRORS,
        openapi_extra=_DOOR.said,
    )


for each in _KINDS:
    _add(each)
