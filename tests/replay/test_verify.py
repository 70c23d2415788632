from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import zip_longest
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings

from domain.commands import Decision
from domain.customer import register
from domain.identity import OPERATOR
from projections.ended_episodes import ENDED_EPISODES
from projections.feed import Feed
from projections.states import TABLES
from projections.tables import Kind, Table
from replay.new_tables import ALL
from replay.processes import ProcessLost
from replay.verify import Difference, Verification, verify
from store.bulk import prepared
from store.clock import new_id, now
from store.connections import CompanyDatastore, Pool, open_pool
from store.log import Attribution, Log, Submission
from tests.projections.histories import BUSY, HISTORIES, Made, Pick, append, new_company, picks

BY = Attribution(OPERATOR, "administrator", None, None)
PLAYED = picks(3, 220)
KEPT = (*TABLES, ENDED_EPISODES)


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=6) as pool:
        yield pool


@pytest.fixture
def datastore(pool: Pool) -> CompanyDatastore:
    return CompanyDatastore(pool, "acme")


@pytest.fixture
def log(datastore: CompanyDatastore) -> Log:
    return Log(datastore)


@pytest.fixture
def made(datastore: CompanyDatastore, log: Log) -> Made:
    made = Made().play(PLAYED)
    append(log, made.decisions)
    Feed(datastore, log).catch_up()
    return made


def alter(pool: Pool, statement: str) -> int:
    """Do it as somebody would who owns the tables, switches the triggers off and afterwards on again."""
    with pool.connection() as connection, connection.transaction():
        connection.execute("set local session_replication_role = replica")
        for table in ("events", "commands"):
            connection.execute(f"alter table company_acme.{table} disable trigger {table}_stay".encode())
        rows = connection.execute(statement.encode()).rowcount
        for table in ("events", "commands"):
            connection.execute(
                f"alter table company_acme.{table} enable always trigger {table}_stay".encode()
            )
        return rows


