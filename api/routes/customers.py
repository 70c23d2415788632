"""Customers: who buys, and who of the company looks after them."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from api.routes.asking import Listed, Single, add_list, add_single
from api.routes.orders import add_commands
from domain.identity import customer_id
from domain.roles import Permission
from projections.directory import CustomerList, CustomerRow, customer, customers

router: Final = APIRouter(tags=["customers"])

_READ: Final = (Permission.READ_ITEMS, Permission.IMPORT)

add_commands(
    router,
    {
        "register_customer": {
            "code": "C-1001",
            "name": "Brasserie du Nord",
            "attributes": {"sector": "food", "city": "Lille"},
            "collector_id": "collector-1",
        },
    },
)
add_list(
    router,
    Listed("/v1/customers", "list_customers", "List customers", customers, CustomerList, CustomerRow, _READ),
)
add_single(
    router,
    Single(
        "/v1/customers/{key}", "get_customer", "One customer", customer, CustomerRow, _READ,
        own=customer_id, has_reach=True,
    ),
)  # fmt: skip
