"""Item search (spec 37): any filter plus free text, page by page; and one item. Of each item it is said
whether it is to be dunned, and if not why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final, LiteralString
from uuid import UUID

from domain.catalogue import StatusKind
from domain.identity import CustomerId, DisputeId, FollowUpId, ItemId
from domain.item import Item, ItemDetails, ItemType, Qualification, exclusions, is_collectable
from domain.refusals import UnknownItem
from domain.roles import Permission
from projections import selection
from projections.moment import Moment
from projections.paging import Order, PageParameters, page, single
from projections.parameters import ParameterInvalid, Parameters, Report
from projections.reading import STATUS_LABEL, Reading, Snapshot
from projections.selection import Selection

# The page first, and only then what is said of its rows besides.
_SQL: Final[LiteralString] = """
with chosen as (
    select i.*
    from item_states i
    left join customer_states c on c.customer_id = i.customer_id and {known_c}
    left join status_states s on s.code = i.status and {known_s}
    where {seen_i} and {selected}
    order by {order} limit %(rows)s
)
select i.item_id, i.version, i.customer_id, i.customer_code, c.name as customer, i.entity, i.number, i.type,
       i.issue_date, i.due_date,
       case when i.is_open then greatest(%(today)s::date - i.due_date, 0) else 0 end as days_overdue,
       i.amount, i.balance, i.currency, i.attributes, i.is_open, i.status,
       {status_label} as status_label, i.kind, i.comment, i.promised_on,
       i.dispute_id, d.reference as dispute_reference, i.disputed, i.disputed_in_part,
       d.resolver_id, resolver.name as resolver, i.follow_ups, i.written_off, i.withdrawn,
       c.collector_id, collector.name as collector, i.occurred_from as changed_at
from chosen i
left join customer_states c on c.customer_id = i.customer_id and {known_c}
left join person_states collector on collector.person_id = c.collector_id and {known_collector}
left join status_states s on s.code = i.status and {known_s}
left join dispute_states d on d.dispute_id = i.dispute_id and {seen_d}
left join person_states resolver on resolver.person_id = d.resolver_id and {known_resolver}
order by {order}"""

_ORDERS: Final = {
    "customer": Order(
        (
            ('i.customer_code collate "C"', "text", "customer_code"),
            ('i.number collate "C"', "text", "number"),
            ("i.item_id", "uuid", "item_id"),
        )
    ),
    "due_date": Order((("i.due_date", "date", "due_date"), ("i.item_id", "uuid", "item_id"))),
    "balance": Order((("i.balance", "numeric", "balance"), ("i.item_id", "uuid", "item_id")), "desc"),
}

_WORDS: Final[LiteralString] = (
    "concat_ws(E'\\n', i.number, i.customer_code, c.name, i.status, " + STATUS_LABEL + ", i.comment, "
)

_VALUES: Final[LiteralString] = "(select string_agg(value, E'\\n') from jsonb_each_text(i.attributes))"

_TEXT: Final[LiteralString] = _WORDS + _VALUES + ") ilike all (%(words)s)"

# Cheap, and true wherever _TEXT is, for words that JSON writes as they are: few rows are left to take apart.
_TEXT_ROUGHLY: Final[LiteralString] = _WORDS + "i.attributes::text) ilike all (%(plain_words)s)"

_LONGEST_TEXT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSearch(PageParameters):
    """``text``: words, each of which must occur in the number, the customer's code or name, an attribute's
    value, the status (its code, or its label as shown) or the comment, in upper or lower case. ``type``: of
    item. ``dispute``, ``follow_up``: ids. ``kind``: of status. ``is_open``, ``is_disputed``, ``is_overdue``,
    ``has_status``, ``has_collector`` (the customer): None for either."""

    text: str | None = None
    number: str | None = None
    type: str | None = None
    kind: str | None = None
    dispute: UUID | None = None
    follow_up: UUID | None = None
    is_open: bool | None = True
    is_disputed: bool | None = None
    is_overdue: bool | None = None
    has_status: bool | None = None
    has_collector: bool | None = None
    due_from: date | None = None
    due_to: date | None = None


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item as it stands; amounts in *currency*; *disputed* is what of the balance its dispute is about.

    *days_overdue* is 0 for what is not past due or is paid. *exclusions* say why an open item is not
    collectable (spec 15); a cleared item is not collectable either. *withdrawn*: the import that registered
    it was undone; it is not open, but nobody paid it.
    """

    item_id: UUID
    version: int
    customer_id: UUID
    customer_code: str
    customer: str | None
    entity: str
    number: str
    type: str
    issue_date: date
    due_date: date
    days_overdue: int
    amount: Decimal
    balance: Decimal
    currency: str
    attributes: Mapping[str, str]
    is_open: bool
    status: str | None
    status_label: str | None
    kind: str | None
    comment: str | None
    promised_on: date | None
    dispute_id: UUID | None
    dispute_reference: str | None
    disputed: Decimal | None
    disputed_in_part: bool
    resolver_id: UUID | None
    resolver: str | None
    follow_ups: Sequence[UUID]
    written_off: bool
    withdrawn: bool
    collector_id: UUID | None
    collector: str | None
    changed_at: datetime
    is_collectable: bool = False
    exclusions: Sequence[str] = field(default_factory=list)


