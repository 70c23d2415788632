"""`redress import-items`: open items from a file of the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.output import progress, say
from api.commands.session import CommandRefused, session
from api.commands.table_rows import Rejected, RejectsOption, check_rejects, report_rejects
from domain.imports import ImportMode

if TYPE_CHECKING:
    from api.item_file import ItemMapping
    from api.item_import import ImportResult


def install(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command("import-items")(import_items)


def import_items(  # noqa: PLR0913 - how a file can be imported
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV, TSV or JSON lines.")],
    *,
    mapping: Annotated[
        str,
        typer.Option(help="What its columns mean: a TOML file, or the name of one that comes with redress."),
    ],
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
) -> None:
    """Import items. Importing a file again changes nothing; rows that cannot be read are rejected one by one.

    \b
    redress import-items invoices.csv --mapping map.toml --dry-run
    redress import-items open-items.csv --mapping map.toml --mode full --rejects rejected.csv
    """
    from api.item_import import ImportOptions, item_source
    from api.item_import import import_items as run

    check_rejects(rejects)
    columns = _mapping(mapping)
    options = ImportOptions(mode, dry_run, force, accept_as_new)
    with session(ctx) as here:
        source = item_source(file, columns, here.settings)
        lines = _lines(file)
        with progress(file.name, 2 * lines) as advance:  # each row is read, and then done
            result = run(
                here.company,
                source,
                here.actor,
                options,
                progress=lambda done: advance(lines + done, None),
                reading=lambda read: advance(read, None),
            )
        say(_said(file.name, result, dry_run=dry_run))
        rejected = [Rejected(each.row, each.column, each.reason) for each in result.rejections]
        report_rejects(rejected, rejects)


def _mapping(told: str) -> ItemMapping:
    from api.item_file import read_mapping, shipped_mappings

    shipped = shipped_mappings()
    if told in shipped and not Path(told).is_file():
        return read_mapping(shipped[told])
    if not Path(told).is_file():
        names = ", ".join(shipped)
        raise CommandRefused(f"there is no mapping {told!r}: give a TOML file, or one of {names}")
    return read_mapping(Path(told))


def _lines(file: Path) -> int:
    """About how many rows *file* has: for a progress bar."""
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
