"""The rows of a report at two moments, with what makes their difference: the answer to what changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from projections.comparison import Figures, Line, Statistics
from replay.facts import Fact
from replay.sentences import utc


@dataclass(frozen=True, slots=True)
class Changed:
    """A figure at both moments; *change* is after minus before."""

    before: Decimal
    after: Decimal
    change: Decimal


@dataclass(frozen=True, slots=True)
class ChangedStatistic:
    """What the report says at both moments that is no sum, such as a median; *change* is after minus before.
    None where there is none."""

    before: float | None
    after: float | None
    change: float | None


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one dispute, episode, item or line of an agenda adds to the difference of a row.

    *thing* is dispute, item, follow_up, customer (for the steps due for it) or sales (stated for a month,
    of no customer); *name* the dispute's reference, the item's number, the action's title, the customer's
    name, or the entity and month of sales. *moved_from* and *moved_to* are the keys of the other rows (or
    buckets of the same row) for what moved. *events* lie between the two moments and explain it, in the
    order of the log; there are none for what time alone did, and for what is out of reach now.
    """

    kind: str
    thing: str
    id: UUID
    name: str | None
    customer_code: str | None
    episode: int | None
    moved_from: str | None
    moved_to: str | None
    figures: Mapping[str, Changed]
    sentence: str
    events: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A row of the report whose figures differ, or which hold others than before. *bucket*: of the aged
    balance one bucket of the row, of the agenda one kind of line, of receivables the month of sales. The
    *contributions* add up to the changes of *figures*. *second_key*: of a report grouped by two, ``total`` in
    its subtotals; else None.

    *statistics* are no sums: they are those of the report at both moments, and differ because of the
    contributions, to which no share of them belongs; those of receivables also because days went by, and
    then there may be no contribution. *mean_basis* says of what the mean is (*closed only*: of episodes
    resolved in the period, and too short as long as others wait); None where there is no mean.
    """

    key: str | None
    label: str | None
    second_key: str | None
    second_label: str | None
    currency: str | None
    bucket: str | None
    figures: Mapping[str, Changed]
    contributions: tuple[Contribution, ...]
    statistics: Mapping[str, ChangedStatistic]
    mean_basis: str | None

    @property
    def place(self) -> tuple[str | None, str | None, str | None]:
        """What tells it, with all its buckets, from the other rows."""
        return self.key, self.second_key, self.currency


_WHEN: Final = ("before", "after", "change")
_OF_ROW: Final = ("key", "label", "second_key", "second_label", "currency", "bucket")
_OF_WHAT: Final = ("kind", "thing", "id", "name", "customer_code", "episode", "moved_from", "moved_to")
_WHY: Final = ("sentence", "events")


@dataclass(frozen=True, slots=True)
class WhatChanged:
    """The answer for one report. *parameters* state the clocks as they were understood: ``since_as_at`` and
    ``since_known_at`` of the earlier moment, ``as_at`` and ``known_at`` of the later one. *rows* are those
    that changed; *totals* those of all rows, in each currency, with subtotals before them where the report is
    grouped by two. *statistics* are the names of what does not add up."""

    report: str
    position: int
    parameters: Mapping[str, object]
    figures: tuple[str, ...]
    statistics: tuple[str, ...]
    rows: tuple[ChangedRow, ...]
    totals: tuple[ChangedRow, ...]

    @property
    def is_by_two(self) -> bool:
        """Whether the report is grouped by two."""
        return any(total.second_key is not None for total in self.totals)

    def records(self) -> list[dict[str, object]]:
        """One flat record for each contribution, with its row, the statistics of that (``row_``…), and its
        events in words."""
        return [_record(row, each) for row in self.rows for each in row.contributions]

    def columns(self) -> list[str]:
        """The names in those records, also of none."""
        of_it = (f"{name}_{when}" for name in self.figures for when in _WHEN)
        of_its_row = [f"row_{name}_{when}" for name in self.statistics for when in _WHEN]
        if "mean_days" in self.statistics:
            of_its_row.append("row_mean_basis")
        return [*_OF_ROW, *_OF_WHAT, *of_it, *of_its_row, *_WHY]


def changed_row(
    line: Line, contributions: tuple[Contribution, ...], before: Statistics, after: Statistics
) -> ChangedRow:
    """The row that *line* stands for, or the total, with what was told of it *before* and *after*."""
    place = line.place
    return ChangedRow(
        place.key,
        line.label,
        place.second_key,
        line.second_label,
        place.currency,
        place.part,
        changed_figures(line.figures),
        contributions,
        _statistics(after.names, before.told_of(place.row), after.told_of(place.row)),
        after.mean_basis,
    )


def _statistics(
    names: Iterable[str], before: Mapping[str, float | None], after: Mapping[str, float | None]
) -> dict[str, ChangedStatistic]:
    """Those of *names*; of a row that is not in the report at a moment there are none then."""
    pairs = {name: (before.get(name), after.get(name)) for name in names}
    return {
        name: ChangedStatistic(was, now, None if was is None or now is None else now - was)
        for name, (was, now) in pairs.items()
    }


def changed_figures(figures: Figures) -> dict[str, Changed]:
    """*figures* with the difference."""
    return {
        name: Changed(before, figures.after[name], figures.after[name] - before)
        for name, before in figures.before.items()
    }


def _record(row: ChangedRow, each: Contribution) -> dict[str, object]:
    figures = {
        f"{name}_{when}": getattr(changed, when) for name, changed in each.figures.items() for when in _WHEN
    }
    statistics = {
        f"row_{name}_{when}": getattr(changed, when)
        for name, changed in row.statistics.items()
        for when in _WHEN
    }
    return {
        **{name: getattr(row, name) for name in _OF_ROW},
        **{name: getattr(each, name) for name in _OF_WHAT},
        **figures,
        **statistics,
        **({"row_mean_basis": row.mean_basis} if row.mean_basis else {}),
        "sentence": each.sentence,
        "events": " | ".join(map(told, each.events)),
    }


def told(each: Fact) -> str:
    """An event on one line: where, when by both clocks, by whom, and what it says."""
    behalf = f" for {each.original_name or each.on_behalf_of}" if each.on_behalf_of else ""
    who = f"{each.actor_name or each.actor} as {each.role}{behalf}"
    clocks = f"occurred {utc(each.occurred_at)}, recorded {utc(each.recorded_at)}"
    return f"{each.position} {each.event}, {clocks} by {who}: {each.sentence}"
