"""How the service does: for load balancers and for whoever is on duty. Needs no key and names no company."""

from __future__ import annotations

from typing import Final

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from api.answers import JSON
from api.authentication import House

router: Final = APIRouter(tags=["service"])

PATH: Final = "/v1/health"


class FeedHealth(BaseModel):
    """How the reports of one company follow its log. *lag*: events still to apply."""

    running: bool
    position: int | None
    lag: int | None
    failure: str | None


class HealthBody(BaseModel):
    """*status* is ``ok``, or ``failing`` when something needs a person."""

    status: str
    database: bool
    feeds: list[FeedHealth]


@router.get(
    PATH,
    operation_id="get_health",
    summary="How the service does",
    response_class=Response,
    response_model=None,
    responses={
        200: {"model": HealthBody, "description": "It does well."},
        503: {"model": HealthBody, "description": "The database cannot be reached, or reports stand still."},
    },
)
def get_health(request: Request) -> Response:
    """Whether the database answers, and how far the reports are behind."""
    house: House = request.app.state.house
    is_reachable = house.database.is_reachable()
    feeds = house.followers.health()
    is_well = is_reachable and all(feed.failure is None for feed in feeds)
    body = {"status": "ok" if is_well else "failing", "database": is_reachable, "feeds": feeds}
    return Response(orjson.dumps(body), 200 if is_well else 503, {"Cache-Control": "no-store"}, JSON)
