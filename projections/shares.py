"""Rows that Python computes, in order, without all of them in memory: share by share of the groups, each of
them sorted and put aside on the disk, then merged. For streamed readings of however many groups."""

from __future__ import annotations

import heapq
import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from operator import itemgetter
from tempfile import TemporaryFile
from typing import IO, Any, Final, TypeAlias, TypeVar

from psycopg.sql import SQL, Composable

Row = TypeVar("Row")
Ordered: TypeAlias = tuple[tuple[Any, ...], Row]
"""A row behind what it is sorted by."""

GROUPS_AT_A_TIME = 20_000
"""Of the first level; what they count is in memory, too."""

_OF_SHARE: Final = SQL("mod(hashtext(coalesce(key, '')) & 2147483647, %(shares)s) = %(share)s")


@dataclass(frozen=True, slots=True)
class Share:
    """The groups whose first keys fall to *number* of *shares*: 0 to *shares* - 1."""

    number: int = 0
    shares: int = 1

    @property
    def condition(self) -> Composable:
        """Whether a row with the column ``key`` is of it: whatever has one key is of the same share."""
        return SQL("true") if self.shares == 1 else _OF_SHARE

    @property
    def bindings(self) -> dict[str, object]:
        """What `condition` refers to."""
        return {"share": self.number, "shares": self.shares}


ALL: Final = Share()


def in_order(groups: int, made: Callable[[Share], Iterable[Ordered[Row]]], held: ExitStack) -> Iterator[Row]:
    """The rows of all shares in their order; *made* makes those of one, in any. groups: how many first keys
    there are, or somewhat more. *held*: until it is closed, what was put aside is there."""
    shares = -(-groups // GROUPS_AT_A_TIME)
    if shares <= 1:
        return (row for _, row in sorted(made(ALL), key=itemgetter(0)))
    runs = [_put_aside(made(Share(number, shares)), held) for number in range(shares)]
    return (row for _, row in heapq.merge(*runs, key=itemgetter(0)))


def _put_aside(rows: Iterable[Ordered[Row]], held: ExitStack) -> Iterator[Ordered[Row]]:
    file = held.enter_context(TemporaryFile())  # noqa: SIM115 - it is closed with what holds it
    for each in sorted(rows, key=itemgetter(0)):
        pickle.dump(each, file)
    file.seek(0)
    return _read(file)


def _read(file: IO[bytes]) -> Iterator[Any]:
    try:
        while True:
            yield pickle.load(file)  # noqa: S301 - what was just written
    except EOFError:
        return
