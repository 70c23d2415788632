"""Follow-up actions: planning, chasing, ending; lists and single ones."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from api.queries import Clocks
from api.routes.asking import Listed, Single, add_list, add_single
from api.routes.orders import add_commands
from domain.identity import follow_up_id
from domain.roles import Permission
from projections.cases import FollowUpList, FollowUpRow, follow_up, follow_ups

router: Final = APIRouter(tags=["follow-ups"])

_READ: Final = (Permission.READ_DISPUTES,)

add_commands(
    router,
    {
        "plan_follow_up": {
            "title": "Ask for the delivery note",
            "due_on": "2030-03-15",
            "dispute_id": "CRM-4711",
            "reference": "CRM-4711/2",
        },
        "postpone_follow_up": {"due_on": "2030-03-22"},
        "record_interaction": {
            "with_whom": "customer",
            "medium": "phone",
            "direction": "incoming",
            "text": "The customer has found the delivery note.",
        },
        "chase_resolver": {
            "medium": "email",
            "text": "Please look at this one today.",
            "due_on": "2030-03-20",
        },
        "comment_follow_up": {"text": "The resolver is on leave until Monday."},
        "end_follow_up": {"comment": "Settled by phone.", "outcome": "invoice_upheld"},
    },
)
add_list(
    router,
    Listed(
        "/v1/follow-ups", "list_follow_ups", "List follow-up actions",
        follow_ups, FollowUpList, FollowUpRow, _READ,
    ),
)  # fmt: skip
add_single(
    router,
    Single(
        "/v1/follow-ups/{key}", "get_follow_up", "One follow-up action", follow_up, FollowUpRow, _READ,
        own=follow_up_id, has_reach=True, clocks=Clocks,
    ),
)  # fmt: skip
