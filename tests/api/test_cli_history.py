"""`redress load`, `redress history dispute` and `redress why`."""

from __future__ import annotations

import csv
import io
import json

import pytest

from api import history_load
from domain.identity import PEOPLE_STREAM, customer_id, person_id
from tests.api.cli_case import has_items, item_file, manager, owner, row

__all__ = ["manager", "owner"]


def opened(reference="D1", number="1", at="2024-03-01T09:00:00Z", **told):
    items = [{"customer_code": "C1", "number": number}]
    data = {"reference": reference, "type": "price", "item_ids": items, "reason": "too dear"}
    return {
        "command": "open_dispute",
        "at": at,
        "key": f"{reference}/1",
        "data": data,
    } | told


def resolved(reference="D1", at="2024-03-20T09:00:00Z", **told):
    data = {"dispute_id": reference, "outcome": "credit_note"}
    return {"command": "resolve_dispute", "at": at, "key": f"{reference}/2", "data": data} | told


def registered(code, name):
    """Nobody who logs in: somebody of the past."""
    return {"command": "register_person", "key": code, "data": {"code": code, "name": name}}


ANN, BEN = registered("ann", "Ann Berg"), registered("ben", "Ben")


def history_file(directory, *lines):
    file = directory / "history.ndjson"
    file.write_text("".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in lines))
    return file


@pytest.fixture
def told(manager, tmp_path):
    """A credit manager with one dispute, loaded."""
    has_items(manager, tmp_path, 1, 2, 3)
    manager("load", history_file(tmp_path, ANN, BEN, opened(actor="ann"), resolved(actor="ben")))
    return manager


# --- load ------------------------------------------------------------------------------------------


def test_a_history_is_loaded_once(manager, tmp_path):
    has_items(manager, tmp_path, 1)
    file = history_file(tmp_path, opened(), resolved())
    ran = manager("load", file)
    assert ran.err == "history.ndjson: 2 carried out, 0 without effect, 0 loaded before, 0 refused\n"
    before = manager.newest
    assert "0 carried out, 0 without effect, 2 loaded before, 0 refused" in manager("load", file).err
    assert manager.newest == before


def test_refused_lines_are_named_and_the_exit_code_is_1(manager, tmp_path):
    has_items(manager, tmp_path, 1)
    file = history_file(tmp_path, opened("D0", "99"), opened(), "{", resolved(at="2024-02-01T00:00:00Z"))
    first, second, third, fourth = manager("load", file, code=1).err.splitlines()
    assert first == "history.ndjson: 1 carried out, 0 without effect, 0 loaded before, 3 refused"
    assert second.startswith("  line 1 (open_dispute): There is no item")
    assert third.startswith("  line 3: is not JSON")
    assert fourth.startswith(
        "  line 4 (resolve_dispute): 2024-02-01 00:00:00+00:00 is before the last moment"
    )
    assert "2024-03-01 09:00:00+00:00" in fourth


def test_refused_lines_can_be_listed_in_a_file(manager, tmp_path):
    file = history_file(tmp_path, *("x" for _ in range(30)))
    assert (
        manager("load", file, code=1).err.splitlines()[-1] == "  … and 10 more; --rejects FILE lists them all"
    )
    rejects = tmp_path / "refused.csv"
    assert str(rejects) in manager("load", file, "--rejects", rejects, code=1).err
    with rejects.open(newline="") as found:
        header, *lines = csv.reader(found)
    assert header == ["line", "command", "reason"]
    assert [number for number, _, _ in lines] == [str(number) for number in range(1, 31)]


def test_it_stops_at_the_first_refused_line_if_told(manager, tmp_path):
    has_items(manager, tmp_path, 1)
    file = history_file(tmp_path, opened(), "x", resolved())
    ran = manager("load", file, "--stop-at-first", code=1)
    assert "1 carried out, 0 without effect, 0 loaded before, 1 refused; stopped at line 2" in ran.err


def test_a_dry_run_writes_nothing(manager, tmp_path):
    has_items(manager, tmp_path, 1)
    before = manager.newest
    ran = manager(
        "load", history_file(tmp_path, opened(), resolved(), opened("D2", "99")), "--dry-run", code=1
    )
    assert "would be: 2 carried out, 0 without effect, 0 loaded before, 1 refused" in ran.err
    assert manager.newest == before


def test_the_administrator_is_told_who_may_load(owner, tmp_path):
    before = owner.newest
    line = owner("load", history_file(tmp_path, opened()), code=1).line
    assert line.startswith("The role administrator may not load a history")
    assert "redress keys create --role credit_manager" in line
    assert "--key" in line
    assert owner.newest == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        (b"\x89PNG\r\n\x1a\n\xff", "is not UTF-8 text"),
        (b"x" * 2_000_000, "line 1 is longer"),
    ],
)
def test_a_file_that_is_no_history(manager, tmp_path, content, said):
    file = tmp_path / "history.ndjson"
    if content is not None:
        file.write_bytes(content)
    before = manager.newest
    assert said in manager("load", file, code=1).line
    assert manager.newest == before


