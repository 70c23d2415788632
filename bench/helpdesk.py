"""The history of a help desk as disputes: read from a public log where it is at hand, else made up like it.

Each case is one item and one dispute. Its first event opens; "Take in charge ticket" assigns its resource,
and so does every later event by another one while the dispute is open; "Wait" is a comment, which a settled
dispute refuses; "Resolve ticket" resolves, and reopens first what is resolved already. A line that comes
twice gives the same commands with the same keys, which a load carries out once.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final, TypeAlias

Line: TypeAlias = dict[str, Any]
"""One line of a history: command, at, actor, key, data."""

PUBLIC: Final = Path(__file__).resolve().parents[2] / "shared/data/helpdesk_italian/finale.csv"
"""Polato, M. (2017), doi 10.4121/uuid:0c60edf1-6f83-4e75-9367-4c63b3e9d5bb; not shipped."""

CASES: Final = 4_580
_HANDED_OVER: Final = 0.3
_REPEATED: Final = 0.006
_REOPENED: Final = 0.07
"""Shares of events and of cases, about those of the public log."""

_TAKE: Final = "Take in charge ticket"
_WAIT: Final = "Wait"
_RESOLVE: Final = "Resolve ticket"
_CLOSED: Final = "Closed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log."""

    case: str
    activity: str
    resource: str
    at: datetime
    customer: str
    digest: str

    @property
    def key(self) -> str:
        """The same for lines that are the same."""
        return f"{_code(self.case)}/{self.digest}"


def read(path: Path = PUBLIC) -> Iterator[Entry]:
    """The lines of the public log, in its order: case by case, each in the order of time."""
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.reader(file):
            if row[0] != "Case ID":
                at = datetime.strptime(row[3], "%Y/%m/%d %H:%M:%S.%f").replace(tzinfo=UTC)
                digest = hashlib.sha256("\x1f".join(row).encode()).hexdigest()[:16]
                yield Entry(row[0], row[1], row[2], at, row[8], digest)


def made(cases: int = CASES, seed: int = 1) -> Iterator[Entry]:
    """Lines of a made-up log like it: as many events a case, as many resources, customers, repetitions."""
    random = Random(seed)
    for number in range(1, cases + 1):
        case, customer = f"Case {number}", f"Value {1 + int(random.paretovariate(0.6)) % 397}"
        at = datetime(2010, 1, 13, 8, tzinfo=UTC) + timedelta(minutes=random.randrange(60 * 24 * 1_400))
        resource = random.randrange(22)
        for place, activity in enumerate(_activities(random)):
            if random.random() < _HANDED_OVER:
                resource = random.randrange(22)
            entry = Entry(case, activity, f"Value {1 + resource}", at, customer, str(place))
            yield from [entry] * (2 if random.random() < _REPEATED else 1)
            at += timedelta(seconds=random.randrange(60 * 60 * 24 * 16))


def _activities(random: Random) -> list[str]:
    waits = random.choice((0, 0, 0, 1, 1, 0))
    turns = 2 if random.random() < _REOPENED else 1
    return ["Assign seriousness", *[_TAKE, *[_WAIT] * waits, _RESOLVE] * turns, _CLOSED]


# --- as commands -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Case:
    """A case as far as it is told."""

    is_open: bool = True
    is_taken: bool = False
    resolver: str | None = None
    told: dict[str, list[Line]] = field(default_factory=dict)


def history(entries: Iterable[Entry]) -> Iterator[Line]:
    """The lines that load *entries*, after one for each resource."""
    all_entries = list(entries)
    for resource in sorted({entry.resource for entry in all_entries}):
        code = _code(resource)
        yield {"command": "register_person", "key": code, "data": {"code": code, "name": resource}}
    cases: dict[str, _Case] = {}
    for entry in all_entries:
        if entry.case not in cases:
            case = cases[entry.case] = _Case()
            case.told[entry.key] = [*_opened(entry), *_followed(case, entry)]
        else:
            case = cases[entry.case]
            if entry.key not in case.told:
                case.told[entry.key] = list(_followed(case, entry))
        yield from case.told[entry.key]


def _opened(entry: Entry) -> Iterator[Line]:
    day = entry.at.date().isoformat()
    item = {"customer_code": entry.customer, "number": entry.case}
    dates = {"type": "invoice", "issue_date": day, "due_date": day, "amount": "100.00"}
    yield {"command": "register_item", "key": f"{entry.key}/item", "data": item | dates}
    told = {"reference": entry.case, "type": "quality", "item_ids": [item], "plan_follow_up": False}
    yield _line("open_dispute", entry, **told)


def _followed(case: _Case, entry: Entry) -> Iterator[Line]:
    dispute = {"dispute_id": entry.case}
    if entry.activity == _RESOLVE and not case.is_open:
        case.is_open = True
        due = (entry.at + timedelta(days=7)).date().isoformat()
        yield _line("reopen_dispute", entry, **dispute, follow_up={"due_on": due})
    case.is_taken = case.is_taken or entry.activity == _TAKE
    is_another = case.is_taken and entry.resource != case.resolver
    if is_another and case.is_open:  # a ticket taken when it was settled has a resolver when it is reopened
        case.resolver = entry.resource
        yield _line("assign_resolver", entry, **dispute, resolver_id=_code(entry.resource))
    if entry.activity == _WAIT:
        yield _line("comment_dispute", entry, **dispute, text=_WAIT)
    if entry.activity == _RESOLVE:
        case.is_open = False
        yield _line("resolve_dispute", entry, **dispute, outcome="other")


def _line(command: str, entry: Entry, **data: object) -> Line:
    return {
        "command": command,
        "at": entry.at.isoformat(),
        "actor": _code(entry.resource),
        "key": f"{entry.key}/{command}",
        "data": data,
    }


def _code(resource: str) -> str:
    return resource.lower().replace(" ", "-")
