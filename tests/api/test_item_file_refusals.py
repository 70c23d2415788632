"""Files that are refused as a whole, encodings, and JSON lines."""

from __future__ import annotations

import hashlib
import tracemalloc
from decimal import Decimal

import pytest

from api.item_file import FileRefused, ItemRow, digest, read_items
from api.records import MAX_CELL
from tests.api.item_file_case import HEADER, Case, mapping_text

GOOD = "C1,0007,invoice,2020-01-31,2020-03-01,10.50"
NAMED = mapping_text(customer_name='"name"')


@pytest.fixture
def case(tmp_path):
    return Case(tmp_path)


def test_a_digest_is_the_sha256_of_the_bytes(tmp_path):
    path = tmp_path / "items.csv"
    path.write_bytes(b"abc" * 100_000)
    assert digest(path) == hashlib.sha256(b"abc" * 100_000).hexdigest()


def test_a_file_that_is_not_there_is_refused(case, tmp_path):
    for path in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(FileRefused, match="cannot be read"):
            digest(path)
        with pytest.raises(FileRefused, match=f"{path.name}: cannot be read"):
            read_items(path, case.mapping(mapping_text()), default_currency="EUR", default_entity="m")


def test_a_refusal_comes_before_the_first_row(case, tmp_path):
    path = tmp_path / "items.csv"
    good = "".join(f"C1,{n},invoice,20200131,20200301,1\n" for n in range(50_000)).encode()
    path.write_bytes(HEADER.encode() + b"\n" + good + b"C1,\xfc,invoice,20200131,20200301,1\n")
    with pytest.raises(FileRefused):
        read_items(path, case.mapping(mapping_text()), default_currency="EUR", default_entity="m")


# --- encodings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "iso8859-15", "utf-16", "utf-16-le", "utf-32"]
)
def test_declared_encodings_are_read(case, encoding):
    declared = "utf-8-sig" if encoding.startswith("utf-8") else encoding
    content = f"{HEADER},name\r\n{GOOD},Müller & Söhne\r\n".encode(encoding)
    (item,) = case.read(content, mapping_text(f'encoding = "{declared}"', customer_name='"name"'))
    assert item.customer_name == "Müller & Söhne"


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_another_encoding_is_refused_with_line_byte_and_the_likely_one(case, encoding):
    before = f"{HEADER},name\n{GOOD},A\n" + "x" * 70_000 + ",,,,,,\n"
    refusal = case.refusal((before + f"{GOOD},Müller\n").encode(encoding), NAMED)
    assert f"items.csv: line 4, byte {len(before) + len(GOOD) + 2}: is not utf-8" in refusal
    assert 'encoding = "cp1252"' in refusal


def test_bytes_that_cp1252_does_not_have_point_to_latin_1(case):
    assert 'encoding = "latin-1"' in case.refusal(f"{HEADER},name\n{GOOD},\x81ü\n".encode("latin-1"), NAMED)


def test_utf_8_read_as_ascii_points_to_utf_8(case):
    mapping = mapping_text('encoding = "ascii"')
    assert 'encoding = "utf-8"' in case.refusal(f"{HEADER},name\n{GOOD},ü\n", mapping)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_recognised(case, encoding):
    assert f'encoding = "{encoding}"' in case.refusal(f"{HEADER}\n{GOOD}\n".encode(encoding))


def test_utf_8_with_its_mark_is_not_read_as_another_encoding(case):
    refusal = case.refusal(f"{HEADER}\n{GOOD}\n".encode("utf-8-sig"), mapping_text('encoding = "cp1252"'))
    assert 'encoding = "utf-8-sig"' in refusal


@pytest.mark.parametrize("content", [f"{HEADER}\n{GOOD}\n".encode(), b"\xff\xfea"])
def test_what_is_not_utf_16_is_refused(case, content):
    assert "is not" in case.refusal(content, mapping_text('encoding = "utf-16"'))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1"])
