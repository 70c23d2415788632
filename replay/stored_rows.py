"""The rows that a table of the read side holds, thing by thing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, Protocol, TypeAlias

from projections.tables import Key

Row: TypeAlias = tuple[Any, ...]


class Stored(Protocol):
    """The rows of one table, thing by thing."""

    def take(self, key: Key) -> tuple[list[Row], list[Row]]:
        """Rows of things before *key* that nobody took, and the rows of *key*."""

    def rest(self) -> Iterator[Row]:
        """Rows that nobody took."""


class SortedRows:
    """Rows in the order of their keys, read along with streams in the same order."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._things: Final = groupby(rows, key=itemgetter(0))
        self._ahead: list[Row] = []
        self._read()

    def _read(self) -> None:
        _, rows = next(self._things, (None, ()))
        self._ahead = list(rows)

    def take(self, key: Key) -> tuple[list[Row], list[Row]]:
        """See `Stored`."""
        strays: list[Row] = []
        while self._ahead and self._ahead[0][0] < key:
            strays += self._ahead
            self._read()
        found: list[Row] = []
        if self._ahead and self._ahead[0][0] == key:
            found = self._ahead
            self._read()
        return strays, found

    def rest(self) -> Iterator[Row]:
        """See `Stored`."""
        while self._ahead:
            yield from self._ahead
            self._read()


class HeldRows:
    """Rows of the few things that a company has in one stream, all in memory."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._things: Final = {key: list(of_key) for key, of_key in groupby(rows, key=itemgetter(0))}

    def take(self, key: Key) -> tuple[list[Row], list[Row]]:
        """See `Stored`."""
        return [], self._things.pop(key, [])

    def rest(self) -> Iterator[Row]:
        """See `Stored`."""
        for rows in self._things.values():
            yield from rows
