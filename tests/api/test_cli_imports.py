"""`redress imports`: which files came in; what undo-import is given stands there."""

from __future__ import annotations

import csv
import io

from tests.api.cli_case import has_items, item_file, manager, owner, row
from tests.api.command_line import Redress

__all__ = ["manager", "owner"]


def listed(redress: Redress, *more: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(redress("imports", "list", "--format", "csv", *more).out)))


def test_5_imports_are_listed_with_their_ids_the_last_first_and_undone_by_them(owner, tmp_path):
    assert owner("imports", "list").out == "no imports yet\n"
    has_items(owner, tmp_path, 1, 2)
    file, mapping = item_file(tmp_path, row(3), row("", amount="x"), name="more.csv")
    owner("import-items", file, "--mapping", mapping, code=1)
    second, first = listed(owner)
    assert [each["file_name"] for each in (first, second)] == ["items.csv", "more.csv"]
    assert [each["registered"] for each in (first, second)] == ["2", "1"]
    assert (second["rejected"], second["undone"]) == ("1", "")
    table = owner("imports", "list").out
    assert first["import_id"] in table
    assert "more.csv" in table
    owner("undo-import", first["import_id"])
    undone, other = listed(owner)
    assert (undone["import_id"], undone["undone"], undone["left_as_is"]) == (first["import_id"], "2", "0")
    assert other["undone"] == ""


def test_5_one_import_is_shown(owner, tmp_path):
    has_items(owner, tmp_path, 1, 2)
    (known,) = owner("imports", "list", "--format", "json").json
    found = owner("imports", "show", known["import_id"], "--format", "json").json
    assert found.items() >= known.items()
    assert (found["mode"], found["registered"], found["is_finished"]) == ("delta", 2, True)
    assert found["digest"].startswith("sha256:")
    lines = owner("imports", "show", known["import_id"]).out.splitlines()
    assert ["file_name", "items.csv"] in [line.split() for line in lines]
    (_, name) = next(
        each
        for each in csv.reader(
            io.StringIO(owner("imports", "show", known["import_id"], "--format", "csv").out)
        )
        if each[0] == "file_name"
    )
    assert name == "items.csv"


def test_29_an_import_that_is_not_there_or_not_for_them(owner, tmp_path):
    has_items(owner, tmp_path, 1)
    unknown = "00000000-0000-0000-0000-000000000001"
    assert "There is no import" in owner("imports", "show", unknown, code=1).line
    assert "ID" in owner("imports", "show", "items.csv", code=2).line
    key = owner.key("resolver", "Ida")
    (known,) = owner("imports", "list", "--format", "json").json
    for words in (("list",), ("show", known["import_id"])):
        assert "does not include: read_log" in owner("imports", *words, "--key", key, code=1).line
