"""Resolution time (spec 34): how long episodes took that were resolved, and how long those take that were
opened, which counts the ones that still wait."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import chain
from math import fsum
from operator import attrgetter
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg.sql import Composable

from domain.calendar import BusinessDays
from domain.roles import Permission
from projections import kaplan_meier, selection
from projections.episode_work import NO_WORK, Episode, Work, work_on
from projections.episodes import CUSTOMERS, EPISODES, GROUPINGS, opening_amounts
from projections.parameters import Parameters, Report
from projections.quantiles import quantile
from projections.reading import Reading, Snapshot
from projections.selection import Grouping, Groupings, Name, Selection
from store.working_days import calendar_version, working_days

BY: Final = Groupings("type", GROUPINGS)

FACTS: Final[LiteralString] = """
with {episodes},
chosen as (
    -- Each episode counts as one that was opened, and if it was as one that was resolved.
    select d.*, true as is_resolved, d.ended_at as moment from episodes d where d.state = 'resolved'
    union all
    select d.*, false, d.opened_at from episodes d
),
facts as (
    select d.dispute_id, d.episode, d.is_resolved, d.state, d.currency, {keys}, i.amount, target.target_days,
           d.opened_at, coalesce(d.ended_at, %(at)s) as ended_at
    from chosen d {opening} {customers} {joins}
    left join status_states target on target.code = d.type and {known_target}
    where {selected}
)
-- Once for each group that the episode is in, however many of its items are in that group.
select dispute_id, episode, is_resolved, state, currency, {named}, sum(amount) as amount, target_days,
       (extract(epoch from greatest(ended_at - opened_at, interval '0')) / 86400)::double precision as days,
       (opened_at at time zone %(zone)s)::date as opened_on,
       (ended_at at time zone %(zone)s)::date as ended_on
