"""Who comes in: API keys, and the permission that every route names.

A route takes a `Door` as dependency and names its permission by it; `doors_missing` finds routes that do not.
What stands behind the door, the `Visit`, is nothing before the key was looked at.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any, Final, NamedTuple
from uuid import UUID

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute

from api.database import Database, OpenCompany
from api.downloads import Downloads
from api.jobs import Jobs
from domain.case import Case
from domain.catalogue import Settings
from domain.identity import COMPANY_STREAM, PEOPLE_STREAM, KeyId
from domain.refusals import Forbidden
from domain.roles import Actor, Permission, reach
from projections.reading import Reading
from projections.worker import Health, Worker
from store.clock import now
from store.keys import PREFIX, KeyHolder, KeyNotAccepted, actor_of
from store.states import NoSuchCompany, ReadCase

SECURITY_SCHEME: Final = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": f"{PREFIX}…",
    "description": "An API key: `Authorization: Bearer redress_…`. It acts as a person, in the role that they"
    " have now, or as a service with scopes.",
}
_SCHEME: Final = "Bearer "


class PermissionMissing(Exception):
    """A route names no permission: give it a Door, or say that it is public."""


# --- what the doors of one application share ---------------------------------------------------------


class Keyring:
    """Whom keys let in, remembered: what a key is never changes, and whether it still opens the log says."""

    def __init__(self, database: Database, size: int = 10_000) -> None:
        self._database: Final = database
        self._size: Final = size
        self._known: Final[OrderedDict[bytes, KeyHolder]] = OrderedDict()
        self._lock: Final = Lock()

    def holder(self, secret: str) -> KeyHolder:
        """Whom *secret* lets in. Raises KeyNotAccepted."""
        digest = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
        with self._lock:
            known = self._known.get(digest)
        if known is None:
            known = self._database.keys.holder(secret)
            with self._lock:
                self._known[digest] = known
                while len(self._known) > self._size:
                    self._known.popitem(last=False)
        return known


class Followers:
    """The workers that bring the read models of companies up with their logs, as long as the service runs."""

    def __init__(self) -> None:
        self._workers: Final[dict[str, Worker]] = {}
        self._lock: Final = Lock()
        self._is_running = False

    def start(self, companies: Iterable[OpenCompany]) -> None:
        """Follow *companies*, and from now on every other one that somebody visits."""
        self._is_running = True
        for company in companies:
            self.follow(company)

    def follow(self, company: OpenCompany) -> None:
        """Follow *company* too; nothing if that is so already, or nothing is followed at all."""
        if not self._is_running or company.id in self._workers:
            return
        with self._lock:
            if company.id not in self._workers:
                worker = Worker(company.feed, company.log)
                worker.start()
                self._workers[company.id] = worker

    def stop(self) -> None:
        """Let all of them finish what they are at."""
        with self._lock:
            self._is_running = False
            for worker in self._workers.values():
                worker.stop()
            self._workers.clear()

    def health(self) -> list[Health]:
        """How each of them does."""
        return [worker.health() for worker in list(self._workers.values())]


@dataclass(frozen=True, slots=True)
class House:
    """What an application serves: kept as ``app.state.house``."""

    database: Database
    keyring: Keyring
    followers: Followers
    jobs: Jobs = field(default_factory=Jobs)
    downloads: Downloads = field(default_factory=lambda: Downloads(1))


# --- somebody who came in ----------------------------------------------------------------------------


class _Known(NamedTuple):
    company: OpenCompany
    actor: Actor
    read: ReadCase


_PREMISES: Final = frozenset({PEOPLE_STREAM, COMPANY_STREAM})
"""What says who the holder of a key is and what they may."""


class Visit:
    """One request of the holder of *secret*, through a door that asks for one of *permissions*.

    The key is looked at when something is asked for, in the thread that does the work.
    """

    def __init__(self, house: House, secret: str, permissions: tuple[Permission, ...]) -> None:
        self._house: Final = house
        self._secret: Final = secret
        self._permissions: Final = permissions

    @cached_property
    def _known(self) -> _Known:
        return self._look(is_fresh=True)

    def _look(self, *, is_fresh: bool) -> _Known:
        holder = self._house.keyring.holder(self._secret)
        company = self._house.database.company(holder.company)
        self._house.followers.follow(company)
        states = company.executor.states
        read = states.read(_PREMISES) if is_fresh else states.recall(_PREMISES)
        if COMPANY_STREAM not in read.case.states:
            raise NoSuchCompany(NoSuchCompany.__doc__)
        actor = actor_of(holder, read.case.people)
        _require_one(actor, self._permissions)
        return _Known(company, actor, read)

    def presume(self) -> bool:
        """Go by what is remembered of people and settings, sparing a question to the log; whether that went.

        Whoever does so hands `premises` to the Executor, which looks at both anyway, and begins again with a
        new Visit when they have moved. What does not go by memory is looked up: a key may be new.
        """
        try:
            self.__dict__["_known"] = self._look(is_fresh=False)
        except (KeyNotAccepted, Forbidden, NoSuchCompany):
            return False
        return True

    @property
    def premises(self) -> Mapping[UUID, int]:
        """The versions of what says who acts. Raises as `company`."""
        return self._known.read.versions

    @property
    def company(self) -> OpenCompany:
        """The company that the key belongs to. Raises KeyNotAccepted, RoleForbids, NoSuchCompany."""
        return self._known.company

    @property
    def actor(self) -> Actor:
        """Who acts. Raises as `company`."""
        return self._known.actor

    @property
    def settings(self) -> Settings:
        """The company's settings. Raises as `company`."""
        return self._known.read.case.company.settings

    @property
    def case(self) -> Case:
        """The company's people and catalogue. Raises as `company`."""
        return self._known.read.case

    @property
    def database(self) -> Database:
        """The database of all companies."""
        return self._house.database

    @property
    def downloads(self) -> Downloads:
        """How many files the service sends at once."""
        return self._house.downloads

    def issue(self, key_id: KeyId) -> str:
        """The secret of a key that was issued by this key, of this company; the same again if asked again.

        Raises LogUnavailable.
        """
        return self.database.keys.issue(key_id, self.company.id, self._secret)

    def again(self) -> Visit:
        """The same request, with nothing known yet."""
        return Visit(self._house, self._secret, self._permissions)

    def reading(self) -> Reading:
        """For asking the read side. Raises as `company`."""
        return Reading(self.company.datastore, self.actor, now())

    def has(self, permission: Permission) -> bool:
        """Whether the actor has *permission* over anything at all."""
        return _has(self.actor, permission)


