"""What tests share: one PostgreSQL server per run, and databases on it.

``database`` is the one to take for anything that commits, listens or opens several connections.
``connection`` is two hundred times cheaper and enough for what happens inside one transaction.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

import hypothesis
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from store import embedded
from tests import memory_folder

hypothesis.settings.register_profile("redress", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("redress")

ROOT: Final = Path(__file__).resolve().parents[1]
_IN_MEMORY: Final = "REDRESS_TESTS_IN_MEMORY"
_clone_numbers = count()


def pytest_configure(config: pytest.Config) -> None:
    """Make the run's folder in memory; the workers of the run inherit its name."""
    if not _is_worker(config) and (folder := memory_folder.make()) is not None:
        os.environ[_IN_MEMORY] = str(folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Put it away when all workers have ended."""
    if not _is_worker(config) and (folder := os.environ.pop(_IN_MEMORY, None)) is not None:
        memory_folder.put_away(Path(folder))


_NOT_MEASURED: Final = (
    "tests/acceptance/",
    "tests/docs/",
    "tests/torture/",
    "tests/projections/test_oracle.py",
    "tests/projections/test_past.py",
    "tests/replay/test_what_changed_adds_up.py",
    "tests/api/test_http_description.py",
    "tests/api/test_import_killed.py",
    "tests/api/test_load_killed.py",
    "tests/api/test_table_files.py::test_a_file_of_very_many_rows",
)
"""Tests that go through what others cover: measuring them would take as long again."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave what these tests cover unmeasured."""
    for item in items:
        if item.nodeid.startswith(_NOT_MEASURED):
            item.add_marker(pytest.mark.no_cover)


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """Connection string of a server on which databases may be created; all workers of a run share it."""
    if told := os.environ.get("REDRESS_TEST_DATABASE_URL"):
        yield told
        return
    run = tmp_path_factory.getbasetemp()
    on_disk = (run if worker_id == "master" else run.parent) / "server"
    directory = Path(os.environ.get(_IN_MEMORY, on_disk))
    yield embedded.ensure(directory, durable=False)
    embedded.release(directory)


@pytest.fixture(scope="session")
def template(server: str) -> str:
    """Name of a migrated database with the company ``acme``, which nobody connects to: it is for copying."""
    name = f"redress_template_{_schema_digest()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(hashtext(%s))", [name])  # until the connection ends
        known = connection.execute("select from pg_database where datname = %s", [name]).fetchone()
        if known is None:
            _make_template(connection, server, name)
    return name


@pytest.fixture
def database(server: str, template: str, worker_id: str) -> Iterator[str]:
    """Connection string of a fresh migrated database with the company ``acme``, for one test."""
    with _clone(server, template, worker_id) as conninfo:
        yield conninfo


@pytest.fixture(scope="session")
def scratch_database(server: str, template: str, worker_id: str) -> Iterator[str]:
    """Connection string of a database that stays as it was made: whoever uses it rolls back."""
    with _clone(server, template, worker_id) as conninfo:
        yield conninfo


@pytest.fixture
def connection(scratch_database: str) -> Iterator[psycopg.Connection]:
    """A connection whose transaction is rolled back after the test."""
    with contextlib.closing(psycopg.connect(scratch_database)) as connection:
        yield connection
        connection.rollback()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public sample data beside the checkout; without it the test is skipped."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the public sample data is not there: {folder}")
    return folder


@contextlib.contextmanager
def _clone(server: str, template: str, worker_id: str) -> Iterator[str]:
    name = f"redress_test_{worker_id}_{os.getpid()}_{next(_clone_numbers)}"
    identifier = sql.Identifier(name)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(_CLONING)
        create = sql.SQL("create database {} template {} strategy file_copy")  # many times as fast as wal_log
        connection.execute(create.format(identifier, sql.Identifier(template)))
    try:
        yield make_conninfo(server, dbname=name)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(identifier))


_CLONING: Final = """
select set_config(name, 'clone', false) from pg_settings
where name = 'file_copy_method' and 'clone' = any (enumvals)"""
"""Where there is such a setting (PostgreSQL 18), files are copied inside the kernel."""


def _make_template(connection: psycopg.Connection, server: str, name: str) -> None:
    from store.migrate import create_company, migrate  # noqa: PLC0415 - tests without a database run without

    unfinished = sql.Identifier(f"{name}_unfinished")
    connection.execute(sql.SQL("drop database if exists {} with (force)").format(unfinished))
    connection.execute(sql.SQL("create database {}").format(unfinished))
    conninfo = make_conninfo(server, dbname=f"{name}_unfinished")
    migrate(conninfo)
    create_company(conninfo, "acme")
    connection.execute(sql.SQL("alter database {} rename to {}").format(unfinished, sql.Identifier(name)))


def _schema_digest() -> str:
    digest = hashlib.sha256()
    for path in sorted([ROOT / "store" / "migrate.py", *(ROOT / "store" / "schema").glob("*.sql")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
