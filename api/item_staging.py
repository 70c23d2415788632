"""From a file to staged rows: lines in COPY's text format, one for each row, readable or not.

A file is read once. What refuses it as a whole may come up at its last row, so nothing is to be recorded
before all of it is staged; which rows share an identity the staging table tells.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import orjson

from api.csv_rows import Columns, columns_of
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

    from api.csv_rows import Numbered
    from api.mapping import ItemMapping
    from api.records import Record
    from domain.catalogue import Settings

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
        while some := list(islice(lines, _BLOCK)):
            yield len(some), "".join(some)
        return
    with csv_table(path, mapping) as (table, rows):
        columns = ColumnReader(table, mapping, settings.currency, settings.default_entity)

        def one_by_one(part: list[Numbered]) -> list[str]:
            return list(_one_by_one(reader, reader.items(table.records(part))))

        for block in rows.blocks(len(table.header)):
            if isinstance(block, Columns):
                together = columns.lines(block)
                if together is not None:
                    yield len(block.numbers), together
                    continue
                block = block.rows()  # noqa: PLW2901 - the same
            yield len(block), "".join(_ordinary_or(one_by_one, columns, block, _BLOCK))


def _ordinary_or(
    one_by_one: Callable[[list[Numbered]], list[str]], columns: ColumnReader, rows: list[Numbered], size: int
) -> Iterator[str]:
    """The lines of *rows*, read all at once if they are ordinary, else in smaller pieces or one by one."""
    for at in range(0, len(rows), size):
        part = rows[at : at + size]
        side_by_side = columns_of(part)
        together = columns.lines(side_by_side) if side_by_side else None
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
