"""What the table of what was done about episodes should hold, by another way than the feed's: from the events
of a dispute and of its follow-up actions, in the order of the log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, Final, TypeAlias
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier

from domain.dispute import (
    Dispute,
    DisputeEscalated,
    DisputeFollowedUp,
    DisputeOpened,
    DisputeReopened,
    DisputeResolved,
)
from domain.events import Event
from domain.follow_up import Direction, InteractionRecorded, Party, ResolverChased
from replay.stored_rows import Row, SortedRows
from store.codec import Codec

COLUMNS: Final = ("since", "responded_at", "chases")

Say: TypeAlias = Callable[[UUID, int, str, object, object], None]

_TOGETHER: Final = 500
"""Disputes whose follow-up actions are read at once."""

_FOLLOW_UPS: Final = SQL("""
select stream_id, decision_end, occurred_at, coalesce(on_behalf_of, actor), type, data::text
from {events} where stream_id = any (%s) and decision_end <= %s order by stream_id, version""")


@dataclass(frozen=True, slots=True)
class Done:
    """A decision on one of the streams: by whom, and whether it was an answer of the resolver that somebody
    else noted."""

    end: int
    moment: datetime
    who: UUID
    is_answer: bool = False
    chases: int = 0


@dataclass(frozen=True, slots=True)
class _Turn(Done):
    """A decision on the dispute: the resolver before and after it, and the number of the episode."""

    before: UUID | None = None
    after: UUID | None = None
    episode: int = 0
    begins: bool = False
    ends: bool = False


@dataclass(slots=True)
class DisputeWork:
    """What was done about one dispute, decision by decision; take them in order."""

    dispute_id: UUID
    follow_ups: set[UUID] = field(default_factory=set)
    _turns: list[_Turn] = field(default_factory=list)

    def take(self, before: Dispute | None, after: Dispute, events: Sequence[Event], done: Done) -> None:
        """The next decision."""
        kinds = {type(event) for event in events}
        self.follow_ups.update(each.follow_up_id for each in events if isinstance(each, DisputeFollowedUp))
        self._turns.append(
            _Turn(
                done.end, done.moment, done.who,
                before=before.resolver_id if before else None,
                after=after.resolver_id,
                episode=after.episode,
                begins=bool(kinds & {DisputeOpened, DisputeReopened}),
                ends=bool(kinds & {DisputeResolved, DisputeEscalated}),
            )
        )  # fmt: skip

    @property
    def has_ends(self) -> bool:
        """Whether the table has rows of it."""
        return any(turn.ends for turn in self._turns)

    def rows(self, on_follow_ups: Iterable[Done]) -> list[Row]:
        """The rows of the dispute, given what was done *on_follow_ups* of it."""
        done = sorted([*self._turns, *on_follow_ups], key=lambda each: each.end)
        found: list[Row] = []
        told: dict[int, list[tuple[Done, bool]]] = {}
        at: _Turn | None = None
        for _, together in groupby(done, key=lambda each: each.end):
            parts = list(together)
            at = next((part for part in parts if isinstance(part, _Turn)), at)
            assert at is not None, "nothing follows up what is not there"
            told.setdefault(at.episode, []).extend((part, _is_response(part, at)) for part in parts)
            if at.ends and at.end == parts[0].end:
                found.append((self.dispute_id, at.end, *_summed(at, told[at.episode])))
        return found


def _is_response(part: Done, at: _Turn) -> bool:
    if at.begins and at.end == part.end:
        return False
    by = {at.after, at.before} if part is at else {at.after}
    return part.is_answer or part.who in by


def _summed(end: _Turn, told: Sequence[tuple[Done, bool]]) -> tuple[datetime | None, int]:
    in_time = [(part, is_response) for part, is_response in told if part.moment <= end.moment]
    responses = [part.moment for part, is_response in in_time if is_response]
    return min(responses, default=None), sum(part.chases for part, _ in in_time)


class WorkTable:
    """The rows of one range of disputes, compared with what the log tells up to *position*.

    *rows* come by dispute and position, and so must the disputes. *say* is told of which dispute, since when,
    what differs, what is there and what should be.
    """

    def __init__(
        self, connection: Connection[Any], schema: str, position: int, rows: Iterable[Row], say: Say
    ) -> None:
        self._connection: Final = connection
        self._statement: Final = _FOLLOW_UPS.format(events=Identifier(schema, "events"))
        self._position: Final = position
        self._decode: Final = Codec().decode
        self._stored: Final = SortedRows(rows)
        self._say: Final = say
        self._waiting: list[DisputeWork] = []
        self.rows = 0
        """How many were compared."""

    def take(self, work: DisputeWork) -> None:
        """The next dispute; it is compared together with others."""
        self._waiting.append(work)
        if len(self._waiting) == _TOGETHER:
            self._compare_all()

    def finish(self) -> None:
        """Compare what is left, on both sides."""
        self._compare_all()
        self._strays(self._stored.rest())

    def _compare_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        done = self._on_follow_ups({each for work in waiting for each in work.follow_ups})
        for work in waiting:
            before, found = self._stored.take(work.dispute_id)
            self._strays(before)
            self.rows += len(found)
            parts = [done[each] for each in work.follow_ups]
            if None not in parts:  # else it is told elsewhere what cannot be read
                self._compare(work.dispute_id, found, work.rows(chain.from_iterable(parts)))  # type: ignore[arg-type]

    def _compare(self, dispute_id: UUID, found: Iterable[Row], expected: Iterable[Row]) -> None:
        by_position = {row[1]: row for row in expected}
        for row in found:
            should_be = by_position.pop(row[1], None)
            if should_be is None:
                self._strays([row])
                continue
            for column, is_so, wanted in zip(COLUMNS, row[1:], should_be[1:], strict=True):
                if is_so != wanted:
                    self._say(dispute_id, row[1], column, is_so, wanted)
        for since in by_position:
            self._say(dispute_id, since, "the row is missing", None, None)

    def _strays(self, rows: Iterable[Row]) -> None:
        for dispute_id, since, *_ in rows:
            self._say(dispute_id, since, "no event tells of this row", None, None)

    def _on_follow_ups(self, follow_ups: Collection[UUID]) -> dict[UUID, list[Done] | None]:
        """By action; None if its events cannot be read."""
        with self._connection.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(self._statement, ([*follow_ups], self._position), binary=True)
            rows = cursor.fetchall()
        found: dict[UUID, list[Done] | None] = {each: [] for each in follow_ups}
        for stream, lines in groupby(rows, key=itemgetter(0)):
            try:
                found[stream] = [self._done(list(of_it)) for _, of_it in groupby(lines, key=itemgetter(1))]
            except Exception:  # noqa: BLE001 - whatever is wrong is said where the stream is folded
                found[stream] = None
        return found

    def _done(self, lines: Sequence[Row]) -> Done:
        events = [self._decode(name, data) for *_, name, data in lines]
        _, end, moment, who, *_ = lines[-1]
        chases = sum(isinstance(event, ResolverChased) for event in events)
        return Done(end, moment, who, _is_answer(events[-1]), chases)


def _is_answer(event: Event) -> bool:
    return isinstance(event, InteractionRecorded) and (event.with_whom, event.direction) == (
        Party.RESOLVER,
        Direction.INCOMING,
    )