def _require_one(actor: Actor, permissions: tuple[Permission, ...]) -> None:
    if not any(_has(actor, permission) for permission in permissions):
        reach(actor, permissions[0])


def _has(actor: Actor, permission: Permission) -> bool:
    try:
        reach(actor, permission)
    except Forbidden:
        return False
    return True


class Door:
    """A dependency that lets in who has one of *permissions*, over anything at all.

    What of it the actor may see or change is for the reports' filters and the Executor to say.
    """

    def __init__(self, *permissions: Permission) -> None:
        assert permissions, "a door asks for something"
        self.permissions: Final = permissions

    @property
    def said(self) -> dict[str, Any]:
        """What a route says of its door in the description of the API."""
        return {"security": [{"api_key": []}], "x-permission": list(self.permissions)}

    async def __call__(self, request: Request) -> Visit:
        """Let somebody in who shows something that looks like a key. Raises KeyNotAccepted."""
        shown = request.headers.get("authorization", "")
        if shown[: len(_SCHEME)].lower() != _SCHEME.lower() or not shown[len(_SCHEME) :].startswith(PREFIX):
            raise KeyNotAccepted("Send an API key: Authorization: Bearer redress_…")
        house: House = request.app.state.house
        return Visit(house, shown[len(_SCHEME) :], self.permissions)


# --- no route without a door -------------------------------------------------------------------------


def permissions_of(route: BaseRoute) -> tuple[Permission, ...]:
    """The permissions that *route* asks for one of; none if it has no door."""
    if not isinstance(route, APIRoute):
        return ()
    return next((door.permissions for door in _doors(route.dependant)), ())


def _doors(dependant: Dependant) -> Iterable[Door]:
    for each in dependant.dependencies:
        if isinstance(each.call, Door):
            yield each.call
        yield from _doors(each)


def require_doors(routes: list[BaseRoute], public: frozenset[str]) -> None:
    """Raise PermissionMissing, naming them, if *routes* have no door and their paths are not *public*."""
    open_ones = [
        context.path
        for context in iter_route_contexts(routes)
        if context.path not in public and not permissions_of(context.original_route)
    ]
    if open_ones:
        raise PermissionMissing(f"{PermissionMissing.__doc__} Without: {', '.join(map(str, open_ones))}")
