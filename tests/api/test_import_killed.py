"""An import, and its undoing, that are killed in their middle and run again (spec 5, 42)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from api.item_import import CHUNK
from tests.api.cli_case import item_file, row
from tests.api.command_line import Redress, elsewhere

ITEMS = 3 * CHUNK


@pytest.fixture
def redress(database, monkeypatch, capsys):
    redress = elsewhere(Redress(database, monkeypatch, capsys), monkeypatch)
    redress("found", "acme", "--name", "Acme", "--currency", "EUR")
    redress.uses(redress.key("credit_manager", "Mona Reyes"))
    return redress


@pytest.fixture
def files(tmp_path):
    return item_file(tmp_path, *(row(f"N{number}") for number in range(ITEMS)))


def killed_after(redress, position, *arguments):
    """Run `redress` in a process of its own, and end it at once when the log goes beyond *position*."""
    command = [Path(sys.executable).parent / "redress", *arguments]
    with subprocess.Popen(command, env=os.environ, stderr=subprocess.DEVNULL) as process:
        while redress.newest <= position:
            assert process.poll() is None, "it must not come to its end"
            time.sleep(0.001)
        process.kill()
    assert process.returncode == -signal.SIGKILL


def count(redress, kind):
    """How many events of that kind there are, and of how many items."""
    (found,) = redress.rows(
        f"select count(*), count(distinct stream_id) from company_acme.events where type = '{kind}.v1'"
    )
    return found


def test_42_an_import_and_an_undoing_that_were_killed_leave_whole_chunks_and_are_finished_by_the_next(
    redress, files
):
    file, mapping = files
    command = ("import-items", file, "--mapping", mapping)
    killed_after(redress, redress.newest, *command)
    registered, items = count(redress, "item-registered")
    assert registered == items < ITEMS
    assert registered % CHUNK == 0
    assert redress.events("import-finished") == 0
    said = redress(*command).err
    assert f"{ITEMS - registered} registered, {registered} unchanged" in said
    assert count(redress, "item-registered") == (ITEMS, ITEMS)
    assert redress.events("import-finished") == 1
    newest = redress.newest
    redress(*command)
    assert redress.newest == newest

    (*_, first) = redress("imports", "list", "--format", "json").json  # that which was killed
    undo = ("undo-import", first["import_id"])
    killed_after(redress, newest, *undo)
    withdrawn, items = count(redress, "item-withdrawn")
    assert 0 < withdrawn == items < registered
    redress(*undo)
    assert count(redress, "item-withdrawn") == (registered, registered)
    newest = redress.newest
    redress(*undo)
    assert redress.newest == newest
    redress("verify")
