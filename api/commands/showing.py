"""`redress show`: one dispute, item, follow-up action or customer, as it is or as it was at any moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from api.commands.clocks import AsAtOption, KnownAtOption, clocks_of
from api.commands.output import Format, FormatOption, RawOption, show, to_json
from api.commands.session import Session, session
from api.commands.why import CustomerOption, EntityOption, ItemArgument, item_meant
from domain.roles import Permission

if TYPE_CHECKING:
    from projections.absence import AskOne
    from projections.parameters import Parameters

_show = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def install(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.add_typer(_show, name="show", help="One thing, as it is or as it was at any moment.")


@_show.command("dispute")
def show_dispute(
    ctx: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="REF", help="Id of the dispute, or its own reference.")],
    *,
    as_at: AsAtOption = None,
    known_at: KnownAtOption = None,
    form: FormatOption = Format.TABLE,
    raw: RawOption = False,
) -> None:
    """One dispute.

    \b
    redress show dispute C-17 --as-at 2026-03-31
    """
    from projections.cases import dispute

    clocks = clocks_of("show dispute", as_at, known_at)
    with session(ctx) as here:
        found = found_thing(
            here, dispute, id_or_reference(reference), clocks, "dispute", Permission.READ_DISPUTES
        )
    print_thing(found, form, raw=raw)


@_show.command("follow-up")
def show_follow_up(
    ctx: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="REF", help="Id of the action, or its own reference.")],
    *,
    as_at: AsAtOption = None,
    known_at: KnownAtOption = None,
    form: FormatOption = Format.TABLE,
    raw: RawOption = False,
) -> None:
    """One follow-up action.

    \b
    redress show follow-up C-17/2 --known-at 18230
    """
    from projections.cases import follow_up

    clocks = clocks_of("show follow-up", as_at, known_at)
    thing, permission = "follow-up action", Permission.READ_DISPUTES
    with session(ctx) as here:
        found = found_thing(here, follow_up, id_or_reference(reference), clocks, thing, permission)
    print_thing(found, form, raw=raw)


@_show.command("item")
def show_item(  # noqa: PLR0913 - an item takes up to three words to name
    ctx: typer.Context,
    item: ItemArgument,
    *,
    customer: CustomerOption = None,
    entity: EntityOption = None,
    as_at: AsAtOption = None,
    known_at: KnownAtOption = None,
    form: FormatOption = Format.TABLE,
    raw: RawOption = False,
) -> None:
    """One item.

    \b
    redress show item F-1001 --customer C1 --as-at 2026-03-31 --format json
    """
    from projections.search import item as ask

    clocks = clocks_of("show item", as_at, known_at)
    with session(ctx) as here:
        meant = item_meant(here, item, customer, entity)
        found = found_thing(here, ask, meant, clocks, "item", Permission.READ_ITEMS)
    print_thing(found, form, raw=raw)


@_show.command("customer")
def show_customer(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(metavar="CODE", help="Code of the customer, or its id.")],
    *,
    known_at: KnownAtOption = None,
    form: FormatOption = Format.TABLE,
    raw: RawOption = False,
) -> None:
    """One customer. Master data are read by known-at alone: there is no as-at.

    \b
    redress show customer C1 --known-at 2026-03-31T12:00:00Z
    """
    from projections.directory import customer

    clocks = clocks_of("show customer", None, known_at)
    with session(ctx) as here:
        rights = (Permission.READ_ITEMS, Permission.IMPORT)
        found = found_thing(here, customer, id_or_reference(code), clocks, "customer", *rights)
    print_thing(found, form, raw=raw)


def id_or_reference(told: str) -> UUID | str:
    """*told* as the id that it is, or else as it stands."""
    try:
        return UUID(told)
    except ValueError:
        return told


def found_thing(
    here: Session, ask: AskOne, key: UUID | str, clocks: Parameters, thing: str, *permissions: Permission
) -> dict[str, object]:
    """The fields of the *thing*, after the clocks as they were understood; *permissions* are those of which
    *ask* wants one. Raises Unknown, NotThereThen, NotYours."""
    from domain.refusals import Unknown
    from projections.absence import explain_absence
    from projections.parameters import Parameters, record
    from projections.reading import Reading
    from store.clock import now

    here.company.feed.catch_up()
    reading = Reading(here.company.datastore, here.actor, now())
    try:
        found = ask(reading, key, clocks)
    except Unknown:
        if clocks != Parameters():
            explain_absence(ask, reading, key, clocks, thing=thing, permissions=permissions)
        raise
    (row,) = found.rows
    return {"position": found.position, "parameters": found.parameters, **record(row)}


def print_thing(found: dict[str, object], form: Format, *, raw: bool) -> None:
    """Its fields, one a line, or as JSON."""
    if form is Format.JSON:
        typer.echo(to_json(found))
    else:
        show([{"field": name, "value": value} for name, value in found.items()], form, raw=raw)
