"""Receivables figures (spec 38): DSO by counting back, simple and best-possible, of disputes, and days
deduction outstanding. The formulas stand in dso.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain
from operator import itemgetter
from typing import Final, LiteralString

from psycopg.sql import Composable

from domain.calendar import start_of_day
from domain.money import NOTHING
from domain.roles import Permission
from projections import dso, item_rows, selection
from projections.episodes import EPISODES, customers_for, opening_amounts
from projections.episodes import GROUPINGS as EPISODE_GROUPINGS
from projections.parameters import ParameterInvalid, Parameters, Report
from projections.reading import Reading, Shown, Snapshot
from projections.sales_by_month import Sales, counts_stated, group_of, registered_items, sales_by_month
from projections.selection import Groupings, Name
from projections.shares import ALL, Ordered, Share, in_order

_OPEN_ITEMS: Final[LiteralString] = """
select i.item_id, {keys}, i.currency, i.balance, i.due_date, i.dispute_id,
       case when i.dispute_id is not null then i.disputed else 0 end as disputed
{items} {joins}
where {open_i} and {selected}
"""

_NEWLY_DISPUTED: Final[LiteralString] = """
with {episodes}
select d.dispute_id, {keys}, d.currency, i.amount
from (select e.*, e.opened_at as moment from episodes e where e.episode = 1) d
{opening} {customers} {joins}
where {selected} and d.opened_at >= %(opened_from)s
"""

# What is in one dispute is added up first: most items are in none, and are then few rows to sort.
_OPEN: Final[LiteralString] = """
with facts as ({facts}),
sums as (
    select {columns}, currency, dispute_id, sum(balance) as balance,
           coalesce(sum(balance) filter (where due_date >= %(today)s), 0) as not_due,
           sum(disputed) as disputed
    from facts
    where {of_share}
    group by {columns}, currency, dispute_id
)
select grouping({levels}) as summed, {named}, currency, sum(balance) as receivables,
       sum(not_due) as not_due, sum(disputed) as disputed, count(distinct dispute_id)::int as disputes
from sums
group by currency, rollup ({levels})
"""

_OPENED: Final[LiteralString] = """
with facts as ({facts})
select grouping({levels}) as summed, {named}, currency, sum(amount) as amount,
       count(distinct dispute_id)::int as disputes
