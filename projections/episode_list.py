"""Episodes of disputes, listed page by page: what the resolution time (spec 34) counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, LiteralString
from uuid import UUID

from domain.calendar import BusinessDays, local_date
from domain.roles import Permission
from projections import selection
from projections.dispute_report import Counted
from projections.episodes import CUSTOMERS, EPISODES, OPENING_ITEMS, OPENING_ITEMS_THEN
from projections.paging import Order, PageParameters, page
from projections.parameters import Report
from projections.reading import Reading, Snapshot
from projections.selection import Selection
from store.working_days import calendar_version, working_days

_COUNTED: Final[Mapping[Counted, LiteralString]] = {
    Counted.RESOLVED: "select e.*, e.ended_at as moment from episodes e where e.state = 'resolved'",
    Counted.OPENED: "select e.*, e.opened_at as moment from episodes e",
    Counted.OPEN: "select e.*, e.opened_at as moment from episodes e where e.state = 'open'",
}

# The page first, and only then what is said of its rows besides.
_SQL: Final[LiteralString] = """
with {episodes},
timed as (
    select e.*, date_part('epoch', greatest(coalesce(e.ended_at, %(at)s) - e.opened_at, interval '0')) / 86400
           as days,
           e.ended_at is null as is_open,
           (extract(epoch from case
                when e.ended_at is null then timestamptz '2000-01-01 00:00+00' - e.opened_at
                else greatest(e.ended_at - e.opened_at, interval '0')
            end) * 1000000)::bigint as lasted
    from ({counted}) e
),
chosen as (
    select d.*, c.name as customer, c.collector_id
    from timed d {customers}
    where {selected}
    order by {order} limit %(rows)s
)
select d.dispute_id, d.episode, r.reference, d.state, d.customer_id, d.customer_code, d.customer,
       d.currency, d.amount_at_opening, d.type, {status_label} as type_label,
       d.resolver_id, resolver.name as resolver, d.collector_id, collector.name as collector,
       d.opened_by, opener.name as opener, d.opened_at, d.ended_at, d.days, null::integer as business_days,
       s.target_days, d.days <= s.target_days as within_target,
       date_part('epoch', d.responded_at - d.opened_at) / 86400 as first_response_days,
       d.chases
