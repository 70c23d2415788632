"""From parameters and reach to SQL conditions. The object check and the filters of all lists come from the
same table of roles; here stands what each relation means for rows.

Aliases are fixed (see moment.py): i item, d dispute (or an episode of one), f follow-up action, c customer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, LiteralString, TypeAlias, TypeVar

from psycopg.sql import SQL, Composable

from domain.roles import Actor, Reach, Relation
from projections.moment import Moment, bounds
from projections.parameters import ATTRIBUTE, ParameterInvalid, Parameters
from projections.reading import jsonb

Row = TypeVar("Row")

_OF_CUSTOMER: Final = "(c.collector_id = %(actor)s or c.sales_manager_id = %(actor)s)"

# An item's dispute is an open one; saying so once more lets the partial index find few rows.
_ITEMS_OF_RESOLVER: Final = """
(i.dispute_id in (select d.dispute_id from dispute_states d
                  where {open_d} and d.resolver_id = %(@)s)
 or i.item_id in (select unnest(f.items) from follow_up_states f
                  where {open_f} and f.resolver_id = %(@)s))"""

_ITEMS_OF_OPENER: Final = """
i.dispute_id in (select d.dispute_id from dispute_states d
                 where {open_d} and d.opened_by = %(actor)s)"""

Relations = Mapping[Relation, LiteralString]

ITEMS: Final[Relations] = {
    Relation.CUSTOMER: _OF_CUSTOMER,
    Relation.RESOLVER: _ITEMS_OF_RESOLVER.replace("@", "actor"),
    Relation.OPENER: _ITEMS_OF_OPENER,
}
"""Needs i and c."""

DISPUTES: Final[Relations] = {
    Relation.CUSTOMER: _OF_CUSTOMER,
    Relation.RESOLVER: "d.resolver_id = %(actor)s",
    Relation.OPENER: "d.opened_by = %(actor)s",
}
"""Needs d and c."""

FOLLOW_UPS: Final[Relations] = {
    Relation.CUSTOMER: _OF_CUSTOMER,
    Relation.RESOLVER: "(f.resolver_id = %(actor)s or d.resolver_id = %(actor)s)",
    Relation.OPENER: "d.opened_by = %(actor)s",
    Relation.OWNER: "f.owner_id = %(actor)s",
}
"""Needs f, its dispute d if it has one, and c."""

CUSTOMERS: Final[Relations] = {Relation.CUSTOMER: _OF_CUSTOMER}
"""Needs c."""


@dataclass(slots=True)
class Selection:
    """Conditions that must all hold, and what is bound in them."""

    conditions: list[LiteralString] = field(default_factory=list)
    bindings: dict[str, object] = field(default_factory=dict)

    def where(self, condition: LiteralString, **bindings: object) -> None:
        """Add *condition*."""
        self.conditions.append(condition)
        self.bindings.update(bindings)

    def where_given(self, condition: LiteralString, **binding: object) -> None:
        """Add *condition* if its one binding is not None."""
        if all(value is not None for value in binding.values()):
            self.where(condition, **binding)

    def sql(self, moment: Moment) -> Composable:
        """The conditions joined by ``and``; ``true`` for none."""
        text: LiteralString = "\n  and ".join(self.conditions) if self.conditions else "true"
        return SQL(text).format(**moment.conditions())

    def speaks_of(self, alias: str) -> bool:
        """Whether a condition is on a column of *alias*."""
        return _speaks_of(alias, self.conditions)

    def only(self, reached: Reach, actor: Actor, meaning: Relations) -> Selection:
        """Add that one of the relations of *reached* holds between *actor* and the row; return itself."""
        if Relation.ANY not in reached:
            held = [meaning[relation] for relation in sorted(reached) if relation in meaning]
            either: LiteralString = " or ".join(held) if held else "false"
            self.where(f"({either})", actor=actor.person_id)
        return self


def _speaks_of(alias: str, texts: Iterable[str]) -> bool:
    return any(re.search(rf"\b{alias}\.", text) for text in texts)


def of_items(parameters: Parameters) -> Selection:
    """The filters on items; the period speaks of issue dates. Needs i and c."""
    chosen = of_item_parts(parameters)
    chosen.where_given("i.customer_code = %(customer)s", customer=parameters.customer)
    chosen.where_given("c.collector_id = %(collector)s", collector=parameters.collector)
    chosen.where_given(_ITEMS_OF_RESOLVER.replace("@", "resolver"), resolver=parameters.resolver)
    chosen.where_given("i.status = %(status)s", status=parameters.status)
    chosen.where_given("i.issue_date >= %(period_from)s", period_from=parameters.period_from)
    chosen.where_given("i.issue_date <= %(period_to)s", period_to=parameters.period_to)
    return chosen


def of_item_parts(parameters: Parameters) -> Selection:
    """The filters that pick some items of a dispute or an action out of the others. Needs i."""
    chosen = Selection()
    chosen.where_given("i.entity = %(entity)s", entity=parameters.entity)
    chosen.where_given("i.currency = %(currency)s", currency=parameters.currency)
    if parameters.attributes:
        chosen.where("i.attributes @> %(attributes)s", attributes=jsonb(parameters.attributes))
    return chosen


def of_disputes(parameters: Parameters) -> Selection:
    """The filters on disputes as a whole: without entity, attributes and period. Needs d and c."""
    chosen = Selection()
    chosen.where_given("d.customer_code = %(customer)s", customer=parameters.customer)
    chosen.where_given("c.collector_id = %(collector)s", collector=parameters.collector)
    chosen.where_given("d.resolver_id = %(resolver)s", resolver=parameters.resolver)
    chosen.where_given("d.type = %(status)s", status=parameters.status)
    chosen.where_given("d.currency = %(currency)s", currency=parameters.currency)
    return chosen


def in_period(parameters: Parameters, moment: Moment, column: LiteralString) -> Selection:
    """The period's days, in the company's zone, on a column that holds moments."""
    first, after = bounds(parameters.period_from, parameters.period_to, moment.zone)
    chosen = Selection()
    chosen.where_given(f"{column} >= %(period_first)s", period_first=first)
    chosen.where_given(f"{column} < %(period_after)s", period_after=after)
    return chosen


def both(*selections: Selection) -> Selection:
    """All the conditions of *selections*."""
    joined = Selection()
    for each in selections:
        joined.conditions += each.conditions
        joined.bindings |= each.bindings
    return joined


# --- grouping --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class By:
    """What rows can be put together by: SQL for the key and label of each, and the joins that these need."""

    key: LiteralString
    label: LiteralString
    joins: LiteralString = ""


BY_COLLECTOR: Final = By(
    "coalesce(collector.code, c.collector_id::text)",
    "collector.name",
    "left join person_states collector on collector.person_id = c.collector_id and {known_collector}",
)
BY_NONE: Final = By("'total'", "'total'")


Name: TypeAlias = tuple[str | None, str | None]
"""Key and label of a group."""

_COLUMNS: Final[Sequence[tuple[LiteralString, LiteralString]]] = (
    ("key", "label"),
    ("second_key", "second_label"),
)
TOTAL: Final[Name] = ("total", "total")


@dataclass(frozen=True, slots=True)
class Grouping:
    """The grouping that was asked for by *name*: one level, or a second one within the first.

    A statement that is grouped so numbers its rows with ``grouping({levels}) as summed`` and has its sums by
    ``rollup ({levels})``: what a thing that is in several groups counts for in a subtotal or total is found
    from the facts, for the rows do not add up to it.
    """

    name: str
    levels: tuple[str, ...]
    by: tuple[By, ...]
    bindings: Mapping[str, object]

    @property
    def is_by_attribute(self) -> bool:
        """Whether items' attributes have to be looked up."""
        return any(level.startswith(ATTRIBUTE) for level in self.levels)

    @property
    def is_split(self) -> bool:
        """Whether a dispute can be in several groups, because its items can."""
        return self.is_by_attribute or "entity" in self.levels

    @property
    def columns(self) -> Sequence[tuple[LiteralString, LiteralString]]:
        """The columns with key and label of each level."""
        return _COLUMNS[: len(self.levels)]

    def speaks_of(self, alias: str) -> bool:
        """Whether what is grouped by needs columns of *alias*."""
        return _speaks_of(alias, (text for by in self.by for text in (by.key, by.label, by.joins)))

    def parts(self, moment: Moment) -> dict[str, Composable]:
        """What goes into the places of a statement:

        ``{keys}``     what things are grouped by, as columns key and label (second_key, second_label)
        ``{joins}``    what these need
        ``{levels}``   the columns with keys
        ``{named}``    of a group: the columns with keys, the labels
        ``{columns}``  all of these columns
        """
        columns = self.columns
        keys = [
            f"{by.key} as {key}, {by.label} as {label}"
            for by, (key, label) in zip(self.by, columns, strict=True)
        ]
        texts: dict[str, LiteralString] = {
            "keys": ", ".join(keys),
            "levels": ", ".join([key for key, _ in columns]),
            "named": ", ".join([f"{key}, max({label}) as {label}" for key, label in columns]),
            "columns": ", ".join([f"{key}, {label}" for key, label in columns]),
        }
        joins = SQL("\n".join([by.joins for by in self.by])).format(**moment.conditions())
        return {**{place: SQL(text) for place, text in texts.items()}, "joins": joins}

    def order(self, known: Mapping[str, LiteralString]) -> Composable:
        """What comes first in ``order by``: of *known*, by names of groupings, what the levels have. ``@``
        stands for the column with the key."""
        levels = zip(self.levels, _COLUMNS, strict=False)
        return SQL(" ".join([known[level].replace("@", key) for level, (key, _) in levels if level in known]))

    def heading(self, *names: Name) -> dict[str, Any]:
        """The fields key, label and grouped of the row of the group with these *names*, one for each level;
        of a subtotal or total if some or all are missing."""
        (key, label), *second = [*names, *[TOTAL] * (len(self.levels) - len(names))]
        grouped = {column: value for pair in second for column, value in zip(_COLUMNS[1], pair, strict=True)}
        return {"key": key, "label": label, "grouped": grouped}

    def names(self, found: dict[str, Any]) -> tuple[Name, ...]:
        """The names of the group that a row of a statement is of, taken out of its columns *found*: one for
        each level, the first of two for a subtotal, none for a total."""
        above = found.pop("summed").bit_count()  # a bit for each level that is summed over
        names = [(found.pop(key), found.pop(label)) for key, label in _COLUMNS[: len(self.levels)]]
        return tuple(names[: len(names) - above])

    def in_order(self, rows: list[Row], above: Sequence[Row]) -> list[Row]:
        """*rows* in the order of the subtotals *above* them, and else as they are."""
        if len(self.levels) == 1:
            return rows
        places = {_first_level(row): place for place, row in enumerate(above)}
        return sorted(rows, key=lambda row: places[_first_level(row)])


