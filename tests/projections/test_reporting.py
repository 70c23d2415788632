"""The views for analysts say what the reports say, now and at any past moment (spec 40)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any
from uuid import UUID

import pytest
from psycopg.sql import SQL, Identifier

from projections.aged_balance import aged_balance
from projections.cases import FollowUpList, follow_ups
from projections.dispute_report import Counted, DisputeReportParameters, dispute_report
from projections.moment import business_moment
from projections.parameters import Parameters
from projections.resolution_time import ResolutionTimeParameters, resolution_time
from projections.resolver_days import resolver_days
from store.connections import CompanyDatastore, Pool, open_pool
from store.log import Log
from tests.projections.histories import BEGINNING, picks
from tests.projections.test_past import LATER, fed, moments, reading, told_late, visible, zone_of
from tests.projections.test_resolution_fold import busy, by_many
from tests.projections.test_resolution_fold import fed as fed_by_many
from tests.projections.world import World

AS_OF = ("items", "disputes", "follow_ups", "episodes")


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=4) as pool:
        yield pool


class Analyst:
    """Asks one company's views."""

    def __init__(self, pool: Pool, log: Log) -> None:
        self._pool = pool
        assert isinstance(log.datastore, CompanyDatastore)
        self._schema = f"{log.datastore.schema}_reporting"

    def ask(self, statement: str, **bindings: object) -> list[dict[str, Any]]:
        with self._pool.connection() as connection, connection.transaction():
            connection.execute(SQL("set local search_path to {}").format(Identifier(self._schema)))
            cursor = connection.execute(statement.encode(), bindings or None)
            while cursor.nextset():
                pass
            return cursor.fetchall()


@pytest.mark.parametrize("seed", [1, 4, 5])
def test_40_views_of_any_moment_equal_the_reports(pool: Pool, seed: int) -> None:
    made = told_late(picks(seed, 400), seed)
    log = fed(pool, made.decisions)
    analyst, boss = Analyst(pool, log), reading(log, LATER)
    for as_at, known_at in moments(made, Random(made.events)):
        known = log.end_of_decision_at(made.events if known_at is None else known_at)
        at = business_moment(as_at, zone_of(visible(made.decisions, BEGINNING, known)))
        clocks = {"at": at, "known": known_at}
        asked: Any = {"as_at": as_at, "known_at": known_at}

        report = dispute_report(boss, replace(DisputeReportParameters(), **asked))
        assert analyst.ask(
            """select type as key, max(type_label) as label, currency, count(*) as disputes,
                      sum(items) as items, sum(disputed_amount) as amount
               from disputes_as_of(%(at)s, %(known)s) where state = 'open'
               group by type, currency order by currency, amount desc, key""",
            **clocks,
        ) == [
            {name: getattr(row, name) for name in ("key", "label", "currency", "disputes", "items", "amount")}
            for row in report.rows
        ]

        opened = replace(DisputeReportParameters(), state=Counted.OPENED, by="currency", **asked)
        assert analyst.ask(
            """select currency as key, count(*) as disputes, sum(amount_at_opening) as amount
               from episodes_as_of(%(at)s, %(known)s) where episode = 1
               group by currency order by currency""",
            **clocks,
        ) == [
            {"key": row.key, "disputes": row.disputes, "amount": row.amount}
            for row in dispute_report(boss, opened).rows
        ]

        aged = aged_balance(boss, replace(Parameters(), **asked))
        assert analyst.ask(
            """select customer_code as key, max(customer_name) as label, currency, sum(balance) as total,
                      coalesce(sum(disputed_amount), 0) as disputed
               from items_as_of(%(at)s, %(known)s) where is_open
               group by customer_code, currency order by currency, total desc, key""",
            **clocks,
        ) == [
            {name: getattr(row, name) for name in ("key", "label", "currency", "total", "disputed")}
            for row in aged.rows
        ]

        (total,) = resolution_time(boss, replace(ResolutionTimeParameters(), **asked)).totals
        (times,) = analyst.ask(
            """select count(*) filter (where state = 'resolved') as count, count(*) as opened,
                      count(*) filter (where state = 'open') as still_open,
                      avg(calendar_days) filter (where not is_censored) as mean_days
               from episodes_as_of(%(at)s, %(known)s)""",
            **clocks,
        )
        assert times == {
            "count": total.count,
            "opened": total.opened,
            "still_open": total.still_open,
            "mean_days": total.mean_days if total.mean_days is None else pytest.approx(total.mean_days),
        }

        listed = follow_ups(boss, replace(FollowUpList(limit=200), **asked))
        same = ("follow_up_id", "customer_code", "title", "due_on", "owner_id", "resolver_id", "status")
        assert [
            {name: row[name] for name in same}
            for row in analyst.ask(
                """select * from follow_ups_as_of(%(at)s, %(known)s) where is_open
                   order by due_on, follow_up_id limit 200""",
                **clocks,
            )
        ] == [{name: getattr(row, name) for name in same} for row in listed.rows]


