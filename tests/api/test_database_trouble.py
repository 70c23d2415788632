"""A database that is there and cannot do it now: said as such, and over without a restart."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from store.connections import CompanyDatastore, LogUnavailable, open_pool
from store.log import Log
from store.migrate import companies
from tests.api.http_service import Service, invoice, problem


def alter(database: str, change: sql.SQL) -> None:
    """Change a setting of *database*, for everybody at once: who is connected is thrown out."""
    name = sql.Identifier(str(conninfo_to_dict(database)["dbname"]))
    writable = make_conninfo(database, options="-c default_transaction_read_only=off")
    with psycopg.connect(writable, autocommit=True) as connection:
        connection.execute(sql.SQL("alter database {} {}").format(name, change))
        throw_out(connection)


def throw_out(connection: psycopg.Connection) -> None:
    connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )


def test_a_read_only_database_answers_what_it_can_and_takes_commands_again_afterwards(
    service: Service, database: str
) -> None:
    service.done("/v1/items", invoice("1"))
    newest = service.newest()
    alter(database, sql.SQL("set default_transaction_read_only = on"))
    refused = service.post("/v1/items", invoice("2"))
    problem(refused, 503, "database-unavailable")
    assert refused.headers["Retry-After"] == "1"
    problem(service.post("/v1/keys", {"name": "k", "scopes": ["import"]}), 503, "database-unavailable")
    assert service.get("/v1/items").status_code == 200
    assert service.newest() == newest
    alter(database, sql.SQL("reset default_transaction_read_only"))
    assert service.done("/v1/items", invoice("2"))["changed"]


def test_connections_that_the_server_ends_are_made_again(service: Service, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        throw_out(connection)
        assert service.done("/v1/items", invoice("1"))["changed"]
        throw_out(connection)
        assert service.get("/v1/items").status_code == 200


def test_a_statement_that_takes_too_long_is_given_up(service: Service, database: str) -> None:
    newest = service.newest()
    alter(database, sql.SQL("set statement_timeout = 200"))
    with psycopg.connect(database) as other:
        other.execute("select pg_advisory_xact_lock(company_acme.append_lock())")
        refused = service.post("/v1/items", invoice("1"))
        problem(refused, 503, "database-unavailable")
        assert refused.headers["Retry-After"] == "1"
    assert service.newest() == newest
    assert service.done("/v1/items", invoice("1"))["changed"]


def test_a_pool_without_a_connection_to_give_says_so_and_gives_one_later(database: str) -> None:
    with open_pool(database, size=1, timeout=1) as pool:
        pool.wait()
        log = Log(CompanyDatastore(pool, "acme"))
        with pool.connection(), pytest.raises(LogUnavailable):
            log.newest()
        assert log.newest() == 0


def test_companies_of_a_database_that_is_away_cannot_be_listed_now(database: str) -> None:
    with pytest.raises(LogUnavailable):
        companies(make_conninfo(database, dbname="redress_that_is_not_there"))
