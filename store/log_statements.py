"""The SQL with which the log is read; ``{events}`` and the functions get their company's schema in front.

Limits that may be missing come as null and become the largest bigint.
"""

from __future__ import annotations

from typing import Final, LiteralString

from psycopg.sql import SQL, Composable, Identifier

_RECORDED: Final = """position, decision_end, stream_id, version, type, data::text, occurred_at, recorded_at,
       actor, role, key_id, on_behalf_of, command_id"""

NEWEST: Final = "select coalesce(max(position), 0) from {events}"

READ: Final = """
select {recorded} from {events}
where position > %(after)s
  and position <= coalesce((select decision_end from {events} where position = %(after)s::bigint + %(limit)s),
                           9223372036854775807)
order by position"""

READ_STREAM: Final = """
select {recorded} from {events} where stream_id = %s and version > %s order by version"""

READ_STREAMS: Final = """
select {recorded} from unnest(%s::uuid[], %s::bigint[]) wanted (stream, after)
join {events} on stream_id = stream and version > after
order by position"""

END_OF_DECISION: Final = """
select coalesce((select position from {events} where position <= %s and position = decision_end
                 order by position desc limit 1), 0)"""

CHANGED_AFTER: Final = "select * from {changed_after}(%s)"

POSITION_AT: Final = "select {position_at}(%s)"

ACCEPTED: Final = "select * from {accepted}(null, %s)"

ACCEPTED_ALL: Final = """
select asked.key, found.* from unnest(%s::text[]) asked (key), lateral {accepted}(null, asked.key) found"""

STORED_FORWARDS: Final = """
select stream_id, version, type, data::text from {events}
where stream_id = %s and version > %s and version <= coalesce(%s, 9223372036854775807)
order by version limit %s"""

STORED_BACKWARDS: Final = """
select stream_id, version, type, data::text from {events}
where stream_id = %s and version > %s and version <= coalesce(%s, 9223372036854775807)
order by version desc limit %s"""

NOTIFICATIONS: Final = """
select stream_id, version, type, data::text, position from {events}
where position > %s and position <= coalesce(%s, 9223372036854775807) and (%s or type = any (%s))
order by position limit %s"""


class InSchema:
    """The statements for one company's schema, each put together once."""

    def __init__(self, schema: str) -> None:
        self._names: Final[dict[str, Composable]] = {
            "recorded": SQL(_RECORDED),
            "events": Identifier(schema, "events"),
            "accepted": Identifier(schema, "accepted"),
            "changed_after": Identifier(schema, "changed_after"),
            "position_at": Identifier(schema, "position_at"),
        }
        self._known: Final[dict[str, bytes]] = {}

    def __getitem__(self, statement: LiteralString) -> bytes:
        """*statement*, one of this module's, with the schema's names in it."""
        known = self._known.get(statement)
        if known is None:
            known = self._known[statement] = SQL(statement).format(**self._names).as_bytes()
        return known
