"""The sample company: its people, a year of its receivables and disputes, told through the real commands."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Final

from api.database import Database, OpenCompany
from api.sample import names, story
from api.sample.reminders import remind
from api.sample.story import Told
from domain.catalogue import AssignmentField, AttributeOf, ChangeSettings, Settings
from domain.commands import Command
from domain.identity import OPERATOR, KeyId, person_id
from domain.people import IssueKey, RegisterPerson
from domain.refusals import Refusal
from domain.roles import Actor, Role
from store.clock import new_id, now
from store.companies import found
from store.execute import Order

SAMPLE: Final = "sample"
"""The sample company's id."""

KEYS_FILE: Final = "sample-keys.json"
"""In the data directory: an API key for each role."""

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many steps are done, and how many there are."""

_BATCH: Final = 250
_OPERATOR: Final = Actor(OPERATOR, Role.ADMINISTRATOR)
_MANAGER: Final = Actor(person_id("manager"), Role.CREDIT_MANAGER)
_HOLDERS: Final = {
    Role.ADMINISTRATOR: "admin",
    Role.CREDIT_MANAGER: "manager",
    Role.COLLECTOR: "collector-1",
    Role.RESOLVER: "resolver-1",
    Role.SALES_MANAGER: "sales-1",
    Role.AUDITOR: "auditor",
    Role.ANALYST: "analyst",
}


class SampleInterrupted(Exception):
    """The sample company is there but not complete; its loading was interrupted. Remove the data
    directory and load it anew."""


class SampleRefused(Exception):
    """The domain refused a command of the sample's story: the generator is wrong."""


def load_sample(database: Database, progress: Progress, *, seed: int = story.SEED) -> bool:
    """Make the sample company and tell its year; whether there was anything to do.

    Takes some 30 seconds. Writes the keys file. Raises SampleInterrupted, SampleRefused.
    """
    settings = Settings(names.COMPANY, currency="EUR", default_entity="FR01", country="FR")
    founded = found(database.conninfo, database.pool, SAMPLE, settings)
    company = database.company(SAMPLE)
    keys = database.data_dir / KEYS_FILE
    if not founded:
        if not keys.exists():
            raise SampleInterrupted(SampleInterrupted.__doc__)
        return False
    _people(company)
    _tell(company, progress, Random(seed), now())  # noqa: S311 - a story, not a secret
    company.feed.catch_up(progress=lambda done, of: progress("Building the reports", done, of))
    remind(company, _MANAGER)
    company.feed.catch_up()
    _write_keys(keys, {role: _issue(database, company, role, code) for role, code in _HOLDERS.items()})
    return True


def _people(company: OpenCompany) -> None:
    def register(code: str, number: int, role: Role, values: tuple[str, ...] = ()) -> None:
        name = f"{names.FIRST_NAMES[number % 20]} {names.SURNAMES[(number * 7 + 3) % 30]}"
        _give(company, RegisterPerson(code, name, f"{code}@example.com", role, values))

    for number, (role, code) in enumerate(_HOLDERS.items()):
        if code not in {*story.COLLECTORS, *story.RESOLVERS}:
            register(code, number, role)
    for number, code in enumerate(story.COLLECTORS):
        register(code, 7 + number, Role.COLLECTOR)
    for number, code in enumerate(story.RESOLVERS):
        register(code, 12 + number, Role.RESOLVER, (names.SECTORS[number],))
    register("sales-2", 20, Role.SALES_MANAGER)
    sector = AssignmentField(AttributeOf.CUSTOMER, "sector")
    _give(company, ChangeSettings(assignment_field=sector))


def _give(company: OpenCompany, command: Command) -> None:
    company.executor.execute(Order(command, _OPERATOR))


def _tell(company: OpenCompany, progress: Progress, random: Random, present: datetime) -> None:
    last_day = present.date() - timedelta(days=1)
    all_customers = story.customers(random)
    all_items = story.items(random, all_customers, last_day)
    past = story.Story(random, all_items, present - timedelta(minutes=5)).tell()
    chapters: tuple[tuple[str, list[Told]], ...] = (
        ("Registering customers", list(story.registrations(all_customers))),
        ("Importing items", [Told(each.command, None) for each in all_items]),
        ("Telling a year of disputes", past),
    )
    for title, told in chapters:
        done = 0
        for batch in _batches(told):
            _execute(company, batch)
            done += len(batch)
            progress(title, done, len(told))


def _batches(told: Sequence[Told]) -> Iterator[list[Told]]:
    rest = iter(told)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _execute(company: OpenCompany, batch: Sequence[Told]) -> None:
    orders = [
        Order(
            each.command,
            replace(_MANAGER, on_behalf_of=person_id(each.behalf) if each.behalf else None),
            each.at,
        )
        for each in batch
    ]
    for order, answer in zip(orders, company.executor.execute_all(orders), strict=True):
        if isinstance(answer, Refusal):
            raise SampleRefused(f"{order.command}: {answer}") from answer


def _issue(database: Database, company: OpenCompany, role: Role, code: str) -> str:
    key = KeyId(new_id())
    name = f"sample {role}"
    company.executor.execute(Order(IssueKey(key, name, person_id(code)), _OPERATOR))
    return database.keys.issue(key, company.id)


def _write_keys(path: Path, keys: dict[Role, str]) -> None:
    text = json.dumps({role.value: secret for role, secret in keys.items()}, indent=2) + "\n"
    # Never readable by others, not even for a moment.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