from facts
where {of_share}
group by currency, rollup ({levels})
"""

_GROUPS: Final[LiteralString] = "select count(distinct key)::int as groups from ({facts}) facts"

DAYS: Final = 90
SALES_DAYS: Final = 365
LONGEST: Final = 3_660


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivablesParameters(Parameters):
    """``days``: of how many last days newly opened disputes count in days deduction outstanding.
    ``sales_days``: of how many last days sales count in the simple and the best-possible DSO."""

    days: int = DAYS
    sales_days: int = SALES_DAYS


@dataclass(frozen=True, slots=True)
class ReceivablesRow:
    """Figures of one group in one currency. Amounts in it; the others in days, None where they cannot be
    told.

    *receivables*: open balances, credit notes and payments taken off; *not_due* and *disputed* of them, and
    the number of open *disputes*. *sales* of the last ``sales_days``, and their *sales_source*:
    ``registered`` invoices and credit notes, ``stated`` monthly figures, or ``both``.
    *dso* (by counting back), *simple_dso*, *best_possible_dso*, *dispute_dso*.
    *disputed_opened* and *disputes_opened*: disputed newly in the last ``days``, which
    *days_deduction_outstanding* (by amount) and *days_deduction_outstanding_by_number* rest on.
    """

    key: str | None
    label: str | None
    grouped: Mapping[str, str | None] = field(default_factory=dict, kw_only=True)
    currency: str
    receivables: Decimal
    not_due: Decimal
    disputed: Decimal
    disputes: int
    sales: Decimal
    sales_source: str
    dso: float | None
    simple_dso: float | None
    best_possible_dso: float | None
    dispute_dso: float | None
    disputed_opened: Decimal
    disputes_opened: int
    days_deduction_outstanding: float | None
    days_deduction_outstanding_by_number: float | None


def receivables(reading: Reading, parameters: ReceivablesParameters) -> Report[ReceivablesRow]:
    """DSO and its relatives at the moment, per currency.

    ``dso``: by counting back month by month from the moment's date, over the sales of each month.
    ``simple_dso`` = receivables / sales · days, ``best_possible_dso`` = receivables not due / sales · days,
    of the last ``sales_days`` (365). ``dispute_dso`` = DSO of all - DSO without what is disputed, both by
    counting back. ``days_deduction_outstanding`` = disputed and open / (disputed newly in the last ``days``
    (90) / days), by amount and by number; disputes opened again are not new, those cancelled by the moment
    count nowhere.

    Sales are the invoices and credit notes issued in a month, or the figure that the company stated for that
    month, entity and currency. Of the month that the moment is in, a stated figure counts for the days so
    far. Stated figures tell nothing of customers: with a grouping or a filter by customer, collector or
    attribute, registered documents alone make the sales.

    Grouped ``by`` none (default), entity, customer, collector or attribute:<name>, or by two of them; a
    dispute over two entities counts once in each and once in the total. Largest receivables first. There is
    no period: ask as at the day.

    Raises RoleForbids, ParameterInvalid.
    """
    asked = Asked.of(reading, parameters)

    def work(snapshot: Snapshot) -> Report[ReceivablesRow]:
        rows: Shown[ReceivablesRow]
        totals: list[ReceivablesRow] = []
        if snapshot.stream is not None:
            rows = asked.coming(snapshot, snapshot.stream)
        else:
            rows, totals = asked.answer(snapshot)
        return snapshot.report(
            parameters, rows, totals, by=asked.group.name,
            days=parameters.days, sales_days=parameters.sales_days,
        )  # fmt: skip

    return reading.at(parameters, work)


_NAMES: Final = ("none", "entity", "customer", "collector")
BY: Final = Groupings("none", {name: item_rows.GROUPINGS[name] for name in _NAMES})
_BY_OF_DISPUTES: Final = Groupings("none", {name: EPISODE_GROUPINGS[name] for name in _NAMES})

_WITHOUT_SENSE: Final[Mapping[str, str]] = {
    "period_from": "these figures are of a moment: ask as at a day, with days or sales_days",
    "period_to": "these figures are of a moment: ask as at a day, with days or sales_days",
    "resolver": "sales have no resolver; ask the dispute report",
    "status": "sales have no status; ask the item statuses",
}


def _require_sense(parameters: ReceivablesParameters) -> None:
    for name, cure in _WITHOUT_SENSE.items():
        if (value := getattr(parameters, name)) is not None:
            raise ParameterInvalid(name, str(value), cure)
    for name in ("days", "sales_days"):
        if not 1 <= (value := getattr(parameters, name)) <= LONGEST:
            raise ParameterInvalid(name, value, f"give a number from 1 to {LONGEST}")


@dataclass(frozen=True, slots=True)
class _Open:
    names: tuple[Name, ...]
    currency: str
    receivables: Decimal = NOTHING
    not_due: Decimal = NOTHING
    disputed: Decimal = NOTHING
    disputes: int = 0


@dataclass(frozen=True, slots=True)
class _Opened:
    names: tuple[Name, ...]
    currency: str
    amount: Decimal = NOTHING
    disputes: int = 0


class Asked:
    """What *parameters* ask for, of items, disputes and sales."""

    def __init__(self, parameters: ReceivablesParameters) -> None:
        self.parameters: Final = parameters
        self.group: Final = BY.asked(parameters.by)
        self._of_disputes: Final = _BY_OF_DISPUTES.asked(parameters.by)

    @classmethod
    def of(cls, reading: Reading, parameters: ReceivablesParameters) -> Asked:
        """What *reading* may see of it. Raises RoleForbids, ParameterInvalid."""
        reading.reach(Permission.READ_RECEIVABLES)
        _require_sense(parameters)
        return cls(parameters)

    def answer(self, snapshot: Snapshot) -> tuple[list[ReceivablesRow], list[ReceivablesRow]]:
        """Rows and totals."""
        found = self._made(snapshot, ALL)
        totals, *above, rows = [[row for _, row in sorted(each, key=itemgetter(0))] for each in found]
        return self.group.in_order(rows, above[0] if above else ()), [*chain(*above, totals)]

    def coming(self, snapshot: Snapshot, stream: ExitStack) -> Iterator[ReceivablesRow]:
        """The rows, as long as *stream* is open."""
        return in_order(self._groups(snapshot), lambda share: self._ordered(snapshot, share), stream)

    def _groups(self, snapshot: Snapshot) -> int:
        # Stated sales are of entities, which are few; what they go over is not shared out.
        if counts_stated(self.parameters, self.group):
            return 1
        sold = registered_items(snapshot, self.parameters, self.group, self.parameters.sales_days)
        several = (self.open_items(snapshot), self.newly_disputed(snapshot), sold)
        return sum(snapshot.dicts(_GROUPS, to, facts=facts)[0]["groups"] for to, facts in several)

    def _ordered(self, snapshot: Snapshot, share: Share) -> list[Ordered[ReceivablesRow]]:
        """The rows of a share, each behind its place among those of the whole report."""
        _, *above, rows = self._made(snapshot, share)
        places = {(row.currency, row.key): place for each in above for place, row in each}
        return [((*places.get((row.currency, row.key), ()), *place), row) for place, row in rows]

    def _made(self, snapshot: Snapshot, share: Share) -> list[list[Ordered[ReceivablesRow]]]:
        """Totals, subtotals if there are any, and rows, in no order."""
        opens = {group_of(each.names, each.currency): each for each in self._open(snapshot, share)}
        opened = {group_of(each.names, each.currency): each for each in self._opened(snapshot, share)}
        sales_days = self.parameters.sales_days
        sales = sales_by_month(snapshot, self.parameters, self.group, sales_days, share)
        made: list[list[Ordered[ReceivablesRow]]] = [[] for _ in range(len(self.group.levels) + 1)]
        for found in {**opens, **opened, **sales}:
            keys, currency = found
            sold = sales.get(found) or Sales()
            new = opened.get(found) or _Opened(sold.names, currency)
            still = opens.get(found) or _Open(new.names, currency)
            row = self._row(snapshot.moment.today, still, new, sold)
            order = (currency, -row.receivables, *((key is None, key or "") for key in keys))
            made[len(keys)].append((order, row))
        return made

    def _row(self, today: date, still: _Open, new: _Opened, sold: Sales) -> ReceivablesRow:
        days, sales_days = self.parameters.days, self.parameters.sales_days
        months = tuple(sold.back_from(today))
        return ReceivablesRow(
            **self.group.heading(*still.names),
            currency=still.currency,
            receivables=still.receivables,
            not_due=still.not_due,
            disputed=still.disputed,
            disputes=still.disputes,
            sales=_cents(sold.recent),
            sales_source=sold.source,
            dso=_number(dso.count_back(still.receivables, months)),
            simple_dso=_number(dso.simple(still.receivables, sold.recent, sales_days)),
            best_possible_dso=_number(dso.simple(still.not_due, sold.recent, sales_days)),
            dispute_dso=_number(dso.of_disputes(still.receivables, still.disputed, months)),
            disputed_opened=new.amount,
            disputes_opened=new.disputes,
            days_deduction_outstanding=_number(
                dso.days_deduction_outstanding(still.disputed, new.amount, days)
            ),
            days_deduction_outstanding_by_number=_number(
                dso.days_deduction_outstanding(still.disputes, new.disputes, days)
            ),
        )

    # --- what is asked of the tables ----------------------------------------------------------------

    def open_items(self, snapshot: Snapshot) -> tuple[dict[str, object], Composable]:
        """A SELECT of the open items (item_id, key and label of each level, currency, balance, due_date,
        dispute_id, disputed), and what it refers to."""
        chosen = selection.of_items(self.parameters)
        text = snapshot.statement(
            _OPEN_ITEMS,
            items=snapshot.sql(item_rows.items_for(chosen, self.group)),
            selected=chosen.sql(snapshot.moment),
            **self.group.parts(snapshot.moment),
        )
        return {**chosen.bindings, **self.group.bindings}, text

    def newly_disputed(self, snapshot: Snapshot) -> tuple[dict[str, object], Composable]:
        """A SELECT of the disputes opened in the last days (dispute_id, key and label of each level,
        currency, amount), once for each item where items differ, and what it refers to."""
        of_disputes = selection.of_disputes(self.parameters)
        chosen = selection.both(of_disputes, selection.of_item_parts(self.parameters))
        moment = snapshot.moment
        first = start_of_day(moment.today - timedelta(days=self.parameters.days - 1), moment.zone)
        text = snapshot.statement(
            _NEWLY_DISPUTED,
            episodes=snapshot.sql(EPISODES),
            opening=snapshot.sql(opening_amounts(self.parameters, self._of_disputes)),
            customers=snapshot.sql(customers_for(chosen, self._of_disputes)),
            selected=chosen.sql(moment),
            **self._of_disputes.parts(moment),
        )
        return {**chosen.bindings, **self._of_disputes.bindings, "opened_from": first}, text

    def _open(self, snapshot: Snapshot, share: Share) -> list[_Open]:
        bindings, facts = self.open_items(snapshot)
        parts = {**self.group.parts(snapshot.moment), "of_share": share.condition}
        found = snapshot.dicts(_OPEN, {**bindings, **share.bindings}, facts=facts, **parts)
        return [_Open(self.group.names(each), **each) for each in found]

    def _opened(self, snapshot: Snapshot, share: Share) -> list[_Opened]:
        bindings, facts = self.newly_disputed(snapshot)
        parts = {**self._of_disputes.parts(snapshot.moment), "of_share": share.condition}
        found = snapshot.dicts(_OPENED, {**bindings, **share.bindings}, facts=facts, **parts)
        return [_Opened(self._of_disputes.names(each), **each) for each in found]


def _cents(amount: Decimal) -> Decimal:
    """*amount* without the endless decimals that a part of a month has."""
    return round(amount, 2) if amount != round(amount, 3) else amount


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
