"""One row of a file read as an item by the mapping: its fields, and what they must be to each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from api.cells import CellRefused, DateNotSettled, amount_reader, in_smallest_units, read_iso_date, show
from api.mapping import AMOUNTS, COMPANYS, DATES, Field, ItemMapping
from api.records import Broken, FileRefused, Record, records
from api.signed_amounts import signed_amount
from api.sources import source_reader
from api.workbook import WorkbookDay
from domain.item import ItemType
from domain.money import is_currency
from domain.texts import LONGEST_CODE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date
    from decimal import Decimal
    from pathlib import Path

Identity: TypeAlias = tuple[str, str, str]
"""Entity, customer code and item number."""

LONGEST_KEY: Final = LONGEST_CODE
"""The most characters of a customer code, an item number or an entity."""

_TYPES: Final = {kind.value: kind for kind in ItemType}  # quicker than calling the class for every row
_NEGATIVE: Final = frozenset({ItemType.CREDIT_NOTE, ItemType.PAYMENT})


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One readable row. *row* is its number in the file as a person counts (CSV: the header is row 1)."""

    row: int
    customer_code: str
    customer_name: str | None
    number: str
    type: ItemType
    issue_date: date
    due_date: date
    amount: Decimal
    balance: Decimal
    currency: str
    entity: str
    cleared_on: date | None
    attributes: Mapping[str, str]


class FieldRefused(Exception):
    """A field of a row cannot be read; *column* is the file's, or the field where there is none."""

    def __init__(self, column: str | None, reason: str) -> None:
        super().__init__(reason)
        self.column = column


