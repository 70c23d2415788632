"""What two moments show of the disputes and items that a report counts, and who may see them."""

from __future__ import annotations

from typing import Final, LiteralString

from domain.roles import Permission
from projections.reading import Reading
from projections.selection import Relations, Selection

DISPUTES: Final[LiteralString] = """
select d.dispute_id as id, d.version, d.reference as name, d.customer_id, d.customer_code, d.state, d.episode,
       d.items as around, coalesce({reached}, false) as is_reached, 'dispute' as what
from dispute_states d left join customer_states c on c.customer_id = d.customer_id and {known_c}
where {seen_d} and d.dispute_id = any(%(ids)s)"""

ITEMS: Final[LiteralString] = """
select i.item_id as id, i.version, i.number as name, i.customer_id, i.customer_code,
       case when i.is_open then 'open' when i.withdrawn then 'withdrawn' else 'cleared' end as state,
       null::integer as episode, array_remove(array[i.dispute_id], null) as around,
       coalesce({reached}, false) as is_reached, 'item' as what
from item_states i left join customer_states c on c.customer_id = i.customer_id and {known_c}
where {seen_i} and i.item_id = any(%(ids)s)"""

VERSIONS_OF_ITEMS: Final[LiteralString] = """
select i.item_id as id, i.version from item_states i where {seen_i} and i.item_id = any(%(ids)s)"""

VERSIONS_OF_DISPUTES: Final[LiteralString] = """
select d.dispute_id as id, d.version from dispute_states d where {seen_d} and d.dispute_id = any(%(ids)s)"""


def reached(reading: Reading, permission: Permission, relations: Relations) -> Selection:
    """Those that the actor may see with *permission*. Raises RoleForbids."""
    return Selection().only(reading.reach(permission), reading.actor, relations)
