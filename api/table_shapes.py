"""Files of customers, people, monthly sales and scenario steps: their fields, and what becomes of a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn


class RowRefused(Exception):
    """A row cannot be used."""

    def __init__(self, column: str | None, reason: str) -> None:
        super().__init__(reason)
        self.column = column


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row as a person counts them (the header is row 1), its cells that are not empty by field."""

    row: int
    cells: dict[str, str]

    def refuse(self, column: str, reason: str) -> NoReturn:
        """Reject the row. Raises RowRefused."""
        raise RowRefused(column, reason)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A rejected row."""

    row: int
    column: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of a kind of file. *key*: those that no two rows share. *attributes*: other columns are
    attributes; else there are none, unless a mapping leaves them out.

    Cells of *months* become the first day of the month that they name or lie in, those of *amounts* exact
    decimals, both as texts.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    attributes: bool = False
    months: tuple[str, ...] = ()
    amounts: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """All of them."""
        return self.required + self.optional


CUSTOMERS = Shape(("code",), ("name", "collector", "sales_manager"), key=("code",), attributes=True)
PEOPLE = Shape(("code",), ("name", "login", "role", "assignment_values"), key=("code",))
SALES = Shape(
    ("month", "amount"),
    ("entity", "currency"),
    key=("month", "entity", "currency"),
    months=("month",),
    amounts=("amount",),
)
SCENARIO = Shape(
    ("code",), ("days", "kind", "minimum_amount"), key=("code",), attributes=True, amounts=("minimum_amount",)
)
"""Attributes are the labels, by language code."""
