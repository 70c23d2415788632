"""Disputes: the commands of a case, lists, single ones, and their history."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field

from api.answers import JSON, as_json, described, next_link
from api.authentication import Door, Visit
from api.bodies import InPath
from api.queries import Query as QueryModel
from api.routes.asking import (
    THING_ERRORS,
    Listed,
    Single,
    add_list,
    add_single,
    id_or_key,
    refuse_out_of_reach,
)
from api.routes.orders import add_commands
from domain.identity import DisputeId, dispute_id
from domain.roles import Permission
from projections.cases import DisputeList, DisputeRow, dispute, disputes
from projections.paging import LIMIT
from replay.history import dispute_history

router: Final = APIRouter(tags=["disputes"])

_READ: Final = (Permission.READ_DISPUTES,)
_ITEM: Final = {"customer_code": "C-1001", "number": "0000471100"}

add_commands(
    router,
    {
        "open_dispute": {
            "item_ids": [_ITEM],
            "type": "price",
            "reason": "Invoiced at the old list price",
            "comment": "The customer sends the order confirmation tomorrow.",
            "received_on": "2026-03-02",
            "channel": "phone",
            "amounts": [{"item": _ITEM, "amount": "250.00"}],
            "reference": "CRM-4711",
        },
        "change_dispute_type": {"type": "delivery", "reason": "Two pallets are missing"},
        "assign_resolver": {"resolver_id": "resolver-1"},
        "update_dispute_comment": {"comment": "Order confirmation received; price list of 2025 applies."},
        "comment_dispute": {"text": "Asked the warehouse for the delivery note.", "visibility": "internal"},
        "attach_document": {
            "name": "order confirmation.pdf",
            "digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "visibility": "customer",
        },
        "add_items": {"item_ids": [{"customer_code": "C-1001", "number": "0000471101"}]},
        "remove_items": {"item_ids": [{"customer_code": "C-1001", "number": "0000471101"}]},
        "resolve_dispute": {"outcome": "partial_credit", "credited_amount": "250.00", "comment": "Credited."},
        "cancel_dispute": {"comment": "Opened for the wrong customer."},
        "escalate_dispute": {"comment": "Handed to the lawyers."},
        "reopen_dispute": {"follow_up": {"due_on": "2030-03-15"}, "comment": "The credit note was wrong."},
    },
)
add_list(
    router,
    Listed("/v1/disputes", "list_disputes", "List disputes", disputes, DisputeList, DisputeRow, _READ),
)
add_single(
    router,
    Single(
        "/v1/disputes/{key}", "get_dispute", "One dispute", dispute, DisputeRow, _READ,
        own=dispute_id, has_reach=True,
    ),
)  # fmt: skip


class HistoryQuery(QueryModel):
    """Which part of a history."""

    after: Annotated[int, Field(ge=0, lt=2**63, description="only what was recorded after this position")] = 0
    limit: Annotated[int, Field(ge=1, le=LIMIT)] = LIMIT


class HistoryPage(BaseModel):
    """Entries by position; ``after`` of the next page is the position of the last."""

    position: int
    dispute: UUID
    entries: list[dict[str, Any]]


@router.get(
    "/v1/disputes/{key}/history",
    operation_id="get_dispute_history",
    summary="Everything that happened to a dispute",
    description="By position: who did it, in which role, with which key and on whose behalf; when it occurred"
    " and when it was recorded; what it changed from what to what, and the state after it. Events of its"
    " items and follow-up actions are woven in. It is read from the log itself.",
    response_class=Response,
    response_model=None,
    responses=described(HistoryPage, "X-Position", "Link") | THING_ERRORS,
    openapi_extra=Door(*_READ).said,
)
def get_dispute_history(
    request: Request,
    visit: Annotated[Visit, Depends(Door(*_READ))],
    key: Annotated[InPath, Path(description="id, or own reference")],
    query: Annotated[HistoryQuery, Query()],
) -> Response:
    """One page of the history of a dispute."""
    wanted = id_or_key(key)
    found = wanted if isinstance(wanted, UUID) else dispute_id(wanted)
    refuse_out_of_reach(visit, *_READ, found)
    history = dispute_history(visit.company.log, DisputeId(found))
    left = [entry for entry in history.entries if entry.position > query.after]
    shown = left[: query.limit]
    headers = {"X-Position": str(history.position)}
    if len(left) > len(shown):
        headers["Link"] = next_link(request, after=str(shown[-1].position))
    body = {"position": history.position, "dispute": found, "entries": shown}
    return Response(as_json(body), 200, headers, JSON)
