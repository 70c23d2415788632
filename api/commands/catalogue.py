"""`redress settings` and `redress statuses`: what the company sets for itself."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.clocks import KnownAtOption, clocks_of
from api.commands.output import Format, FormatOption, RawOption, say, show, to_json
from api.commands.session import Session, session
from api.commands.taken_away import told_or_not
from domain.catalogue import StatusKind

if TYPE_CHECKING:
    from domain.catalogue import AssignmentField, Company, Settings
    from projections.parameters import Parameters

_settings = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
_statuses = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def install(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.add_typer(_settings, name="settings", help="Settings of the company: show, change.")
    app.add_typer(_statuses, name="statuses", help="Catalogue of item statuses: list, define, retire.")


# --- settings --------------------------------------------------------------------------------------


@_settings.command("show")
def show_settings(
    ctx: typer.Context,
    *,
    known_at: KnownAtOption = None,
    form: FormatOption = Format.TABLE,
    raw: RawOption = False,
) -> None:
    """All settings of the company, as they are or as they were known at some time.

    \b
    redress settings show --format json
    redress settings show --known-at 2026-03-31T12:00:00Z
    """
    from projections.directory import DIRECTORY

    clocks = clocks_of("settings show", None, known_at)
    with session(ctx) as here:
        here.require(*DIRECTORY)
        settings = asdict(_settings_at(here, clocks))
    if form is Format.JSON:
        typer.echo(to_json(settings))
    else:
        show([{"setting": name, "value": value} for name, value in settings.items()], form, raw=raw)


def _settings_at(here: Session, clocks: Parameters) -> Settings:
    from domain.identity import COMPANY_STREAM
    from projections.directory import NotFounded
    from replay.seen import company_of, known_position, read_up_to

    clocks.check()
    log = here.company.log
    newest = log.newest()
    known = known_position(log, clocks.known_at, newest)
    company = company_of(read_up_to(log, {COMPANY_STREAM}, newest), known)
    if company is None:
        raise NotFounded
    return company.settings


@_settings.command("change")
def change_settings(  # noqa: PLR0913 - what a company sets for itself
    ctx: typer.Context,
    *,
    name: Annotated[str | None, typer.Option(help="Name of the company.")] = None,
    zone: Annotated[str | None, typer.Option(help="Time zone, such as Europe/Paris.")] = None,
    currency: Annotated[str | None, typer.Option(help="Default currency (ISO 4217).")] = None,
    language: Annotated[str | None, typer.Option(help="Language of labels.")] = None,
    country: Annotated[str | None, typer.Option(help="Country of its holidays, such as FR or DE-BY.")] = None,
    no_country: Annotated[
        bool, typer.Option("--no-country", help="No public holidays: take the country away.")
    ] = False,
    entity: Annotated[str | None, typer.Option(help="Business unit of items that name none.")] = None,
    safety_share: Annotated[
        str | None,
        typer.Option(help="Largest share of open items that a full import clears unasked, 0 to 1."),
    ] = None,
    ageing_buckets: Annotated[str | None, typer.Option(help="Upper ends in days, such as 30,60,90.")] = None,
    assignment_field: Annotated[
        str | None, typer.Option(help="Attribute that finds the resolver: item:NAME or customer:NAME.")
    ] = None,
    no_assignment_field: Annotated[
        bool, typer.Option("--no-assignment-field", help="Resolvers are named by hand only.")
    ] = False,
) -> None:
    """Change the given settings; the others stay.

    \b
    redress settings change --zone Europe/Paris --assignment-field item:sector
    """
    from domain.catalogue import ChangeSettings

    command = ChangeSettings(
        name=name,
        zone=zone,
        currency=currency,
        language=language,
        country=told_or_not(country, "--country", taken_away=no_country),
        default_entity=entity,
        safety_share=_share(safety_share),
        ageing_buckets=_buckets(ageing_buckets),
        assignment_field=told_or_not(
            _field(assignment_field), "--assignment-field", taken_away=no_assignment_field
        ),
    )
    with session(ctx) as here:
        say("changed" if here.give(command) else "nothing to change")


def _share(told: str | None) -> Decimal | None:
    try:
        return None if told is None else Decimal(told)
    except InvalidOperation:
        raise typer.BadParameter("--safety-share is a number from 0 to 1, such as 0.3") from None


def _buckets(told: str | None) -> tuple[int, ...] | None:
    try:
        return None if told is None else tuple(int(days) for days in told.split(","))
    except ValueError:
        raise typer.BadParameter("--ageing-buckets are numbers of days, such as 30,60,90") from None


def _field(told: str | None) -> AssignmentField | None:
    from domain.catalogue import AssignmentField, AttributeOf

    if told is None:
        return None
    of, colon, attribute = told.partition(":")
    if of not in set(AttributeOf) or not colon or not attribute.strip():
        raise typer.BadParameter("--assignment-field is item:NAME or customer:NAME")
    return AssignmentField(AttributeOf(of), attribute.strip())


# --- statuses --------------------------------------------------------------------------------------


@_statuses.command("list")
def list_statuses(ctx: typer.Context, *, form: FormatOption = Format.TABLE, raw: RawOption = False) -> None:
    """The catalogue, retired statuses too.

    \b
    redress statuses list
    """
    from projections.directory import DIRECTORY

    with session(ctx) as here:
        here.require(*DIRECTORY)
        show([asdict(each) for each in _company(here.company).statuses.values()], form, raw=raw)


def _company(company: object) -> Company:
    from api.database import OpenCompany
    from domain.catalogue import Company
    from domain.identity import COMPANY_STREAM
    from store.states import NoSuchCompany

    assert isinstance(company, OpenCompany), "a session has one"
    found = company.executor.states.read(frozenset({COMPANY_STREAM})).case.states.get(COMPANY_STREAM)
    if not isinstance(found, Company):
        raise NoSuchCompany(NoSuchCompany.__doc__)
    return found


@_statuses.command("define")
def define_status(  # noqa: PLR0913 - what a status is
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(help="Code of the status.")],
    *,
    kind: Annotated[StatusKind, typer.Option(help="One of five kinds, for ever.")],
    label: Annotated[list[str], typer.Option(help="LANGUAGE=TEXT; may be repeated.")],
    follow_up_days: Annotated[
        int | None, typer.Option(help="Days until its follow-up action is due. Default: 7.")
    ] = None,
    target_days: Annotated[int | None, typer.Option(help="Days within which it should be resolved.")] = None,
    no_target_days: Annotated[bool, typer.Option("--no-target-days", help="Take the target away.")] = False,
    action_template: Annotated[str | None, typer.Option(help="Template of its follow-up action.")] = None,
    no_action_template: Annotated[
        bool, typer.Option("--no-action-template", help="Take the template away.")
    ] = False,
    automatic: Annotated[
        bool | None,
        typer.Option("--automatic/--not-automatic", help="Plan the action unasked? Default: for disputes."),
    ] = None,
    back_into_use: Annotated[
        bool, typer.Option("--back-into-use", help="Use a retired status again.")
    ] = False,
) -> None:
    """Define an item status, or redefine the one with this code: what is not given stays.

    \b
    redress statuses define packaging --kind dispute --label "en=Packaging" --target-days 20
    """
    from domain.catalogue import DefineStatus
    from projections.parameters import attribute_filter

    command = DefineStatus(
        code,
        kind,
        attribute_filter(label),
        follow_up_days,
        told_or_not(target_days, "--target-days", taken_away=no_target_days),
        told_or_not(action_template, "--action-template", taken_away=no_action_template),
        automatic,
        back_into_use,
    )
    with session(ctx) as here:
        say(f"{code} is defined" if here.give(command) else f"{code} is so already")


@_statuses.command("retire")
def retire_status(
    ctx: typer.Context, code: Annotated[str, typer.Argument(help="Code of the status.")]
) -> None:
    """Take a status out of use; it stays readable on old items.

    \b
    redress statuses retire packaging
    """
    from domain.catalogue import RetireStatus

    with session(ctx) as here:
        say(f"{code} is retired" if here.give(RetireStatus(code)) else f"{code} was retired already")
