"""A history as rows of a table, and as lines for people to read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from api.answers import as_json
from api.one_line import one_line
from replay.every_event import value
from replay.history import Entry, History
from replay.sentences import utc
from replay.standing import standing

COLUMNS: Final = (
    "position",
    "occurred_at",
    "recorded_at",
    "actor",
    "role",
    "key",
    "on_behalf_of",
    "of",
    "name",
    "version",
    "event",
    "sentence",
    "changes",
    "state",
    "after",
)


def rows(history: History) -> Iterator[dict[str, object]]:
    """Each entry under the names of `COLUMNS`: *state* is how its thing stands after it, in words; *after*
    the whole of that state as JSON."""
    for entry in history.entries:
        yield {
            "position": entry.position,
            "occurred_at": entry.occurred_at.isoformat(),
            "recorded_at": entry.recorded_at.isoformat(),
            "actor": entry.actor_name or str(entry.actor),
            "role": entry.role,
            "key": entry.key_name or (entry.key_id and str(entry.key_id)),
            "on_behalf_of": entry.original_name or (entry.on_behalf_of and str(entry.on_behalf_of)),
            "of": entry.stream,
            "name": entry.name or str(entry.stream_id),
            "version": entry.version,
            "event": entry.event,
            "sentence": entry.sentence,
            "changes": "; ".join(changes(entry, history)),
            "state": standing(entry.after, history.words),
            "after": as_json(entry.after).decode(),
        }


def text(history: History) -> Iterator[str]:
    """The entries as lines: what happened, who did it, both clocks, what changed, and how it stands."""
    for entry in history.entries:
        what = entry.event.partition(".")[0].replace("-", " ")
        name = one_line(entry.name or str(entry.stream_id))
        yield f"{utc(entry.occurred_at)}  {what}  ({entry.stream} {name})"
        yield f"    {one_line(entry.sentence)}"
        yield f"    by {one_line(_who(entry))}, recorded {utc(entry.recorded_at)} at {entry.position}"
        yield from (f"    {one_line(change)}" for change in changes(entry, history))
        yield f"    = version {entry.version}: {one_line(standing(entry.after, history.words))}"


def changes(entry: Entry, history: History) -> list[str]:
    """What the event changed from what to what, with names in the place of ids."""
    words = history.words
    return [
        f"{name}: {value(change.before, words)} → {value(change.after, words)}"
        for name, change in entry.changes.items()
    ]


def _who(entry: Entry) -> str:
    behalf = f" for {entry.original_name or entry.on_behalf_of}" if entry.on_behalf_of else ""
    key = f" with the key “{entry.key_name or entry.key_id}”" if entry.key_id else ""
    return f"{entry.actor_name or entry.actor} as {entry.role}{key}{behalf}"
