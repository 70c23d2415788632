"""Customers, people, the catalogue, settings and imports: lists and single ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, LiteralString
from uuid import UUID

from domain.identity import customer_id, person_id
from domain.refusals import Unknown, UnknownCustomer, UnknownImport, UnknownPerson, UnknownStatus
from domain.roles import Permission
from projections import selection
from projections.paging import Order, PageParameters, page, single
from projections.parameters import Parameters, Report
from projections.reading import Reading, Snapshot, jsonb
from projections.search import escaped
from projections.selection import Selection

_CUSTOMERS: Final[LiteralString] = """
select c.customer_id, c.version, c.code, c.name, c.attributes, c.collector_id, collector.name as collector,
       c.sales_manager_id, manager.name as sales_manager, c.occurred_from as changed_at
from customer_states c
left join person_states collector on collector.person_id = c.collector_id and {known_collector}
left join person_states manager on manager.person_id = c.sales_manager_id and {known_manager}
where {known_c} and {selected}
order by {order} limit %(rows)s"""

_PEOPLE: Final[LiteralString] = """
select p.person_id, p.version, p.code, p.name, p.login, p.role, p.assignment_values, p.active,
       p.occurred_from as changed_at
from person_states p
where {known_p} and {selected}
order by {order} limit %(rows)s"""

_STATUSES: Final[LiteralString] = """
select s.code, s.version, s.kind, s.labels, s.follow_up_days, s.target_days, s.action_template, s.automatic,
       s.active
from status_states s
where {known_s} and {selected}
order by s.kind, s.code"""

_SETTINGS: Final[LiteralString] = """
select s.version, s.name, s.zone, s.currency, s.language, s.country, s.default_entity, s.safety_share,
       s.ageing_buckets, s.assignment_of, s.assignment_attribute
from settings_states s
where {known_s}"""

_IMPORTS: Final[LiteralString] = """
select r.import_id, r.version, r.file_name, r.digest, r.mode,
       r.registered, r.corrected, r.cleared, r.reinstated, r.unchanged, r.rejected,
       r.undone, r.left_as_is, r.registered is not null as is_finished, r.occurred_from as changed_at, r.since
from import_states r
where {seen_r} and {selected}
order by {order} limit %(rows)s"""

_CUSTOMER_ORDERS: Final = {
    "code": Order((("c.code", "text", "code"),)),
    "name": Order((("c.name", "text", "name"), ("c.code", "text", "code"))),
}
_PEOPLE_ORDERS: Final = {
    "code": Order((("p.code", "text", "code"),)),
    "name": Order((("p.name", "text", "name"), ("p.code", "text", "code"))),
}
_IMPORT_ORDERS: Final = {
    "newest": Order((("r.since", "bigint", "since"), ("r.import_id", "uuid", "import_id")), "desc")
}


@dataclass
class NotFounded(Unknown):
    """The company has no settings at this moment: it was not founded yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerList(PageParameters):
    """``text``: words that must occur in code or name. ``sales_manager``: an id. ``has_collector``: None for
    either."""

    text: str | None = None
    sales_manager: UUID | None = None
    has_collector: bool | None = None


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer as it stands."""

    customer_id: UUID
    version: int
    code: str
    name: str
    attributes: Mapping[str, str]
    collector_id: UUID | None
    collector: str | None
    sales_manager_id: UUID | None
    sales_manager: str | None
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonList(PageParameters):
    """``role``: one role. ``active``: None for either."""

    role: str | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person as they stand; *version* is that of the stream of all people. *login* is None for those who
    may not manage people."""

    person_id: UUID
    version: int
    code: str
    name: str
    login: str | None
    role: str | None
    assignment_values: Sequence[str]
    active: bool
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class StatusRow:
    """An item status; *version* is that of the company's stream. Days are calendar days."""

    code: str
    version: int
    kind: str
    labels: Mapping[str, str]
    follow_up_days: int
    target_days: int | None
    action_template: str | None
    automatic: bool
    active: bool


