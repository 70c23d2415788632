"""Open items as the item reports see them, and what they can be grouped by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, LiteralString

from projections.reading import STATUS_LABEL
from projections.selection import BY_COLLECTOR, BY_NONE, By, Grouping, Selection

ITEMS: Final[LiteralString] = """
from item_states i
left join customer_states c on c.customer_id = i.customer_id and {known_c}
"""
"""With their customers."""

_ITEMS_ALONE: Final[LiteralString] = """
from item_states i
"""


def items_for(chosen: Selection, group: Grouping) -> LiteralString:
    """The items (i), with their customers (c) only if a filter or a grouping speaks of them: looking each
    one's up takes as long as the rest."""
    return ITEMS if group.speaks_of("c") or chosen.speaks_of("c") else _ITEMS_ALONE


GROUPINGS: Final[Mapping[str, By]] = {
    "customer": By("i.customer_code", "c.name"),
    "collector": BY_COLLECTOR,
    "resolver": By(
        "coalesce(resolver.code, d.resolver_id::text, f.resolver_id::text)",
        "resolver.name",
        """
        left join dispute_states d on d.dispute_id = i.dispute_id and {seen_d}
        left join lateral (
            select f.resolver_id from follow_up_states f
            where d.resolver_id is null and f.follow_up_id = any (i.follow_ups) and f.resolver_id is not null
              and f.is_open and {seen_f}
            order by f.due_on, f.follow_up_id limit 1
        ) f on true
        left join person_states resolver
            on resolver.person_id = coalesce(d.resolver_id, f.resolver_id) and {known_resolver}
        """,
    ),
    "entity": By("i.entity", "i.entity"),
    "status": By("i.status", STATUS_LABEL, "left join status_states s on s.code = i.status and {known_s}"),
    "currency": By("i.currency", "i.currency"),
    "month": By("to_char(i.issue_date, 'YYYY-MM')", "to_char(i.issue_date, 'YYYY-MM')"),
    "none": BY_NONE,
}
"""The resolver is that of the dispute which an item is in, or else of the action due first that lists it:
whoever filters by a resolver finds the items of both."""

ORDERS: Final[Mapping[str, LiteralString]] = {"month": "@,"}
"""What does not come with the largest first."""
