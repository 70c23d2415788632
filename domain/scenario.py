"""The collection scenario of a company: the dated steps by which its customers are reminded (spec 17, 27).

Steps stand in the order of their days. Of two steps of the same day the one with the higher minimum amount is
the later one: where the amount suffices it takes the place of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Final, TypeAlias

from domain.commands import Command
from domain.events import Event, OfCompany
from domain.identity import COMPANY_STREAM
from domain.money import NOTHING, is_storable
from domain.refusals import StepInvalid, StepRetired, UnknownStep
from domain.roles import Permission

MOST_DAYS: Final = 365
"""How many days before or after the due date a step may be; more are a slip of the hand."""


class StepKind(StrEnum):
    """By what the customer is reminded."""

    EMAIL = "email"
    LETTER = "letter"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class ScenarioStep:
    """A step of the scenario, due *days* after (below 0: before) the due date of the customer's oldest open
    collectable item, where no less than *minimum_amount* can be collected. That is a plain figure,
    compared with the amount in each currency by itself. Labels are by language code."""

    code: str
    days: int
    kind: StepKind
    labels: Mapping[str, str]
    minimum_amount: Decimal = NOTHING
    active: bool = True


Steps: TypeAlias = Mapping[str, ScenarioStep]
"""The steps of a scenario by code, retired ones too."""


# --- commands --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DefineScenarioStep(Command):
    """Define a step of the collection scenario, or redefine the one with this code.

    Of a step that is there what is not given stays, labels in other languages too; an empty label is taken
    away. Other days give it another place in the order. A retired
    one is in use again only when ``back_into_use`` says so. ``minimum_amount`` is 0 by default.
    """

    permission: ClassVar[Permission] = Permission.CATALOGUE
    code: str
    days: int | None = None
    kind: StepKind | None = None
    labels: Mapping[str, str] | None = None
    minimum_amount: Decimal | None = None
    back_into_use: bool = False


@dataclass(frozen=True, slots=True)
class RetireScenarioStep(Command):
    """Take a step out of the collection scenario; what was done by it stays readable."""

    permission: ClassVar[Permission] = Permission.CATALOGUE
    code: str


# --- events ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ScenarioStepDefined(OfCompany):
    """A step of the collection scenario was defined, or defined anew."""

    step: ScenarioStep
    previous: ScenarioStep | None


@dataclass(frozen=True, slots=True)
class ScenarioStepTakenOutOfUse(OfCompany):
    """The step is due for nobody from now on."""

    code: str


ScenarioEvent: TypeAlias = ScenarioStepDefined | ScenarioStepTakenOutOfUse


def evolve(steps: Steps, event: ScenarioEvent) -> Steps:
    """The steps after *event*."""
    if isinstance(event, ScenarioStepDefined):
        return {**steps, event.step.code: event.step}
    return {**steps, event.code: replace(steps[event.code], active=False)}


# --- decisions -------------------------------------------------------------------------------------


def define(steps: Steps, command: DefineScenarioStep) -> list[Event]:
    """The step is defined as given; what is left out stays. Raises StepInvalid."""
    previous = steps.get(command.code)
    step = _defined(command, previous)
    if not step.code.strip() or not step.labels:
        raise StepInvalid(command.code, "give a code and at least one label")
    if abs(step.days) > MOST_DAYS:
        raise StepInvalid(command.code, f"days are {-MOST_DAYS} to {MOST_DAYS}")
    if not is_storable(step.minimum_amount) or step.minimum_amount < 0:
        raise StepInvalid(
            command.code, "the minimum amount is 0 or more, with 18 digits at most and 6 after the mark"
        )
    return [] if step == previous else [ScenarioStepDefined(COMPANY_STREAM, step, previous)]


def _defined(command: DefineScenarioStep, previous: ScenarioStep | None) -> ScenarioStep:
    days = previous.days if previous and command.days is None else command.days
    kind = previous.kind if previous and command.kind is None else command.kind
    if days is None or kind is None:
        raise StepInvalid(command.code, "give its days and its kind")
    known = previous or ScenarioStep(command.code, days, kind, {})
    labels = {**known.labels, **(command.labels or {})}
    return replace(
        known,
        days=days,
        kind=kind,
        labels={language: label for language, label in labels.items() if label},
        minimum_amount=known.minimum_amount if command.minimum_amount is None else command.minimum_amount,
        active=known.active or command.back_into_use,
    )


def retire(steps: Steps, command: RetireScenarioStep) -> list[Event]:
    """The step is taken out of use; said twice changes nothing. Raises UnknownStep."""
    if not _step(steps, command.code).active:
        return []
    return [ScenarioStepTakenOutOfUse(COMPANY_STREAM, command.code)]


def usable(steps: Steps, code: str) -> ScenarioStep:
    """The active step with *code*. Raises UnknownStep, naming those in use; StepRetired."""
    step = _step(steps, code)
    if not step.active:
        raise StepRetired(code)
    return step


def _step(steps: Steps, code: str) -> ScenarioStep:
    if code not in steps:
        in_order = sorted((step for step in steps.values() if step.active), key=lambda step: step.days)
        raise UnknownStep(code, ", ".join(step.code for step in in_order))
    return steps[code]
