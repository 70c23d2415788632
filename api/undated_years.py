"""Dates without a year: which year they belong to is said by the mapping, or by a cell above the header."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from api.cells import CellRefused, DateNotSettled, read_iso_date, show
from api.records import FileRefused, cell_above_header

if TYPE_CHECKING:
    from pathlib import Path

    from api.cells import DatePattern
    from api.mapping import ItemMapping, Source


def in_its_year(mapping: ItemMapping, path: Path) -> ItemMapping:
    """*mapping* with the first day of the file's year in all its patterns. Raises FileRefused."""
    wanted = mapping.file.year_begins
    if wanted is None:
        return mapping
    begins = wanted if isinstance(wanted, date) else _told(path, mapping, *wanted)

    def dated(pattern: DatePattern | None) -> DatePattern | None:
        return replace(pattern, begins=begins) if pattern else None

    def of(source: Source) -> Source:
        parts = tuple(replace(part, date=dated(part.date)) for part in source.parts)
        return replace(source, parts=parts, date=dated(source.date))

    fields = {field: of(source) for field, source in mapping.fields.items()}
    return replace(mapping, date=dated(mapping.date), fields=fields)


def _told(path: Path, mapping: ItemMapping, row: int, cell: int) -> date:
    text = cell_above_header(path, mapping, row, cell)
    try:
        return read_iso_date(text)
    except (CellRefused, DateNotSettled):
        cure = 'write it into the mapping: `year_begins = "2024-01-01"` under [file]'
        problem = f"row {row}, cell {cell}: {show(text)} is not the day on which the year begins"
        raise FileRefused(f"{path.name}: {problem}; {cure}") from None
