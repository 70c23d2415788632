"""`redress report --output`: reports as files, complete or not there at all."""

from __future__ import annotations

import io
import json
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from python_calamine import CalamineWorkbook

from api import parquet as parquet_file
from api import workbook_sheet
from tests.api.cli_case import has_items, manager, owner

__all__ = ["manager", "owner"]


@pytest.fixture
def told(manager, tmp_path):
    """Three invoices."""
    has_items(manager, tmp_path, 1, 2, 3)
    return manager


def test_a_report_goes_into_a_file_of_each_format(told, tmp_path):
    (row,) = told("report", "aged-balance", "--format", "json").json["rows"]
    folder = tmp_path / "out"
    folder.mkdir()
    for ending in ("json", "csv", "xlsx", "parquet"):
        ran = told("report", "aged-balance", "--output", folder / f"aged.{ending}")
        assert ran.out == ""
    assert sorted(path.name for path in folder.iterdir()) == [
        "aged.csv",
        "aged.json",
        "aged.parquet",
        "aged.xlsx",
    ]
    assert json.loads((folder / "aged.json").read_text())["rows"] == [row]
    assert (folder / "aged.csv").read_bytes() == told(
        "report", "aged-balance", "--format", "csv"
    ).out.encode()
    (found,) = parquet.read_table(folder / "aged.parquet").to_pylist()
    assert (found["key"], found["total"]) == ("C1", Decimal(row["total"]))
    header, cells = CalamineWorkbook.from_path(folder / "aged.xlsx").get_sheet_by_name("rows").to_python()
    assert dict(zip(header, cells, strict=True))["total"] == float(row["total"])


def test_the_format_that_is_told_wins_over_the_name(told, tmp_path):
    told("report", "aged-balance", "--format", "csv", "--output", tmp_path / "aged.xlsx")
    assert (tmp_path / "aged.xlsx").read_text().startswith("key,label,currency")


def test_binary_formats_go_to_a_pipe_and_not_to_a_terminal(told, monkeypatch):
    class Output(io.TextIOWrapper):
        is_terminal = False

        def isatty(self):
            return self.is_terminal

    piped = Output(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", piped)
    told("report", "aged-balance", "--format", "parquet")
    assert parquet.read_table(io.BytesIO(piped.buffer.getvalue())).num_rows == 1  # type: ignore[attr-defined]
    piped.is_terminal = True
    for form in ("xlsx", "parquet"):
        assert "give --output FILE" in told("report", "aged-balance", "--format", form, code=1).line


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("no space left")])
def test_what_is_not_finished_leaves_nothing_and_the_old_file_as_it_was(told, tmp_path, monkeypatch, error):
    file = tmp_path / "out" / "aged.parquet"
    file.parent.mkdir()
    file.write_text("of yesterday")

    def interrupted(*_):
        raise error

    monkeypatch.setattr(parquet_file, "_array", interrupted)
    told("report", "aged-balance", "--output", file, code=130 if error is KeyboardInterrupt else 1)
    assert [path.name for path in file.parent.iterdir()] == ["aged.parquet"]
    assert file.read_text() == "of yesterday"
    monkeypatch.undo()


def test_what_cannot_be_written_is_said_in_a_line(told, tmp_path, monkeypatch):
    assert (
        "--output takes a --format"
        in told("report", "aged-balance", "--output", tmp_path / "x.txt", code=1).line
    )
    assert (
        "is a folder" in told("report", "aged-balance", "--format", "csv", "--output", tmp_path, code=1).line
    )
    away = Path(tmp_path / "away" / "x.csv")
    assert "No such file" in told("report", "aged-balance", "--output", away, code=1).line
    monkeypatch.setattr(workbook_sheet, "MOST_ROWS", 0)
    refused = told("report", "aged-balance", "--output", tmp_path / "x.xlsx", code=1)
    assert "take csv or parquet" in refused.line
    assert not (tmp_path / "x.xlsx").exists()


def test_a_report_without_rows_is_a_file_with_columns_alone(manager, tmp_path):
    for ending in ("csv", "xlsx", "parquet"):
        manager("report", "agenda", "--output", tmp_path / f"agenda.{ending}")
    table = parquet.read_table(tmp_path / "agenda.parquet")
    assert table.num_rows == 0
    assert table.schema.field("day").type == pa.date32()
    assert (tmp_path / "agenda.csv").read_text().startswith("kind,part,")
    (header,) = CalamineWorkbook.from_path(tmp_path / "agenda.xlsx").get_sheet_by_name("rows").to_python()
    assert header[0] == "kind"
