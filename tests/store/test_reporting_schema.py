"""What analysts see, and who may, comes back where somebody dropped or altered it."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from projections.feed import Feed
from replay.rebuild import rebuild
from store.analysts import NoSuchRole, grant, revoke
from store.connections import CompanyDatastore, Pool
from store.log import Log
from store.migrate import create_company
from store.reporting_schema import ShapeAltered, put_right
from tests.projections.histories import Made, append, picks
from tests.store.test_analysts import acme, as_role, pool, role

__all__ = ["acme", "pool", "role"]

HOME = "company_acme_reporting"


def run(pool: Pool, statement: LiteralString, **names: str) -> None:
    with pool.connection() as connection:
        names |= {"s": HOME, "database": connection.info.dbname}
        told = {name: Identifier(each) for name, each in names.items()}
        connection.execute(SQL(statement).format(**told))


def shown(pool: Pool) -> list[dict[str, Any]]:
    """All that there is in the schema, with what is said of it and granted on it."""
    with pool.connection() as connection:
        return connection.execute(
            """select c.relname as name, pg_get_viewdef(c.oid) as made, c.reloptions::text,
                      coalesce(c.relacl, acldefault('r', c.relowner))::text as rights,
                      obj_description(c.oid) as said,
                      array_agg((a.attname, col_description(c.oid, a.attnum))::text order by a.attnum)
                          as columns
               from pg_class c join pg_attribute a on a.attrelid = c.oid
               where c.relnamespace = 'company_acme_reporting'::regnamespace group by c.oid
               union all
               select p.oid::regprocedure::text, pg_get_functiondef(p.oid), null, p.proacl::text,
                      obj_description(p.oid), null
               from pg_proc p where p.pronamespace = 'company_acme_reporting'::regnamespace
               union all
               select nspname, null, null, nspacl::text, obj_description(oid), null
               from pg_namespace where nspname = 'company_acme_reporting' order by 1"""
        ).fetchall()


def test_what_is_as_it_was_made_is_left_alone_also_after_a_rebuild(
    database: str, acme: CompanyDatastore, role: str
) -> None:
    create_company(database, "other")
    grant(acme, role)
    assert put_right(database) == []
    log = Log(acme)
    append(log, Made().play(picks(0, 50)).decisions)
    Feed(acme, log).catch_up()
    rebuild(acme, log)  # tells the views of other tables
    assert put_right(database) == []


def test_a_schema_that_was_dropped_comes_back_with_all_that_was_granted(
    database: str, acme: CompanyDatastore, role: str, pool: Pool
) -> None:
    grant(acme, role, password="hidden", timeout=7, with_log=True)
    before = shown(pool)
    run(pool, "drop schema {s} cascade")
    assert put_right(database) == [
        f"{HOME}: made anew, with all its views and functions",
        f"role {role}: its settings, and its rights on {HOME}, put right",
    ]
    assert shown(pool) == before
    with as_role(acme, role) as analyst:
        assert analyst.execute("select * from events, items_as_of(now(), 7)").fetchall() == []
        assert analyst.execute("show statement_timeout").fetchone() == ("7s",)
    assert put_right(database) == []


@pytest.mark.parametrize(
    ("statement", "lines"),
    [
        (
            "drop view {s}.items cascade",
            [".items: made anew", ".items_as_of(timestamp with time zone,bigint): made anew"],
        ),
        ("drop view {s}.events", [".events: made anew"]),
        ("drop function {s}.position_at", [".position_at(timestamp with time zone): made anew"]),
        (
            """create or replace view {s}.monthly_sales as
               select month, entity, 2 * amount as amount, currency from {s}.sales_states""",
            [".monthly_sales: put right"],
        ),
        ("alter view {s}.people set (security_invoker = true)", [".people: put right"]),
        (
            """create or replace function {s}.known(known_from bigint, known_until bigint, known_at bigint)
               returns boolean language sql immutable begin atomic select true; end""",
            [".known(bigint,bigint,bigint): put right"],
        ),
        ("comment on column {s}.items.amount is 'wrong'", [".items: described again"]),
        ("comment on view {s}.items is null", [".items: described again"]),
        (
            "comment on function {s}.position_at is 'it''s wrong'",
            [".position_at(timestamp with time zone): described again"],
        ),
        ("comment on schema {s} is null", [": described again"]),
    ],
)
def test_what_was_dropped_or_altered_is_made_as_it_was(
    database: str, acme: CompanyDatastore, role: str, pool: Pool, statement: LiteralString, lines: list[str]
) -> None:
    grant(acme, role)
    before = shown(pool)
    run(pool, statement)
    assert shown(pool) != before
    said = put_right(database) or []
    assert [line for line in said if not line.startswith("role")] == [HOME + line for line in lines]
    assert shown(pool) == before
    assert put_right(database) == []


def test_what_others_made_there_stays(database: str, pool: Pool) -> None:
    run(pool, "create view {s}.ours as select * from {s}.items")
    run(pool, "drop function {s}.position_at")
    assert put_right(database) == [f"{HOME}.position_at(timestamp with time zone): made anew"]
    run(pool, "drop view {s}.ours")


@pytest.mark.parametrize(
    "statement",
    [
        "alter view {s}.items rename column amount to full_amount",
        "drop view {s}.monthly_sales; create table {s}.monthly_sales (month date)",
        """drop function {s}.position_at;
           create function {s}.position_at(moment timestamptz) returns int language sql return 1""",
    ],
)
def test_what_cannot_be_put_right_in_place_is_said_with_the_cure(
    database: str, pool: Pool, statement: LiteralString
) -> None:
    run(pool, statement)
    run(pool, "drop view {s}.events")
    before = shown(pool)
    with pytest.raises(ShapeAltered, match=r"(?s)^company_acme_reporting\.[a-z_]+.*: .*cascade"):
        put_right(database)
    assert shown(pool) == before


@pytest.mark.parametrize(
    "statement",
    [
        "alter role {role} in database {database} reset all",
        "alter role {role} in database {database} set statement_timeout = 0",
        "alter role {role} in database {database} reset default_transaction_read_only",
        "revoke usage on schema {s} from {role}",
        "revoke select on {s}.items from {role}",
        "grant select on {s}.events to {role}",
    ],
)
def test_a_roles_settings_and_rights_are_put_right(
    database: str, acme: CompanyDatastore, role: str, pool: Pool, statement: LiteralString
) -> None:
    grant(acme, role, password="hidden", timeout=7)
    run(pool, statement, role=role)
    assert put_right(database) == [f"role {role}: its settings, and its rights on {HOME}, put right"]
    with as_role(acme, role) as analyst:
        assert analyst.execute("show statement_timeout").fetchone() == ("7s",)
        assert analyst.execute("show default_transaction_read_only").fetchone() == ("on",)
        analyst.execute("select * from items")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            analyst.execute("select * from events")
    assert put_right(database) == []


def test_a_role_that_is_gone_comes_back_without_a_password(
    database: str, acme: CompanyDatastore, role: str, pool: Pool
) -> None:
    grant(acme, role, password="hidden")
    run(pool, "drop owned by {role}; drop role {role}", role=role)
    (line,) = put_right(database) or []
    assert line.startswith(f"role {role}: made anew, without a password: ")
    with as_role(acme, role) as analyst:  # the tests' server asks for none
        analyst.execute("select * from items")
    with pool.connection() as connection:
        kept = connection.execute("select rolpassword as word from pg_authid where rolname = %s", [role])
        assert kept.fetchone() == {"word": None}
    assert put_right(database) == []


def test_a_role_from_which_the_views_were_taken_away_does_not_get_them_back(
    database: str, acme: CompanyDatastore, role: str, pool: Pool
) -> None:
    grant(acme, role)
    revoke(acme, role)
    assert put_right(database) == []
    grant(acme, role)
    run(pool, "drop owned by {role}; drop role {role}", role=role)
    revoke(acme, role)
    assert put_right(database) == []
    with pytest.raises(NoSuchRole):
        revoke(acme, role)


def test_a_role_that_may_do_more_by_now_is_left_alone(
    database: str, acme: CompanyDatastore, role: str, pool: Pool
) -> None:
    grant(acme, role)
    run(pool, "drop schema {s} cascade; alter role {role} createdb", role=role)
    line = f"role {role}: left as it is, for it may do more in this database than analyse"
    assert put_right(database) == [f"{HOME}: made anew, with all its views and functions", line]
    assert put_right(database) == [line]


def test_a_service_with_a_role_of_its_own_reads_the_views_again(
    database: str, acme: CompanyDatastore, role: str, pool: Pool
) -> None:
    with pool.connection() as connection:
        connection.execute(SQL("create role {}").format(Identifier(role)))
        connection.execute("select redress.grant_service('acme', %s)", [role])
    before = shown(pool)
    as_service = make_conninfo(database, options=f"-c role={role}")
    run(pool, "drop schema {s} cascade")
    assert put_right(as_service) is None
    said = put_right(database)
    assert said == [
        f"{HOME}: made anew, with all its views and functions",
        f"role {role}: may read {HOME} again",
    ]
    assert shown(pool) == before
    run(pool, "drop view {s}.items cascade")
    put_right(database)
    assert shown(pool) == before


def test_who_may_make_schemas_but_no_roles_is_told_so(
    database: str, acme: CompanyDatastore, role: str, pool: Pool
) -> None:
    grant(acme, role)
    run(pool, "alter role {role} in database {database} reset all", role=role)
    maker = f"{role[:50]}_maker"
    run(pool, "create role {maker}; grant create on database {database} to {maker}", maker=maker)
    try:
        with pool.connection() as connection:
            connection.execute("select redress.grant_service('acme', %s)", [maker])
        (line,) = put_right(make_conninfo(database, options=f"-c role={maker}")) or []
        assert line.startswith(
            f"role {role}: left as it is. The service's user of the database may not do that"
        )
    finally:
        run(pool, "drop owned by {maker}; drop role {maker}", maker=maker)
