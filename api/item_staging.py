"""From a file to staged rows: lines in COPY's text format, one for each row, readable or not.

A file is read once. What refuses it as a whole may come up at its last row, so nothing is to be recorded
before all of it is staged; which rows share an identity the staging table tells.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias

import orjson

from api.item_columns import ColumnReader
from api.item_file import Rejection
from api.item_rows import FieldRefused, ItemRow, RowReader
from api.mapping import FileKind
from api.records import Broken, csv_table, kind_of
from api.undated_years import in_its_year
from store.copy_text import cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from api.mapping import ItemMapping
    from api.records import Record
    from domain.catalogue import Settings

Numbered: TypeAlias = tuple[int, list[str] | Broken]
"""A row of a CSV file with its number."""

_BLOCK: Final = 500
"""Rows handed over together."""

_PIECE: Final = 25
"""Rows read one by one if any of them is out of the ordinary."""


def staged_lines(path: Path, mapping: ItemMapping, settings: Settings) -> Iterator[tuple[int, str]]:
    """The rows of the file as blocks of lines with the values of staging.COLUMNS, and how many rows each has.

    Raises FileRefused, at any block.
    """
    mapping = in_its_year(mapping, path)
    reader = RowReader(path, mapping, settings.currency, settings.default_entity)
    if kind_of(path, mapping.file) is not FileKind.CSV:
        lines = _one_by_one(reader, reader.records())
        while block := list(islice(lines, _BLOCK)):
            yield len(block), "".join(block)
        return
    with csv_table(path, mapping) as table:
        columns = ColumnReader(table, mapping, settings.currency, settings.default_entity)

        def one_by_one(part: list[Numbered]) -> list[str]:
            return list(_one_by_one(reader, reader.items(table.records(part))))

        while rows := list(islice(table.rows, _BLOCK)):
            block = list(_ordinary_or(one_by_one, columns, rows, _BLOCK))
            yield len(rows), "".join(block)


def _ordinary_or(
    one_by_one: Callable[[list[Numbered]], list[str]], columns: ColumnReader, rows: list[Numbered], size: int
) -> Iterator[str]:
    """The lines of *rows*, read all at once if they are ordinary, else in smaller pieces or one by one."""
    for at in range(0, len(rows), size):
        part = rows[at : at + size]
        cells = [row for _, row in part if not isinstance(row, Broken)]
        together = columns.lines([number for number, _ in part], cells) if len(cells) == len(part) else None
        if together is not None:
            yield together
        elif size > _PIECE:
            yield from _ordinary_or(one_by_one, columns, part, _PIECE)
        else:
            yield from one_by_one(part)


def _one_by_one(reader: RowReader, found: Iterator[tuple[int, Record | Broken]]) -> Iterator[str]:
    return (staged_line(_read(reader, row, record)) for row, record in found)


def _read(reader: RowReader, row: int, record: Record | Broken) -> ItemRow | Rejection:
    reader.check_dates(row, record)
    if isinstance(record, Broken):
        return Rejection(row, None, record.reason, None)
    identity = None
    try:
        identity = reader.identity(record)
        return reader.item(row, record, identity)
    except FieldRefused as refusal:
        return Rejection(row, refusal.column, str(refusal), identity)


def staged_line(row: ItemRow | Rejection) -> str:
    """*row* as a line."""
    if isinstance(row, Rejection):
        identity = row.identity or (None, None, None)
        return _line(row.row, *identity, *[None] * 9, row.column, row.reason)
    return _line(
        row.row,
        row.entity,
        row.customer_code,
        row.number,
        row.customer_name,
        row.type,
        row.issue_date,
        row.due_date,
        row.amount,
        row.balance,
        row.currency,
        orjson.dumps(row.attributes).decode(),
        row.cleared_on,
        None,
        None,
    )


def _line(*values: object) -> str:
    return "\t".join(map(cell, values)) + "\n"
