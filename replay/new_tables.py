"""Tables of states beside the live ones: made, given their rights, their indexes, and dropped again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from threading import Event
from typing import Any, Final, TypeAlias

from psycopg import Connection, Cursor, connect
from psycopg.sql import SQL, Composed, Identifier

from projections import ended_episodes
from projections.states import TABLES
from replay.turns import Turns, newest_of
from store.backends import stand_behind

SUFFIX: Final = "_new"
BEFORE: Final = "_old"
"""What the live tables are called from the swap until they are dropped, which takes longer than to swap."""
TRACKING: Final = "tracking"
_SHARES: Final = 4
"""Parts of the episodes for each connection: none waits long for the last."""
_WITH_LIMIT: Final = 160_000
"""The first version of PostgreSQL that can be told how much of memory a vacuum may use for what it reads."""
_LOOK: Final = 0.2
"""Seconds between two looks at how far it is."""
ALL: Final = (*(table.name for table in TABLES), ended_episodes.NAME)

Told: TypeAlias = Callable[[int, int], None]
"""Told (how much is done, how much there is)."""


def drop_leftovers(connection: Connection[Any], schema: str) -> None:
    """Remove all that is neither live nor of use."""
    tables = [Identifier(schema, name + suffix) for name in (*ALL, TRACKING) for suffix in (SUFFIX, BEFORE)]
    connection.execute(SQL("drop table if exists {}").format(SQL(", ").join(tables)))


def create(cursor: Cursor[Any], schema: str, tables: Sequence[str], position: int) -> int:
    """Make empty *tables* and a tracking table that says *position*; return the number of the latter, by
    which they are told from what another rebuild may make later."""

    def one(name: str, but: str) -> Composed:
        new, live = Identifier(schema, name + SUFFIX), Identifier(schema, name)
        return SQL("create table {} (like {} including all{});").format(new, live, SQL(but))

    # Indexes come later: filling a table and then sorting is faster than keeping it sorted.
    made = [one(name, " excluding indexes") for name in tables]
    cursor.execute(SQL("").join([*made, one(TRACKING, "")]))
    _grant(cursor, schema, tables)
    place = Identifier(schema, TRACKING + SUFFIX)
    statement = SQL("insert into {} values ('states', %s) returning tableoid::bigint as number")
    found = cursor.execute(statement.format(place), [position]).fetchone()
    assert found is not None, "it was inserted"
    number: int = found["number"]
    return number


# Who may read the live table may read the new one; `like` does not see to that.
_GRANTS: Final = """
select format('grant %%s on %%I.%%I to %%s', a.privilege_type, n.nspname, t.relname || %(suffix)s,
              case a.grantee when 0 then 'public' else a.grantee::regrole::text end) as statement
from pg_class t join pg_namespace n on n.oid = t.relnamespace, aclexplode(t.relacl) a
where n.nspname = %(schema)s and t.relname = any (%(names)s) and a.grantee <> t.relowner"""


def _grant(cursor: Cursor[Any], schema: str, tables: Sequence[str]) -> None:
    told = {"schema": schema, "suffix": SUFFIX, "names": list(tables)}
    for grant in cursor.execute(_GRANTS, told).fetchall():
        cursor.execute(grant["statement"].encode())


_INDEXES: Final = """
select t.relname as "table", i.relname as name, x.indisunique as is_unique,
       pg_get_indexdef(i.oid) as definition
from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid
join pg_namespace n on n.oid = t.relnamespace
where n.nspname = %s and t.relname = any (%s) order by pg_relation_size(t.oid) desc, i.relname"""


def indexes(cursor: Cursor[Any], schema: str, tables: Sequence[str]) -> list[dict[str, Any]]:
    """The indexes of *tables*, those of the largest first: table, name, is_unique, definition."""
    return cursor.execute(_INDEXES, [schema, list(tables)]).fetchall()


def add_indexes(
    connection: Connection[Any], conninfo: str, schema: str, tables: Sequence[str], threads: int, told: Told
) -> None:
    """Give the new *tables* the indexes of the live ones, over so many connections at a time.

    Before that they are vacuumed: nothing needs to look at their rows again to know that all may see them.
    """
    with connection.cursor() as cursor:
        found = indexes(cursor, schema, tables)
    # What a vacuum has looked at may stay in memory, where the indexes are made of it next.
    room = SQL(", buffer_usage_limit 0" if connection.info.server_version >= _WITH_LIMIT else "")
    places = [Identifier(schema, name + SUFFIX) for name in tables]
    vacuums = [SQL("vacuum (freeze, analyze{}) {}").format(room, place) for place in places]
    _run_all(conninfo, schema, vacuums, threads, lambda *_: None)
    statements = [
        SQL("create {}index {} on {} using {}").format(
            SQL("unique " if index["is_unique"] else ""),
            Identifier(index["name"] + SUFFIX),
            Identifier(schema, index["table"] + SUFFIX),
            SQL(index["definition"].partition(" USING ")[2]),
        )
        for index in found
    ]
    _run_all(conninfo, schema, statements, threads, told)


def add_ended_episodes(conninfo: str, schema: str, threads: int, told: Told) -> None:
    """Fill the new table of episodes that ended, from the other new tables and their indexes."""
    number = _SHARES * threads
    shares = [ended_episodes.all_ended(schema, SUFFIX, share, number) for share in range(number)]
    _run_all(conninfo, schema, shares, threads, told)


def _run_all(conninfo: str, schema: str, statements: Sequence[Composed], threads: int, told: Told) -> None:
    """Run each of *statements* by itself. Raises what the first to fail raises; nothing goes on then."""
    left = iter(statements)
    running: list[Connection[Any]] = []
    done: list[Composed] = []
    over = Event()

    def run() -> None:
        with connect(conninfo, autocommit=True) as connection:
            stand_behind(connection)
            # All cores are busy as it is.
            connection.execute("set max_parallel_maintenance_workers = 0")
            running.append(connection)
            turns = Turns(newest_of(connection, schema), over.wait)
            while (statement := next(left, None)) is not None:
                turns.take_turn()
                if over.is_set():
                    break
                connection.execute(statement)
                done.append(statement)

    with ThreadPoolExecutor(threads) as executor:
        pending = {executor.submit(run) for _ in range(threads)}
        try:
            while pending:
                ended, pending = wait(pending, timeout=_LOOK, return_when=FIRST_COMPLETED)
                for each in ended:
                    each.result()
                told(len(done), len(statements))
        except BaseException:
            over.set()
            for connection in running:
                connection.cancel()
            raise
