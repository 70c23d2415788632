"""Which step of the collection scenario is due for which customer (spec 17): a part of the agenda's SQL.

For each customer and currency, over open items that take part in the scenario (spec 15):

* the *oldest* is the item due first of those that ask for something; credit notes and payments have no day of
  their own, but are among the items and lower the amount;
* a step's day is that many days after the oldest's due date, but not before the day it was postponed to;
* what was done or skipped while the oldest was due that day lies behind, and so do earlier steps;
* where less is collectable than a step's minimum amount, or nothing, it is as if the step were not there.

Of the steps whose day has come only the last is due: it takes the place of those before it. If there is none,
the next one to come is shown as soon as the agenda looks so far ahead.
"""

from __future__ import annotations

from typing import Final, LiteralString
from uuid import UUID

from psycopg.sql import SQL, Composable

from domain.identity import ItemId
from projections.moment import Moment
from projections.parameters import Parameters
from projections.reading import Reading, Snapshot
from projections.selection import Selection

# What `domain.item.is_collectable` says; a promise ends by the calendar.
_TAKES_PART: Final = SQL("""
i.follow_ups = '{}' and not i.written_off
and (i.kind is null
     or i.kind not in ('dispute', 'litigation', 'promise_to_pay')
     or i.kind = 'promise_to_pay' and (i.promised_on is null or i.promised_on < %(today)s))""")

_STEPS_DUE: Final[LiteralString] = """
steps as materialized (
    select t.code, t.days, t.kind, t.minimum_amount,
           coalesce(nullif(t.labels ->> %(language)s, ''), nullif(t.labels ->> 'en', ''), t.code) as label
    from scenario_step_states t where {known_t} and t.active
),
accounts as materialized (
    select i.*, w.code, w.name, w.collector_id, w.stands_in
    from (
        select i.customer_id, i.currency, ({takes_part}) as takes_part,
               min(i.due_date) filter (where i.balance > 0) as oldest_due, sum(i.balance) as amount,
               count(*) {counted} as items, sum(i.balance) {counted} as balance,
               sum(i.disputed) {counted} as disputed
        from item_states i
        where {open_i} and {of_whom}
        group by i.customer_id, i.currency, takes_part
    ) i join collected w on w.customer_id = i.customer_id
),
steps_due as (
    select a.*, due.*
    from accounts a
    left join reminder_states m on m.customer_id = a.customer_id and m.oldest_due = a.oldest_due
         and m.currency = a.currency and {seen_m}
    cross join lateral (
        select t.code as step, t.kind as medium, t.label, dated.due_on
        from steps t
        cross join lateral (select greatest(a.oldest_due + t.days, m.postponed_to) as due_on) dated
        where a.amount >= t.minimum_amount
          and dated.due_on <= greatest(%(until)s::date, %(today)s::date)
          and (m.furthest is null or t.days > m.furthest and t.code <> all (m.done || m.skipped))
        order by dated.due_on > %(today)s::date,
                 case when dated.due_on > %(today)s::date then dated.due_on end,
                 t.days desc, t.minimum_amount desc, t.code desc
        limit 1
    ) due
    where a.takes_part and a.amount > 0
      and a.oldest_due + (select min(t.days) from steps t) <= greatest(%(until)s::date, %(today)s::date)
)"""


def steps_due(moment: Moment, items: Selection, *, of_all: bool) -> Composable:
    """Two tables of a ``with`` clause that has ``collected``, customers with their customer_id, code, name,
    collector_id and stands_in, and ``looked_after``, the customer_id of those asked for (*of_all*: of all).

    ``accounts``: what is open of a customer in a currency; apart what takes part in the scenario (takes_part)
    and what does not: items, balance, disputed. ``steps_due``: of those in which a step is due also step,
    medium, label and due_on. Bound are what *items* binds, and until, the last day looked at.

    Of the items only those that pass *items* are counted; which step is due follows from all of them.
    """
    of_whom = "true" if of_all else _OF_THESE_NOW if moment.is_now else _OF_THESE
    parts: dict[str, Composable] = {"counted": SQL(""), "of_whom": SQL(of_whom)}
    if items.conditions:
        parts["counted"] = SQL("filter (where {})").format(items.sql(moment))
    return SQL(_STEPS_DUE).format(takes_part=_TAKES_PART, **parts, **moment.conditions())


# Who looks after nobody costs no look at all that was open. What is open now is found by customer: an array
# is looked up in one go along the index, which holds nothing else, however many of the customers have nothing
# open. What was open is found by the moment, and an array would be gone through for each of it.
_OF_THESE: Final[LiteralString] = """
exists (select from looked_after) and i.customer_id in (select w.customer_id from looked_after w)"""
_OF_THESE_NOW: Final[LiteralString] = """
i.customer_id = any (array(select w.customer_id from looked_after w))"""


_COLLECTABLE: Final[LiteralString] = """
select i.item_id from item_states i
where {open_i} and {takes_part} and i.customer_id = %(customer_id)s
  and (%(of_currency)s::text is null or i.currency = %(of_currency)s)
order by i.due_date, i.item_id"""


def collectable_items(reading: Reading, customer_id: UUID, currency: str | None) -> tuple[ItemId, ...]:
    """What a step goes over: all that can be collected of a customer now, in one currency or in any.

    Whoever asks has been told that they may.
    """

    def work(snapshot: Snapshot) -> tuple[ItemId, ...]:
        bindings = {"customer_id": customer_id, "of_currency": currency}
        return tuple(row["item_id"] for row in snapshot.dicts(_COLLECTABLE, bindings, takes_part=_TAKES_PART))

    return reading.at(Parameters(), work)
