"""Reading a file column by column says what reading it row by row does, whatever stands in it (spec 1, 4)."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from api import item_staging
from api.item_columns import ColumnReader
from api.item_file import FileRefused, read_mapping
from domain.catalogue import Settings
from tests.api.item_file_case import mapping_text

COMPANY = Settings("Acme", currency="EUR")
HEADER = [
    *("customer", "number", "type", "issued", "due"),
    *("amount", "balance", "currency", "name", "note", "odd"),
]
ORDINARY = ["C1", "17", "invoice", "2024-01-31", "2024-03-01", "10.00", "4.50", "EUR", "Acme", "", "b"]
ODD = {
    "customer": ["", " C2 ", "C\\2", 'C "2"', "customer"],
    "number": ["", "0017", "a\tb", "n" * 300],
    "type": ["credit_note", "payment", "other", "bill", ""],
    "issued": ["31.12.2024", "20240131", "2024-02-30", "", "01/02/2024"],
    "due": ["", "1799-01-01", "2024-03-01T10:00:00Z"],
    "amount": ["-10.00", "0.00", "-0.00", "10", "1.5", "1.250", "007.00", "x", "", "1.00\n2.00"],
    "balance": ["0.00", "-4.50", "4,5", ""],
    "currency": ["USD", "JPY", "KWD", "eur", ""],
    "name": ["", "O'Neil & \\ Co", "Zo\u00eb", "a\nb"],
    "note": ['say "hi"', "tab\there", "back\\slash", "\u2028"],
    "odd": ["", "NULL"],
}
MAPPINGS = {
    "plain": {},
    "by sign": {"type": '{ negative = "credit_note", positive = "invoice" }'},
    "table": {"currency": '{ column = "currency", values = { EUR = "EUR" }, otherwise = "USD" }'},
    "joined": {"number": '{ join = ["number", "odd"], with = "-" }'},
}


@st.composite
def rows(draw):
    found = []
    for _ in range(draw(st.integers(1, 12))):
        row = list(ORDINARY)
        for column in draw(st.lists(st.sampled_from(HEADER), max_size=2)):
            row[HEADER.index(column)] = draw(st.sampled_from(ODD[column]))
        found.append(draw(st.sampled_from([row, row, row, row, HEADER, [""] * len(HEADER), row[:3]])))
    return found


def quoted(row):
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in row)


def mapping(directory: Path, columns, file: str = "", rest: str = ""):
    path = directory / "map.toml"
    more = {"balance": '"balance"', "currency": '"currency"', "customer_name": '"name"', **columns}
    path.write_text(mapping_text(file, rest, **more), encoding="utf-8")
    return read_mapping(path)


def read(path: Path, by) -> object:
    try:
        lines = "".join(block for _, block in item_staging.staged_lines(path, by, COMPANY)).splitlines()
    except FileRefused as refused:
        return str(refused)
    return [_comparable(line.split("\t")) for line in lines]


def _comparable(cells):
    cells[11] = cells[11] if cells[11] == r"\N" else json.loads(cells[11].replace("\\\\", "\\"))
    return cells


@settings(deadline=None, max_examples=250)
@given(rows(), st.sampled_from(sorted(MAPPINGS)), st.sampled_from(["", 'empty = ["NULL"]']))
def test_1_columns_and_rows_are_read_alike(tmp_path_factory, found, kind, file):
    directory = tmp_path_factory.mktemp("alike")
    path = directory / "items.csv"
    path.write_text("\n".join(map(quoted, [HEADER, *found])) + "\n", encoding="utf-8")
    by = mapping(directory, MAPPINGS[kind], file)
    together = read(path, by)
    lines, ColumnReader.lines = ColumnReader.lines, lambda *_: None  # type: ignore[method-assign]
    try:
        one_by_one = read(path, by)
    finally:
        ColumnReader.lines = lines  # type: ignore[method-assign]
    assert together == one_by_one


def test_1_an_ordinary_file_is_read_by_columns_alone(tmp_path, monkeypatch):
    path = tmp_path / "items.csv"
    credit = [*ORDINARY[:2], "credit_note", *ORDINARY[3:5], "-10.00", "-10.00", *ORDINARY[7:]]
    path.write_text("\n".join(map(quoted, [HEADER, *[ORDINARY, credit] * 700])) + "\n", encoding="utf-8")
    monkeypatch.delattr(item_staging, "_one_by_one")
    assert len(read(path, mapping(tmp_path, {}))) == 1400  # type: ignore[arg-type]
