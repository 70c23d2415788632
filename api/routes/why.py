"""Why an item was, or was not, collectable (spec 16)."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from api.answers import JSON, as_json, described, row_model
from api.authentication import Door, Visit
from api.bodies import ITEM_IN_PATH, ItemInPath
from api.queries import Clocks
from api.routes.asking import THING_ERRORS
from domain.identity import ItemId
from domain.roles import Permission
from projections.parameters import Parameters
from replay.why import Why, why
from store.clock import now

router: Final = APIRouter(tags=["items"])

_DOOR: Final = Door(Permission.READ_DISPUTES)


@router.get(
    "/v1/items/{key}/why",
    operation_id="get_item_why",
    summary="Why an item was, or was not, collectable",
    description="At any moment of the past: the reasons why the item took no part in the collection scenario"
    " (dispute, litigation, follow_up, promise, written_off; cleared where there is nothing to collect), or"
    " what made it collectable; each with the events that made it so, by both clocks, and in words. Read from"
    " the log itself.",
    response_class=Response,
    response_model=None,
    responses=described(row_model(Why), "X-Position") | THING_ERRORS,
    openapi_extra=_DOOR.said,
)
def get_item_why(
    visit: Annotated[Visit, Depends(_DOOR)],
    key: Annotated[ItemInPath, Path(description=ITEM_IN_PATH)],
    query: Annotated[Clocks, Query()],
) -> Response:
    """The answer for one item at one moment."""
    clocks = Parameters(as_at=query.as_at, known_at=query.known_at)
    found = why(visit.company.log, visit.actor, ItemId(key), clocks, now())
    return Response(as_json(found), 200, {"X-Position": str(found.position)}, JSON)
