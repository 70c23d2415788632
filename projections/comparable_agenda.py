"""The agenda as a report that two moments can be compared of: what stands in it, and for whom."""

from __future__ import annotations

from typing import Final, LiteralString

from domain.roles import Permission
from projections import agenda
from projections import selection as select
from projections.agenda import AgendaParameters
from projections.comparison import Asking, Counts
from projections.comparison_statement import Added
from projections.reading import Reading
from projections.selection import Grouping, Selection

# A customer stands for the steps that are due for it.
_LINES: Final[LiteralString] = """
select coalesce(e.follow_up_id, e.dispute_id, e.customer_id) as thing, null::integer as episode,
       coalesce(p.code, e.person_id::text) as key, p.name as label, null::text as currency, e.kind as part,
       case when e.due_on < %(today)s then 1 else 0 end as overdue, 1 as lines
from entries e left join people p on p.person_id = e.person_id
where {selected}"""

_THINGS: Final[LiteralString] = """
select w.id, coalesce(f.version, d.version, c.version) as version,
       case when f.follow_up_id is not null then f.title
            when d.dispute_id is not null then d.reference else c.name end as name,
       c.customer_id, c.code as customer_code,
       case when f.follow_up_id is null then coalesce(d.state, 'open')
            when f.is_open then 'open' else 'ended' end as state,
       case when f.follow_up_id is null then d.episode end as episode,
       case when f.follow_up_id is not null then array_remove(array[f.dispute_id], null)
            when d.dispute_id is not null then array[]::uuid[]
            else array(select m.run_id from reminder_states m where m.customer_id = w.id and {seen_m})
       end as around,
       coalesce({reached}, false) as is_reached,
       case when f.follow_up_id is not null then 'follow_up'
            when d.dispute_id is not null then 'dispute' else 'customer' end as what,
       f.due_on, f.due_on <= %(until)s as is_due
from unnest(%(ids)s::uuid[]) w (id)
left join follow_up_states f on f.follow_up_id = w.id and {seen_f}
left join dispute_states d on d.dispute_id = coalesce(f.dispute_id, w.id) and {seen_d}
join customer_states c on c.customer_id = coalesce(f.customer_id, d.customer_id, w.id) and {known_c}"""

_VERSIONS: Final[LiteralString] = """
select d.dispute_id as id, d.version from dispute_states d where {seen_d} and d.dispute_id = any(%(ids)s)
union all
select m.run_id, m.version from reminder_states m where {seen_m} and m.run_id = any(%(ids)s)"""

_BY_PERSON: Final = Grouping("person", ("person",), (), {})


def lines(reading: Reading, parameters: AgendaParameters) -> Asking:
    """The lines of each person, by kind. Raises RoleForbids, NotYours, ParameterInvalid."""
    reach = reading.reach(Permission.READ_DISPUTES, Permission.READ_AGENDA)
    reached = Selection().only(reach, reading.actor, select.FOLLOW_UPS)
    return Asking(
        Counts.LINES, _BY_PERSON, Added(("overdue", "lines")),
        agenda.ENTRIES + _LINES, agenda.places(reading, parameters), _THINGS, _VERSIONS, reached,
    )  # fmt: skip