def test_binary_garbage_is_refused(case, encoding):
    garbage = bytes((n * n * 7 + n // 3) % 255 + 1 for n in range(10_000))
    assert "binary data" in case.refusal(garbage, mapping_text(f'encoding = "{encoding}"'))


def test_a_zero_byte_far_behind_is_refused(case):
    lines = "".join(f"C1,{n},invoice,20200131,20200301,1\n" for n in range(5_000))
    refusal = case.refusal(f"{HEADER}\n{lines}C1,\0,invoice,20200131,20200301,1\n")
    assert "line 5002 holds a zero byte" in refusal


@pytest.mark.parametrize(
    ("start", "says"),
    [
        (b"PK\x03\x04", "workbook"),
        (b"\xd0\xcf\x11\xe0", "old Office"),
        (b"\x1f\x8b", "compressed"),
        (b"%PDF", "PDF"),
    ],
)
def test_other_formats_are_named(case, start, says):
    assert says in case.refusal(start + b"rest")


# --- header ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", ["", "\ufeff"])
def test_an_empty_file_is_refused(case, content):
    assert "is empty" in case.refusal(content)
    assert "is empty" in case.refusal(content, mapping_text('format = "jsonl"'))


def test_a_file_with_a_header_only_has_no_rows(case):
    assert case.read(HEADER) == []


def test_a_missing_column_is_named_with_those_that_are_there(case):
    refusal = case.refusal(f"{HEADER.replace('due', 'Due date')}\n{GOOD}\n")
    assert "there is no column 'due'" in refusal
    assert "'Due date'" in refusal


def test_a_column_that_is_to_be_renamed_must_be_there(case):
    mapping = mapping_text(rest='[attributes]\nrename = { PRCTR = "profit centre" }')
    assert "there is no column 'PRCTR'" in case.refusal(f"{HEADER}\n{GOOD}\n", mapping)


def test_a_long_list_of_columns_is_cut(case):
    header = ",".join(f"column number {n} {'x' * 50}" for n in range(100))
    refusal = case.refusal(f"number,{header}\n")
    assert "and 71 more" in refusal


def test_a_file_without_header_is_refused(case):
    refusal = case.refusal(f"{GOOD}\n{GOOD}\n")
    assert "row 1 is not the header" in refusal
    assert "has the file no header" in refusal


def test_another_delimiter_is_pointed_out(case):
    assert 'is the delimiter ";"?' in case.refusal(HEADER.replace(",", ";") + "\n")
    assert 'is the delimiter "tab"?' in case.refusal(HEADER.replace(",", "\t") + "\n")


def test_a_header_further_down(case):
    (item,) = case.read(f'"EXTF",700\n{HEADER}\n{GOOD}\n', mapping_text("header_line = 2"))
    assert item.row == 3
    assert "from line 9 on" in case.refusal(f"{HEADER}\n", mapping_text("header_line = 9"))
    assert "row 1 is blank" in case.refusal(f"\n{HEADER}\n{GOOD}\n")


def test_a_column_that_is_there_twice_is_refused_unless_it_is_ignored(case):
    assert "names the column 'note' twice" in case.refusal(f"{HEADER},note,note\n{GOOD},1,2\n")
    assert "names the column 'due' twice" in case.refusal(f"{HEADER},due\n{GOOD},1\n")
    mapping = mapping_text(rest='[attributes]\nignore = ["note"]')
    (item,) = case.read(f"{HEADER},note,note\n{GOOD},1,2\n", mapping)
    assert item.attributes == {}


def test_a_header_that_cannot_be_read_is_refused(case):
    assert "cannot be read as a header" in case.refusal(f'"a "b" c",{HEADER}\n')
    assert "3000 columns" in case.refusal("," * 2_999 + "\n")


# --- cells ----------------------------------------------------------------------------------------------


def test_a_cell_may_be_long_but_not_ten_megabytes(case):
    (item,) = case.read(f"{HEADER},note\n{GOOD},{'x' * MAX_CELL}\n")
    assert len(item.attributes["note"]) == MAX_CELL
    refusal = case.refusal(f"{HEADER},note\n{GOOD},\n{GOOD},{'x' * (MAX_CELL + 1)}\n")
    assert "row 3 (line 3) holds a cell of more than 1048576 characters" in refusal


@pytest.mark.parametrize("cell", ["x" * 10_000_000, '"' + "x\n" * 5_000_000 + '"'], ids=["one line", "lines"])
def test_a_cell_of_ten_megabytes_is_refused_in_little_memory(case, tmp_path, cell):
    path = tmp_path / "items.csv"
    path.write_text(f"{HEADER},note\n{GOOD},{cell}\n", encoding="utf-8")
    mapping = case.mapping(mapping_text())
    tracemalloc.start()
    try:
        with pytest.raises(FileRefused, match=r"more than 1048576|longer than"):
            read_items(path, mapping, default_currency="EUR", default_entity="m")
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()


def test_a_quotation_mark_that_is_never_closed_is_refused(case):
    refusal = case.refusal(f'{HEADER}\n{GOOD}\nC1,"8,invoice,20200131,20200301,1\n{GOOD}\n')
    assert "row 3 (line 3) opens a quotation mark that is never closed" in refusal


def test_a_file_without_quoting_keeps_its_quotation_marks(case):
    mapping = mapping_text('delimiter = "|"\nquote = ""', customer_name='"name"')
    (item,) = case.read(f'{HEADER},name\n{GOOD},"5 inch\n'.replace(",", "|"), mapping)
    assert item.customer_name == '"5 inch'


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("03/04/2020", ("2020-04-03 (`d/m/yyyy`) or 2020-03-04 (`m/d/yyyy`)", 'date = "d/m/yyyy"')),
        ("01.02.20", ("`d.m.yy`", "`m.d.yy`", "`yy.m.d`")),
        ("13/01/2020", ("2020-01-13 (`d/m/yyyy`)", "never guessed")),
        ("2020/01/13", ('date = "yyyy/m/d"',)),
        ("31122019", ('date = "ddmmyyyy"',)),
    ],
)
def test_dates_without_declared_format_refuse_the_file(case, written, says):
    refusal = case.refusal(f"{HEADER}\n{GOOD}\nC1,8,invoice,2020-01-31,{written},1\n")
    assert f"items.csv: row 3, column due: '{written}'" in refusal
    for part in says:
        assert part in refusal


