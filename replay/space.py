"""How much room a rebuild takes until its new tables have replaced the live ones."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from shutil import disk_usage
from typing import Final

from psycopg.sql import SQL, Identifier, Literal

from replay.new_tables import ALL
from store.connections import CompanyDatastore

_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB")
_STEP: Final = 1000

# Tables that are far behind the log say little of what they will be: then it is taken from the log.
_SIZES: Final = SQL("""
select (select sum(pg_total_relation_size(format('%%I.%%I', {schema}::text, name)::regclass))
        from unnest({tables}::text[]) name)::bigint as tables,
       pg_relation_size({place}::regclass) as log,
       (select coalesce(max(position), 0) from {events}) as newest,
       (select coalesce(max(notification_id), 0) from {tracking} where application_name = 'states') as at,
       (select setting::bigint * 1024 * 1024 from pg_settings where name = 'max_wal_size') as journal""")


class NotEnoughSpace(Exception):
    """Making the tables anew takes about {needed}, and {free} are free in {place}: make room there, name
    single reports, or say --force to try it all the same."""

    def __init__(self, needed: int, free: int, place: Path) -> None:
        told = (NotEnoughSpace.__doc__ or "").format(
            needed=in_words(needed), free=in_words(free), place=place
        )
        super().__init__(" ".join(told.split()))


@dataclass(frozen=True, slots=True)
class Space:
    """In bytes, about: *tables* with their indexes, which stay; and *meanwhile*, what sorting and the
    server's journal take until it is done."""

    tables: int
    meanwhile: int

    @property
    def needed(self) -> int:
        """All of it together."""
        return self.tables + self.meanwhile

    def check(self, place: Path) -> int:
        """How many bytes are free in *place*. Raises NotEnoughSpace if they are too few."""
        free = disk_usage(place).free
        if free < self.needed:
            raise NotEnoughSpace(self.needed, free, place)
        return free


def space_for(datastore: CompanyDatastore, tables: Collection[str] = ALL) -> Space:
    """What making *tables* anew takes, by what they and the log take now. Raises LogUnavailable."""
    names = [name for name in ALL if name in tables]
    statement = _SIZES.format(
        schema=Literal(datastore.schema),
        tables=Literal(names),
        place=Literal(f"{datastore.schema}.events"),
        events=Identifier(datastore.schema, "events"),
        tracking=Identifier(datastore.schema, "tracking"),
    )
    ((live, log, newest, position, journal),) = datastore.rows(statement.as_bytes())
    made = live if 2 * position >= newest else max(live, 2 * log)
    return Space(made, log + min(made, journal))


def in_words(size: int) -> str:
    """A size for people: 512 bytes, 1.5 GB."""
    amount, unit = float(size), 0
    while amount >= _STEP and unit < len(_UNITS) - 1:
        amount, unit = amount / _STEP, unit + 1
    return f"{amount:.3g} {_UNITS[unit]}"
