"""Imports: which files came in, and what they did."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import APIRouter

from api.queries import Clocks
from api.routes.asking import Listed, Single, add_list, add_single
from domain.roles import Permission
from projections.directory import ImportRow, import_, imports
from projections.paging import PageParameters

router: Final = APIRouter(tags=["imports"])

_READ: Final = (Permission.IMPORT, Permission.READ_LOG)

add_list(
    router, Listed("/v1/imports", "list_imports", "List imports", imports, PageParameters, ImportRow, _READ)
)
add_single(
    router,
    Single(
        "/v1/imports/{key}", "get_import", "One import", import_, ImportRow, _READ, key=UUID, clocks=Clocks
    ),
)
