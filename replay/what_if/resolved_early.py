"""Disputes of a type are resolved within so many days: what then happens to them, to their items and to their
follow-up actions, stream by stream.

An episode that took longer, or is still open, ends when it has lasted so many days. What was done about it
after that, up to its recorded end, did not happen: nobody chases, changes or pays attention to a dispute that
is settled. What the ledger says stays: an item that cleared later clears later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.calendar import WorkingDay, next_working_day
from domain.case import State, evolve
from domain.catalogue import StatusKind
from domain.dispute import (
    Dispute,
    DisputeContinued,
    DisputedItem,
    DisputeFollowedUp,
    DisputeFollowUpEnded,
    DisputeOpened,
    DisputeReopened,
    DisputeResolved,
    DisputeState,
    ItemsAdded,
    Outcome,
    amount_of,
)
from domain.events import Event
from domain.follow_up import Ended, FollowUpAction, FollowUpEnded
from domain.identity import DisputeId, FollowUpId, ItemId
from domain.item import (
    Item,
    ItemClearingUndone,
    ItemDisputed,
    ItemPlacedUnderFollowUp,
    ItemQualified,
    ItemReleased,
    ItemReturned,
    ItemStatusRestored,
    ItemWrittenOff,
    Qualification,
    Release,
)
from replay.what_if.happened import Happened, Stream, decisions


@dataclass(frozen=True, slots=True)
class EarlyEnd:
    """An episode of a dispute that ends *at* a moment, and not with the decision *until* (None: not yet).

    *version* is that of the recorded resolution in the dispute's stream, if there is one: whoever recorded it
    would have done so earlier. *status*: what its items get where the record does not tell.
    """

    dispute_id: DisputeId
    at: datetime
    until: int | None
    outcome: Outcome
    credited: Decimal | None
    comment: str | None
    version: int | None
    follow_ups: frozenset[FollowUpId]
    status: Qualification

    def covers(self, end: int) -> bool:
        """Whether the decision with this number came before the recorded end, or is it."""
        return self.until is None or end <= self.until


@dataclass(frozen=True, slots=True)
class Concerned:
    """What belongs to a dispute, at any time."""

    items: frozenset[ItemId]
    follow_ups: frozenset[FollowUpId]


def concerned(stream: Stream) -> Concerned:
    """All items and actions that a dispute's *stream* names."""
    disputed: set[DisputedItem] = set()
    follow_ups: set[FollowUpId] = set()
    for one in stream:
        match one.event:
            case DisputeOpened() | ItemsAdded() | DisputeReopened() | DisputeContinued():
                disputed.update(one.event.items)
            case DisputeFollowedUp():
                follow_ups.add(one.event.follow_up_id)
            case _:
                pass
    return Concerned(frozenset(item.item_id for item in disputed), frozenset(follow_ups))


# --- which episodes end early ----------------------------------------------------------------------

Due: TypeAlias = Callable[[datetime], datetime]
"""When an episode that was opened at a moment has lasted long enough."""


def after_days(days: int) -> Due:
    """So many times 24 hours later."""
    return lambda opened_at: opened_at + timedelta(days=days)


def after_business_days(days: int, zone: str, is_working_day: WorkingDay) -> Due:
    """At the same time of day in *zone* on the last of so many working days after the opening's date."""

    def due(opened_at: datetime) -> datetime:
        local = opened_at.astimezone(ZoneInfo(zone))
        day = local.date()
        for _ in range(days):
            day = next_working_day(day + timedelta(days=1), is_working_day)
        return datetime.combine(day, local.timetz()).astimezone(UTC)

    return due


@dataclass(frozen=True, slots=True)
class _Span:
    """A state of the dispute, from one decision to the next."""

    begin: Happened
    state: Dispute


