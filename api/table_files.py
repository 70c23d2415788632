"""Tables as files: CSV, workbooks and Parquet, piece by piece, so that memory does not grow with the rows."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Mapping
from enum import StrEnum
from typing import Final

from api.csv_text import CSV, csv_chunks
from api.typed_columns import Table


class FileFormat(StrEnum):
    """What kind of file."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"


MEDIA_TYPES: Final[Mapping[FileFormat, str]] = {
    FileFormat.CSV: CSV,
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileFormat.PARQUET: "application/vnd.apache.parquet",
}

_BLOCK: Final = 256 * 1024


def file_chunks(table: Table, of: FileFormat, *, raw: bool = False) -> Generator[bytes]:
    """*table* as a file *of* that kind; *raw*: CSV for machines, with cells that look like formulas.

    CSV and Parquet come while the rows are read. A workbook is written first, and all rows are read when its
    first piece comes. Raises WorkbookTooSmall.
    """
    match of:
        case FileFormat.CSV:
            yield from csv_chunks([each.name for each in table.columns], table.rows, raw=raw)
        case FileFormat.PARQUET:
            from api.parquet import parquet_chunks  # noqa: PLC0415 - takes its time to load

            yield from parquet_chunks(table)
        case FileFormat.XLSX:
            yield from _workbook_chunks(table)


def _workbook_chunks(table: Table) -> Generator[bytes]:
    from api.workbook_sheet import write_workbook  # noqa: PLC0415 - takes its time to load

    with tempfile.TemporaryFile(prefix="redress-") as file:
        write_workbook(file, table)
        file.seek(0)
        while block := file.read(_BLOCK):
            yield block
