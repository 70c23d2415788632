"""`redress customers`: buyers, their collectors and sales managers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.output import Format, FormatOption, RawOption, say, show
from api.commands.people import known_person
from api.commands.session import session
from api.commands.table_rows import (
    DryRunOption,
    MappingOption,
    RejectsOption,
    TableOptions,
    carry_out,
)
from api.commands.taken_away import cell, told_or_not
from api.table_shapes import CUSTOMERS, TableRow
from domain.identity import person_id
from domain.roles import Permission

if TYPE_CHECKING:
    from domain.commands import Unchanged
    from domain.customer import RegisterCustomer
    from domain.identity import PersonId

_customers = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def install(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.add_typer(_customers, name="customers", help="Buyers: list, register, import.")


@_customers.command("list")
def list_customers(
    ctx: typer.Context,
    *,
    text: Annotated[str | None, typer.Option(help="Words that must occur in code or name.")] = None,
    collector: Annotated[str | None, typer.Option(help="Code of their collector.")] = None,
    form: FormatOption = Format.TABLE,
    raw: RawOption = False,
) -> None:
    """Customers by code, with collector and sales manager.

    \b
    redress customers list --collector c1
    """
    from projections.directory import CustomerList, customers
    from projections.reading import Reading
    from store.clock import now

    with session(ctx) as here:
        here.company.feed.catch_up()
        reading = Reading(here.company.datastore, here.actor, now())
        records: list[dict[str, object]] = []
        cursor: str | None = None
        while True:
            wanted = CustomerList(
                text=text, collector=person_id(collector) if collector else None, cursor=cursor, limit=200
            )
            page = customers(reading, wanted)
            records += [
                {
                    "code": row.code,
                    "name": row.name,
                    "collector": row.collector,
                    "sales_manager": row.sales_manager,
                    "attributes": row.attributes,
                }
                for row in page.rows
            ]
            if (cursor := page.next_cursor) is None:
                break
        show(records, form, raw=raw, empty="no customers")


@_customers.command("register")
def register_customer(  # noqa: PLR0913 - what can be said of one
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(help="Code of the customer.")],
    *,
    name: Annotated[str | None, typer.Option(help="Name; the code if none is given.")] = None,
    collector: Annotated[
        str | None, typer.Option(help="Code of the person who owns its receivables.")
    ] = None,
    no_collector: Annotated[
        bool, typer.Option("--no-collector", help="Nobody owns its receivables any more.")
    ] = False,
    sales_manager: Annotated[str | None, typer.Option(help="Code of its sales manager.")] = None,
    no_sales_manager: Annotated[
        bool, typer.Option("--no-sales-manager", help="It has no sales manager any more.")
    ] = False,
    attribute: Annotated[
        list[str] | None, typer.Option(help="name=value; may be repeated. All together replace the old ones.")
    ] = None,
) -> None:
    """Register a customer, or change what is given of the one with this code.

    \b
    redress customers register 4711 --name "Acme Ltd" --collector c1 --attribute sector=north
    """
    from domain.customer import RegisterCustomer
    from projections.parameters import attribute_filter

    with session(ctx) as here:
        command = RegisterCustomer(
            code,
            name,
            attribute_filter(attribute) if attribute else None,
            told_or_not(
                known_person(here, collector).id if collector else None,
                "--collector",
                taken_away=no_collector,
            ),
            told_or_not(
                known_person(here, sales_manager).id if sales_manager else None,
                "--sales-manager",
                taken_away=no_sales_manager,
            ),
        )
        say(f"{code} is registered" if here.give(command) else f"{code} is so already")


@_customers.command("import")
def import_customers(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(help="CSV, XLSX or JSON lines with the columns code, name, collector, sales_manager."),
    ],
    *,
    mapping: MappingOption = None,
    dry_run: DryRunOption = False,
    rejects: RejectsOption = None,
) -> None:
    """Register customers from a file. Other columns are attributes. Empty cells leave things as they are, and
    so do columns that the file does not have. A hyphen (-) in collector or sales_manager takes that person
    away.

    \b
    redress customers import customers.csv --rejects rejected.csv
    """
    with session(ctx) as here:
        carry_out(
            here,
            file,
            _registration,
            permission=Permission.IMPORT,
            shape=CUSTOMERS,
            options=TableOptions(mapping, dry_run, rejects),
            people_in=("collector", "sales_manager"),
        )


def _registration(row: TableRow) -> RegisterCustomer:
    from domain.customer import RegisterCustomer

    told = dict(row.cells)
    code, name = told.pop("code"), told.pop("name", None)
    collector, manager = _person(told, "collector"), _person(told, "sales_manager")
    return RegisterCustomer(code, name, told or None, collector, manager, other_attributes_stay=True)


def _person(cells: dict[str, str], column: str) -> PersonId | Unchanged | None:
    told = cell(cells, column)
    cells.pop(column, None)
    return person_id(told) if isinstance(told, str) else told
