"""A database is brought to the shape that the docs print, by however many processes, once."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from docs.schema_page import PAGE, page
from store import migrate as module
from store.clock import new_id
from store.connections import CompanyDatastore, open_pool
from store.log import Log
from store.migrate import (
    BadCompanyId,
    CompanyExists,
    DatabaseNewer,
    MigrationChanged,
    companies,
    create_company,
    migrate,
    migrations,
)
from tests.store.facts import CODEC, one


@pytest.fixture
def empty(server: str) -> Iterator[str]:
    """An empty database."""
    name = Identifier(f"redress_empty_{new_id().hex}")
    with contextlib.closing(psycopg.connect(server, autocommit=True)) as connection:
        connection.execute(SQL("create database {}").format(name))
        yield make_conninfo(server, dbname=name.as_string().strip('"'))
        connection.execute(SQL("drop database {} with (force)").format(name))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Migrations of the test's own in the place of the service's."""
    schema = tmp_path / "schema"
    schema.mkdir()
    monkeypatch.setattr(module, "files", lambda _: tmp_path)

    def write(**texts: str) -> None:
        for name, text in texts.items():
            (schema / f"{name.removeprefix('m')}.sql").write_text(text)

    write(m0001_shared="create table redress.companies (id text primary key);")
    return write


def test_from_nothing_everything_is_applied_once(empty: str) -> None:
    assert companies(empty) == []

    applied = migrate(empty)
    create_company(empty, "acme")

    assert applied == [f"redress/{each.name}" for each in migrations() if not each.is_per_company]
    assert migrate(empty) == []
    assert companies(empty) == ["acme"]


def test_the_schema_is_the_one_that_the_docs_print(database: str) -> None:
    assert page(database, "acme") == PAGE.read_text("utf-8"), "make docs writes the page anew"


def test_eight_that_start_at_once_do_the_work_once(empty: str) -> None:
    migrate(empty)
    with psycopg.connect(empty) as connection:
        connection.execute("insert into redress.companies values ('acme'), ('other')")  # not yet made
    applied: list[list[str]] = []
    gate = threading.Barrier(8)

    def start() -> None:
        gate.wait()
        applied.append(migrate(empty))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(applied) == 8
    per_company = [each.name for each in migrations() if each.is_per_company]
    wanted = [f"company_{company}/{name}" for company in ("acme", "other") for name in per_company]
    assert sorted(applied) == [[]] * 7 + [wanted]


def test_eight_that_start_at_once_on_an_empty_database_all_find_it_ready(empty: str) -> None:
    failures: list[Exception] = []

    def start(number: int) -> None:
        try:
            migrate(empty)
            create_company(empty, f"company{number}")
        except Exception as error:  # noqa: BLE001 - looked at below
            failures.append(error)

    threads = [threading.Thread(target=start, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert companies(empty) == [f"company{number}" for number in range(8)]


def test_a_service_that_may_not_create_anything_starts_on_a_database_that_is_ready(database: str) -> None:
    role = f"service_{new_id().hex}"
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute(f"create role {role}".encode())
        owner.execute("select redress.grant_service('acme', %s)", (role,))
        try:
            assert migrate(make_conninfo(database, options=f"-c role={role}")) == []
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                create_company(make_conninfo(database, options=f"-c role={role}"), "other")
        finally:
            owner.execute(f"drop owned by {role}".encode())
            owner.execute(f"drop role {role}".encode())


@pytest.mark.parametrize(
    "company",
    ["", "1acme", "_acme", "Acme", "acme-1", "äcme", 'a"; drop table x', "a" * 42, "acme_reporting"],
)
def test_what_cannot_be_a_companys_id_is_refused(database: str, company: str) -> None:
    with pytest.raises(BadCompanyId):
        create_company(database, company)
    assert companies(database) == ["acme"]


def test_no_companys_schema_is_what_analysts_see_of_another(database: str) -> None:
    with pytest.raises(BadCompanyId, match=r"does not end\s+with _reporting"):
        create_company(database, "beta_reporting")
    create_company(database, "beta")
    create_company(database, "reporting")
    assert companies(database) == ["acme", "beta", "reporting"]


def test_the_longest_id_works(database: str) -> None:
    longest = "a" * 41

    create_company(database, longest)

    with open_pool(database, size=1) as pool:
        assert Log(CompanyDatastore(pool, longest), CODEC).append(one(new_id())).last == 1


def test_a_company_that_exists_is_not_made_again(database: str) -> None:
    with pytest.raises(CompanyExists):
        create_company(database, "acme")


def test_a_new_migration_reaches_every_company(empty: str, files: Callable[..., None]) -> None:
    files(m0002_log="create table {company}.a (n int);")
    migrate(empty)
    create_company(empty, "acme")
    create_company(empty, "other")

    files(m0003_more="create table {company}.b (n int);", m0004_shared="create table redress.c (n int);")

    assert migrate(empty) == ["redress/0004_shared", "company_acme/0003_more", "company_other/0003_more"]
    assert migrate(empty) == []


def test_a_migration_that_fails_leaves_its_schema_as_it_was(empty: str, files: Callable[..., None]) -> None:
    files(m0002_log="create table {company}.a (n int);")
    migrate(empty)
    create_company(empty, "acme")
    files(m0003_more="create table {company}.b (n int);", m0004_bad="create table {company}.b (n int);")

    with pytest.raises(psycopg.errors.DuplicateTable):
        migrate(empty)

    with psycopg.connect(empty) as connection:
        assert connection.execute("select to_regclass('company_acme.b')").fetchone() == (None,)
        assert connection.execute("select number from company_acme.migrations").fetchall() == [(2,)]


def test_a_migration_that_was_changed_afterwards_is_noticed(empty: str, files: Callable[..., None]) -> None:
    migrate(empty)
    files(m0001_shared="create table redress.companies (id text primary key, more int);")

    with pytest.raises(MigrationChanged, match="0001_shared"):
        migrate(empty)


def test_a_database_of_a_newer_version_is_refused(
    empty: str, files: Callable[..., None], tmp_path: Path
) -> None:
    files(m0002_more="create table redress.more (n int);")
    migrate(empty)
    (tmp_path / "schema" / "0002_more.sql").unlink()

    with pytest.raises(DatabaseNewer, match=r"\[2\]"):
        migrate(empty)


def test_migrations_are_numbered_without_gaps(empty: str, files: Callable[..., None]) -> None:
    files(m0003_more="select 1;")

    with pytest.raises(ValueError, match="without gaps"):
        migrate(empty)
