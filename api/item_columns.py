"""Many rows of a CSV file at once, column by column: the same reading as api/item_rows.py, several times as
fast, for rows in which nothing is out of the ordinary.

Each column of a block is looked at as a whole: is it what nearly all columns of its kind are? As soon as one
is not, the block is left to the reading row by row, which knows every case and says what is wrong. So nothing
is refused here, and whatever is not certain is None.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import orjson

from api.cells import CellRefused, DateNotSettled, decimals_of
from api.item_rows import LONGEST_KEY, date_reader
from api.mapping import DATES, IDENTITY, Field
from api.sources import source_reader
from domain.item import ItemType
from domain.money import is_currency
from store.copy_text import NULL, text, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from api.csv_rows import Columns
    from api.mapping import ItemMapping, Source
    from api.records import Table

Column = list[str]

_TYPES: Final = frozenset(kind.value for kind in ItemType)
_NEGATIVE: Final = frozenset({ItemType.CREDIT_NOTE.value, ItemType.PAYMENT.value})
_GROUP: Final = 3
"""Digits between thousands marks."""

_REMEMBERED: Final = 50_000
"""Different cells of one column."""


class _OutOfTheOrdinaryError(Exception):
    """A column is not as nearly all are."""


class ColumnReader:
    """A mapping made ready to read blocks of the rows of *table*."""

    def __init__(self, table: Table, mapping: ItemMapping, currency: str, entity: str) -> None:
        self._names: Final = table.columns
        self._places: Final = {name: place for place, name in enumerate(table.columns)}
        self._header: Final = table.header
        self._empty: Final = table.empty
        self._mapping: Final = mapping
        self._constants: Final = {Field.CURRENCY: currency, Field.ENTITY: entity}
        self._sources: Final = {
            field: self._source(field, source) for field, source in mapping.fields.items()
        }
        self._days: Final = {field: _day_reader(mapping, field) for field in DATES if field in mapping.fields}
        self._attributes: Final = [
            (place, mapping.rename.get(name, name))
            for place, name in enumerate(table.columns)
            if name not in mapping.taken
        ]
        self._is_ordinary: Final = _is_ordinary(mapping, table)

    def lines(self, rows: Columns) -> str | None:
        """*rows*, at least one, as lines with the values of staging.COLUMNS; None if not all are ordinary."""
        cells = rows.cells
        if not self._is_ordinary or len(cells) != len(self._header):
            return None
        if self._empty:
            cells = [["" if cell in self._empty else cell for cell in column] for column in cells]
        if self._header[0] in cells[0]:  # perhaps a header again
            return None
        try:
            columns = self._read(cells)
        except (_OutOfTheOrdinaryError, CellRefused, DateNotSettled):
            return None
        nothing = [NULL] * len(rows.numbers)
        whole = zip(map(str, rows.numbers), *columns, nothing, nothing, strict=True)
        return "\n".join(map("\t".join, whole)) + "\n"

    def _read(self, cells: Sequence[Column]) -> list[Column]:
        identity = [self._key(field, cells) for field in IDENTITY]
        name = [cell or NULL for cell in texts(self._text(Field.CUSTOMER_NAME, cells))]
        currency = self._currency(cells)
        amount = self._amounts(Field.AMOUNT, cells, currency[0])
        kind = self._types(cells, amount)
        balance = amount
        if Field.BALANCE in self._sources:
            balance = self._amounts(Field.BALANCE, cells, currency[0])
        _check_signs(kind, amount, balance)
        issued, due = self._dates(Field.ISSUE_DATE, cells), self._dates(Field.DUE_DATE, cells)
        attributes = self._attribute_column(cells)
        paid = [NULL] * len(kind)
        return [*identity, name, kind, issued, due, amount, balance, currency, attributes, paid]

    def _source(self, field: Field, source: Source) -> Callable[[Sequence[Column]], Column]:
        if not source.parts:
            return lambda cells: [source.when_empty] * len(cells[0])
        places = [self._places[part.column] for part in source.parts]
        names = [part.column for part in source.parts]
        if _is_plain(source):
            return lambda cells: cells[places[0]]
        read = source_reader(field, source)

        @lru_cache(maxsize=_REMEMBERED)
        def of(*parts: str) -> str:
            return read(dict(zip(names, parts, strict=True)))

        return lambda cells: list(map(of, *(cells[place] for place in places)))

    def _text(self, field: Field, cells: Sequence[Column]) -> Column:
        source = self._sources.get(field)
        return source(cells) if source else [self._constants.get(field, "")] * len(cells[0])

    def _key(self, field: Field, cells: Sequence[Column]) -> Column:
        column = self._text(field, cells)
        _require(all(column) and "".join(column).isprintable() and len(max(column, key=len)) <= LONGEST_KEY)
        return texts(column)

    def _currency(self, cells: Sequence[Column]) -> Column:
        column = self._text(Field.CURRENCY, cells)
        _require(column.count(column[0]) == len(column) and is_currency(column[0]))
        return column

    def _amounts(self, field: Field, cells: Sequence[Column], currency: str) -> Column:
        column = self._text(field, cells)
        marks = self._mapping.amounts
        if marks.decimal != ".":
            _require("." not in "".join(column))
            column = [cell.replace(marks.decimal, ".") for cell in column]
        decimals = decimals_of(currency)
        _require(marks.declared or decimals != _GROUP)  # or else 1.250 has two readings
        written = "\n".join(column)
        _require(written.count("\n") == len(column) - 1)
        _require(_plain_amounts(decimals).fullmatch(written) is not None)
        return column

    def _types(self, cells: Sequence[Column], amount: Column) -> Column:
        by_sign = self._mapping.type_by_sign
        if by_sign is not None:
            below, above = by_sign.negative.value, by_sign.positive.value
            return [below if each[0] == "-" else above for each in amount]
        column = self._text(Field.TYPE, cells)
        _require(_TYPES.issuperset(column))
        return column

    def _dates(self, field: Field, cells: Sequence[Column]) -> Column:
        column = self._text(field, cells)
        _require(all(column))
        return list(map(self._days[field], column))

    def _attribute_column(self, cells: Sequence[Column]) -> Column:
        if not self._attributes:
            return ["{}"] * len(cells[0])
        columns = [(name, cells[place]) for place, name in self._attributes]
        written = "".join(map("".join, (column for _, column in columns)))
        if not written.isprintable() or '"' in written or "\\" in written:
            return _spelled(columns)
        # JSON spells each of these cells as it is.
        pairs = [_pairs(text(orjson.dumps(name).decode()), column) for name, column in columns]
        return [f"{{{together[:-1]}}}" for together in map("".join, zip(*pairs, strict=True))]


def _pairs(name: str, column: Column) -> Column:
    return [f'{name}:"{cell}",' if cell else "" for cell in column]


def _spelled(columns: Sequence[tuple[str, Column]]) -> Column:
    names = [name for name, _ in columns]
    rows = zip(*(column for _, column in columns), strict=True)
    told = [{name: cell for name, cell in zip(names, row, strict=True) if cell} for row in rows]
    return texts(b"\n".join(map(orjson.dumps, told)).decode().split("\n"))


def _is_ordinary(mapping: ItemMapping, table: Table) -> bool:
    """Whether rows read by *mapping* can be ordinary at all."""
    names = [*table.columns, *mapping.rename.values()]
    return not (
        mapping.subtotal_when
        or mapping.subtotal_when_empty
        or mapping.only_when
        or mapping.negate_types
        or mapping.amounts.thousands
        or mapping.fields[Field.NUMBER].when_empty
        or Field.CLEARED_ON in mapping.fields
        or (mapping.type_by_sign is not None and Field.TYPE in mapping.fields)
        or any(source.minus or source.negative_when or source.round for source in mapping.fields.values())
        or any(names.count(name) > 1 for name in mapping.rename.values())
    )


def _is_plain(source: Source) -> bool:
    (first, *others) = source.parts
    changed = first.integer or first.pad or first.values is not None or first.range or first.date
    return not (others or source.when_empty or changed)


def _day_reader(mapping: ItemMapping, field: Field) -> Callable[[str], str]:
    read = date_reader(mapping, field)
    return lru_cache(maxsize=_REMEMBERED)(lambda text: read(text).isoformat())


@lru_cache(maxsize=8)
def _plain_amounts(decimals: int) -> re.Pattern[str]:
    """Amounts, one a line, exactly as they are kept: with all decimals, and no zero below zero."""
    part = rf"\.\d{{{decimals}}}" if decimals else ""
    one = rf"(?:-(?![0.]*$))?(?:0|[1-9]\d{{0,14}}){part}"
    return re.compile(rf"{one}(?:\n{one})*", re.ASCII | re.MULTILINE)


def _check_signs(kinds: Column, amounts: Column, balances: Column) -> None:
    """Credit notes and payments are below zero and invoices above, and balances have the amounts' signs."""
    below = [each[0] == "-" for each in amounts], [each[0] == "-" for each in balances]
    signs = set(zip(kinds, *below, strict=True))
    for kind, is_below, balance_is_below in signs:
        _require(is_below is balance_is_below)
        _require(kind == ItemType.OTHER.value or is_below is (kind in _NEGATIVE))


def _require(holds: bool) -> None:  # noqa: FBT001 - it is its only argument
    if not holds:
        raise _OutOfTheOrdinaryError
