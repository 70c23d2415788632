"""Tables as a workbook (XLSX): typed cells, never a formula, never a link."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, BinaryIO, Final

import xlsxwriter

from api.cells import decimals_of
from api.csv_text import cell
from api.typed_columns import Column, Kind, Table, WorkbookTooSmall

MOST_ROWS: Final = 1_048_575
"""Rows of a sheet beside its header."""

_LONGEST_TEXT: Final = 32_767
_EXACT_DIGITS: Final = 15
_FIRST_YEAR: Final = 1901
_PLAIN: Final = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_WIDTHS: Final[Mapping[Kind, int]] = {Kind.TEXT: 22, Kind.AMOUNT: 16, Kind.DAY: 12, Kind.MOMENT: 20}
_AMOUNTS: Final = {0: "#,##0", 2: "#,##0.00", 3: "#,##0.000", 4: "#,##0.0000"}


def write_workbook(file: BinaryIO, table: Table) -> None:
    """Write *table* to *file*, with a second sheet that says what it is. Memory does not grow with the rows.

    The header is bold and stays in sight; columns can be filtered. Moments are in UTC, for a cell has no
    zone. Numbers of more than 15 digits are texts, for a cell has no more. Raises WorkbookTooSmall for more
    than 1 048 575 rows and for texts of more than 32 767 characters.
    """
    # Rows wait in a file until the sheet is complete; the folder goes even when it never will be.
    with tempfile.TemporaryDirectory(prefix="redress-") as folder:
        book = xlsxwriter.Workbook(file, {"constant_memory": True, "tmpdir": folder, **_PLAIN})
        try:
            _Sheet(book, table).write()
            _write_question(book, table)
        except BaseException:
            for sheet in book.worksheets():
                sheet.row_data_fh.close()
            raise
        book.close()


class _Sheet:
    """The sheet with the rows."""

    def __init__(self, book: Any, table: Table) -> None:  # noqa: ANN401 - xlsxwriter has no types
        self._table: Final = table
        self._sheet: Final = book.add_worksheet("rows")
        self._bold: Final = book.add_format({"bold": True})
        self._day: Final = book.add_format({"num_format": "yyyy-mm-dd"})
        self._moment: Final = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._share: Final = book.add_format({"num_format": "0.00%"})
        self._number: Final = book.add_format({"num_format": "0.00"})
        self._amounts: Final = {
            decimals: book.add_format({"num_format": shown}) for decimals, shown in _AMOUNTS.items()
        }

    def write(self) -> None:
        """Write header and rows."""
        columns = self._table.columns
        for place, column in enumerate(columns):
            self._sheet.set_column(place, place, _WIDTHS.get(column.kind, 12))
        for place, column in enumerate(columns):
            self._sheet.write_string(0, place, column.name, self._bold)
        self._sheet.freeze_panes(1, 0)
        number = 0
        for number, row in enumerate(self._table.rows, start=1):
            if number > MOST_ROWS:
                raise WorkbookTooSmall(
                    f"A sheet of a workbook has at most {MOST_ROWS} rows; take csv or parquet, or filter."
                )
            for place, column in enumerate(columns):
                if (value := row[column.name]) is not None:
                    self._write(number, place, column, value, row)
        self._sheet.autofilter(0, 0, number, len(columns) - 1)

    def _write(
        self,
        number: int,
        place: int,
        column: Column,
        value: Any,  # noqa: ANN401 - what the column holds
        row: Mapping[str, object],
    ) -> None:
        match column.kind:
            case Kind.YES_NO:
                self._sheet.write_boolean(number, place, value)
            case Kind.WHOLE if abs(value) < 10**_EXACT_DIGITS:
                self._sheet.write_number(number, place, value)
            case Kind.NUMBER:
                self._sheet.write_number(number, place, value, self._of_number(column))
            case Kind.AMOUNT if len(value.normalize().as_tuple().digits) <= _EXACT_DIGITS:
                self._sheet.write_number(number, place, float(value), self._of_amount(column, row))
            case Kind.DAY | Kind.MOMENT if value.year >= _FIRST_YEAR:
                self._sheet.write_datetime(number, place, *self._of_time(value))
            case _:
                self._write_text(number, place, column, cell(value, raw=True))

    def _write_text(self, number: int, place: int, column: Column, text: str) -> None:
        if len(text) > _LONGEST_TEXT:
            raise WorkbookTooSmall(
                f"Row {number} has more than {_LONGEST_TEXT} characters in {column.name}, and no cell of a"
                " workbook can hold them; take csv or parquet."
            )
        self._sheet.write_string(number, place, text)

    def _of_number(self, column: Column) -> Any:  # noqa: ANN401 - xlsxwriter has no types
        return self._share if _is_share(column) else self._number

    def _of_amount(self, column: Column, row: Mapping[str, object]) -> Any:  # noqa: ANN401
        if _is_share(column):
            return self._share
        return self._amounts[decimals_of(str(row.get("currency") or ""))]

    def _of_time(self, value: date) -> tuple[date, Any]:
        if isinstance(value, datetime):
            return value.astimezone(UTC).replace(tzinfo=None), self._moment
        return value, self._day


def _is_share(column: Column) -> bool:
    return column.name.startswith(("share", "safety_share")) or column.name == "within_target"


def _write_question(book: Any, table: Table) -> None:  # noqa: ANN401 - xlsxwriter has no types
    sheet = book.add_worksheet("asked")
    sheet.set_column(0, 1, 30)
    bold = book.add_format({"bold": True})
    told = {"report": table.name, "position": table.position, **table.parameters}
    for number, (name, value) in enumerate(told.items()):
        sheet.write_string(number, 0, name, bold)
        sheet.write_string(number, 1, cell(value, raw=True))
