"""Each cell of the log that somebody alters is found, as far as anything else tells what it was."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from replay.verify import verify
from store.connections import CompanyDatastore, Pool
from store.log import Log
from tests.projections.histories import Made
from tests.replay.test_verify import alter, datastore, log, made, pool

__all__ = ["datastore", "log", "made", "pool"]

COLUMNS: Final = {
    "position": "-position",
    "decision_end": "decision_end + 1",
    "stream_id": "gen_random_uuid()",
    "version": "version + 1000",
    "type": "'unheard-of.v1'",
    "data": "'{}'",
    "occurred_at": "occurred_at - interval '1 microsecond'",
    "recorded_at": "recorded_at + interval '1 microsecond'",
    "actor": "gen_random_uuid()",
    "role": "role || '.'",
    "key_id": "gen_random_uuid()",
    "on_behalf_of": "gen_random_uuid()",
    "command_id": "gen_random_uuid()",
}


def test_41_every_column_of_the_log_is_among_those_altered(pool: Pool) -> None:
    columns = "select column_name as name from information_schema.columns"
    with pool.connection() as connection:
        found = connection.execute(
            f"{columns} where table_schema = 'company_acme' and table_name = 'events'".encode()
        ).fetchall()
    assert {each["name"] for each in found} == set(COLUMNS)


@pytest.mark.parametrize("column", COLUMNS)
def test_41_one_altered_cell_of_any_column_of_the_log_is_found(
    pool: Pool, datastore: CompanyDatastore, log: Log, made: Made, column: str
) -> None:
    for position in (2, made.events // 3, made.events // 2, made.events):
        with pool.connection() as connection:
            connection.execute(
                "create table kept as select * from company_acme.events where position = %s", [position]
            )
        alter(
            pool, f"update company_acme.events set {column} = {COLUMNS[column]} where position = {position}"
        )
        assert not verify(datastore, log).is_sound, position
        moved = "-position" if column == "position" else "position"
        columns = ", ".join(COLUMNS)
        alter(
            pool,
            f"""update company_acme.events e set ({columns}) = (select {columns} from kept)
                where {moved} in (select position from kept)""".replace("where -", "where -e."),
        )
        alter(pool, "drop table kept")
    assert verify(datastore, log).is_sound


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ("item-returned", "item_id"),
        ("item-qualified", "previous"),
        ("item-cleared", "customer_id"),
        ("item-cleared", "balance"),
        ("item-cleared", "currency"),
        ("item-corrected", "previous"),
        ("item-withdrawn", "previous"),
        ("item-released", "dispute_id"),
        ("item-status-restored", "previous"),
        ("dispute-resolved", "dispute_id"),
        ("dispute-resolved", "customer_id"),
        ("dispute-resolved", "type"),
        ("dispute-resolved", "amount_at_opening"),
        ("dispute-resolved", "episode"),
        ("dispute-resolved", "episode_opened_at"),
        ("dispute-cancelled", "currency"),
        ("follow-up-ended", "dispute_id"),
        ("company-founded", "company"),
        ("person-registered", "people"),
    ],
)
def test_41_what_an_event_repeats_is_held_against_its_stream(
    pool: Pool, datastore: CompanyDatastore, log: Log, made: Made, event: str, field: str
) -> None:
    """No state shows it, but whoever reads the event alone would be misled."""
    with pool.connection() as connection:
        found = connection.execute(
            """select position, data::text as data from company_acme.events where type = %s
               order by position desc limit 1""",
            [f"{event}.v1"],
        ).fetchone()
    assert found is not None, "the history has none"
    data = json.loads(found["data"])
    altered = json.dumps({**data, field: _other(data[field])}).replace("'", "''")
    assert (
        alter(pool, f"update company_acme.events set data = '{altered}' where position = {found['position']}")
        == 1
    )
    (difference,) = verify(datastore, log).differences
    name = (
        "stream"
        if field in {"item_id", "company", "people"} or field == f"{event.partition('-')[0]}_id"
        else field
    )
    assert (difference.key, difference.what) == (
        str(found["position"]),
        f"{event}.v1 tells of another {name}",
    )


def _other(value: Any) -> Any:
    match value:
        case int():
            return value + 1
        case None:
            return {"status": "price", "kind": "dispute", "comment": "x", "promised_on": None}
        case dict():
            return {
                **value,
                **{name: _other(value[name]) for name in ("due_date", "comment") if name in value},
            }
        case str() if len(value) == 36:
            return "00000000-0000-0000-0000-000000000001"
        case str() if value[4:5] == "-":
            return f"2019{value[4:]}"
        case str() if "." in value:
            return f"{value}1"
        case _:
            return "USD" if value == "EUR" else f"{value}x"