@dataclass(frozen=True, slots=True)
class SettingsRow:
    """A company's settings; *version* is that of its stream. *ageing_buckets*: upper ends in days."""

    version: int
    name: str
    zone: str
    currency: str
    language: str
    country: str | None
    default_entity: str
    safety_share: Decimal
    ageing_buckets: Sequence[int]
    assignment_of: str | None
    assignment_attribute: str | None


@dataclass(frozen=True, slots=True)
class ImportRow:
    """An import; its counts are None while it runs, or if it was interrupted. *undone*: how many items an
    undoing took back (None: nobody undid it), *left_as_is*: how many it had to leave. *since*: position
    of its last change."""

    import_id: UUID
    version: int
    file_name: str
    digest: str
    mode: str
    registered: int | None
    corrected: int | None
    cleared: int | None
    reinstated: int | None
    unchanged: int | None
    rejected: int | None
    undone: int | None
    left_as_is: int | None
    is_finished: bool
    changed_at: datetime
    since: int


def customers(reading: Reading, parameters: CustomerList) -> Report[CustomerRow]:
    """One page of customers; ``sort``: code (default), name.

    Attributes are those of the customers here; entity, status, resolver, currency and period are not used.
    Raises RoleForbids, ParameterInvalid.
    """
    chosen = Selection().only(reading.reach(*_CUSTOMER_RIGHTS), reading.actor, selection.CUSTOMERS)
    chosen.where_given("c.code = %(customer)s", customer=parameters.customer)
    chosen.where_given("c.collector_id = %(collector)s", collector=parameters.collector)
    chosen.where_given("c.sales_manager_id = %(sales_manager)s", sales_manager=parameters.sales_manager)
    chosen.where_given(
        "(c.collector_id is not null) = %(has_collector)s", has_collector=parameters.has_collector
    )
    if parameters.attributes:
        chosen.where("c.attributes @> %(attributes)s", attributes=jsonb(parameters.attributes))
    if parameters.text is not None and parameters.text.strip():
        words = [f"%{escaped(word)}%" for word in parameters.text.split()]
        chosen.where(r"concat_ws(E'\n', c.code, c.name) ilike all (%(words)s)", words=words)
    return reading.at(
        parameters,
        lambda snapshot: page(snapshot, parameters, CustomerRow, _CUSTOMERS, chosen, _CUSTOMER_ORDERS),
    )


_CUSTOMER_RIGHTS: Final = (Permission.READ_ITEMS, Permission.IMPORT)


def customer(
    reading: Reading, reference: UUID | str, parameters: Parameters | None = None
) -> Report[CustomerRow]:
    """The customer with this id or code, as the one row.

    Raises RoleForbids; UnknownCustomer, also where the role does not reach.
    """
    parameters = parameters or Parameters()
    wanted = reference if isinstance(reference, UUID) else customer_id(reference)
    chosen = Selection().only(reading.reach(*_CUSTOMER_RIGHTS), reading.actor, selection.CUSTOMERS)
    chosen.where("c.customer_id = %(wanted)s", wanted=wanted)

    return reading.at(
        parameters,
        lambda snapshot: single(
            snapshot,
            parameters,
            CustomerRow,
            _CUSTOMERS,
            chosen,
            UnknownCustomer(wanted).named(wanted, reference),
        ),
    )


DIRECTORY: Final = (
    Permission.READ_ITEMS,
    Permission.READ_DISPUTES,
    Permission.PEOPLE,
    Permission.CATALOGUE,
)
"""Whoever works with items has to be able to name people, and to read the catalogue."""


def people(reading: Reading, parameters: PersonList) -> Report[PersonRow]:
    """One page of people; ``sort``: code (default), name. The common filters are not used.

    Raises RoleForbids, ParameterInvalid.
    """
    reading.reach(*DIRECTORY)
    chosen = Selection()
    chosen.where_given("p.role = %(role)s", role=parameters.role)
    chosen.where_given("p.active = %(active)s", active=parameters.active)

    found = reading.at(
        parameters, lambda snapshot: page(snapshot, parameters, PersonRow, _PEOPLE, chosen, _PEOPLE_ORDERS)
    )
    return _without_logins(reading, found)


