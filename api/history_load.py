"""Loading a history: one command a line, as JSON, with the time at which it happened and by whom.

    {"command": "open_dispute", "at": "2024-03-01T09:30:00Z", "actor": "weber", "key": "C-17/1",
     "data": {"reference": "C-17", "type": "price", "item_ids": [{"customer_code": "4711", "number": "17"}]}}

Names and data are those of the HTTP interface; what a path names there (``dispute_id``) stands in the data.
``at`` without a zone, or a date alone, is the company's local time; without it the command happens now.
``actor`` is the original person, noted beside whoever loads: the code of somebody registered, if need be by a
line before (``register_person``, without login and role). ``key`` makes loading again harmless; without
one the line's number and content stand for it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.bodies import PersonRef, Time
from api.database import OpenCompany
from api.item_file import FileRefused
from api.told_names import name_as_told
from api.wire import BY_NAME, Wire, body_of, command_of, moment_of, subject_of
from domain.catalogue import Company, Settings
from domain.identity import COMPANY_STREAM, PersonId
from domain.refusals import Forbidden, Refusal
from domain.roles import Actor, Permission, require
from store.codec import Unencodable
from store.execute import Answer, Order, PremisesMoved, StreamBusy
from store.log import KeyReused
from store.rehearsal import rehearsal
from store.states import NoSuchCompany, ReadCase

Progress: TypeAlias = Callable[[int], None]
"""Told after every batch how many lines are done."""

BATCH: Final = 200
"""How many commands share one commit."""

LONGEST_LINE: Final = 2**20
"""The most characters of one line."""

NOT_HERE: Final = frozenset({"issue_key", "revoke_key"})
"""Commands about keys: a secret is made and shown at once, not loaded."""


@dataclass
class LoadForbidden(Forbidden):
    """The role {role} may not load a history: it would act for others. Use the key of a credit manager: `redress keys create --role credit_manager --name NAME`, then --key or REDRESS_API_KEY."""  # noqa: E501

    role: str


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that was not carried out, and why."""

    line: int
    command: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What became of a history: numbers of lines, and those that were refused.

    *unchanged*: accepted, but all of it was so already. *repeated*: loaded before, with the same key.
    """

    lines: int
    changed: int
    unchanged: int
    repeated: int
    refused: tuple[RefusedLine, ...]
    stopped: bool = False


Name = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid")

    command: str
    at: Time | None = None
    actor: PersonRef | None = None
    key: Name | None = None
    data: dict[str, Any] = Field(default_factory=dict)


class LineRefused(Exception):
    """A line cannot be understood."""

    def __init__(self, command: str | None, reason: str) -> None:
        super().__init__(reason)
        self.command = command


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that are not blank, with their numbers. Raises FileRefused."""
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), ""), 1):
                if len(line) > LONGEST_LINE:
                    cure = "one command a line is needed"
                    raise FileRefused(
                        f"{path.name}: line {number} is longer than {LONGEST_LINE} characters; {cure}"
                    )
                if line.strip():
                    yield number, line
    except OSError as error:
        raise FileRefused(f"{path.name}: cannot be read: {error.strerror}") from None
    except UnicodeError:
        raise FileRefused(f"{path.name}: is not UTF-8 text; one JSON object a line is needed") from None


def count_lines(path: Path) -> int:
    """How many lines of a file are not blank; all of it can be read then. Raises FileRefused."""
    return sum(1 for _ in read_lines(path))


def load_history(
    company: OpenCompany,
    lines: Iterable[tuple[int, str]],
    actor: Actor,
    *,
    stop_at_first: bool = False,
    dry_run: bool = False,
    progress: Progress = lambda _: None,
) -> LoadResult:
    """Carry out numbered *lines* one after the other; what is refused does not stop the others.

    *stop_at_first*: nothing after the first refused line is carried out. *dry_run*: nothing is written, and
    each line is decided as if those before it had been.
    Raises LoadForbidden; RightsWithdrawn, StreamBusy, LogUnavailable, FileRefused between batches.
    """
    try:
        require(actor, Permission.LOAD_HISTORY)
    except Forbidden:
        raise LoadForbidden(actor.role) from None
    load = _Load(company, actor, stop_at_first=stop_at_first, dry_run=dry_run)
    remaining = iter(lines)
    while not load.stopped and (batch := list(islice(remaining, BATCH))):
        load.take(batch)
        progress(load.lines)
    return load.result()


