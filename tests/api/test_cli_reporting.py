"""`redress reporting` and `redress export`: analysts get in, and take files away."""

from __future__ import annotations

import json
import subprocess

import psycopg
import pytest

from store.clock import new_id
from store.embedded_programs import find_programs
from tests.api.cli_case import has_items, manager, owner, stranger

__all__ = ["manager", "owner", "stranger"]


@pytest.fixture
def role(database):
    """A name that no role has; what is made of it goes again."""
    name = f"analyst_{new_id().hex}"
    yield name
    with psycopg.connect(database, autocommit=True) as connection:
        if connection.execute("select from pg_roles where rolname = %s", [name]).fetchone():
            connection.execute(f"drop owned by {name}".encode())
            connection.execute(f"drop role {name}".encode())


def test_a_role_is_made_and_gets_in_as_it_is_told(manager, role, tmp_path):
    has_items(manager, tmp_path, 1, 2)
    manager("report", "aged-balance")
    (tmp_path / "password").write_text("hidden\nnot this\n")
    made = manager("reporting", "grant", "--role", role, "--password-from", tmp_path / "password")
    assert f"made the role {role}" in made.err
    assert "no password" not in made.err
    line = manager("reporting", "show", "--role", role, "--connection").out.strip()
    with psycopg.connect(line, password="hidden") as analyst:
        assert analyst.execute("select sum(balance) from items").fetchone() == (20,)
    again = manager("reporting", "grant", "--role", role, "--timeout", 5)
    assert again.err == f"{role}: may read company_acme_reporting, statements end after 5 s\n"
    with psycopg.connect(line, password="hidden") as analyst:
        assert analyst.execute("show statement_timeout").fetchone() == ("5s",)
    manager("reporting", "revoke", "--role", role)
    with psycopg.connect(line, password="hidden") as analyst, pytest.raises(psycopg.Error):
        analyst.execute("select sum(balance) from items")


def test_the_password_may_come_from_standard_input(owner, role, monkeypatch, tmp_path):
    (tmp_path / "typed").write_text("typed\n")
    with (tmp_path / "typed").open() as typed:
        monkeypatch.setattr("sys.stdin", typed)
        owner("reporting", "grant", "--role", role, "--password-from", "-")
    assert owner.rows(f"select rolpassword like 'SCRAM%' from pg_authid where rolname = '{role}'") == [
        (True,)
    ]


def test_a_role_without_a_password_is_said_to_have_none(owner, role):
    assert "has no password" in owner("reporting", "grant", "--role", role).err


def test_who_may_not_make_auditors_does_not_grant_the_log(manager, owner, role, monkeypatch):
    refused = manager("reporting", "grant", "--role", role, "--with-log", code=1)
    assert "auditor" in refused.line
    assert manager.rows(f"select from pg_roles where rolname = '{role}'") == []
    monkeypatch.delenv("REDRESS_API_KEY")
    owner("reporting", "grant", "--role", role, "--with-log")
    has_log = f"select has_table_privilege('{role}', 'company_acme_reporting.events', 'select')"
    assert owner.rows(has_log) == [(True,)]


@pytest.mark.parametrize("who", ["collector", "analyst", "auditor"])
def test_who_makes_no_analysts_grants_nothing(owner, role, who):
    owner.uses(owner.key(who, "Somebody"))
    owner("reporting", "grant", "--role", role, code=1)
    owner("reporting", "revoke", "--role", role, code=1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("grant", "--role", "Ana Lyst"), "Name a role of 1 to 63 characters"),
        (("grant", "--role", "ana", "--password-from", "/no/such/file"), "No such file"),
        (("grant", "--role", "ana", "--password-from", "/dev/null"), "is empty"),
        (("revoke", "--role", "nobody_at_all"), "there is no role 'nobody_at_all'"),
    ],
)
def test_mistakes_are_said_in_one_line(owner, arguments, said):
    assert said in owner("reporting", *arguments, code=1).line


def test_the_views_are_listed_with_what_they_say(owner):
    shown = owner("reporting", "show")
    assert "disputes" in shown.out
    assert 'psql "' in shown.err
    assert "redress serve" in shown.err
    listed = owner("reporting", "show", "--format", "json").json
    assert {"items", "disputes", "episodes", "follow_ups", "events", "version"} <= {
        each["view"] for each in listed
    }


def test_no_password_of_the_database_is_shown(stranger, monkeypatch):
    stranger("found", "acme")
    key = stranger("keys", "create", "--role", "administrator", "--name", "Ada").out.strip()
    monkeypatch.setenv("REDRESS_API_KEY", key)
    monkeypatch.setenv("REDRESS_DATABASE_URL", f"{stranger.database} password=secret")
    shown = stranger("reporting", "show")
    assert "secret" not in shown.out + shown.err
    assert "redress serve" not in shown.err


def test_files_are_exported_with_a_manifest(manager, tmp_path):
    has_items(manager, tmp_path, 1, 2)
    said = manager(
        "export", "parquet", tmp_path / "star", "--only", "items, disputes", "--as-at", "2030-01-01"
    )
    assert "2 items, 0 disputes; at position" in said.err
    manifest = json.loads((tmp_path / "star" / "manifest.json").read_text())
    assert manifest["as_at"].startswith("2030-01-01T23:59:59")
    assert [each["rows"] for each in manifest["files"]] == [2, 0]
    refused = manager("export", "parquet", tmp_path / "star", code=1)
    assert "--overwrite" in refused.line
    manager("export", "parquet", tmp_path / "star", "--overwrite")
    assert (tmp_path / "star" / "events.parquet").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--as-at", "soon"), "--as-at"),
        (("--known-at", "999"), "known_at"),
        (("--only", "customers"), "there is no table 'customers'"),
    ],
)
def test_what_cannot_be_exported_is_said(manager, tmp_path, options, said):
    assert said in manager("export", "parquet", tmp_path / "star", *options, code=1).line
    assert not (tmp_path / "star").exists()


@pytest.mark.parametrize("who", ["administrator", "collector", "analyst"])
def test_29_who_may_not_read_the_log_exports_nothing(owner, tmp_path, who):
    owner.uses(owner.key(who, "Somebody"))
    owner("export", "parquet", tmp_path / "star", code=1)
    assert not (tmp_path / "star").exists()


def test_psql_understands_the_line(manager, role, tmp_path):
    manager("reporting", "grant", "--role", role)
    line = manager("reporting", "show", "--role", role, "--connection").out.strip()
    ran = subprocess.run(
        [find_programs() / "psql", line, "-tAc", "select company_id from version"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.stdout.strip() == "acme", ran.stderr
