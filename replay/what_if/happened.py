"""One stream of the log, event by event, as the changed rules take it and give it back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Final, TypeAlias

from domain.events import Event
from projections.lines import Line
from store.codec import Codec

STEP: Final = 8
"""Between the numbers of two decisions of the log there is room for so many more: what would have happened
earlier needs a place between what did happen."""


@dataclass(frozen=True, slots=True, eq=False)
class Happened:
    """An event in its stream.

    ``end``: the number of its decision, which is the position of that one's end times `STEP`. ``version``:
    of the event in the log, whoever recorded which did it (None: nobody). ``text``: stored name and JSON,
    while the event is as it was recorded.
    """

    end: int
    occurred_at: datetime
    event: Event
    version: int | None = None
    text: tuple[str, str] | None = None

    def altered(self, event: Event) -> Happened:
        """Another event in its place; itself if that is the same."""
        return self if event == self.event else replace(self, event=event, text=None)


Stream: TypeAlias = Sequence[Happened]


def stream_of(lines: Iterable[Line], codec: Codec) -> list[Happened]:
    """The events of *lines*, which are of one stream."""
    return [
        Happened(end * STEP, datetime.fromisoformat(moment), codec.decode(name, data), version, (name, data))
        for _, end, _, version, name, data, moment in lines
    ]


def lines_of(stream: Stream, codec: Codec, key: str) -> list[Line]:
    """*stream*, whose id is *key*, as the fold takes it: versions run on without gaps."""
    found: list[Line] = []
    for version, one in enumerate(stream, 1):
        name, data = one.text or codec.encode(one.event)
        found.append((one.end // STEP, one.end, key, version, name, data, one.occurred_at.isoformat()))
    return found


def decisions(stream: Stream) -> Iterator[list[Happened]]:
    """The events of each decision."""
    for _, together in groupby(stream, key=lambda one: one.end):
        yield list(together)
