"""`redress reporting`: who may analyse a company's data with SQL, and how they get in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from api.commands.output import Format as Form
from api.commands.output import FormatOption, say, show
from api.commands.session import CommandRefused, session
from domain.roles import Permission, Role

_reporting = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

_LONGEST_DAY: Final = 86_400

RoleOption = Annotated[str, typer.Option("--role", help="Name of the role of the database.")]


def install(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.add_typer(_reporting, name="reporting", help="Views for analysts: SQL, DuckDB, pandas, Power BI.")


@_reporting.command()
def grant(
    ctx: typer.Context,
    role: RoleOption,
    *,
    password_from: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A file whose first line is its password; - for standard input."),
    ] = None,
    timeout: Annotated[
        int, typer.Option(min=1, max=_LONGEST_DAY, help="Seconds after which a statement is cut off.")
    ] = 60,
    with_log: Annotated[
        bool, typer.Option("--with-log", help="Also the log (view events), which holds what people wrote.")
    ] = False,
) -> None:
    """Let a role of the database read the company's views, and nothing else. It is made if there is none.

    Asks for who may make analysts; with --with-log, auditors. Said again it changes the timeout, the log, and
    the password if one is given, and gives the views that an upgrade added.

    \b
    redress reporting grant --role ana --password-from password.txt
    """
    from domain.roles import require_givable
    from store import analysts

    password = _password(password_from)
    with session(ctx) as here:
        require_givable(here.actor, Role.AUDITOR if with_log else Role.ANALYST)
        made = analysts.grant(
            here.company.datastore, role, password=password, timeout=timeout, with_log=with_log
        )
        schema = analysts.reporting_schema(here.company.datastore)
        say(f"{'made the role ' if made else ''}{role}: may read {schema}, statements end after {timeout} s")
        if made and password is None:
            say(f"{role} has no password: it gets in only where the server asks for none")


def _password(source: str | None) -> str | None:
    if source is None:
        return None
    if source == "-":
        line = sys.stdin.readline()
    else:
        with Path(source).open(encoding="utf-8") as lines:
            line = lines.readline()
    password = line.rstrip("\r\n")
    if not password:
        raise CommandRefused(f"the first line of {source} is empty: there the password stands")
    return password


@_reporting.command()
def revoke(ctx: typer.Context, role: RoleOption) -> None:
    """Take the company's views away from a role of the database. The role itself stays.

    \b
    redress reporting revoke --role ana
    """
    from domain.roles import require_givable
    from store import analysts

    with session(ctx) as here:
        require_givable(here.actor, Role.ANALYST)
        analysts.revoke(here.company.datastore, role)
        say(f"{role} can no longer read {analysts.reporting_schema(here.company.datastore)}")


@_reporting.command("show")
def show_views(
    ctx: typer.Context,
    *,
    role: Annotated[str, typer.Option("--role", help="Who will connect.")] = "ROLE",
    line_only: Annotated[
        bool, typer.Option("--connection", help="Print the connection string alone.")
    ] = False,
    form: FormatOption = Form.TABLE,
) -> None:
    """How analysts connect, and the views that they find there.

    \b
    redress reporting show
    psql "$(redress reporting show --role ana --connection)"
    """
    from store import analysts

    with session(ctx) as here:
        here.require(Permission.READ_RECEIVABLES)
        line = analysts.connection_line(here.company.datastore, role)
        if line_only:
            typer.echo(line)
            return
        found = analysts.views(here.company.datastore)
        show([{"view": each.view, "what": each.what} for each in found], form)
        say(f'\npsql "{line}"')
        if here.database.is_own:
            say(
                "while `redress serve` runs on this machine: the embedded server listens on that socket alone"
            )
