"""Mappings that are refused, each with file, key and cure; the shipped ones; the documented ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.item_file import MappingRefused, read_mapping, shipped_mappings
from api.table_file import read_table
from api.table_shapes import CUSTOMERS, TableRow
from tests.api.item_file_case import Case, mapping_text

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "mapping.md"


def refusal(tmp_path, text) -> str:
    with pytest.raises(MappingRefused) as refused:
        Case(tmp_path).mapping(text)
    assert str(refused.value).startswith("map.toml: ")
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "columns is missing"),
        ("[column]\n[columns]\n", "column is not known; did you mean `columns`?"),
        ("columns = 1", "columns must be a table"),
        (mapping_text(number=""), 'columns.number is missing; add `number = "<name of the column>"`'),
        (mapping_text(numbr='"x"'), "columns.numbr is not known; did you mean `number`?"),
        (mapping_text('delimitr = ";"'), "file.delimitr is not known; did you mean `delimiter`?"),
        (mapping_text('format = "cvs"'), "file.format is 'cvs', which is not known; did you mean `csv`?"),
        (mapping_text('format = "xml"'), "use csv, jsonl"),
        (mapping_text('format = "jsonl"\ndelimiter = ";"'), "file.delimiter is not known for JSON lines"),
        (mapping_text('delimiter = ";;"'), "file.delimiter must be one character"),
        (mapping_text('delimiter = ""'), "file.delimiter must be one character"),
        (mapping_text("quote = ','"), "file.quote is the delimiter too"),
        (mapping_text("delimiter = 5"), "file.delimiter must be a text in quotation marks"),
        (mapping_text('encoding = "utf8x"'), "file.encoding is not a known encoding"),
        (mapping_text('encoding = "rot13"'), "file.encoding is not a known encoding"),
        (mapping_text('decimal = ";"'), "file.decimal must be"),
        (mapping_text('thousands = "x"'), "file.thousands must be"),
        (mapping_text('thousands = "."'), "file.thousands is the decimal mark too"),
        (mapping_text("header_line = 0"), "file.header_line must be a whole number from 1"),
        (mapping_text("header_line = true"), "file.header_line must be a whole number from 1"),
        (mapping_text('empty = [""]'), "file.empty must be a list of texts"),
        (mapping_text('date = "%d.%m.%Y"'), "file.date only d, dd, m, mm, yy, yyyy and separators"),
        (mapping_text('date = "dd.mm"'), "has no year; say when it begins: `year_begins`"),
        (mapping_text('date = "dd.yyyy"'), "day, month and year must each occur once"),
        (mapping_text('year_begins = "July"'), "file.year_begins must be a day such as 2024-01-01"),
        (mapping_text("year_begins = { row = 1 }"), "file.year_begins needs `row` and `cell`"),
        (
            mapping_text(due_date='{ first_of = [{ column = "a", date = "dd.mm.yyyy" }, "b"] }'),
            "columns.due_date gives a `date` to some columns only",
        ),
        (mapping_text(customer_code='{ column = "a", between = [1] }'), "between must be two whole numbers"),
        (
            mapping_text(customer_code='{ column = "a", between = [9, 1] }'),
            "between must be two whole numbers",
        ),
        (mapping_text(customer_code='{ column = "a", between = ["1"] }'), "must be a list of whole numbers"),
        (mapping_text(rest='[rows]\nonly_when = [{ column = "a" }]'), "rows.only_when[1] needs `equals`"),
        (mapping_text('format = "xlsx"\ndelimiter = ";"'), "file.delimiter is not known for workbooks"),
        (mapping_text('date = "dmyyyy"'), "'d' needs a separator behind it, or 'dd'"),
        (mapping_text(number="{}"), "columns.number needs exactly one of `column`"),
        (mapping_text(number='{ column = "a", constant = "b" }'), "columns.number needs exactly one of"),
        (mapping_text(number='""'), "columns.number.column is empty"),
        (mapping_text(number="5"), "columns.number must be a text or a table"),
        (
            mapping_text(number='{ column = "a", pad = 0 }'),
            "columns.number.pad must be a whole number from 1",
        ),
        (
            mapping_text(number='{ column = "a", pda = 3 }'),
            "columns.number.pda is not known; did you mean `pad`?",
        ),
        (
            mapping_text(number='{ column = "a", integer = 1 }'),
            "columns.number.integer must be true or false",
        ),
        (mapping_text(number='{ column = "a", date = "iso" }'), "columns.number.date is not known"),
        (mapping_text(number='{ join = [], with = "-" }'), "columns.number.join is empty"),
        (mapping_text(number="{ join = [5] }"), "columns.number.join[1] must hold texts or tables"),
        (mapping_text(number='{ join = ["a"], pad = 3 }'), "columns.number.pad is not known"),
        (
            mapping_text(number='{ join = [{ column = "a", x = 1 }] }'),
            "columns.number.join[1].x is not known",
        ),
        (mapping_text(number='{ first_of = ["a"], with = "-" }'), "columns.number.with is not known"),
        (mapping_text(type='{ constant = "bill" }'), "columns.type gives 'bill', which is no type of item"),
        (mapping_text(type='{ column = "a", values = { R = "bill" } }'), "gives 'bill'"),
        (mapping_text(type='{ column = "a", otherwise = "other" }'), "columns.type.otherwise needs `values`"),
        (
            mapping_text(type='{ column = "a", values = { R = 1 } }'),
            "columns.type.values must be a table of texts",
        ),
        (mapping_text(type='{ positive = "invoice" }'), "columns.type.negative is missing"),
        (
            mapping_text(type='{ positive = "payment", negative = "payment" }'),
            "columns.type.positive is payment",
        ),
        (
            mapping_text(type='{ positive = "invoice", negative = "invoice" }'),
            "columns.type.negative is invoice",
        ),
        (
            mapping_text(rest='[attributes]\nignore = ["due"]'),
            "attributes.ignore names 'due', which is mapped",
        ),
        (mapping_text(rest='[attributes]\nrename = { due = "x" }'), "attributes.rename names 'due'"),
        (mapping_text(rest='[attributes]\nrename = { a = "x", b = "x" }'), "gives two columns the same name"),
        (mapping_text(rest='[attributes]\nignored = ["a"]'), "attributes.ignored is not known; did you mean"),
        (
            mapping_text(rest='[rows]\nnegate_types = ["credit"]'),
            "rows.negate_types is 'credit', which is not known",
        ),
        (mapping_text(rest='[rows]\nsubtotal_when_empty = ["nummer"]'), "did you mean `number`?"),
        (
            mapping_text(rest='[rows]\nsubtotal_when_empty = ["entity"]'),
            "names entity, which [columns] does not",
        ),
        (mapping_text(rest='[rows]\nsubtotal_when = ["x"]'), "rows.subtotal_when[1] must hold tables"),
        (
            mapping_text(rest='[rows]\nsubtotal_when = [{ column = "a" }]'),
            "needs `equals`, `begins` or `between`",
        ),
        (mapping_text(rest='[rows]\nskip = ["x"]'), "rows.skip is not known"),
        (
            mapping_text(
                type='{ positive = "invoice", negative = "payment" }',
                rest='[rows]\nnegate_types = ["payment"]',
            ),
            "rows.negate_types contradicts `type` by sign",
        ),
        ("x = ", "is not TOML"),
    ],
)
def test_a_wrong_mapping_is_refused_with_key_and_cure(tmp_path, text, says):
    assert says in refusal(tmp_path, text)


def test_a_mapping_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(MappingRefused, match=r"no\.toml: cannot be read"):
        read_mapping(tmp_path / "no.toml")
    (tmp_path / "map.toml").write_bytes("# Währung".encode("cp1252"))
    with pytest.raises(MappingRefused, match="byte 3 is not UTF-8"):
        read_mapping(tmp_path / "map.toml")


def test_the_shipped_mappings_can_be_used():
    assert set(shipped_mappings()) >= {"ibm", "highradius"}
    for path in shipped_mappings().values():
        assert read_mapping(path).fields


def test_the_documented_mappings_can_be_used(tmp_path):
    blocks = re.findall(r"```toml\n(.*?)```", REFERENCE.read_text(encoding="utf-8"), re.DOTALL)
    *of_items, of_customers = blocks
    assert len(of_items) == 2
    for block in of_items:
        assert Case(tmp_path).mapping(block).fields
    mapping, file = tmp_path / "map.toml", tmp_path / "customers.csv"
    mapping.write_text(of_customers, encoding="utf-8")
    file.write_bytes("Kunde;Name 1;Name 2;Gruppe;Ort\n17;Café;Nord;B;Ulm\n".encode("cp1252"))
    (row,) = read_table(file, CUSTOMERS, mapping)
    assert isinstance(row, TableRow)
    assert row.cells == {"code": "0000000017", "name": "Café Nord", "collector": "c2", "Ort": "Ulm"}
