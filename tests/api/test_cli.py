"""The command line as such: help, global options, who acts, and how it says what is wrong."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from api.cli import app, main
from api.commands import items
from store.clock import now
from store.connections import LogUnavailable
from store.embedded_programs import EmbeddedServerRefusal
from tests.api.cli_case import has_items, item_file, manager, owner, row, stranger
from tests.api.command_line import Redress

__all__ = ["manager", "owner", "stranger"]

ROOT = Path(__file__).parents[2]
COMMANDS = (
    ("serve",),
    ("demo",),
    ("migrate",),
    ("found",),
    ("import-items",),
    ("undo-import",),
    ("mappings",),
    ("load",),
    ("why",),
    ("report",),
    ("what-if",),
    ("what-changed",),
    ("rebuild",),
    ("verify",),
    ("export", "parquet"),
    *(("reporting", name) for name in ("grant", "revoke", "show")),
    ("replay",),
    *(("history", name) for name in ("dispute", "item", "follow-up")),
    *(("show", name) for name in ("dispute", "item", "follow-up", "customer")),
    *(("people", name) for name in ("list", "register", "import", "deactivate", "reactivate")),
    *(("keys", name) for name in ("create", "list", "revoke")),
    *(("customers", name) for name in ("list", "register", "import")),
    *(("imports", name) for name in ("list", "show")),
    *(("sales", name) for name in ("list", "import")),
    *(("settings", name) for name in ("show", "change")),
    *(("statuses", name) for name in ("list", "define", "retire")),
    *(("scenario", name) for name in ("list", "define", "import", "retire")),
)


# --- help ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(capsys, command):
    assert main([*command, "--help"]) == 0
    said = capsys.readouterr().out
    assert f"\n  redress {' '.join(command)}" in said
    assert "[OPTIONS]" in said


def test_the_list_of_tested_commands_is_complete():
    found: set[tuple[object, ...]] = {(_named(command),) for command in app.registered_commands}
    for group in app.registered_groups:
        assert group.typer_instance is not None
        found |= {(group.name, _named(command)) for command in group.typer_instance.registered_commands}
    assert found == set(COMMANDS)


def _named(command):
    return command.name or command.callback.__name__


def test_help_is_quick():
    # Nothing heavy may be imported for it: the database's driver alone takes longer than all of it.
    code = (
        "import sys; from api.cli import main; main(['--help']); print(*sorted(sys.modules), file=sys.stderr)"
    )
    begun = time.monotonic()
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert time.monotonic() - begun < 5  # 0.2 s on an idle machine
    assert "Exit codes: 0 done" in ran.stdout
    loaded = {name.partition(".")[0] for name in ran.stderr.split()}
    assert not loaded & {"psycopg", "pydantic", "fastapi", "eventsourcing", "rich", "uvicorn", "orjson"}


@pytest.mark.parametrize("arguments", [[], ["keys"], ["people"]])
def test_a_group_alone_shows_its_help(capsys, arguments):
    assert main(arguments) == 2
    assert "Usage: redress" in "".join(capsys.readouterr())


# --- wrong usage -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--colour"], "No such option: --colour (see redress --help)"),
        (["import"], "No such command 'import'"),
        (["found"], "Missing argument 'company'"),
        (["import-items", "x.csv"], "Missing option '--mapping'"),
        (["import-items", "x.csv", "--mapping", "ibm", "--mode", "half"], "--mode"),
        (["report", "agenda", "--format", "pdf"], "--format"),
        (["statuses", "define", "x", "--kind", "fight", "--label", "en=x"], "--kind"),
        (["keys", "create"], "say whose key it is"),
        (["keys", "create", "--role", "auditor", "--person", "x"], "say whose key it is"),
        (["keys", "create", "--role", "auditor"], "--role needs --name"),
        (["keys", "create", "--service", "erp"], "--service needs --scopes"),
        (
            ["keys", "create", "--service", "erp", "--scopes", "import,fly"],
            "'fly' is no scope; there are: people",
        ),
        (["settings", "change", "--safety-share", "half"], "--safety-share is a number from 0 to 1"),
        (["settings", "change", "--ageing-buckets", "30,x"], "--ageing-buckets are numbers of days"),
        (
            ["settings", "change", "--assignment-field", "sector"],
            "--assignment-field is item:NAME or customer:NAME",
        ),
        (["--key"], "--key"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(owner, arguments, said):
    before = owner.newest
    assert said.lower() in owner(*arguments, code=2).line.lower()
    assert owner.newest == before


# --- global options --------------------------------------------------------------------------------


def test_global_options_may_stand_anywhere(owner, tmp_path):
    key = owner.key("auditor", "Otto")
    for arguments in (
        ("--company", "acme", "--key", key, "people", "list"),
        ("people", "list", f"--key={key}", "--company=acme", "--data-dir", tmp_path / "elsewhere"),
    ):
        assert "Otto" in owner(*arguments).out
    assert "acme" in owner("--company", "globex", "people", "list", code=1).line


def test_what_stands_after_two_dashes_is_no_option(owner):
    assert "there is no report '--key'" in owner("report", "--", "--key", code=1).line


def test_the_data_directory_may_be_told(database, monkeypatch, capsys, tmp_path):
    redress = Redress(database, monkeypatch, capsys)
    asked = []

    def ensure(directory):
        asked.append(directory)
        return database

    monkeypatch.setattr("store.embedded.ensure", ensure)
    monkeypatch.setattr("store.embedded.release", asked.append)
    redress("--data-dir", tmp_path / "here", "migrate")
    assert asked == [tmp_path / "here" / "postgresql"] * 2


def test_a_company_is_to_be_named_where_there_are_several(owner):
    owner("found", "globex")
    assert (
        owner("people", "list", code=1).line
        == "name the company with --company or REDRESS_COMPANY: acme, globex"
    )
    owner.monkeypatch.setenv("REDRESS_COMPANY", "globex")
    assert "nobody yet" in owner("people", "list").out


def test_a_company_that_is_not_there(owner):
    assert (
        "there is no company 'globex' here; there are: acme"
        in owner("people", "list", "--company=globex", code=1).line
    )


# --- who acts --------------------------------------------------------------------------------------


def test_the_owner_of_the_data_directory_is_administrator_without_a_key(owner):
    owner("settings", "change", "--name", "Acme Corp")
    ((role,),) = owner.rows("select role from company_acme.events order by position desc limit 1")
    assert role == "administrator"


def test_a_key_acts_as_its_person_in_their_role(manager):
    manager("settings", "change", "--name", "Acme Corp")
    ((role, key),) = manager.rows(
        "select role, key_id from company_acme.events order by position desc limit 1"
    )
    assert role == "credit_manager"
    assert key is not None


def test_over_another_database_nobody_acts_without_a_key(stranger, tmp_path):
    stranger("found", "acme")
    stranger.key("administrator", "Ada")
    before = stranger.newest
    file, mapping = item_file(tmp_path, row(1))
    for arguments in (
        ("import-items", file, "--mapping", mapping),
        ("report", "aged-balance"),
        ("people", "list"),
        ("keys", "create", "--role", "administrator", "--name", "Eve"),
        ("settings", "change", "--name", "x"),
        ("verify",),
        ("replay",),
        ("rebuild",),
    ):
        assert "with REDRESS_DATABASE_URL a key is needed" in stranger(*arguments, code=1).line
    assert stranger.newest == before


def test_there_the_first_key_of_a_company_needs_none(stranger):
    stranger("found", "acme")
    stranger.uses(stranger.key("administrator", "Ada"))
    assert "Ada" in stranger("people", "list").out


def test_a_key_opens_its_own_company_only(owner):
    key = owner.key("auditor", "Otto")
    owner("found", "globex")
    assert "Otto" in owner("people", "list", "--key", key).out
    refused = owner("people", "list", "--key", key, "--company", "globex", code=1)
    assert refused.line == "this key is for the company 'acme', not for 'globex'"


@pytest.mark.parametrize("key", ["redress_nonsense", "", "ünïcode\udc80"])
def test_a_key_that_opens_nothing(owner, key):
    assert "not known, is revoked" in owner("people", "list", "--key", key, code=1).line


def test_the_role_table_is_kept(owner, tmp_path):
    owner("people", "register", "x", "--name", "X")
    before_keys = owner.key("auditor", "Otto")
    before = owner.newest
    owner.uses(before_keys)
    file, mapping = item_file(tmp_path, row(1))
    for arguments in (
        ("import-items", file, "--mapping", mapping),
        ("customers", "register", "C1"),
        ("people", "register", "y"),
        ("keys", "create", "--person", "x"),
        ("keys", "list"),
        ("settings", "change", "--name", "x"),
        ("statuses", "retire", "price"),
        ("report", "agenda"),
    ):
        assert "The role auditor does not include" in owner(*arguments, code=1).line
    assert owner.newest == before


# --- what goes wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql//me:secret@host/x", "REDRESS_DATABASE_URL is not a connection string of PostgreSQL"),
        ("postgresql://me:secret@127.0.0.1:1/x?connect_timeout=2", "the database cannot be used: "),
        ("host=/nowhere user=me password=secret", "the database cannot be used: "),
    ],
)
def test_a_database_that_cannot_be_reached(database, monkeypatch, capsys, url, said):
    redress = Redress(database, monkeypatch, capsys)
    monkeypatch.setenv("REDRESS_DATABASE_URL", url)
    line = redress("report", "agenda", code=1).line
    assert said in line
    assert "secret" not in line


def test_an_environment_that_makes_no_sense(owner):
    owner.monkeypatch.setenv("REDRESS_PORT", "high")
    assert owner("people", "list", code=1).line.endswith("a value that cannot be used: REDRESS_PORT")
    owner.monkeypatch.delenv("REDRESS_PORT")
    owner.monkeypatch.setenv("POSTGRES_ENABLE_DB_FUNCTIONS", "y")
    assert "POSTGRES_ENABLE_DB_FUNCTIONS is set" in owner("people", "list", code=1).line


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (EmbeddedServerRefusal("no PostgreSQL here:\n install it"), "no PostgreSQL here: install it"),
        (LogUnavailable("lost\nat byte 7"), "the database cannot be used: lost"),
        (PermissionError(13, "Permission denied", "/data"), "/data: Permission denied"),
    ],
)
def test_what_lies_outside_is_explained_in_one_line(owner, monkeypatch, error, said):
    def fails(_directory):
        raise error

    monkeypatch.setattr("store.embedded.ensure", fails)
    assert owner("people", "list", code=1).line == said


def test_a_fault_of_the_program_is_not_hidden(owner, monkeypatch):
    def fails(_directory):
        raise ZeroDivisionError

    monkeypatch.setattr("store.embedded.ensure", fails)
    with pytest.raises(ZeroDivisionError):
        owner("people", "list")


def test_a_clock_that_is_ahead_of_the_databases_is_said_to_be(owner, monkeypatch):
    monkeypatch.setattr("store.execute.now", lambda: now() + timedelta(minutes=2))
    line = owner("customers", "register", "C1", code=1).line
    assert line.startswith("the clocks of this machine and of its database differ")


def test_what_cannot_be_stored_is_no_fault_of_the_program(owner, monkeypatch):
    monkeypatch.setattr("domain.decide.require_storable", lambda _: None)
    line = owner("customers", "register", "C1", "--name", "\udc80", code=1).line
    assert line.startswith("customer-registered.v1: ")


def test_ctrl_c_ends_with_130_and_what_was_done_stays(owner, monkeypatch, tmp_path):
    has_items(owner, tmp_path, 1)
    before = owner.newest

    def interrupted(_told):
        raise KeyboardInterrupt

    monkeypatch.setattr(items, "_mapping", interrupted)
    file, mapping = item_file(tmp_path, row(2))
    assert "interrupted" in owner("import-items", file, "--mapping", mapping, code=130).line
    assert owner.newest == before


def test_a_reader_who_has_seen_enough_is_no_trouble(owner):
    def broken(*_arguments, **_named):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    owner.monkeypatch.setattr("typer.echo", broken)
    with pytest.raises(SystemExit):
        main(["people", "list"])


def test_the_process_ends_with_the_exit_code(tmp_path):
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "REDRESS_DATABASE_URL": "x"}
    ran = subprocess.run(
        [sys.executable, "-c", "import sys; from api.cli import main; sys.exit(main())", "people", "list"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("redress: REDRESS_DATABASE_URL is not")
    assert len(ran.stderr.splitlines()) == 1
