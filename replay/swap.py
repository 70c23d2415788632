"""How new tables take the place of the live ones: in one short transaction, in a moment without readers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg import Connection, Cursor
from psycopg.sql import SQL, Composed, Identifier, Literal

from projections.feed import Feed
from replay.new_tables import BEFORE, SUFFIX, TRACKING, indexes
from store.tracking import StatesTracking

_PATIENCE: Final = 60.0
"""Seconds in which a moment without readers must be found."""

_FIRST_WAIT: Final = 0.05
_LONGEST_WAIT: Final = 1.0
"""Seconds: how long readers are held up in one attempt to swap; doubled from the first to the longest."""

_SHORT_ATTEMPTS: Final = 20
"""How often the first wait is tried before it is doubled: between short readers there is a moment soon."""


class ReadersInTheWay(Exception):
    """Readers held the live tables for a minute on end: nothing was changed. Try again when they are done."""


def swap(
    connection: Connection[Any], schema: str, names: Sequence[str], live: StatesTracking, new: Feed
) -> float:
    """Put the new tables of *names* in the place of the live ones.

    *new* brings them to the position of *live* first; where they are further, *live* moves on, so then they
    must be all there are. Returns how many seconds the tables were locked. Raises ReadersInTheWay, and
    whatever *new* raises: then nothing has changed.
    """
    end = time.monotonic() + _PATIENCE
    attempt = 0
    while True:
        attempt += 1
        wait = min(_FIRST_WAIT * 2 ** max(attempt - _SHORT_ATTEMPTS, 0), _LONGEST_WAIT)
        try:
            return _try_swap(connection, schema, names, live, new, wait)
        except psycopg.errors.LockNotAvailable:
            if time.monotonic() > end:
                raise ReadersInTheWay(ReadersInTheWay.__doc__) from None
        time.sleep(wait)  # those who queued up behind the attempt go first


def _try_swap(
    connection: Connection[Any],
    schema: str,
    names: Sequence[str],
    live: StatesTracking,
    new: Feed,
    wait: float,
) -> float:
    with connection.transaction(), connection.cursor() as cursor:
        position = live.hold(cursor)
        # Committed before the swap, and up to the live tables' own position: whoever reads on across the swap
        # finds in the new tables what stood in the old ones.
        reached = new.catch_up(position)
        views = _views(cursor, schema, names)
        renames = _renames(cursor, schema, names) + SQL("").join(
            SQL("; " + view["statement"]) for view in views
        )
        cursor.execute(SQL("set local lock_timeout = {}").format(Literal(f"{wait * 1000:.0f}ms")))
        cursor.execute("set local synchronous_commit = off")  # dropping the old tables waits for the disk
        began = time.perf_counter()
        # The position first, as readers do who look twice in one snapshot: they lock it before they have one
        # (`lock table tracking in access share mode`), and so either end before the swap or begin after it.
        # Then views before what they read, as who reads them does: so no two wait for each other.
        places = [Identifier(schema, TRACKING)]
        places += [Identifier(view["schema"], view["name"]) for view in views]
        places += [Identifier(schema, name) for name in names]
        cursor.execute(SQL("lock table {} in access exclusive mode").format(SQL(", ").join(places)))
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


def _views(cursor: Cursor[Any], schema: str, names: Sequence[str]) -> list[dict[str, Any]]:
    return cursor.execute(_VIEWS, [schema, list(names)]).fetchall()


def _renames(cursor: Cursor[Any], schema: str, names: Sequence[str]) -> Composed:
    """Live tables and indexes make room, new ones take their names."""
    of_tables = [index["name"] for index in indexes(cursor, schema, names)]
    named = [("table", name) for name in names] + [("index", name) for name in of_tables]
    statements = [
        SQL("alter {} {} rename to {}").format(SQL(what), Identifier(schema, old), Identifier(new))
        for what, name in named
        for old, new in ((name, name + BEFORE), (name + SUFFIX, name))
    ]
    return SQL(";").join(statements)
