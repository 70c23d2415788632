"""Whatever is written, the same is read back; whatever bytes there are, the answer is rows or a refusal."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import string
import tempfile
from datetime import date
from decimal import Decimal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from api.item_file import FileRefused, ItemRow
from tests.api.item_file_case import HEADER, Case, mapping_text

keys = st.text(string.ascii_letters + string.digits + "-/. äß", min_size=1, max_size=20).filter(str.strip)
notes = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=["Cc"]), max_size=50
)
broken_notes = st.lists(notes, max_size=3).map("\n".join)
days = st.dates(date(1900, 1, 1), date(9999, 12, 31))
amounts = st.decimals(-(10**12), 10**12, places=2, allow_nan=False, allow_infinity=False)
rows = st.lists(
    st.tuples(keys, keys, days, days, amounts, broken_notes),
    max_size=8,
    unique_by=lambda row: (row[0].strip(), row[1].strip()),
)
marks = st.sampled_from([(".", ""), (",", ""), (",", "."), (".", ","), (",", " "), (".", "'")])
formats = st.sampled_from(
    [("d/m/yyyy", "%-d/%-m/%Y"), ("m/d/yyyy", "%-m/%-d/%Y"), ("dd.mm.yyyy", "%d.%m.%Y")]
)


def written(amount: Decimal, decimal: str, thousands: str) -> str:
    return f"{amount:,.2f}".translate(str.maketrans(",.", "\0" + decimal)).replace("\0", thousands)


@given(
    rows=rows,
    marks=marks,
    form=formats,
    delimiter=st.sampled_from([",", ";", "|", "\t"]),
    encoding=st.sampled_from(["utf-8-sig", "utf-16"]),
)
def test_csv_rows_come_back(rows, marks, form, delimiter, encoding):
    text = io.StringIO()
    out = csv.writer(text, delimiter=delimiter)
    out.writerow([*HEADER.split(","), "note"])
    for customer, number, issued, due, amount, note in rows:
        dates = (issued.strftime(form[1]), due.strftime(form[1]))
        out.writerow([customer, number, "other", *dates, written(amount, *marks), note])
    file = (
        f"delimiter = {json.dumps(delimiter)}\nencoding = '{encoding}'\ndate = '{form[0]}'\n"
        f"decimal = {json.dumps(marks[0])}\nthousands = {json.dumps(marks[1])}"
    )
    with tempfile.TemporaryDirectory() as directory:
        read = Case(Path(directory)).read(text.getvalue().encode(encoding), mapping_text(file))
    assert_same(read, rows)


@given(rows=rows, quoted=st.booleans())
def test_json_rows_come_back(rows, quoted):
    lines = []
    for customer, number, issued, due, amount, note in rows:
        cells = {
            "customer": customer,
            "number": number,
            "type": "other",
            "issued": issued.isoformat(),
            "due": due.strftime("%Y%m%d"),
            "note": note,
        }
        body = json.dumps(cells)[:-1]
        lines.append(f'{body}, "amount": "{amount}"}}' if quoted else f'{body}, "amount": {amount}}}')
    with tempfile.TemporaryDirectory() as directory:
        case = Case(Path(directory))
        mapping = mapping_text('format = "jsonl"\ndecimal = "."')
        with contextlib.ExitStack() as expected:
            if not rows:
                expected.enter_context(contextlib.suppress(FileRefused))
            assert_same(case.read("\n".join(lines), mapping), rows)


def assert_same(read, rows):
    assert all(isinstance(item, ItemRow) for item in read), read
    assert [
        (item.customer_code, item.number, item.issue_date, item.due_date, item.amount) for item in read
    ] == [(row[0].strip(), row[1].strip(), *row[2:5]) for row in rows]
    assert [item.attributes.get("note", "") for item in read] == [row[5].strip() for row in rows]


@given(
    content=st.one_of(
        st.binary(max_size=300),
        st.text(max_size=200).map(lambda text: f"{HEADER}\n{text}".encode("utf-8", "replace")),
        st.lists(
            st.lists(st.sampled_from(["C", "1", "invoice", "20200101", '"', "1,5", "é", "\0"]), max_size=8)
        ).map(lambda lines: "\n".join([HEADER, *map(",".join, lines)]).encode()),
    ),
    file=st.sampled_from(
        ["", 'encoding = "latin-1"', 'encoding = "utf-16"', 'format = "jsonl"', 'quote = ""']
    ),
)
def test_any_bytes_give_rows_or_a_refusal(content, file):
    with tempfile.TemporaryDirectory() as directory, contextlib.suppress(FileRefused):
        for row in Case(Path(directory)).read(content, mapping_text(file)):
            assert row.row >= 1
