"""Very many new items are made ready by several processes, and recorded as if by one (spec 1, 2, 42)."""

from __future__ import annotations

import multiprocessing
import os

import psycopg
import pytest

from api import item_import, new_items
from api.import_undo import UndoOptions, undo_import
from api.item_file import read_mapping
from api.item_import import ImportOptions, import_items, item_source, settings_of
from api.new_items import ImportCutShort
from domain.imports import ImportCounts
from domain.texts import LONGEST_TEXT
from replay.verify import verify
from tests.api.company_case import ADMINISTRATOR, company_case
from tests.api.item_file_case import HEADER, mapping_text

ROWS = 60
CHUNK = 7


@pytest.fixture
def case(database, tmp_path):
    with company_case(database, tmp_path) as case:
        yield case


@pytest.fixture
def _together(monkeypatch):
    """Whatever the machine has, several processes take part, in however small an import."""
    monkeypatch.setattr(new_items, "WORTH_IT", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(item_import, "CHUNK", CHUNK)


def row(number, *, customer="C1", note="seen"):
    return f"{customer},{number},invoice,2024-01-31,2024-03-01,10.00,{note}"


LINES = [row(f"N{each}", customer=f"C{each % 5}") for each in range(ROWS)]
REFUSED = "x" * (LONGEST_TEXT + 1)
"""A note that can be read, and is refused when the row is decided."""


def source(case, directory, lines=LINES, name="items.csv"):
    path, mapping = directory / name, directory / "map.toml"
    path.write_text("\n".join([f"{HEADER},note", *lines]) + "\n", encoding="utf-8")
    mapping.write_text(mapping_text(), encoding="utf-8")
    return item_source(path, read_mapping(mapping), settings_of(case.company.executor))


def imports(case, told, options=ImportOptions(), progress=lambda _: None):  # noqa: B008
    return import_items(case.company, told, ADMINISTRATOR, options, progress)


def recorded(case, after):
    """All of the log after *after* but for the import's id and when it was recorded."""
    with case.company.datastore.pool.connection() as connection:
        rows = connection.execute(
            "select position - %s as position, decision_end - %s as decision_end, stream_id, version, type,"
            " data, occurred_at, actor, role, key_id from company_acme.events where position > %s"
            " and type not like 'import%%' order by position",
            (after, after, after),
        ).fetchall()
    return [{**each, "data": {**each["data"], "import_id": None}} for each in rows]


def assert_sound(case):
    case.company.feed.catch_up()
    found = verify(case.company.datastore, case.company.log)
    assert found.is_sound, found.differences


def with_refusals():
    """LINES, where the first rows of some customers are refused, over the end of a chunk and not."""
    refused = {0, 5, 10, 1, 2, CHUNK + 4, ROWS - 1}
    lines = [
        row(f"N{each}", customer=f"C{each % 5}", note=REFUSED if each in refused else "seen")
        for each in range(ROWS)
    ]
    return [row("only", customer="C9", note=REFUSED), *lines]


def test_1_several_processes_record_what_one_records_in_the_same_order(
    database, tmp_path, monkeypatch, request
):
    logs, results = [], []
    with company_case(database, tmp_path) as case:
        before = case.newest
        results.append(imports(case, source(case, tmp_path, with_refusals())))
        logs.append(recorded(case, before))
        assert_sound(case)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("drop schema company_acme cascade")
        connection.execute("delete from redress.companies")
    request.getfixturevalue("_together")
    with company_case(database, tmp_path) as case:
        before = case.newest
        results.append(imports(case, source(case, tmp_path, with_refusals())))
        logs.append(recorded(case, before))
        assert_sound(case)
    alone, together = results
    assert together.counts == alone.counts == ImportCounts(registered=ROWS - 7, rejected=8)
    assert together.rejections == alone.rejections
    assert logs[0] == logs[1]
    assert [each["type"] for each in logs[1]].count("customer-registered.v1") == 5


@pytest.mark.usefixtures("_together")
def test_1_a_customer_whose_rows_were_refused_comes_with_a_later_chunk(case, tmp_path):
    before = case.newest
    result = imports(case, source(case, tmp_path, with_refusals()))
    assert result.counts.rejected == 8
    customers = [
        each["data"]["code"] for each in recorded(case, before) if each["type"] == "customer-registered.v1"
    ]
    assert sorted(customers) == ["C0", "C1", "C2", "C3", "C4"]
    assert_sound(case)


@pytest.mark.usefixtures("_together")
def test_42_a_process_that_is_killed_ends_the_import_after_whole_chunks_and_the_next_one_finishes_it(
    case, tmp_path
):
    def kill(done):
        if done:
            for process in multiprocessing.active_children():
                process.kill()

    before, told = case.newest, source(case, tmp_path, LINES)
    with pytest.raises(ImportCutShort, match="import the file again"):
        imports(case, told, progress=kill)
    assert multiprocessing.active_children() == []
    registered = case.kinds(before).count("ItemRegistered")
    assert 0 < registered < ROWS
    assert registered % CHUNK == 0
    result = imports(case, told)
    assert result.counts == ImportCounts(registered=ROWS - registered, unchanged=registered)
    assert case.kinds(before).count("ItemRegistered") == ROWS
    assert_sound(case)


@pytest.mark.usefixtures("_together")
@pytest.mark.parametrize("reason", [KeyboardInterrupt, RuntimeError])
def test_42_an_import_that_is_stopped_ends_its_processes_after_whole_chunks(case, tmp_path, reason):
    def stop(done):
        if done:
            raise reason

    before = case.newest
    with pytest.raises(reason):
        imports(case, source(case, tmp_path), progress=stop)
    assert multiprocessing.active_children() == []
    assert case.kinds(before).count("ItemRegistered") == CHUNK


@pytest.mark.usefixtures("_together")
def test_1_a_dry_run_by_several_processes_writes_nothing(case, tmp_path):
    before = case.newest
    result = imports(case, source(case, tmp_path, with_refusals()), ImportOptions(dry_run=True))
    assert result.counts == ImportCounts(registered=ROWS - 7, rejected=8)
    assert case.newest == before


@pytest.mark.usefixtures("_together")
def test_5_what_several_processes_made_ready_is_undone(case, tmp_path):
    result = imports(case, source(case, tmp_path))
    undo_import(case.company, result.import_id, ADMINISTRATOR, UndoOptions())
    assert case.kinds().count("ItemWithdrawn") == ROWS
    assert_sound(case)


@pytest.mark.usefixtures("_together")
def test_2_what_others_register_meanwhile_is_found_in_what_other_processes_made_ready(
    case, tmp_path, monkeypatch
):
    """The same items, and some whose numbers differ by leading zeros only: all are compared again, but
    for one that is refused anyway."""
    numbers = [
        row(f"{each}", customer=f"C{each % 5}", note=REFUSED if each == 140 else "seen")
        for each in range(100, 100 + ROWS)
    ]
    twins = {"0131": "C1", "0140": "C0", "0158": "C3"}
    others = [row("104", customer="C4"), *(row(each, customer=code) for each, code in twins.items())]
    append = case.company.log.append_bulk
    waiting = [others]

    def overtaken(*submitted):
        if waiting:
            imports(case, source(case, tmp_path, waiting.pop(), "other.csv"))
        return append(*submitted)

    monkeypatch.setattr(case.company.log, "append_bulk", overtaken)
    result = imports(case, source(case, tmp_path, numbers))
    assert result.counts == ImportCounts(registered=ROWS - 4, unchanged=1, rejected=3)
    assert ["leading zeros" in each.reason for each in result.rejections] == [True, False, True]
    assert_sound(case)
