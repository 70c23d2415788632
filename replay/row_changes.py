"""Which rows of a report came, went and changed between two answers to the same question."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class RowChange(Generic[Row]):
    """One row before and after: None where it was not there. *changes* are the compared fields that differ,
    before and after; of a row that came or went there are none."""

    before: Row | None
    after: Row | None
    changes: Mapping[str, tuple[object, object]]

    @property
    def row(self) -> Row:
        """The row after, or before where it is gone."""
        found = self.before if self.after is None else self.after
        assert found is not None, "a change is of a row"
        return found


def row_changes(
    before: Iterable[Row],
    after: Iterable[Row],
    key: Callable[[Row], Hashable],
    compared: Sequence[str],
) -> tuple[RowChange[Row], ...]:
    """The changes of rows that *key* tells apart, by the fields *compared*: those that went first, then those
    that changed and that came, each in the order of its report."""
    old, new = {key(row): row for row in before}, {key(row): row for row in after}
    gone = [RowChange(row, None, {}) for place, row in old.items() if place not in new]
    there = [
        RowChange(old.get(place), row, _differing(old.get(place), row, compared))
        for place, row in new.items()
    ]
    return (*gone, *(each for each in there if each.before is None or each.changes))


def _differing(before: Row | None, after: Row, compared: Sequence[str]) -> dict[str, tuple[object, object]]:
    if before is None:
        return {}
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in compared}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
