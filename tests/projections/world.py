"""A company's tables of states, filled by hand: each call is one decision, at the next position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID, uuid5

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier, Placeholder
from psycopg.types.json import Jsonb

from domain.identity import COMPANY_STREAM, PersonId, customer_id, item_id, person_id
from domain.roles import Actor, Permission, Role
from projections.ended_episodes import all_ended
from projections.reading import Reading
from projections.states import TABLES
from store.connections import CompanyDatastore, Pool

NOW: Final = datetime(2026, 6, 15, 12, tzinfo=UTC)
"""A Monday."""

_SPACE: Final = UUID("a3b7c1d8-0000-4000-8000-000000000001")


def moment(text: str) -> datetime:
    """``2026-06-01`` or ``2026-06-01 08:30``, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def named(reference: str) -> UUID:
    """The id of the dispute, action or import that a test calls so."""
    return uuid5(_SPACE, reference)


class World:
    """Writes rows; reads through reports."""

    def __init__(self, pool: Pool, company: str = "acme") -> None:
        self.datastore = CompanyDatastore(pool, company)
        assert isinstance(pool.conninfo, str)
        self._connection = psycopg.connect(pool.conninfo, autocommit=True, row_factory=dict_row)
        self._connection.execute(SQL("set search_path to {}").format(Identifier(self.datastore.schema)))
        self._connection.execute("set timezone to 'UTC'")
        for table in TABLES:
            self._connection.execute(SQL("delete from {}").format(Identifier(table.name)))
        self._connection.execute("delete from tracking where application_name = 'states'")
        self._connection.execute("insert into tracking select 'states', 0")
        self.position: int = self.run("select coalesce(max(position), 0) as position from events")[0][
            "position"
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def reading(self, role: Role = Role.CREDIT_MANAGER, code: str = "boss", now: datetime = NOW) -> Reading:
        """As the person with this code, in this role, would ask."""
        self.end_episodes()
        return Reading(self.datastore, Actor(person_id(code), role), now)

    def service(self, *scopes: Permission) -> Reading:
        """As an API client with these rights would ask."""
        self.end_episodes()
        actor = Actor(PersonId(named("client")), Role.SERVICE, scopes=frozenset(scopes))
        return Reading(self.datastore, actor, NOW)

    def end_episodes(self) -> None:
        """The episodes that ended, by the other rows; nothing was done about any of them."""
        self.run("delete from ended_episodes")
        self._connection.execute(all_ended(self.datastore.schema).as_bytes())

    # --- rows ---------------------------------------------------------------------------------------

    def row(self, table: str, at: datetime, values: Mapping[str, Any]) -> int:
        """A first row; the position at which it begins."""
        since = self._next()
        self._insert(table, {"version": 1, "since": since, "occurred_from": at, **values})
        return since

    def change(self, table: str, key: str, of: object, at: datetime | str, **values: Any) -> int:
        """The live row of *of* ends and a new one differs in *values*; the position of that."""
        at = moment(at) if isinstance(at, str) else at
        since = self._next()
        where = SQL("{} = %(of)s and until is null").format(Identifier(key))
        before = self._connection.execute(
            SQL("update {} set until = %(since)s, occurred_until = %(at)s where {} returning *").format(
                Identifier(table), where
            ),
            {"of": of, "since": since, "at": at},
        ).fetchone()
        assert before is not None
        assert before["occurred_from"] <= at
        before.pop("is_open_now", None)  # the database's own
        times = {"since": since, "until": None, "occurred_from": at, "occurred_until": None}
        self._insert(table, {**before, "version": before["version"] + 1, **times, **values})
        return since

    def _insert(self, table: str, values: Mapping[str, Any]) -> None:
        self._connection.execute(
            SQL("insert into {} ({}) values ({})").format(
                Identifier(table),
                SQL(", ").join(Identifier(name) for name in values),
                SQL(", ").join(Placeholder(name) for name in values),
            ),
            {name: _bound(value) for name, value in values.items()},
        )

    def _next(self) -> int:
        self.position += 1
        # recorded a minute after the one before; what it says is of no matter here
        self.run(
            """insert into events select %(position)s, %(position)s, gen_random_uuid(), 1, 'made-up.v1', '{}',
                   '2026-01-01', %(recorded)s, gen_random_uuid(), 'service', null, null, gen_random_uuid()""",
            position=self.position,
            recorded=self.recorded(self.position),
        )
        self.run(
            "update tracking set notification_id = %(position)s where application_name = 'states'",
            position=self.position,
        )
        return self.position

    def recorded(self, position: int) -> datetime:
        """When the log took the event at *position*."""
        return moment("2026-07-01") + timedelta(minutes=position)

    def run(self, statement: str, **bindings: object) -> list[dict[str, Any]]:
        """Any SQL on the company's tables; rows if it has some."""
        cursor = self._connection.execute(statement.encode(), bindings)
        return cursor.fetchall() if cursor.description else []

    # --- people, customers, catalogue --------------------------------------------------------------

    def settings(
        self, zone: str = "UTC", language: str = "en", buckets: Sequence[int] = (30, 60, 90)
    ) -> None:
        self.row(
            "settings_states",
            moment("2026-01-01"),
            {
                "company_stream": COMPANY_STREAM,
                "name": "Acme",
                "zone": zone,
                "currency": "EUR",
                "language": language,
                "default_entity": "main",
                "safety_share": Decimal("0.3"),
                "ageing_buckets": [*buckets],
            },
        )

    def person(self, code: str, role: Role | None = None, name: str | None = None, **values: Any) -> PersonId:
        given: dict[str, Any] = {
            "code": code,
            "name": name or code.title(),
            "role": role,
            "assignment_values": [],
            "active": True,
        }
        self.row(
            "person_states",
            moment("2026-01-01"),
            {"person_id": person_id(code), **given, "login": code} | values,
        )
        return person_id(code)

    def customer(
        self, code: str, collector: str | None = None, manager: str | None = None, **attributes: str
    ) -> UUID:
        self.row(
            "customer_states",
            moment("2026-01-01"),
            {
                "customer_id": customer_id(code),
                "code": code,
                "name": f"{code.title()} Ltd",
                "attributes": attributes,
                "collector_id": person_id(collector) if collector else None,
                "sales_manager_id": person_id(manager) if manager else None,
            },
        )
        return customer_id(code)

    def status(self, code: str, kind: str = "dispute", **labels: str) -> None:
        self.row(
            "status_states",
            moment("2026-01-01"),
            {
                "code": code,
                "kind": kind,
                "labels": labels or {"en": code.title()},
                "follow_up_days": 7,
                "automatic": kind == "dispute",
                "active": True,
            },
        )

    # --- items, disputes, actions ------------------------------------------------------------------

    def item(
        self, number: str, customer: str, balance: str = "100", *, due: str = "2026-06-15", **values: Any
    ) -> UUID:
        """An open item of 2026-01-05, registered on that day, unless told otherwise."""
        issued = values.pop("issued", "2026-01-05")
        attributes = values.pop("attributes", {})
        entity = values.get("entity", "main")
        given: dict[str, Any] = {
            "item_id": item_id(entity, customer, number),
            "customer_id": customer_id(customer),
            "customer_code": customer,
            "entity": entity,
            "number": number,
            "type": "invoice",
            "issue_date": date.fromisoformat(issued),
            "due_date": date.fromisoformat(due),
            "amount": Decimal(balance),
            "balance": Decimal(balance),
            "currency": "EUR",
            "attributes": attributes,
            "is_open": True,
            "disputed_in_part": False,
            "follow_ups": [],
            "written_off": False,
            "withdrawn": False,
        }
        self.row("item_states", moment(issued), given | values)
        return item_id(entity, customer, number)

    def dispute(
        self, name: str, items: Mapping[UUID, str] | Sequence[UUID], at: str = "2026-06-01", **values: Any
    ) -> UUID:
        """Opened over *items* (all of them, or the amounts given), which follow."""
        found = {each: self.live("item_states", "item_id", each) for each in items}
        amounts = {
            each: Decimal(items[each]) if isinstance(items, Mapping) else row["balance"]
            for each, row in found.items()
        }
        opening = [
            {"item_id": str(each), "entity": found[each]["entity"], "amount": str(amount)}
            for each, amount in amounts.items()
        ]
        one = next(iter(found.values()))
        given: dict[str, Any] = {
            "dispute_id": named(name),
            "reference": name,
            **{column: one[column] for column in ("customer_id", "customer_code", "currency")},
            "type": "price",
            "reason": "",
            "channel": "api",
            "opened_by": person_id("boss"),
            "received_on": moment(at),
            "state": "open",
            "items": [*found],
            "follow_ups": [],
            "comments": 0,
            "documents": 0,
            "episode": 1,
            "episode_opened_at": moment(at),
            "amount_at_opening": sum(amounts.values()),
            "opening": opening,
            "begins_episode": True,
            "ends_episode": False,
        } | values
        self.row("dispute_states", moment(at), given)
        for each, amount in amounts.items():
            self.change(
                "item_states",
                "item_id",
                each,
                moment(at),
                dispute_id=named(name),
                disputed=amount,
                disputed_in_part=amount != found[each]["balance"],
                status=given["type"],
                kind="dispute",
            )
        return named(name)

    def change_dispute(self, name: str, at: str, **values: Any) -> int:
        changed = {"begins_episode": False, "ends_episode": False} | values
        return self.change("dispute_states", "dispute_id", named(name), at, **changed)

    def end_dispute(self, name: str, at: str, state: str = "resolved", **values: Any) -> None:
        """It ends, and lets its items go."""
        outcome = "credit_note" if state == "resolved" else None
        self.change_dispute(name, at, state=state, ends_episode=True, outcome=outcome, **values)
        for row in self.run(
            "select item_id from item_states where until is null and dispute_id = %(of)s", of=named(name)
        ):
            self.change_item(row["item_id"], at, dispute_id=None, disputed=None, disputed_in_part=False)

    def reopen_dispute(self, name: str, at: str, **values: Any) -> None:
        """It goes on with the items that it had, in a new episode."""
        before = self.live("dispute_states", "dispute_id", named(name))
        self.change_dispute(
            name,
            at,
            state="open",
            begins_episode=True,
            outcome=None,
            episode=before["episode"] + 1,
            episode_opened_at=moment(at),
            **values,
        )
        for part in before["opening"]:
            self.change_item(
                UUID(part["item_id"]), at, dispute_id=named(name), disputed=Decimal(part["amount"])
            )

    def change_item(self, item: UUID, at: str, **values: Any) -> int:
        return self.change("item_states", "item_id", item, at, **values)

    def clear(self, item: UUID, at: str) -> int:
        """It is paid."""
        return self.change_item(item, at, is_open=False, balance=Decimal(0))

    def follow_up(
        self, name: str, items: Sequence[UUID], due: str, *, owner: str, at: str = "2026-06-01", **values: Any
    ) -> UUID:
        """Planned over *items*, which follow, and for the dispute in *values*, which follows too."""
        one = self.live("item_states", "item_id", items[0])
        given = {
            "follow_up_id": named(name),
            "reference": name,
            "customer_id": one["customer_id"],
            "title": name.title(),
            "due_on": date.fromisoformat(due),
            "owner_id": person_id(owner),
            "planned_by": person_id(owner),
            "items": [*items],
            "chases": 0,
            "interactions": 0,
            "comments": 0,
            "is_open": True,
        } | values
        self.row("follow_up_states", moment(at), given)
        for each in items:
            self.change_item(each, at, follow_ups=[named(name)])
        if given.get("dispute_id"):
            self.change(
                "dispute_states",
                "dispute_id",
                given["dispute_id"],
                at,
                follow_ups=[named(name)],
                begins_episode=False,
            )
        return named(name)

    def live(self, table: str, key: str, of: object) -> dict[str, Any]:
        """The live row."""
        found = self._connection.execute(
            SQL("select * from {} where {} = %s and until is null").format(
                Identifier(table), Identifier(key)
            ),
            (of,),
        ).fetchone()
        assert found is not None
        return found


def _bound(value: object) -> object:
    if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
        return Jsonb(value)
    return value


def small_company(world: World) -> None:
    """Two collectors, two resolvers, a sales manager, three customers and the usual statuses."""
    world.settings()
    world.person("boss", Role.CREDIT_MANAGER)
    world.person("cora", Role.COLLECTOR)
    world.person("carl", Role.COLLECTOR)
    world.person("rita", Role.RESOLVER)
    world.person("rolf", Role.RESOLVER)
    world.person("sam", Role.SALES_MANAGER)
    world.customer("alpha", "cora", "sam", city="Lyon")
    world.customer("beta", "carl", city="Ulm")
    world.customer("gamma")
    for code in ("price", "quality"):
        world.status(code)
    world.status("promise", "promise_to_pay")
    world.status("litigation", "litigation")
