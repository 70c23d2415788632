"""People of the company."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from api.routes.asking import Listed, Single, add_list, add_single
from api.routes.orders import add_commands
from domain.identity import person_id
from projections.directory import DIRECTORY, PersonList, PersonRow, people, person

router: Final = APIRouter(tags=["people"])

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
