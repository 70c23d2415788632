"""Agenda (spec 32): what each person has to do, by date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, LiteralString
from uuid import UUID

from domain.refusals import NotYours
from domain.roles import Permission, Relation
from projections import selection
from projections.parameters import ParameterInvalid, Parameters, Report
from projections.reading import Reading, Snapshot
from projections.selection import Selection
from projections.steps_due import steps_due


class Part(StrEnum):
    """What a person is to an entry of their agenda."""

    OWNER = "owner"
    RESOLVER = "resolver"
    COLLECTOR = "collector"
    CREDIT_MANAGER = "credit_manager"


_ENTRIES: Final[LiteralString] = """
with active as materialized (
    select p.person_id from person_states p where {known_p} and p.active
),
-- The collector of a customer; one who has left, or was never known, is none.
collected as not materialized (
    select c.customer_id, a.person_id as collector_id
    from customer_states c left join active a on a.person_id = c.collector_id
    where {known_c}
),
due as (
    select f.follow_up_id, f.title, f.due_on, f.chases, f.customer_id, f.items, f.dispute_id,
           coalesce(f.resolver_id, d.resolver_id) as resolver_id, coalesce(d.type, f.status) as type,
           d.reference, d.episode_opened_at as opened_at,
           owner.person_id as present_owner, present.person_id as present_resolver, w.collector_id
    from follow_up_states f
    join collected w on w.customer_id = f.customer_id
    left join dispute_states d on d.dispute_id = f.dispute_id and {seen_d}
    left join active owner on owner.person_id = f.owner_id
    left join active present on present.person_id = coalesce(f.resolver_id, d.resolver_id)
    where {open_f} and f.due_on <= %(until)s
),
unsettled as (
    select d.dispute_id, d.reference, d.customer_id, d.type, d.resolver_id, d.items, d.follow_ups,
           d.episode_opened_at as opened_at, w.collector_id
    from dispute_states d
    join collected w on w.customer_id = d.customer_id
    where {open_d} and (d.resolver_id is null or d.follow_ups = '{{}}')
),
{steps_due},
entries (
    kind, part, person_id, customer_id, due_on, follow_up_id, title, chases,
    dispute_id, reference, opened_at, type, resolver_id, items,
    step, medium, oldest_due, collectable, currency, balance
) as (
    select 'follow_up', whose.part, whose.person_id, customer_id, due_on, follow_up_id, title, chases,
           dispute_id, reference, opened_at, type, resolver_id, items,
           null, null, null::date, null::bigint, null, null::numeric
    from due cross join lateral (
        -- Whoever is not there is stood in for by the collector, and the collector by the credit manager;
        -- nobody has the same action twice.
        select distinct on (stands.person_id) stands.part, stands.person_id
        from (
            values (1, 'owner', present_owner), (2, 'resolver', present_resolver)
        ) said (turn, part, person_id)
        cross join lateral (
            select coalesce(said.person_id, collector_id) as person_id,
                   case when said.person_id is not null then said.part
                        when collector_id is not null then 'collector' else 'credit_manager' end as part
        ) stands
        where said.turn = 1 or resolver_id is not null
        order by stands.person_id, said.turn
    ) whose
    union all
    select lack.kind, case when collector_id is null then 'credit_manager' else 'collector' end,
           collector_id, customer_id, null, null, null, null,
           dispute_id, reference, opened_at, type, resolver_id, items,
           null, null, null, null, null, null
    from unsettled cross join lateral (
        values ('dispute_without_resolver', resolver_id is null),
               ('dispute_without_follow_up', follow_ups = '{{}}')
    ) lack (kind, holds)
    where lack.holds
    union all
    select 'customer_without_collector', 'credit_manager', null, c.customer_id, null, null, null, null,
           null, null, null, null, null, i.items,
           null, null, null, null, null, null
    from collected c
    join (select i.customer_id, array_agg(i.item_id) as items from item_states i
          where {open_i} group by i.customer_id) i on i.customer_id = c.customer_id
    where c.collector_id is null
    union all
    select 'scenario_step', case when w.collector_id is null then 'credit_manager' else 'collector' end,
           w.collector_id, r.customer_id, r.due_on, null, r.label, null,
           null, null, null, null, null, null,
           r.step, r.medium, r.oldest_due, r.items, r.currency, r.balance
    from steps_due r
    join collected w on w.customer_id = r.customer_id
    where r.due_on <= %(until)s
)
select e.kind, e.part, e.person_id, p.name as person, coalesce(e.due_on, %(today)s) as day,
       case when e.due_on is not null then greatest(%(today)s::date - e.due_on, 0) end as days_overdue,
       e.due_on, e.follow_up_id, e.title, e.chases,
       e.dispute_id, e.reference as dispute_reference, e.opened_at as dispute_opened_at,
       e.type, {status_label} as type_label, e.resolver_id, resolver.name as resolver,
       e.customer_id, c.code as customer_code, c.name as customer,
       coalesce(e.collectable, a.items) as items, coalesce(e.currency, a.currency) as currency,
       coalesce(e.balance, a.balance) as balance,
       case when e.collectable is null then a.disputed else 0 end as disputed,
       e.step, e.medium, e.oldest_due
