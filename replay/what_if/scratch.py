"""Tables of states beside the real ones, which nobody else sees and nobody has to clear away.

They are temporary tables of one connection: PostgreSQL itself drops them when that connection ends, however
it ends. The reports' SQL runs over them as it is, since it names tables without their schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from psycopg import Connection, Cursor
from psycopg.sql import SQL, Composed, Identifier, Literal

from domain.dispute import OfDispute
from domain.follow_up import OfFollowUp
from projections import ended_episodes
from projections.fold import Fold
from projections.lines import Line
from projections.writing import Writer
from replay.new_tables import ALL
from replay.what_if.happened import STEP
from replay.what_if.recorded import Recorded, names_of
from store.connections import CompanyDatastore, Pool, open_pool

SCHEMA: Final = "pg_temp"

_MEMORY: Final = "set temp_buffers = '128MB'"
_OWN: Final = Identifier(SCHEMA, "events")
_RETOLD: Final = Identifier(SCHEMA, "retold")

_TABLES: Final = SQL("""
create temp table events (stream_id uuid, version bigint, actor uuid, on_behalf_of uuid, data json);
create temp table retold (stream_id uuid, version bigint, recorded bigint)""")

# What was done in a stream that was told anew was done by whoever did it in the record.
_EVENTS: Final = SQL("""
insert into {own}
select e.stream_id, coalesce(r.version, e.version), e.actor, e.on_behalf_of, e.data
from {events} e
left join (select distinct stream_id from {retold}) other on other.stream_id = e.stream_id
left join {retold} r on r.stream_id = e.stream_id and r.recorded = e.version
where e.position <= {position} and e.type = any ({names})
  and (other.stream_id is null or r.version is not null)""")

_INDEXES: Final = """
select c.relname as "table", pg_get_indexdef(x.indexrelid) as definition, x.indisunique as is_unique
from pg_index x join pg_class c on c.oid = x.indrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = %s and c.relname = any (%s)"""


class ScratchDatastore(CompanyDatastore):
    """The scratch tables of *company* behind the one connection of *pool*."""

    def __init__(self, pool: Pool, company: str) -> None:
        super().__init__(pool, company)
        self.schema = SCHEMA


@dataclass(frozen=True, slots=True)
class Retold:
    """Of an event in a stream that was told anew: its version there, and that in the log."""

    stream: str
    version: int
    recorded: int


@contextmanager
def scratch(live: CompanyDatastore) -> Iterator[ScratchDatastore]:
    """Empty tables of states like those of *live*, until the block ends. Raises psycopg.Error."""
    with open_pool(str(live.pool.conninfo), size=1) as pool:
        with pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            cursor.execute(_MEMORY)
            for name in (*ALL, "tracking"):
                cursor.execute(_like(live.schema, name))
            cursor.execute(_TABLES)
        yield ScratchDatastore(pool, live.company)


def _like(schema: str, name: str) -> Composed:
    statement = SQL("create temp table {} (like {} including generated)")
    return statement.format(Identifier(name), Identifier(schema, name))


class Filling:
    """Fills the scratch tables, some streams at a time."""

    def __init__(self, connection: Connection[Any], recorded: Recorded) -> None:
        self._cursor: Final[Cursor[Any]] = connection.cursor()
        self._recorded: Final = recorded
        self._writer: Final = Writer(SCHEMA)

    def take(self, lines: list[Line], retold: Iterable[Retold]) -> None:
        """Write the states of whole streams. Raises projections.fold.Unfoldable, psycopg.Error."""
        fold = Fold({}, self._recorded.codec.decode)
        fold.take(lines)
        for rows in fold.rows:
            self._writer.write(self._cursor, rows)
        with self._cursor.copy(SQL("copy {} from stdin").format(_RETOLD)) as copy:
            for one in retold:
                copy.write_row((one.stream, one.version, one.recorded))

    def finish(self) -> None:
        """All streams are there: indexes, statistics, and who did what."""
        schema, position = self._recorded.datastore.schema, self._recorded.position
        names = [*ALL]
        for index in self._cursor.execute(_INDEXES, [schema, names]).fetchall():
            self._cursor.execute(
                SQL("create {}index on {} using {}").format(
                    SQL("unique " if index["is_unique"] else ""),
                    Identifier(SCHEMA, index["table"]),
                    SQL(index["definition"].partition(" USING ")[2]),
                )
            )
        of = names_of(self._recorded.codec, OfDispute) + names_of(self._recorded.codec, OfFollowUp)
        self._cursor.execute(
            _EVENTS.format(
                own=_OWN,
                retold=_RETOLD,
                events=Identifier(schema, "events"),
                position=Literal(position),
                names=Literal(of),
            )
        )
        self._cursor.execute(SQL("create index on {} (stream_id, version)").format(_OWN))
        for name in (*names, "events"):
            self._cursor.execute(SQL("analyze {}").format(Identifier(SCHEMA, name)))
        # What happened earlier than it did has a number of its own stream.
        self._cursor.execute(ended_episodes.all_ended(SCHEMA, by_time_alone=True).as_bytes())
        self._cursor.execute(SQL("analyze {}").format(Identifier(SCHEMA, ended_episodes.NAME)))
        tracking = Identifier(SCHEMA, "tracking")
        # After the log's last decision there is room for what would have happened, as after any other.
        newest = (position + 1) * STEP - 1
        self._cursor.execute(SQL("insert into {} values ('states', %s)").format(tracking), [newest])
