"""Spec 1, 4: items from a workbook, and workbooks that are refused whatever they unfold to."""

from __future__ import annotations

import struct
from datetime import date, datetime
from decimal import Decimal

import pytest

from api import workbook as workbooks
from api.item_file import ItemRow
from tests.api.item_file_case import HEADER, Case, mapping_text
from tests.api.workbook_file import MAIN, Raw, package, workbook

TITLES = HEADER.split(",")
DAY, DUE = date(2024, 1, 31), date(2024, 3, 1)


@pytest.fixture
def case(tmp_path):
    return Case(tmp_path)


def line(number: object = "1", amount: object = 10, *, issued: object = DAY, due: object = DUE):
    return ["C1", number, "invoice", issued, due, amount]


def book(*rows, header=TITLES, **sheets):
    return workbook({"Items": [header, *rows], **sheets})


def read(case: Case, content: bytes, mapping: str | None = None, name: str = "items.xlsx"):
    return case.read(content, mapping, name=name)


def test_a_workbook_is_read_by_the_mapping_of_its_columns(case):
    (item,) = read(case, book(line("0017", 1234.5)))
    assert isinstance(item, ItemRow)
    assert (item.row, item.customer_code, item.number) == (2, "C1", "0017")
    assert (item.issue_date, item.due_date, item.amount) == (DAY, DUE, Decimal("1234.50"))


def test_the_content_decides_and_not_the_name_of_the_file(case):
    assert len(read(case, book(line()), name="items.csv")) == 1
    (item,) = read(case, f"{HEADER}\nC1,1,invoice,2024-01-31,2024-03-01,10\n".encode())
    assert item.amount == 10


@pytest.mark.parametrize(
    ("cell", "number"),
    [(1930571429.0, "1930571429"), ("0017", "0017"), (17, "17"), (999999999999999, "999999999999999")],
)
def test_a_number_as_an_identity_has_no_decimals(case, cell, number):
    (item,) = read(case, book(line(cell)))
    assert item.number == number


def test_a_number_with_more_digits_than_a_spreadsheet_keeps_is_rejected(case):
    (rejection,) = read(case, book(line(12345678901234567890)))
    assert rejection.reason == (
        "has a number of more than 15 digits in 'number'; a spreadsheet does not keep so many;"
        " format the column as text"
    )


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        (0.1 + 0.2, "0.30"),
        (1234.5600000000013, "1234.56"),
        (10, "10.00"),
        (1234567890.11, "1234567890.11"),
        (0.07, "0.07"),
        ("10.5", "10.50"),
    ],
)
def test_amounts_are_exact(case, cell, amount):
    (item,) = read(case, book(line(amount=cell)))
    assert str(item.amount) == amount


def test_an_amount_with_more_decimals_than_its_currency_is_rejected(case):
    (rejection,) = read(case, book(line(amount=100 / 3)))
    assert "has more than the 2 decimals of EUR" in rejection.reason


def test_a_number_never_follows_the_declared_decimal_mark(case):
    comma = mapping_text(file='decimal = ","\nthousands = "."')
    numbers = [item.amount for item in read(case, book(line(1, 1.234e3), line(2, "1.234,50")), comma)]
    assert numbers == [Decimal("1234.00"), Decimal("1234.50")]


def test_a_date_of_the_spreadsheet_needs_no_format_and_a_text_does(case):
    american = mapping_text(file='date = "m/d/yyyy"')
    rows = read(case, book(line(issued=datetime(2024, 2, 3, 12, 30), due="3/4/2024")), american)  # noqa: DTZ001
    assert [(item.issue_date, item.due_date) for item in rows] == [(date(2024, 2, 3), date(2024, 3, 4))]
    assert "can be read as" in case.refusal(book(line(issued="02/03/2024")))


def test_of_a_formula_the_last_result_counts_and_an_error_is_an_empty_cell(case):
    result, error = Raw("", "<f>5*2</f><v>10</v>"), Raw('t="e"', "<v>#N/A</v>")
    item, rejection = read(case, book(line(1, result), line(2, error)))
    assert item.amount == 10
    assert (rejection.row, rejection.column) == (3, "amount")
    assert rejection.reason.startswith("is empty")


def test_rows_count_as_the_spreadsheet_counts_them(case):
    third = mapping_text(file="header_line = 3")
    content = workbook({"Items": [["Open items"], [], TITLES, line(1), [], TITLES, line(2, "x"), [True]]})
    one, two, three = read(case, content, third)
    assert (one.row, two.row, three.row) == (4, 7, 8)
    assert isinstance(one, ItemRow)


def test_other_columns_are_attributes_as_texts(case):
    (item,) = read(case, book([*line(), 4.0, True, DAY, 0.5], header=[*TITLES, "a", "b", "c", "d"]))
    assert item.attributes == {"a": "4", "b": "true", "c": "2024-01-31", "d": "0.5"}


