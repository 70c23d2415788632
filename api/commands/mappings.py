"""`redress mappings`: the column mappings that come with redress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.output import Format, FormatOption, show
from api.commands.session import CommandRefused

if TYPE_CHECKING:
    from pathlib import Path


def install(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command("mappings")(mappings)


def mappings(
    name: Annotated[str | None, typer.Argument(help="Print this one, to be copied and changed.")] = None,
    *,
    form: FormatOption = Format.TABLE,
) -> None:
    """The column mappings that come with redress, for import-items --mapping NAME.

    \b
    redress mappings
    redress mappings sap_fbl5n > map.toml
    """
    from api.mapping import shipped_mappings

    shipped = shipped_mappings()
    if name is None:
        show([{"name": each, "of": _purpose(path)} for each, path in shipped.items()], form)
    elif name in shipped:
        typer.echo(shipped[name].read_text(encoding="utf-8"), nl=False)
    else:
        raise CommandRefused(f"there is no mapping {name!r}: give one of {', '.join(shipped)}")


def _purpose(path: Path) -> str:
    """The first sentence of a mapping's own comment."""
    lines = path.read_text(encoding="utf-8").splitlines()
    comment = " ".join(line.lstrip("# ") for line in lines[: lines.index("")])
    return comment.partition(". ")[0].partition(": ")[0].partition("; ")[0].rstrip(".")
