"""Logs of a million events and more: the sample company's year, told many times over at once.

The sample is loaded through the real commands. Its log is then copied with other ids, in SQL: each decision
as often as it takes, one copy after the other, in the order in which things happened. Most of a long log is
over and done with: however long it is, as much of it is still open as in *alive* copies of the sample; the
other copies have only what is finished in it.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final, LiteralString, TypeAlias
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Composed, Identifier

from api.database import Database, OpenCompany
from api.sample import SAMPLE, load_sample
from domain.identity import COMPANY_STREAM, PEOPLE_STREAM
from replay.rebuild import rebuild
from store.connections import open_pool
from store.keys import Keys
from store.migrate import create_company, migrate

ALIVE: Final = 16
"""Copies of all of the sample in a log of any length: about a million events, a thousand disputes open."""

_MARK: Final = "\x01"
"""Stands in the copied texts where the number of the copy comes."""

_CHUNK: Final = 100_000
"""Events of one statement."""

_TEMPLATE: Final[LiteralString] = """
create unlogged table {template} (
    decision int not null, at int not null, size int not null, of_alive bigint not null,
    of_finished bigint not null, alive boolean not null, stream text not null, version bigint not null,
    type text not null, data text not null, occurred_at timestamptz not null, actor uuid not null,
    role text not null, key_id uuid, on_behalf_of uuid)"""

_COPY_TEMPLATE: Final[LiteralString] = "copy {template} from stdin"

# People and the catalogue are there once, before everything else.
_FIRST: Final[LiteralString] = """
insert into {events}
select n, n, stream_id, version, type, data, %(moment)s, %(moment)s, actor, role, key_id, on_behalf_of,
       ('00000000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid
from (select *, row_number() over (order by position) as n
      from {sample}.events where stream_id = any (%(streams)s)) e"""

# A copy's event stands behind all copies of the decisions before, and behind the copies before it.
_COPIES: Final[LiteralString] = """
with wanted as (
    select t.*, max(size) filter (where alive) over (partition by decision) as size_alive
    from {template} t where decision between %(first)s and %(last)s
), copied as (
    select w.*, lpad(to_hex(case when w.alive then n else %(alive)s + n end), 4, '0') as copy,
           %(base)s + w.of_alive * %(alive)s + w.of_finished * %(finished)s
           + case when w.alive then 0 else w.size_alive * %(alive)s end + n * w.size as before
    from wanted w
    cross join lateral generate_series(0, case when w.alive then %(alive)s else %(finished)s end - 1) n
)
insert into {events}
select before + at, before + size, replace(stream, chr(1), copy)::uuid, version, type,
       replace(data, chr(1), copy)::json, occurred_at, occurred_at, actor, role, key_id, on_behalf_of,
       ('00000000-0000-7000-8000-' || lpad(to_hex(before), 12, '0'))::uuid
from copied order by before + at"""

_COMMANDS: Final[LiteralString] = """
insert into {commands}
select command_id, null, ''::bytea, min(position), max(position), max(recorded_at),
       convert_to('{{"changed":true,"subject":null,"version":null}}', 'UTF8')
from {events} group by command_id"""

_LINES: Final[LiteralString] = """
select decision_end, stream_id, occurred_at, version, type, data::text, actor, role, key_id, on_behalf_of
from {sample}.events where stream_id <> all (%s) order by position"""

_FIND_OPEN: Final[tuple[LiteralString, ...]] = (
    "select item_id, '{{}}'::uuid[] from {sample}.item_states where until is null and is_open",
    """select dispute_id, items || follow_ups from {sample}.dispute_states
       where until is null and state in ('open', 'escalated')""",
    "select follow_up_id, items from {sample}.follow_up_states where until is null and is_open",
)
_CONNECTED: Final[LiteralString] = """
select dispute_id, array_agg(distinct x) from {sample}.dispute_states, unnest(items || follow_ups) x
group by dispute_id
union all
select follow_up_id, array_agg(distinct x) from {sample}.follow_up_states, unnest(items) x
group by follow_up_id"""


_Told: TypeAlias = Mapping[str, object] | Sequence[object] | None


@dataclass(frozen=True, slots=True)
class _Line:
    """An event of the sample; *decision* is the position at which its decision ends."""

    decision: int
    stream: UUID
    occurred_at: datetime
    version: int
    type: str
    data: str
    who: tuple[object, ...]

    @property
    def is_of_customer(self) -> bool:
        """Whether it tells of a customer."""
        return self.type.startswith(("customer-", "collector-", "sales-manager-"))


def make(conninfo: str, name: str, events: int, *, alive: int = ALIVE) -> OpenCompany:
    """A company called *name* with about *events* events, its tables made; its pool stays open.

    It has at least the events of *alive* copies of the sample, which is loaded if it is not there.
    """
    migrate(conninfo)
    pool = open_pool(conninfo, size=24)
    with tempfile.TemporaryDirectory() as folder:
        database = Database(conninfo, pool, is_own=False, data_dir=Path(folder), keys=Keys(pool))
        if SAMPLE not in database.companies():
            load_sample(database, _say)
    create_company(conninfo, name)
    company = OpenCompany(pool, name)
    with pool.connection() as connection:
        _Copying(connection, company.datastore.schema, database.company(SAMPLE)).run(events, alive)
    rebuild(company.datastore, company.log, _say)
    with pool.connection() as connection:
        connection.execute("vacuum analyze")
    return company


class _Copying:
    def __init__(self, connection: Connection[Any], schema: str, sample: OpenCompany) -> None:
        self._connection: Final = connection
        self._places: Final = {
            "events": Identifier(schema, "events"),
            "commands": Identifier(schema, "commands"),
            "template": Identifier(schema, "bench_template"),
            "sample": Identifier(sample.datastore.schema),
        }

    def run(self, events: int, alive: int) -> None:
        """Fill the log."""
        lines = [_line(row) for row in self._all(_LINES, ([COMPANY_STREAM, PEOPLE_STREAM],))]
        # Customers are registered before they have items, and everything in the order of business.
        start = min(line.occurred_at for line in lines) - timedelta(days=1)
        lines = [replace(line, occurred_at=start) if line.is_of_customer else line for line in lines]
        lines.sort(key=lambda line: (line.occurred_at, line.decision))
        finished = {line.stream for line in lines} - self._alive_streams()
        self._all(_TEMPLATE)
        self._all(_FIRST, {"moment": start, "streams": [COMPANY_STREAM, PEOPLE_STREAM]})
        ((base,),) = self._all("select count(*) from {events}")
        sizes = self._fill(lines, finished)
        left = events - base - alive * sum(size for size, _ in sizes)
        copies = max(0, round(left / sum(size for _, size in sizes)))
        self._copy(sizes, {"base": base, "alive": alive, "finished": copies})
        self._all(_COMMANDS)
        self._all("drop table {template}")

    def _alive_streams(self) -> set[UUID]:
        """What is open, and all that was ever connected with it."""
        alive = {stream for statement in _FIND_OPEN for stream, _ in self._all(statement)}
        groups = [{stream, *others} for stream, others in self._all(_CONNECTED)]
        while more := [group for group in groups if group & alive and not group <= alive]:
            alive.update(*more)
        return alive

    def _fill(self, lines: list[_Line], finished: set[UUID]) -> list[tuple[int, int]]:
        """Fill the template; return for each decision how many events it has in each kind of copy."""
        ids = {str(line.stream): f"{str(line.stream)[:-4]}{_MARK}" for line in lines}
        known = re.compile("|".join([_ID, *_KEYS]))

        def marked(found: re.Match[str]) -> str:
            text = found.group()
            return ids.get(text, text) if _IS_ID.fullmatch(text) else f'{text[:-1]}-{_MARK}"'

        sizes: list[tuple[int, int]] = []
        before = [0, 0]
        with self._connection.cursor() as cursor, cursor.copy(self._sql(_COPY_TEMPLATE)) as copy:
            for number, (_, group) in enumerate(groupby(lines, key=lambda line: line.decision)):
                decision = list(group)
                kinds = decision, [line for line in decision if line.stream in finished]
                for is_alive, kind in zip((True, False), kinds, strict=True):
                    for at, line in enumerate(kind, 1):
                        data = known.sub(marked, line.data)
                        row = (number, at, len(kind), *before, is_alive, ids[str(line.stream)], line.version)
                        copy.write_row((*row, line.type, data, line.occurred_at, *line.who))
                sizes.append((len(kinds[0]), len(kinds[1])))
                before = [before[0] + len(kinds[0]), before[1] + len(kinds[1])]
        return sizes

    def _copy(self, sizes: list[tuple[int, int]], told: dict[str, int]) -> None:
        self._connection.execute(self._sql("create index on {template} (decision)"))
        self._connection.execute(self._sql("analyze {template}"))
        at = 0
        while at < len(sizes):
            first, weight = at, 0
            while at < len(sizes) and weight < _CHUNK:
                weight += sizes[at][0] * told["alive"] + sizes[at][1] * told["finished"]
                at += 1
            self._all(_COPIES, {**told, "first": first, "last": at - 1})
            _say("copying decisions", at, len(sizes))

    def _all(self, statement: LiteralString, told: _Told = None) -> list[tuple[Any, ...]]:
        with self._connection.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(self._sql(statement), told)
            return cursor.fetchall() if cursor.description else []

    def _sql(self, statement: LiteralString) -> Composed:
        return SQL(statement).format(**self._places)


_ID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_IS_ID: Final = re.compile(_ID)
_KEYS: Final = tuple(rf'"{name}":"[^"\\]+"' for name in ("customer_code", "code", "reference"))
"""What people call customers and disputes, which must differ from copy to copy too."""


def _line(row: tuple[Any, ...]) -> _Line:
    end, stream, occurred, version, name, data, *who = row
    return _Line(end, stream, occurred, version, name, data, tuple(who))


def _say(what: str, done: int, of: int) -> None:
    if done == of:
        print(f"long log: {what}: {done} of {of}", file=sys.stderr)
