"""Episodes of disputes as a moment shows them: each once, as it last was.

An episode that ended and was continued (the import that had ended it was undone) is open again, not two
episodes. Disputes that the moment shows as cancelled have none: they count nowhere (spec 20).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, LiteralString

from projections.parameters import Parameters
from projections.reading import STATUS_LABEL
from projections.selection import BY_COLLECTOR, BY_NONE, By, Grouping, Selection

EPISODES: Final[LiteralString] = """
episodes as not materialized (
    select r.dispute_id, r.episode, r.state, r.opened_at, r.occurred_from as ended_at,
           r.customer_id, r.customer_code, r.currency, r.type, r.resolver_id, r.opened_by,
           r.amount_at_opening, r.opening, r.responded_at, r.chases, r.held_by, r.held_for,
           r.since as position_then, r.occurred_from as moment_then
    from ended_episodes r
    where {seen_r}
  union all
    select r.dispute_id, r.episode, r.state, r.episode_opened_at, null,
           r.customer_id, r.customer_code, r.currency, r.type, r.resolver_id, r.opened_by,
           r.amount_at_opening, r.opening, null, null, null, null,
           %(known)s::bigint, %(at)s::timestamptz
    from dispute_states r
    where {open_r}
)
"""
"""``*_then``: the two clocks at which the episode was as the row says."""

CUSTOMERS: Final[LiteralString] = """
left join customer_states c on c.customer_id = d.customer_id and {known_c}
"""
"""The customers of episodes or disputes (d), for filters and names."""


def customers_for(chosen: Selection, group: Grouping) -> LiteralString:
    """The join that finds the customers (c), if a filter or a grouping speaks of them."""
    return CUSTOMERS if group.speaks_of("c") or chosen.speaks_of("c") else ""


OPENING_ITEMS: Final[LiteralString] = """
cross join lateral (
    select o.item_id, o.entity, o.amount, d.currency, null::jsonb as attributes
    from jsonb_to_recordset(d.opening) as o (item_id uuid, entity text, amount numeric)
) i
"""
"""The items (i) of an episode at its opening, with what was disputed of them then."""

OPENING_ITEMS_THEN: Final[LiteralString] = """
cross join lateral (
    select o.item_id, o.entity, o.amount, d.currency, a.attributes
    from jsonb_to_recordset(d.opening) as o (item_id uuid, entity text, amount numeric)
    left join item_states a on a.item_id = o.item_id
        and a.since <= d.position_then and a.occurred_from <= d.moment_then
        and (a.until is null or a.until > d.position_then or a.occurred_until > d.moment_then)
) i
"""
"""The same with their attributes as they were when the episode ended, or are while it is open."""

WHOLE: Final[LiteralString] = """
cross join lateral (select d.amount_at_opening as amount, d.currency) i
"""
"""For who asks for nothing of single items: the episode as if it were one."""

MONTH: Final[LiteralString] = "to_char(d.moment at time zone %(zone)s, 'YYYY-MM')"
"""The month, such as 2026-03, of the moment at which a dispute or an episode counts."""

# The label of each type, and not of each episode.
_TYPES: Final[LiteralString] = """
left join (select s.code, @ as label from status_states s where {known_s}) s on s.code = d.type""".replace(
    "@", STATUS_LABEL
)

GROUPINGS: Final[Mapping[str, By]] = {
    "type": By("d.type", "s.label", _TYPES),
    "customer": By("d.customer_code", "c.name"),
    "resolver": By(
        "coalesce(resolver.code, d.resolver_id::text)",
        "resolver.name",
        "left join person_states resolver on resolver.person_id = d.resolver_id and {known_resolver}",
    ),
    "collector": BY_COLLECTOR,
    "entity": By("i.entity", "i.entity"),
    "currency": By("d.currency", "d.currency"),
    "month": By(MONTH, MONTH),
    "none": BY_NONE,
}
"""The month is that of the column *moment*, which each report gives its meaning."""


def opening_items(parameters: Parameters, group: Grouping) -> LiteralString:
    """The join that finds an episode's opening items, with attributes if they are asked for."""
    return OPENING_ITEMS_THEN if parameters.attributes or group.is_by_attribute else OPENING_ITEMS


def opening_amounts(parameters: Parameters, group: Grouping) -> LiteralString:
    """The join that finds the amounts of an episode at its opening: item by item only where items differ."""
    if parameters.entity is None and not parameters.attributes and not group.is_split:
        return WHOLE
    return opening_items(parameters, group)