def early_ends(
    stream: Stream, within: Mapping[str, Due], now: datetime, status: Qualification
) -> list[EarlyEnd]:
    """The episodes of a dispute's *stream* that end earlier when no type takes longer than *within* says.

    An episode ends at the first moment at which the dispute has the type and is that old; never before it was
    recorded, nor after *now*. A dispute that was cancelled counts nowhere and is left as it is.
    """
    spans = list(_spans(stream))
    if spans[-1].state.state is DisputeState.CANCELLED:
        return []
    follow_ups = concerned(stream).follow_ups
    found: list[EarlyEnd] = []
    for episode in range(1, spans[-1].state.episode + 1):
        own = [span for span in spans if span.state.episode == episode]
        at = _moment(own, within)
        if at is not None and at <= now:
            found.append(_early_end(stream, own, at, follow_ups, status))
    return found


def _spans(stream: Stream) -> Iterator[_Span]:
    state: State | None = None
    for together in decisions(stream):
        for one in together:
            state = evolve(state, one.event)
        assert isinstance(state, Dispute), "the stream is a dispute's"
        yield _Span(together[-1], state)


def _moment(own: Sequence[_Span], within: Mapping[str, Due]) -> datetime | None:
    for place, span in enumerate(own):
        due_of = within.get(span.state.type)
        if due_of is None or not span.state.is_open:
            continue
        due = max(due_of(span.state.episode_opened_at), span.begin.occurred_at)
        if place + 1 == len(own) or due < own[place + 1].begin.occurred_at:
            return due
    return None


_BY_HAND: Final = frozenset(Outcome) - {Outcome.CLEARED}


def _early_end(
    stream: Stream,
    own: Sequence[_Span],
    at: datetime,
    follow_ups: frozenset[FollowUpId],
    status: Qualification,
) -> EarlyEnd:
    """With the recorded outcome, if somebody resolved it; else ``other``."""
    last = next((span for span in _closed(own)), None)
    until = last.begin.end if last else None
    for one in stream:
        event = one.event
        if one.end == until and isinstance(event, DisputeResolved) and event.outcome in _BY_HAND:
            credited, comment = event.credited_amount, event.comment
            return EarlyEnd(
                event.dispute_id, at, until, event.outcome, credited, comment, one.version, follow_ups, status
            )
    return EarlyEnd(own[0].state.id, at, until, Outcome.OTHER, None, None, None, follow_ups, status)


def _closed(own: Sequence[_Span]) -> list[_Span]:
    """The spans at the end of an episode in which it is over; none if it is open."""
    found: list[_Span] = []
    for span in reversed(own):
        if span.state.is_open:
            break
        found.insert(0, span)
    return found


# --- what then happens to a stream -----------------------------------------------------------------


@dataclass(slots=True)
class _Told:
    """A stream that is told anew."""

    waiting: deque[EarlyEnd]
    active: list[EarlyEnd] = field(default_factory=list)
    state: State | None = None
    recorded: State | None = None
    out: list[Happened] = field(default_factory=list)

    def end_before(self, moment: datetime, stream: Stream) -> None:
        """End what is to end before *moment*."""
        while self.waiting and self.waiting[0].at < moment:
            self._end(self.waiting.popleft(), stream)

    def end_all(self, stream: Stream) -> None:
        """End what is still to end."""
        while self.waiting:
            self._end(self.waiting.popleft(), stream)

    def _end(self, early: EarlyEnd, stream: Stream) -> None:
        self.active.append(early)
        if self.state is None:
            return
        number = self.out[-1].end + 1
        for event in _ending(self.state, early, stream):
            self._take(Happened(number, early.at, event, early.version))

    def keep(self, together: Sequence[Happened]) -> None:
        """A recorded decision comes, or what remains of it."""
        self.active = [early for early in self.active if early.covers(together[0].end)]
        before = self.recorded
        for one in together:
            self.recorded = evolve(self.recorded, one.event)
        assert self.recorded is not None, "the decision has events"
        for one in together:
            if (kept := self._kept(one, before)) is not None:
                self._take(kept)

    def _kept(self, one: Happened, before: State | None) -> Happened | None:
        if isinstance(self.recorded, Item):
            return _kept_of_item(one, before, self.recorded, self.active)
        is_orphan = self.state is None and before is not None  # an action that was never planned
        return None if self.active or is_orphan else one

    def _take(self, one: Happened) -> None:
        self.out.append(one)
        self.state = evolve(self.state, one.event)


