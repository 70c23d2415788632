"""Which items of some entities are open: what a full import compares its file with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, LiteralString

from psycopg.sql import SQL, Identifier

from domain.identity import ItemId
from store.connections import CompanyDatastore

_SQL: Final[LiteralString] = """
select item_id from {schema}.item_states
where until is null and is_open and entity = any(%s)
order by customer_id, item_id"""


def open_items(datastore: CompanyDatastore, entities: Iterable[str]) -> list[ItemId]:
    """The open items of *entities*, those of a customer together. Raises LogUnavailable."""
    statement = SQL(_SQL).format(schema=Identifier(datastore.schema)).as_bytes()
    return [item_id for (item_id,) in datastore.rows(statement, (list(entities),))]
