"""The statement that reads what two moments of a report count, and where they differ."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Final

from projections.selection import Grouping

_COMPARE: Final = """
with sides as (
    select 0 as side, b.* from ({before}) b
    union all
    select 1, a.* from ({after}) a
),
things as materialized (
    select thing, episode, {keys}, currency, part, {later_labels}, {of_sides}
    from sides group by thing, episode, {keys}, currency, part
)
select 'line' as level, true as differs, thing, episode, {keys}, {labels}, currency, part, {names}
from things where ({befores}) is distinct from ({afters})
union all
select 'row', {differs}, null, null, {keys}, {any_labels}, currency,
       part, {sums}
from things group by {keys}, currency, part
having {is_told}
{totals}"""

# What counts once for each of some keys is put together by these first.
_TOTAL: Final = """
union all
select 'total', true, null, null, {total_keys}, {total_labels}, currency, null, {sums}
from (
    select thing, episode, currency{above}, {of_thing}
    from (
        select thing, episode, currency{above}, {of_each} from things
        group by thing, episode, currency{above_keys}{each}
    ) each group by thing, episode, currency{above_keys}
) once
group by currency{above_keys}"""

_SIDES: Final = ("before", "after")


@dataclass(frozen=True, slots=True)
class Added:
    """The *names* of the figures that add up. Those of *once* count a thing once in totals, however many rows
    it is in; those of *once_each* once for each key of the level *each*."""

    names: tuple[str, ...]
    once: frozenset[str] = frozenset()
    once_each: frozenset[str] = frozenset()
    each: str | None = None


def comparing(group: Grouping, figures: Added, before: str, after: str, *, with_all: bool) -> str:
    """The lines that differ; the rows, and whether they have one that *differs*; and the subtotals and
    totals, out of the facts of both moments: SELECTs as `Asking` has them. *with_all*: rows of which none
    differs, too."""
    keys, labels = zip(*group.columns, strict=True)
    sides = _sides(figures)
    befores, afters = (", ".join(f"{name}_{side}" for name in figures.names) for side in _SIDES)
    differs = f"bool_or(({befores}) is distinct from ({afters}))"
    return _COMPARE.format(
        before=before,
        after=after,
        keys=", ".join(keys),
        labels=", ".join(labels),
        later_labels=", ".join(
            f"coalesce(max({label}) filter (where side = 1), max({label})) as {label}" for label in labels
        ),
        any_labels=", ".join(f"max({label})" for label in labels),
        of_sides=", ".join(
            f"coalesce(sum({name}) filter (where side = {number}), 0) as {name}_{side}"
            for name in figures.names
            for number, side in enumerate(_SIDES)
        ),
        names=", ".join(sides),
        sums=_sums(sides),
        befores=befores,
        afters=afters,
        is_told=f"part is null or {differs}" if with_all else differs,
        differs=differs,
        totals="".join(_total(group, figures, level) for level in reversed(range(len(keys)))),
    )


def _sides(figures: Added) -> list[str]:
    return [f"{name}_{side}" for name in figures.names for side in _SIDES]


def _sums(names: Iterable[str], once: Container[str] = ()) -> str:
    """The figures of *names* added up; the largest of those that count *once*."""
    return ", ".join(
        f"{'max' if name.rpartition('_')[0] in once else 'sum'}({name}) as {name}" for name in names
    )


def _total(group: Grouping, figures: Added, level: int) -> str:
    """The sums of each group of the first *level* levels, or of all."""
    columns, sides = group.columns, _sides(figures)
    above, below = columns[:level], ["'total'"] * (len(columns) - level)
    each = columns[group.levels.index(figures.each)][0] if figures.each else None
    return _TOTAL.format(
        total_keys=", ".join([*(key for key, _ in above), *below]),
        total_labels=", ".join([*(f"max({label})" for _, label in above), *below]),
        above="".join(f", {key}, max({label}) as {label}" for key, label in above),
        above_keys="".join(f", {key}" for key, _ in above),
        each=f", {each}" if each else "",
        sums=_sums(sides),
        of_thing=_sums(sides, figures.once if each else figures.once | figures.once_each),
        of_each=_sums(sides, figures.once | figures.once_each),
    )
