"""`redress rebuild` and `verify`: the read side made anew, and compared with the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.output import progress, say, stages
from api.commands.session import CommandRefused, opened, session, settings_of_service
from api.commands.trouble import REFUSED
from domain.roles import Permission

if TYPE_CHECKING:
    from pathlib import Path

    from api.database import OpenCompany
    from api.settings import Settings
    from replay.verify import Difference


def install(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.command()(rebuild)
    app.command()(verify)


def rebuild(
    ctx: typer.Context,
    reports: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[REPORT]...", help="Only the tables that these reports read; all by default."
        ),
    ] = None,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Also where there does not seem to be room enough.")
    ] = False,
) -> None:
    """Compute the read models anew from the log, while the service keeps working.

    Says before how much room it takes. Until the new ones are complete and up to date the live ones stay as
    they are, also when it is broken off (Ctrl-C).

    \b
    redress rebuild
    redress rebuild --company acme
    redress rebuild agenda aged-balance
    """
    from replay.rebuild import rebuild as make_anew

    tables = _tables(reports or [])
    with _companies(ctx) as found:
        for company, _ in found:
            _say_space(settings_of_service(ctx), company, tables, force=force)
            with stages() as advance:
                made = make_anew(company.datastore, company.log, advance, tables=tables)
            say(f"{company.id}: {made.events} events folded; the new tables are true up to {made.position}")


def _tables(reports: list[str]) -> frozenset[str]:
    """The tables that any of *reports* reads; all of none. Raises CommandRefused."""
    from projections.report_tables import KINDS, READ

    if unknown := [name for name in reports if name not in READ]:
        raise CommandRefused(f"there is no report {unknown[0]!r}; there are: {', '.join(READ)}")
    return frozenset().union(*(READ[name] for name in reports)) if reports else frozenset(KINDS)


def _say_space(settings: Settings, company: OpenCompany, tables: frozenset[str], *, force: bool) -> None:
    """Say what room *tables* take, and of the embedded database what is free. Raises NotEnoughSpace."""
    from replay.space import NotEnoughSpace, in_words, space_for

    space = space_for(company.datastore, tables)
    free = ""
    if (place := _disk(settings)) is not None:
        try:
            free = f"; {in_words(space.check(place))} are free"
        except NotEnoughSpace:
            if not force:
                raise
    kept, more = in_words(space.tables), in_words(space.meanwhile)
    say(f"{company.id}: takes about {kept} beside the live tables, and up to {more} while it runs{free}")


def verify(ctx: typer.Context) -> None:
    """Check the log, and that the read models equal it. Exit code 1 if something is not as it must be.

    \b
    redress verify
    """
    from projections.feed import FeedFailed
    from replay.verify import verify as compare

    sound = True
    with _companies(ctx) as found:
        for company, may_read in found:
            try:
                company.feed.catch_up()
            except FeedFailed as failure:
                say(f"{company.id}: {failure}")
                sound = False
            with progress(f"verifying {company.id}") as advance:
                outcome = compare(company.datastore, company.log, progress=advance)
            sound = sound and outcome.is_sound
            for difference in outcome.differences:
                typer.echo(_told(difference, with_values=may_read))
            result = "no difference" if outcome.is_sound else f"{len(outcome.differences)} differences"
            events, rows = outcome.events, outcome.rows
            say(f"{company.id}: {result}; {events} events and {rows} rows at position {outcome.position}")
    if not sound:
        raise typer.Exit(REFUSED)


def _told(difference: Difference, *, with_values: bool) -> str:
    """What differs and where; what is there instead may be personal: for those who may read the log."""
    since = f" since {difference.since}" if difference.since is not None else ""
    return (
        str(difference) if with_values else f"{difference.where} {difference.key}{since}: {difference.what}"
    )


def _disk(settings: Settings) -> Path | None:
    """Where the database's files are, if it is the embedded one."""
    place = settings.data_dir
    return place if settings.database_url is None and place.is_dir() else None


@contextmanager
def _companies(ctx: typer.Context) -> Iterator[list[tuple[OpenCompany, bool]]]:
    """The company that is named, else all, each with whether its log may be shown.

    The owner of the embedded database keeps it in order without a key. Raises RoleForbids.
    """
    settings = settings_of_service(ctx)
    keyless = ctx.obj.key is None and settings.api_key is None
    if keyless and settings.company is None and settings.database_url is None:
        with opened(ctx) as database:
            yield [(database.company(name), False) for name in database.companies()]
        return
    with session(ctx) as here:
        if not keyless:
            here.require(Permission.READ_LOG)
        yield [(here.company, here.has(Permission.READ_LOG))]
