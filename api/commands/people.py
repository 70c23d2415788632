"""`redress people` and `redress keys`: who works here, and what lets them in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from api.commands.output import Format, FormatOption, RawOption, say, show
from api.commands.session import CommandRefused, Session, session
from api.commands.table_rows import (
    DryRunOption,
    MappingOption,
    RejectsOption,
    TableOptions,
    carry_out,
)
from api.commands.taken_away import cell, told_or_not
from api.table_shapes import PEOPLE, TableRow
from domain.identity import person_id
from domain.roles import OPENS_NOTHING_YET, Permission, Role

if TYPE_CHECKING:
    from domain.people import ApiKey, People, Person, RegisterPerson

_people = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
_keys = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

_SCOPES = tuple(scope for scope in Permission if scope not in OPENS_NOTHING_YET)

Code = Annotated[str, typer.Argument(help="Code of the person.")]
RoleOption = Annotated[Role | None, typer.Option(help="What they are to the company.")]


def install(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.add_typer(
        _people, name="people", help="Who works here: list, register, import, deactivate, reactivate."
    )
    app.add_typer(_keys, name="keys", help="API keys: create, list, revoke.")


# --- people ----------------------------------------------------------------------------------------


@_people.command("list")
def list_people(ctx: typer.Context, *, form: FormatOption = Format.TABLE, raw: RawOption = False) -> None:
    """Everybody, with roles and assignment values.

    \b
    redress people list --format csv
    """
    from projections.directory import DIRECTORY

    with session(ctx) as here:
        here.require(*DIRECTORY)
        persons = here.company.executor.people().persons.values()
        may_manage = here.has(Permission.PEOPLE)
        show([_shown(person, may_manage=may_manage) for person in persons], form, raw=raw, empty="nobody yet")


def _shown(person: Person, *, may_manage: bool) -> dict[str, object]:
    return {
        "code": person.code,
        "name": person.name,
        "login": person.login if may_manage else None,
        "role": person.role,
        "assignment_values": person.assignment_values,
        "active": person.active,
    }


@_people.command("register")
def register_person(  # noqa: PLR0913 - what can be said of one
    ctx: typer.Context,
    code: Code,
    *,
    name: Annotated[str | None, typer.Option(help="Name; the code if none is given.")] = None,
    login: Annotated[str | None, typer.Option(help="Login, such as an e-mail address.")] = None,
    no_login: Annotated[bool, typer.Option("--no-login", help="They log in no more.")] = False,
    role: RoleOption = None,
    no_role: Annotated[bool, typer.Option("--no-role", help="They have no role any more.")] = False,
    values: Annotated[str | None, typer.Option(help="Assignment values, separated by semicolons.")] = None,
) -> None:
    """Register a person, or change what is given of the one with this code.

    \b
    redress people register r1 --name "Ida Holm" --role resolver --values "north;east"
    """
    from domain.people import RegisterPerson

    command = RegisterPerson(
        code,
        name,
        told_or_not(login, "--login", taken_away=no_login),
        told_or_not(role, "--role", taken_away=no_role),
        _split(values),
    )
    with session(ctx) as here:
        changed = here.give(command)
        say(f"{code} is registered" if changed else f"{code} is so already")


@_people.command("import")
def import_people(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV, XLSX or JSON lines with the columns code, name, login, role, assignment_values."
        ),
    ],
    *,
    mapping: MappingOption = None,
    dry_run: DryRunOption = False,
    rejects: RejectsOption = None,
) -> None:
    """Register people from a file; assignment values are separated by semicolons, empty cells left as is.
    A hyphen (-) in login or role takes it away.

    \b
    redress people import team.csv
    """
    with session(ctx) as here:
        carry_out(
            here,
            file,
            _registration,
            permission=Permission.PEOPLE,
            shape=PEOPLE,
            options=TableOptions(mapping, dry_run, rejects),
        )


def _registration(row: TableRow) -> RegisterPerson:
    from domain.people import RegisterPerson

    told = cell(row.cells, "role")
    roles = [each for each in Role if each is not Role.SERVICE]
    if isinstance(told, str) and told not in roles:
        row.refuse("role", f"{told!r} is no role; there are: {', '.join(roles)}")
    role = Role(told) if isinstance(told, str) else told
    values = _split(row.cells.get("assignment_values"))
    return RegisterPerson(row.cells["code"], row.cells.get("name"), cell(row.cells, "login"), role, values)


@_people.command("deactivate")
def deactivate(ctx: typer.Context, code: Code) -> None:
    """A person can no longer be named nor log in; what they did stays.

    \b
    redress people deactivate r1
    """
    from domain.people import DeactivatePerson

    with session(ctx) as here:
        person = known_person(here, code)
        say(
            f"{code} is inactive"
            if here.give(DeactivatePerson(person.id))
            else f"{code} was inactive already"
        )


@_people.command("reactivate")
def reactivate(ctx: typer.Context, code: Code) -> None:
    """A person is back.

    \b
    redress people reactivate r1
    """
    from domain.people import ReactivatePerson

    with session(ctx) as here:
        person = known_person(here, code)
        say(f"{code} is active" if here.give(ReactivatePerson(person.id)) else f"{code} was active already")


def known_person(here: Session, code: str) -> Person:
    """The person with this code. Raises CommandRefused."""
    found = here.company.executor.people().persons.get(person_id(code))
    if found is None:
        raise CommandRefused(f"there is no person {code!r}; see `redress people list`")
    return found


def _split(values: str | None) -> tuple[str, ...] | None:
    return None if not values else tuple(value.strip() for value in values.split(";") if value.strip())


# --- keys ------------------------------------------------------------------------------------------


@_keys.command("list")
def list_keys(ctx: typer.Context, *, form: FormatOption = Format.TABLE, raw: RawOption = False) -> None:
    """All keys, and whom they let in. Secrets are not kept.

    \b
    redress keys list
    """
    with session(ctx) as here:
        here.require(Permission.PEOPLE)
        people = here.company.executor.people()
        show([_shown_key(key, people) for key in people.keys.values()], form, raw=raw, empty="no keys yet")


def _shown_key(key: ApiKey, people: People) -> dict[str, object]:
    holder = people.persons.get(key.person_id) if key.person_id else None
    return {
        "id": key.id,
        "name": key.name,
        "person": holder.code if holder else None,
        "role": holder.role if holder else Role.SERVICE,
        "scopes": key.scopes,
        "revoked": key.revoked,
    }


@_keys.command("create")
def create_key(
    ctx: typer.Context,
    *,
    role: RoleOption = None,
    name: Annotated[str | None, typer.Option(help="With --role: the person's name. Else: the key's.")] = None,
    code: Annotated[
        str | None, typer.Option(help="With --role: the person's code; else made of the name.")
    ] = None,
    person: Annotated[str | None, typer.Option(help="Code of a person who is registered.")] = None,
    service: Annotated[str | None, typer.Option(help="Name of a service that is to get in.")] = None,
    scopes: Annotated[
        str | None, typer.Option(help=f"With --service: its rights, of {', '.join(_SCOPES)}.")
    ] = None,
) -> None:
    """Make an API key and print it: it is shown this once only. Say whose it is in one of three ways.

    \b
    redress keys create --role credit_manager --name "Ann Berg"
    redress keys create --person r1
    redress keys create --service erp --scopes import,read_items
    """
    from domain.identity import KeyId
    from domain.people import IssueKey
    from store.clock import new_id

    if sum(way is not None for way in (role, person, service)) != 1:
        raise typer.BadParameter(
            "say whose key it is: --role and --name, or --person, or --service and --scopes"
        )
    with session(ctx, first_key=True) as here:
        key = KeyId(new_id())
        if service is not None:
            granted = _scopes(scopes)
            holder, called = None, service
        else:
            found = known_person(here, person) if person else _registered(here, role, name, code)
            called = name or found.name
            granted, holder = (), found.id
        # First, for it opens nothing yet: a company whose first key nobody has the secret of would be shut.
        secret = here.database.keys.issue(key, here.company.id)
        here.give(IssueKey(key, called, holder, granted))
        typer.echo(secret)
        say(f"the key of {called} for {here.company.id}, shown this once only; its id: {key}")


def _scopes(told: str | None) -> tuple[Permission, ...]:
    names = [name.strip() for name in (told or "").split(",") if name.strip()]
    unknown = [name for name in names if name not in _SCOPES]
    if unknown or not names:
        problem = f"{unknown[0]!r} is no scope" if unknown else "--service needs --scopes"
        raise typer.BadParameter(f"{problem}; there are: {', '.join(_SCOPES)}")
    return tuple(Permission(name) for name in names)


def _registered(here: Session, role: Role | None, name: str | None, code: str | None) -> Person:
    from domain.people import RegisterPerson

    if not name:
        raise typer.BadParameter("--role needs --name")
    chosen = code or re.sub(r"\W+", "-", name.lower()).strip("-")
    known = here.company.executor.people().persons.get(person_id(chosen))
    if known is not None and (known.role is not role or known.name != name):
        is_now = f"{known.name!r} with the role {known.role}"
        cure = f"--person {chosen} makes another key for them, --code tells two people apart"
        raise CommandRefused(f"the code {chosen!r} is that of {is_now}; {cure}")
    here.give(RegisterPerson(chosen, name, role=role))
    return known_person(here, chosen)


@_keys.command("revoke")
def revoke_key(
    ctx: typer.Context, key: Annotated[str, typer.Argument(help="Id of the key: see `redress keys list`.")]
) -> None:
    """A key opens nothing from now on.

    \b
    redress keys revoke 0199f0a2-5f0e-7c4e-8a55-0f4b3a7d9c11
    """
    from domain.identity import KeyId
    from domain.people import RevokeKey

    try:
        known = KeyId(UUID(key))
    except ValueError:
        raise CommandRefused("give the id of the key, as `redress keys list` shows it") from None
    with session(ctx) as here:
        changed = here.give(RevokeKey(known))
        here.database.keys.revoke(known)
        say("revoked" if changed else "it was revoked already")
