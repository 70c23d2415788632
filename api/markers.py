"""Conditions on one cell of a row, as a mapping states them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from api.mapping_table import Table

_WHOLE: Final = re.compile(r"\d{1,30}", re.ASCII)
_HIGHEST: Final = 10**20


@dataclass(frozen=True, slots=True)
class Range:
    """Whole numbers from *lowest* to *highest*, such as the accounts of debtors."""

    lowest: int
    highest: int

    def holds(self, cell: str) -> bool:
        """Whether *cell* is a whole number of the range."""
        return _WHOLE.fullmatch(cell) is not None and self.lowest <= int(cell) <= self.highest


@dataclass(frozen=True, slots=True)
class Marker:
    """Holds of a row whose cell in *column* equals, or begins with, *text*, or lies in *range*."""

    column: str
    text: str
    begins: bool
    range: Range | None = None

    def matches(self, cell: str) -> bool:
        """Whether it holds of a row with this *cell*."""
        if self.range is not None:
            return self.range.holds(cell)
        return cell.startswith(self.text) if self.begins else cell == self.text


def marker(table: Table) -> Marker:
    """The marker that *table* states. Raises MappingRefused."""
    column = table.text("column")
    kinds = [key for key in ("equals", "begins", "between") if key in table]
    if len(kinds) != 1:
        raise table.refused("", "needs `equals`, `begins` or `between`, and one of them only")
    if kinds[0] == "between":
        found = Marker(column, "", begins=False, range=numbers_between(table))
    else:
        found = Marker(column, table.text(kinds[0]), kinds[0] == "begins")
    table.finish()
    return found


def numbers_between(table: Table) -> Range | None:
    """The two ends at ``between``, or None if it is not there. Raises MappingRefused."""
    if "between" not in table:
        return None
    ends = table.wholes("between")
    if len(ends) != 2 or not 0 <= ends[0] <= ends[1] <= _HIGHEST:  # noqa: PLR2004 - lowest and highest
        raise table.refused("between", "must be two whole numbers such as [10000, 69999]")
    return Range(*ends)
