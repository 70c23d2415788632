"""A submission as one call of the SQL function `append`, and that function's refusals as exceptions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Final, TypeAlias
from uuid import UUID

import psycopg
from psycopg.sql import SQL, Identifier

from store.codec import Codec
from store.submission import (
    Attribution,
    KeyReused,
    StaleVersion,
    Submission,
    TimeWentBackwards,
    ToldInTheFuture,
)

Call: TypeAlias = tuple[bytes, tuple[object, ...]]
"""A statement and its parameters."""


@dataclass(frozen=True, slots=True)
class Line:
    """An event in its stored form, with the number of its decision, from 0."""

    stream_id: UUID
    decision: int
    name: str
    data: str


@dataclass(frozen=True, slots=True)
class Written:
    """A submission whose events are in their stored form. moments: one for each decision."""

    command_id: UUID
    key: str | None
    digest: bytes
    answer: bytes
    attribution: Attribution
    expected: Mapping[UUID, int]
    moments: Sequence[datetime]
    lines: Sequence[Line]


def written(submission: Submission, codec: Codec) -> Written:
    """*submission* with its events encoded.

    Raises what the codec raises, and ValueError for an event of a stream that is not among the expected.
    """
    decisions = [decision for decision in submission.decisions if decision.events]
    lines = [
        Line(event.stream_id, number, *codec.encode(event))
        for number, decision in enumerate(decisions)
        for event in decision.events
    ]
    return Written(
        submission.command_id,
        submission.key,
        submission.digest,
        submission.answer,
        submission.attribution,
        submission.expected,
        [decision.occurred_at for decision in decisions],
        lines,
    )


class AppendCalls:
    """The calls of one company's `append` functions."""

    def __init__(self, schema: str) -> None:
        self._one: Final = _statement(schema, "append_one", 13)
        self._many: Final = _statement(schema, "append", 17)

    def call(self, what: Written) -> Call:
        """The cheapest form that can take *what*. Raises ValueError if it contradicts itself."""
        _check(what)
        if len(what.lines) == len(what.expected) == 1:
            (line,) = what.lines
            by, version = what.attribution, what.expected[line.stream_id]
            head = (what.command_id, what.key, what.digest, what.answer)
            who = (by.actor, by.role, by.key_id, by.on_behalf_of)
            moment = what.moments[line.decision]
            return self._one, (*head, *who, line.stream_id, version, line.name, line.data, moment)
        return self._many, _arrays([what], what.expected)

    def call_together(self, whats: Sequence[Written]) -> Call | None:
        """One call for all of *whats*, in this order; None if they do not fit on each other.

        They do if each expects what those before it lead to. Raises ValueError as `call`.
        """
        before: dict[UUID, int] = {}
        reached: dict[UUID, int] = {}
        for what in whats:
            _check(what)
            for stream, version in what.expected.items():
                if reached.setdefault(stream, version) != version:
                    return None
                before.setdefault(stream, version)
            for line in what.lines:
                reached[line.stream_id] += 1
        return self._many, _arrays(whats, before)


def _check(what: Written) -> None:
    for moment in what.moments:
        if moment.tzinfo is None:
            raise ValueError("occurred_at without a zone")
    for line in what.lines:
        if line.stream_id not in what.expected:
            raise ValueError(f"no version was given for stream {line.stream_id}, which has an event")


def _arrays(whats: Sequence[Written], expected: Mapping[UUID, int]) -> tuple[str, ...]:
    # Array literals and lines of text put together here cost a tenth of psycopg's general dumping of lists.
    who = [what.attribution for what in whats]
    places = {stream: str(place) for place, stream in enumerate(expected, 1)}
    lines = [line for what in whats for line in what.lines]
    first_moments = accumulate((len(what.moments) for what in whats), initial=1)
    return (
        _array(str(what.command_id) for what in whats),
        _array(map(_quoted, (what.key for what in whats))),
        _array(f'"\\\\x{what.digest.hex()}"' for what in whats),
        _array(f'"\\\\x{what.answer.hex()}"' for what in whats),
        _array(str(by.actor) for by in who),
        _array(_quoted(by.role) for by in who),
        _array(str(by.key_id or "null") for by in who),
        _array(str(by.on_behalf_of or "null") for by in who),
        _array(map(str, accumulate(len(what.lines) for what in whats))),
        _array(map(str, expected)),
        _array(map(str, expected.values())),
        _array(moment.isoformat() for what in whats for moment in what.moments),
        _array(str(number) for number, what in enumerate(whats, 1) for _ in what.lines),
        _array(places[line.stream_id] for line in lines),
        _array(
            str(first + line.decision)
            for first, what in zip(first_moments, whats, strict=False)
            for line in what.lines
        ),
        "\n".join(line.name for line in lines),
        "\n".join(line.data for line in lines),
    )


def _array(values: Iterable[str]) -> str:
    return "{" + ",".join(values) + "}"


def _quoted(text: str | None) -> str:
    if text is None:
        return "null"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _statement(schema: str, function: str, parameters: int) -> bytes:
    call = SQL("select * from {}({})").format(
        Identifier(schema, function), SQL(", ").join([SQL("%s")] * parameters)
    )
    return call.as_bytes()


ACCEPTED_BEFORE: Final = "RD005"
"""SQLSTATE: one of several commands was accepted before."""


def refusal(error: psycopg.Error) -> Exception:
    """The exception that stands for what the function raised; *error* itself if it was not a refusal."""
    if error.sqlstate == "RD003":
        return ToldInTheFuture(str(error))
    if error.sqlstate not in {"RD001", "RD002", "RD004"}:
        return error
    detail = json.loads(error.diag.message_detail or "{}")
    if error.sqlstate == "RD004":
        return KeyReused(detail["key"])
    stream = UUID(detail["stream"])
    if error.sqlstate == "RD001":
        return StaleVersion(stream, detail["version"])
    return TimeWentBackwards(stream, datetime.fromisoformat(detail["last"]))
