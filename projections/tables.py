"""What a table of states is: its columns, and how rows follow from a state. They stand in states.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias
from uuid import UUID

Key: TypeAlias = UUID | str
"""What tells the rows of one thing from those of another: its id, or a status' code."""

Values: TypeAlias = tuple[object, ...]
"""A table's own columns in order, as Python values that equal what psycopg reads back."""

Change: TypeAlias = tuple[Key, bool, Values]
"""Of which thing; whether it had a row before; its columns now."""

Changes: TypeAlias = Callable[..., Sequence[Change]]
"""(state before or None, state after, events of the decision on the stream) -> the rows that it changed."""


class Kind(Enum):
    """What a column holds. Arrays, truths and JSON are never null."""

    ID = auto()
    TEXT = auto()
    WHOLE = auto()
    AMOUNT = auto()
    DAY = auto()
    MOMENT = auto()
    TRUTH = auto()
    IDS = auto()
    TEXTS = auto()
    WHOLES = auto()
    JSON = auto()


COMMON: Final = ("version", "since", "until", "occurred_from", "occurred_until")
"""The columns that every table has between its key and its own."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its key's column and type, its own columns, and how they follow from a state."""

    name: str
    key: str
    key_type: str
    columns: Mapping[str, Kind]
    changes: Changes

    @property
    def all_columns(self) -> tuple[str, ...]:
        """Names of all columns, in the order in which rows are written."""
        return (self.key, *COMMON, *self.columns)
