"""Parts: the many things that share one stream, and since which version of it each is as it is.

All people and keys are one stream, and so are settings and catalogue. Who changes one person must be able to
say "as I read it" of that person, whatever happened to the others meanwhile. A part is written ``kind:id``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from domain import catalogue, people, scenario
from domain.events import Event
from store.submission import Recorded

SETTINGS: Final = "settings:company"


def person(person_id: UUID) -> str:
    """A person of the stream of people."""
    return f"person:{person_id}"


def key(key_id: UUID) -> str:
    """An API key of the stream of people."""
    return f"key:{key_id}"


def id_of(part: str) -> str:
    """``key:17`` → ``17``."""
    return part.partition(":")[2]


def status(code: str) -> str:
    """An item status of the company's stream."""
    return f"status:{code}"


def action_template(code: str) -> str:
    """An action template of the company's stream."""
    return f"action-template:{code}"


def scenario_step(code: str) -> str:
    """A step of the company's collection scenario."""
    return f"scenario-step:{code}"


def touched(event: Event) -> str | None:  # noqa: C901 - one flat match over the events
    """The part that *event* changes; None if it belongs to a stream of one thing."""
    match event:
        case people.KeyIssued() | people.KeyRevoked():
            return key(event.key_id)
        case people.OfPeople():
            return person(getattr(event, "person_id"))  # noqa: B009 - all others of this kind have one
        case catalogue.CompanyFounded() | catalogue.SettingsChanged():
            return SETTINGS
        case catalogue.StatusDefined():
            return status(event.status.code)
        case catalogue.StatusTakenOutOfUse():
            return status(event.code)
        case catalogue.ActionTemplateDefined():
            return action_template(event.template.code)
        case scenario.ScenarioStepDefined():
            return scenario_step(event.step.code)
        case scenario.ScenarioStepTakenOutOfUse():
            return scenario_step(event.code)
        case _:
            return None


def versions(recorded: Iterable[Recorded]) -> dict[str, int]:
    """For each part of one stream, whose events are given from the first, the version that changed it last.

    That is the stream's version after the decision, as in the rows of the read side.
    """
    end_of: dict[str, int] = {}
    version_at: dict[int, int] = {}
    for each in recorded:
        version_at[each.decision_end] = each.version
        part = touched(each.event)
        if part is not None:
            end_of[part] = each.decision_end
    return {part: version_at[end] for part, end in end_of.items()}