_Numbered: TypeAlias = tuple[int, str, Order]
"""A line's number, the name of its command, and the order."""

_ATTEMPTS: Final = 100
"""How often the same lines are read anew because settings changed under them."""


class _Load:
    """A load under way."""

    def __init__(self, company: OpenCompany, actor: Actor, *, stop_at_first: bool, dry_run: bool) -> None:
        self._executor: Final = rehearsal(company.datastore) if dry_run else company.executor
        self._reader: Final = LineReader(actor)
        self._stops: Final = stop_at_first
        self._refused: list[RefusedLine] = []
        self._changed = self._unchanged = self._repeated = 0
        self.lines = 0
        self.stopped = False

    def take(self, batch: Sequence[tuple[int, str]]) -> None:
        """Carry out the lines of *batch*."""
        while batch and not self.stopped:
            done = self._take_some(batch)
            self.lines += done
            batch = batch[done:]

    def _take_some(self, batch: Sequence[tuple[int, str]]) -> int:
        """Carry out the lines up to one that may change settings: what follows is read by the new ones."""
        for _ in range(_ATTEMPTS):
            read = self._executor.states.read(frozenset({COMPANY_STREAM}))
            orders, unread = self._reader.orders(batch, read, stop_at_first=self._stops)
            try:
                answers = self._carried_out([order for _, _, order in orders])
            except PremisesMoved:
                continue
            told, settings = dict(batch), read.case.company.settings
            for (number, name, _), answer in zip(orders, answers, strict=not self._stops):
                if isinstance(answer, Refusal):
                    name_as_told(answer, _DECODER.decode(told[number]), settings.default_entity)
                self._note(number, name, answer)
            if self.stopped:
                return len(answers)
            self._refused += unread
            self.stopped = self._stops and bool(unread)
            return len(orders) + len(unread)
        raise StreamBusy(StreamBusy.__doc__)

    def result(self) -> LoadResult:
        """What became of all lines."""
        refused = tuple(sorted(self._refused, key=lambda each: each.line))
        return LoadResult(
            self.lines, self._changed, self._unchanged, self._repeated, refused, stopped=self.stopped
        )

    def _carried_out(self, orders: Sequence[Order]) -> Sequence[Answer | Exception]:
        try:
            return self._executor.execute_all(orders, stop_at_first=self._stops)
        except Unencodable:  # it is about one of them; the others are to go in
            return self._each_alone(orders)

    def _each_alone(self, orders: Sequence[Order]) -> list[Answer | Exception]:
        answers: list[Answer | Exception] = []
        for order in orders:
            try:
                answers.append(self._executor.execute(order))
            except (Refusal, KeyReused, Unencodable) as refusal:
                answers.append(refusal)
                if self._stops:
                    break
        return answers

    def _note(self, number: int, name: str, answer: Answer | Exception) -> None:
        match answer:
            case KeyReused():
                cure = "give each command a key of its own, and keep keys when loading again"
                self._refuse(number, name, f"its key came before with another command; {cure}")
            case Exception():
                self._refuse(number, name, str(answer))
            case Answer(replayed=True):
                self._repeated += 1
            case Answer(changed=True):
                self._changed += 1
            case Answer():
                self._unchanged += 1

    def _refuse(self, number: int, command: str, reason: str) -> None:
        self._refused.append(RefusedLine(number, command, reason))
        self.stopped = self.stopped or self._stops


# --- one line --------------------------------------------------------------------------------------


