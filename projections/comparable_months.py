"""Disputes opened, reopened and resolved, as a report that two moments can be compared of."""

from __future__ import annotations

from typing import Final, LiteralString

from domain.roles import Permission
from projections import dispute_months
from projections import selection as select
from projections.comparable_things import DISPUTES, VERSIONS_OF_ITEMS, reached
from projections.comparison import Asking, Counts
from projections.comparison_statement import Added
from projections.parameters import Parameters
from projections.reading import Reading

_FIGURES: Final = (
    "opened", "reopened", "resolved", "amount_opened", "amount_reopened", "amount_resolved"
)  # fmt: skip

_HAPPENED: Final[LiteralString] = (
    "select dispute_id as thing, episode, {named}, currency, null::text as part,"
    + dispute_months.ADDED
    + "group by dispute_id, episode, {levels}, currency"
)


def months(reading: Reading, parameters: Parameters) -> Asking:
    """What happened to each episode. Raises RoleForbids, ParameterInvalid."""
    group = dispute_months.BY.asked(parameters.by)
    of_case = dispute_months.chosen_disputes(reading, parameters)
    return Asking(
        Counts.HAPPENINGS,
        group,
        Added(_FIGURES, frozenset({"opened", "reopened", "resolved"})),
        dispute_months.FACTS + _HAPPENED,
        lambda snapshot: dispute_months.places(snapshot, parameters, group, of_case),
        DISPUTES,
        VERSIONS_OF_ITEMS,
        reached(reading, Permission.READ_DISPUTES, select.DISPUTES),
    )
