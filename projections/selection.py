"""From parameters and reach to SQL conditions. The object check and the filters of all lists come from the
same table of roles; here stands what each relation means for rows.

Aliases are fixed (see moment.py): i item, d dispute (or an episode of one), f follow-up action, c customer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, LiteralString

from psycopg.sql import SQL, Composable

from domain.roles import Actor, Reach, Relation
from projections.moment import Moment, bounds
from projections.parameters import ATTRIBUTE, ParameterInvalid, Parameters
from projections.reading import jsonb

_OF_CUSTOMER: Final = "(c.collector_id = %(actor)s or c.sales_manager_id = %(actor)s)"

# An item's dispute is an open one; saying so once more lets the partial index find few rows.
_ITEMS_OF_RESOLVER: Final = """
(i.dispute_id in (select d.dispute_id from dispute_states d
                  where {seen_d} and d.state = 'open' and d.resolver_id = %(@)s)
 or i.item_id in (select unnest(f.items) from follow_up_states f
                  where {seen_f} and f.is_open and f.resolver_id = %(@)s))"""

_ITEMS_OF_OPENER: Final = """
i.dispute_id in (select d.dispute_id from dispute_states d
                 where {seen_d} and d.state = 'open' and d.opened_by = %(actor)s)"""

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

    def only(self, reached: Reach, actor: Actor, meaning: Relations) -> Selection:
        """Add that one of the relations of *reached* holds between *actor* and the row; return itself."""
        if Relation.ANY not in reached:
            held = [meaning[relation] for relation in sorted(reached) if relation in meaning]
            either: LiteralString = " or ".join(held) if held else "false"
            self.where(f"({either})", actor=actor.person_id)
        return self


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


@dataclass(frozen=True, slots=True)
class Grouping:
    """The grouping that was asked for, by its name."""

    name: str
    by: By
    bindings: Mapping[str, object]

    @property
    def is_by_attribute(self) -> bool:
        """Whether items' attributes have to be looked up."""
        return self.name.startswith(ATTRIBUTE)

    def parts(self, moment: Moment) -> dict[str, Composable]:
        """What goes into a statement's places ``{key}``, ``{label}`` and ``{joins}``."""
        return {
            "key": SQL(self.by.key),
            "label": SQL(self.by.label),
            "joins": SQL(self.by.joins).format(**moment.conditions()),
        }


def grouping(name: str | None, default: str, known: Mapping[str, By]) -> Grouping:
    """The grouping called *name*, or else *default*: one of *known*, or ``attribute:<name>`` of items (i).

    Raises ParameterInvalid, naming those that there are.
    """
    name = name or default
    if name.startswith(ATTRIBUTE) and name != ATTRIBUTE:
        value: LiteralString = "i.attributes ->> %(by_attribute)s"
        return Grouping(name, By(value, value), {"by_attribute": name.removeprefix(ATTRIBUTE)})
    if name not in known:
        raise ParameterInvalid("by", name, f"group by {', '.join(sorted(known))} or {ATTRIBUTE}<name>")
    return Grouping(name, known[name], {})


def require_by(parameters: Parameters, name: str) -> None:
    """Raise ParameterInvalid for any grouping but *name*, which is the only one that a report has."""
    if parameters.by not in {None, name}:
        raise ParameterInvalid("by", parameters.by, f"this report comes by {name} alone; leave it out")
