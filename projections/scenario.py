"""The steps of the collection scenario, listed in their order, and single ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, LiteralString

from domain.refusals import UnknownStep
from projections.directory import DIRECTORY
from projections.parameters import Parameters, Report
from projections.reading import Reading, Snapshot

_STEPS: Final[LiteralString] = """
select t.code, t.version, t.days, t.kind, t.labels, t.minimum_amount, t.active
from scenario_step_states t
where {known_t}
order by t.days, t.minimum_amount, t.code"""


@dataclass(frozen=True, slots=True)
class ScenarioStepRow:
    """A step of the scenario; *version* is that of the company's stream. *days*: after (below 0: before) the
    due date of the oldest open collectable item. *minimum_amount* is a figure in each currency."""

    code: str
    version: int
    days: int
    kind: str
    labels: Mapping[str, str]
    minimum_amount: Decimal
    active: bool


def scenario_steps(reading: Reading, parameters: Parameters | None = None) -> Report[ScenarioStepRow]:
    """All steps of the collection scenario in their order, retired ones too. No filter is used.

    Raises RoleForbids.
    """
    parameters = parameters or Parameters()
    reading.reach(*DIRECTORY)

    def work(snapshot: Snapshot) -> Report[ScenarioStepRow]:
        return snapshot.report(parameters, snapshot.rows(ScenarioStepRow, _STEPS, {}))

    return reading.at(parameters, work)


def scenario_step(
    reading: Reading, code: str, parameters: Parameters | None = None
) -> Report[ScenarioStepRow]:
    """The step with this code, as the one row.

    Raises RoleForbids; UnknownStep, naming those that there are.
    """
    found = scenario_steps(reading, parameters)
    rows = tuple(row for row in found.rows if row.code == code)
    if not rows:
        raise UnknownStep(code, ", ".join(row.code for row in found.rows))
    return replace(found, rows=rows)
