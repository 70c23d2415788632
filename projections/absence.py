"""Why a single thing is not found at a past moment: it was not there yet, or out of the asker's reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from domain.refusals import NotYours, Unknown
from domain.roles import Permission, Role
from projections.parameters import Parameters, Report
from projections.reading import Reading

AskOne = Callable[[Reading, Any, Parameters], Report[Any]]
"""The query for one thing by its key, such as `projections.cases.dispute`."""


@dataclass
class NotThereThen(Unknown):
    """There was no {thing} {key} at that moment, though there is one now. Ask for a later as_at or known_at,
    or for its history."""

    thing: str
    key: str


def explain_absence(
    ask: AskOne,
    reading: Reading,
    key: UUID | str,
    clocks: Parameters,
    *,
    thing: str,
    permissions: tuple[Permission, ...],
) -> None:
    """Raise what is the matter with the *thing* that *ask* has not found at *clocks*: `NotThereThen`,
    NotYours if it was out of reach at that moment (lists of the past show what was in reach then) or is today
    (since when it is there is nothing for them), or the Unknown of what is not there today either.
    *permissions*: those of which *ask* wants one.
    """
    seeing_all = replace(reading.actor, role=Role.SERVICE, scopes=frozenset(permissions))
    everything = replace(reading, actor=seeing_all)
    ask(everything, key, Parameters())
    if _finds(ask, reading, key, Parameters()) and not _finds(ask, everything, key, clocks):
        raise NotThereThen(thing, str(key)) from None
    allowed = reading.reach(*permissions)
    raise NotYours(reading.actor.role, permissions[0], ", ".join(sorted(allowed)))


def _finds(ask: AskOne, reading: Reading, key: UUID | str, clocks: Parameters) -> bool:
    try:
        ask(reading, key, clocks)
    except Unknown:
        return False
    return True