def test_a_file_that_turns_unreadable_in_the_middle_changes_nothing(manager, monkeypatch, tmp_path):
    monkeypatch.setattr(history_load, "BATCH", 1)
    has_items(manager, tmp_path, 1)
    file = history_file(tmp_path, opened())
    with file.open("ab") as more:
        more.write(b"\n" * 100_000 + b"\xff\n")  # far behind what is read at once
    before = manager.newest
    manager("load", file, code=1)
    assert manager.newest == before


def test_ctrl_c_leaves_whole_batches_and_loading_again_does_the_rest(manager, monkeypatch, tmp_path):
    monkeypatch.setattr(history_load, "BATCH", 1)
    has_items(manager, tmp_path, 1)
    file = history_file(tmp_path, opened(), resolved())
    take = history_load._Load.take
    with monkeypatch.context() as patch:

        def interrupted(load, batch):
            if batch[0][0] == 2:
                raise KeyboardInterrupt
            take(load, batch)

        patch.setattr(history_load._Load, "take", interrupted)
        assert "interrupted" in manager("load", file, code=130).line
    assert (manager.events("dispute-opened"), manager.events("dispute-resolved")) == (1, 0)
    assert "1 carried out, 0 without effect, 1 loaded before" in manager("load", file).err
    assert manager.events("dispute-resolved") == 1


# --- history ---------------------------------------------------------------------------------------


def test_a_history_says_who_when_and_what_changed(told):
    text = told("history", "dispute", "D1").out
    assert "2024-03-01 09:00:00 UTC  dispute opened  (dispute D1)" in text
    assert "by Mona Reyes as credit_manager with the key “Mona Reyes” for Ann Berg, recorded " in text
    assert "\n    The dispute D1 was opened: too dear.\n" in text
    assert "    state: open → resolved" in text
    standing = (
        "resolved, credit note, type Price dispute (price), no resolver, 1 item, 0 open follow-up actions"
    )
    assert f": {standing}, episode 1\n" in text
    assert "    outcome: none → credit_note" in text


def test_39_what_people_wrote_does_not_look_like_what_happened(told, tmp_path):
    forged = "too dear\n2024-03-02 09:00:00 UTC  dispute cancelled  (dispute D2)\n    by Ann \x1b[8mhid\u202e"
    opening = opened("D2", "2")
    opening["data"]["reason"] = forged
    told("load", history_file(tmp_path, opening))
    said = "too dear 2024-03-02 09:00:00 UTC dispute cancelled (dispute D2) by Ann �[8mhid�."
    for command in (("history", "dispute", "D2"), ("replay", "--from", told.newest - 6), ("why", "2")):
        text = told(*command).out
        assert f"The dispute D2 was opened: {said}\n" in text, command
        assert "dispute cancelled  (" not in text


def test_a_history_for_machines(told):
    whole = told("history", "dispute", "D1", "--format", "json").json
    kinds = [entry["event"] for entry in whole["entries"]]
    assert "dispute-opened.v1" in kinds
    assert "dispute-resolved.v1" in kinds
    (entry,) = [entry for entry in whole["entries"] if entry["event"] == "dispute-resolved.v1"]
    assert entry["changes"]["state"] == {"before": "open", "after": "resolved"}
    assert (entry["on_behalf_of"], entry["original_name"]) == (str(person_id("ben")), "Ben")
    assert entry["occurred_at"] == "2024-03-20T09:00:00+00:00"
    rows = list(
        csv.DictReader(io.StringIO(told("history", "dispute", whole["dispute"], "--format", "csv").out))
    )
    assert [row["event"] for row in rows] == kinds


def test_39_a_history_is_told_as_at_any_version_or_moment(told):
    def events(*clocks):
        found = told("history", "dispute", "D1", *clocks, "--format", "json").json
        return [each["event"] for each in found["entries"]], found

    whole, found = events()
    (last,) = [each for each in found["entries"] if each["event"] == "dispute-resolved.v1"]
    opening, then = events("--as-at", "2024-03-10")
    assert (opening, then["as_at"]) == (
        whole[: len(opening)],
        "2024-03-10T23:59:59.999999+00:00",
    )
    assert "dispute-resolved.v1" not in opening
    assert opening[0] == "dispute-opened.v1"
    assert events("--at-version", 1)[0] == opening  # the whole decision that made it
    assert events("--at-version", last["version"])[0] == whole
    assert events("--known-at", found["entries"][-1]["position"] - 1)[0] == opening  # never inside a decision
    early = told("history", "dispute", "D1", "--as-at", "2024-02-29", code=1).line
    assert early.startswith("There was no dispute ")
    assert "at that moment" in early
    refused = told("history", "dispute", "D1", "--at-version", 99, code=1).line
    assert refused == "The parameter at_version cannot be 99: give a version from 1 to 5."
    both = told("history", "dispute", "D1", "--at-version", 1, "--known-at", 3, code=1).line
    assert "or as_at and known_at, but not both" in both
    assert told("history", "dispute", "D1", "--as-at", "soon", code=1).line.startswith("--as-at: give a date")


