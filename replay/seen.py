"""What of the streams around one thing a moment shows, and whom they concern.

Of each stream both clocks show a beginning (see projections/moment.py), and of a decision all or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from domain.case import Case, State, evolve
from domain.catalogue import Company, Settings
from domain.identity import COMPANY_STREAM
from domain.item import ItemDisputed, ItemPlacedUnderFollowUp, ItemRegistered
from domain.roles import Concerned
from projections.moment import Moment, business_moment
from projections.parameters import ParameterInvalid, Parameters
from store.log import Log, Recorded


def read_up_to(log: Log, streams: Iterable[UUID], newest: int) -> list[Recorded]:
    """The events of *streams* up to the position *newest*."""
    return [each for each in log.read_streams(dict.fromkeys(streams, 0)) if each.position <= newest]


def known_position(log: Log, known_at: int | datetime | None, newest: int) -> int:
    """The end of a decision that *known_at* means; *newest* if it is None. Raises ParameterInvalid."""
    if known_at is None:
        return newest
    if isinstance(known_at, int) and not 0 <= known_at <= newest:
        raise ParameterInvalid("known_at", known_at, f"give a position from 0 to {newest}, or a time")
    return min(log.end_of_decision_at(known_at), newest)


def moment_of(clocks: Parameters, company: Company | None, known: int, newest: int, now: datetime) -> Moment:
    """The moment that *clocks* mean in the zone of *company*; *now* stands for an as-at that is not given."""
    zone = (company.settings if company else Settings("")).zone
    return Moment(newest, now, zone, business_moment(clocks.as_at, zone), known)


def is_seen(recorded: Recorded, moment: Moment) -> bool:
    """Whether both clocks show it."""
    is_known = recorded.position <= moment.known
    return is_known and (moment.as_at is None or recorded.occurred_at <= moment.as_at)


def folded(recorded: Iterable[Recorded]) -> dict[UUID, State]:
    """The states of the streams after these events, which are in order."""
    states: dict[UUID, State] = {}
    for each in recorded:
        states[each.stream_id] = evolve(states.get(each.stream_id), each.event)
    return states


def company_of(recorded: Iterable[Recorded], known: int) -> Company | None:
    """The company as known at that position, from events of whatever streams; None before its founding."""
    own = (each for each in recorded if each.stream_id == COMPANY_STREAM and each.position <= known)
    found = folded(own).get(COMPANY_STREAM)
    return found if isinstance(found, Company) else None


def around_item(own: Iterable[Recorded]) -> set[UUID]:
    """The streams of the customer and of all disputes and actions that an item ever was in; *own* are its
    events."""
    streams: set[UUID] = set()
    for each in own:
        match each.event:
            case ItemRegistered():
                streams.add(each.event.customer_id)
            case ItemDisputed():
                streams.add(each.event.dispute_id)
            case ItemPlacedUnderFollowUp():
                streams.add(each.event.follow_up_id)
            case _:
                pass
    return streams


def concerned_by_any(case: Case) -> Concerned:
    """The people of the customers, disputes and actions of *case*, of whichever of them."""
    each = [case.concerned(stream) for stream in case.states]
    return Concerned(
        frozenset().union(*(one.customer for one in each)),
        frozenset().union(*(one.resolvers for one in each)),
        frozenset().union(*(one.openers for one in each)),
    )
