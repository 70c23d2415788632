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
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias
from uuid import UUID

from api import new_items
from api.database import OpenCompany
from api.import_meanwhile import Identity, Meanwhile, identity_of
from api.item_file import ItemMapping, Rejection, Twins, digest
from api.item_staging import staged_lines
from api.new_items import Due, Ready, Refused, Terms, refused
from api.pace import MANY_ROWS, even_pace
from domain.catalogue import Company, Settings
from domain.commands import Decision
from domain.identity import COMPANY_STREAM, ImportId, ItemId
from domain.imports import FinishImport, ImportCounts, ImportMode, StartImport, start
from domain.item import (
    ClearItem,
    ItemCleared,
    ItemCorrected,
    ItemRegistered,
    ItemReinstated,
    RegisterItem,
)
from domain.ledger import clear_unattached
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
    StreamBusy, LogUnavailable, ImportCutShort and whatever *progress* raises between chunks.
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

_COUNTED: Final = {
    ItemRegistered: "registered",
    ItemCorrected: "corrected",
    ItemReinstated: "reinstated",
    ItemCleared: "cleared",
}


@dataclass(frozen=True, slots=True)
class _Chunk:
    """What is recorded together: the *part* that is to be copied, and of how many *items* it tells which
    fact. What it was made of, and which items are new in it, is asked for only where others came in between.
    """

    items: int
    fact: str
    part: Prepared
    versions: Mapping[UUID, int]
    due: Callable[[], list[Due]]
    new: Callable[[], list[Identity]]


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
        self._source: Final = source
        self._actor: Final = actor
        self._options: Final = options
        self._progress: Final = progress
        self._id: Final = ImportId(new_id())
        zone = settings_of(company.executor).zone
        self._terms: Final = Terms(self._id, zone, options.accept_as_new)
        self._start: Final = StartImport(self._id, source.name, f"sha256:{source.digest}", options.mode)
        self._recorded = False
        self._done = 0
        self._meanwhile: Final = Meanwhile(seen, company.log.codec)
        self._counts: Counter[str] = Counter()
        self._rejections: list[Rejection] = []

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
        """Record the rows that are simply new. While one chunk is being written the next are made ready."""
        stretches = staged.stretches(CHUNK)
        processes = new_items.processes_for(CHUNK * len(stretches))
        codec = self._log.codec
        later: set[int] = set()
        with closing(new_items.all_ready(staged, stretches, self._terms, codec, processes)) as chunks:
            for each in chunks:
                ready = each
                if each.stretch.has(later):  # one of them meets its customer after all
                    ready = new_items.made_ready(staged.new(each.stretch), each.stretch, self._terms, codec)
                if ready.unmet:
                    later |= staged.meet_later(ready.unmet, ready.stretch.upto)
                for refusal in ready.refused:
                    self._reject(refusal)
                if ready.part is not None:
                    self._record(self._registrations(staged, ready, ready.part))
                self._advance(ready.rows)

    def decide(self, staged: Staging) -> None:
        """Decide the rows that touch what is known, or may."""
        for part in staged.rows(Verdict.CHANGED, Verdict.UNSURE, size=CASES):
            self._decide([(row[0], self._terms.command(row)) for row in part])
            self._advance(len(part))

    def clear(self, staged: Staging) -> int:
        """Clear what the file does not have; how much of it was still open."""
        before = self._counts["cleared"]
        for part in staged.missing(CHUNK):
            self._record(self._clearings([row for row in part if not row[-1]]))
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

    def _registrations(self, staged: Staging, ready: Ready, part: Prepared) -> _Chunk:
        stretch = ready.stretch

        def due() -> list[Due]:
            return [*new_items.Deciding(staged.new(stretch), self._terms)]

        return _Chunk(ready.items, "registered", part, {}, due, lambda: staged.new_identities(stretch))

    def _clearings(self, items: Sequence[Row]) -> _Chunk | None:
        latest, due, versions = now(), [], {}
        for item, customer, version, balance, currency, _ in items:
            paid = ItemCleared(item, customer, None, balance, currency, self._id)
            decision = clear_unattached(paid, self._terms.zone, latest)
            due.append(Due(0, ClearItem(item, import_id=self._id), [decision]))
            versions[item] = version
        return self._chunk("cleared", due, versions)

    def _chunk(self, fact: str, due: list[Due], versions: Mapping[UUID, int]) -> _Chunk | None:
        if not due:
            return None
        part = prepared([each for one in due for each in one.decisions], versions, self._log.codec)
        new = [identity_of(each.command) for each in due if isinstance(each.command, RegisterItem)]
        return _Chunk(len(due), fact, part, versions, lambda: due, lambda: new)

    def _record(self, chunk: _Chunk | None) -> None:
        overtaken: list[Due] = []
        while chunk is not None:
            try:
                self._append(chunk)
            except PremisesMoved:
                self._require_rights()
            except Overtaken as moved:
                due = chunk.due()
                overtaken += [each for each in due if _streams(each) & moved.streams]
                rest = [each for each in due if not _streams(each) & moved.streams]
                chunk = self._chunk(chunk.fact, rest, chunk.versions)
            else:
                self._counts[chunk.fact] += chunk.items
                break
        # Somebody else changed these meanwhile: they are compared again.
        self._decide(
            [(each.row, each.command) for each in overtaken if isinstance(each.command, RegisterItem)]
        )
        self._clear([each.command for each in overtaken if isinstance(each.command, ClearItem)])

    def _append(self, chunk: _Chunk) -> None:
        if not self._options.dry_run:
            actor = self._actor
            by = Attribution(actor.person_id, actor.role, actor.key_id, actor.on_behalf_of)
            opening = [] if self._recorded else [self._opening()]
            new = list if self._options.accept_as_new else chunk.new
            self._meanwhile.require_apart(new)
            watch = self._meanwhile.watch(new)
            appended = self._log.append_bulk(new_id(), by, [*opening, chunk.part], watch)
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
                self._reject(refused(row, command, outcome))
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

    def _count(self, item: ItemId, decisions: Sequence[Decision]) -> None:
        events = (event for decision in decisions for event in decision.events)
        facts = [type(each) for each in events if each.stream_id == item and type(each) in _COUNTED]
        # Corrected by its last row an item is cleared all the same; a new one that is paid already is new.
        told = [fact for fact in facts if fact is not ItemCorrected] or facts
        self._counts[_COUNTED[told[0]] if told else "unchanged"] += 1

    def _reject(self, refusal: Refused) -> None:
        place = refusal.place.removeprefix("/details").strip("/")
        attribute = place.removeprefix("attributes/")
        column = self._source.columns.get(place) if attribute == place else attribute
        self._rejections.append(Rejection(refusal.row, column, refusal.reason, refusal.identity))

    def _advance(self, rows: int) -> None:
        self._done += rows
        self._progress(self._done)


def _streams(due: Due) -> set[UUID]:
    return {event.stream_id for decision in due.decisions for event in decision.events}
