"""Days with each resolver, as a report that two moments can be compared of."""

from __future__ import annotations

from typing import Final, LiteralString

from domain.roles import Permission
from projections import resolver_days
from projections import selection as select
from projections.comparable_things import DISPUTES, VERSIONS_OF_ITEMS, reached
from projections.comparison import Asking, Counts, Statistics
from projections.comparison_statement import Added
from projections.reading import Reading, Snapshot
from projections.resolution_time import ResolutionTimeParameters, chosen_episodes

# However many of its items are in a group: once.
_AT_DESKS: Final[LiteralString] = """
select dispute_id as thing, episode, {named}, null::text as currency, null::text as part,
       1::numeric as episodes, round(sum(lasted) / 86400e6, 6) as days
from (
    select dispute_id, episode, {named}, min(lasted) as lasted
    from facts group by dispute_id, episode, resolver_id, {levels}
) at_desks
group by dispute_id, episode, {levels}"""

_STATISTICS: Final = ("mean_days",)


def desks(reading: Reading, parameters: ResolutionTimeParameters) -> Asking:
    """The time that each episode was with each resolver. Raises RoleForbids, ParameterInvalid."""
    group = resolver_days.BY.asked(parameters.by)
    of_case = chosen_episodes(reading, parameters)
    # With each resolver it was for a time of its own; in all groups else for the same.
    each = "resolver" if "resolver" in group.levels else None

    def statistics(snapshot: Snapshot) -> Statistics:
        told = resolver_days.rows_and_totals(snapshot, parameters, group, of_case)
        return Statistics.of(_STATISTICS, *told)

    return Asking(
        Counts.DESKS,
        group,
        Added(("episodes", "days"), frozenset({"episodes"}), frozenset({"days"}), each),
        resolver_days.FACTS + _AT_DESKS,
        lambda snapshot: resolver_days.places(snapshot, parameters, group, of_case),
        DISPUTES,
        VERSIONS_OF_ITEMS,
        reached(reading, Permission.READ_DISPUTES, select.DISPUTES),
        statistics,
    )
