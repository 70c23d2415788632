"""Agenda (spec 32): what each person has to do, by date."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, LiteralString, TypeAlias
from uuid import UUID

from psycopg.sql import SQL, Composable

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


ENTRIES: Final[LiteralString] = """
with people as materialized (
    select p.person_id, p.code, p.name, p.role, p.active from person_states p where {known_p}
),
-- The collector of a customer; one who has left, or was never known, is none.
collected as not materialized (
    select c.customer_id, c.code, c.name, a.person_id as collector_id,
           case when a.person_id is null then 'credit_manager' else 'collector' end as stands_in
    from customer_states c left join people a on a.person_id = c.collector_id and a.active
    where {known_c} and {of_customers}
),
looked_after as (
    {of_whom}
),
due as (
    select f.follow_up_id, f.title, f.due_on, f.chases, f.items, f.dispute_id,
           coalesce(f.resolver_id, d.resolver_id) as resolver_id, coalesce(d.type, f.status) as type,
           d.reference, d.episode_opened_at as opened_at, resolver.name as resolver,
           owner.person_id as present_owner,
           case when resolver.active then resolver.person_id end as present_resolver,
           w.customer_id, w.code, w.name, w.collector_id, w.stands_in
    from follow_up_states f
    join collected w on w.customer_id = f.customer_id
    left join dispute_states d on d.dispute_id = f.dispute_id and {seen_d}
    left join people owner on owner.person_id = f.owner_id and owner.active
    left join people resolver on resolver.person_id = coalesce(f.resolver_id, d.resolver_id)
    where {open_f} and f.due_on <= %(until)s and {for_whom}
),
-- These are few, customers may be many: materialized, so that customers are looked up for disputes and never
-- disputes for all customers.
lacking as materialized (
    select d.dispute_id, d.reference, d.type, d.resolver_id, d.items, d.follow_ups,
           d.episode_opened_at as opened_at, d.customer_id
    from dispute_states d
    where {open_d} and (d.resolver_id is null or d.follow_ups = '{{}}')
),
unsettled as (
    select d.*, resolver.name as resolver, w.code, w.name, w.collector_id, w.stands_in
    from lacking d
    join collected w on w.customer_id = d.customer_id
    left join people resolver on resolver.person_id = d.resolver_id
),
{steps_due},
entries (
    kind, part, person_id, customer_id, code, name, due_on, follow_up_id, title, chases,
    dispute_id, reference, opened_at, type, resolver_id, resolver,
    items, currency, balance, disputed, step, medium, oldest_due
) as (
    select 'follow_up', whose.part, whose.person_id, customer_id, code, name,
           due_on, follow_up_id, title, chases, dispute_id, reference, opened_at, type, resolver_id, resolver,
           a.*, null, null, null::date
    from due cross join lateral (
        -- Whoever is not there is stood in for by the collector, and the collector by the credit manager;
        -- nobody has the same action twice.
        select case when present_owner is null then stands_in else 'owner' end as part,
               coalesce(present_owner, collector_id) as person_id
        union all
        select case when present_resolver is null then stands_in else 'resolver' end,
               coalesce(present_resolver, collector_id)
        where resolver_id is not null
          and coalesce(present_resolver, collector_id) is distinct from coalesce(present_owner, collector_id)
    ) whose cross join lateral {amounts} a
    union all
    select lack.kind, stands_in, collector_id, customer_id, code, name, null, null, null, null,
           dispute_id, reference, opened_at, type, resolver_id, resolver, a.*, null, null, null
    from unsettled cross join lateral (
        values ('dispute_without_resolver', resolver_id is null),
               ('dispute_without_follow_up', follow_ups = '{{}}')
    ) lack (kind, holds) cross join lateral {amounts} a
    where lack.holds
    union all
    select 'customer_without_collector', stands_in, collector_id, customer_id, code, name,
           null, null, null, null, null, null, null, null, null, null, sum(items)::bigint,
           {one_currency} min(currency) filter (where items > 0) end,
           {one_currency} sum(balance) end,
           {one_currency} coalesce(sum(disputed), 0) end, null, null, null
    from accounts
    where collector_id is null
    group by customer_id, code, name, collector_id, stands_in
    union all
    select 'scenario_step', stands_in, collector_id, customer_id, code, name, due_on, null, label, null,
           null, null, null, null, null, null, items, currency, balance, 0, step, medium, oldest_due
    from steps_due
    where due_on <= %(until)s
)
"""
"""All that somebody has to do, as ``entries`` (e) of which those that are ``{selected}`` are meant, and the
``people`` that there are. It wants what `places` gives, and a statement behind it."""

_ROWS: Final[LiteralString] = """
select e.kind, e.part, e.person_id, p.name as person, coalesce(e.due_on, %(today)s) as day,
       case when e.due_on is not null then greatest(%(today)s::date - e.due_on, 0) end as days_overdue,
       e.due_on, e.follow_up_id, e.title, e.chases,
       e.dispute_id, e.reference as dispute_reference, e.opened_at as dispute_opened_at,
       e.type, {status_label} as type_label, e.resolver_id, e.resolver,
       e.customer_id, e.code as customer_code, e.name as customer,
       e.items, e.currency, e.balance, e.disputed, e.step, e.medium, e.oldest_due
