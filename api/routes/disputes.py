"""Disputes: the commands of a case, lists, single ones."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from api.queries import Clocks
from api.routes.asking import Listed, Single, add_list, add_single
from api.routes.orders import add_commands
from domain.identity import dispute_id
from domain.roles import Permission
from projections.cases import DisputeList, DisputeRow, dispute, disputes
from projections.episode_list import EpisodeList, EpisodeRow, episodes

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
add_list(
    router,
    Listed(
        "/v1/episodes", "list_episodes", "List episodes: what the resolution time counts",
        episodes, EpisodeList, EpisodeRow, _READ,
    ),
)  # fmt: skip
add_single(
    router,
    Single(
        "/v1/disputes/{key}", "get_dispute", "One dispute", dispute, DisputeRow, _READ,
        own=dispute_id, has_reach=True, clocks=Clocks,
    ),
)  # fmt: skip
