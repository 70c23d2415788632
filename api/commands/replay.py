"""`redress replay`: what each step of the past did to the agenda and to the dispute report."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.commands.output import progress, to_json
from api.commands.session import session
from domain.roles import Permission

if TYPE_CHECKING:
    from replay.steps import End


class ReplayFormat(StrEnum):
    """How steps are printed: for people, or a line of JSON for each."""

    TEXT = "text"
    JSON = "json"


def install(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command("replay")(replay)


def replay(
    ctx: typer.Context,
    *,
    begin: Annotated[
        str | None, typer.Option("--from", help="Position, time or day of the first step; the beginning.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="Position, time or day of the last step; the end.")
    ] = None,
    every: Annotated[
        Literal["decision", "day"],
        typer.Option(help="A step is one decision, or one day."),
    ] = "decision",
    form: Annotated[ReplayFormat, typer.Option("--format", help="How to print it.")] = ReplayFormat.TEXT,
) -> None:
    """Replay the log step by step: who did what, and what it did to the agenda and the dispute report.

    Asks for the right to read the log. Days are those on which the log took something, in the company's zone;
    both reports are as at now, as known before and after each step.

    \b
    redress replay --from 120 --to 180 --key "$KEY"
    redress replay --from 2026-03-01 --to 2026-03-31 --every day --key "$KEY"
    redress replay --from 120 --format json --key "$KEY" > steps.ndjson
    """
    from api.step_lines import lines
    from projections.reading import Reading
    from replay.steps import Every, steps
    from store.clock import now

    first, last = _end("--from", begin), _end("--to", end)
    with session(ctx) as here:
        here.require(Permission.READ_LOG)
        with progress("reading the log") as advance:
            here.company.feed.catch_up(progress=advance)
        reading = Reading(here.company.datastore, here.actor, now())
        for step in steps(reading, here.company.log, first, last, Every(every)):
            if form is ReplayFormat.JSON:
                typer.echo(to_json(step, indent=None))
            else:
                typer.echo("\n".join(lines(step)))


def _end(option: str, told: str | None) -> End:
    """What an end of the range means. Raises CommandRefused."""
    from pydantic import TypeAdapter, ValidationError

    from api.commands.option_refused import message_of
    from api.commands.session import CommandRefused
    from api.queries import PositionOrTime

    if told is None:
        return None
    try:
        found: End = TypeAdapter(PositionOrTime).validate_python(told)
    except ValidationError as error:
        raise CommandRefused(f"{option}: {message_of(error)}") from None
    return found