from entries e
left join people p on p.person_id = e.person_id
left join status_states s on s.code = e.type and {known_s}
where {selected}
order by day, p.name nulls last, e.person_id, e.kind desc, e.disputed desc nulls last, e.code, e.dispute_id,
         e.follow_up_id, e.part, e.currency
"""

# Of the items of an entry those that are open still.
_AMOUNTS: Final[LiteralString] = """(
    select count(*) as items,
           case when min(i.currency) = max(i.currency) then min(i.currency) end as currency,
           case when min(i.currency) = max(i.currency) then sum(i.balance) end as balance,
           case when min(i.currency) = max(i.currency) then coalesce(sum(i.disputed), 0) end as disputed
    from item_states i
    where i.item_id = any (items) and {seen_i} and i.is_open and {selected_items}
)"""
_ONE_CURRENCY: Final = SQL("""
case when min(currency) filter (where items > 0) = max(currency) filter (where items > 0) then""")


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
    at_moment = places(reading, parameters)

    def work(snapshot: Snapshot) -> Report[AgendaRow]:
        bindings, parts = at_moment(snapshot)
        rows = snapshot.shown(AgendaRow, ENTRIES + _ROWS, bindings, **parts)
        person, until = _whose(reading, parameters), bindings["until"]
        return snapshot.report(parameters, rows, person=person, until=until)

    return reading.at(parameters, work)


Places: TypeAlias = tuple[dict[str, object], dict[str, Composable]]


def places(reading: Reading, parameters: AgendaParameters) -> Callable[[Snapshot], Places]:
    """What `ENTRIES` refers to, and what goes into its places, at a moment. Raises as `agenda` does."""
    person = _whose(reading, parameters)
    selection.require_by(parameters, "person")
    if not 0 <= parameters.days_ahead <= DAYS_AHEAD:
        raise ParameterInvalid("days_ahead", parameters.days_ahead, f"give 0 to {DAYS_AHEAD}")
    chosen, customers = _chosen(parameters, person), _customers(parameters)
    items = selection.of_item_parts(parameters)
    if items.conditions:
        chosen.where("e.items > 0")

    def at_moment(snapshot: Snapshot) -> Places:
        until = parameters.until or snapshot.moment.today + timedelta(days=parameters.days_ahead)
        selected_items = items.sql(snapshot.moment)
        of_all = person is None and not customers.conditions
        parts = {
            "selected": chosen.sql(snapshot.moment),
            "of_customers": customers.sql(snapshot.moment),
            "of_whom": SQL(_OF_ALL if person is None else _LOOKED_AFTER),
            "for_whom": _for(person, _CONCERNED).sql(snapshot.moment),
            "amounts": snapshot.statement(_AMOUNTS, selected_items=selected_items),
            "one_currency": _ONE_CURRENCY,
            "steps_due": steps_due(snapshot.moment, items, of_all=of_all),
        }
        return {**chosen.bindings, **customers.bindings, **items.bindings, "until": until}, parts

    return at_moment


def _whose(reading: Reading, parameters: AgendaParameters) -> UUID | None:
    reached = reading.reach(Permission.READ_AGENDA)
    if Relation.ANY in reached:
        return parameters.person
    actor = reading.actor
    if parameters.person not in (None, actor.person_id):
        raise NotYours(actor.role, Permission.READ_AGENDA, ", ".join(sorted(reached)))
    return actor.person_id


def _chosen(parameters: AgendaParameters, person: UUID | None) -> Selection:
    chosen = _for(person, _OF_PERSON)
    chosen.where_given("e.resolver_id = %(resolver)s", resolver=parameters.resolver)
    chosen.where_given("e.type = %(status)s", status=parameters.status)
    chosen.where_given("e.due_on >= %(period_from)s", period_from=parameters.period_from)
    chosen.where_given("e.due_on <= %(period_to)s", period_to=parameters.period_to)
    return chosen


def _customers(parameters: Parameters) -> Selection:
    """Customers c that pass the filters."""
    chosen = Selection()
    chosen.where_given("c.code = %(customer)s", customer=parameters.customer)
    chosen.where_given("c.collector_id = %(collector)s", collector=parameters.collector)
    return chosen


def _for(person: UUID | None, condition: LiteralString) -> Selection:
    """*condition*, where one *person*'s agenda is asked for."""
    chosen = Selection()
    chosen.where_given(condition, person=person)
    return chosen


_IS_CREDIT_MANAGER: Final[LiteralString] = """
exists (select from people n where n.person_id = %(person)s and n.role = 'credit_manager')"""

_OF_ALL: Final[LiteralString] = "select w.customer_id from collected w"
_LOOKED_AFTER: Final[LiteralString] = (
    f"{_OF_ALL} where w.collector_id = %(person)s"
    f" union all {_OF_ALL} where w.collector_id is null and {_IS_CREDIT_MANAGER}"
)
"""Customers w whose own matters, such as the steps of the scenario, may stand in the person's agenda. In two
parts: an index finds a collector's, and all are looked through for a credit manager alone."""

_CONCERNED: Final[LiteralString] = f"""
(%(person)s in (owner.person_id, resolver.person_id, w.collector_id)
 or w.collector_id is null and {_IS_CREDIT_MANAGER})"""
"""Of actions due: they may stand there. Most do not, and nothing more need be looked up for these."""

_OF_PERSON: Final[LiteralString] = f"""
(e.person_id = %(person)s or e.part = 'credit_manager' and {_IS_CREDIT_MANAGER})"""
