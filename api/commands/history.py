"""`redress history`: what happened to one dispute, item or follow-up action."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeAlias
from uuid import UUID

import typer

from api.commands.clocks import AsAtOption, KnownAtOption, clocks_of
from api.commands.output import RawOption, to_json
from api.commands.session import Session, session
from api.commands.showing import id_or_reference
from api.commands.why import CustomerOption, EntityOption, ItemArgument, item_meant

if TYPE_CHECKING:
    from projections.reading import Reading
    from replay.history import Asked, History


class HistoryFormat(StrEnum):
    """How a history is printed."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


_VersionOption: TypeAlias = Annotated[
    int | None, typer.Option("--at-version", help="As it was after this version, with its whole decision.")
]
_FormOption: TypeAlias = Annotated[HistoryFormat, typer.Option("--format", help="How to print it.")]

_history = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def install(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.add_typer(
        _history, name="history", help="What happened: the history of one dispute, item or follow-up action."
    )


@_history.command("dispute")
def history_of_dispute(
    ctx: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="REF", help="Id of the dispute, or its own reference.")],
    *,
    at_version: _VersionOption = None,
    as_at: AsAtOption = None,
    known_at: KnownAtOption = None,
    form: _FormOption = HistoryFormat.TEXT,
    raw: RawOption = False,
) -> None:
    """One dispute from first to last: who, when (both clocks), what changed from what to what, and the state
    after each event. Those of its items and follow-up actions are woven in.

    \b
    redress history dispute C-17
    redress history dispute C-17 --as-at 2026-03-31
    redress history dispute C-17 --at-version 4 --format json
    """
    from domain.identity import DisputeId
    from projections.cases import dispute
    from replay.history import dispute_history
    from store.clock import now

    asked = _asked("the history of a dispute", at_version, as_at, known_at)
    with session(ctx) as here:
        (found,) = dispute(_reading(here), id_or_reference(reference)).rows
        history = dispute_history(here.company.log, here.actor, DisputeId(found.dispute_id), now(), asked)
    _print(history, "dispute", found.dispute_id, form, raw=raw)


@_history.command("follow-up")
def history_of_follow_up(
    ctx: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="REF", help="Id of the action, or its own reference.")],
    *,
    at_version: _VersionOption = None,
    as_at: AsAtOption = None,
    known_at: KnownAtOption = None,
    form: _FormOption = HistoryFormat.TEXT,
    raw: RawOption = False,
) -> None:
    """One follow-up action from first to last.

    \b
    redress history follow-up C-17/2
    """
    from domain.identity import FollowUpId
    from projections.cases import follow_up
    from replay.history import follow_up_history
    from store.clock import now

    asked = _asked("the history of a follow-up action", at_version, as_at, known_at)
    with session(ctx) as here:
        (found,) = follow_up(_reading(here), id_or_reference(reference)).rows
        history = follow_up_history(
            here.company.log, here.actor, FollowUpId(found.follow_up_id), now(), asked
        )
    _print(history, "follow_up", found.follow_up_id, form, raw=raw)


@_history.command("item")
def history_of_item(  # noqa: PLR0913 - an item takes up to three words to name
    ctx: typer.Context,
    item: ItemArgument,
    *,
    customer: CustomerOption = None,
    entity: EntityOption = None,
    at_version: _VersionOption = None,
    as_at: AsAtOption = None,
    known_at: KnownAtOption = None,
    form: _FormOption = HistoryFormat.TEXT,
    raw: RawOption = False,
) -> None:
    """One item from first to last.

    \b
    redress history item F-1001 --customer C1
    """
    from replay.history import item_history
    from store.clock import now

    asked = _asked("the history of an item", at_version, as_at, known_at)
    with session(ctx) as here:
        meant = item_meant(here, item, customer, entity)
        history = item_history(here.company.log, here.actor, meant, now(), asked)
    _print(history, "item", meant, form, raw=raw)


def _asked(whose: str, at_version: int | None, as_at: str | None, known_at: str | None) -> Asked:
    from replay.history import Asked

    return Asked(clocks_of(whose, as_at, known_at), at_version)


def _reading(here: Session) -> Reading:
    from projections.reading import Reading
    from store.clock import now

    here.company.feed.catch_up()
    return Reading(here.company.datastore, here.actor, now())


def _print(history: History, of: str, thing: UUID, form: HistoryFormat, *, raw: bool) -> None:
    from api.csv_text import csv_text
    from api.history_rows import COLUMNS, rows, text

    if form is HistoryFormat.JSON:
        body = {
            "position": history.position,
            "as_at": history.as_at,
            "known_at": history.known_at,
            of: thing,
            "entries": history.entries,
        }
        typer.echo(to_json(body))
    elif form is HistoryFormat.CSV:
        typer.echo(csv_text(COLUMNS, rows(history), raw=raw), nl=False)
    else:
        for line in text(history):
            typer.echo(line)
