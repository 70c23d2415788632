"""What an import did, read back from the log: each of its items as before, and as the import left it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from domain.case import evolve
from domain.events import Event
from domain.identity import ImportId, ItemId
from domain.imports import ImportFinished
from domain.item import (
    Item,
    ItemCleared,
    ItemClearingUndone,
    ItemCorrected,
    ItemCorrectionUndone,
    ItemRegistered,
    ItemReinstated,
    ItemReinstatementUndone,
    ItemWithdrawn,
)
from domain.refusals import UnknownImport
from domain.undoing import Later
from store.log import Log, Recorded

_SAID: Final = (ItemRegistered, ItemCorrected, ItemCleared, ItemReinstated)
_UNDONE: Final = (ItemWithdrawn, ItemCorrectionUndone, ItemClearingUndone, ItemReinstatementUndone)

_WINDOW: Final = 500
"""Events that are looked through at a time."""


@dataclass(frozen=True, slots=True)
class ImportChange:
    """What an import did to one item, and what the ledger said of it since. *before* is None if the import
    registered the item."""

    item_id: ItemId
    before: Item | None
    after: Item
    later: Later


@dataclass(frozen=True, slots=True)
class ImportSpan:
    """Where in the log an import wrote: after position *start* and up to *end*, with other things between."""

    import_id: ImportId
    start: int
    end: int


def span_of(log: Log, import_id: ImportId) -> ImportSpan:
    """Where the import wrote; up to the newest event if it never finished. Raises UnknownImport."""
    own = log.read_streams({import_id: 0})
    if not own:
        raise UnknownImport(import_id)
    finished = [each.position for each in own if isinstance(each.event, ImportFinished)]
    return ImportSpan(import_id, own[0].position, finished[0] if finished else log.newest())


def changes_in(log: Log, span: ImportSpan) -> Iterator[tuple[int, list[ImportChange]]]:
    """Part by part, the position reached and the items that the import changed; each item once."""
    start = span.start
    while start < span.end and (window := log.read(start, _WINDOW)):
        items = {each.stream_id: 0 for each in window if _is_by(each.event, span.import_id)}
        reached = window[-1].position
        yield min(reached, span.end), list(_changes(log, span.import_id, items, start))
        start = reached


def _is_by(event: Event, import_id: ImportId) -> bool:
    return isinstance(event, _SAID) and event.import_id == import_id


def _changes(log: Log, import_id: ImportId, items: Mapping[UUID, int], start: int) -> Iterator[ImportChange]:
    streams: defaultdict[ItemId, list[Recorded]] = defaultdict(list)
    for recorded in log.read_streams(items) if items else ():
        streams[ItemId(recorded.stream_id)].append(recorded)
    for item_id, history in streams.items():
        numbers = [number for number, each in enumerate(history) if _is_by(each.event, import_id)]
        if history[numbers[0]].position > start:  # or else an earlier part had it already
            before = _item(history[: numbers[0]])
            after = _item(history[: numbers[-1] + 1])
            assert after is not None, "the import did something to it"
            later = _later(import_id, [each.event for each in history[numbers[-1] + 1 :]])
            yield ImportChange(item_id, before, after, later)


def _later(import_id: ImportId, events: Sequence[Event]) -> Later:
    """What *events*, all that came of the item after the import, say in the ledger's name."""
    undone = {each.import_id for each in events if isinstance(each, _UNDONE)}
    if import_id in undone:
        return Later.UNDONE
    said = {each.import_id for each in events if isinstance(each, _SAID)}
    # What came and went again since is as if it had not been; what only went was there before.
    return Later.NOTHING if said == undone else Later.OTHER


def _item(history: Sequence[Recorded]) -> Item | None:
    state = None
    for recorded in history:
        state = evolve(state, recorded.event)
    assert state is None or isinstance(state, Item), "items have their own streams"
    return state
