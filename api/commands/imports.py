"""`redress imports`: which files came in, and what they did."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from api.commands.clocks import AsAtOption, KnownAtOption, clocks_of
from api.commands.output import Format, FormatOption, RawOption, show
from api.commands.session import session
from api.commands.showing import found_thing, print_thing
from domain.roles import Permission

_imports = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

_RIGHTS = (Permission.IMPORT, Permission.READ_LOG)
_LISTED = (
    "import_id", "file_name", "mode", "changed_at", "registered", "corrected", "cleared", "reinstated",
    "unchanged", "rejected", "undone", "left_as_is", "is_finished",
)  # fmt: skip


def install(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.add_typer(_imports, name="imports", help="Imports of items: list, show.")


@_imports.command("list")
def list_imports(ctx: typer.Context, *, form: FormatOption = Format.TABLE, raw: RawOption = False) -> None:
    """Imports of items, the last changed first; by its id `redress undo-import` takes one back.

    \b
    redress imports list
    redress imports list --format csv
    """
    from projections.directory import imports
    from projections.paging import PageParameters
    from projections.reading import Reading
    from store.clock import now

    with session(ctx) as here:
        here.company.feed.catch_up()
        reading = Reading(here.company.datastore, here.actor, now())
        records: list[dict[str, object]] = []
        cursor: str | None = None
        while True:
            page = imports(reading, PageParameters(cursor=cursor, limit=200))
            records += [{name: getattr(row, name) for name in _LISTED} for row in page.rows]
            if (cursor := page.next_cursor) is None:
                break
        show(records, form, raw=raw, empty="no imports yet")


@_imports.command("show")
def show_import(
    ctx: typer.Context,
    import_id: Annotated[
        UUID, typer.Argument(metavar="ID", help="The import, as `redress imports list` names it.")
    ],
    *,
    as_at: AsAtOption = None,
    known_at: KnownAtOption = None,
    form: FormatOption = Format.TABLE,
    raw: RawOption = False,
) -> None:
    """One import: its file, what it did, and what an undoing took back; as it is or as it was.

    \b
    redress imports show 019a2b3c-… --format json
    redress imports show 019a2b3c-… --known-at 18230
    """
    from projections.directory import import_

    clocks = clocks_of("imports show", as_at, known_at)
    with session(ctx) as here:
        found = found_thing(here, import_, import_id, clocks, "import", *_RIGHTS)
    print_thing(found, form, raw=raw)
