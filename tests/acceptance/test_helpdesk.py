"""Four years of a help desk, loaded as disputes: 4 580 cases with 21 348 lines, 127 of them twice.

Figures from `expected.json`, which others computed; how a case becomes a dispute says bench/helpdesk.py."""

from __future__ import annotations

import csv
import json

import pytest

from bench import helpdesk
from tests.api.command_line import Redress, elsewhere


@pytest.fixture
def data(shared_data):
    folder = shared_data / "helpdesk_italian"
    if not folder.is_dir():
        pytest.skip(f"the public help desk log is not there: {folder}")
    return folder


@pytest.fixture
def redress(database, monkeypatch, capsys):
    redress = elsewhere(Redress(database, monkeypatch, capsys), monkeypatch)
    redress("found", "acme", "--name", "Acme", "--currency", "EUR", "--zone", "UTC")
    redress.uses(redress.key("credit_manager", "Mona Reyes"))
    return redress


def test_four_years_of_a_help_desk_are_loaded_once_and_reported(redress, data, tmp_path):
    told = json.loads((data / "expected.json").read_text())
    distinct = told["without_exact_duplicates"]
    entries = list(helpdesk.read(data / "finale.csv"))
    assert len(entries) == told["events"]
    assert len({entry.key for entry in entries}) == distinct["events"]
    lines = list(helpdesk.history(entries))
    keys = {each["key"] for each in lines}
    file = tmp_path / "history.ndjson"
    file.write_text("".join(json.dumps(each) + "\n" for each in lines))

    rejects = tmp_path / "refused.csv"
    said = redress("load", file, "--rejects", rejects, code=1).err
    with rejects.open(newline="") as told_refused:
        refused = list(csv.DictReader(told_refused))
    # What is said of a ticket after it was settled.
    assert {each["command"] for each in refused} == {"comment_dispute"}
    assert all("already resolved" in each["reason"] for each in refused)
    late = {lines[int(each["line"]) - 1]["key"] for each in refused}
    carried_out = keys - late
    again = len(lines) - len(carried_out) - len(refused)
    assert f"{len(carried_out)} carried out, 0 without effect, {again} loaded before" in said

    after = redress.newest
    said = redress("load", file, "--rejects", rejects, code=1).err
    again = len(lines) - len(refused)
    assert f"0 carried out, 0 without effect, {again} loaded before, {len(refused)} refused" in said
    assert redress.newest == after

    def distinct_entries(activity):
        return len({entry.key for entry in entries if entry.activity == activity})

    assert redress.events("item-registered") == redress.events("dispute-opened") == told["cases"] == 4_580
    assert redress.events("dispute-resolved") == distinct_entries("Resolve ticket")
    last: dict[str, str] = {}  # whoever had it when it was settled for the last time
    taken = set()
    for entry in entries:
        if entry.activity == "Take in charge ticket":
            taken.add(entry.case)
        if entry.activity == "Resolve ticket" and entry.case in taken:
            last[entry.case] = entry.resource
    had = dict(
        redress.rows(
            """select d.data->>'reference', p.name from company_acme.events d
               join lateral (select r.data->>'resolver_id' as id from company_acme.events r
                             where r.stream_id = d.stream_id and r.type = 'resolver-assigned.v1'
                             order by r.version desc limit 1) r on true
               join (select data->>'person_id' as id, data->>'name' as name from company_acme.events
                     where type = 'person-registered.v1') p on p.id = r.id
               where d.type = 'dispute-opened.v1'"""
        )
    )
    assert len(last) > 4_000
    assert {case: had[case] for case in last} == last
    assert redress.events("dispute-commented") == distinct_entries("Wait") - len(late)
    ((reopened,),) = redress.rows(
        "select count(distinct stream_id) from company_acme.events where type = 'dispute-reopened.v1'"
    )
    assert reopened == distinct["cases_resolved_more_than_once"] == 302

    report = ("report", "resolution-time", "--first-episodes-only", "--format", "json")
    (total,) = redress(*report).json["totals"]
    expected = told["first_event->first_resolve_days"]
    figures = [expected[name] for name in ("n", "mean", "median", "p90")]
    assert figures == [4_569, 11.122515, 5.983056, 29.869634]
    assert [total[name] for name in ("count", "mean_days", "median_days", "p90_days")] == pytest.approx(
        figures, abs=1e-6
    )
    assert total["still_open"] == told["cases_without_resolve"] == 11
