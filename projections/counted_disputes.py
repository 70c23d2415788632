"""Which disputes the dispute report counted as opened or resolved: the list behind its figures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, LiteralString

from projections import selection
from projections.dispute_report import Counted
from projections.episodes import CUSTOMERS, EPISODES, MONTH, OPENING_ITEMS, OPENING_ITEMS_THEN
from projections.moment import Moment
from projections.parameters import ParameterInvalid, Parameters
from projections.selection import Selection

_A_MONTH: Final = re.compile("[0-9]{4}-(0[1-9]|1[0-2])")

_CHOSEN: Final[Mapping[Counted, LiteralString]] = {
    Counted.OPENED: "select d.*, d.opened_at as moment from episodes d where d.episode = 1",
    Counted.RESOLVED: """
        select distinct on (d.dispute_id) d.*
        from (select e.*, e.ended_at as moment from episodes e where e.state = 'resolved') d
        where @ order by d.dispute_id, d.episode desc""",
}


def of_counted(
    parameters: Parameters, counted: Counted, moment: Moment, *, is_assigned: bool | None, month: str | None
) -> Selection:
    """The disputes (d) that the report counts so in the period, by its filters and by whether they have a
    resolver: as they were at the opening, or at the resolution.

    *month* (``2026-03``): only those whose opening or last resolution in the period lies in it. A period of
    that month would not do: in it an earlier resolution is the last one.

    Raises ParameterInvalid for a month that is none."""
    if month is not None and not _A_MONTH.fullmatch(month):
        raise ParameterInvalid("counted_month", month, "give year and month, such as 2026-03")
    period = selection.in_period(parameters, moment, "d.moment")
    of_episodes = selection.both(
        selection.of_disputes(parameters), selection.of_item_parts(parameters), period
    )
    of_episodes.where_given("(d.resolver_id is not null) = %(is_assigned)s", is_assigned=is_assigned)
    of_episodes.where_given(f"{MONTH} = %(counted_month)s", counted_month=month)
    in_period: LiteralString = " and ".join(period.conditions) or "true"
    conditions: LiteralString = " and ".join(of_episodes.conditions) or "true"
    chosen = Selection()
    lines: list[LiteralString] = [
        "d.dispute_id in (with",
        EPISODES,
        ", chosen as (",
        _CHOSEN[counted].replace("@", in_period),
        ") select d.dispute_id from chosen d",
        OPENING_ITEMS_THEN if parameters.attributes else OPENING_ITEMS,
        CUSTOMERS,
        "where",
        conditions,
        ")",
    ]
    chosen.where("\n".join(lines), **of_episodes.bindings)
    return chosen
