"""The states that decisions are taken on, folded from the log and remembered."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.case import Case, State, evolve
from domain.catalogue import Company
from domain.commands import Command, Decision
from domain.decide import still_to_read
from domain.identity import COMPANY_STREAM, PEOPLE_STREAM
from domain.roles import Actor
from store.log import Log, Recorded
from store.working_days import working_days


class NoSuchCompany(LookupError):
    """The company was never founded: its log is empty."""


@dataclass(frozen=True, slots=True)
class Known:
    """A stream's state at a version, with the occurred-at of its last event."""

    state: State
    version: int
    moment: datetime


@dataclass(slots=True)
class ReadCase:
    """A case as it was read: the versions are what an append has to expect."""

    case: Case
    versions: dict[UUID, int]

    def take(self, decision: Decision) -> None:
        """Go on from *decision*, which is not in the log yet."""
        self.case.take(decision)
        for event in decision.events:
            self.versions[event.stream_id] = self.versions.get(event.stream_id, 0) + 1

    def everything(self) -> dict[UUID, int]:
        """The version of each stream that was looked for; 0 for those that do not exist."""
        return dict.fromkeys(self.case.absent, 0) | self.versions

    def expected(self, decisions: Sequence[Decision]) -> dict[UUID, int]:
        """The version of each stream that *decisions* write to."""
        streams = (event.stream_id for decision in decisions for event in decision.events)
        return {stream: self.versions.get(stream, 0) for stream in streams}


class States:
    """States of streams by id. What is read is brought up to the log's newest, what is recalled is as it was
    remembered: whoever decides on that has the append look whether it still holds.

    Threads may share it. *size* is the number of streams remembered; the least used are forgotten.
    """

    def __init__(self, log: Log, *, size: int = 20_000) -> None:
        self._log: Final = log
        self._size: Final = size
        self._known: Final[OrderedDict[UUID, Known]] = OrderedDict()
        self._lock: Final = threading.Lock()

    def read_case(self, commands: Sequence[Command], actor: Actor) -> ReadCase:
        """All that deciding *commands* needs. Raises NoSuchCompany, RoleForbids."""
        read = ReadCase(Case(), {})
        wanted = self._foreseen(commands, actor) | {COMPANY_STREAM, PEOPLE_STREAM}
        while wanted:
            self._read_into(read, wanted)
            wanted = still_to_read(read.case, commands, actor)
        return _complete(read)

    def _foreseen(self, commands: Sequence[Command], actor: Actor) -> frozenset[UUID]:
        """What deciding *commands* probably needs, to be asked for together and not one after the other."""
        foreseen = ReadCase(Case(), {})
        found: frozenset[UUID] = frozenset()
        while wanted := still_to_read(foreseen.case, commands, actor):
            found |= wanted
            self._recall(foreseen, wanted)
        return found

    def recall_case(self, commands: Sequence[Command], actor: Actor) -> ReadCase:
        """As `read_case`, but from memory; of what the commands are about, what it never met is read first.

        What else is not remembered counts as absent, and what is remembered may have moved on: an append that
        expects all of ``versions`` finds out. Raises NoSuchCompany, RoleForbids.
        """
        recalled = ReadCase(Case(), {})
        about = (stream for command in commands for stream in command.objects())
        if unmet := frozenset(stream for stream in about if stream not in self._known):
            self._read_into(recalled, unmet)
        wanted = still_to_read(recalled.case, commands, actor) | {COMPANY_STREAM, PEOPLE_STREAM}
        while wanted:
            self._recall(recalled, wanted)
            wanted = still_to_read(recalled.case, commands, actor)
        return _complete(recalled)

    def recall(self, streams: frozenset[UUID]) -> ReadCase:
        """These streams as they are remembered, perhaps no longer as they are; others count as absent."""
        recalled = ReadCase(Case(), {})
        self._recall(recalled, streams)
        return recalled

    def _recall(self, read: ReadCase, streams: frozenset[UUID]) -> None:
        with self._lock:
            known = {stream: self._known[stream] for stream in streams if stream in self._known}
        for stream in streams:
            if stream in known:
                _put(read, stream, known[stream])
            else:
                read.case.absent.add(stream)

    def read(self, streams: frozenset[UUID]) -> ReadCase:
        """These streams alone, each at its newest; those that do not exist are the case's ``absent``."""
        read = ReadCase(Case(), {})
        self._read_into(read, streams)
        return read

    def forget(self, streams: Mapping[UUID, int]) -> None:
        """Drop what is remembered of *streams*."""
        with self._lock:
            for stream in streams:
                self._known.pop(stream, None)

    def keep(self, read: ReadCase, streams: Mapping[UUID, int]) -> None:
        """Remember *streams* as they stand in *read*, after its decisions were appended."""
        for stream in streams:
            self._remember(
                stream, Known(read.case.states[stream], read.versions[stream], read.case.moments[stream])
            )

    def _read_into(self, read: ReadCase, streams: frozenset[UUID]) -> None:
        with self._lock:
            known = {stream: self._known[stream] for stream in streams if stream in self._known}
        after = {stream: known[stream].version if stream in known else 0 for stream in streams}
        for recorded in self._log.read_streams(after):
            known[recorded.stream_id] = _next(known.get(recorded.stream_id), recorded)
        for stream in streams:
            if stream in known:
                self._remember(stream, known[stream])
                _put(read, stream, known[stream])
            else:
                read.case.absent.add(stream)

    def _remember(self, stream: UUID, known: Known) -> None:
        with self._lock:
            held = self._known.get(stream)
            if held is None or held.version <= known.version:
                self._known[stream] = known
            self._known.move_to_end(stream)
            while len(self._known) > self._size:
                self._known.popitem(last=False)


def _complete(read: ReadCase) -> ReadCase:
    company = read.case.states.get(COMPANY_STREAM)
    if not isinstance(company, Company):
        raise NoSuchCompany(NoSuchCompany.__doc__)
    read.case.is_working_day = working_days(company.settings.country)
    return read


def _next(known: Known | None, recorded: Recorded) -> Known:
    state = evolve(known.state if known else None, recorded.event)
    return Known(state, recorded.version, recorded.occurred_at)


def _put(read: ReadCase, stream: UUID, known: Known) -> None:
    read.case.states[stream] = known.state
    read.case.moments[stream] = known.moment
    read.versions[stream] = known.version