def test_34_ends_of_episodes_say_what_was_done_and_at_whose_desk_the_time_went(pool: Pool) -> None:
    log = fed_by_many(pool, by_many(busy(1)))
    (total,) = resolution_time(reading(log, LATER), ResolutionTimeParameters()).totals
    days = resolver_days(reading(log, LATER), ResolutionTimeParameters()).totals
    (said,) = Analyst(pool, log).ask(
        """select count(*) as count, count(first_response_at) as responded,
                  sum(held)::float / 86400e6 as days, sum(chases)::float / count(*) as chases
           from ended_episode_states, lateral (select sum(h) as held from unnest(held_for) h) held
           where state = 'resolved'
             and seen(known_from, known_until, occurred_from, occurred_until, null, null)"""
    )
    assert total.responded > 0
    assert said == {
        "count": total.count,
        "responded": total.responded,
        "days": pytest.approx(days[0].days),
        "chases": pytest.approx(total.chases_per_episode),
    }


@pytest.mark.parametrize("view", AS_OF)
def test_as_of_now_is_what_the_view_shows(pool: Pool, view: str) -> None:
    made = told_late(picks(5, 400), 5)
    analyst = Analyst(pool, fed(pool, made.decisions))
    now = analyst.ask(f"select * from {view}")
    assert len(now) > 1
    for clocks in (
        "",
        "'infinity'",
        "null, null",
        f"now(), {made.events}",
        "known_at => 9223372036854775807",
    ):
        then = analyst.ask(f"select * from {view}_as_of({clocks})")
        assert sorted(then, key=str) == sorted(now, key=str), clocks


def test_known_at_a_time_is_known_at_a_position(pool: Pool) -> None:
    log = fed(pool, told_late(picks(2, 50), 2).decisions)
    analyst = Analyst(pool, log)
    (found,) = analyst.ask(
        "select position_at(now()) as last, position_at('1999-01-01Z') as none, position from version"
    )
    assert found == {"last": log.newest(), "none": 0, "position": log.newest()}


def test_every_view_and_column_and_function_is_described(pool: Pool) -> None:
    with pool.connection() as connection:
        bare = connection.execute(
            """select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
               where c.relnamespace = 'company_acme_reporting'::regnamespace and a.attnum >= 0
                 and (col_description(c.oid, a.attnum) is null or obj_description(c.oid) is null)
               union all
               select p.proname, null from pg_proc p
               where p.pronamespace = 'company_acme_reporting'::regnamespace
                 and obj_description(p.oid) is null"""
        ).fetchall()
    assert bare == []


def test_an_amount_has_its_currency_beside_it(pool: Pool) -> None:
    with pool.connection() as connection:
        alone = connection.execute(
            """select c.relname from pg_class c
               join pg_attribute a on a.attrelid = c.oid and a.atttypid = 'numeric'::regtype
               where c.relnamespace = 'company_acme_reporting'::regnamespace
                 and not exists (select from pg_attribute o
                                 where o.attrelid = c.oid and o.attname = 'currency')"""
        ).fetchall()
    assert alone == []


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("select type_label from disputes where state = 'open' and customer_id = %s", "dispute_states_open"),
        ("select balance from items where customer_id = %s and is_open", "item_states_open"),
        ("select * from items_as_of('2020-02-02Z', 7) where item_id = %s", "item_states_item"),
        ("select * from episodes_as_of('2020-02-02Z', 7) where dispute_id = %s", "dispute_states_dispute"),
    ],
)
def test_conditions_reach_the_tables_indexes(pool: Pool, statement: str, index: str) -> None:
    analyst = Analyst(pool, fed(pool, told_late(picks(2, 50), 2).decisions))
    asked = statement.replace("%s", f"'{UUID(int=0)}'")
    plan = analyst.ask(f"set local enable_seqscan = off; explain {asked}")
    assert any(index in line["QUERY PLAN"] for line in plan), plan


def episodes(world: World, source: str) -> list[tuple[Any, ...]]:
    world.end_episodes()
    found = world.run(f"select * from company_acme_reporting.{source} order by reference, episode")
    return [(each["reference"], each["episode"], each["state"], each["calendar_days"]) for each in found]


def test_20_22_an_episode_that_goes_on_is_one_and_what_was_cancelled_has_none(world: World) -> None:
    for number, name in enumerate(["continued", "mistaken", "twice"]):
        world.dispute(name, [world.item(str(number), "alpha")], at="2026-03-01")
        world.end_dispute(name, "2026-03-11")
    resolved = [(name, 1, "resolved", 10.0) for name in ("continued", "mistaken", "twice")]
    then = world.position
    assert episodes(world, "episodes") == episodes(world, "episodes_as_of()") == resolved
    world.change_dispute("continued", "2026-03-12", state="open", ends_episode=False, outcome=None)
    for name in ("mistaken", "twice"):
        world.reopen_dispute(name, "2026-03-12")
    world.end_dispute("mistaken", "2026-03-13", state="cancelled")
    opened = [("continued", 1, "open", None), ("twice", 1, "resolved", 10.0), ("twice", 2, "open", None)]
    assert episodes(world, "episodes") == episodes(world, "episodes_as_of()") == opened
    world.end_dispute("continued", "2026-03-21")
    at_last = [("continued", 1, "resolved", 20.0), *opened[1:]]
    assert episodes(world, "episodes") == episodes(world, "episodes_as_of('2026-03-21')") == at_last
    assert episodes(world, "episodes_as_of('2026-03-20')") == opened
    for past in ("'2026-03-11'", f"null, {then}"):
        assert episodes(world, f"episodes_as_of({past})") == resolved, past