def items(reading: Reading, parameters: ItemSearch) -> Report[ItemRow]:
    """One page of the items that pass all filters; open ones only, unless ``is_open`` says otherwise.

    ``sort``: customer (default; by customer and number), due_date (oldest first), balance (largest first).
    The period selects by issue date. ``by`` is not used. Raises RoleForbids, ParameterInvalid.
    """
    reached = reading.reach(Permission.READ_ITEMS)
    chosen = _chosen(parameters).only(reached, reading.actor, selection.ITEMS)

    def work(snapshot: Snapshot) -> Report[ItemRow]:
        found = page(snapshot, parameters, ItemRow, _SQL, chosen, _ORDERS)
        return _judged(found, snapshot.moment)

    return reading.at(parameters, work)


def item(reading: Reading, item_id: UUID, parameters: Parameters | None = None) -> Report[ItemRow]:
    """The item with this id, as the one row.

    Raises RoleForbids; UnknownItem, also where the role does not reach.
    """
    parameters = parameters or Parameters()
    chosen = Selection().only(reading.reach(Permission.READ_ITEMS), reading.actor, selection.ITEMS)
    chosen.where("i.item_id = %(item)s", item=item_id)

    def work(snapshot: Snapshot) -> Report[ItemRow]:
        found = single(snapshot, parameters, ItemRow, _SQL, chosen, UnknownItem(item_id))
        return _judged(found, snapshot.moment)

    return reading.at(parameters, work)


def _chosen(parameters: ItemSearch) -> Selection:
    chosen = selection.of_items(parameters)
    chosen.where_given("i.number = %(number)s", number=parameters.number)
    chosen.where_given("i.type = %(type)s", type=parameters.type)
    chosen.where_given("i.kind = %(kind)s", kind=parameters.kind)
    chosen.where_given("i.dispute_id = %(dispute)s", dispute=parameters.dispute)
    chosen.where_given("%(follow_up)s = any (i.follow_ups)", follow_up=parameters.follow_up)
    chosen.where_given("i.due_date >= %(due_from)s", due_from=parameters.due_from)
    chosen.where_given("i.due_date <= %(due_to)s", due_to=parameters.due_to)
    if parameters.is_open is not None:
        chosen.where("{open_i}" if parameters.is_open else "not i.is_open")
    chosen.where_given("(i.dispute_id is not null) = %(is_disputed)s", is_disputed=parameters.is_disputed)
    chosen.where_given(
        "(i.is_open and i.due_date < %(today)s::date) = %(is_overdue)s", is_overdue=parameters.is_overdue
    )
    chosen.where_given("(i.status is not null) = %(has_status)s", has_status=parameters.has_status)
    chosen.where_given(
        "(c.collector_id is not null) = %(has_collector)s", has_collector=parameters.has_collector
    )
    if parameters.text is not None and parameters.text.strip():
        if len(parameters.text) > _LONGEST_TEXT:
            raise ParameterInvalid("text", "…", f"give at most {_LONGEST_TEXT} characters")
        _where_text(chosen, parameters.text.split())
    return chosen


def _where_text(chosen: Selection, words: Sequence[str]) -> None:
    plain = [word for word in words if word.isprintable() and not {'"', "\\"} & {*word}]
    chosen.where(_TEXT_ROUGHLY, plain_words=[f"%{escaped(word)}%" for word in plain])
    chosen.where(_TEXT, words=[f"%{escaped(word)}%" for word in words])


def escaped(word: str) -> str:
    r"""*word* for a pattern of ``ilike``, in which ``%``, ``_`` and ``\`` have meanings."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _judged(found: Report[ItemRow], moment: Moment) -> Report[ItemRow]:
    # The rule itself stands in the domain, once.
    return found.with_each(lambda row: _judged_row(row, moment))


def _judged_row(row: ItemRow, moment: Moment) -> ItemRow:
    of = _as_item(row)
    why = exclusions(of, moment.at, moment.zone) if row.is_open else ()
    return replace(row, is_collectable=is_collectable(of, moment.at, moment.zone), exclusions=[*why])


def _as_item(row: ItemRow) -> Item:
    details = ItemDetails(
        ItemType(row.type),
        row.issue_date,
        row.due_date,
        row.amount,
        row.balance,
        row.currency,
        row.attributes,
    )
    qualification = None
    if row.status is not None and row.kind is not None:
        qualification = Qualification(row.status, StatusKind(row.kind), row.comment, row.promised_on)
    return Item(
        ItemId(row.item_id),
        CustomerId(row.customer_id),
        row.customer_code,
        row.entity,
        row.number,
        details,
        cleared=not row.is_open,
        qualification=qualification,
        dispute_id=DisputeId(row.dispute_id) if row.dispute_id else None,
        follow_ups=frozenset(FollowUpId(each) for each in row.follow_ups),
        write_offs=_BY_SOME_DISPUTE if row.written_off else frozenset(),
    )


_BY_SOME_DISPUTE: Final = frozenset({DisputeId(UUID(int=0))})
"""A row does not say which dispute wrote the item off, and the rule does not ask."""
