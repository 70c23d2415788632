"""A command from the door to the log: permit, read, decide, append, answer."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Final
from uuid import UUID

import orjson

from domain.commands import Command, Decision
from domain.decide import authorize, decide
from domain.identity import PEOPLE_STREAM
from domain.people import People
from domain.refusals import Refusal, RoleForbids, ToldInTheFuture, VersionStale
from domain.roles import Actor
from store import parts
from store.clock import new_id, now
from store.keys import RightsWithdrawn, require_still
from store.log import (
    Attribution,
    KeyReused,
    Log,
    Seen,
    StaleVersion,
    Submission,
    TimeWentBackwards,
)
from store.order import (
    Answer,
    Each,
    Order,
    Outcome,
    PremisesMoved,
    StreamBusy,
    UnknownOriginal,
    answer_of,
    submission_of,
)
from store.states import NoSuchCompany, ReadCase, States
from store.together import Together
from store.working_days import require_known_countries

__all__ = ["Answer", "Each", "Executor", "Order", "Outcome", "PremisesMoved", "StreamBusy"]

_ATTEMPTS: Final = 100
"""Somebody else can be faster on the same stream many times in a row, but not for ever."""

_TOGETHER: Final = 3
"""How often many commands are tried together before each is tried by itself."""


class Executor:
    """Carries out the commands of one company. Threads may share it."""

    def __init__(self, log: Log, states: States | None = None) -> None:
        self.log: Final = log
        self.states: Final = states or States(log)
        self._turns: Final = threading.Lock()
        self._together: Final = Together(log)

    def people(self) -> People:
        """The company's people and keys, at the log's newest."""
        found = self.states.read(frozenset({PEOPLE_STREAM})).case.states.get(PEOPLE_STREAM)
        return found if isinstance(found, People) else People()

    def parts(self, stream: UUID) -> dict[str, int]:
        """The version of each part of *stream*, at the log's newest."""
        return parts.versions(self.log.read_streams({stream: 0}))

    def execute(self, order: Order) -> Answer:
        """Carry out *order*: all of it is recorded, or nothing.

        Raises Refusal; KeyReused (the key came with another request before); PremisesMoved; RightsWithdrawn;
        StreamBusy; LogUnavailable.
        """
        if (answer := self._from_memory(order) or self._answered(order)) is not None:
            return answer
        for attempt in range(_ATTEMPTS):
            try:
                # Whoever was overtaken takes turns with the others who were: one of them always gets through.
                with self._turns if attempt else nullcontext():
                    return self._once(order)
            except Refusal:
                # Perhaps the same request got through meanwhile, and that is why this one no longer can.
                if (before := self._answered(order)) is not None:
                    return before
                raise
            except (StaleVersion, TimeWentBackwards) as overtaken:
                self.states.forget({overtaken.stream_id: 0})
        raise StreamBusy(StreamBusy.__doc__)

    def dry_run(self, order: Order) -> Answer:
        """What *order* would lead to now; nothing is written. Raises Refusal."""
        read = self.states.read_case([order.command], order.actor)
        decisions = tuple(self._decided(read, order))
        version = self._version(read, order)
        if decisions:
            for decision in decisions:
                read.take(decision)
            version = read.versions.get(order.subject) if order.subject else None
        return Answer(
            order.subject,
            version,
            self.log.newest(),
            changed=bool(decisions),
            decisions=decisions,
            part=order.part,
        )

    def execute_all(self, orders: Sequence[Order], *, stop_at_first: bool = False) -> list[Each]:
        """Carry out *orders* of one actor's role one after the other, and record them in one append.

        The answers are in the order of *orders*; what is refused, or has another's key, does not stop the
        others, unless *stop_at_first*: then the first such answer is the last. A key that comes again has its
        answer by then. Raises PremisesMoved, RightsWithdrawn, and as `execute`, and then some may be
        recorded: sent again with their keys they are answered as before.
        """
        for _ in range(_TOGETHER):
            try:
                return self._all_at_once(orders, stop_at_first=stop_at_first)
            except (StaleVersion, TimeWentBackwards) as overtaken:
                self.states.forget({overtaken.stream_id: 0})
            except (KeyReused, RoleForbids):  # it is about one of them; the others are to go in
                break
        return self._each_alone(orders, stop_at_first=stop_at_first)

    def _each_alone(self, orders: Sequence[Order], *, stop_at_first: bool) -> list[Each]:
        answers: list[Each] = []
        for order in orders:
            try:
                answers.append(self.execute(order))
            except (Refusal, KeyReused) as refusal:
                answers.append(refusal)
                if stop_at_first:
                    break
        return answers

    def _all_at_once(self, orders: Sequence[Order], *, stop_at_first: bool) -> list[Each]:
        answers = self._all_answered(orders)
        open_orders = [order for order in orders if order.command_id not in answers]
        if not open_orders:
            return [answers[order.command_id] for order in orders]
        position = self.log.newest()
        read = self.states.read_case([order.command for order in open_orders], open_orders[0].actor)
        seen = Seen(position, read.everything().keys())
        for actor in {order.actor for order in open_orders}:
            require_still(actor, read.case.people)
        taken = self._in_turn(read, open_orders, answers, stop_at_first=stop_at_first)
        if self._look_again(open_orders, answers) and stop_at_first:
            return self._each_alone(orders, stop_at_first=True)  # it did not have to stop there
        every = self.log.append_all(list(taken.values()), seen)
        for (command, submission), appended in zip(taken.items(), every, strict=True):
            answers[command] = answer_of(appended, submission.decisions)
        touched = {stream: 0 for submission in taken.values() for stream in submission.expected}
        if any(appended.replayed for appended in every):
            # They were in the log already, so what was folded on from it was folded twice.
            self.states.forget(touched)
        else:
            self.states.keep(read, touched)
        accepted = {order.scoped_key: order for order in open_orders if order.command_id in taken}
        found = (_found(order, accepted.get(order.scoped_key), answers) for order in orders)
        return [*_to_first_refused(found)] if stop_at_first else [*found]

    def _in_turn(
        self, read: ReadCase, orders: Sequence[Order], answers: dict[UUID, Each], *, stop_at_first: bool
    ) -> dict[UUID, Submission]:
        """What is to be recorded, by command. What is refused is among *answers* then.

        An order is left out if one before it has its key, and all after the first refused if *stop_at_first*.
        """
        taken: dict[UUID, Submission] = {}
        keys: set[str] = set()
        for order in orders:
            if order.scoped_key in keys:
                continue
            try:
                decisions = self._decided(read, order)
            except Refusal as refusal:
                answers[order.command_id] = refusal
                if stop_at_first:
                    break
                continue
            unchanged = None if decisions else self._version(read, order)
            taken[order.command_id] = submission_of(read, order, decisions, unchanged)
            if order.scoped_key is not None:
                keys.add(order.scoped_key)
        return taken

    def _look_again(self, orders: Sequence[Order], answers: dict[UUID, Each]) -> bool:
        """Perhaps the same requests got through meanwhile, and that is why they were refused. Whether so."""
        refused = [order for order in orders if isinstance(answers.get(order.command_id), Refusal)]
        found = self._all_answered(refused)
        answers |= found
        return bool(found)

    def execute_rows(
        self, commands: Sequence[Command], actor: Actor, opening: Command | None = None
    ) -> tuple[list[Outcome], int | None]:
        """Carry out *commands* one after the other, all that is not refused in one append: a file's rows.

        *opening* is recorded before their first change, and without a change not at all. Returns what became
        of each command, and the last position that was written; None if nothing had to be.
        Raises RoleForbids, RightsWithdrawn, StreamBusy; LogUnavailable, and then all of it was recorded or
        nothing.
        """
        command_id = new_id()
        for _ in range(_ATTEMPTS):
            try:
                return self._rows_once(command_id, commands, actor, opening)
            except (StaleVersion, TimeWentBackwards) as overtaken:
                self.states.forget({overtaken.stream_id: 0})
        raise StreamBusy(StreamBusy.__doc__)

    def _rows_once(
        self, command_id: UUID, commands: Sequence[Command], actor: Actor, opening: Command | None
    ) -> tuple[list[Outcome], int | None]:
        position = self.log.newest()
        read = self.states.read_case([*commands, *([opening] if opening else [])], actor)
        require_still(actor, read.case.people)
        # What was only read must still hold too: an absent twin, a status in use, a person who is active.
        seen = Seen(position, read.everything().keys())
        outcomes, expected = _decided_in_turn(read, commands, actor)
        if not expected:
            return outcomes, None
        opened, more = _decided_in_turn(read, [opening] if opening else [], actor)
        by = Attribution(actor.person_id, actor.role, actor.key_id, actor.on_behalf_of)
        decisions = tuple(decision for outcome in (*opened, *outcomes) for decision in _taken(outcome))
        answer = orjson.dumps({"changed": True, "subject": None, "version": None})
        submission = Submission(command_id, None, b"", by, decisions, more | expected, answer)
        appended = self.log.append(submission, seen)
        self.states.keep(read, more | expected)
        return outcomes, appended.last

    def _answered(self, order: Order) -> Answer | None:
        if order.scoped_key is None:
            return None
        appended = self.log.answered(order.scoped_key, order.digest)
        return None if appended is None else answer_of(appended, ())

    def _all_answered(self, orders: Sequence[Order]) -> dict[UUID, Each]:
        """The answers of those that were accepted before, by command. Raises KeyReused."""
        digests: dict[str, bytes] = {}
        for order in orders:
            key = order.scoped_key
            if key is not None and digests.setdefault(key, order.digest) != order.digest:
                raise KeyReused(key)
        found = self.log.answered_all(digests)
        return {
            order.command_id: answer_of(found[order.scoped_key], ())
            for order in orders
            if order.scoped_key in found
        }

    def _from_memory(self, order: Order) -> Answer | None:
        """Decide on what is remembered, in one round trip: the log itself says whether all of it still holds.

        None if it does not, or if memory alone would refuse or find nothing to do: then what is true is read.
        """
        try:
            read = self.states.recall_case([order.command], order.actor)
            decisions = self._decided(read, order)
        except (Refusal, RightsWithdrawn, PremisesMoved, NoSuchCompany, AssertionError, LookupError):
            # Memory may hold a part of the case only; what a rule then trips over says nothing.
            return None
        if not decisions:
            return None
        written = read.expected(decisions)
        submission = submission_of(read, order, decisions, seen=read.everything())
        try:
            appended = self._together.append(submission)
        except (StaleVersion, TimeWentBackwards) as overtaken:
            self.states.forget({overtaken.stream_id: 0})
            return None
        if not appended.replayed:
            self.states.keep(read, written)
        return answer_of(appended, submission.decisions)

    def _once(self, order: Order) -> Answer:
        read = self.states.read_case([order.command], order.actor)
        decisions = self._decided(read, order)
        if not decisions and order.key is None:
            return Answer(order.subject, self._version(read, order), self.log.newest(), part=order.part)
        written = read.expected(decisions)
        unchanged = None if decisions else self._version(read, order)
        # What was only read must still hold too: a twin that is absent, a status in use, a person's role.
        seen = read.everything() if decisions else None
        submission = submission_of(read, order, decisions, unchanged, seen)
        appended = self._together.append(submission)
        if not appended.replayed:
            self.states.keep(read, written)
        return answer_of(appended, submission.decisions)

    def _decided(self, read: ReadCase, order: Order) -> list[Decision]:
        if any(read.versions.get(stream, 0) != version for stream, version in order.premises.items()):
            raise PremisesMoved(PremisesMoved.__doc__)
        require_still(order.actor, read.case.people)
        present = now()
        if order.told is not None and order.told > present:
            raise ToldInTheFuture(order.told)
        authorize(read.case, order.command, order.actor, loads_history=order.told is not None)
        original = order.actor.on_behalf_of
        if original is not None and original not in read.case.people.persons:
            raise UnknownOriginal(original)
        if order.if_match is not None:
            actual = self._version(read, order) or 0
            if actual != order.if_match:
                raise VersionStale(order.if_match, actual)
        told = order.told or present
        decisions = decide(read.case, order.command, order.actor, told, explicit=order.told is not None)
        require_known_countries(decisions)
        return decisions

    def _version(self, read: ReadCase, order: Order) -> int | None:
        if order.subject is None:
            return None
        if order.part is None:
            return read.versions.get(order.subject)
        known = read.versions.get(order.subject, 0)
        events = self.log.read_streams({order.subject: 0})
        # What came after the case was read does not count: the append refuses if it is so.
        return parts.versions(each for each in events if each.version <= known).get(order.part)


