"""People of the company."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from api.routes.asking import Listed, Single, add_list, add_single
from api.routes.orders import add_commands
from domain.identity import person_id
from domain.roles import Permission
from projections.directory import PersonList, PersonRow, people, person

router: Final = APIRouter(tags=["people"])

DIRECTORY: Final = (
    Permission.READ_ITEMS,
    Permission.READ_DISPUTES,
    Permission.PEOPLE,
    Permission.CATALOGUE,
)
"""Whoever works with items has to be able to name people, and to read the catalogue."""

add_commands(
    router,
    {
        "register_person": {
            "code": "resolver-1",
            "name": "Ines Moreau",
            "login": "ines.moreau@example.com",
            "role": "resolver",
            "assignment_values": ["food", "retail"],
        },
        "deactivate_person": {},
        "reactivate_person": {},
    },
)
add_list(router, Listed("/v1/people", "list_people", "List people", people, PersonList, PersonRow, DIRECTORY))
add_single(
    router,
    Single("/v1/people/{key}", "get_person", "One person", person, PersonRow, DIRECTORY, own=person_id),
)