def resolved_early(stream: Stream, early: Iterable[EarlyEnd]) -> list[Happened]:
    """The *stream* of a dispute, an item or a follow-up action when episodes end *early*."""
    told = _Told(deque(sorted(early, key=lambda one: (one.at, one.dispute_id))))
    for together in decisions(stream):
        told.end_before(together[0].occurred_at, stream)
        told.keep(together)
    told.end_all(stream)
    return told.out


def _ending(state: State, early: EarlyEnd, stream: Stream) -> list[Event]:
    match state:
        case Dispute():
            return _dispute_ends(state, early)
        case Item(dispute_id=early.dispute_id):
            return _item_leaves(state, early, _status_given(stream, early))
        case FollowUpAction() if state.is_open:
            return [FollowUpEnded(state.id, Ended.DISPUTE_RESOLVED, None, state.dispute_id)]
        case _:
            return []


def _dispute_ends(dispute: Dispute, early: EarlyEnd) -> list[Event]:
    resolved = DisputeResolved(
        dispute.id,
        early.outcome,
        early.credited,
        early.comment,
        dispute.customer_id,
        dispute.type,
        dispute.resolver_id,
        dispute.currency,
        amount_of(tuple(dispute.items.values())),
        dispute.amount_at_opening,
        dispute.episode,
        dispute.episode_opened_at,
    )
    return [resolved, *(DisputeFollowUpEnded(dispute.id, each) for each in sorted(dispute.follow_ups))]


def _item_leaves(item: Item, early: EarlyEnd, status: Qualification) -> list[Event]:
    of_it = early.outcome is Outcome.WRITTEN_OFF
    return [
        ItemQualified(item.id, status, item.qualification),
        ItemReleased(item.id, early.dispute_id, Release.RESOLVED),
        *([ItemWrittenOff(item.id, early.dispute_id)] if of_it else []),
        *(ItemReturned(item.id, each) for each in sorted(item.follow_ups & early.follow_ups)),
    ]


def _status_given(stream: Stream, early: EarlyEnd) -> Qualification:
    """What the recorded resolution says of the item, if it was still in the dispute then."""
    for one in stream:
        event = one.event
        if (
            one.end == early.until
            and isinstance(event, ItemQualified)
            and event.qualification.kind is StatusKind.DISPUTE_RESOLVED
        ):
            return event.qualification
    return early.status


# --- what of an item's stream remains --------------------------------------------------------------

_SAID: Final = (ItemQualified, ItemStatusRestored)
_OF_DISPUTE: Final = (ItemDisputed, ItemReleased, ItemWrittenOff)
_OF_ACTION: Final = (ItemPlacedUnderFollowUp, ItemReturned)


def _kept_of_item(
    one: Happened, before: State | None, after: Item, active: Iterable[EarlyEnd]
) -> Happened | None:
    """*one* without what disputes that are over by then did to the item."""
    for early in active:
        inside = early.dispute_id in {after.dispute_id, _dispute_of(before)}
        if _is_of(one.event, early, inside=inside):
            return None
        if isinstance(one.event, ItemClearingUndone) and one.event.dispute_id == early.dispute_id:
            return one.altered(_put_back_outside(one.event, early))
    return one


def _dispute_of(state: State | None) -> UUID | None:
    return state.dispute_id if isinstance(state, Item) else None


def _is_of(event: Event, early: EarlyEnd, *, inside: bool) -> bool:
    if isinstance(event, _SAID):
        return inside
    if isinstance(event, _OF_DISPUTE):
        return event.dispute_id == early.dispute_id
    return isinstance(event, _OF_ACTION) and event.follow_up_id in early.follow_ups


def _put_back_outside(event: ItemClearingUndone, early: EarlyEnd) -> ItemClearingUndone:
    return replace(
        event,
        qualification=early.status,
        dispute_id=None,
        disputed=None,
        disputed_by=None,
        ended_by=early.dispute_id,
        follow_ups=tuple(each for each in event.follow_ups if each not in early.follow_ups),
    )
