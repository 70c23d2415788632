"""The collection scenario: its steps, and what becomes of them customer by customer."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from fastapi import APIRouter

from api.authentication import Visit
from api.routes.asking import Listed, Single, add_list, add_single
from api.routes.orders import add_commands
from domain.commands import Command
from domain.reminder import OfStep
from projections.directory import DIRECTORY
from projections.parameters import Parameters
from projections.scenario import ScenarioStepRow, scenario_step, scenario_steps
from projections.steps_due import collectable_items

router: Final = APIRouter(tags=["collection scenario"])

_PATIENCE: Final = 5.0
"""Seconds for which the read side may lag behind before what it has is taken."""


def _over_all(visit: Visit, command: Command) -> Command:
    """Without items, a step goes over all that can be collected of the customer."""
    if not isinstance(command, OfStep) or command.item_ids:
        return command
    company = visit.company
    company.feed.wait_for(company.log.newest(), _PATIENCE)
    items = collectable_items(visit.reading(), command.customer_id, command.currency)
    return replace(command, item_ids=items)


add_commands(
    router,
    {
        "define_scenario_step": {
            "code": "second_reminder",
            "days": 15,
            "kind": "letter",
            "labels": {"en": "Second reminder", "fr": "Deuxième relance"},
            "minimum_amount": "50.00",
        },
        "retire_scenario_step": {},
        "do_reminder_step": {"step": "second_reminder", "currency": "EUR", "comment": "Mrs Roy will look"},
        "skip_reminder_step": {"step": "second_reminder", "currency": "EUR"},
        "postpone_reminder_step": {"step": "second_reminder", "currency": "EUR", "to": "2030-03-22"},
    },
    fill=_over_all,
)
add_list(
    router,
    Listed(
        "/v1/scenario-steps", "list_scenario_steps", "List the steps of the collection scenario",
        scenario_steps, Parameters, ScenarioStepRow, DIRECTORY,
    ),
)  # fmt: skip
add_single(
    router,
    Single(
        "/v1/scenario-steps/{key}", "get_scenario_step", "One step of the collection scenario",
        scenario_step, ScenarioStepRow, DIRECTORY,
    ),
)  # fmt: skip