from chosen d
left join dispute_states r on r.dispute_id = d.dispute_id and {seen_r}
left join person_states collector on collector.person_id = d.collector_id and {known_collector}
left join person_states resolver on resolver.person_id = d.resolver_id and {known_resolver}
left join person_states opener on opener.person_id = d.opened_by and {known_opener}
left join status_states s on s.code = d.type and {known_s}
order by {order}"""

_THEN: Final = datetime(2000, 1, 1, tzinfo=UTC)
_NONE: Final = timedelta(0)

_IDS: Final[tuple[tuple[LiteralString, LiteralString, str], ...]] = (
    ("d.dispute_id", "uuid", "dispute_id"),
    ("d.episode", "integer", "episode"),
)

_ORDERS: Final = {
    "longest": Order((("d.is_open", "boolean", "is_open"), ("d.lasted", "bigint", "lasted"), *_IDS), "desc"),
    "newest": Order((("d.opened_at", "timestamptz", "opened_at"), *_IDS), "desc"),
    "oldest": Order((("d.opened_at", "timestamptz", "opened_at"), *_IDS)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeList(PageParameters):
    """``counted``: resolved (if nothing is said), opened, or open: those opened that wait still. The period
    speaks of when they were resolved; of the others, of when they were opened. ``first_episodes_only``: leave
    out what was reopened. ``is_assigned``, ``has_collector``: whether it had a resolver, its customer has a
    collector; None for either."""

    counted: Counted = Counted.RESOLVED
    first_episodes_only: bool = False
    is_assigned: bool | None = None
    has_collector: bool | None = None


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """An episode as it was when it ended, or is while it is open (*ended_at* None).

    *days* are elapsed seconds / 86 400 until its end, or until the moment; *business_days* those of an
    episode that ended: the working days after the day of its opening until that of its end. *within_target*:
    whether *days* are no more than the target of the type; None where it has none. *first_response_days*:
    until the resolver's first response; None without one; None as well as *chases* while it is open.
    *amount_at_opening* is in *currency*.
    """

    dispute_id: UUID
    episode: int
    reference: str | None
    state: str
    customer_id: UUID
    customer_code: str
    customer: str | None
    currency: str
    amount_at_opening: Decimal
    type: str
    type_label: str | None
    resolver_id: UUID | None
    resolver: str | None
    collector_id: UUID | None
    collector: str | None
    opened_by: UUID
    opener: str | None
    opened_at: datetime
    ended_at: datetime | None
    days: float
    business_days: int | None
    target_days: int | None
    within_target: bool | None
    first_response_days: float | None
    chases: int | None

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.ended_at is None

    @property
    def lasted(self) -> int:
        """Microseconds until it ended; of those open, until some moment that is the same for all: how long
        they have lasted is another on the next page."""
        took = _THEN - self.opened_at if self.ended_at is None else max(self.ended_at - self.opened_at, _NONE)
        return took // timedelta(microseconds=1)


def episodes(reading: Reading, parameters: EpisodeList) -> Report[EpisodeRow]:
    """One page of the episodes that the resolution time counts, by its filters: resolver and type are as
    they were when the episode ended, entity and attributes pick episodes opened over such an item. Disputes
    cancelled by the moment have none.

    ``sort``: longest (default; those that are open still come first), newest (opened last), oldest.

    Raises RoleForbids, ParameterInvalid.
    """
    reached = reading.reach(Permission.READ_DISPUTES)

    def work(snapshot: Snapshot) -> Report[EpisodeRow]:
        chosen = _chosen(parameters, snapshot).only(reached, reading.actor, selection.DISPUTES)
        parts = {"episodes": EPISODES, "counted": _COUNTED[parameters.counted], "customers": CUSTOMERS}
        places = {name: snapshot.sql(text) for name, text in parts.items()}
        found = page(snapshot, parameters, EpisodeRow, _SQL, chosen, _ORDERS, **places)
        calendar = {"country": snapshot.country, "calendar": calendar_version(snapshot.country)}
        stated = replace(found, parameters={**found.parameters, **calendar})
        return stated.with_each(lambda row: _with_business_days(row, snapshot))

    return reading.at(parameters, work)


def _chosen(parameters: EpisodeList, snapshot: Snapshot) -> Selection:
    chosen = selection.both(
        selection.of_disputes(parameters), selection.in_period(parameters, snapshot.moment, "d.moment")
    )
    parts = selection.of_item_parts(replace(parameters, currency=None))
    if parts.conditions:
        items = OPENING_ITEMS_THEN if parameters.attributes else OPENING_ITEMS
        such: LiteralString = " and ".join(parts.conditions)
        chosen.where(f"exists (select from (select) one {items} where {such})", **parts.bindings)
    if parameters.first_episodes_only:
        chosen.where("d.episode = 1")
    chosen.where_given("(d.resolver_id is not null) = %(is_assigned)s", is_assigned=parameters.is_assigned)
    chosen.where_given(
        "(c.collector_id is not null) = %(has_collector)s", has_collector=parameters.has_collector
    )
    return chosen


def _with_business_days(row: EpisodeRow, snapshot: Snapshot) -> EpisodeRow:
    if row.ended_at is None:
        return row
    first, last = (local_date(each, snapshot.moment.zone) for each in (row.opened_at, row.ended_at))
    calendar = BusinessDays(min(first, last), max(first, last), working_days(snapshot.country))
    (days,) = calendar.between([first.toordinal()], [last.toordinal()])
    return replace(row, business_days=days)
