"""When PostgreSQL plans a report: once for what is live, each time for a moment of the past (spec 40).

How much was open depends on the moment.
"""

from __future__ import annotations

from typing import Final

from projections.agenda import AgendaParameters, agenda
from store.connections import Pool
from tests.projections.world import NOW, World

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
