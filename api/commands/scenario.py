"""`redress scenario`: the steps of the collection scenario."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.output import Format, FormatOption, RawOption, say, show
from api.commands.session import session
from api.commands.table_rows import (
    DryRunOption,
    MappingOption,
    RejectsOption,
    TableOptions,
    carry_out,
)
from api.table_shapes import SCENARIO, TableRow
from domain.roles import Permission
from domain.scenario import StepKind

if TYPE_CHECKING:
    from domain.scenario import DefineScenarioStep

_scenario = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def install(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.add_typer(
        _scenario, name="scenario", help="Steps of the collection scenario: list, define, import, retire."
    )


@_scenario.command("list")
def list_steps(ctx: typer.Context, *, form: FormatOption = Format.TABLE, raw: RawOption = False) -> None:
    """The steps in their order, retired ones too.

    \b
    redress scenario list
    """
    from projections.reading import Reading
    from projections.scenario import scenario_steps
    from store.clock import now

    with session(ctx) as here:
        here.company.feed.catch_up()
        found = scenario_steps(Reading(here.company.datastore, here.actor, now()))
        records = [
            {name: value for name, value in asdict(row).items() if name != "version"} for row in found.rows
        ]
        show(records, form, raw=raw, empty="no steps")


@_scenario.command("define")
def define_step(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(help="Code of the step.")],
    *,
    days: Annotated[
        int | None,
        typer.Option(help="After the oldest item's due date; below 0: before it (--days=-7)."),
    ] = None,
    kind: Annotated[StepKind | None, typer.Option(help="How the customer is reminded.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="LANGUAGE=TEXT; may be repeated.")] = None,
    minimum_amount: Annotated[
        str | None, typer.Option(help="Below it the step is left out; a figure in each currency.")
    ] = None,
    back_into_use: Annotated[bool, typer.Option("--back-into-use", help="Use a retired step again.")] = False,
) -> None:
    """Define a step, or redefine the one with this code: what is not given stays. Days say its place.

    \b
    redress scenario define second_reminder --days 15 --kind letter --label "en=Second reminder"
    """
    from domain.scenario import DefineScenarioStep
    from projections.parameters import attribute_filter

    labels = None if label is None else attribute_filter(label)
    command = DefineScenarioStep(code, days, kind, labels, _amount(minimum_amount), back_into_use)
    with session(ctx) as here:
        say(f"{code} is defined" if here.give(command) else f"{code} is so already")


def _amount(told: str | None) -> Decimal | None:
    try:
        amount = None if told is None else Decimal(told)
    except InvalidOperation:
        amount = Decimal("nan")
    if amount is not None and not amount.is_finite():
        raise typer.BadParameter("--minimum-amount is an amount, such as 50.00")
    return amount


@_scenario.command("import")
def import_steps(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV, XLSX or JSON lines with the columns code, days, kind, minimum_amount; all others are"
            " labels and named after their language."
        ),
    ],
    *,
    mapping: MappingOption = None,
    dry_run: DryRunOption = False,
    rejects: RejectsOption = None,
) -> None:
    """Define steps from a file; an empty cell leaves what is there. Steps that the file does not name stay.

    \b
    redress scenario import scenario.csv --dry-run
    """
    with session(ctx) as here:
        carry_out(
            here,
            file,
            _definition,
            permission=Permission.CATALOGUE,
            shape=SCENARIO,
            options=TableOptions(mapping, dry_run, rejects),
        )


def _definition(row: TableRow) -> DefineScenarioStep:
    from domain.scenario import DefineScenarioStep

    cells = row.cells
    days, kind, minimum = cells.get("days"), cells.get("kind"), cells.get("minimum_amount")
    if days is not None and not days.removeprefix("-").isdecimal():
        row.refuse("days", f"{days[:40]!r} is not a number of days, such as 15 or -7")
    if kind is not None and kind not in set(StepKind):
        row.refuse("kind", f"{kind[:40]!r} is none of: {', '.join(StepKind)}")
    labels = {name: text for name, text in cells.items() if name not in SCENARIO.fields}
    return DefineScenarioStep(
        cells["code"],
        None if days is None else int(days),
        None if kind is None else StepKind(kind),
        labels or None,
        None if minimum is None else Decimal(minimum),
        back_into_use=True,
    )


@_scenario.command("retire")
def retire_step(ctx: typer.Context, code: Annotated[str, typer.Argument(help="Code of the step.")]) -> None:
    """Take a step out of the scenario; what was done by it stays readable.

    \b
    redress scenario retire call
    """
    from domain.scenario import RetireScenarioStep

    with session(ctx) as here:
        say(f"{code} is retired" if here.give(RetireScenarioStep(code)) else f"{code} was retired already")
