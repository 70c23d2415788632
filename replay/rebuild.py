"""Making the read side anew from the log, beside the one in use, and putting it in its place.

New tables are filled by folding the log stream by stream, get the indexes of the live ones, catch up with
what was recorded meanwhile, and take the live ones' names in one short transaction. Until then nobody sees
them: whatever ends a rebuild early leaves the live tables as they were, and what it left behind is removed by
the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import psycopg
from psycopg import Connection, Cursor
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Composed, Identifier, Literal

from projections.feed import Feed
from projections.fold import Fold
from projections.lines import COLUMNS, Line
from projections.states import TABLES
from projections.writing import Writer
from store.connections import CompanyDatastore
from store.log import Log
from store.tracking import StatesTracking

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told (what is being done, how much of it is done, how much there is)."""

SUFFIX: Final = "_new"
_BEFORE: Final = "_old"
"""What the live tables are called from the swap until they are dropped, which takes longer than to swap."""
NAMES: Final = (*(table.name for table in TABLES), "tracking")

_CHUNK: Final = 20_000
"""Events that are folded and written at a time."""

_CLOSE: Final = 2_000
"""How many events behind the live tables the new ones may be when these are stopped for the rest."""

_ROUNDS: Final = 20
"""How often the new tables run after the live ones before these are stopped however far it is."""

_PATIENCE: Final = 60.0
"""Seconds in which a moment without readers must be found."""

_FIRST_WAIT: Final = 0.05
_LONGEST_WAIT: Final = 1.0
"""Seconds: how long readers are held up in one attempt to swap; doubled from the first to the longest."""


class RebuildRunning(Exception):
    """Another rebuild of this company is under way."""


class ReadersInTheWay(Exception):
    """Readers held the live tables for a minute on end: nothing was changed. Try again when they are done."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did: events folded, and the position up to which the new tables were true when they took
    their place. swap_seconds: how long readers may have waited."""

    events: int
    position: int
    swap_seconds: float


def rebuild(datastore: CompanyDatastore, log: Log, progress: Progress = lambda *_: None) -> Rebuilt:
    """Make all tables of states of *datastore*'s company anew from *log* and swap them in.

    The feed and all readers go on meanwhile. Takes two connections of the pool, three towards the end. Raises
    RebuildRunning, ReadersInTheWay, projections.fold.Unfoldable or FeedFailed naming an event that cannot be
    folded, psycopg.Error; whatever is raised, the live tables are as they were.
    """
    with datastore.pool.connection() as connection, _alone(connection, datastore.schema):
        _drop_leftovers(connection, datastore.schema)
        try:
            return _rebuild(connection, datastore, log, progress)
        finally:
            with suppress(psycopg.OperationalError):  # no connection any more: the next rebuild does it
                _drop_leftovers(connection, datastore.schema)


def _rebuild(
    connection: Connection[Any], datastore: CompanyDatastore, log: Log, progress: Progress
) -> Rebuilt:
    newest = log.newest()
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(_create(datastore.schema))
        _grant(cursor, datastore.schema)
        _load(cursor, datastore, log, newest, progress)
        _add_indexes(cursor, datastore.schema, progress)
    live, new = StatesTracking(datastore), Feed(datastore, log, suffix=SUFFIX)
    live.begin()
    for _ in range(_ROUNDS):
        if (target := live.position()) - new.position() <= _CLOSE:
            break
        new.catch_up(target, progress=lambda done, of: progress("catching up", done, of))
    seconds = _swap(connection, datastore.schema, live, new)
    progress("swapped", 1, 1)
    return Rebuilt(newest, live.position(), seconds)


@contextmanager
def _alone(connection: Connection[Any], schema: str) -> Iterator[None]:
    key = f"redress rebuild {schema}"
    got = connection.execute("select pg_try_advisory_lock(hashtextextended(%s, 0)) as got", [key]).fetchone()
    if got is None or not got["got"]:
        raise RebuildRunning(f"a rebuild of {schema} is under way")
    try:
        yield
    finally:
        with suppress(psycopg.OperationalError):  # the lock ended with the connection
            connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", [key])