@settings(max_examples=12, deadline=None, suppress_health_check=BUSY)
@given(HISTORIES)
def test_what_a_feed_made_is_sound(pool: Pool, picks: tuple[Pick, ...]) -> None:
    made = Made().play(picks)
    log = new_company(pool)
    append(log, made.decisions)
    assert isinstance(log.datastore, CompanyDatastore)
    feed = Feed(log.datastore, log, batch=10, cache=3)
    found = verify(log.datastore, log)
    for target in (0, made.events // 2, made.events):
        position = feed.catch_up(target)
        found = verify(log.datastore, log)
        assert (found.differences, found.events, found.position) == ([], made.events, position)
        assert position >= target
    with pool.connection() as connection:
        counts = " + ".join(f"(select count(*) from {log.datastore.schema}.{name})" for name in ALL)
        total = connection.execute(f"select {counts} as n".encode()).fetchone()
    assert total == {"n": found.rows}


def test_an_empty_company_is_sound(datastore: CompanyDatastore, log: Log) -> None:
    found = verify(datastore, log)
    assert found == Verification(0, 0, 0, [])
    assert found.is_sound


def test_progress_is_told(datastore: CompanyDatastore, log: Log, made: Made) -> None:
    told: list[tuple[int, int]] = []
    verify(datastore, log, progress=lambda *at: told.append(at))
    assert told[-1] == (made.events, made.events)


OTHER: dict[Kind, str] = {
    Kind.ID: "'00000000-0000-0000-0000-000000000001'",
    Kind.TEXT: "coalesce({0}, '') || '.'",
    Kind.WHOLE: "coalesce({0}, 0) + 1",
    Kind.AMOUNT: "coalesce({0}, 0) + 0.01",
    Kind.DAY: "coalesce({0}, '2020-01-01') + 1",
    Kind.MOMENT: "coalesce({0}, '2020-01-01') + interval '1 microsecond'",
    Kind.TRUTH: "not {0}",
    Kind.IDS: "{0} || '00000000-0000-0000-0000-000000000001'::uuid",
    Kind.TEXTS: "{0} || 'more'::text",
    Kind.WHOLES: "{0} || 1",
    Kind.JSON: "case jsonb_typeof({0}) when 'object' then {0} || '{{\"more\": \"x\"}}' else {0} || '[1]' end",
}
FRAME: dict[str, str] = {
    "version": "{0} + 1",
    "since": "{0} + 1",
    "until": "coalesce({0}, 1000000) + 1",
    "occurred_from": "{0} - interval '1 microsecond'",
    "occurred_until": "coalesce({0}, now()) + interval '1 microsecond'",
}
CELLS: list[list[tuple[Table, str, str]]] = [
    [
        *((table, column, OTHER[kind]) for column, kind in table.columns.items()),
        *((table, column, other) for column, other in FRAME.items()),
    ]
    for table in KEPT
]
"""Of each table every column, and what it may be altered to."""


def altered(pool: Pool, table: Table, column: str, other: str) -> Difference:
    """Alter that cell of one row of *table*, which is kept as it was; what is to be found."""
    name, key = table.name, table.key
    some = f"(select ctid from company_acme.{name} order by {key}::text desc, since offset %s limit 1)"
    with pool.connection() as connection:
        rows = connection.execute(f"select count(*) as n from company_acme.{name}".encode()).fetchone()
        assert rows is not None
        assert rows["n"], f"the history has no {name}"
        at = [rows["n"] // 2]
        was = connection.execute(
            f"""select {column} as value, {key} as key, since from company_acme.{name}
                where ctid = {some}""".encode(),
            at,
        ).fetchone()
        assert was is not None
        connection.execute(f"create table company_acme.kept_{name} as table company_acme.{name}".encode())
        connection.execute(
            f"""update company_acme.{name} set {column} = {other.format(column)}
                where ctid = {some}""".encode(),
            at,
        )
    return Difference(name, str(was["key"]), was["since"], column, expected=was["value"])


def restored(pool: Pool, table: Table) -> None:
    columns = ", ".join(table.all_columns)  # others the database makes
    with pool.connection() as connection, connection.transaction():
        connection.execute(f"truncate company_acme.{table.name}".encode())
        again = f"insert into company_acme.{table.name} ({columns}) select {columns} from"
        connection.execute(f"{again} company_acme.kept_{table.name}".encode())
        connection.execute(f"drop table company_acme.kept_{table.name}".encode())


def test_one_altered_cell_of_any_column_is_found(
    pool: Pool, datastore: CompanyDatastore, log: Log, made: Made
) -> None:
    """One in each table at a time: each must be found, and nothing else."""
    for cells in zip_longest(*CELLS):
        at_once = [cell for cell in cells if cell is not None]
        wanted = [altered(pool, *cell) for cell in at_once]
        found = verify(datastore, log).differences
        for each in wanted:
            of_it = [other for other in found if other.where == each.where]
            assert of_it, each
            if each.what != "since":
                assert [replace(other, found=None) for other in of_it] == [each]
        for table, *_ in at_once:
            restored(pool, table)
    assert verify(datastore, log).is_sound


@pytest.mark.parametrize("table", KEPT, ids=lambda table: table.name)
def test_41_a_row_that_is_given_to_another_thing_is_found(
    pool: Pool, datastore: CompanyDatastore, log: Log, made: Made, table: Any
) -> None:
    other = OTHER[Kind.TEXT if table.key_type == "text" else Kind.ID].format(table.key)
    row = f"(select ctid from company_acme.{table.name} limit 1)"
    alter(pool, f"update company_acme.{table.name} set {table.key} = {other} where ctid = {row}")
    found = {difference.what for difference in verify(datastore, log).differences}
    assert found == {"no event tells of this row", "the row is missing"}


@pytest.mark.parametrize("table", KEPT, ids=lambda table: table.name)
def test_a_missing_and_a_stray_row_are_found(
    pool: Pool, datastore: CompanyDatastore, log: Log, made: Made, table: Any
) -> None:
    columns = [name for name in table.all_columns if name not in {table.key, "since", "until"}]
    strays = ("000", "zzz") if table.key_type == "text" else (f"{UUID(int=1)}", f"{UUID(int=2**128 - 1)}")
    for stray in strays:
        alter(
            pool,
            f"""insert into company_acme.{table.name} ({table.key}, since, until, {", ".join(columns)})
                select '{stray}', 5, 6, {", ".join(columns)} from company_acme.{table.name} limit 1""",
        )
    assert [str(difference) for difference in verify(datastore, log).differences] == [
        f"{table.name} {stray} since 5: no event tells of this row" for stray in strays
    ]
    assert alter(pool, f"delete from company_acme.{table.name} where since = 5 and until = 6") == len(strays)
    alter(
        pool,
        f"""delete from company_acme.{table.name} where ctid = (
            select ctid from company_acme.{table.name} order by since desc limit 1)""",
    )
    assert [difference.what for difference in verify(datastore, log).differences] == ["the row is missing"]


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("delete from company_acme.events where position = 40", "events 41: follows event 39"),
        (
            "update company_acme.events set decision_end = 50 where position = 40",
            "events 41: its decision ends at event 41, that of the event before at 50",
        ),
        (
            "update company_acme.events set decision_end = 10000 where position = {last}",
            "goes on to event 10000",
        ),
        (
            "update company_acme.events set recorded_at = recorded_at + interval '1 day' where position = 60",
            "events 61: recorded_at goes back",
        ),
        (
            """update company_acme.events set occurred_at = occurred_at - interval '9 years'
               where stream_id = (select stream_id from company_acme.events where version > 3 limit 1)
                 and version = 2""",
            "occurred_at goes back",
        ),
        (
            """update company_acme.events set version = 1000
               where (stream_id, version) in (select stream_id, max(version) from company_acme.events
                                              group by 1 having max(version) > 1 limit 1)""",
            "and has version 1000",
        ),
        (
            "update company_acme.events set type = 'unheard-of.v1' where position = 30",
            "cannot be folded: Unknown",
        ),
        ("update company_acme.events set data = '{{}}' where position = 30", "cannot be folded: Undecodable"),
        (
            """update company_acme.events set data = replace(data::text, '"100.50"', '"100.51"')::json
               where type = 'item-registered.v1'""",
            "expected Decimal('100.51')",
        ),
        (
            "update company_acme.tracking set notification_id = 10001 where application_name = 'states'",
            "tracking states: no decision ends at the position: found 10001, expected ",
        ),
    ],
)
def test_an_altered_log_is_found(
    pool: Pool, datastore: CompanyDatastore, log: Log, made: Made, statement: str, says: str
) -> None:
    assert alter(pool, statement.format(last=made.events)) >= 1
    outcome = verify(datastore, log, limit=1000)
    assert any(says in str(difference) for difference in outcome.differences), outcome.differences


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (
            "alter table company_acme.events disable trigger events_stay",
            "events events_stay: no trigger refuses its changes",
        ),
        ("alter table company_acme.events enable trigger events_stay", "events events_stay: no trigger"),
        ("drop trigger commands_stay on company_acme.commands", "commands commands_stay: no trigger"),
        (
            """create or replace trigger events_stay before truncate on company_acme.events
               for each statement execute function redress.refuse_change()""",
            "events events_stay: no trigger",
        ),
    ],
)
def test_30_a_log_that_is_no_longer_guarded_is_found(
    pool: Pool, datastore: CompanyDatastore, log: Log, made: Made, statement: str, says: str
) -> None:
    assert verify(datastore, log).is_sound
    with pool.connection() as connection:
        connection.execute(statement.encode())
    assert [str(each)[: len(says)] for each in verify(datastore, log).differences] == [says]