def _first_level(row: Any) -> tuple[str | None, str | None]:  # noqa: ANN401 - of any report
    return getattr(row, "currency", None), row.key


@dataclass(frozen=True, slots=True)
class Groupings:
    """What a report can be grouped by: *known*, or by an attribute of items; *default* if nothing is said."""

    default: str
    known: Mapping[str, By]

    def asked(self, name: str | None) -> Grouping:
        """The grouping called *name*: one of *known* or ``attribute:<name>`` of items (i), or two of these
        with a comma between. In an attribute's name a comma is written twice.

        Raises ParameterInvalid, naming those that there are.
        """
        name = name or self.default
        levels = tuple(each.replace("\0", ",") for each in name.replace(",,", "\0").split(","))
        if len(levels) > len(_COLUMNS):
            raise ParameterInvalid("by", name, "group by two at most, such as entity,customer")
        if len({*levels}) < len(levels):
            raise ParameterInvalid("by", name, "name two different ones, or one of them alone")
        bindings: dict[str, object] = {}
        by = tuple(self._by(level, number, bindings) for number, level in enumerate(levels))
        return Grouping(name, levels, by, bindings)

    def _by(self, level: str, number: int, bindings: dict[str, object]) -> By:
        if level.startswith(ATTRIBUTE) and level != ATTRIBUTE:
            bindings[f"by_attribute_{number}"] = level.removeprefix(ATTRIBUTE)
            value: LiteralString = f"i.attributes ->> %(by_attribute_{number})s"
            return By(value, value)
        if level not in self.known:
            names = f"{', '.join(sorted(self.known))} or {ATTRIBUTE}<name>"
            raise ParameterInvalid("by", level, f"group by {names}, or by two with a comma between")
        return self.known[level]


def require_by(parameters: Parameters, name: str) -> None:
    """Raise ParameterInvalid for any grouping but *name*, which is the only one that a report has."""
    if parameters.by not in {None, name}:
        raise ParameterInvalid("by", parameters.by, f"this report comes by {name} alone; leave it out")
