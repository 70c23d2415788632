"""Parts of a log with about as many events each, and with whole streams: what several processes share out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Composed, Identifier, Literal

_SAMPLE: Final = 20_000
"""Events that are looked at to find where to part them."""

# Ids of items follow from their names and lie evenly, those of disputes from the time and lie close together.
_BOUNDS: Final = SQL("""
select percentile_disc({shares}::float8[]) within group (order by stream_id)
from {events} tablesample system ({percent})""")


@dataclass(frozen=True, slots=True)
class StreamRange:
    """The streams whose ids are not before *first* (None: from the beginning) and before *before* (None: to
    the end)."""

    first: UUID | None = None
    before: UUID | None = None

    def __contains__(self, stream: UUID) -> bool:
        return (self.first is None or stream >= self.first) and (self.before is None or stream < self.before)

    def of(self, column: str) -> Composed:
        """The condition that *column*, an id, lies in the range."""
        place = Identifier(column)
        conditions = [SQL("true").format()]
        if self.first is not None:
            conditions.append(SQL("{} >= {}").format(place, Literal(self.first)))
        if self.before is not None:
            conditions.append(SQL("{} < {}").format(place, Literal(self.before)))
        return SQL(" and ").join(conditions)


def stream_ranges(connection: Connection[Any], schema: str, events: int, number: int) -> list[StreamRange]:
    """Up to *number* ranges that hold all streams of the company of *schema*, which has *events* events."""
    if number <= 1 or not events:
        return [StreamRange()]
    statement = _BOUNDS.format(
        shares=Literal([share / number for share in range(1, number)]),
        events=Identifier(schema, "events"),
        percent=Literal(min(100.0, 100 * _SAMPLE / events)),
    )
    with connection.cursor(row_factory=tuple_row) as cursor:
        found = cursor.execute(statement).fetchone()
    bounds = sorted(set(found[0] or ())) if found else []
    return [StreamRange(*pair) for pair in pairwise((None, *bounds, None))]