_OF_SEVERAL = (
    "(select min(command_id::text)::uuid from company_acme.commands where last_position > first_position)"
)
_UNCHANGED = "insert into company_acme.commands values (gen_random_uuid(), null, '', {0}, {1}, {2}, '')"


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("update company_acme.events set command_id = gen_random_uuid() where position = 30", "not recorded"),
        ("delete from company_acme.commands where first_position = 1", "not recorded"),
        (
            "insert into company_acme.commands values (gen_random_uuid(), null, '', 30, 31, now(), '')",
            "its events, 30 to 31, are not there",
        ),
        (
            f"""update company_acme.commands set last_position = last_position + 1
                where command_id = {_OF_SEVERAL}""",
            "its events should be ",
        ),
        (
            f"update company_acme.commands set recorded_at = now() where command_id = {_OF_SEVERAL}",
            "recorded at another time",
        ),
        (
            f"""update company_acme.events set actor = gen_random_uuid() where position =
                (select last_position from company_acme.commands where command_id = {_OF_SEVERAL})""",
            "somebody else",
        ),
        (_UNCHANGED.format(100001, 100000, "now()"), "does not stand where"),
        (_UNCHANGED.format(31, 30, "'2000-01-01'"), "does not stand where"),
        (_UNCHANGED.format(32, 30, "now()"), "does not stand where"),
    ],
)
def test_30_events_and_commands_that_do_not_fit_are_found(
    pool: Pool, datastore: CompanyDatastore, log: Log, made: Made, statement: str, says: str
) -> None:
    assert alter(pool, statement) == 1
    outcome = verify(datastore, log, limit=1000)
    assert any(says in str(difference) for difference in outcome.differences), outcome.differences