from entries e
join customer_states c on c.customer_id = e.customer_id and {known_c}
left join person_states p on p.person_id = e.person_id and {known_p}
left join person_states resolver on resolver.person_id = e.resolver_id and {known_resolver}
left join status_states s on s.code = e.type and {known_s}
cross join lateral (
    select count(*) as items,
           case when count(distinct i.currency) = 1 then min(i.currency) end as currency,
           case when count(distinct i.currency) = 1 then sum(i.balance) end as balance,
           case when count(distinct i.currency) = 1 then coalesce(sum(i.disputed), 0) end as disputed
    from item_states i
    where i.item_id = any (e.items) and {seen_i} and i.is_open and {selected_items}
) a
where {selected}
order by day, p.name nulls last, e.person_id, e.kind desc, a.disputed desc nulls last, c.code, e.dispute_id,
         e.follow_up_id, e.part, e.currency
"""


DAYS_AHEAD: Final = 366
"""The most days that an agenda looks ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaParameters(Parameters):
    """``person``: whose agenda (id); None: everybody's. ``until``: the last due day that is shown; None: the
    as-at's date and *days_ahead* more."""

    person: UUID | None = None
    until: date | None = None
    days_ahead: int = 0


@dataclass(frozen=True, slots=True)
class AgendaRow:
    """One thing that one person has to do.

    *kind*: follow_up, scenario_step, dispute_without_resolver, dispute_without_follow_up or
    customer_without_collector; *part*: what the person is to it. *person_id* is None where nobody in
    particular is responsible: then it is the credit manager's. *day*: the due day of a follow-up action or a
    step, else the as-at's date. *days_overdue* is None for what has no due day. *items* are those still open;
    *balance* and *disputed* are of them and in *currency*, all three None when they have several currencies.

    Of a scenario step: its code, its *medium* (email, letter or call) and the *oldest_due* date from which it
    is counted; *title* is its label; *items* are all that can be collected of the customer in *currency*,
    *balance* is theirs.
    """

    kind: str
    part: str
    person_id: UUID | None
    person: str | None
    day: date
    days_overdue: int | None
    due_on: date | None
    follow_up_id: UUID | None
    title: str | None
    chases: int | None
    dispute_id: UUID | None
    dispute_reference: str | None
    dispute_opened_at: datetime | None
    type: str | None
    type_label: str | None
    resolver_id: UUID | None
    resolver: str | None
    customer_id: UUID
    customer_code: str
    customer: str
    items: int
    currency: str | None
    balance: Decimal | None
    disputed: Decimal | None
    step: str | None = None
    medium: str | None = None
    oldest_due: date | None = None


