"""Disputes and follow-up actions, listed page by page, and single ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final, LiteralString
from uuid import UUID

from domain.identity import dispute_id, follow_up_id
from domain.refusals import UnknownDispute, UnknownFollowUp
from domain.roles import Permission, Reach, Relation
from projections import buckets, selection
from projections.counted_disputes import of_counted
from projections.dispute_report import Counted
from projections.paging import Order, PageParameters, page, single
from projections.parameters import ParameterInvalid, Parameters, Report
from projections.reading import Reading, Snapshot
from projections.selection import Selection

_DISPUTES: Final[LiteralString] = """
select d.dispute_id, d.version, d.reference, d.customer_id, d.customer_code, c.name as customer, d.currency,
       d.type, {status_label} as type_label, d.reason, d.comment, d.channel, d.received_on,
       d.state, d.outcome, d.credited_amount,
       d.resolver_id, resolver.name as resolver, d.assigned_by, d.unassigned,
       d.opened_by, opener.name as opener, c.collector_id, collector.name as collector,
       d.episode, d.episode_opened_at, d.amount_at_opening,
       coalesce((select sum(i.disputed) from item_states i
                 where i.item_id = any (d.items) and i.dispute_id = d.dispute_id and {seen_i}), 0)
           as disputed,
       d.items, d.follow_ups, d.comments, d.documents, d.occurred_from as changed_at
from dispute_states d
left join customer_states c on c.customer_id = d.customer_id and {known_c}
left join person_states collector on collector.person_id = c.collector_id and {known_collector}
left join person_states resolver on resolver.person_id = d.resolver_id and {known_resolver}
left join person_states opener on opener.person_id = d.opened_by and {known_opener}
left join status_states s on s.code = d.type and {known_s}
where {seen_d} and {selected}
order by {order} limit %(rows)s"""

_FOLLOW_UPS: Final[LiteralString] = """
select f.follow_up_id, f.version, f.reference, f.customer_id, c.code as customer_code, c.name as customer,
       f.dispute_id, d.reference as dispute_reference, f.title, f.due_on,
       case when f.is_open then greatest(%(today)s::date - f.due_on, 0) else 0 end as days_overdue,
       f.owner_id, owner.name as owner, coalesce(f.resolver_id, d.resolver_id) as resolver_id,
       resolver.name as resolver, f.planned_by, coalesce(d.type, f.status) as status,
       {status_label} as status_label, f.items, f.chases, f.interactions, f.comments, f.is_open, f.ended,
       f.occurred_from as changed_at
from follow_up_states f
left join dispute_states d on d.dispute_id = f.dispute_id and {seen_d}
left join customer_states c on c.customer_id = f.customer_id and {known_c}
left join person_states owner on owner.person_id = f.owner_id and {known_owner}
left join person_states resolver
    on resolver.person_id = coalesce(f.resolver_id, d.resolver_id) and {known_resolver}