def test_42_a_command_that_changed_nothing_and_events_that_were_copied_fit(
    datastore: CompanyDatastore, log: Log, made: Made
) -> None:
    log.append(Submission(new_id(), "k", b"", BY, (), {}, b""))
    new = Decision(now(), (register("new", None, None),))
    log.append_bulk(new_id(), BY, [prepared([new], {}, log.codec)])
    log.append(Submission(new_id(), "l", b"", BY, (), {}, b""))
    Feed(datastore, log).catch_up()
    assert verify(datastore, log).differences == []


def test_an_event_that_cannot_be_folded_is_said_once(
    pool: Pool, datastore: CompanyDatastore, log: Log, made: Made
) -> None:
    """And nothing about the rows of its stream, of which nothing can be said."""
    for stream in ("company-founded.v1", "person-registered.v1", "item-registered.v1", "item-qualified.v1"):
        first = f"(select min(position) from company_acme.events where type = '{stream}')"
        spoil = f"update company_acme.events set type = 'x.v1' where position = {first}"
        mend = f"update company_acme.events set type = '{stream}' where type = 'x.v1'"
        assert alter(pool, spoil) == 1
        assert len(verify(datastore, log).differences) == 1
        alter(pool, mend)
    assert verify(datastore, log).is_sound


def test_it_stops_at_so_many_differences(
    pool: Pool, datastore: CompanyDatastore, log: Log, made: Made
) -> None:
    alter(pool, "update company_acme.item_states set number = 'x'")
    outcome = verify(datastore, log, limit=3)
    assert len(outcome.differences) == 3
    assert {difference.what for difference in outcome.differences} == {"number"}


def test_41_processes_share_the_streams_out_and_find_the_same(
    pool: Pool, datastore: CompanyDatastore, log: Log, made: Made
) -> None:
    told: list[tuple[int, int]] = []
    shared = verify(datastore, log, progress=lambda *at: told.append(at), processes=2)
    assert shared == verify(datastore, log)
    assert (shared.events, told[-1]) == (made.events, (made.events, made.events))
    # In some range of streams each: a cell, a row too few and one too many, an event that cannot be read.
    alter(pool, "update company_acme.item_states set balance = balance + 1 where since % 7 = 0")
    alter(pool, "delete from company_acme.dispute_states where since % 5 = 0")
    alter(pool, "update company_acme.customer_states set customer_id = gen_random_uuid() where until is null")
    alter(pool, "update company_acme.person_states set name = 'x'")
    alter(
        pool,
        "update company_acme.events set recorded_at = recorded_at - interval '1 day' where position = 50",
    )
    spoilt = (
        "update company_acme.events set type = 'x.v1' where position in (select max(position) - 3 from {})"
    )
    alter(pool, spoilt.format("company_acme.events"))
    alone = verify(datastore, log, limit=10_000)
    assert len({difference.where for difference in alone.differences}) >= 5
    assert {str(each) for each in verify(datastore, log, limit=10_000, processes=2).differences} == {
        str(each) for each in alone.differences
    }


def test_41_a_process_that_is_killed_ends_a_verification(
    datastore: CompanyDatastore, log: Log, made: Made
) -> None:
    def kill(*_: int) -> None:
        for process in multiprocessing.active_children():
            process.kill()

    with pytest.raises(ProcessLost, match="Try again"):
        verify(datastore, log, progress=kill, processes=2)


def test_a_difference_says_where_and_what() -> None:
    assert str(Difference("item_states", "k", 7, "balance", 1, 2)) == (
        "item_states k since 7: balance: found 1, expected 2"
    )
    assert str(Difference("events", "3", None, "follows event 1")) == "events 3: follows event 1"


def test_41_tables_that_are_swapped_meanwhile_are_compared_as_they_are_after_it(
    pool: Pool, datastore: CompanyDatastore, log: Log, made: Made
) -> None:
    with pool.connection() as swapping, ThreadPoolExecutor(1) as thread:
        swapping.execute("begin; lock table company_acme.tracking in access exclusive mode")
        verifying = thread.submit(verify, datastore, log)
        waiting = "select from pg_locks where not granted and relation = 'company_acme.tracking'::regclass"
        while not swapping.execute(waiting).rowcount and not verifying.done():
            time.sleep(0.01)
        # As a rebuild does: other tables by the same names, with rows that no older snapshot shows.
        swapping.execute("alter table company_acme.item_states rename to item_states_old")
        swapping.execute("create table company_acme.item_states as table company_acme.item_states_old")
        swapping.execute("commit")
        assert verifying.result().is_sound
