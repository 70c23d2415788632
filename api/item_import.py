"""Importing items from a file: its rows become registrations and corrections in chunks, and what a full file
no longer has is cleared (spec 1-5).

A crash leaves whole chunks, and running the import again does the rest: rows that are in already change
nothing. An import that changes nothing is not recorded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias, TypeVar
from uuid import UUID

from api.database import OpenCompany
from api.item_file import ItemMapping, ItemRow, Rejection, digest, read_items
from domain.catalogue import Company, Settings
from domain.commands import Decision
from domain.identity import COMPANY_STREAM, ImportId, ItemId, item_id, leading_zero_twins
from domain.imports import FinishImport, ImportCounts, ImportMode, StartImport
from domain.item import (
    ClearItem,
    ItemCleared,
    ItemCorrected,
    ItemDetails,
    ItemRegistered,
    ItemReinstated,
    RegisterItem,
)
from domain.refusals import Refusal
from domain.roles import Actor, Permission, require
from projections.open_items import open_items
from store.clock import new_id
from store.execute import Executor, Order, Outcome
from store.rehearsal import rehearsal
from store.states import NoSuchCompany

Progress: TypeAlias = Callable[[int], None]
"""Told after every chunk how many rows are done."""

Part = TypeVar("Part")

CHUNK: Final = 500
"""How many rows one append takes. Larger gains little and lets others wait longer."""


@dataclass
class SafetyShareExceeded(Refusal):
    """This full import would clear {cleared} of {open} open items because the file does not have them or gives them the balance 0, more than the safety share of {share}; nothing was changed. If the file is complete, use --force."""  # noqa: E501

    cleared: int
    open: int
    share: str


@dataclass(frozen=True, slots=True)
class ItemSource:
    """A file of items: its name, its SHA-256, its rows as often as asked, and the column of each field."""

    name: str
    digest: str
    rows: Callable[[], Iterable[ItemRow | Rejection]]
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to import. *dry_run* writes nothing; *force* clears what is missing come what may; *accept_as_new*
    takes numbers that equal others but for leading zeros."""

    mode: ImportMode = ImportMode.DELTA
    dry_run: bool = False
    force: bool = False
    accept_as_new: bool = False


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a file. *import_id* is None if nothing changed.

    *missing* of the cleared were cleared because the file does not have them; *kept* were left open although
    the file does not have them, because rows were rejected that may have been theirs.
    """

    import_id: ImportId | None
    counts: ImportCounts
    rejections: tuple[Rejection, ...]
    missing: int = 0
    kept: int = 0


def settings_of(executor: Executor) -> Settings:
    """The company's settings, at the log's newest. Raises NoSuchCompany."""
    found = executor.states.read(frozenset({COMPANY_STREAM})).case.states.get(COMPANY_STREAM)
    if not isinstance(found, Company):
        raise NoSuchCompany(NoSuchCompany.__doc__)
    return found.settings


def item_source(path: Path, mapping: ItemMapping, settings: Settings) -> ItemSource:
    """The file *path* read by *mapping*. Raises FileRefused."""

    def rows() -> Iterator[ItemRow | Rejection]:
        return read_items(
            path, mapping, default_currency=settings.currency, default_entity=settings.default_entity
        )

    columns = {str(name): source.columns for name, source in mapping.fields.items() if source.parts}
    return ItemSource(path.name, digest(path), rows, columns)


def import_items(
    company: OpenCompany,
    source: ItemSource,
    actor: Actor,
    options: ImportOptions,
    progress: Progress = lambda _: None,
) -> ImportResult:
    """Import *source*, in whole chunks.

    Raises RoleForbids, SafetyShareExceeded and FileRefused before anything is written; StreamBusy,
    LogUnavailable and whatever *progress* raises between chunks.
    """
    require(actor, Permission.IMPORT)
    rows = source.rows()
    missing, kept = _missing(company, source, options)
    run = _Run(company, source, actor, options)
    done = 0
    for chunk in _chunks(rows, CHUNK):
        run.take(chunk)
        done += len(chunk)
        progress(done)
    cleared = sum(run.clear(chunk) for chunk in _chunks(missing, CHUNK))
    return run.finish(cleared, kept)


# --- what a full file does not have ----------------------------------------------------------------


def _missing(company: OpenCompany, source: ItemSource, options: ImportOptions) -> tuple[list[ItemId], int]:
    """The items to be cleared, and how many stay open for want of certainty. Raises SafetyShareExceeded."""
    if options.mode is not ImportMode.FULL:
        return [], 0
    seen = _Seen(source.rows())
    company.feed.catch_up()
    open_here = open_items(company.datastore, seen.entities)
    present = seen.items.keys() | _originals(company, seen, frozenset(open_here), options)
    missing = [each for each in open_here if each not in present]
    if options.force:
        return missing, 0
    if seen.unidentified:
        return [], len(missing)
    share = settings_of(company.executor).safety_share
    cleared = len(missing) + len(seen.zeroed & set(open_here))
    if cleared > share * len(open_here):
        raise SafetyShareExceeded(cleared, len(open_here), f"{share:.0%}")
    return missing, 0


class _Seen:
    """What a file speaks of, whether or not its rows can be read in full."""

    def __init__(self, rows: Iterable[ItemRow | Rejection]) -> None:
        self.entities: set[str] = set()
        self.items: dict[ItemId, tuple[str, str, str]] = {}
        self.zeroed: set[ItemId] = set()
        self.unidentified = 0
        for row in rows:
            identity = (
                (row.entity, row.customer_code, row.number) if isinstance(row, ItemRow) else row.identity
            )
            if identity is None:
                self.unidentified += 1
            else:
                self.entities.add(identity[0])
                item = item_id(*identity)
                self.items[item] = identity
                if isinstance(row, ItemRow) and row.balance == 0:
                    self.zeroed.add(item)


def _originals(
    company: OpenCompany, seen: _Seen, open_here: frozenset[ItemId], options: ImportOptions
) -> set[ItemId]:
    """Open items that are not missing, for their row will be rejected: it has lost leading zeros."""
    if options.accept_as_new:
        return set()
    twins = {
        each: open_here & leading_zero_twins(*identity).keys()
        for each, identity in seen.items.items()
        if each not in open_here
    }
    suspects: frozenset[UUID] = frozenset(each for each, found in twins.items() if found)
    known = company.executor.states.read(suspects).case.states
    return {twin for each in suspects - known.keys() for twin in twins[ItemId(each)]}


# --- the rows --------------------------------------------------------------------------------------

_COUNTED: Final = {
    ItemRegistered: "registered",
    ItemCorrected: "corrected",
    ItemReinstated: "reinstated",
    ItemCleared: "cleared",
}


class _Run:
    """One import under way."""

    def __init__(
        self, company: OpenCompany, source: ItemSource, actor: Actor, options: ImportOptions
    ) -> None:
        self._executor: Final = rehearsal(company.datastore) if options.dry_run else company.executor
        self._source: Final = source
        self._actor: Final = actor
        self._accept_as_new: Final = options.accept_as_new
        self._id: Final = ImportId(new_id())
        self._start: Final = StartImport(self._id, source.name, f"sha256:{source.digest}", options.mode)
        self._recorded = False
        self._counts: Counter[str] = Counter()
        self._rejections: list[Rejection] = []

    def take(self, chunk: Sequence[ItemRow | Rejection]) -> None:
        """Record what the rows of *chunk* change."""
        rows = [row for row in chunk if isinstance(row, ItemRow)]
        self._rejections += [row for row in chunk if isinstance(row, Rejection)]
        for row, outcome in zip(rows, self._carry_out([self._command(row) for row in rows]), strict=True):
            if isinstance(outcome, Refusal):
                self._rejections.append(self._rejection(row, outcome))
            else:
                self._count(item_id(row.entity, row.customer_code, row.number), outcome)

    def clear(self, items: Sequence[ItemId]) -> int:
        """Clear *items*, which the file does not have; how many of them were still open."""
        before = self._counts["cleared"]
        commands = [ClearItem(each, import_id=self._id) for each in items]
        for each, outcome in zip(items, self._carry_out(commands), strict=True):
            if not isinstance(outcome, Refusal) and outcome:
                self._count(each, outcome)
        return self._counts["cleared"] - before

    def finish(self, missing: int, kept: int) -> ImportResult:
        """Record that the import is through."""
        counts = ImportCounts(**self._counts, rejected=len(self._rejections))
        if self._recorded:
            self._executor.execute(Order(FinishImport(self._id, counts), self._actor))
        rejections = tuple(sorted(self._rejections, key=lambda rejection: rejection.row))
        return ImportResult(self._id if self._recorded else None, counts, rejections, missing, kept)

    def _carry_out(self, commands: Sequence[RegisterItem | ClearItem]) -> list[Outcome]:
        opening = None if self._recorded else self._start
        outcomes, position = self._executor.execute_rows(commands, self._actor, opening)
        self._recorded = self._recorded or position is not None
        return outcomes

    def _command(self, row: ItemRow) -> RegisterItem:
        details = ItemDetails(
            row.type,
            row.issue_date,
            row.due_date,
            row.amount,
            row.balance,
            row.currency,
            row.attributes,
        )
        return RegisterItem(
            row.customer_code,
            row.entity,
            row.number,
            details,
            row.customer_name,
            row.cleared_on,
            self._accept_as_new,
            self._id,
        )

    def _count(self, item: ItemId, decisions: Sequence[Decision]) -> None:
        events = (event for decision in decisions for event in decision.events)
        fact = next((each for each in events if each.stream_id == item and type(each) in _COUNTED), None)
        self._counts[_COUNTED[type(fact)] if fact else "unchanged"] += 1

    def _rejection(self, row: ItemRow, refusal: Refusal) -> Rejection:
        place = refusal.place.removeprefix("/details").strip("/")
        attribute = place.removeprefix("attributes/")
        column = self._source.columns.get(place) if attribute == place else attribute
        identity = (row.entity, row.customer_code, row.number)
        return Rejection(row.row, column, str(refusal), identity)


def _chunks(parts: Iterable[Part], size: int) -> Iterator[list[Part]]:
    remaining = iter(parts)
    while chunk := list(islice(remaining, size)):
        yield chunk
