"""`redress replay`: steps for people and for machines."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from replay import steps
from tests.api.cli_case import has_items, manager, owner
from tests.api.test_cli_history import ANN, history_file, opened, resolved

__all__ = ["manager", "owner"]


@pytest.fixture
def told(manager, tmp_path):
    """A credit manager with a dispute that was opened, chased and resolved; its first position."""
    has_items(manager, tmp_path, 1)
    before = manager.newest
    chase = {
        "command": "postpone_follow_up",
        "at": "2024-03-04T09:00:00Z",
        "key": "D1/f",
        "data": {"follow_up_id": "F1", "due_on": "2024-04-02"},
    }
    opening = opened(actor="ann")
    opening["data"]["follow_up"] = {"due_on": "2024-03-08", "reference": "F1"}
    manager("load", history_file(tmp_path, ANN, opening, chase, resolved()))
    return manager, before + 2


def steps_of(ran):
    """The text, step by step: each begins at the margin."""
    return re.split(r"\n(?=\S)", ran.out.strip())


def test_40_each_step_says_who_did_what_and_what_it_did_to_agenda_and_dispute_report(told):
    redress, first = told
    opening, moved, ended = steps_of(redress("replay", "--from", first))
    header, who, *lines = opening.splitlines()
    assert re.fullmatch(rf"{first} to \d+  2024-03-01 09:00:00 UTC", header)
    assert who.startswith(
        "    by Mona Reyes as credit_manager with the key “Mona Reyes” for Ann Berg, recorded 2"
    )
    assert "    The dispute D1 was opened: too dear." in lines
    assert "    Item 1: It was taken into the dispute D1, all of it." in lines
    agenda = lines[lines.index("  agenda") + 1 : lines.index("  dispute report")]
    assert "    + Mona Reyes (owner): Ask the resolver, dispute D1, C1, due on 2024-03-08, 1 item" in agenda
    assert (
        "    + nobody (credit_manager): dispute without resolver, dispute D1, C1, without a day, 1 item"
        in agenda
    )
    assert lines[-1] == "    Price dispute USD: disputes 0 → 1, items 0 → 1, amount 0 → 10.00"
    assert (
        "    ~ Mona Reyes (owner): Ask the resolver, dispute D1, C1: due on 2024-03-08 → 2024-04-02" in moved
    )
    assert "dispute report" not in moved
    assert "    - Mona Reyes (owner): Ask the resolver, dispute D1, C1, due on 2024-04-02" in ended
    assert "    Price dispute USD: disputes 1 → 0, items 1 → 0, amount 10.00 → 0" in ended


def test_40_steps_for_machines_are_lines_of_json(told):
    redress, first = told
    found = [
        json.loads(line) for line in redress("replay", "--from", first, "--format", "json").out.splitlines()
    ]
    assert [step["decisions"] for step in found] == [1, 1, 1]
    (moved,) = found[1]["agenda"]
    assert moved["changes"] == {"due_on": ["2024-03-08", "2024-04-02"]}
    assert found[1]["counts"] == {"follow-up-postponed.v1": 1}
    assert found[2]["dispute_report"][0]["after"] is None
    (doer,) = found[0]["doers"]
    assert (doer["actor_name"], doer["original_name"]) == ("Mona Reyes", "Ann Berg")


def test_40_a_step_can_be_a_day_and_tells_how_many_events_more_there_were(told):
    redress, _ = told
    days = steps_of(redress("replay", "--every", "day"))
    assert len(days) in {1, 2}  # midnight may pass
    assert re.match(r"1 to \d+, \d+ decisions  2024-01-31 00:00:00 UTC to ", days[0])
    assert re.search(r"\n    … and \d+ more events \(more than 20\); in all: ", days[0])
    today = datetime.now(UTC).date().isoformat()
    assert steps_of(redress("replay", "--every", "day", "--from", "2024-01-01", "--to", today))
    quiet = steps_of(redress("replay", "--from", 1, "--to", 1))
    assert quiet[0].endswith("\n  agenda and dispute report: as before")


def test_40_a_range_that_is_not_there_is_refused_with_the_cure(told):
    redress, _ = told
    newest = redress.newest
    said = redress("replay", "--from", newest + 1, code=1).line
    assert (
        said == f"The parameter from cannot be {newest + 1}: give a position from 1 to {newest}, or a time."
    )
    assert "it lies after the end" in redress("replay", "--from", newest, "--to", 1, code=1).line
    assert "nothing was recorded from there" in redress("replay", "--from", "2199-01-01", code=1).line
    assert redress("replay", "--to", "soon", code=1).line.startswith("--to: give a date (2026-03-31)")
    redress("replay", "--every", "hour", code=2)


def test_29_a_replay_is_for_those_who_may_read_the_log(told):
    redress, _ = told
    redress("keys", "create", "--role", "collector", "--name", "Cora")
    key = redress.key("collector", "Carl")
    assert "does not include: read_log" in redress("replay", "--key", key, code=1).line


def test_ctrl_c_ends_a_replay_after_whole_steps(told, monkeypatch):
    redress, first = told
    reports = steps._Replay._reports
    asked = []

    def interrupted(replay, known):
        asked.append(known)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return reports(replay, known)

    monkeypatch.setattr(steps._Replay, "_reports", interrupted)
    ran = redress("replay", "--from", first, "--format", "json", code=130)
    assert "interrupted" in ran.line
    (one,) = ran.out.splitlines()
    assert json.loads(one)["first"] == first
