"""The rows of an import that are simply new, made ready to be recorded: decided and encoded.

Where they are many, other processes do it, each for a stretch of the rows that it fetches itself, and hand
over nothing but what is to be copied into the log; whoever imports only has to write it. Stretches come back
in the order of the file, so that the log is the same however many processes there are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from orjson import loads

from api.import_meanwhile import Identity, identity_of
from api.pace import ahead
from domain.identity import ImportId
from domain.item import ClearItem, ItemDetails, ItemType, RegisterItem
from domain.ledger import register_unseen
from domain.refusals import Refusal
from projections.staging import Place, Row, Staging, Stretch, looking_at
from replay.processes import ProcessLost, Tell, in_turn
from store.bulk import Prepared, prepared
from store.clock import now
from store.codec import Codec

if TYPE_CHECKING:
    from domain.commands import Decision

WORTH_IT: Final = 150_000
"""New rows that take one process longer than it takes others to start."""

_MOST: Final = 3
"""More processes would make ready what the log takes in no quicker."""

_TYPES: Final = {kind.value: kind for kind in ItemType}


class ImportCutShort(Exception):
    """One of the processes that made new items ready was ended from outside, perhaps for lack of memory. What
    was recorded until then stays; import the file again, and the rest follows."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for all rows of an import: its id, the company's zone, and whether numbers that equal others
    but for leading zeros are taken."""

    import_id: ImportId
    zone: str
    accept_as_new: bool

    def command(self, row: Row) -> RegisterItem:
        """What a staged row orders."""
        _, entity, code, number, name, kind, issued, due, amount, balance, currency, more, paid = row[:13]
        details = ItemDetails(_TYPES[kind], issued, due, amount, balance, currency, loads(more))
        return RegisterItem(code, entity, number, details, name, paid, self.accept_as_new, self.import_id)


class Refused(NamedTuple):
    """A row that was refused: its entity, customer and number, the field as a JSON Pointer, and why."""

    row: int
    identity: Identity
    place: str
    reason: str


def refused(row: int, command: RegisterItem, refusal: Refusal) -> Refused:
    """*refusal* of a row."""
    return Refused(row, identity_of(command), refusal.place, str(refusal))


class Due(NamedTuple):
    """Something that touches no case, and what it leads to. *row* is 0 for what the file does not have."""

    row: int
    command: RegisterItem | ClearItem
    decisions: list[Decision]


@dataclass(frozen=True, slots=True)
class Ready:
    """New rows of one stretch, *rows* in all, of which *items* are to be registered; *part* is None if none.

    *unmet*: customers who are not known and whose rows here were all refused.
    """

    stretch: Stretch
    rows: int
    items: int
    part: Prepared | None
    refused: list[Refused]
    unmet: frozenset[str]


class Deciding:
    """Decides about new *rows*, one after the other: what is due of each that is not refused.
    Once through it knows which were, and which customers are left over (`Ready.unmet`)."""

    def __init__(self, rows: Iterable[Row], terms: Terms) -> None:
        self._rows: Final = rows
        self._terms: Final = terms
        self.rows = 0
        self.items = 0
        self.refused: Final[list[Refused]] = []
        self.unmet: Final[set[str]] = set()

    def __iter__(self) -> Iterator[Due]:
        latest, terms, unmet = now(), self._terms, self.unmet
        for row in self._rows:
            self.rows += 1
            command = terms.command(row)
            meets_customer = row[-1] or command.customer_code in unmet
            try:
                decisions = register_unseen(command, terms.zone, latest, meets_customer=meets_customer)
            except Refusal as refusal:
                self.refused.append(refused(row[0], command, refusal))
                unmet.update([command.customer_code] if meets_customer else [])
                continue
            unmet.discard(command.customer_code)
            self.items += 1
            yield Due(row[0], command, decisions)


def made_ready(rows: Iterable[Row], stretch: Stretch, terms: Terms, codec: Codec) -> Ready:
    """The new *rows* of *stretch*, made ready here."""
    # One row after the other, and nothing of it is kept: what a processor has at hand is soon too much.
    deciding = Deciding(rows, terms)
    part = prepared((decision for due in deciding for decision in due.decisions), {}, codec)
    told = deciding.refused, frozenset(deciding.unmet)
    return Ready(stretch, deciding.rows, deciding.items, part if deciding.items else None, *told)


def processes_for(rows: int) -> int:
    """How many other processes make so many new rows ready best; none if it is little, or on one core."""
    cores = os.cpu_count() or 1
    return 0 if rows < WORTH_IT or cores == 1 else min(cores, _MOST)


def all_ready(
    staged: Staging, stretches: Sequence[Stretch], terms: Terms, codec: Codec, processes: int
) -> Generator[Ready, None, None]:
    """The new rows of *stretches* in their order, the next ones being made ready while some are in use.

    Raises ImportCutShort, LogUnavailable. The processes have ended when this has, or is closed.
    """
    if not processes:
        fetched = zip(stretches, ahead(map(staged.new, stretches)), strict=True)
        yield from ahead(made_ready(rows, stretch, terms, codec) for stretch, rows in fetched)
        return
    try:
        with closing(in_turn(partial(_preparing, staged.place, terms), stretches, processes)) as made:
            yield from ahead(made, processes)
    except ProcessLost:
        raise ImportCutShort(ImportCutShort.__doc__) from None


@contextmanager
def _preparing(place: Place, terms: Terms) -> Iterator[Callable[[Stretch, Tell], Ready]]:
    codec = Codec()
    with looking_at(place) as staged:
        yield lambda stretch, _: made_ready(staged.new(stretch), stretch, terms, codec)