def _decided_in_turn(
    read: ReadCase, commands: Sequence[Command], actor: Actor
) -> tuple[list[Outcome], dict[UUID, int]]:
    """What each command leads to after those before it, and the version that each stream written to had."""
    present = now()
    outcomes: list[Outcome] = []
    expected: dict[UUID, int] = {}
    for command in commands:
        try:
            authorize(read.case, command, actor)
            decisions = tuple(decide(read.case, command, actor, present))
        except Refusal as refusal:
            outcomes.append(refusal)
            continue
        for decision in decisions:
            for stream, version in read.expected([decision]).items():
                expected.setdefault(stream, version)
            read.take(decision)
        outcomes.append(decisions)
    return outcomes, expected


def _found(order: Order, same: Order | None, answers: Mapping[UUID, Each]) -> Each:
    """The answer to *order*, which may be that of the accepted one with the *same* key."""
    answer = answers.get(order.command_id)
    if answer is not None:
        return answer
    assert same is not None, "what was left out has the key of one that was accepted"
    before = answers[same.command_id]
    assert isinstance(before, Answer), "what was refused holds no key"
    return replace(before, replayed=True, decisions=())


def _to_first_refused(answers: Iterable[Each]) -> Iterator[Each]:
    for answer in answers:
        yield answer
        if not isinstance(answer, Answer):
            return


def _taken(outcome: Outcome) -> tuple[Decision, ...]:
    return () if isinstance(outcome, Refusal) else outcome
