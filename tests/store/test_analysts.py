"""A role for analysts reads the views of its company, and that is all it can do."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from store.analysts import (
    MayNotMakeRoles,
    NoSuchRole,
    RoleHasMore,
    RoleUnsuitable,
    connection_line,
    grant,
    revoke,
    views,
)
from store.clock import new_id
from store.connections import CompanyDatastore, Pool, open_pool
from store.migrate import create_company, migrate

PASSWORD = "not a 'secret'"


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=2) as pool:
        yield pool


@pytest.fixture
def acme(pool: Pool) -> CompanyDatastore:
    return CompanyDatastore(pool, "acme")


@pytest.fixture
def role(server: str, pool: Pool) -> Iterator[str]:
    """A name that no role has; roles belong to the server, so what is made of it has to go again."""
    name = f"analyst_{new_id().hex}"
    yield name
    with pool.connection() as connection:
        if connection.execute("select from pg_roles where rolname = %s", [name]).fetchone():
            connection.execute(f"drop owned by {name}".encode())
            connection.execute(f"drop role {name}".encode())


def as_role(acme: CompanyDatastore, role: str) -> psycopg.Connection:
    return psycopg.connect(connection_line(acme, role), password=PASSWORD, autocommit=True)


def test_the_role_reads_every_view_but_the_log_and_asks_every_function(
    acme: CompanyDatastore, role: str
) -> None:
    assert grant(acme, role, password=PASSWORD) is True
    with as_role(acme, role) as analyst:
        for each in views(acme):
            if each.view != "events":
                analyst.execute(f"select * from {each.view}".encode())
        for name in ("items", "disputes", "follow_ups", "episodes"):
            analyst.execute(f"select * from {name}_as_of('2026-03-31Z', 7)".encode())
        analyst.execute("select position_at(now())")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            analyst.execute("select * from events")


def test_the_log_is_granted_apart_and_taken_away_again(acme: CompanyDatastore, role: str) -> None:
    grant(acme, role, password=PASSWORD, with_log=True)
    with as_role(acme, role) as auditor:
        auditor.execute("select * from events")
        assert grant(acme, role) is False  # the password stays
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            auditor.execute("select * from events")
    as_role(acme, role).close()


@pytest.mark.parametrize(
    "statement",
    [
        "select * from company_acme.item_states",
        "select * from company_acme.events",
        "select company_acme.position_at(now())",
        "select * from redress.api_keys",
        "select * from company_other_reporting.items",
    ],
)
def test_the_role_reads_nothing_else(
    database: str, acme: CompanyDatastore, role: str, statement: str
) -> None:
    create_company(database, "other")
    grant(acme, role, password=PASSWORD, with_log=True)
    with as_role(acme, role) as analyst, pytest.raises(psycopg.errors.InsufficientPrivilege):
        analyst.execute(statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "delete from company_acme_reporting.item_states",
        "update company_acme_reporting.item_states set balance = 0",
        "insert into company_acme_reporting.sales_states (month) values (now())",
        "create table company_acme_reporting.own (n int)",
        "create function company_acme_reporting.own() returns int return 1",
        "create schema own",
        "create role own",
    ],
)
def test_the_role_writes_nothing_even_if_it_lifts_its_read_only_default(
    acme: CompanyDatastore, role: str, statement: str
) -> None:
    grant(acme, role, password=PASSWORD, with_log=True)
    with as_role(acme, role) as analyst:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            analyst.execute("create temporary table own (n int)")
        analyst.execute("set default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            analyst.execute(statement.encode())


def test_a_statement_that_takes_too_long_is_cut_off(acme: CompanyDatastore, role: str) -> None:
    grant(acme, role, password=PASSWORD)
    with as_role(acme, role) as analyst:
        assert analyst.execute("show statement_timeout").fetchone() == ("1min",)
        assert analyst.execute("show idle_in_transaction_session_timeout").fetchone() == ("5min",)
    grant(acme, role, timeout=1)
    with as_role(acme, role) as analyst, pytest.raises(psycopg.errors.QueryCanceled):
        analyst.execute("select pg_sleep(30) from version")


def test_what_was_granted_is_taken_away(acme: CompanyDatastore, role: str) -> None:
    grant(acme, role, password=PASSWORD, with_log=True)
    revoke(acme, role)
    with (
        as_role(acme, role) as analyst,
        pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable)),
    ):
        analyst.execute("select * from company_acme_reporting.items")
    with pytest.raises(NoSuchRole):
        revoke(acme, "nobody_at_all")


def test_the_password_is_not_told_to_the_server(acme: CompanyDatastore, role: str, pool: Pool) -> None:
    grant(acme, role, password=PASSWORD)
    with pool.connection() as connection:
        kept = connection.execute("select rolpassword from pg_authid where rolname = %s", [role]).fetchone()
    assert kept is not None
    assert kept["rolpassword"].startswith("SCRAM-SHA-256$")


def test_a_role_that_may_do_more_is_left_alone(
    database: str, acme: CompanyDatastore, role: str, pool: Pool
) -> None:
    with pool.connection() as connection:
        connection.execute(f"create role {role}".encode())
        connection.execute("select redress.grant_service('acme', %s)", [role])
        (owner,) = connection.execute("select current_user as name").fetchone().values()  # type: ignore[union-attr]
    for name in (role, owner):
        with pytest.raises(RoleHasMore):
            grant(acme, name)
        with pytest.raises(RoleHasMore):
            revoke(acme, name)
    with open_pool(make_conninfo(database, options=f"-c role={role}"), size=1) as service:
        with pytest.raises(MayNotMakeRoles):
            grant(CompanyDatastore(service, "acme"), f"{role[:60]}_x")
        service_reads = CompanyDatastore(service, "acme").rows(b"select * from company_acme_reporting.items")
        assert service_reads == []


def test_a_role_of_something_else_in_the_database_is_left_alone(
    acme: CompanyDatastore, role: str, pool: Pool
) -> None:
    with pool.connection() as connection:
        connection.execute(f"create role {role} login".encode())
        connection.execute(f"create schema of_another authorization {role}".encode())
        connection.execute("create table of_another.told (what text)")
        connection.execute(f"grant insert on of_another.told to {role}".encode())
    with pytest.raises(RoleHasMore):
        grant(acme, role)
    with pool.connection() as connection:
        settings = "select from pg_db_role_setting s join pg_roles r on r.oid = s.setrole where rolname = %s"
        assert connection.execute(settings, [role]).fetchall() == []
        connection.execute(f"revoke insert on of_another.told from {role}".encode())
    assert grant(acme, role) is False


@pytest.mark.parametrize(
    "name", ["", "pg_reader", "Ana", "ana-lyst", "1ana", "public", 'a"; drop role x', "a" * 64]
)
def test_what_cannot_be_a_role_is_refused(acme: CompanyDatastore, name: str) -> None:
    with pytest.raises(RoleUnsuitable):
        grant(acme, name)


def test_a_company_whose_schema_was_dropped_can_come_back(
    database: str, acme: CompanyDatastore, role: str, pool: Pool
) -> None:
    grant(acme, role, password=PASSWORD)
    with pool.connection() as connection:
        connection.execute("drop schema company_acme cascade")
    assert "company_acme/0004_reporting" in migrate(database)
    grant(acme, role)
    with as_role(acme, role) as analyst:
        assert analyst.execute("select * from items_as_of(now(), 7)").fetchall() == []