# --- new tables --------------------------------------------------------------------------------------


def _drop_leftovers(connection: Connection[Any], schema: str) -> None:
    tables = [Identifier(schema, name + suffix) for name in NAMES for suffix in (SUFFIX, _BEFORE)]
    connection.execute(SQL("drop table if exists {}").format(SQL(", ").join(tables)))


def _create(schema: str) -> Composed:
    def one(name: str, but: str) -> Composed:
        new, live = Identifier(schema, name + SUFFIX), Identifier(schema, name)
        return SQL("create table {} (like {} including all{});").format(new, live, SQL(but))

    # Indexes come later: filling a table and then sorting is faster than keeping it sorted.
    tables = [one(table.name, " excluding indexes") for table in TABLES]
    return SQL("").join([*tables, one("tracking", "")])


# Who may read the live table may read the new one; `like` does not see to that.
_GRANTS: Final = """
select format('grant %%s on %%I.%%I to %%s', a.privilege_type, n.nspname, t.relname || %(suffix)s,
              case a.grantee when 0 then 'public' else a.grantee::regrole::text end) as statement
from pg_class t join pg_namespace n on n.oid = t.relnamespace, aclexplode(t.relacl) a
where n.nspname = %(schema)s and t.relname = any (%(names)s) and a.grantee <> t.relowner"""


def _grant(cursor: Cursor[Any], schema: str) -> None:
    names = [table.name for table in TABLES]
    told = {"schema": schema, "suffix": SUFFIX, "names": names}
    for grant in cursor.execute(_GRANTS, told).fetchall():
        cursor.execute(grant["statement"].encode())


def _load(
    cursor: Cursor[Any], datastore: CompanyDatastore, log: Log, newest: int, progress: Progress
) -> None:
    writer = Writer(datastore.schema, SUFFIX, frozen=True)
    done = 0
    for lines in _whole_streams(_lines(datastore, newest)):
        fold = Fold({}, log.codec.decode)
        fold.take(lines)
        for rows in fold.rows:
            writer.write(cursor, rows)
        done += len(lines)
        progress("folding", done, newest)
    tracking = Identifier(datastore.schema, f"tracking{SUFFIX}")
    cursor.execute(SQL("insert into {} values ('states', %s)").format(tracking), [newest])


def _lines(datastore: CompanyDatastore, upto: int) -> Iterator[Line]:
    events = Identifier(datastore.schema, "events")
    statement = SQL("select {} from {} where position <= %s order by stream_id, version").format(
        COLUMNS, events
    )
    with datastore.pool.connection() as connection, connection.transaction():
        connection.execute(
            "set local cursor_tuple_fraction = 1"
        )  # all of it is wanted, not the beginning soon
        with connection.cursor("rebuild", row_factory=tuple_row) as cursor:
            cursor.itersize = _CHUNK
            yield from cursor.execute(statement, [upto], binary=True)


def _whole_streams(lines: Iterator[Line]) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    for line in lines:
        if len(chunk) >= _CHUNK and line[2] != chunk[-1][2]:
            yield chunk
            chunk = []
        chunk.append(line)
    if chunk:
        yield chunk


_INDEXES: Final = """
select t.relname as "table", i.relname as name, x.indisunique as is_unique,
       pg_get_indexdef(i.oid) as definition
from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid
join pg_namespace n on n.oid = t.relnamespace
where n.nspname = %s and t.relname = any (%s) order by i.relname"""


def _indexes(cursor: Cursor[Any], schema: str) -> list[dict[str, Any]]:
    tables = [table.name for table in TABLES]
    return cursor.execute(_INDEXES, [schema, tables]).fetchall()


