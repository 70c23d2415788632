"""What the table of episodes that ended should hold, by another way than the feed's: from the events of a
dispute and of its follow-up actions, in the order of the log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, groupby, pairwise
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier

from domain.dispute import (
    Dispute,
    DisputeCancelled,
    DisputeContinued,
    DisputeEscalated,
    DisputeFollowedUp,
    DisputeOpened,
    DisputeReopened,
    DisputeResolved,
)
from domain.events import Event
from domain.follow_up import Direction, InteractionRecorded, Party, ResolverChased
from projections.ended_episodes import ENDED_EPISODES, values_of
from replay.stored_rows import Row
from store.codec import Codec

_TOGETHER: Final = 500
"""Disputes whose follow-up actions are read at once."""

_DONE: Final = SQL("""
select stream_id, decision_end, occurred_at, coalesce(on_behalf_of, actor), type, data::text
from {events} where stream_id = any (%s) and decision_end <= %s order by stream_id, version""")

_UNTIL: Final = ENDED_EPISODES.all_columns.index("until")
_OCCURRED_UNTIL: Final = ENDED_EPISODES.all_columns.index("occurred_until")
_EPISODE: Final = ENDED_EPISODES.all_columns.index("episode")


@dataclass(frozen=True, slots=True)
class Done:
    """A decision on one of the streams: by whom; on that of an action, whether it was an answer of the
    resolver that somebody else noted, and how many chases."""

    end: int
    moment: datetime
    who: UUID
    is_answer: bool = False
    chases: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Turn:
    """A decision on the dispute, with the states before and after it."""

    end: int
    version: int
    moment: datetime
    before: Dispute | None
    after: Dispute
    kinds: frozenset[type[Event]]

    @property
    def begins(self) -> bool:
        return not self.kinds.isdisjoint({DisputeOpened, DisputeReopened})

    @property
    def ends(self) -> bool:
        return not self.kinds.isdisjoint({DisputeResolved, DisputeEscalated})

    def takes_back(self, episode: int) -> bool:
        """Whether the end of *episode* is none any more."""
        if DisputeCancelled in self.kinds:
            return True
        return DisputeContinued in self.kinds and episode == self.after.episode

    def is_response(self, part: Done, *, is_own: bool) -> bool:
        """Whether *part* is a response of the resolver: of this decision, on the dispute (*is_own*) or on an
        action, or of a later one on an action."""
        if self.begins and part.end == self.end:
            return False
        resolvers = {self.after.resolver_id, self.before.resolver_id if is_own and self.before else None}
        return part.is_answer or part.who in resolvers


@dataclass(slots=True)
class DisputeLife:
    """What happened to one dispute, decision by decision; take them in order."""

    dispute_id: UUID
    follow_ups: set[UUID] = field(default_factory=set)
    _turns: list[_Turn] = field(default_factory=list)

    def take(
        self,
        before: Dispute | None,
        after: Dispute,
        events: Sequence[Event],
        end: int,
        version: int,
        moment: datetime,
    ) -> None:
        """The next decision, up to the position *end* and the stream's *version*."""
        self.follow_ups.update(each.follow_up_id for each in events if isinstance(each, DisputeFollowedUp))
        self._turns.append(_Turn(end, version, moment, before, after, frozenset(map(type, events))))

    @property
    def has_ends(self) -> bool:
        """Whether the table has rows of it."""
        return any(turn.ends for turn in self._turns)

    def rows(self, own: Sequence[Done], on_follow_ups: Iterable[Done]) -> list[list[Any]]:
        """The rows of the dispute, given what was done on its *own* stream and *on_follow_ups* of it."""
        turns = {turn.end: turn for turn in self._turns}
        parts = [(part, True) for part in own] + [(part, False) for part in on_follow_ups]
        found: list[list[Any]] = []
        told: dict[int, list[tuple[Done, bool]]] = {}
        at = self._turns[0]
        for end, together in groupby(sorted(parts, key=_end), key=_end):
            at = turns.get(end, at)
            of_episode = told.setdefault(at.after.episode, [])
            of_episode += [(part, at.is_response(part, is_own=is_own)) for part, is_own in together]
            if at.end == end:
                self._turn(at, found, told)
        return found

    def _turn(self, at: _Turn, found: list[list[Any]], told: dict[int, list[tuple[Done, bool]]]) -> None:
        for row in found:
            if row[_UNTIL] is None and at.takes_back(row[_EPISODE]):
                row[_UNTIL], row[_OCCURRED_UNTIL] = at.end, at.moment
        if at.ends:
            values = values_of(at.after, *_summed(told[at.after.episode], at.moment), *self._desks(at))
            found.append([self.dispute_id, at.version, at.end, None, at.moment, None, *values])

    def _desks(self, end: _Turn) -> tuple[list[UUID | None], list[int]]:
        """With whom the episode was until its *end*, and for how many microseconds."""
        held: dict[UUID | None, timedelta] = defaultdict(timedelta)
        turns = self._turns[: self._turns.index(end) + 1]
        own = [turn for turn in turns if turn.after.episode == end.after.episode]
        held[None] += own[0].moment - end.after.episode_opened_at
        for turn, following in pairwise(own):
            held[turn.after.resolver_id] += following.moment - turn.moment
        lasting = [(who, lasted) for who, lasted in held.items() if lasted > timedelta(0)]
        lasting.sort(key=lambda desk: (desk[0] is None, desk[0]))
        return [who for who, _ in lasting], [lasted // timedelta(microseconds=1) for _, lasted in lasting]


def _end(part: tuple[Done, bool]) -> int:
    return part[0].end


def _summed(told: Sequence[tuple[Done, bool]], end: datetime) -> tuple[datetime | None, int]:
    """The first response and the chases by *end*."""
    in_time = [(part, is_response) for part, is_response in told if part.moment <= end]
    responses = [part.moment for part, is_response in in_time if is_response]
    return min(responses, default=None), sum(part.chases for part, _ in in_time)


class ExpectedEpisodes:
    """The rows that there should be of some disputes, by what the log tells up to *position*."""

    def __init__(self, connection: Connection[Any], schema: str, position: int) -> None:
        self._connection: Final = connection
        self._statement: Final = _DONE.format(events=Identifier(schema, "events"))
        self._position: Final = position
        self._codec: Final = Codec()
        self._waiting: list[DisputeLife] = []

    def take(self, life: DisputeLife) -> Iterator[tuple[UUID, list[list[Any]] | None]]:
        """The rows of *life* and of disputes taken before, once there are enough to be looked at together.

        None instead of rows where events of an action cannot be read.
        """
        self._waiting.append(life)
        if len(self._waiting) == _TOGETHER:
            yield from self.rest()

    def rest(self) -> Iterator[tuple[UUID, list[list[Any]] | None]]:
        """Those of the disputes that still wait."""
        waiting, self._waiting = self._waiting, []
        done = self._done_on({each for life in waiting for each in (life.dispute_id, *life.follow_ups)})
        for life in waiting:
            parts = [done[each] for each in (life.dispute_id, *life.follow_ups)]
            readable = [part for part in parts if part is not None]
            if len(readable) == len(parts):
                own, *others = readable
                yield life.dispute_id, life.rows(own, chain.from_iterable(others))
            else:
                yield life.dispute_id, None

    def _done_on(self, streams: Collection[UUID]) -> dict[UUID, list[Done] | None]:
        """By stream; None if its events cannot be read."""
        with self._connection.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(self._statement, ([*streams], self._position), binary=True)
            rows = cursor.fetchall()
        found: dict[UUID, list[Done] | None] = {each: [] for each in streams}
        for stream, lines in groupby(rows, key=itemgetter(0)):
            try:
                found[stream] = [self._done(list(of_it)) for _, of_it in groupby(lines, key=itemgetter(1))]
            except Exception:  # noqa: BLE001 - whatever is wrong is said where the stream is folded
                found[stream] = None
        return found

    def _done(self, lines: Sequence[Row]) -> Done:
        _, end, moment, who, name, data = lines[-1]
        kinds = [self._codec.types.way(name)[0] for *_, name, _ in lines]
        # Nothing else need be read again.
        is_answer = kinds[-1] is InteractionRecorded and _is_answer(self._codec.decode(name, data))
        return Done(end, moment, who, is_answer, kinds.count(ResolverChased))


def _is_answer(event: Event) -> bool:
    return isinstance(event, InteractionRecorded) and (event.with_whom, event.direction) == (
        Party.RESOLVER,
        Direction.INCOMING,
    )
