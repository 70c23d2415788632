"""`redress load` and `redress history`: the past, coming in and going out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer

from api.commands.output import RawOption, progress, say, to_csv, to_json
from api.commands.session import session
from api.commands.table_rows import RejectsOption, check_rejects
from api.commands.trouble import REFUSED

if TYPE_CHECKING:
    from api.history_load import RefusedLine
    from replay.history import Entry

_SHOWN: Final = 20

_history = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


class HistoryFormat(StrEnum):
    """How a history is printed."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


def install(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.command("load")(load)
    app.add_typer(_history, name="history", help="What happened: the history of one dispute.")


def load(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="One command a line, as JSON.")],
    *,
    stop_at_first: Annotated[
        bool, typer.Option("--stop-at-first", help="Carry out nothing after the first line that is refused.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; write nothing.")] = False,
    rejects: RejectsOption = None,
) -> None:
    """Load a history: commands with the time at which they happened. Asks for the role credit_manager.

    \b
    Each line: {"command": NAME, "at": TIME, "actor": CODE, "key": KEY, "data": {…}}; names and data as over
    HTTP. CODE is that of the person whose doing it was, who must be registered. With its key a line can be
    loaded again and does nothing. `at` left out: now.

    \b
    redress load history.ndjson --dry-run --key "$KEY"
    redress load history.ndjson --key "$KEY"
    """
    from api.history_load import count_lines, load_history, read_lines

    check_rejects(rejects)
    total = count_lines(file)
    with session(ctx) as here:
        with progress(file.name, total) as advance:
            result = load_history(
                here.company,
                read_lines(file),
                here.actor,
                stop_at_first=stop_at_first,
                dry_run=dry_run,
                progress=lambda done: advance(done, None),
            )
        lead = "would be: " if dry_run else ""
        say(
            f"{file.name}: {lead}{result.changed} carried out, {result.unchanged} without effect,"
            f" {result.repeated} loaded before, {len(result.refused)} refused"
            + (f"; stopped at line {result.refused[-1].line}" if result.stopped else "")
        )
        _report(result.refused, rejects)


def _report(refused: tuple[RefusedLine, ...], file: Path | None) -> None:
    if file is not None:
        records = [{"line": each.line, "command": each.command, "reason": each.reason} for each in refused]
        file.write_text(to_csv(records, columns=("line", "command", "reason")), encoding="utf-8", newline="")
    if not refused:
        return
    for each in refused[:_SHOWN] if file is None else ():
        command = f" ({each.command})" if each.command else ""
        say(f"  line {each.line}{command}: {each.reason}")
    if file is not None:
        say(f"  the refused lines are listed in {file}")
    elif len(refused) > _SHOWN:
        say(f"  … and {len(refused) - _SHOWN} more; --rejects FILE lists them all")
    raise typer.Exit(REFUSED)


# --- the history of a dispute ----------------------------------------------------------------------


@_history.command("dispute")
def history_of_dispute(
    ctx: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="REF", help="Id of the dispute, or its own reference.")],
    *,
    form: Annotated[HistoryFormat, typer.Option("--format", help="How to print it.")] = HistoryFormat.TEXT,
    raw: RawOption = False,
) -> None:
    """One dispute from first to last: who, when (both clocks), what changed from what to what.

    \b
    redress history dispute C-17
    redress history dispute C-17 --format json
    """
    from domain.identity import DisputeId
    from projections.cases import dispute
    from projections.reading import Reading
    from replay.history import dispute_history
    from store.clock import now

    with session(ctx) as here:
        here.company.feed.catch_up()
        reading = Reading(here.company.datastore, here.actor, now())
        (found,) = dispute(reading, _id_or_reference(reference)).rows
        history = dispute_history(here.company.log, DisputeId(found.dispute_id))
    if form is HistoryFormat.JSON:
        typer.echo(
            to_json({"position": history.position, "dispute": found.dispute_id, "entries": history.entries})
        )
    elif form is HistoryFormat.CSV:
        typer.echo(to_csv([_row(entry) for entry in history.entries], raw=raw), nl=False)
    else:
        typer.echo("\n".join(line for entry in history.entries for line in _text(entry)))


def _id_or_reference(told: str) -> UUID | str:
    try:
        return UUID(told)
    except ValueError:
        return told


def _row(entry: Entry) -> dict[str, object]:
    return {
        "position": entry.position,
        "occurred_at": entry.occurred_at.isoformat(),
        "recorded_at": entry.recorded_at.isoformat(),
        "actor": entry.actor_name,
        "role": entry.role,
        "on_behalf_of": entry.original_name,
        "of": entry.stream,
        "name": entry.name,
        "event": entry.event,
        "changes": "; ".join(_changes(entry)),
    }


def _text(entry: Entry) -> Iterator[str]:
    who = entry.actor_name or str(entry.actor)
    behalf = f" for {entry.original_name}" if entry.original_name else ""
    what = entry.event.partition(".")[0].replace("-", " ")
    yield f"{_utc(entry.occurred_at)}  {what}  ({entry.stream} {entry.name or entry.stream_id})"
    yield f"    by {who} as {entry.role}{behalf}, recorded {_utc(entry.recorded_at)} at {entry.position}"
    yield from (f"    {change}" for change in _changes(entry))


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _changes(entry: Entry) -> list[str]:
    return [
        f"{name}: {_said(change.before)} → {_said(change.after)}" for name, change in entry.changes.items()
    ]


def _said(value: object) -> str:
    text = to_json(value, indent=None) if value is not None else "none"
    return text.strip('"')
