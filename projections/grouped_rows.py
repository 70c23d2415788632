"""The rows of a report that the database groups: all of them with their totals, or one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, takewhile
from typing import Any, Final, LiteralString, TypeVar

from psycopg.sql import Composable

from projections.reading import Snapshot
from projections.selection import Grouping

Row = TypeVar("Row")

# Rows come as the subtotals of their first level do, which a whole answer holds, and a streamed one does not.
_AS_SUBTOTALS_COME: Final[LiteralString] = """
select * from (
    select numbered.*, max(place) filter (where summed = 1) over (partition by @) as place_above
    from (select found.*, row_number() over () as place from ({}) found) numbered
) placed
where summed = 0
order by place_above, place"""

_PLACES: Final = ("place", "place_above")


def grouped_rows(
    snapshot: Snapshot,
    group: Grouping,
    make: Callable[..., Row],
    statement: LiteralString,
    bindings: Mapping[str, object],
    first_level: LiteralString = "currency, key",
    /,
    **parts: Composable,
) -> tuple[list[Row] | Iterator[Row], list[Row]]:
    """Rows, and subtotals before totals, of what *statement* finds in its order, each made by *make* of its
    columns; of a streamed reading the rows as they are asked for, and no totals.

    The statement numbers its rows as `Grouping` says, those that are summed over nothing first. Rows come
    first level by first level, as the subtotals do. first_level: the columns that tell these apart.
    """
    if not snapshot.is_streamed:
        return _whole(group, make, snapshot.dicts(statement, bindings, **parts))
    if len(group.levels) == 1:
        found = snapshot.coming(statement, bindings, **parts)
        return _made(group, make, takewhile(lambda each: each["summed"] == 0, found)), []
    around = _AS_SUBTOTALS_COME.replace("@", first_level)
    placed = snapshot.coming(statement, bindings, around, **parts)
    rows = ({name: value for name, value in each.items() if name not in _PLACES} for each in placed)
    return _made(group, make, rows), []


def _whole(
    group: Grouping, make: Callable[..., Row], found: list[dict[str, Any]]
) -> tuple[list[Row], list[Row]]:
    made: list[list[Row]] = [[] for _ in range(len(group.levels) + 1)]
    for each in found:
        names = group.names(each)
        made[len(names)].append(make(**group.heading(*names), **each))
    totals, *above, rows = made
    return group.in_order(rows, above[0] if above else ()), [*chain(*above, totals)]


def _made(group: Grouping, make: Callable[..., Row], found: Iterator[dict[str, Any]]) -> Iterator[Row]:
    for each in found:
        names = group.names(each)
        yield make(**group.heading(*names), **each)