def test_39_items_and_follow_up_actions_have_histories_too(told):
    text = told("history", "item", "1", "--customer", "C1").out
    assert text.startswith("2024-01-31 00:00:00 UTC  item registered  (item 1)\n")
    assert "\n    It was taken into the dispute D1, all of it.\n" in text
    found = told("history", "item", "1", "--as-at", "2024-03-10", "--format", "json").json
    assert {each["stream"] for each in found["entries"]} == {"item"}
    (action,) = found["entries"][-1]["after"]["follow_ups"]
    rows = csv.DictReader(io.StringIO(told("history", "follow-up", action, "--format", "csv").out))
    events = {row["event"]: row for row in rows}
    assert list(events) == ["follow-up-planned.v1", "follow-up-ended.v1"]
    ended = events["follow-up-ended.v1"]
    assert (ended["of"], ended["version"], ended["key"]) == ("follow_up", "2", "Mona Reyes")
    assert ended["changes"] == "ended: none → dispute_resolved"
    assert "There is no follow-up action" in told("history", "follow-up", "D9", code=1).line


def test_a_dispute_that_is_not_there(told):
    for other in ("D9", customer_id("C1"), PEOPLE_STREAM):
        assert "There is no dispute" in told("history", "dispute", other, code=1).line


def test_the_history_of_a_dispute_is_for_those_who_may_see_the_dispute(told):
    told("keys", "create", "--role", "resolver", "--name", "Ida")
    key = told.key("resolver", "Ida")
    assert "There is no dispute" in told("history", "dispute", "D1", "--key", key, code=1).line


# --- why -------------------------------------------------------------------------------------------


def test_16_why_an_item_is_collectable_or_not_is_told_in_words(told):
    lines = told("why", "1").out.splitlines()
    assert lines[0].startswith("1 of C1 (main) as at ")
    assert lines[0].endswith(": collectable since 2024-03-20 09:00:00 UTC")
    assert lines[1] == "It is collectable again. The dispute D1 was resolved: credit_note."
    assert lines[2] == "    2024-03-20 09:00:00 UTC  The dispute D1 was resolved: credit_note."
    assert lines[3].startswith(
        "        dispute-resolved.v1 by Mona Reyes as credit_manager for Ben, recorded "
    )
    then = told("why", "1", "--as-at", "2024-03-10").out
    assert "not collectable since 2024-03-01 09:00:00 UTC\ndispute: It is in the dispute D1;" in then
    assert "\nfollow_up: The open follow-up action" in then


def test_16_why_for_machines(told):
    found = told("why", "1", "--as-at", "2024-03-10T00:00:00Z", "--format", "json").json
    assert (found["is_collectable"], found["as_at"]) == (False, "2024-03-10T00:00:00+00:00")
    assert [each["reason"] for each in found["reasons"]] == ["dispute", "follow_up"]
    again = told("why", found["item_id"], "--known-at", found["position"], "--format", "json").json
    assert (again["is_collectable"], again["known_at"]) == (True, found["position"])
    named = ("--customer", "C1", "--entity", "main", "--format", "json")
    assert told("why", "1", *named).json["number"] == "1"


def test_16_an_item_that_is_not_meant_clearly_is_asked_for_again(told, tmp_path):
    file, mapping = item_file(tmp_path, row(1).replace("C1", "C2"))
    told("import-items", file, "--mapping", mapping)
    assert "--customer C1 --entity main, --customer C2 --entity main" in told("why", "1", code=1).line
    assert told("why", "1", "--customer", "C2").out.startswith("1 of C2 (main)")
    assert "there is no item '01'" in told("why", "01", code=1).line
    assert "There is no item" in told("why", "01", "--customer", "C1", "--entity", "main", code=1).line
    assert (
        "was not registered at that moment"
        in told("why", "2", "--customer", "C1", "--as-at", "2024-01-30", code=1).line
    )
    assert told("why", "2", "--as-at", "soon", code=1).line.startswith("--as-at: give a date (2026-03-31)")
