"""`redress show`, and what else takes the clocks: one thing as it is, or as it was at any moment."""

from __future__ import annotations

import pytest

from tests.api.cli_case import has_items, manager, owner
from tests.api.test_cli_history import history_file, opened, resolved

__all__ = ["manager", "owner"]


@pytest.fixture
def told(manager, tmp_path):
    """A credit manager with a dispute that was opened and resolved in March 2024."""
    has_items(manager, tmp_path, 1)
    manager("load", history_file(tmp_path, opened(), resolved()))
    return manager


def test_40_single_things_are_shown_as_they_were(told):
    def state(*clocks):
        return told("show", "dispute", "D1", *clocks, "--format", "json").json

    assert state()["state"] == "resolved"
    then = state("--as-at", "2024-03-10")
    assert (then["state"], then["parameters"]["as_at"]) == ("open", "2024-03-10T23:59:59.999999+00:00")
    (action,) = then["follow_ups"]
    assert state("--known-at", told.newest - 1)["state"] == "open"
    text = told("show", "dispute", "D1", "--as-at", "2024-03-10").out
    assert "state " in text
    was = told("show", "item", "1", "--as-at", "2024-03-10", "--format", "json").json
    assert was["exclusions"] == ["dispute", "follow_up"]
    shown = told("show", "follow-up", action, "--as-at", "2024-03-10", "--format", "json").json
    assert (shown["is_open"], shown["dispute_reference"]) == (True, "D1")
    assert told("show", "customer", "C1", "--format", "json").json["code"] == "C1"


def test_what_did_not_exist_then_is_said(told):
    for thing in (("dispute", "D1"), ("item", "1")):
        said = told("show", *thing, "--as-at", "2024-01-01", code=1).line
        assert said.startswith(f"There was no {thing[0]} ")
        assert "at that moment, though there is one now" in said
    assert told("show", "customer", "C1", "--known-at", 2, code=1).line.startswith(
        "There was no customer C1 "
    )
    assert "There is no dispute 'D9' (" in told("show", "dispute", "D9", "--as-at", "2024-03-10", code=1).line
    assert "--as-at" in told("show", "customer", "C1", "--as-at", "2024-03-10", code=2).err


def test_29_since_when_a_thing_is_there_is_nothing_for_who_may_not_see_it(told):
    told.uses(told.key("collector", "Cora"))
    for day in ("2024-01-01", "2024-03-10"):
        said = told("show", "dispute", "D1", "--as-at", day, code=1).line
        assert "This is none of them." in said


def test_settings_and_imports_are_shown_as_they_were(told, owner):
    before = told.newest
    (found,) = told("imports", "list", "--format", "json").json
    told("settings", "change", "--zone", "Europe/Paris")
    assert told("settings", "show", "--format", "json").json["zone"] == "Europe/Paris"
    assert told("settings", "show", "--known-at", before, "--format", "json").json["zone"] == "UTC"
    assert "was not founded yet" in told("settings", "show", "--known-at", 0, code=1).line
    named = ("imports", "show", found["import_id"], "--format", "json")
    assert told(*named).json["is_finished"] is True
    assert told(*named, "--known-at", 1, code=1).line.startswith("There was no import ")
