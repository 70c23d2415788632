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


WITH_OTHERS = """
from api import item_import, new_items
from api.cli import main
new_items.WORTH_IT, new_items.os.cpu_count = 0, lambda: 2
item_import.CHUNK = 50
raise SystemExit(main())
"""


def processes_of(parent: int) -> list[int]:
    threads = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(each) for thread in threads for each in thread.read_text().split()]


def has_ended(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return True
    return state == "Z"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="asks /proc which processes there are")
def test_42_the_processes_that_make_items_ready_end_with_an_import_that_is_killed(redress, files):
    file, mapping = files
    before = redress.newest
    command = [sys.executable, "-c", WITH_OTHERS, "import-items", file, "--mapping", mapping]
    with subprocess.Popen(command, env=os.environ, stderr=subprocess.DEVNULL) as process:
        while redress.newest <= before:
            assert process.poll() is None, "it must not come to its end"
            time.sleep(0.001)
        others = processes_of(process.pid)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert len(others) >= 2
    while not all(map(has_ended, others)):  # the limit of every test ends this one if they do not
        time.sleep(0.01)
    registered, items = count(redress, "item-registered")
    assert registered == items < ITEMS
    assert registered % 50 == 0
    redress("import-items", file, "--mapping", mapping)
    assert count(redress, "item-registered") == (ITEMS, ITEMS)
