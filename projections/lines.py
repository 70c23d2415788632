"""The log as the read side reads it: only what folding needs, each event still as it is stored.

Decoding is left to the reader, so that an event that cannot be read is known by its position.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from psycopg.sql import SQL, Identifier

from projections.copy_text import array
from store.connections import CompanyDatastore

Line: TypeAlias = tuple[int, int, str, int, str, str, str]
"""position, decision_end, stream_id, version, stored name, JSON, occurred_at

The stream's id and the moment are text: they are only looked up and written, and text is cheaper to read, to
look up and to write.
"""

COLUMNS: Final = SQL("position, decision_end, stream_id::text, version, type, data::text, occurred_at::text")

_AFTER: Final = SQL("""
select {columns} from {events}
where position > %(after)s
  and position <= coalesce((select decision_end from {events} where position = %(after)s::bigint + %(limit)s),
                           9223372036854775807)
order by position""")

# "offset 0" keeps the planner from joining in another way than by looking each stream up: without statistics
# of a young table it would read all of it.
_BEGINNINGS: Final = SQL("""
select found.* from unnest(%s::uuid[], %s::bigint[]) wanted (stream, before)
cross join lateral (
    select {columns} from {events} where stream_id = wanted.stream and version < wanted.before
    order by version offset 0
) found""")


class Lines:
    """Reads the events of one company."""

    def __init__(self, datastore: CompanyDatastore) -> None:
        self._datastore: Final = datastore
        names = {"columns": COLUMNS, "events": Identifier(datastore.schema, "events")}
        self._after: Final = _AFTER.format(**names).as_bytes()
        self._beginnings: Final = _BEGINNINGS.format(**names).as_bytes()

    def after(self, position: int, limit: int) -> list[Line]:
        """About *limit* (at least 1) events after *position*, in order, to the end of a decision."""
        return self._datastore.rows(self._after, {"after": position, "limit": limit})

    def beginnings(self, before: Mapping[str, int]) -> list[Line]:
        """The events of many streams with a version smaller than the one given for each, stream by stream."""
        if not before:
            return []
        return self._datastore.rows(self._beginnings, (array(before), array(before.values())))
