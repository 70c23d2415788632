"""`redress import-items` and `redress undo-import`: open items from a file of the ledger, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer

from api.commands.output import progress, say, to_csv
from api.commands.session import CommandRefused, session
from api.commands.table_rows import RejectsOption, check_rejects, report_rejects
from api.commands.trouble import REFUSED
from api.table_shapes import Rejected
from domain.identity import ImportId
from domain.imports import ImportMode

if TYPE_CHECKING:
    from api.import_undo import LeftAsIs, UndoResult
    from api.item_file import ItemMapping
    from api.item_import import ImportResult

_SHOWN: Final = 10


def install(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command("import-items")(import_items)
    app.command("undo-import")(undo_import)


def import_items(  # noqa: PLR0913 - how a file can be imported
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV, TSV, XLSX or JSON lines.")],
    *,
    mapping: Annotated[
        str | None,
        typer.Option(
            help="What its columns mean: a TOML file, or the name of one that comes with redress"
            " (see `redress mappings`)."
        ),
    ] = None,
    mode: Annotated[
        ImportMode, typer.Option(help="delta: the file holds changes. full: what it does not hold is paid.")
    ] = ImportMode.DELTA,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; write nothing.")] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Full: clear what is missing, however much and whatever was rejected."),
    ] = False,
    accept_as_new: Annotated[
        bool,
        typer.Option(
            "--accept-as-new", help="Numbers that equal others but for leading zeros are new items."
        ),
    ] = False,
    rejects: RejectsOption = None,
    guess: Annotated[
        bool, typer.Option("--guess", help="Import nothing, but look at the file and propose a mapping.")
    ] = False,
    output: Annotated[Path | None, typer.Option(help="With --guess: where to write the mapping.")] = None,
    date: Annotated[
        str | None, typer.Option(help="With --guess: the format of dates with two readings: d/m/yyyy.")
    ] = None,
    decimal: Annotated[
        str | None, typer.Option(help="With --guess: the decimal mark of amounts with two readings.")
    ] = None,
) -> None:
    """Import items. Importing a file again changes nothing; rows that cannot be read are rejected one by one.

    \b
    redress import-items invoices.csv --guess --output map.toml
    redress import-items invoices.csv --mapping map.toml --dry-run
    redress import-items open-items.csv --mapping map.toml --mode full --rejects rejected.csv
    """
    from api.item_import import ImportOptions, item_source
    from api.item_import import import_items as run

    if guess:
        _propose(file, output, date, decimal)
        return
    if mapping is None:
        raise typer.BadParameter("Missing option '--mapping'; to have one proposed give --guess")
    check_rejects(rejects)
    columns = _mapping(mapping)
    options = ImportOptions(mode, dry_run, force, accept_as_new)
    with session(ctx) as here:
        source = item_source(file, columns, here.settings)
        lines = _lines(file)
        with progress(file.name, 2 * lines if lines else None) as advance:  # each row is read, and then done
            result = run(
                here.company,
                source,
                here.actor,
                options,
                progress=lambda done: advance((lines or 0) + done, None),
                reading=lambda read: advance(read, None),
            )
        say(_said(file.name, result, dry_run=dry_run))
        rejected = [Rejected(each.row, each.column, each.reason) for each in result.rejections]
        report_rejects(rejected, rejects)


def _propose(file: Path, output: Path | None, date: str | None, decimal: str | None) -> None:
    from api.guess.proposal import propose

    if output is not None and output.exists():
        raise CommandRefused(f"--output: {output} is there already; name another file, or move it away")
    proposal = propose(file, date=date, decimal=decimal)
    if output is None:
        typer.echo(proposal.text, nl=False)
    else:
        output.write_text(proposal.text, encoding="utf-8")
    counts = f"{proposal.items} items and {len(proposal.rejected)} rejected rows"
    say(f"{file.name}: with the proposed mapping: {counts}; look through it before you use it")


def _mapping(told: str) -> ItemMapping:
    from api.item_file import read_mapping, shipped_mappings

    shipped = shipped_mappings()
    if told in shipped and not Path(told).is_file():
        return read_mapping(shipped[told])
    if not Path(told).is_file():
        names = ", ".join(shipped)
        raise CommandRefused(f"there is no mapping {told!r}: give a TOML file, or one of {names}")
    return read_mapping(Path(told))


def _lines(file: Path) -> int | None:
    """About how many rows *file* has: for a progress bar. None if that shows only when it is read."""
    from api.workbook import is_workbook

    if is_workbook(file):
        return None
    with file.open("rb") as content:
        return sum(block.count(b"\n") for block in iter(lambda: content.read(2**20), b""))


def _said(name: str, result: ImportResult, *, dry_run: bool) -> str:
    counts = result.counts
    told = {
        "registered": counts.registered,
        "corrected": counts.corrected,
        "reinstated": counts.reinstated,
        "cleared": counts.cleared,
        "unchanged": counts.unchanged,
        "rejected": counts.rejected,
    }
    parts = [f"{number} {word}" for word, number in told.items() if number]
    lead = f"{name}: would be: " if dry_run else f"{name}: "
    text = lead + (", ".join(parts) or "no rows")
    if result.missing:
        text += f"; {result.missing} of the cleared because the file does not have them"
    if result.kept:
        text += (
            f"; {result.kept} that the file does not have stay open: rejected rows may be theirs (--force)"
        )
    if result.import_id is None and not dry_run:
        text += "; nothing was recorded"
    elif not dry_run:
        text += f"; import {result.import_id}"
    return text


def undo_import(
    ctx: typer.Context,
    import_id: Annotated[
        UUID,
        typer.Argument(
            metavar="ID", help="The import, as import-items named it: see `redress imports list`."
        ),
    ],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; write nothing.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Take back also what something newer depends on.")
    ] = False,
    left: Annotated[
        Path | None, typer.Option("--left", help="Where the items that had to be left are listed, as CSV.")
    ] = None,
) -> None:
    """Take back what an import did: registered items go, corrected and cleared ones are as before.

    Disputes and follow-up actions that it ended continue. What something newer depends on is listed and left.

    \b
    redress undo-import 019a2b3c-… --dry-run
    redress undo-import 019a2b3c-… --left left.csv
    """
    from api.import_undo import UndoOptions
    from api.import_undo import undo_import as run

    check_rejects(left, "--left")
    with session(ctx) as here:
        with progress("undoing", None) as advance:
            options = UndoOptions(dry_run=dry_run, force=force)
            result = run(here.company, ImportId(import_id), here.actor, options, advance)
        say(_undone(result, dry_run=dry_run))
        _report_left(result.left, left)


def _undone(result: UndoResult, *, dry_run: bool) -> str:
    told = {"undone": result.undone, "undone before": result.unchanged, "left as they are": len(result.left)}
    parts = [f"{number} {word}" for word, number in told.items() if number]
    lead = "would be: " if dry_run else ""
    return f"import {result.import_id}: {lead}" + (", ".join(parts) or "it did nothing")


def _report_left(left: tuple[LeftAsIs, ...], file: Path | None) -> None:
    if not left:
        return
    if file is not None:
        records = [
            {
                "customer": each.customer_code,
                "entity": each.entity,
                "number": each.number,
                "reason": each.reason,
            }
            for each in left
        ]
        file.write_text(to_csv(records), encoding="utf-8", newline="")
        say(f"left as they are: listed in {file}")
    else:
        for each in left[:_SHOWN]:
            say(f"  {each.customer_code} {each.number}: {each.reason}")
        if len(left) > _SHOWN:
            say(f"  … and {len(left) - _SHOWN} more; --left FILE lists them all")
    raise typer.Exit(REFUSED)
