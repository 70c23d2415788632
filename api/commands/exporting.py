"""`redress export`: data for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.commands.clocks import AsAtOption, KnownAtOption, clocks_of
from api.commands.output import progress, say, stages
from api.commands.session import session
from domain.roles import Permission

_export = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def install(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.add_typer(_export, name="export", help="Files for DuckDB, pandas, Power BI.")


@_export.command("parquet")
def parquet(
    ctx: typer.Context,
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where the files go; made if it is missing.")
    ],
    *,
    as_at: AsAtOption = None,
    known_at: KnownAtOption = None,
    only: Annotated[
        str | None, typer.Option(metavar="TABLES", help="Of items,disputes,episodes,follow_ups,events.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier export there.")] = False,
) -> None:
    """Write items, disputes, episodes, follow-up actions and events as Parquet, with a manifest.

    Asks for the right to read the log. docs/reference/reporting.md says what the columns mean.

    \b
    redress export parquet star
    redress export parquet march --as-at 2026-03-31 --only disputes,episodes
    """
    from projections.reading import Reading
    from replay.parquet_export import TABLES, export_parquet
    from store.clock import now

    parameters = clocks_of("an export", as_at, known_at)
    with session(ctx) as here:
        here.require(Permission.READ_LOG)
        with progress("reading the log") as advance:
            here.company.feed.catch_up(progress=advance)
        with stages() as tell:
            manifest = export_parquet(
                Reading(here.company.datastore, here.actor, now()),
                directory,
                parameters,
                only=tuple(TABLES) if only is None else [each.strip() for each in only.split(",")],
                overwrite=overwrite,
                progress=tell,
            )
        rows = ", ".join(f"{each.rows} {each.name.removesuffix('.parquet')}" for each in manifest.files)
        say(f"{directory}: {rows}; at position {manifest.position}")