def person(
    reading: Reading, reference: UUID | str, parameters: Parameters | None = None
) -> Report[PersonRow]:
    """The person with this id or code, as the one row. Raises RoleForbids, UnknownPerson."""
    parameters = parameters or Parameters()
    reading.reach(*DIRECTORY)
    wanted = reference if isinstance(reference, UUID) else person_id(reference)
    chosen = Selection()
    chosen.where("p.person_id = %(wanted)s", wanted=wanted)

    found = reading.at(
        parameters,
        lambda snapshot: single(
            snapshot, parameters, PersonRow, _PEOPLE, chosen, UnknownPerson(wanted).named(wanted, reference)
        ),
    )
    return _without_logins(reading, found)


def _without_logins(reading: Reading, found: Report[PersonRow]) -> Report[PersonRow]:
    if reading.has(Permission.PEOPLE):
        return found
    own = reading.actor.person_id
    return found.with_each(lambda row: row if row.person_id == own else replace(row, login=None))


def statuses(reading: Reading, parameters: Parameters | None = None) -> Report[StatusRow]:
    """All item statuses, retired ones too, by kind and code. Raises RoleForbids, ParameterInvalid."""
    parameters = parameters or Parameters()
    reading.reach(*DIRECTORY)
    chosen = Selection()
    chosen.where_given("s.code = %(status)s", status=parameters.status)

    def work(snapshot: Snapshot) -> Report[StatusRow]:
        rows = snapshot.rows(StatusRow, _STATUSES, chosen.bindings, selected=chosen.sql(snapshot.moment))
        return snapshot.report(parameters, rows)

    return reading.at(parameters, work)


def status(reading: Reading, code: str, parameters: Parameters | None = None) -> Report[StatusRow]:
    """The status with this code, as the one row.

    Raises RoleForbids; UnknownStatus, naming those that there are.
    """
    found = statuses(reading, parameters)
    rows = tuple(row for row in found.rows if row.code == code)
    if not rows:
        raise UnknownStatus(code, ", ".join(sorted(row.code for row in found.rows)))
    return replace(found, rows=rows)


def settings(reading: Reading, parameters: Parameters | None = None) -> Report[SettingsRow]:
    """The company's settings, as the one row. Raises RoleForbids; NotFounded when there are none yet."""
    parameters = parameters or Parameters()
    reading.reach(*DIRECTORY)

    def work(snapshot: Snapshot) -> Report[SettingsRow]:
        rows = snapshot.rows(SettingsRow, _SETTINGS, {})
        if not rows:
            raise NotFounded
        return snapshot.report(parameters, rows)

    return reading.at(parameters, work)


_IMPORT_RIGHTS: Final = (Permission.IMPORT, Permission.READ_LOG)


def imports(reading: Reading, parameters: PageParameters) -> Report[ImportRow]:
    """One page of imports, the last changed first. The common filters are not used.

    Raises RoleForbids, ParameterInvalid.
    """
    reading.reach(*_IMPORT_RIGHTS)
    return reading.at(
        parameters,
        lambda snapshot: page(snapshot, parameters, ImportRow, _IMPORTS, Selection(), _IMPORT_ORDERS),
    )


def import_(reading: Reading, import_id: UUID, parameters: Parameters | None = None) -> Report[ImportRow]:
    """The import with this id, as the one row. Raises RoleForbids, UnknownImport."""
    parameters = parameters or Parameters()
    reading.reach(*_IMPORT_RIGHTS)
    chosen = Selection()
    chosen.where("r.import_id = %(wanted)s", wanted=import_id)

    return reading.at(
        parameters,
        lambda snapshot: single(snapshot, parameters, ImportRow, _IMPORTS, chosen, UnknownImport(import_id)),
    )
