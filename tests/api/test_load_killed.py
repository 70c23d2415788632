"""A load that is killed in its middle, and is run again (spec 42, 43)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from bench import helpdesk
from tests.api.command_line import Redress, elsewhere

CASES = 400


COMPANIES = ("acme", "whole")


@pytest.fixture
def redress(database, monkeypatch, capsys):
    return elsewhere(Redress(database, monkeypatch, capsys), monkeypatch)


@pytest.fixture
def keys(redress):
    """A credit manager's key of each company."""
    for company in COMPANIES:
        redress("--company", company, "found", company, "--name", "Acme", "--currency", "EUR")
    create = ("keys", "create", "--role", "credit_manager", "--name", "Mona Reyes")
    return {company: redress("--company", company, *create).out.strip() for company in COMPANIES}


@pytest.fixture
def history(tmp_path):
    file = tmp_path / "history.ndjson"
    lines = helpdesk.history(helpdesk.made(CASES))
    file.write_text("".join(json.dumps(each) + "\n" for each in lines))
    return file


def size(database):
    with psycopg.connect(database) as connection:
        row = connection.execute("select coalesce(max(position), 0) from company_acme.events").fetchone()
    assert row is not None
    return row[0]


def killed_at(redress, key, history, position):
    """Load in a process of its own, and end it without warning when the log has come so far."""
    command = [Path(sys.executable).parent / "redress", "--key", key, "load", history]
    with subprocess.Popen(command, env=os.environ, stderr=subprocess.DEVNULL) as process:
        while size(redress.database) < position:
            assert process.poll() is None, "it must not come to its end"
            time.sleep(0.001)
        process.kill()
    assert process.returncode < 0


EVENTS = """
select position, decision_end, stream_id, version, type, data::text,
       case when type <> 'person-registered.v1' then occurred_at end, role, on_behalf_of,
       min(position) over (partition by command_id)
from company_{company}.events where position > {after} order by position"""
"""But for what differs from load to load: ids of commands, when it was recorded, what happened just now."""

COMMANDS = """
select key, digest, first_position, last_position, answer from company_{company}.commands
where key like 'load:%' order by first_position, last_position, key"""


def test_42_a_load_that_was_killed_and_run_again_gives_the_log_of_one_run(redress, keys, history):
    after = {
        company: redress.rows(f"select max(position) from company_{company}.events") for company in COMPANIES
    }
    assert after["acme"] == after["whole"]
    ((before,),) = after["acme"]
    killed_at(redress, keys["acme"], history, before + 300)
    killed_at(redress, keys["acme"], history, size(redress.database) + 700)
    said = redress("--key", keys["acme"], "load", history, code=1).err  # some lines are refused
    assert " 0 carried out" not in said
    redress("--key", keys["whole"], "load", history, code=1)

    for statement in (EVENTS, COMMANDS):
        killed, whole = (redress.rows(statement.format(company=each, after=before)) for each in COMPANIES)
        assert len(whole) > 1_000
        assert killed == whole
