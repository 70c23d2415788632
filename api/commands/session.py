"""Who gives a command, over which company of which database: from the global options to an actor.

What is heavy is imported where it is used, here and in all commands: `redress --help` needs none of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from domain.identity import OPERATOR
from domain.refusals import Refusal
from domain.roles import Actor, Permission, Role, reach

if TYPE_CHECKING:
    from api.database import Database, OpenCompany
    from api.settings import Settings
    from domain.catalogue import Settings as CompanySettings
    from domain.commands import Command


class CommandRefused(Exception):
    """A mistake of whoever gave the command; the message names the cure."""


@dataclass(frozen=True, slots=True)
class Globals:
    """The options that stand before any command."""

    data_dir: Path | None = None
    company: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A company, and who acts on it."""

    database: Database
    company: OpenCompany
    actor: Actor

    def give(self, command: Command) -> bool:
        """Carry out *command*; whether it changed anything. Raises Refusal."""
        from store.execute import Order

        return self.company.executor.execute(Order(command, self.actor)).changed

    def has(self, permission: Permission) -> bool:
        """Whether the actor has *permission* over anything at all."""
        try:
            reach(self.actor, permission)
        except Refusal:
            return False
        return True

    def require(self, *permissions: Permission) -> None:
        """Raise RoleForbids unless the actor has one of *permissions* over anything at all."""
        if not any(self.has(permission) for permission in permissions):
            reach(self.actor, permissions[0])

    @property
    def settings(self) -> CompanySettings:
        """The company's settings."""
        from api.item_import import settings_of

        return settings_of(self.company.executor)


def settings_of_service(ctx: typer.Context) -> Settings:
    """The environment, and what the global options say instead. Raises CommandRefused."""
    from pydantic import ValidationError

    from api.settings import Settings

    told: Globals = ctx.obj
    try:
        settings = Settings()
    except ValidationError as error:
        named = ", ".join(f"REDRESS_{'_'.join(map(str, each['loc']))}".upper() for each in error.errors())
        raise CommandRefused(f"the environment holds a value that cannot be used: {named}") from None
    changes: dict[str, object] = {}
    if told.data_dir is not None:
        changes["data_dir"] = told.data_dir
    if told.company is not None:
        changes["company"] = told.company
    return settings.model_copy(update=changes)


@contextmanager
def opened(ctx: typer.Context, *, threads: int = 8) -> Iterator[Database]:
    """The database that the options and the environment name. Raises what `open_database` raises."""
    from api.database import open_database

    with open_database(_checked(ctx), pool_size=threads) as database:
        yield database


@contextmanager
def reached(ctx: typer.Context) -> Iterator[str]:
    """The connection string of that database, which is not migrated yet."""
    from store import embedded

    settings = _checked(ctx)
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    directory = settings.data_dir / "postgresql"
    try:
        yield embedded.ensure(directory)
    finally:
        embedded.release(directory)


def _checked(ctx: typer.Context) -> Settings:
    from store.unreachable import is_connection_string

    settings = settings_of_service(ctx)
    url = settings.database_url
    if url is not None and not is_connection_string(url.get_secret_value()):
        form = "postgresql://user:password@host:5432/name"
        raise CommandRefused(f"REDRESS_DATABASE_URL is not a connection string of PostgreSQL, such as {form}")
    return settings


@contextmanager
def session(ctx: typer.Context, *, first_key: bool = False) -> Iterator[Session]:
    """The company, and who acts: the holder of the key, or the owner of the embedded database.

    *first_key*: over another database nobody has a key in the beginning; whoever can reach the database may
    make the first one. Raises CommandRefused, KeyNotAccepted, NoSuchCompanyHere, CompanyNotNamed.
    """
    with opened(ctx) as database:
        named = settings_of_service(ctx).company
        secret = _secret(ctx)
        if secret is not None:
            yield _of_key(database, secret, named)
            return
        company = database.company(named)
        if not database.is_own and not (first_key and not company.executor.people().keys):
            raise CommandRefused(
                "with REDRESS_DATABASE_URL a key is needed: give REDRESS_API_KEY or --key"
                " (the first one of a company: `redress keys create --role administrator --name NAME`)"
            )
        yield Session(database, company, Actor(OPERATOR, Role.ADMINISTRATOR))


def _secret(ctx: typer.Context) -> str | None:
    told: Globals = ctx.obj
    if told.key is not None:
        return told.key
    key = settings_of_service(ctx).api_key
    return key.get_secret_value() if key else None


def _of_key(database: Database, secret: str, named: str | None) -> Session:
    from store.keys import KeyNotAccepted, actor_of

    if not secret.isascii():
        raise KeyNotAccepted(KeyNotAccepted.__doc__)
    holder = database.keys.holder(secret)
    if named is not None and named != holder.company:
        raise CommandRefused(f"this key is for the company {holder.company!r}, not for {named!r}")
    company = database.company(holder.company)
    return Session(database, company, actor_of(holder, company.executor.people()))


def person_named(refusal: Refusal, codes: dict[object, str]) -> str:
    """The message of *refusal*, in which ids are named by the codes that the user gave."""
    message = str(refusal)
    for person, code in codes.items():
        message = message.replace(str(person), repr(code))
    return message
