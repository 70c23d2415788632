"""Items: search, single ones, what ledgers and collectors say of them."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from api.bodies import ItemInPath
from api.queries import Clocks
from api.routes.asking import Listed, Single, add_list, add_single
from api.routes.orders import add_commands
from domain.roles import Permission
from projections.search import ItemRow, ItemSearch, item, items

router: Final = APIRouter(tags=["items"])

_IDENTITY: Final = {"customer_code": "C-1001", "number": "0000471100"}

add_commands(
    router,
    {
        "register_item": {
            **_IDENTITY,
            "type": "invoice",
            "issue_date": "2026-01-15",
            "due_date": "2026-02-14",
            "amount": "1250.00",
            "balance": "1250.00",
            "currency": "EUR",
            "attributes": {"sector": "food"},
        },
        "clear_item": {"cleared_on": "2026-02-20"},
        "qualify_items": {
            "item_ids": [_IDENTITY],
            "status": "promise_to_pay",
            "comment": "Mrs Lind promised the 15th.",
            "promised_on": "2026-03-15",
        },
    },
)
_READ: Final = (Permission.READ_ITEMS,)
add_list(router, Listed("/v1/items", "search_items", "Search items", items, ItemSearch, ItemRow, _READ))
add_single(
    router,
    Single(
        "/v1/items/{key}", "get_item", "One item", item, ItemRow, _READ,
        key=ItemInPath, has_reach=True, clocks=Clocks,
    ),
)  # fmt: skip