class LineReader:
    """Makes orders out of lines, for whoever loads them."""

    def __init__(self, actor: Actor) -> None:
        self._actor: Final = actor
        self._on_behalf_of: Final[dict[UUID, Actor]] = {}

    def orders(
        self, lines: Iterable[tuple[int, str]], read: ReadCase, *, stop_at_first: bool
    ) -> tuple[list[_Numbered], list[RefusedLine]]:
        """The orders of numbered *lines*, and the lines that cannot be understood.

        *read*: the company's own stream, with the settings that fill in what is left out. The last order is
        the first that writes to that stream. *stop_at_first*: nothing after the first such line.
        """
        company = read.case.states.get(COMPANY_STREAM)
        if not isinstance(company, Company):
            raise NoSuchCompany(NoSuchCompany.__doc__)
        orders: list[_Numbered] = []
        refused: list[RefusedLine] = []
        for number, line in lines:
            try:
                name, order = self._order(number, line, company.settings, read.versions)
            except LineRefused as refusal:
                refused.append(RefusedLine(number, refusal.command, str(refusal)))
                if stop_at_first:
                    break
                continue
            orders.append((number, name, order))
            if order.subject == COMPANY_STREAM:
                break
        return orders, refused

    def _order(
        self, number: int, line: str, settings: Settings, premises: Mapping[UUID, int]
    ) -> tuple[str, Order]:
        """The name of the command of a line, and its order. Raises LineRefused."""
        told, digest = _line(line)
        wire = _wire(told.command)
        try:
            body = _body(wire).model_validate(told.data)
            command = command_of(wire, body, settings)
            at = None if told.at is None else moment_of(told.at, settings.zone)
        except ValidationError as error:
            raise LineRefused(wire.name, f"data{problems(error)}") from None
        except (OverflowError, ValueError) as error:
            raise LineRefused(wire.name, f"holds a value that cannot be used: {error}") from None
        return wire.name, Order(
            command,
            self._by(told.actor),
            at,
            told.key or f"line {number}:{digest.hex()[:32]}",
            digest,
            subject_of(wire, command),
            premises=premises,
            # Whoever goes on with a history, with whichever API key, must not load it twice.
            key_scope="load",
        )

    def _by(self, original: UUID | None) -> Actor:
        if original is None:
            return self._actor
        known = self._on_behalf_of.get(original)
        if known is None:
            known = replace(self._actor, on_behalf_of=PersonId(original))
            self._on_behalf_of[original] = known
        return known


_DECODER: Final = json.JSONDecoder(parse_float=Decimal)


def _line(line: str) -> tuple[_Line, bytes]:
    """A line and the digest of what it says, however it is spaced."""
    try:
        found = _DECODER.decode(line)
    except (ValueError, RecursionError) as error:
        detail = f"{error.msg} at character {error.colno}" if isinstance(error, json.JSONDecodeError) else "?"
        raise LineRefused(None, f"is not JSON ({detail}); one object a line is needed") from None
    if not isinstance(found, dict):
        raise LineRefused(None, 'is not a JSON object; write {"command": …, "at": …, "data": {…}}')
    try:
        return _Line.model_validate(found), hashlib.sha256(_said(found)).digest()
    except ValidationError as error:
        name = found.get("command")
        raise LineRefused(name if isinstance(name, str) else None, problems(error).strip(" .")) from None


def _said(found: dict[str, object]) -> bytes:
    try:
        return orjson.dumps(found, default=str, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a number of more than 64 bits, or half of a surrogate pair
        return json.dumps(found, sort_keys=True, default=str).encode()


def _wire(name: str) -> Wire:
    if name in NOT_HERE:
        raise LineRefused(name, "keys are not loaded; use `redress keys`")
    if name not in BY_NAME:
        known = ", ".join(sorted(BY_NAME.keys() - NOT_HERE))
        raise LineRefused(name[:100], f"is no command; there are: {known}")
    return BY_NAME[name]


_BODIES: Final[dict[str, type[BaseModel]]] = {}


def _body(wire: Wire) -> type[BaseModel]:
    if wire.name not in _BODIES:
        _BODIES[wire.name] = body_of(wire, with_subject=True)
    return _BODIES[wire.name]


_NAMED: Final = 5


def problems(error: ValidationError) -> str:
    """What is wrong with a body, field by field, without repeating what it says."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    named = [
        f".{'.'.join(map(str, each['loc']))}: {each['msg'][:1].lower()}{each['msg'][1:]}"
        for each in found[:_NAMED]
    ]
    more = f"; and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return "; ".join(named) + more
