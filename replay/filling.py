"""Filling new tables of states with what the streams of a range tell: what one process does of a rebuild."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from psycopg import Cursor
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Composed, Identifier, Literal

from projections.fold import Fold
from projections.lines import COLUMNS, Line
from projections.writing import Writer
from replay.new_tables import SUFFIX, TRACKING
from replay.processes import Tell
from replay.stream_ranges import StreamRange
from replay.turns import Turns, newest_of
from store.codec import Codec
from store.connections import CompanyDatastore, open_pool

_CHUNK: Final = 20_000
"""Events that are folded and written at a time."""

# A range is sorted by stream; in memory if it fits in there.
_SETTINGS: Final = "set local cursor_tuple_fraction = 1; set local work_mem = '64MB'"

# By the id itself: sorting its text, which is what stands in the line, takes longer.
_LINES: Final = SQL("""
select {columns} from {events} e
where position <= {upto} and {streams} and {of_types} order by e.stream_id, version""")


class TablesGone(Exception):
    """The tables that were to be filled are gone: the rebuild that made them has ended."""


@dataclass(frozen=True, slots=True)
class Share:
    """The events of *types* (None: all) up to position *upto* in *streams*, and the new *tables* of *company*
    that they go to. made: by which number the tracking table beside these was made."""

    conninfo: str
    company: str
    streams: StreamRange
    upto: int
    types: tuple[str, ...] | None
    tables: tuple[str, ...]
    made: int


def fill(share: Share, tell: Tell) -> int:
    """Write the rows of *share*, all or none; return how many events it has, having told of some at a time.

    Raises projections.fold.Unfoldable naming the event that cannot be folded, TablesGone, psycopg.Error.
    """
    decode, folded = Codec().decode, 0
    with open_pool(share.conninfo, size=2, behind=True) as pool:
        datastore = CompanyDatastore(pool, share.company)
        writer = Writer(datastore.schema, SUFFIX, share.tables)
        with pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            _make_sure(cursor, datastore.schema, share)
            turns = Turns(newest_of(connection, datastore.schema))
            for lines in _whole_streams(_lines(datastore, share)):
                turns.take_turn()
                fold = Fold({}, decode)
                fold.take(lines)
                for rows in fold.rows:
                    writer.write(cursor, rows)
                folded += len(lines)
                tell(len(lines))
    return folded


def _make_sure(cursor: Cursor[Any], schema: str, share: Share) -> None:
    """See to it that the tables are those of the rebuild whose share this is, until the transaction ends.

    The process that leads may have been ended, and another rebuild have begun with tables of the same names.
    """
    place = Identifier(schema, TRACKING + SUFFIX)
    found = cursor.execute("select to_regclass(%s)::oid::bigint as number", [place.as_string()]).fetchone()
    if found is None or found["number"] is None:
        raise TablesGone(TablesGone.__doc__)
    cursor.execute(SQL("lock table {} in access share mode").format(place))
    found = cursor.execute("select %s::regclass::oid::bigint as number", [place.as_string()]).fetchone()
    if found is None or found["number"] != share.made:
        raise TablesGone(TablesGone.__doc__)


def _lines(datastore: CompanyDatastore, share: Share) -> Iterator[Line]:
    statement = _LINES.format(
        columns=COLUMNS,
        events=Identifier(datastore.schema, "events"),
        upto=Literal(share.upto),
        streams=share.streams.of("stream_id"),
        of_types=_of_types(share.types),
    )
    with datastore.pool.connection() as connection, connection.transaction():
        connection.execute(_SETTINGS)  # all of it is wanted, not the beginning soon
        with connection.cursor("rebuild", row_factory=tuple_row) as cursor:
            cursor.execute(statement, binary=True)
            while lines := cursor.fetchmany(_CHUNK):  # quicker than row by row
                yield from lines


def _of_types(types: tuple[str, ...] | None) -> Composed:
    return SQL("true").format() if types is None else SQL("type = any ({})").format(Literal(list(types)))


def _whole_streams(lines: Iterator[Line]) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    for line in lines:
        if len(chunk) >= _CHUNK and line[2] != chunk[-1][2]:
            yield chunk
            chunk = []
        chunk.append(line)
    if chunk:
        yield chunk