left join status_states s on s.code = coalesce(d.type, f.status) and {known_s}
where {seen_f} and {selected}
order by {order} limit %(rows)s"""

# A dispute that ended when the last of its items cleared has none at its end: then those at its opening.
_ITEMS_OF_DISPUTE: Final[LiteralString] = """
exists (select from item_states i
        where i.item_id = any (
            case when d.items <> '{{}}' then d.items
                 else array(select (o ->> 'item_id')::uuid from jsonb_array_elements(d.opening) o) end)
          and {seen_i} and """

_ITEMS_OF_FOLLOW_UP: Final[LiteralString] = """
exists (select from item_states i where i.item_id = any (f.items) and {seen_i} and """

_OF_AGE: Final[LiteralString] = """
width_bucket(%(today)s::date - (d.episode_opened_at at time zone %(zone)s)::date, %(age_starts)s::int[])
    = %(age_bucket)s"""

_DISPUTE_ORDERS: Final = {
    "newest": Order(
        (("d.episode_opened_at", "timestamptz", "episode_opened_at"), ("d.dispute_id", "uuid", "dispute_id")),
        "desc",
    ),
    "oldest": Order(
        (("d.episode_opened_at", "timestamptz", "episode_opened_at"), ("d.dispute_id", "uuid", "dispute_id"))
    ),
    "customer": Order((("d.customer_code", "text", "customer_code"), ("d.dispute_id", "uuid", "dispute_id"))),
}

_FOLLOW_UP_ORDERS: Final = {
    "due_on": Order((("f.due_on", "date", "due_on"), ("f.follow_up_id", "uuid", "follow_up_id")))
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeList(PageParameters):
    """``state``: open, resolved, escalated or cancelled; None for any. ``item``: an item's id.
    ``is_assigned``, ``has_collector``: whether it has a resolver, its customer a collector; None for either.
    ``age``: one of the company's buckets of days since the opening of the last episode.
    ``counted``: opened or resolved: those that the dispute report counts so; all filters then speak of them
    as they were at the opening or the resolution, and the period of that. ``counted_month``: of those the
    ones that were opened, or resolved for the last time in the period, in this month, such as 2026-03."""

    state: str | None = None
    counted: Counted | None = None
    counted_month: str | None = None
    item: UUID | None = None
    is_assigned: bool | None = None
    has_collector: bool | None = None
    age: str | None = None


@dataclass(frozen=True, slots=True)
class DisputeRow:
    """A dispute as it stands. *disputed*: what of its items is in dispute now, 0 once it has ended;
    *amount_at_opening*: of the last episode; both in *currency*. *items*: those in it now or at its end."""

    dispute_id: UUID
    version: int
    reference: str | None
    customer_id: UUID
    customer_code: str
    customer: str | None
    currency: str
    type: str
    type_label: str | None
    reason: str
    comment: str | None
    channel: str
    state: str
    outcome: str | None
    credited_amount: Decimal | None
    received_on: datetime
    resolver_id: UUID | None
    resolver: str | None
    assigned_by: str | None
    unassigned: str | None
    opened_by: UUID
    opener: str | None
    collector_id: UUID | None
    collector: str | None
    episode: int
    episode_opened_at: datetime
    amount_at_opening: Decimal
    disputed: Decimal
    items: Sequence[UUID]
    follow_ups: Sequence[UUID]
    comments: int
    documents: int
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpList(PageParameters):
    """``is_open``: None for either. ``dispute``, ``owner``: ids. ``due_to``: the last due day."""

    is_open: bool | None = True
    dispute: UUID | None = None
    owner: UUID | None = None
    due_to: date | None = None


@dataclass(frozen=True, slots=True)
class FollowUpRow:
    """A follow-up action as it stands. *resolver* is its own or else its dispute's; *status* the dispute's
    type, or that for which it was planned. *days_overdue* is 0 for what is not overdue."""

    follow_up_id: UUID
    version: int
    reference: str | None
    customer_id: UUID
    customer_code: str | None
    customer: str | None
    dispute_id: UUID | None
    dispute_reference: str | None
    title: str
    due_on: date
    days_overdue: int
    owner_id: UUID | None
    owner: str | None
    resolver_id: UUID | None
    resolver: str | None
    planned_by: UUID
    status: str | None
    status_label: str | None
    items: Sequence[UUID]
    chases: int
    interactions: int
    comments: int
    is_open: bool
    ended: str | None
    changed_at: datetime


def disputes(reading: Reading, parameters: DisputeList) -> Report[DisputeRow]:
    """One page of the disputes that pass all filters.

    ``sort``: newest (default), oldest, customer. The period speaks of the opening of the last episode; entity
    and attributes pick disputes with such an item, of those whose items have all cleared by what they were
    opened over; ``status`` is the type.

    Raises RoleForbids, ParameterInvalid.
    """
    reached = reading.reach(Permission.READ_DISPUTES)

    def work(snapshot: Snapshot) -> Report[DisputeRow]:
        chosen = _disputes(parameters, snapshot).only(reached, reading.actor, selection.DISPUTES)
        return page(snapshot, parameters, DisputeRow, _DISPUTES, chosen, _DISPUTE_ORDERS)

    return reading.at(parameters, work)


def dispute(
    reading: Reading, reference: UUID | str, parameters: Parameters | None = None
) -> Report[DisputeRow]:
    """The dispute with this id, or its opener's own reference, as the one row.

    Raises RoleForbids; UnknownDispute, also where the role does not reach.
    """
    parameters = parameters or Parameters()
    wanted = reference if isinstance(reference, UUID) else dispute_id(reference)
    chosen = Selection().only(reading.reach(Permission.READ_DISPUTES), reading.actor, selection.DISPUTES)
    _by_id_or_reference(chosen, reference, wanted, "d.dispute_id", "d.reference")

    return reading.at(
        parameters,
        lambda snapshot: single(
            snapshot,
            parameters,
            DisputeRow,
            _DISPUTES,
            chosen,
            UnknownDispute(wanted).named(wanted, reference),
        ),
    )


def follow_ups(reading: Reading, parameters: FollowUpList) -> Report[FollowUpRow]:
    """One page of the follow-up actions that pass all filters, by due day; open ones unless told otherwise.

    Shown to whoever may see the dispute or customer, and to their owner. The period speaks of due days.
    Raises RoleForbids, ParameterInvalid.
    """
    chosen = _follow_ups(parameters).only(_reach_of_follow_ups(reading), reading.actor, selection.FOLLOW_UPS)
    return reading.at(
        parameters,
        lambda snapshot: page(snapshot, parameters, FollowUpRow, _FOLLOW_UPS, chosen, _FOLLOW_UP_ORDERS),
    )


def follow_up(
    reading: Reading, reference: UUID | str, parameters: Parameters | None = None
) -> Report[FollowUpRow]:
    """The follow-up action with this id, or its planner's own reference, as the one row.

    Raises RoleForbids; UnknownFollowUp, also where the role does not reach.
    """
    parameters = parameters or Parameters()
    wanted = reference if isinstance(reference, UUID) else follow_up_id(reference)
    chosen = Selection().only(_reach_of_follow_ups(reading), reading.actor, selection.FOLLOW_UPS)
    _by_id_or_reference(chosen, reference, wanted, "f.follow_up_id", "f.reference")

    return reading.at(
        parameters,
        lambda snapshot: single(
            snapshot,
            parameters,
            FollowUpRow,
            _FOLLOW_UPS,
            chosen,
            UnknownFollowUp(wanted).named(wanted, reference),
        ),
    )


def _reach_of_follow_ups(reading: Reading) -> Reach:
    # What stands in somebody's agenda can be looked at.
    return Reach(reading.reach(Permission.READ_DISPUTES) | {Relation.OWNER})


def _by_id_or_reference(
    chosen: Selection, reference: UUID | str, wanted: UUID, column: LiteralString, text: LiteralString
) -> None:
    if isinstance(reference, UUID):
        chosen.where(f"{column} = %(wanted)s", wanted=wanted)
    else:
        chosen.where(f"({column} = %(wanted)s or {text} = %(reference)s)", wanted=wanted, reference=reference)


def _disputes(parameters: DisputeList, snapshot: Snapshot) -> Selection:
    chosen = _filtered(parameters, snapshot)
    chosen.where_given("d.state = %(state)s", state=parameters.state)
    chosen.where_given("%(item)s = any (d.items)", item=parameters.item)
    chosen.where_given(
        "(c.collector_id is not null) = %(has_collector)s", has_collector=parameters.has_collector
    )
    if parameters.age is not None:
        names = buckets.names(snapshot.ageing_buckets, 0)
        if parameters.age not in names:
            raise ParameterInvalid("age", parameters.age, f"give one of {', '.join(names)}")
        starts = buckets.starts(snapshot.ageing_buckets)
        chosen.where(_OF_AGE, age_starts=starts, age_bucket=names.index(parameters.age))
    return chosen


def _filtered(parameters: DisputeList, snapshot: Snapshot) -> Selection:
    if parameters.counted not in {None, Counted.OPEN}:
        month, is_assigned = parameters.counted_month, parameters.is_assigned
        return of_counted(
            parameters, parameters.counted, snapshot.moment, is_assigned=is_assigned, month=month
        )
    if parameters.counted_month is not None:
        cure = "say which disputes counted there: counted as opened or resolved"
        raise ParameterInvalid("counted_month", parameters.counted_month, cure)
    chosen = selection.both(
        selection.of_disputes(parameters),
        selection.in_period(parameters, snapshot.moment, "d.episode_opened_at"),
    )
    if parameters.counted is Counted.OPEN:
        chosen.where("d.state = 'open'")
    # The currency is the dispute's own: when the last of its items has cleared, it has none to ask.
    _with_such_an_item(chosen, _ITEMS_OF_DISPUTE, replace(parameters, currency=None))
    chosen.where_given("(d.resolver_id is not null) = %(is_assigned)s", is_assigned=parameters.is_assigned)
    return chosen


def _with_such_an_item(chosen: Selection, items: LiteralString, parameters: Parameters) -> None:
    """Add that one and the same of *items* passes all filters on items."""
    parts = selection.of_item_parts(parameters)
    if parts.conditions:
        either: LiteralString = " and ".join(parts.conditions)
        chosen.where(f"{items} {either})", **parts.bindings)


def _follow_ups(parameters: FollowUpList) -> Selection:
    chosen = Selection()
    _with_such_an_item(chosen, _ITEMS_OF_FOLLOW_UP, parameters)
    chosen.where_given("c.code = %(customer)s", customer=parameters.customer)
    chosen.where_given("c.collector_id = %(collector)s", collector=parameters.collector)
    chosen.where_given("coalesce(f.resolver_id, d.resolver_id) = %(resolver)s", resolver=parameters.resolver)
    chosen.where_given("coalesce(d.type, f.status) = %(status)s", status=parameters.status)
    chosen.where_given("f.due_on >= %(period_from)s", period_from=parameters.period_from)
    chosen.where_given("f.due_on <= %(period_to)s", period_to=parameters.period_to)
    chosen.where_given("f.due_on <= %(due_to)s", due_to=parameters.due_to)
    chosen.where_given("f.dispute_id = %(dispute)s", dispute=parameters.dispute)
    chosen.where_given("f.owner_id = %(owner)s", owner=parameters.owner)
    if parameters.is_open is not None:
        chosen.where("f.is_open" if parameters.is_open else "not f.is_open")
    return chosen
