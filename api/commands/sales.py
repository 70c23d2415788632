"""`redress sales`: monthly sales that the company states itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.output import Format, FormatOption, RawOption, show
from api.commands.session import session
from api.commands.table_rows import (
    DryRunOption,
    MappingOption,
    RejectsOption,
    TableOptions,
    carry_out,
)
from api.table_shapes import SALES, TableRow
from domain.roles import Permission

if TYPE_CHECKING:
    from domain.catalogue import Settings
    from domain.sales import StateMonthlySales

_sales = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def install(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.add_typer(_sales, name="sales", help="Monthly sales: list, import.")


@_sales.command("list")
def list_sales(ctx: typer.Context, *, form: FormatOption = Format.TABLE, raw: RawOption = False) -> None:
    """Sales by month, entity and currency.

    \b
    redress sales list --format csv
    """
    from projections.paging import PageParameters
    from projections.reading import Reading
    from projections.sales import monthly_sales
    from store.clock import now

    with session(ctx) as here:
        here.company.feed.catch_up()
        reading = Reading(here.company.datastore, here.actor, now())
        records: list[dict[str, object]] = []
        cursor: str | None = None
        while True:
            page = monthly_sales(reading, PageParameters(cursor=cursor, limit=200))
            records += [
                {
                    "month": f"{row.month:%Y-%m}",
                    "entity": row.entity,
                    "currency": row.currency,
                    "amount": row.amount,
                }
                for row in page.rows
            ]
            if (cursor := page.next_cursor) is None:
                break
        show(records, form, raw=raw, empty="no sales were stated")


@_sales.command("import")
def import_sales(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="CSV, XLSX or JSON lines with the columns month, amount, entity, currency.")
    ],
    *,
    mapping: MappingOption = None,
    dry_run: DryRunOption = False,
    rejects: RejectsOption = None,
) -> None:
    """State monthly sales from a file; a month is written 2026-03, or as any of its days.

    Entity and currency are the company's where the file does not say. What a month had before is replaced.

    \b
    redress sales import sales.csv --dry-run
    """
    with session(ctx) as here:
        settings = here.settings
        carry_out(
            here,
            file,
            lambda row: _statement(row, settings),
            permission=Permission.IMPORT,
            shape=SALES,
            options=TableOptions(mapping, dry_run, rejects),
        )


def _statement(row: TableRow, settings: Settings) -> StateMonthlySales:
    from datetime import date
    from decimal import Decimal

    from api.cells import CellRefused, in_smallest_units
    from domain.money import is_currency
    from domain.sales import StateMonthlySales

    currency = row.cells.get("currency", settings.currency)
    if not is_currency(currency):
        row.refuse("currency", f"{currency[:40]!r} is not a currency code; three capital letters are needed")
    try:
        amount = in_smallest_units(Decimal(row.cells["amount"]), currency)
    except CellRefused as refused:
        row.refuse("amount", str(refused))
    month = date.fromisoformat(row.cells["month"])
    return StateMonthlySales(month, row.cells.get("entity", settings.default_entity), currency, amount)
