"""Files of very many rows: memory does not grow with them, and what a format cannot hold is said."""

from __future__ import annotations

import ctypes
import gc
import io
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID
from zipfile import ZipFile

import pytest
from psycopg.sql import SQL
from pyarrow import parquet
from pytest import MonkeyPatch  # noqa: PT013 - the type
from python_calamine import CalamineWorkbook

from api import workbook_sheet
from api.table_files import FileFormat, file_chunks
from api.typed_columns import Kind, Table, WorkbookTooSmall, columns_of, table_of
from projections.aged_balance import AgedBalanceRow
from projections.parameters import Parameters, Report
from projections.reading import Reading, Snapshot
from store.clock import now
from tests.api.company_case import MANAGER, company_case


@dataclass(frozen=True, slots=True)
class Entry:
    """A row with a column of every kind."""

    id: UUID
    name: str
    currency: str
    amount: Decimal | None
    share: Decimal
    count: int
    days: float | None
    is_open: bool
    day: date
    at: datetime
    parts: Sequence[UUID] = field(default_factory=list)
    attributes: Mapping[str, str] = field(default_factory=dict)


_SQL = """
select gen_random_uuid() as id, 'entry ' || n as name, 'EUR' as currency, n / 100.0 as amount, 0.25 as share,
       n as count, n::double precision as days, n %% 2 = 0 as is_open, date '2026-01-01' + n %% 365 as day,
       timestamptz '2026-01-01' + n * interval '1 s' as at, array[gen_random_uuid()] as parts,
       '{{"sector": "food"}}'::jsonb as attributes
from generate_series(1, {rows}) n order by n"""


def entries(reading: Reading, rows: int) -> Report[Entry]:
    def work(snapshot: Snapshot) -> Report[Entry]:
        found = snapshot.shown(Entry, _SQL, {}, rows=SQL(str(rows)))
        return snapshot.report(Parameters(), found)

    return reading.at(Parameters(), work)


@pytest.fixture
def reading(database: str, tmp_path: Path) -> Iterator[Reading]:
    with company_case(database, tmp_path) as case:
        yield Reading(case.company.datastore, MANAGER, now())


def made(reading: Reading, form: FileFormat, rows: int, folder: Path, seen: Callable[[], None]) -> Path:
    """A file of *rows* rows; *seen* is called every now and then."""
    file = folder / f"entries.{form}"
    with reading.streamed() as streamed, file.open("wb") as written:
        table = table_of(entries(streamed, rows), Entry, "entries")
        for chunk in file_chunks(replace(table, rows=watched(table.rows, seen)), form):
            written.write(chunk)
    return file


def watched(rows: Iterator[Any], seen: Callable[[], None]) -> Iterator[Any]:
    for number, row in enumerate(rows):
        if number % 5_000 == 0:
            seen()
        yield row


