"""Monthly sales, as the company states them."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from api.routes.asking import Listed, add_list
from api.routes.orders import add_commands
from projections.paging import PageParameters
from projections.sales import SALES_RIGHTS, MonthlySalesRow, monthly_sales

router: Final = APIRouter(tags=["sales"])

add_commands(
    router,
    {
        "state_monthly_sales": {
            "month": "2026-03-01",
            "entity": "main",
            "currency": "EUR",
            "amount": "125000.00",
        },
    },
)
add_list(
    router,
    Listed(
        "/v1/monthly-sales", "list_monthly_sales", "List monthly sales", monthly_sales, PageParameters,
        MonthlySalesRow, SALES_RIGHTS,
    ),
)  # fmt: skip
