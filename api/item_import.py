"""Importing items from a file: its rows become registrations and corrections in chunks, and what a full file
no longer has is cleared (spec 1-5).

The rows are staged beside the item states, and one set operation tells which of them change anything. Those
that are simply new, by far the most in a large file, are copied into the log; whatever touches what is known
already is decided case by case. Memory does not grow with the file.

A crash leaves whole chunks, and running the import again does the rest: rows that are in already change
nothing. An import that changes nothing is not recorded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from api.database import OpenCompany
from api.import_meanwhile import Meanwhile
from api.item_file import ItemMapping, Rejection, Twins, digest
from api.item_staging import staged_lines
from api.pace import MANY_ROWS, ahead, even_pace
from domain.catalogue import Company, Settings
from domain.commands import Decision
from domain.identity import COMPANY_STREAM, ImportId, ItemId
from domain.imports import FinishImport, ImportCounts, ImportMode, StartImport, start
from domain.item import (
    ClearItem,
    ItemCleared,
    ItemCorrected,
    ItemDetails,
    ItemRegistered,
    ItemReinstated,
    ItemType,
    RegisterItem,
)
from domain.ledger import clear_unattached, register_unseen
from domain.refusals import Refusal
from domain.roles import Actor, Permission, require
from projections.staging import Row, Staging, Verdict, staging
from store.bulk import Overtaken, Prepared, prepared
from store.clock import new_id, now
from store.execute import Executor, Order, Outcome, PremisesMoved
from store.keys import require_still
from store.rehearsal import rehearsal
from store.states import NoSuchCompany
from store.submission import Attribution

Progress: TypeAlias = Callable[[int], None]
"""Told again and again how many rows are done."""

Part = TypeVar("Part")

CHUNK: Final = 5_000
"""How many new rows one append takes: others wait for it some tenth of a second."""

CASES: Final = 500
"""How many rows one append takes that are decided case by case."""


@dataclass
class SafetyShareExceeded(Refusal):
    """This full import would clear {cleared} of {open} open items because the file does not have them or gives them the balance 0, more than the safety share of {share}; nothing was changed. If the file is complete, use --force."""  # noqa: E501

    cleared: int
    open: int
    share: str


@dataclass(frozen=True, slots=True)
class ItemSource:
    """A file of items: its name, its SHA-256, its rows ready to be staged, and the column of each field."""

    name: str
    digest: str
    lines: Callable[[], Iterator[tuple[int, str]]]
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
    columns = {str(name): source.columns for name, source in mapping.fields.items() if source.parts}
    return ItemSource(path.name, digest(path), lambda: staged_lines(path, mapping, settings), columns)


def import_items(
    company: OpenCompany,
    source: ItemSource,
    actor: Actor,
    options: ImportOptions,
    progress: Progress = lambda _: None,
    reading: Progress = lambda _: None,
) -> ImportResult:
    """Import *source*, in whole chunks. *reading* hears how many rows are read, *progress* how many are done.

    Raises RoleForbids, SafetyShareExceeded, FileRefused and FeedFailed before anything is written;
    StreamBusy, LogUnavailable and whatever *progress* raises between chunks.
    """
    require(actor, Permission.IMPORT)
    with even_pace(MANY_ROWS), staging(company.datastore) as staged:
        staged.fill(_blocks(source, reading))
        seen = company.feed.catch_up()
        found = staged.compare(twins_allowed=options.accept_as_new)
        missing, kept = _missing(company, staged, options)
        run = _Run(company, source, actor, options, progress, seen)
        run.leave(staged, found.get(None, 0))
        run.register(staged)
        run.decide(staged)
        return run.finish(run.clear(staged) if missing else 0, kept)


def _blocks(source: ItemSource, reading: Progress) -> Iterator[str]:
    read = 0
    for count, block in source.lines():
        yield block
        read += count
        reading(read)


def _missing(company: OpenCompany, staged: Staging, options: ImportOptions) -> tuple[int, int]:
    """How many items are to be cleared, and how many stay open for want of certainty.

    Raises SafetyShareExceeded.
    """
    if options.mode is not ImportMode.FULL:
        return 0, 0
    missing, open_here = staged.find_missing(twins_allowed=options.accept_as_new)
    if options.force:
        return missing, 0
    if staged.unidentified():
        return 0, missing
    share = settings_of(company.executor).safety_share
    cleared = missing + staged.paid()
    if cleared > share * open_here:
        raise SafetyShareExceeded(cleared, open_here, f"{share:.0%}")
    return missing, 0


# --- the rows --------------------------------------------------------------------------------------

_TYPES: Final = {kind.value: kind for kind in ItemType}
_COUNTED: Final = {
    ItemRegistered: "registered",
    ItemCorrected: "corrected",
    ItemReinstated: "reinstated",
    ItemCleared: "cleared",
}


class _Ready(NamedTuple):  # made for each row, and quicker than a dataclass
    """Something that touches no case, and what it leads to. *row* is 0 for what the file does not have."""

    row: int
    command: RegisterItem | ClearItem
    decisions: list[Decision]


@dataclass(frozen=True, slots=True)
class _Chunk:
    """What is ready to be recorded together; *part* is None if nothing is. *rows*: how many were read."""

    rows: int
    ready: list[_Ready]
    versions: Mapping[UUID, int]
    part: Prepared | None


class _Run:
    """One import under way."""

    def __init__(
        self,
        company: OpenCompany,
        source: ItemSource,
        actor: Actor,
        options: ImportOptions,
        progress: Progress,
        seen: int,
    ) -> None:
        self._log: Final = company.log
        self._executor: Final = rehearsal(company.datastore) if options.dry_run else company.executor
        self._zone: Final = settings_of(company.executor).zone
        self._source: Final = source
        self._actor: Final = actor
        self._options: Final = options
        self._progress: Final = progress
        self._id: Final = ImportId(new_id())
        self._start: Final = StartImport(self._id, source.name, f"sha256:{source.digest}", options.mode)
        self._recorded = False
        self._done = 0
        self._meanwhile: Final = Meanwhile(seen, company.log.codec)
        self._counts: Counter[str] = Counter()
        self._rejections: list[Rejection] = []
        self._unmet: Final[set[str]] = set()
        """Customers whose first new row was refused: the next one registers them."""

    def leave(self, staged: Staging, unchanged: int) -> None:
        """Count what stays as it is, and reject what cannot be taken."""
        self._counts["unchanged"] += unchanged
        for part in staged.rows(Verdict.REFUSED, size=CHUNK):
            for row, *identity, column, reason in ((*each[:4], *each[13:15]) for each in part):
                known = (identity[0], identity[1], identity[2]) if identity[2] is not None else None
                self._rejections.append(Rejection(row, column, reason, known))
        for row, entity, customer, number, count, first in staged.repeated():
            reason = Twins(count, first).reason_against(row)
            self._rejections.append(Rejection(row, None, reason, (entity, customer, number)))
        self._advance(unchanged + len(self._rejections))

    def register(self, staged: Staging) -> None:
        """Record the rows that are simply new. While one chunk is being written the next is put together, and
        the rows of the one after that are fetched."""
        for chunk in ahead(map(self._prepare, ahead(staged.rows(Verdict.NEW, size=CHUNK)))):
            self._record(chunk)
            self._advance(chunk.rows)

    def decide(self, staged: Staging) -> None:
        """Decide the rows that touch what is known, or may."""
        for part in staged.rows(Verdict.CHANGED, Verdict.UNSURE, size=CASES):
            self._decide([(row[0], self._command(row)) for row in part])
            self._advance(len(part))

    def clear(self, staged: Staging) -> int:
        """Clear what the file does not have; how much of it was still open."""
        before = self._counts["cleared"]
        for part in staged.missing(CHUNK):
            self._record(self._prepare_clearing([row for row in part if not row[-1]]))
            attached = [ClearItem(ItemId(row[0]), import_id=self._id) for row in part if row[-1]]
            for at in range(0, len(attached), CASES):
                self._clear(attached[at : at + CASES])
        return self._counts["cleared"] - before

    def finish(self, missing: int, kept: int) -> ImportResult:
        """Record that the import is through."""
        counts = ImportCounts(**self._counts, rejected=len(self._rejections))
        if self._recorded and not self._options.dry_run:
            self._executor.execute(Order(FinishImport(self._id, counts), self._actor))
        rejections = tuple(sorted(self._rejections, key=lambda rejection: rejection.row))
        return ImportResult(self._id if self._recorded else None, counts, rejections, missing, kept)

    # --- what touches no case ----------------------------------------------------------------------

    def _prepare(self, rows: Sequence[Row]) -> _Chunk:
        latest, ready = now(), []
        for row in rows:
            command = self._command(row)
            meets_customer = row[-1] or command.customer_code in self._unmet
            try:
                decisions = register_unseen(command, self._zone, latest, meets_customer=meets_customer)
            except Refusal as refusal:
                self._reject(row[0], command, refusal)
                self._unmet.update([command.customer_code] if meets_customer else [])
                continue
            self._unmet.discard(command.customer_code)
            ready.append(_Ready(row[0], command, decisions))
        return self._chunk(len(rows), ready, {})

    def _prepare_clearing(self, items: Sequence[Row]) -> _Chunk:
        latest, ready, versions = now(), [], {}
        for item, customer, version, balance, currency, _ in items:
            paid = ItemCleared(item, customer, None, balance, currency, self._id)
            decision = clear_unattached(paid, self._zone, latest)
            ready.append(_Ready(0, ClearItem(item, import_id=self._id), [decision]))
            versions[item] = version
        return self._chunk(len(items), ready, versions)

    def _chunk(self, rows: int, ready: list[_Ready], versions: Mapping[UUID, int]) -> _Chunk:
        decisions = [decision for each in ready for decision in each.decisions]
        part = prepared(decisions, versions, self._log.codec) if decisions else None
        return _Chunk(rows, ready, versions, part)

    def _record(self, chunk: _Chunk) -> None:
        overtaken: list[_Ready] = []
        while chunk.part is not None:
            try:
                self._append(chunk, chunk.part)
            except PremisesMoved:
                self._require_rights()
            except Overtaken as moved:
                overtaken += [each for each in chunk.ready if _streams(each) & moved.streams]
                rest = [each for each in chunk.ready if not _streams(each) & moved.streams]
                chunk = self._chunk(chunk.rows, rest, chunk.versions)
            else:
                for each in chunk.ready:
                    self._counts["cleared" if isinstance(each.command, ClearItem) else "registered"] += 1
                break
        # Somebody else changed these meanwhile: they are compared again.
        self._decide(
            [(each.row, each.command) for each in overtaken if isinstance(each.command, RegisterItem)]
        )
        self._clear([each.command for each in overtaken if isinstance(each.command, ClearItem)])

    def _append(self, chunk: _Chunk, part: Prepared) -> None:
        if not self._options.dry_run:
            actor = self._actor
            by = Attribution(actor.person_id, actor.role, actor.key_id, actor.on_behalf_of)
            opening = [] if self._recorded else [self._opening()]
            new = [] if self._options.accept_as_new else [each.command for each in chunk.ready]
            self._meanwhile.require_apart(new)
            appended = self._log.append_bulk(new_id(), by, [*opening, part], self._meanwhile.watch(new))
            self._meanwhile.position = appended.last
        self._recorded = True

    def _require_rights(self) -> None:
        require_still(self._actor, self._executor.people())
        require(self._actor, Permission.IMPORT)

    def _opening(self) -> Prepared:
        return prepared([Decision(now(), tuple(start(None, self._start)))], {}, self._log.codec)

    # --- rows decided case by case -----------------------------------------------------------------

    def _clear(self, commands: Sequence[ClearItem]) -> None:
        for command, outcome in zip(commands, self._carry_out(commands), strict=True):
            if not isinstance(outcome, Refusal) and outcome:
                self._count(command.item_id, outcome)

    def _decide(self, rows: Sequence[tuple[int, RegisterItem]]) -> None:
        outcomes = self._carry_out([command for _, command in rows])
        for (row, command), outcome in zip(rows, outcomes, strict=True):
            if isinstance(outcome, Refusal):
                self._reject(row, command, outcome)
            else:
                self._count(command.item_id, outcome)

    def _carry_out(self, commands: Sequence[RegisterItem | ClearItem]) -> list[Outcome]:
        if not commands:
            return []
        opening = None if self._recorded else self._start
        outcomes, position = self._executor.execute_rows(commands, self._actor, opening)
        self._recorded = self._recorded or position is not None
        return outcomes

    # --- what became of them -----------------------------------------------------------------------

    def _command(self, row: Row) -> RegisterItem:
        _, entity, code, number, name, kind, issued, due, amount, balance, currency, more, paid = row[:13]
        details = ItemDetails(_TYPES[kind], issued, due, amount, balance, currency, more)
        accept = self._options.accept_as_new
        return RegisterItem(code, entity, number, details, name, paid, accept, self._id)

    def _count(self, item: ItemId, decisions: Sequence[Decision]) -> None:
        events = (event for decision in decisions for event in decision.events)
        facts = [type(each) for each in events if each.stream_id == item and type(each) in _COUNTED]
        # Corrected by its last row an item is cleared all the same; a new one that is paid already is new.
        told = [fact for fact in facts if fact is not ItemCorrected] or facts
        self._counts[_COUNTED[told[0]] if told else "unchanged"] += 1

    def _reject(self, row: int, command: RegisterItem, refusal: Refusal) -> None:
        place = refusal.place.removeprefix("/details").strip("/")
        attribute = place.removeprefix("attributes/")
        column = self._source.columns.get(place) if attribute == place else attribute
        identity = (command.entity, command.customer_code, command.number)
        self._rejections.append(Rejection(row, column, str(refusal), identity))

    def _advance(self, rows: int) -> None:
        self._done += rows
        self._progress(self._done)


def _streams(ready: _Ready) -> set[UUID]:
    return {event.stream_id for decision in ready.decisions for event in decision.events}
