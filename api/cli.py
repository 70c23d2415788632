"""The command `redress`: its groups of subcommands, its global options, its exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Final

import typer
from typer.main import get_command

from api.commands import (
    catalogue,
    changes,
    company,
    customers,
    exporting,
    history,
    imports,
    items,
    load,
    mappings,
    people,
    replay,
    reporting,
    reports,
    sales,
    scenario,
    serving,
    showing,
    upkeep,
    what_if,
    why,
)
from api.commands.output import say
from api.commands.session import Globals
from api.commands.trouble import INTERRUPTED, MISUSED, REFUSED, explained

_HELP: Final = """Customer disputes in accounts receivable: who owns them, what happened, how long it took.

\b
From nothing to a first report:
  redress serve --demo                                  a sample company to look at
  redress found acme --name "Acme Ltd" --currency USD
  redress import-items invoices.csv --mapping map.toml
  redress report aged-balance

\b
Environment: REDRESS_DATA_DIR, REDRESS_DATABASE_URL (another PostgreSQL; never on the command line, for it may
hold a password), REDRESS_COMPANY, REDRESS_API_KEY.
Exit codes: 0 done; 1 refused, or some rows rejected; 2 wrong usage; 130 interrupted.
"""

app = typer.Typer(
    name="redress",
    help=_HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


@app.callback()
def begin(
    ctx: typer.Context,
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", help="Where the embedded database lives.  [env: REDRESS_DATA_DIR]"),
    ] = None,
    named: Annotated[
        str | None,
        typer.Option("--company", help="Which company, if there are several.  [env: REDRESS_COMPANY]"),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", help="API key of whoever gives the command.  [env: REDRESS_API_KEY]"),
    ] = None,
) -> None:
    """Take the global options."""
    ctx.obj = Globals(data_dir, named, key)


serving.install(app)
company.install(app)
people.install(app)
customers.install(app)
catalogue.install(app)
scenario.install(app)
items.install(app)
imports.install(app)
sales.install(app)
mappings.install(app)
load.install(app)
showing.install(app)
history.install(app)
why.install(app)
replay.install(app)
reports.install(app)
what_if.install(app)
reporting.install(app)
exporting.install(app)
changes.install(app)
upkeep.install(app)


_command: Final = cache(lambda: get_command(app))
"""Put together from all the signatures, which takes longer than most commands."""

_GLOBAL: Final = ("--data-dir", "--company", "--key")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; never a stack trace for a user's mistake."""
    told = _global_first(sys.argv[1:] if arguments is None else list(arguments))
    try:
        code = _command()(told, prog_name="redress", standalone_mode=False)
    except typer.TyperException as error:
        say(f"redress: {_one_line(error)}")
        return MISUSED
    except (KeyboardInterrupt, typer.Abort):
        say("redress: interrupted; what was done before stays")
        return INTERRUPTED
    except Exception as error:
        message = explained(error)
        if message is None:
            raise
        say(f"redress: {message}")
        return REFUSED
    if code == INTERRUPTED:
        say("redress: interrupted; what was done before stays")
    return code if isinstance(code, int) else 0


def _one_line(error: typer.TyperException) -> str:
    message = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)
    return f"{message} (see {context.command_path} --help)" if context else message


def _global_first(arguments: list[str]) -> list[str]:
    """*arguments* with the global options before the command, wherever they stood."""
    front: list[str] = []
    rest: list[str] = []
    remaining = iter(arguments)
    for argument in remaining:
        if argument == "--":
            rest += [argument, *remaining]
        elif argument in _GLOBAL:
            front += [argument, *([value] if (value := next(remaining, None)) is not None else [])]
        elif argument.startswith(tuple(f"{name}=" for name in _GLOBAL)):
            front.append(argument)
        else:
            rest.append(argument)
    return front + rest
