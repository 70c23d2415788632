"""A column mapping: which column of a file is what. api/mapping_file.py reads it from TOML."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from api.cells import AmountMarks, DatePattern
from api.markers import Marker, Range
from domain.item import ItemType

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date


class Field(StrEnum):
    """What a row can say of an item."""

    CUSTOMER_CODE = "customer_code"
    CUSTOMER_NAME = "customer_name"
    NUMBER = "number"
    TYPE = "type"
    ISSUE_DATE = "issue_date"
    DUE_DATE = "due_date"
    AMOUNT = "amount"
    BALANCE = "balance"
    CURRENCY = "currency"
    ENTITY = "entity"
    CLEARED_ON = "cleared_on"


REQUIRED: Final = (
    Field.CUSTOMER_CODE,
    Field.NUMBER,
    Field.TYPE,
    Field.ISSUE_DATE,
    Field.DUE_DATE,
    Field.AMOUNT,
)
IDENTITY: Final = (Field.ENTITY, Field.CUSTOMER_CODE, Field.NUMBER)
AMOUNTS: Final = (Field.AMOUNT, Field.BALANCE)
DATES: Final = (Field.ISSUE_DATE, Field.DUE_DATE, Field.CLEARED_ON)


COMPANYS: Final = "company"
"""`when_empty` of a currency that is the company's own."""


class FileKind(StrEnum):
    """How records stand in a file."""

    CSV = "csv"
    JSON_LINES = "jsonl"
    XLSX = "xlsx"


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How to get from bytes to cells. *quote* is None if the file quotes nothing.

    *by_content*: no format is declared, so what is a workbook is read as one. *sheet*: None for the first one
    that has the columns. *year_begins*: for dates without a year, the first day of theirs, or the row and the
    cell, from 1, that hold it."""

    kind: FileKind = FileKind.CSV
    delimiter: str = ","
    quote: str | None = '"'
    encoding: str = "utf-8-sig"
    header_line: int = 1
    empty: frozenset[str] = frozenset()
    by_content: bool = False
    sheet: str | None = None
    year_begins: date | tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One column and how its cells are cleaned, in this order: *integer*, *pad*, *range*, *date*, *values*.

    A cell outside of *range* counts as empty; one that *date* reads is an ISO date from there on."""

    column: str
    integer: bool = False
    pad: int = 0
    values: Mapping[str, str] | None = None
    otherwise: str | None = None
    range: Range | None = None
    date: DatePattern | None = None


class Combine(StrEnum):
    """How the parts of a source become one text."""

    JOIN = "join"
    FIRST_OF = "first_of"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a field comes from. A constant is a source without parts, always empty.

    Of amounts, *minus* is the column that is taken off, and each marker of *negative_when* that holds turns
    the sign; *round* takes away decimals that the currency has not."""

    parts: tuple[Part, ...]
    combine: Combine = Combine.JOIN
    separator: str = ""
    when_empty: str = ""
    date: DatePattern | None = None
    minus: str | None = None
    negative_when: tuple[Marker, ...] = ()
    round: bool = False

    @property
    def columns(self) -> str:
        """The columns as a message names them."""
        return " + ".join(self.named)

    @property
    def named(self) -> list[str]:
        """The columns that the field itself stands in."""
        return [part.column for part in self.parts] + ([self.minus] if self.minus else [])


@dataclass(frozen=True, slots=True)
class TypeBySign:
    """The type of an item where only the sign of the amount tells it."""

    positive: ItemType
    negative: ItemType


@dataclass(frozen=True, slots=True)
class ItemMapping:
    """A checked mapping of the columns of a file to items."""

    path: Path
    file: FileFormat
    amounts: AmountMarks
    date: DatePattern | None
    fields: Mapping[Field, Source]
    type_by_sign: TypeBySign | None
    ignore: frozenset[str]
    rename: Mapping[str, str]
    negate_types: frozenset[ItemType]
    subtotal_when_empty: tuple[Field, ...]
    subtotal_when: tuple[Marker, ...]
    only_when: tuple[Marker, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the file must have, each once, in the order of the mapping."""
        named = [column for source in self.fields.values() for column in source.named]
        turning = [m for source in self.fields.values() for m in source.negative_when]
        markers = [m.column for m in (*turning, *self.subtotal_when, *self.only_when)]
        return tuple(dict.fromkeys([*named, *markers, *self.rename]))

    @property
    def taken(self) -> frozenset[str]:
        """The columns that do not become attributes."""
        turning = {m.column for source in self.fields.values() for m in source.negative_when}
        return self.ignore | turning | {name for source in self.fields.values() for name in source.named}

    @property
    def amount_columns(self) -> frozenset[str]:
        """The columns whose cells are amounts."""
        amounts = (self.fields.get(field) for field in AMOUNTS)
        return frozenset(column for source in amounts if source for column in source.named)

    def date_of(self, field: Field) -> DatePattern | None:
        """The format in which the text of a date field comes, or None for ISO dates."""
        source = self.fields[field]
        return None if any(part.date for part in source.parts) else source.date or self.date

    @property
    def patterns(self) -> list[DatePattern]:
        """Every date format that is declared."""
        sources = [
            pattern for of in self.fields.values() for pattern in (of.date, *(p.date for p in of.parts))
        ]
        return [pattern for pattern in (self.date, *sources) if pattern]


def shipped_mappings() -> Mapping[str, Path]:
    """The mappings that come with the service, by name."""
    return {path.stem: path for path in sorted((Path(__file__).parent / "mappings").glob("*.toml"))}
