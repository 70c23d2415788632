"""A rebuild's swap neither breaks the views for analysts nor waits for them in a circle."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from projections import report_tables
from projections.feed import Feed
from replay.rebuild import rebuild
from store.connections import CompanyDatastore, Pool, open_pool
from store.log import Log
from tests.projections.histories import Made, append, picks

READ = """
select (select jsonb_agg(to_jsonb(i) order by item_id) from company_acme_reporting.items i) as items,
       (select jsonb_agg(to_jsonb(e) order by dispute_id, episode)
        from company_acme_reporting.episodes_as_of('2020-01-20Z', 200) e) as episodes"""


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=8) as pool:
        yield pool


def read(pool: Pool) -> dict[str, Any] | None:
    with pool.connection() as connection:
        return connection.execute(READ.encode()).fetchone()


def test_41_views_show_the_rebuilt_tables_with_their_comments_and_rights(pool: Pool) -> None:
    datastore = CompanyDatastore(pool, "acme")
    log = Log(datastore)
    append(log, Made().play(picks(0, 400)).decisions)
    Feed(datastore, log).catch_up()
    described = """
        select c.relname, c.relacl::text, c.reloptions, obj_description(c.oid),
               array_agg((a.attname, col_description(c.oid, a.attnum))::text order by a.attnum)
        from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = 'company_acme_reporting'::regnamespace group by c.oid order by 1"""
    with pool.connection() as connection:
        before = connection.execute(described).fetchall()
        shown = connection.execute(READ.encode(), prepare=True).fetchone()
        assert shown is not None
        assert len(shown["items"]) > 1
        connection.execute("update company_acme.item_states set balance = 0")
        connection.execute("delete from company_acme.dispute_states")
        rebuild(datastore, log)
        assert connection.execute(READ.encode(), prepare=True).fetchone() == shown
        assert connection.execute(described).fetchall() == before
    assert read(pool) == shown


def test_41_views_show_what_one_report_reads_when_that_alone_was_rebuilt(pool: Pool) -> None:
    datastore = CompanyDatastore(pool, "acme")
    log = Log(datastore)
    append(log, Made().play(picks(4, 400)).decisions)
    Feed(datastore, log).catch_up()
    ended = b"select * from company_acme_reporting.episodes where state = 'resolved' order by 1, 3"
    with pool.connection() as connection:
        before = connection.execute(ended).fetchall()
        assert len(before) > 1
        connection.execute("delete from company_acme.ended_episodes")
    for report in ("resolution-time", "item-statuses"):  # with the table of ended episodes, and without
        rebuild(datastore, log, tables=report_tables.READ[report])
        with pool.connection() as connection:
            assert connection.execute(ended).fetchall() == before


def test_41_analysts_read_on_while_tables_are_rebuilt(pool: Pool) -> None:
    datastore = CompanyDatastore(pool, "acme")
    log = Log(datastore)
    append(log, Made().play(picks(0, 400)).decisions)
    Feed(datastore, log).catch_up()
    expected, over, troubles = read(pool), threading.Event(), list[object]()

    def analyse() -> None:
        try:
            while not over.is_set():
                if (found := read(pool)) != expected:
                    troubles.append(found)
        except Exception as error:  # noqa: BLE001 - looked at below
            troubles.append(error)

    analysts = [threading.Thread(target=analyse) for _ in range(3)]
    for analyst in analysts:
        analyst.start()
    try:
        for _ in range(4):
            rebuild(datastore, log)
    finally:
        over.set()
        for analyst in analysts:
            analyst.join()
    assert troubles == []


def test_41_a_view_is_locked_before_the_tables_that_it_reads(pool: Pool) -> None:
    """As who reads it does. Otherwise a swap and a reader could each hold what the other waits for."""
    datastore = CompanyDatastore(pool, "acme")
    log = Log(datastore)
    append(log, Made().play(picks(0, 100)).decisions)
    Feed(datastore, log).catch_up()
    rebuilding = threading.Thread(target=rebuild, args=(datastore, log))
    with pool.connection() as reader, pool.connection() as other:
        reader.execute("begin")
        reader.execute(
            "comment on view company_acme_reporting.item_states is 'held'"
        )  # the view, not its table
        other.execute("set lock_timeout = '20ms'")
        rebuilding.start()
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            other.execute("select from company_acme.item_states limit 1")
        assert rebuilding.is_alive()
        reader.rollback()
    rebuilding.join(20)
    assert not rebuilding.is_alive()