def _add_indexes(cursor: Cursor[Any], schema: str, progress: Progress) -> None:
    indexes = _indexes(cursor, schema)
    for number, index in enumerate(indexes, 1):
        statement = SQL("create {}index {} on {} using {}").format(
            SQL("unique " if index["is_unique"] else ""),
            Identifier(index["name"] + SUFFIX),
            Identifier(schema, index["table"] + SUFFIX),
            SQL(index["definition"].partition(" USING ")[2]),
        )
        cursor.execute(statement)
        progress("indexing", number, len(indexes))
    for table in TABLES:
        cursor.execute(SQL("analyze {}").format(Identifier(schema, table.name + SUFFIX)))


# --- taking the live tables' place -------------------------------------------------------------------


def _swap(connection: Connection[Any], schema: str, live: StatesTracking, new: Feed) -> float:
    """Swap in a moment without readers; return how many seconds the tables were locked."""
    end, wait = time.monotonic() + _PATIENCE, _FIRST_WAIT
    while True:
        try:
            return _try_swap(connection, schema, live, new, wait)
        except psycopg.errors.LockNotAvailable:
            if time.monotonic() > end:
                raise ReadersInTheWay(ReadersInTheWay.__doc__) from None
        time.sleep(wait)  # those who queued up behind the attempt go first
        wait = min(2 * wait, _LONGEST_WAIT)


def _try_swap(
    connection: Connection[Any], schema: str, live: StatesTracking, new: Feed, wait: float
) -> float:
    with connection.transaction(), connection.cursor() as cursor:
        position = live.hold(cursor)
        # Committed before the swap, and up to the live tables' own position: whoever reads on across the swap
        # finds in the new tables what stood in the old ones.
        reached = new.catch_up(position)
        views = _views(cursor, schema)
        renames = _renames(cursor, schema) + SQL("").join(SQL("; " + view["statement"]) for view in views)
        cursor.execute(SQL("set local lock_timeout = {}").format(Literal(f"{wait * 1000:.0f}ms")))
        cursor.execute("set local synchronous_commit = off")  # dropping the old tables waits for the disk
        began = time.perf_counter()
        # The position first, as readers do who look twice in one snapshot: they lock it before they have one
        # (`lock table tracking in access share mode`), and so either end before the swap or begin after it.
        # Then views before what they read, as who reads them does: so no two wait for each other.
        names = [Identifier(schema, NAMES[-1])]
        names += [Identifier(view["schema"], view["name"]) for view in views]
        names += [Identifier(schema, name) for name in NAMES[:-1]]
        cursor.execute(SQL("lock table {} in access exclusive mode").format(SQL(", ").join(names)))
        cursor.execute(renames)
        if reached > position:  # the live tables were far behind
            live.move(cursor, reached)
    return time.perf_counter() - began


# A view names the tables it reads by their numbers: it has to be told again which they are.
_VIEWS: Final = """
select distinct vn.nspname as schema, v.relname as name,
       format('create or replace view %%I.%%I%%s as %%s', vn.nspname, v.relname,
              ' with (' || array_to_string(v.reloptions, ', ') || ')', pg_get_viewdef(v.oid)) as statement
from pg_depend d join pg_rewrite r on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass
join pg_class v on v.oid = r.ev_class and v.relkind = 'v' join pg_namespace vn on vn.oid = v.relnamespace
join pg_class t on t.oid = d.refobjid and d.refclassid = 'pg_class'::regclass
join pg_namespace n on n.oid = t.relnamespace
where n.nspname = %s and t.relname = any (%s)"""


def _views(cursor: Cursor[Any], schema: str) -> list[dict[str, Any]]:
    tables = [table.name for table in TABLES]
    return cursor.execute(_VIEWS, [schema, tables]).fetchall()


def _renames(cursor: Cursor[Any], schema: str) -> Composed:
    """Live tables and indexes make room, new ones take their names."""
    tables = [table.name for table in TABLES]
    indexes = [index["name"] for index in _indexes(cursor, schema)]
    named = [("table", name) for name in tables] + [("index", name) for name in indexes]
    statements = [
        SQL("alter {} {} rename to {}").format(SQL(what), Identifier(schema, old), Identifier(new))
        for what, name in named
        for old, new in ((name, name + _BEFORE), (name + SUFFIX, name))
    ]
    return SQL(";").join(statements)
