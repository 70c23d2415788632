"""How a batch's rows get into the tables: live rows end by one update, new ones come by COPY."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from psycopg import Cursor
from psycopg.sql import SQL, Identifier

from projections import ended_episodes
from projections.copy_text import array, quoted_array
from projections.ended_episodes import EndedEpisodesWriter
from projections.fold import Rows
from projections.states import TABLES
from projections.tables import Table

_END: Final = SQL("""
update {table} set until = ended.at, occurred_until = ended.moment
from unnest(%s::{key_type}[], %s::bigint[], %s::timestamptz[]) ended (key, at, moment)
where {key} = ended.key and until is null""")

_COPY: Final = SQL("copy {table} ({columns}) from stdin")


class RowsMissing(Exception):
    """A table is not what the log makes it."""


class _Statements:
    """How one table is written."""

    def __init__(self, schema: str, table: Table, suffix: str) -> None:
        name = Identifier(schema, table.name + suffix)
        key, key_type = Identifier(table.key), SQL(table.key_type)
        columns = SQL(", ").join(map(Identifier, table.all_columns))
        self.end: Final = _END.format(table=name, key=key, key_type=key_type).as_bytes()
        self.copy: Final = _COPY.format(table=name, columns=columns).as_bytes()


class Writer:
    """Writes the tables of one company whose names end in *suffix* (empty: the live ones).

    tables: the names of those that are written; rows of others are left out.
    """

    def __init__(self, schema: str, suffix: str = "", tables: Collection[str] | None = None) -> None:
        self._statements: Final = {
            table.name: _Statements(schema, table, suffix)
            for table in TABLES
            if tables is None or table.name in tables
        }
        has_episodes = tables is None or ended_episodes.NAME in tables
        self._ended_episodes: Final = EndedEpisodesWriter(schema, suffix) if has_episodes else None

    def write(self, cursor: Cursor[Any], rows: Rows) -> None:
        """End the rows of before that *rows* supersede, and add the new ones.

        Raises RowsMissing if a row of before is not there, psycopg.Error if a row does not fit.
        """
        statements = self._statements.get(rows.table.name)
        if statements is None:
            return
        if rows.ended:
            keys = quoted_array(rows.ended)
            positions, moments = zip(*rows.ended.values(), strict=True)
            cursor.execute(statements.end, (keys, array(positions), quoted_array(moments)))
            if cursor.rowcount != len(rows.ended):
                raise RowsMissing(f"{rows.table.name} lacks live rows that the log tells of: rebuild")
        with cursor.copy(statements.copy) as copy:
            copy.write("".join(rows.lines()))

    def write_ended_episodes(
        self, cursor: Cursor[Any], ends: Sequence[tuple[str, int]], taken_back: Sequence[str]
    ) -> None:
        """Add episodes of disputes that ended, *ends* telling at which positions, and end those of disputes
        that were *taken_back*, when all other rows are written.

        Raises RowsMissing if one of the ends is not among these.
        """
        if self._ended_episodes is None:
            return
        if ends and not self._ended_episodes.add(cursor, ends):
            raise RowsMissing("dispute_states lacks ends of episodes that the log tells of: rebuild")
        if taken_back:
            self._ended_episodes.end(cursor, taken_back)
