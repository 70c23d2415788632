"""`redress load`: the past, coming in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.commands.output import progress, say, to_csv
from api.commands.session import session
from api.commands.table_rows import RejectsOption, check_rejects
from api.commands.trouble import REFUSED

if TYPE_CHECKING:
    from api.history_load import RefusedLine

_SHOWN: Final = 20


def install(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command("load")(load)


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