from facts
group by dispute_id, episode, is_resolved, state, currency, {levels}, target_days, opened_at, ended_at
"""

CLOSED_ONLY: Final = "closed only"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionTimeParameters(Parameters):
    """``first_episodes_only``: leave out what was reopened. The period speaks of when episodes were resolved;
    of those that were not, of when they were opened."""

    first_episodes_only: bool = False


def chosen_episodes(reading: Reading, parameters: ResolutionTimeParameters) -> Selection:
    """The episodes that may be seen and are asked for, at any time. Raises RoleForbids, ParameterInvalid."""
    chosen = selection.both(selection.of_disputes(parameters), selection.of_item_parts(parameters))
    chosen.only(reading.reach(Permission.READ_DISPUTES), reading.actor, selection.DISPUTES)
    if parameters.first_episodes_only:
        chosen.where("d.episode = 1")
    return chosen


@dataclass(frozen=True, slots=True)
class _Fact:
    """An episode in one group; *days* until it ended, or until the moment."""

    dispute_id: UUID
    episode: int
    is_resolved: bool
    state: str
    currency: str
    key: str | None
    label: str | None
    amount: Decimal
    target_days: int | None
    days: float
    opened_on: date
    ended_on: date
    second_key: str | None = None
    second_label: str | None = None

    @property
    def id(self) -> Episode:
        """Which episode it is."""
        return self.dispute_id, self.episode

    @property
    def names(self) -> tuple[Name, Name]:
        """Of its group, level by level."""
        return (self.key, self.label), (self.second_key, self.second_label)


_KEYS: Final = ("key", "second_key")


@dataclass(frozen=True, slots=True)
class ResolutionTimeRow:
    """Episodes of one group. None stands for what cannot be told of none.

    Of those resolved in the period (``mean_basis`` says so: *closed only*; that mean is too short as long as
    others wait): their *count*; mean, median and 90th percentile in calendar days and in business days; the
    share *within_target* of the type, from 0 to 1, of those whose type has one; how many the resolver
    *responded* to, and after how many days on average and in the median; chases per episode; and for each
    currency ``weighted_mean_days_EUR``, the mean weighted by the amount at opening.

    Of those *opened* in the period, resolved or not: how many are *still_open*, and how many were
    *escalated*, which is not resolved either (spec 20); the Kaplan-Meier median and 90th percentile in
    calendar days, with their limits at 95 %, None where not reached yet.
    """

    key: str | None
    label: str | None
    grouped: Mapping[str, str | None] = field(default_factory=dict, kw_only=True)
    count: int
    mean_days: float | None
    median_days: float | None
    p90_days: float | None
    still_open: int
    escalated: int
    mean_basis: str
    mean_business_days: float | None
    median_business_days: float | None
    p90_business_days: float | None
    within_target: float | None
    responded: int
    mean_first_response_days: float | None
    median_first_response_days: float | None
    chases_per_episode: float | None
    opened: int
    km_median_days: float | None
    km_median_low: float | None
    km_median_high: float | None
    km_p90_days: float | None
    km_p90_low: float | None
    km_p90_high: float | None
    by_currency: Mapping[str, float | None] = field(default_factory=dict)


def resolution_time(reading: Reading, parameters: ResolutionTimeParameters) -> Report[ResolutionTimeRow]:
    """Days from the opening of episodes to their resolution, of those resolved in the period; and how long
    those take that were opened in the period.

    Calendar days are elapsed seconds / 86 400; business days are the days d with start date < d ≤ end date
    that are working days: neither Saturday, Sunday nor a public holiday of the company's country (the
    parameters say which calendar, in which version). Percentiles are interpolated linearly (type 7 of Hyndman
    and Fan 1996). The mean is of closed episodes only, and says so. ``weighted_mean_days`` =
    Σ amount · days / Σ amount, with what was disputed at the opening, per currency, of episodes with a
    positive amount.

    The first response is the first comment, interaction or change by the resolver. ``within_target``: the
    share resolved within the target days of the type.

    Episodes opened in the period and not resolved at the moment are counted as ``still_open``, or as
    ``escalated``. All that were opened in the period make the Kaplan-Meier estimate: those open are censored
    at the moment, those escalated at their escalation. Its limits at 95 % are by Greenwood's formula on the
    log-log scale. Disputes cancelled by the moment count nowhere.

    Grouped ``by`` type (default), customer, resolver, collector, entity, currency, month (of resolution; for
    what is told of those opened, of opening), none or attribute:<name> of items, as they were at the
    resolution; or by two of them. An episode over several entities or attribute values counts once in each
    row, with its amount there, and once in each subtotal and in the total, which are computed over their
    episodes and not from rows. Filters by entity and attributes pick episodes with such an item. Largest
    groups first.

    Raises RoleForbids, ParameterInvalid.
    """
    group = BY.asked(parameters.by)
    of_case = chosen_episodes(reading, parameters)

    def work(snapshot: Snapshot) -> Report[ResolutionTimeRow]:
        bindings, parts = places(snapshot, parameters, group, of_case)
        facts = snapshot.rows(_Fact, FACTS, bindings, **parts)
        figures = _Figures(facts, snapshot, group)
        levels = [figures.of_level(facts, level) for level in range(len(group.levels) + 1)]
        totals, *above, rows = levels
        if group.name == "none":
            rows = totals
        rows = group.in_order(rows, above[0] if above else ())
        calendar = {"country": snapshot.country, "calendar": calendar_version(snapshot.country)}
        return snapshot.report(parameters, rows, [*chain(*above, totals)], by=group.name, **calendar)

    return reading.at(parameters, work)


def places(
    snapshot: Snapshot, parameters: ResolutionTimeParameters, group: Grouping, of_case: Selection
) -> tuple[dict[str, object], dict[str, Composable]]:
    """What `FACTS` refers to, and what goes into its places."""
    period = selection.in_period(parameters, snapshot.moment, "d.moment")
    selected = selection.both(of_case, period)
    parts = {
        "episodes": snapshot.sql(EPISODES),
        "opening": snapshot.sql(opening_amounts(parameters, group)),
        "customers": snapshot.sql(CUSTOMERS),
        "selected": selected.sql(snapshot.moment),
        **group.parts(snapshot.moment),
    }
    return {**selected.bindings, **group.bindings}, parts


def _once(facts: Iterable[_Fact]) -> list[_Fact]:
    """Each episode once, with its amounts in all groups together."""
    found: dict[tuple[Episode, bool], _Fact] = {}
    for each in facts:
        known = found.get((each.id, each.is_resolved))
        found[each.id, each.is_resolved] = (
            replace(each, amount=each.amount + known.amount) if known is not None else each
        )
    return list(found.values())


class _Figures:
    """Makes rows of facts."""

    def __init__(self, facts: Sequence[_Fact], snapshot: Snapshot, group: Grouping) -> None:
        self._group: Final = group
        resolved = [each for each in facts if each.is_resolved]
        self._work: Final = work_on(snapshot, {each.dispute_id for each in resolved}) if resolved else {}
        self._currencies: Final = sorted({each.currency for each in facts})
        # Nothing is looked up in the calendar but the days that matter.
        first = min((each.opened_on for each in resolved), default=snapshot.moment.today)
        last = max((each.ended_on for each in resolved), default=first)
        self._calendar: Final = BusinessDays(first, last, working_days(snapshot.country))

    def of_level(self, facts: Sequence[_Fact], level: int) -> list[ResolutionTimeRow]:
        """The rows of the groups that the first *level* levels make (the total, if none): largest first,
        months as they come."""
        if level == 0:
            return [self._row_of(facts, 0)]
        groups: dict[object, list[_Fact]] = defaultdict(list)
        key = attrgetter(*_KEYS[:level])
        for each in facts:
            groups[key(each)].append(each)
        order = _month if self._group.levels[level - 1] == "month" else _largest
        own = attrgetter(_KEYS[level - 1])
        several = [(own(each[0]), self._row_of(each, level)) for each in groups.values()]
        return [row for _, row in sorted(several, key=lambda each: order(*each))]

    def _row_of(self, facts: Sequence[_Fact], level: int) -> ResolutionTimeRow:
        names = facts[0].names[:level] if level else ()
        # In a subtotal or total an episode is one, in however many groups it is.
        is_over_groups = level < len(self._group.levels) and self._group.is_split
        return self._row(self._group.heading(*names), _once(facts) if is_over_groups else facts)

    def _row(self, heading: Mapping[str, Any], facts: Sequence[_Fact]) -> ResolutionTimeRow:
        closed = [each for each in facts if each.is_resolved]
        opened = [each for each in facts if not each.is_resolved]
        days = sorted(each.days for each in closed)
        business = sorted(float(self._calendar.between(each.opened_on, each.ended_on)) for each in closed)
        done = [self._work.get(each.id, NO_WORK) for each in closed]
        responses = _responses(done)
        steps = kaplan_meier.curve(
            (each.days for each in opened if each.state == "resolved"),
            (each.days for each in opened if each.state != "resolved"),
        )
        median, p90 = kaplan_meier.reached(steps, 0.5), kaplan_meier.reached(steps, 0.9)
        return ResolutionTimeRow(
            **heading,
            count=len(closed),
            mean_days=_mean(days),
            median_days=quantile(days, 0.5),
            p90_days=quantile(days, 0.9),
            still_open=sum(each.state == "open" for each in opened),
            escalated=sum(each.state == "escalated" for each in opened),
            mean_basis=CLOSED_ONLY,
            mean_business_days=_mean(business),
            median_business_days=quantile(business, 0.5),
            p90_business_days=quantile(business, 0.9),
            within_target=_within_target(closed),
            responded=len(responses),
            mean_first_response_days=_mean(responses),
            median_first_response_days=quantile(responses, 0.5),
            chases_per_episode=_mean([float(each.chases) for each in done]),
            opened=len(opened),
            km_median_days=median.time,
            km_median_low=median.low,
            km_median_high=median.high,
            km_p90_days=p90.time,
            km_p90_low=p90.low,
            km_p90_high=p90.high,
            by_currency={
                f"weighted_mean_days_{currency}": _weighted_mean(closed, currency)
                for currency in self._currencies
            },
        )


def _largest(key: str | None, row: ResolutionTimeRow) -> tuple[int, int, bool, str]:
    return -row.count, -row.still_open - row.escalated, key is None, key or ""


def _month(key: str | None, _: ResolutionTimeRow) -> tuple[int, int, bool, str]:
    return 0, 0, key is None, key or ""


def _mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None


def _responses(done: Iterable[Work]) -> list[float]:
    return sorted(each.response_days for each in done if each.response_days is not None)


def _within_target(closed: Iterable[_Fact]) -> float | None:
    in_time = [each.days <= each.target_days for each in closed if each.target_days is not None]
    return sum(in_time) / len(in_time) if in_time else None


def _weighted_mean(closed: Iterable[_Fact], currency: str) -> float | None:
    # A dispute over more credit notes than invoices has no weight: it would pull the mean away from itself.
    weighed = [each for each in closed if each.currency == currency and each.amount > 0]
    weight = sum((each.amount for each in weighed), Decimal(0))
    return fsum(float(each.amount) * each.days for each in weighed) / float(weight) if weight else None
