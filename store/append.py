"""A submission as one call of the SQL function `append`, and that function's refusals as exceptions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
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

_HEAD: Final = 8
"""How many parameters say which command it is and who gave it."""


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
        self._one: Final = _statement(schema, "append_one", _HEAD + 5)
        self._many: Final = _statement(schema, "append", _HEAD + 7)

    def call(self, what: Written) -> Call:
        """The cheapest form that can take *what*. Raises ValueError if it contradicts itself."""
        by = what.attribution
        head = (
            *(what.command_id, what.key, what.digest, what.answer),
            *(by.actor, by.role, by.key_id, by.on_behalf_of),
        )
        for moment in what.moments:
            if moment.tzinfo is None:
                raise ValueError("occurred_at without a zone")
        for line in what.lines:
            if line.stream_id not in what.expected:
                raise ValueError(f"no version was given for stream {line.stream_id}, which has an event")
        if len(what.lines) == len(what.expected) == 1:
            (line,) = what.lines
            version, moment = what.expected[line.stream_id], what.moments[line.decision]
            return self._one, (*head, line.stream_id, version, line.name, line.data, moment)
        return self._many, (*head, *_arrays(what))


def _arrays(what: Written) -> tuple[str, ...]:
    # Array literals and lines of text put together here cost a tenth of psycopg's general dumping of lists.
    # No value needs quoting: they are numbers, ids, moments, names of a checked form and JSON on one line.
    places = {stream: str(place) for place, stream in enumerate(what.expected, 1)}
    return (
        _array(map(str, what.expected)),
        _array(map(str, what.expected.values())),
        _array(moment.isoformat() for moment in what.moments),
        _array(places[line.stream_id] for line in what.lines),
        _array(str(line.decision + 1) for line in what.lines),
        "\n".join(line.name for line in what.lines),
        "\n".join(line.data for line in what.lines),
    )


def _array(values: Iterable[str]) -> str:
    return "{" + ",".join(values) + "}"


def _statement(schema: str, function: str, parameters: int) -> bytes:
    call = SQL("select * from {}({})").format(
        Identifier(schema, function), SQL(", ").join([SQL("%s")] * parameters)
    )
    return call.as_bytes()


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
