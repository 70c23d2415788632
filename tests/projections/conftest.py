"""The companies that report tests begin with. They share one database, emptied before each test: the log goes
on, as logs do, and nothing but its length is seen of what was before."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from store.connections import Pool, open_pool
from tests.projections.world import World, small_company


@pytest.fixture(scope="session")
def reports_database(server: str, template: str, worker_id: str) -> Iterator[str]:
    """Connection string of the database that report tests share."""
    name = f"redress_reports_{worker_id}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    yield make_conninfo(server, dbname=name)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def reports_pool(reports_database: str) -> Iterator[Pool]:
    """What reports read through."""
    with open_pool(reports_database, size=2) as pool:
        yield pool


@pytest.fixture
def empty(reports_pool: Pool) -> Iterator[World]:
    """A company of which nothing is known."""
    with World(reports_pool) as world:
        yield world


@pytest.fixture
def world(empty: World) -> World:
    """See small_company; nothing is open yet."""
    small_company(empty)
    return empty