def test_delimiters_and_decimal_marks_together(case):
    header, row = HEADER.replace(",", ";"), "C1;7;invoice;31.01.2020;01.03.2020;1.234,56"
    mapping = mapping_text('delimiter = ";"\ndecimal = ","\nthousands = "."\ndate = "dd.mm.yyyy"')
    (item,) = case.read(f"{header}\r\n{row}\r\n", mapping)
    assert item.amount == Decimal("1234.56")
    (item,) = case.read(f"{HEADER}\n{GOOD}\n".replace(",", "\t"), mapping_text('delimiter = "tab"'))
    assert item.number == "0007"


# --- JSON lines -----------------------------------------------------------------------------------------

JSON = mapping_text('format = "jsonl"')


def json_line(**cells: str) -> str:
    told = {
        "customer": '"C1"',
        "number": '"0007"',
        "type": '"invoice"',
        "issued": '"2020-01-31"',
        "due": '"2020-03-01"',
        "amount": "10.5",
    } | cells
    return "{" + ", ".join(f'"{name}": {cell}' for name, cell in told.items()) + "}\n"


@pytest.mark.parametrize("amount", ["10.5", '"10.50"', "1.05e1"])
def test_json_amounts_are_exact(case, amount):
    (item,) = case.read(json_line(amount=amount), JSON)
    assert (item.row, str(item.amount)) == (1, "10.50")


def test_a_json_number_never_follows_the_marks_of_the_file(case):
    marks = mapping_text('format = "jsonl"\ndecimal = ","\nthousands = "."', currency='{ constant = "KWD" }')
    read = case.read(json_line(amount="1.234") + json_line(amount='"1.234"', number='"8"'), marks)
    assert [str(item.amount) for item in read] == ["1.234", "1234.000"]


def test_json_cells_become_text(case):
    line = json_line(number="611365", a="1930571429.0", b="true", c="null", d='" x "', e="false")
    (item,) = case.read("\n" + line, JSON)
    assert (item.row, item.number) == (2, "611365")
    assert item.attributes == {"a": "1930571429.0", "b": "true", "d": "x", "e": "false"}
    assert {type(text) for text in (item.number, *item.attributes.values())} == {str}


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("[1]", "'a' holds a nested value"),
        ('{"b": 1}', "'a' holds a nested value"),
        ("NaN", "holds NaN"),
        ('"\\u0000"', "not text"),
        ('"\\ud800"', "not text"),
        ("1, 2", "is not JSON"),
        ('1, "a": 2', "has 'a' twice"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_json_line_that_is_no_record_is_rejected(case, cell, says):
    broken, good = case.read(json_line(a=cell, number='"8"') + json_line(), JSON)
    assert says in broken.reason
    assert isinstance(good, ItemRow)


def test_ignored_nested_values_do_not_matter(case):
    mapping = mapping_text('format = "jsonl"', rest='[attributes]\nignore = ["time"]')
    assert case.read(json_line(time='{"h": 1}'), mapping)[0].attributes == {}


@pytest.mark.parametrize(
    "amount", ["1e400", "1e99999999999999999999", "9" * 5_000, "1e-9999", "0." + "3" * 5_000]
)
def test_enormous_json_numbers_are_rejected(case, amount):
    (rejection,) = case.read(json_line(amount=amount), JSON)
    assert rejection.column == "amount"
    assert len(rejection.reason) < 120


def test_a_json_line_that_is_not_an_object_is_rejected_unless_it_is_the_first(case):
    assert "not a JSON object" in case.read(json_line() + "5\n", JSON)[1].reason
    assert "is the format `csv`" in case.refusal(f"{HEADER}\n{GOOD}\n", JSON)
    assert "jq" in case.refusal(f"[{json_line()}]", JSON)


def test_a_name_that_no_json_line_has_is_a_missing_column(case):
    lines = json_line().replace('"due"', '"faellig"') * 2
    refusal = case.refusal(lines, JSON)
    assert "there is no column 'due'" in refusal
    assert "'faellig'" in refusal
    (item, rejection) = case.read(json_line() + json_line(number='"8"').replace('"due"', '"x"'), JSON)
    assert isinstance(item, ItemRow)
    assert rejection.column == "due"


def test_an_over_long_json_cell_or_line_is_refused(case):
    assert "line 1, 'a': holds more than" in case.refusal(json_line(a=f'"{"x" * (MAX_CELL + 1)}"'), JSON)
    assert "line 2 is longer than" in case.refusal(json_line() + json_line(a=f'"{"x" * 10_000_000}"'), JSON)


def test_blank_json_records_are_not_items(case):
    assert len(case.read(json_line() + '{"customer": null, "number": ""}\n{}\n', JSON)) == 1
