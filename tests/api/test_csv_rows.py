"""Rows that come many at a time are those that come one by one (spec 2)."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import csv_rows
from api.csv_rows import Columns, CsvRows, FileRefused, Lines
from api.mapping import FileFormat

PATH = Path("items.csv")
PIECES = st.sampled_from(
    ["a", "12.50", "é", " ", "\t", ",", ",", ",", "\n", "\n", "\r\n", "\r", '"', '""', "\0"]
)
WIDTHS = st.integers(1, 3)


def reader(text, file):
    return CsvRows(Lines(PATH, io.StringIO(text, newline="")), PATH, file)


def one_by_one(text, file):
    return list(reader(text, file))


def many_at_a_time(text, file, width):
    for block in reader(text, file).blocks(width):
        yield from block.rows() if isinstance(block, Columns) else block


def told(rows):
    """The rows, or why the file is refused; a row without any cell is a blank one."""
    try:
        return [(number, row or [""]) for number, row in rows()]
    except FileRefused as refused:
        return str(refused)


def plain(width):
    """Files of which most lines are as wide as they should be."""
    line = st.lists(st.sampled_from(["a", " b", "c d ", "", "é"]), min_size=width, max_size=width)
    odd = st.sampled_from(['"x\ny",2', 'a,"b', "", "1,2,3,4", 'a"b,c', "a\rb,c"])
    return st.lists(line.map(",".join) | line.map(",".join) | odd, max_size=12).map("\n".join)


@pytest.mark.parametrize("quote", ['"', None])
@pytest.mark.parametrize("size", [1, 7, 2**16])
def test_2_a_file_read_many_rows_at_a_time_has_the_rows_of_one_read_row_by_row(monkeypatch, quote, size):
    monkeypatch.setattr(csv_rows, "_BLOCK", size)
    monkeypatch.setattr(csv_rows, "_MOST_ROWS", 2)
    file = FileFormat(quote=quote)

    @given(st.lists(PIECES, max_size=40).map("".join), WIDTHS)
    def of_any_text(text, width):
        assert told(lambda: many_at_a_time(text, file, width)) == told(lambda: one_by_one(text, file))

    @given(WIDTHS.flatmap(lambda width: st.tuples(plain(width), st.just(width))))
    def of_ordinary_text(told_of):
        text, width = told_of
        assert told(lambda: many_at_a_time(text, file, width)) == told(lambda: one_by_one(text, file))

    of_any_text()
    of_ordinary_text()


def test_2_lines_of_equal_width_come_as_columns_whatever_ends_them():
    for end in ("\n", "\r\n"):
        (block,) = reader(f"a, b{end}c ,d", FileFormat()).blocks(2)
        assert block == Columns(range(1, 3), [["a", "c"], ["b", "d"]])


def test_2_only_the_block_with_a_quotation_mark_is_read_row_by_row(monkeypatch):
    monkeypatch.setattr(csv_rows, "_BLOCK", 4)
    kinds = [type(block) for block in reader('a,b\nc,d\n"e\n",f\ng,h\ni,j\n', FileFormat()).blocks(2)]
    assert kinds == [Columns, Columns, list, Columns, Columns]