def agenda(reading: Reading, parameters: AgendaParameters) -> Report[AgendaRow]:
    """What is to do up to a day: most overdue first, then by person.

    Follow-up actions due by then stand in the agenda of their owner and in that of their resolver; where one
    of these is inactive or unknown, or nobody owns the action, in that of the customer's collector. Open
    disputes without resolver, and such without open action, stand in the collector's too (both kinds, if both
    hold). Customers without an active collector that have open items stand in the credit manager's, and so
    does whatever would stand in their collector's. The step of the collection scenario that is due for a
    customer in a currency, or is due next by that day, stands in the collector's (see steps_due.py).

    There is no grouping ``by`` but person; the period speaks of due days and leaves out what has none;
    ``status`` is the dispute's type, or that for which the action was planned.

    Raises RoleForbids; NotYours for somebody else's agenda where the role has only its own; ParameterInvalid.
    """
    person = _whose(reading, parameters)
    selection.require_by(parameters, "person")
    if not 0 <= parameters.days_ahead <= DAYS_AHEAD:
        raise ParameterInvalid("days_ahead", parameters.days_ahead, f"give 0 to {DAYS_AHEAD}")
    chosen = _chosen(parameters, person)
    items, customers = selection.of_item_parts(parameters), _customers(parameters, person)
    if items.conditions:
        chosen.where("coalesce(e.collectable, a.items) > 0")

    def work(snapshot: Snapshot) -> Report[AgendaRow]:
        until = parameters.until or snapshot.moment.today + timedelta(days=parameters.days_ahead)
        rows = snapshot.shown(
            AgendaRow,
            _ENTRIES,
            {**chosen.bindings, **items.bindings, "until": until},
            selected=chosen.sql(snapshot.moment),
            selected_items=items.sql(snapshot.moment),
            steps_due=steps_due(snapshot.moment, items, customers),
        )
        return snapshot.report(parameters, rows, person=person, until=until)

    return reading.at(parameters, work)


def _whose(reading: Reading, parameters: AgendaParameters) -> UUID | None:
    reached = reading.reach(Permission.READ_AGENDA)
    if Relation.ANY in reached:
        return parameters.person
    actor = reading.actor
    if parameters.person not in (None, actor.person_id):
        raise NotYours(actor.role, Permission.READ_AGENDA, ", ".join(sorted(reached)))
    return actor.person_id


def _chosen(parameters: AgendaParameters, person: UUID | None) -> Selection:
    chosen = Selection()
    chosen.where_given(_OF_PERSON, person=person)
    chosen = selection.both(chosen, _customers(parameters))
    chosen.where_given("e.resolver_id = %(resolver)s", resolver=parameters.resolver)
    chosen.where_given("e.type = %(status)s", status=parameters.status)
    chosen.where_given("e.due_on >= %(period_from)s", period_from=parameters.period_from)
    chosen.where_given("e.due_on <= %(period_to)s", period_to=parameters.period_to)
    return chosen


def _customers(parameters: Parameters, person: UUID | None = None) -> Selection:
    """Customers c that pass the filters; those alone whose matters may stand in *person*'s agenda."""
    chosen = Selection()
    chosen.where_given(_LOOKED_AFTER, person=person)
    chosen.where_given("c.code = %(customer)s", customer=parameters.customer)
    chosen.where_given("c.collector_id = %(collector)s", collector=parameters.collector)
    return chosen


_LOOKED_AFTER: Final[LiteralString] = """
(c.collector_id = %(person)s or not exists (select from active a where a.person_id = c.collector_id))"""
"""By the person, or by nobody: then by the credit managers. Needs active."""

_OF_PERSON: Final[LiteralString] = """
(e.person_id = %(person)s
 or e.part = 'credit_manager'
    and exists (select from person_states n
                where n.person_id = %(person)s and n.role = 'credit_manager' and {known_n}))"""