def resident() -> int:
    """Bytes of memory that this process has now."""
    try:
        _, pages, *_ = Path("/proc/self/statm").read_text().split()
    except OSError:
        pytest.skip("only Linux tells how much memory a process has now")
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def give_back() -> None:
    """What other tests have left free in this process would hide what is taken now."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


@pytest.mark.parametrize(
    ("form", "rows", "most"), [("csv", 50_000, 35), ("parquet", 100_000, 90), ("xlsx", 30_000, 20)]
)
def test_a_file_of_very_many_rows_costs_no_memory(
    reading: Reading, tmp_path: Path, form: str, rows: int, most: int
) -> None:
    """*most*: MB; so many rows at once would take about twice that. A group of rows of Parquet takes some."""
    of = FileFormat(form)
    made(reading, of, 1, tmp_path, lambda: None)  # whatever is loaded once
    give_back()
    before, peaks = resident(), [0]
    file = made(reading, of, rows, tmp_path, lambda: peaks.append(resident()))
    assert len(peaks) > rows // 5_000
    assert max(peaks) - before < most * 2**20
    assert file.stat().st_size > rows


def test_a_file_holds_what_was_read(reading: Reading, tmp_path: Path) -> None:
    rows = parquet.read_table(made(reading, FileFormat.PARQUET, 30_000, tmp_path, lambda: None)).to_pylist()
    assert [row["count"] for row in rows] == [*range(1, 30_001)]
    assert rows[0] | {"id": "", "parts": []} == {
        "id": "", "name": "entry 1", "currency": "EUR", "amount": Decimal("0.01"), "share": Decimal("0.25"),
        "count": 1, "days": 1.0, "is_open": False, "day": date(2026, 1, 2),
        "at": datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC), "parts": [], "attributes": [("sector", "food")],
    }  # fmt: skip
    book = CalamineWorkbook.from_path(made(reading, FileFormat.XLSX, 30, tmp_path, lambda: None))
    header, *cells = book.get_sheet_by_name("rows").to_python()
    assert len(cells) == 30
    assert dict(zip(header, cells[0], strict=True)) | {"id": "", "parts": ""} == {
        "id": "", "name": "entry 1", "currency": "EUR", "amount": 0.01, "share": 0.25, "count": 1.0,
        "days": 1.0, "is_open": False, "day": date(2026, 1, 2), "at": datetime(2026, 1, 1, 0, 0, 1),  # noqa: DTZ001 - a cell has no zone
        "parts": "", "attributes": "sector=food",
    }  # fmt: skip


# --- what a format cannot hold ------------------------------------------------------------------------


def one(**changed: Any) -> Table:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    amount = Decimal("1.50")
    values: list[Any] = [UUID(int=1), "x", "EUR", amount, Decimal("0.5"), 1, 1.0, True, at.date(), at]
    report = Report(7, {"as_at": at}, (replace(Entry(*values), **changed),))
    return table_of(report, Entry, "entries")


def cells(table: Table) -> dict[str, Any]:
    content = b"".join(file_chunks(table, FileFormat.XLSX))
    header, row = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name("rows").to_python()
    return dict(zip(map(str, header), row, strict=True))


def test_moments_in_a_workbook_are_in_utc() -> None:
    assert cells(one())["at"] == datetime(2026, 1, 2, 1, 4, 5)  # noqa: DTZ001 - a cell has no zone


def test_what_a_cell_would_round_or_move_is_a_text() -> None:
    big, long = Decimal("1234567890123456.78"), 2**60
    found = cells(one(amount=big, count=long, day=date(1899, 12, 31)))
    assert (found["amount"], found["count"], found["day"]) == (str(big), str(long), "1899-12-31")
    exact = cells(one(amount=Decimal("9999999999999.99"), count=999_999_999_999_999))
    assert (exact["amount"], exact["count"]) == (9999999999999.99, 999_999_999_999_999)


@pytest.mark.parametrize(
    ("currency", "shown"),
    [("EUR", "#,##0.00"), ("JPY", "#,##0"), ("TND", "#,##0.000"), ("CLF", "#,##0.0000")],
)
def test_amounts_are_shown_with_the_decimals_of_their_currency(currency: str, shown: str) -> None:
    content = b"".join(file_chunks(one(currency=currency, share=Decimal(1)), FileFormat.XLSX))
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name("rows").to_python()
    assert rows[1][3] == 1.5
    sheet = ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml").decode()
    styles = ZipFile(io.BytesIO(content)).read("xl/styles.xml").decode()
    formats = {"#,##0": "3", "#,##0.00": "4"} | {
        code: number for number, code in re.findall(r'numFmtId="(\d+)" formatCode="([^"]+)"', styles)
    }
    (style,) = re.findall(r'<c r="D2" s="(\d+)"', sheet)
    _, after = styles.split("<cellXfs")
    assert re.findall(r'<xf numFmtId="(\d+)"', after)[int(style)] == formats[shown]


def test_a_text_that_no_cell_can_hold_is_refused() -> None:
    with pytest.raises(WorkbookTooSmall, match="Row 1 has more than 32767 characters in name"):
        cells(one(name="x" * 32_768))
    assert len(cells(one(name="x" * 32_767))["name"]) == 32_767


def test_more_rows_than_a_sheet_has_are_refused(monkeypatch: MonkeyPatch) -> None:
    assert workbook_sheet.MOST_ROWS == 2**20 - 1
    monkeypatch.setattr(workbook_sheet, "MOST_ROWS", 2)
    rows = [next(one().rows) for _ in range(3)]
    with pytest.raises(WorkbookTooSmall, match="take csv or parquet"):
        b"".join(file_chunks(replace(one(), rows=iter(rows)), FileFormat.XLSX))
    assert b"".join(file_chunks(replace(one(), rows=iter(rows[:2])), FileFormat.XLSX))


def test_amounts_in_parquet_have_six_decimals() -> None:
    content = b"".join(file_chunks(one(share=Decimal("0.1234567")), FileFormat.PARQUET))
    (row,) = parquet.read_table(io.BytesIO(content)).to_pylist()
    assert row["share"] == Decimal("0.123457")


def test_columns_that_an_answer_spreads_have_the_type_of_what_they_hold() -> None:
    first = AgedBalanceRow("k", None, "EUR", {"not_due": Decimal(1)}, Decimal(1), Decimal(0))
    kinds = {each.name: each.kind for each in columns_of(AgedBalanceRow, first)}
    assert kinds["not_due"] == kinds["total"] == Kind.AMOUNT
    assert kinds["key"] == Kind.TEXT
    assert "not_due" not in {each.name for each in columns_of(AgedBalanceRow, None)}
