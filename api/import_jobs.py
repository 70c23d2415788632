"""Imports, and their undoing, as jobs in the background."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from api.import_undo import UndoOptions, UndoResult, undo_import
from api.item_file import ItemMapping
from api.item_import import ImportOptions, ImportResult, import_items, item_source, settings_of
from api.jobs import Job
from domain.identity import ImportId


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came in, in a directory of its own, and how it is to be imported."""

    path: Path
    mapping: ItemMapping
    options: ImportOptions


@dataclass(slots=True)
class ImportJob(Job):
    """One import: *read* and *done* are rows. It has a result when it is finished."""

    upload: Upload
    read: int = field(default=0, init=False)
    done: int = field(default=0, init=False)
    result: ImportResult | None = field(default=None, init=False)

    def work(self) -> None:
        """Import the file."""
        upload = self.upload
        source = item_source(upload.path, upload.mapping, settings_of(self.company.executor))
        self.result = import_items(
            self.company, source, self.actor, upload.options, self._advance_to, self._read_up_to
        )

    def clean(self) -> None:
        """Remove the file."""
        shutil.rmtree(self.upload.path.parent, ignore_errors=True)

    def _read_up_to(self, rows: int) -> None:
        self.go_on()
        self.read = rows

    def _advance_to(self, rows: int) -> None:
        self.go_on()
        self.done = rows


@dataclass(slots=True)
class UndoJob(Job):
    """One undoing of an import: of the *events* that the import's part of the log has, *done* are looked
    through. It has a result when it is finished."""

    import_id: ImportId
    options: UndoOptions
    done: int = field(default=0, init=False)
    events: int | None = field(default=None, init=False)
    result: UndoResult | None = field(default=None, init=False)

    def work(self) -> None:
        """Undo the import."""
        self.result = undo_import(self.company, self.import_id, self.actor, self.options, self._advance_to)

    def clean(self) -> None:
        """Nothing: it needs no files."""

    def _advance_to(self, done: int, events: int) -> None:
        self.go_on()
        self.done, self.events = done, events
