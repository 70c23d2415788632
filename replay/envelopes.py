"""What stands around the events: do they and the commands that led to them fit, and is it guarded?

An event tells by which command it was recorded, and the command which events are its own and when they were
recorded: who alters, adds or removes one of the two leaves the other as it was. Who did it must be somebody
that the log knows. What was altered in both alike, such as who did all of a command, into another person that
the log knows, does not show here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier

from domain.identity import OPERATOR, KeyId
from domain.people import People
from domain.roles import Role


class Misfit(NamedTuple):
    """Something in table *where* at *key* (a trigger, an event's position, a command's id), in words."""

    where: str
    key: str
    what: str


_UNGUARDED: Final = "no trigger refuses its changes: it is gone, switched off or another one"
_ALONE: Final = "its events tell of a command that is not recorded"
_EMPTY: Final = "its events, {first} to {last}, are not there"
_OTHERS: Final = "its events should be {first} to {last}, and are {count} from {found_first} to {found_last}"
_MOMENT: Final = "its events were recorded at another time than it was"
_PLACE: Final = "changed nothing, and does not stand where it was recorded"
_WHO: Final = "was done by somebody else than the event before it, which is of the same command"

# 58: a statement's, before update or delete or truncate. A: always, also where replication switches them off.
_NOBODY: Final = "was done by nobody that the log knows"
_NO_ROLE: Final = "was done in a role that there is not"
_NO_KEY: Final = "was done with a key that is not of who did it, or never was issued"
_FOR_NOBODY: Final = "was done on behalf of nobody that the log knows"

_GUARDS: Final = SQL("""
select w.name from (values ('events'), ('commands')) w (name)
where not exists (
    select from pg_trigger t
    where t.tgrelid = format('%I.%I', {schema}::text, w.name)::regclass and t.tgname = w.name || '_stay'
      and t.tgenabled = 'A' and t.tgtype = 58 and t.tgfoid = 'redress.refuse_change()'::regprocedure)
order by w.name desc""")

_BY_COMMAND: Final = SQL("""
with recorded as (
    select command_id, min(position) as first, max(position) as last, count(*) as events,
           min(recorded_at) as earliest, max(recorded_at) as latest
    from {events} group by command_id
)
select coalesce(c.command_id, e.command_id)::text, c.first_position, c.last_position, e.first, e.last,
       e.events, e.earliest = c.recorded_at and e.latest = c.recorded_at
from {commands} c full join recorded e using (command_id)
where c.command_id is null
   or (e.command_id is null and c.first_position <= c.last_position)
   or (e.first, e.last) <> (c.first_position, c.last_position)
   or e.events <> c.last_position - c.first_position + 1
   or e.earliest <> c.recorded_at or e.latest <> c.recorded_at
order by coalesce(c.first_position, e.first) limit {limit}""")

# A command without events keeps the log's newest position of that moment.
_WITHOUT_EVENTS: Final = SQL("""
select c.command_id::text
from {commands} c left join {events} e on e.position = c.last_position
where c.first_position > c.last_position
  and (c.first_position <> c.last_position + 1 or c.last_position < 0 or e.recorded_at > c.recorded_at
       or (e.position is null and c.last_position <> 0))
order by c.last_position limit {limit}""")

_BY_ANOTHER: Final = SQL("""
select position::text
from (select position, command_id, (actor, role, key_id, on_behalf_of) as who,
             lag(command_id) over placed as command_before,
             lag((actor, role, key_id, on_behalf_of)) over placed as who_before
      from {events} window placed as (order by position)) e
where command_id = command_before and who is distinct from who_before
order by position limit {limit}""")


_WHO_WAS_IT: Final = SQL("""
select min(position)::text, actor, role, key_id, on_behalf_of
from {events} group by actor, role, key_id, on_behalf_of order by min(position)""")


def misfits(connection: Connection[object], schema: str, limit: int) -> Iterator[Misfit]:
    """What does not fit in the log of the company of *schema*; of each kind *limit* at most.

    Raises psycopg.Error if the database cannot be read.
    """
    names = {"events": Identifier(schema, "events"), "commands": Identifier(schema, "commands")}
    with connection.cursor(row_factory=tuple_row) as cursor:
        for (table,) in cursor.execute(_GUARDS.format(schema=schema)).fetchall():
            yield Misfit(table, f"{table}_stay", _UNGUARDED)
        cursor.execute(_BY_COMMAND.format(**names, limit=limit))
        for command, *places, same_moment in cursor.fetchall():
            yield Misfit("commands", command, _of_command(*places, same_moment=same_moment))
        for (command,) in cursor.execute(_WITHOUT_EVENTS.format(**names, limit=limit)).fetchall():
            yield Misfit("commands", command, _PLACE)
        for (position,) in cursor.execute(_BY_ANOTHER.format(**names, limit=limit)).fetchall():
            yield Misfit("events", position, _WHO)


def strangers(connection: Connection[object], schema: str, people: People) -> Iterator[Misfit]:
    """The first events of each combination of who, role, key and on whose behalf that *people*, all that the
    log knows, do not have. Raises psycopg.Error if the database cannot be read."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(_WHO_WAS_IT.format(events=Identifier(schema, "events")))
        for position, actor, role, key_id, on_behalf_of in cursor.fetchall():
            if actor != OPERATOR and actor not in people.persons and actor not in people.keys:
                yield Misfit("events", position, _NOBODY)
            if role not in set(Role):
                yield Misfit("events", position, _NO_ROLE)
            if key_id is not None and not _is_of(people, key_id, actor):
                yield Misfit("events", position, _NO_KEY)
            if on_behalf_of is not None and on_behalf_of not in people.persons:
                yield Misfit("events", position, _FOR_NOBODY)


def _is_of(people: People, key_id: UUID, actor: UUID) -> bool:
    key = people.keys.get(KeyId(key_id))
    return key is not None and actor == (key.person_id or key.id)  # a program acts by the id of its key


def _of_command(
    first: int | None,
    last: int | None,
    found_first: int | None,
    found_last: int | None,
    count: int,
    *,
    same_moment: bool,
) -> str:
    if first is None or last is None:
        return _ALONE
    if found_first is None:
        return _EMPTY.format(first=first, last=last)
    if (found_first, found_last, count) == (first, last, last - first + 1) and not same_moment:
        return _MOMENT
    return _OTHERS.format(first=first, last=last, count=count, found_first=found_first, found_last=found_last)
