"""When PostgreSQL plans a report: once for what is live, each time for a moment of the past (spec 40).

How much was open depends on the moment. And what it reads: what is open, however much is over.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import pytest

from domain.identity import person_id
from projections.agenda import AgendaParameters, agenda
from projections.states import TABLES
from store.connections import Pool, open_pool
from tests.projections.world import NOW, World, named, small_company

OFTEN: Final = 30
"""The pool has two connections; a plan is kept from the eleventh time on."""


def plans_kept(pool: Pool, told: str) -> int:
    """How often statements that contain *told* were answered by a plan made before."""
    with pool.connection() as one, pool.connection() as other:
        found = [
            connection.execute(
                "select coalesce(sum(generic_plans), 0) as kept from pg_prepared_statements"
                " where statement like '%%looked_after%%' and statement like %s",
                (f"%{told}%",),
            ).fetchone()
            for connection in (one, other)
        ]
    return sum(int(each["kept"]) for each in found if each)


def test_what_is_live_is_planned_once_and_a_past_moment_each_time(world: World, reports_pool: Pool):
    reading = world.reading()
    before = plans_kept(reports_pool, "is_open_now")
    for _ in range(OFTEN):
        agenda(reading, AgendaParameters())
        agenda(reading, AgendaParameters(as_at=NOW))
    assert plans_kept(reports_pool, "is_open_now") > before
    assert plans_kept(reports_pool, "box(") == 0


OVER: Final = {"carl": 2_000, "cora": 100}
"""Customers of whom nothing is open any more, by collector."""

_IDS: Final = ("customer_id", "item_id", "dispute_id", "follow_up_id")
_OF_ANOTHER: Final = {**dict.fromkeys(_IDS, "md5({}::text || n)::uuid"), "code": "{} || n"}
"""What another customer of the same history differs in."""


def copy_history(world: World, customer: UUID, times: int) -> None:
    """All of *customer*, of as many others."""
    for table in ("customer_states", "item_states", "dispute_states", "follow_up_states"):
        found = world.run(
            "select quote_ident(attname) as name from pg_attribute where attrelid = %(table)s::regclass"
            " and attnum > 0 and attgenerated = ''",
            table=table,
        )
        copied = {each["name"]: _OF_ANOTHER.get(each["name"], "{}").format(each["name"]) for each in found}
        world.run(
            f"insert into {table} ({', '.join(copied)}) select {', '.join(copied.values())}"
            f" from {table} cross join generate_series(1, {times}) n where customer_id = %(customer)s",
            customer=customer,
        )


def tell_much_that_is_over(world: World) -> None:
    """A customer, their item, its dispute and the action about it, many times; all is over."""
    for collector, times in OVER.items():
        name = f"once {collector}"
        customer = world.customer(name, collector)
        item = world.item("1", name)
        world.dispute(name, [item], "2026-03-01", resolver_id=person_id("rita"))
        world.follow_up(name, [item], "2026-03-08", owner=collector, at="2026-03-01", dispute_id=named(name))
        world.change(
            "follow_up_states", "follow_up_id", named(name), "2026-03-09", is_open=False, ended="done"
        )
        world.end_dispute(name, "2026-03-09")
        world.clear(item, "2026-03-10")
        copy_history(world, customer, times)
    for table in TABLES:
        world.run(f"vacuum analyze {table.name}")


def rows_read(pool: Pool, world: World, **asked: object) -> int:
    """How many rows of tables PostgreSQL looks at for the agenda of *asked*."""

    def so_far() -> int:
        with pool.connection() as connection:
            connection.execute("select pg_stat_force_next_flush()")
        counted = "select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) as read from pg_stat_user_tables"
        return int(world.run(f"{counted} where schemaname = '{world.datastore.schema}'")[0]["read"])

    reading = world.reading()
    before = so_far()
    agenda(reading, AgendaParameters(**asked))  # type: ignore[arg-type]
    return so_far() - before


@pytest.mark.parametrize("code", ["cora", "rita"])
def test_40_the_agenda_of_one_person_reads_what_is_open_however_much_is_over(database: str, code: str):
    with open_pool(database, size=1) as pool, World(pool) as world:
        small_company(world)
        item = world.item("1", "alpha")
        world.dispute("price of 1", [item], resolver_id=person_id("rita"))
        world.follow_up("ask rita", [item], "2026-06-10", owner="cora", dispute_id=named("price of 1"))
        tell_much_that_is_over(world)
        person = person_id(code)
        assert len(agenda(world.reading(), AgendaParameters(person=person)).rows) == 1
        assert rows_read(pool, world, person=person) < OVER["carl"] / 2