def test_the_first_sheet_with_the_columns_is_read_unless_the_mapping_names_one(case):
    sheets = workbook({"Notes": [["x"]], "A": [TITLES, line("a")], "B": [TITLES, line("b")]})
    assert [item.number for item in read(case, sheets)] == ["a"]
    assert [item.number for item in read(case, sheets, mapping_text(file='sheet = "B"'))] == ["b"]
    assert "there is no sheet 'C'; there are: 'Notes', 'A', 'B'" in case.refusal(
        sheets, mapping_text(file='sheet = "C"')
    )


def test_without_the_columns_the_nearest_sheet_says_what_is_missing(case):
    content = workbook({"Notes": [["x"]], "Items": [TITLES[:-1], line()[:-1]]})
    assert "there is no column 'amount'; there are 'customer', 'number'" in case.refusal(content)


def test_two_rows_with_one_identity_name_each_other(case):
    one, two = read(case, book(line(1), line(1.0, 11)))
    assert "as row 3" in one.reason
    assert "as row 2" in two.reason


def old(with_password: bytes = b"") -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + with_password


def declared(content: bytes, size: int) -> bytes:
    """*content*, whose last part says of itself that it unpacks to *size*."""
    place = content.rindex(b"PK\x01\x02") + 24
    return content[:place] + struct.pack("<I", size) + content[place + 4 :]


def far_away() -> bytes:
    """Two cells in the farthest corners: 17 thousand million cells between them."""
    cells = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    sheet = f"<worksheet {MAIN}><sheetData>{cells}</sheetData></worksheet>"
    return workbook({"Items": [["x"]]}, **{"xl/worksheets/sheet1.xml": sheet.encode()})


BAD = {
    "old or with a password": (old(), "has a password; save it as XLSX without"),
    "broken": (book(line())[:400], "is a broken workbook or ZIP file"),
    "binary": (b"PK\x03\x04" + bytes(range(256)), "is a broken workbook or ZIP file"),
    "another ZIP file": (package({"letter.txt": b"x"}), "is a ZIP file but no XLSX workbook"),
    "broken inside": (
        workbook({"Items": [["x"]]}, **{"xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row r='1'><c"}),
        "broken",
    ),
    "a bomb that says so": (declared(book(line()), 2**31), "unpacks to 2048 MB in 6 parts, where 512 MB"),
    "a bomb that does not": (far_away(), "needs more than 1024 MB or 120 seconds to be read; split it"),
    "10 MB cell": (book(line("9" * 10_000_000)), "row 2 holds a cell of more than 1048576 characters"),
    "no sheet": (workbook({}), "no sheet"),
    "empty": (workbook({"Items": []}), "is empty; a header and rows are needed"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_workbook_that_cannot_be_used_is_refused_with_place_and_cure(case, name):
    content, said = BAD[name]
    assert said in case.refusal(content)


def test_a_declared_format_that_the_file_has_not_is_refused(case):
    text = f"{HEADER}\n".encode()
    assert 'is no XLSX workbook; if it is text, set `format = "csv"`' in case.refusal(
        text, mapping_text(file='format = "xlsx"')
    )
    assert 'set `format = "xlsx"`' in case.refusal(book(line()), mapping_text(file='format = "csv"'))


def test_a_workbook_that_is_too_large_is_not_even_opened(case, monkeypatch):
    monkeypatch.setattr(workbooks, "_LARGEST", 2**10)
    assert "is larger than 0 MB; split it, or save the sheet as CSV" in case.refusal(book(line()))


def test_the_memory_of_whoever_reads_a_workbook_is_limited(case, monkeypatch):
    # 20 million cells between two: 640 MB, which this machine may well have.
    cells = '<row r="1"><c r="A1"><v>1</v></c></row><row r="200000"><c r="CV200000"><v>1</v></c></row>'
    sheet = f"<worksheet {MAIN}><sheetData>{cells}</sheetData></worksheet>".encode()
    monkeypatch.setitem(workbooks._LIMITS, "memory", 400 * 2**20)
    content = workbook({"Items": [["x"]]}, **{"xl/worksheets/sheet1.xml": sheet})
    assert "MB or 120 seconds to be read" in case.refusal(content)


def test_a_workbook_that_is_not_read_to_its_end_leaves_no_process_behind(tmp_path):
    file = tmp_path / "items.xlsx"
    file.write_bytes(book(*(line(number) for number in range(5_000))))
    rows = workbooks.workbook_rows(file, None, 1, TITLES)
    assert next(rows)[0] == 1
    rows.close()  # waits for the process: a test that leaves one behind fails for its warning