class RowReader:
    """A mapping made ready to read the rows of one file."""

    def __init__(self, path: Path, mapping: ItemMapping, default_currency: str, default_entity: str) -> None:
        self._path = path
        self._mapping = mapping
        self._default_currency = default_currency
        self._default_entity = default_entity
        self._texts = {field: source_reader(field, source) for field, source in mapping.fields.items()}
        self._taken = mapping.taken
        amount_of = amount_reader(mapping.amounts)
        self._amounts_of = {
            field: signed_amount(mapping.fields[field], amount_of)
            for field in AMOUNTS
            if field in mapping.fields
        }
        self._dates = {field: date_reader(mapping, field) for field in DATES if field in mapping.fields}
        self._unsettled = [field for field in self._dates if mapping.date_of(field) is None]

    def records(self) -> Iterator[tuple[int, Record | Broken]]:
        """The records of the file that the mapping declares to be items."""
        return self.items(records(self._path, self._mapping))

    def items(self, found: Iterable[tuple[int, Record | Broken]]) -> Iterator[tuple[int, Record | Broken]]:
        """Those of *found* that the mapping declares to be items."""
        declared = self._mapping
        others = bool(declared.subtotal_when or declared.subtotal_when_empty or declared.only_when)
        for row, record in found:
            if not (others and isinstance(record, dict) and self._is_no_item(record)):
                yield row, record

    def identity(self, record: Record) -> Identity:
        """Entity, customer and number of a record. Raises FieldRefused."""
        entity = self._key(Field.ENTITY, record) if Field.ENTITY in self._texts else self._default_entity
        return entity, self._key(Field.CUSTOMER_CODE, record), self._key(Field.NUMBER, record)

    def identity_or_none(self, record: Record | Broken) -> Identity | None:
        """The identity of a record, or None where it cannot be read."""
        try:
            return None if isinstance(record, Broken) else self.identity(record)
        except FieldRefused:
            return None

    def check_dates(self, row: int, record: Record | Broken) -> None:
        """Raises FileRefused if a date without declared format needs one."""
        if isinstance(record, Broken):
            return
        for field in self._unsettled:
            try:
                self._date(field, record)
            except FieldRefused:
                continue
            except DateNotSettled as problem:
                place = f"row {row}, column {self._column(field)}"
                raise FileRefused(f"{self._path.name}: {place}: {problem}") from None

    def item(self, row: int, record: Record, identity: Identity) -> ItemRow:
        """The item that a record describes. Raises FieldRefused."""
        currency = self._currency(record)
        cleared_on = self._date(Field.CLEARED_ON, record) if Field.CLEARED_ON in self._texts else None
        kind, amount, balance = self._amounts(record, currency, cleared=cleared_on is not None)
        return ItemRow(
            row=row,
            customer_code=identity[1],
            customer_name=self._text(Field.CUSTOMER_NAME, record) or None,
            number=identity[2],
            type=kind,
            issue_date=self._required_date(Field.ISSUE_DATE, record),
            due_date=self._required_date(Field.DUE_DATE, record),
            amount=amount,
            balance=balance,
            currency=currency,
            entity=identity[0],
            cleared_on=cleared_on,
            attributes=self._attributes(record),
        )

    def _text(self, field: Field, record: Record) -> str:
        read = self._texts.get(field)
        if read is None:
            return ""
        try:
            return read(record)
        except CellRefused as refusal:
            raise self._refused(field, str(refusal)) from None

    def _key(self, field: Field, record: Record) -> str:
        text = self._text(field, record)
        if text and len(text) <= LONGEST_KEY and text.isprintable():
            return text
        if not text:
            raise self._refused(field, _NO_KEY[field])
        if len(text) > LONGEST_KEY:
            raise self._refused(field, f"{show(text)} has more than {LONGEST_KEY} characters")
        raise self._refused(field, f"{show(text)} holds control characters or line breaks")

    def _required_date(self, field: Field, record: Record) -> date:
        day = self._date(field, record)
        if day is None:
            raise self._refused(field, "is empty; map another column behind it with `first_of`")
        return day

    def _date(self, field: Field, record: Record) -> date | None:
        text = self._text(field, record)
        try:
            return self._dates[field](text) if text else None
        except CellRefused as refusal:
            raise self._refused(field, str(refusal)) from None

    def _currency(self, record: Record) -> str:
        if Field.CURRENCY not in self._texts:
            return self._default_currency
        code = self._text(Field.CURRENCY, record)
        if code == COMPANYS:
            return self._default_currency
        if not is_currency(code):
            cure = "three capital letters such as EUR are needed; see `values` and `when_empty`"
            raise self._refused(Field.CURRENCY, f"{show(code)} is not a currency code; {cure}")
        return code

    def _amounts(self, record: Record, currency: str, *, cleared: bool) -> tuple[ItemType, Decimal, Decimal]:
        amount = self._amount(Field.AMOUNT, record, currency)
        kind = self._type(record, amount)
        sign = -1 if kind in self._mapping.negate_types else 1
        amount = sign * amount if amount else amount
        self._check_sign(kind, amount)
        if Field.BALANCE not in self._texts:
            return kind, amount, abs(amount * 0) if cleared else amount
        balance = self._amount(Field.BALANCE, record, currency)
        balance = sign * balance if balance else balance
        if amount * balance < 0:
            raise self._refused(Field.BALANCE, f"{show(str(balance))} has not the sign of the amount")
        if balance and cleared:
            raise self._refused(Field.CLEARED_ON, f"is given although {show(str(balance))} is still open")
        return kind, amount, balance

    def _amount(self, field: Field, record: Record, currency: str) -> Decimal:
        text = self._text(field, record)
        try:
            amount = self._amounts_of[field](text, record)
            if amount is None:
                raise self._refused(field, "is empty; say with `when_empty` or `first_of` what that means")
            return in_smallest_units(amount, currency, rounded=self._mapping.fields[field].round)
        except CellRefused as refusal:
            raise self._refused(field, str(refusal)) from None

    def _type(self, record: Record, amount: Decimal) -> ItemType:
        by_sign = self._mapping.type_by_sign
        text = self._text(Field.TYPE, record)
        kind = _TYPES.get(text)
        if by_sign is not None and (kind is None or _contradicts(kind, amount)):
            return by_sign.negative if amount < 0 else by_sign.positive
        if kind is None:
            cure = f"give it one of {', '.join(ItemType)} in `type.values`"
            raise self._refused(Field.TYPE, f"{show(text)} is not a type of item; {cure}")
        return kind

    def _check_sign(self, kind: ItemType, amount: Decimal) -> None:
        if kind is ItemType.INVOICE and amount < 0:
            cure = "map `type` so that it is a credit note, or by sign"
            raise self._refused(Field.AMOUNT, f"{show(str(amount))} is negative on an invoice; {cure}")
        if kind in _NEGATIVE and amount > 0:
            cure = f'if the file gives them positive, set `negate_types = ["{kind}"]` under [rows]'
            raise self._refused(Field.AMOUNT, f"{show(str(amount))} is positive on a {kind}; {cure}")

    def _attributes(self, record: Record) -> dict[str, str]:
        taken = self._taken
        found = {name: cell for name, cell in record.items() if cell and name not in taken}
        for name, new_name in self._mapping.rename.items():
            if new_name in found:
                reason = f"would be renamed to {show(new_name)}, which the row has too; ignore one of them"
                raise FieldRefused(name, reason)
            if name in found:
                found[new_name] = found.pop(name)
        return found

    def _is_no_item(self, record: Record) -> bool:
        only = self._mapping.only_when
        if only and not any(marker.matches(record[marker.column]) for marker in only):
            return True
        fields = self._mapping.subtotal_when_empty
        try:
            if fields and not any(self._text(field, record) for field in fields):
                return True
        except FieldRefused:
            return False
        return any(marker.matches(record[marker.column]) for marker in self._mapping.subtotal_when)

    def _column(self, field: Field) -> str:
        source = self._mapping.fields.get(field)
        return source.columns if source is not None and source.parts else str(field)

    def _refused(self, field: Field, reason: str) -> FieldRefused:
        return FieldRefused(self._column(field), reason)


def _contradicts(kind: ItemType, amount: Decimal) -> bool:
    return (kind is ItemType.INVOICE and amount < 0) or (kind in _NEGATIVE and amount > 0)


_NO_KEY: Final = {
    Field.NUMBER: "is empty; if such rows are subtotals, say so with `subtotal_when_empty` under [rows]",
    Field.CUSTOMER_CODE: "is empty, so the customer is not known",
    Field.ENTITY: "is empty; say with `when_empty` which entity that means",
}


def date_reader(mapping: ItemMapping, field: Field) -> Callable[[str], date]:
    """A function that reads the cells of the date *field*; it raises CellRefused and DateNotSettled."""
    pattern = mapping.date_of(field)
    # The same few days come again and again in a file.
    read_text = lru_cache(maxsize=10_000)(read_iso_date if pattern is None else pattern.read)
    # What a workbook itself knows as a date does not follow the declared format.
    return lambda text: read_iso_date(str(text)) if isinstance(text, WorkbookDay) else read_text(text)
