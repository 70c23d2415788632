"""What somebody asks for, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import orjson

from domain.commands import Command, Decision
from domain.refusals import Refusal, Unknown
from domain.roles import Actor
from store.clock import new_id
from store.log import Appended, Attribution, KeyReused, Submission
from store.states import ReadCase

Outcome: TypeAlias = tuple[Decision, ...] | Refusal
"""What a command leads to: its decisions, none if it changes nothing, or why it was refused."""


@dataclass
class UnknownOriginal(Unknown):
    """The person on whose behalf this was done is not registered; register the person first (`register_person`; no login and no role is needed)."""  # noqa: E501

    where = "/on_behalf_of"
    person_id: UUID


class PremisesMoved(Exception):
    """What an order was made from has changed since: make it anew from what is true now."""


class StreamBusy(Exception):
    """Others kept changing the same streams while this was decided; send it again."""


def scoped(key: str | None, actor: Actor, scope: str | None = None) -> str | None:
    """An idempotency key together with whose it is: keys of different clients never meet."""
    return None if key is None else f"{scope or actor.key_id or actor.person_id}:{key}"


@dataclass(frozen=True, slots=True)
class Order:
    """A command as somebody gave it.

    *told*: when it happened, with zone; None: now. *key*: the idempotency key, with *digest* of the whole
    request; *key_scope*: whose key it is, by default the actor's. *subject*: the stream that the answer is
    about; *part*: which thing of that stream, if it holds many (store/parts.py); *if_match*: the version that
    it must have. *premises*: streams from which the order was made (the people that its actor is one of, the
    settings that filled in the command) with the versions they had.
    """

    command: Command
    actor: Actor
    told: datetime | None = None
    key: str | None = None
    digest: bytes = b""
    subject: UUID | None = None
    if_match: int | None = None
    part: str | None = None
    premises: Mapping[UUID, int] = field(default_factory=dict)
    command_id: UUID = field(default_factory=new_id)
    key_scope: str | None = None

    @property
    def scoped_key(self) -> str | None:
        """The key together with whose it is: keys of different clients never meet."""
        return scoped(self.key, self.actor, self.key_scope)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an accepted command leads to.

    *version* is the subject's after it, or that of the *part* of it; *position* the newest that it stands at;
    *decisions* are what was recorded, empty for a replayed answer.
    """

    subject: UUID | None
    version: int | None
    position: int
    changed: bool = False
    recorded_at: datetime | None = None
    replayed: bool = False
    decisions: tuple[Decision, ...] = ()
    part: str | None = None


Each: TypeAlias = Answer | Refusal | KeyReused
"""What becomes of one order of many."""


def submission_of(
    read: ReadCase,
    order: Order,
    decisions: Sequence[Decision],
    unchanged: int | None = None,
    seen: Mapping[UUID, int] | None = None,
) -> Submission:
    """What is to be appended for *order*, which led to *decisions*: *read* goes on from them.

    *unchanged*: the subject's version if there are none. *seen*: what else must still hold.
    """
    # The answer is written before its position is known; `answer_of` adds the positions that the log stored
    # beside it.
    expected = dict(seen or {}) | read.expected(decisions)
    for decision in decisions:
        read.take(decision)
    version = read.versions.get(order.subject) if order.subject and decisions else unchanged
    actor = order.actor
    return Submission(
        order.command_id,
        order.scoped_key,
        order.digest,
        Attribution(actor.person_id, actor.role, actor.key_id, actor.on_behalf_of),
        tuple(decisions),
        expected,
        orjson.dumps(
            {"changed": bool(decisions), "subject": order.subject, "part": order.part, "version": version}
        ),
    )


def answer_of(appended: Appended, decisions: tuple[Decision, ...]) -> Answer:
    """What *appended* says, with the *decisions* that it recorded unless it was recorded before."""
    stored = orjson.loads(appended.answer)
    return Answer(
        UUID(stored["subject"]) if stored["subject"] else None,
        stored["version"],
        appended.last,
        stored["changed"],
        appended.recorded_at,
        appended.replayed,
        () if appended.replayed else decisions,
        stored.get("part"),
    )
