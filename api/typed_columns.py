"""Answers as tables of typed columns: what every file format is made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, auto
from itertools import chain
from types import NoneType
from typing import Any, Final, get_args, get_origin, get_type_hints

from projections.parameters import SPREAD, Report, record


class WorkbookTooSmall(Exception):
    """What does not fit into a sheet of a workbook."""


class Kind(Enum):
    """What a column holds, beside None."""

    TEXT = auto()
    WHOLE = auto()
    AMOUNT = auto()
    NUMBER = auto()
    YES_NO = auto()
    DAY = auto()
    MOMENT = auto()
    SEVERAL = auto()
    """Texts, in an order."""
    NAMED = auto()
    """Texts by name."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column by its name."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Table:
    """An answer's rows, which can be gone through once, with *name* for its file, and what it was asked."""

    name: str
    columns: tuple[Column, ...]
    rows: Iterator[Mapping[str, object]]
    position: int
    parameters: Mapping[str, object]


_KINDS: Final[Mapping[Any, Kind]] = {
    bool: Kind.YES_NO,
    int: Kind.WHOLE,
    Decimal: Kind.AMOUNT,
    float: Kind.NUMBER,
    date: Kind.DAY,
    datetime: Kind.MOMENT,
    Mapping: Kind.NAMED,
    Sequence: Kind.SEVERAL,
}


def table_of(report: Report[Any], of: type[Any], name: str) -> Table:
    """*report*, whose rows are instances of the dataclass *of*, as a table. Its first row is fetched."""
    rows = report.each()
    first = next(rows, None)
    whole = rows if first is None else chain([first], rows)
    return Table(name, columns_of(of, first), map(record, whole), report.position, report.parameters)


def columns_of(of: type[Any], first: object | None) -> tuple[Column, ...]:
    """The columns of rows of the class *of*, of which *first* is one: fields that hold columns are spread."""
    hints = get_type_hints(of)
    found: list[Column] = []
    for each in dataclasses.fields(of):
        if each.name in SPREAD:
            _, value = get_args(hints[each.name])
            held = {} if first is None else getattr(first, each.name)
            found += [Column(name, _kind(value)) for name in held]
        else:
            found.append(Column(each.name, _kind(hints[each.name])))
    return tuple(found)


def _kind(hint: Any) -> Kind:  # noqa: ANN401 - a type hint can be anything
    arguments = get_args(hint)
    if NoneType in arguments:
        return _kind(next(each for each in arguments if each is not NoneType))
    return _KINDS.get(get_origin(hint) or hint, Kind.TEXT)
