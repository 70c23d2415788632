"""Undoing an import (spec 5): its items go back in chunks, and what something newer depends on is listed.

A crash leaves whole chunks, and undoing again does the rest: what is back already changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from api.database import OpenCompany
from domain.identity import ImportId, ItemId
from domain.imports import FinishUndo, UndoCounts
from domain.refusals import Refusal
from domain.roles import Actor, Permission, require
from domain.undoing import UndoImportOfItem
from replay.import_changes import ImportChange, changes_in, span_of
from store.execute import Executor, Order
from store.rehearsal import rehearsal

Progress: TypeAlias = Callable[[int, int], None]
"""Told after every chunk (how much of the log was looked through, how much there is), in events."""


@dataclass(frozen=True, slots=True)
class LeftAsIs:
    """An item that was not taken back: its number, and what newer thing depends on it."""

    item_id: ItemId
    customer_code: str
    entity: str
    number: str
    reason: str


@dataclass(frozen=True, slots=True)
class UndoOptions:
    """How to undo. *dry_run* writes nothing; *force* also takes back what something newer depends on."""

    dry_run: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class UndoResult:
    """What became of an import's items: how many went back, how many were back already, which were left."""

    import_id: ImportId
    undone: int
    unchanged: int
    left: tuple[LeftAsIs, ...]


def undo_import(
    company: OpenCompany,
    import_id: ImportId,
    actor: Actor,
    options: UndoOptions,
    progress: Progress = lambda *_: None,
) -> UndoResult:
    """Take back what the import did, in whole chunks.

    Raises RoleForbids, UnknownImport; StreamBusy, LogUnavailable and what *progress* raises between chunks.
    """
    require(actor, Permission.IMPORT)
    executor = rehearsal(company.datastore) if options.dry_run else company.executor
    span = span_of(executor.log, import_id)
    run = _Undoing(executor, import_id, actor, force=options.force)
    try:
        for position, changes in changes_in(executor.log, span):
            run.take(changes)
            progress(position - span.start, span.end - span.start)
    finally:  # stopped in between, it says how far it came
        run.record()
    return run.result()


class _Undoing:
    """One undoing under way."""

    def __init__(self, executor: Executor, import_id: ImportId, actor: Actor, *, force: bool) -> None:
        self._executor = executor
        self._id = import_id
        self._actor = actor
        self._force = force
        self._undone = self._unchanged = 0
        self._left: list[LeftAsIs] = []

    def take(self, changes: list[ImportChange]) -> None:
        """Take back *changes*, in one append."""
        if not changes:
            return
        commands = [
            UndoImportOfItem(self._id, each.item_id, each.before, each.after, each.later, self._force)
            for each in changes
        ]
        outcomes, _ = self._executor.execute_rows(commands, self._actor)
        for change, outcome in zip(changes, outcomes, strict=True):
            if isinstance(outcome, Refusal):
                self._left.append(_left(change, outcome))
            elif outcome:
                self._undone += 1
            else:
                self._unchanged += 1

    def record(self) -> None:
        """Record at the import how much of it is undone."""
        counts = UndoCounts(self._undone + self._unchanged, len(self._left))
        self._executor.execute(Order(FinishUndo(self._id, counts), self._actor))

    def result(self) -> UndoResult:
        """What became of the items so far."""
        return UndoResult(self._id, self._undone, self._unchanged, tuple(self._left))


def _left(change: ImportChange, refusal: Refusal) -> LeftAsIs:
    item = change.after
    return LeftAsIs(item.id, item.customer_code, item.entity, item.number, str(refusal))
