"""An import: who brought which file, and what it did (spec 5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar, TypeAlias
from uuid import UUID

from domain.commands import Command
from domain.events import Event, PersonalText
from domain.identity import ImportId
from domain.refusals import UnknownImport
from domain.roles import Permission


class ImportMode(StrEnum):
    """Whether the file holds changes, or everything that is open."""

    DELTA = "delta"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What became of the rows: numbers of items, and of rows that were rejected."""

    registered: int = 0
    corrected: int = 0
    cleared: int = 0
    reinstated: int = 0
    unchanged: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class StartImport(Command):
    """An import of *file_name* begins; ``digest`` is of the file's bytes (``sha256:…``)."""

    permission: ClassVar[Permission] = Permission.IMPORT
    import_id: ImportId
    file_name: PersonalText
    digest: str
    mode: ImportMode

    def streams(self) -> frozenset[UUID]:
        """The import."""
        return frozenset({self.import_id})


@dataclass(frozen=True, slots=True)
class FinishImport(Command):
    """The import is through its file."""

    permission: ClassVar[Permission] = Permission.IMPORT
    import_id: ImportId
    counts: ImportCounts

    def streams(self) -> frozenset[UUID]:
        """The import."""
        return frozenset({self.import_id})


@dataclass(frozen=True, slots=True)
class UndoCounts:
    """What became of an import's items: how many are back as they were, now or since an earlier undoing, and
    how many were left as they are because something newer depends on them."""

    undone: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class FinishUndo(Command):
    """The import is undone, as far as its items allow."""

    permission: ClassVar[Permission] = Permission.IMPORT
    import_id: ImportId
    counts: UndoCounts

    def streams(self) -> frozenset[UUID]:
        """The import."""
        return frozenset({self.import_id})


@dataclass(frozen=True, slots=True)
class OfImport(Event):
    """A fact of an import's stream."""

    import_id: ImportId


@dataclass(frozen=True, slots=True)
class ImportStarted(OfImport):
    """Somebody brought a file."""

    file_name: PersonalText
    digest: str
    mode: ImportMode


@dataclass(frozen=True, slots=True)
class ImportFinished(OfImport):
    """The file was gone through, with these numbers."""

    counts: ImportCounts


@dataclass(frozen=True, slots=True)
class ImportUndone(OfImport):
    """What it did was taken back; again, with all numbers anew, if more could be taken back later."""

    counts: UndoCounts


ImportEvent: TypeAlias = ImportStarted | ImportFinished | ImportUndone


@dataclass(frozen=True, slots=True)
class Import:
    """An import as it stands; without counts it was interrupted or still runs."""

    id: ImportId
    file_name: str
    digest: str
    mode: ImportMode
    counts: ImportCounts | None = None
    undone: UndoCounts | None = None
    """None as long as nobody has undone it."""


def evolve(run: Import | None, event: ImportEvent) -> Import:
    """The import after *event*."""
    if isinstance(event, ImportStarted):
        return Import(event.import_id, event.file_name, event.digest, event.mode)
    assert run is not None, "an import's stream begins with its start"
    if isinstance(event, ImportFinished):
        return replace(run, counts=event.counts)
    return replace(run, undone=event.counts)


def start(run: Import | None, command: StartImport) -> list[Event]:
    """The import is recorded; said twice changes nothing."""
    if run is not None:
        return []
    return [ImportStarted(command.import_id, command.file_name, command.digest, command.mode)]


def finish(run: Import | None, command: FinishImport) -> list[Event]:
    """Its counts are recorded; said twice changes nothing. Raises UnknownImport."""
    if run is None:
        raise UnknownImport(command.import_id)
    if run.counts is not None:
        return []
    return [ImportFinished(command.import_id, command.counts)]


def finish_undo(run: Import | None, command: FinishUndo) -> list[Event]:
    """That it was undone is recorded, unless nothing went back or all is as it was. Raises UnknownImport."""
    if run is None:
        raise UnknownImport(command.import_id)
    if not command.counts.undone or command.counts == run.undone:
        return []
    return [ImportUndone(command.import_id, command.counts)]
