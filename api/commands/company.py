"""`redress found`: a company begins."""

from __future__ import annotations

from typing import Annotated

import typer

from api.commands.output import say
from api.commands.session import opened


def install(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command()(found)


def found(  # noqa: PLR0913 - what a company can be founded with
    ctx: typer.Context,
    company: Annotated[str, typer.Argument(help="Id of the company: small letters, digits, underscores.")],
    *,
    name: Annotated[str | None, typer.Option(help="Its name; the id if none is given.")] = None,
    zone: Annotated[str, typer.Option(help="Time zone, such as Europe/Paris.")] = "UTC",
    currency: Annotated[str, typer.Option(help="Default currency (ISO 4217).")] = "EUR",
    country: Annotated[
        str | None, typer.Option(help="Country of its public holidays, such as FR or DE-BY.")
    ] = None,
    language: Annotated[str, typer.Option(help="Language of labels.")] = "en",
    entity: Annotated[str, typer.Option(help="Business unit of items that name none.")] = "main",
) -> None:
    """Make a company, with a usable catalogue of statuses.

    \b
    redress found acme --name "Acme Ltd" --currency USD --zone America/New_York --country US
    """
    from domain.catalogue import Settings
    from store.companies import found as found_company

    settings = Settings(
        name or company,
        zone=zone,
        currency=currency,
        language=language,
        country=country,
        default_entity=entity,
    )
    with opened(ctx) as database:
        if found_company(database.conninfo, database.pool, company, settings):
            say(f"founded {company}; next: redress keys create --role credit_manager --name NAME")
        else:
            say(f"the company {company} exists; nothing changed (redress settings change)")
