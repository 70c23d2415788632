"""The SQL of an import's staging table (projections/staging.py).

``live`` are the item states as they are now. A refused row has no number if its identity is not known.
"""

from __future__ import annotations

from typing import Final, LiteralString

SETTINGS: Final[tuple[LiteralString, ...]] = (
    "set timezone to 'UTC'",
    "set work_mem to '64MB'",  # one such connection for one import
    "set default_statistics_target to 10",  # the tables are alike in each of their parts
    "set jit to off",  # it takes longer than what it makes faster
)

ALIVE: Final[LiteralString] = "select pg_advisory_lock(hashtextextended(%s, 0))"
"""Who stages holds this lock as long as the connection lasts."""

DEAD: Final[LiteralString] = """
select c.relname from pg_class c
where c.relnamespace = %s::regnamespace and c.relkind = 'r' and c.relname ~ '^import_[0-9a-f]+_staged$'
  and pg_try_advisory_xact_lock(hashtextextended(replace(c.relname, '_staged', ''), 0))"""

CREATE: Final[tuple[LiteralString, ...]] = (
    """
create unlogged table {staged} (
    row bigint not null, entity text, customer_code text, number text, customer_name text, type text,
    issue_date date, due_date date, amount numeric, balance numeric, currency text, attributes jsonb,
    cleared_on date, refused_column text, refused text)""",
    """
create unlogged table {verdicts} (
    row bigint not null, verdict text not null, meets boolean not null, customer_code text)""",
    "create unlogged table {missing} (place bigint generated always as identity, item_id uuid not null)",
)

DROP: Final[LiteralString] = "drop table if exists {staged}, {verdicts}, {missing}"

COPY: Final[LiteralString] = "copy {staged} ({columns}) from stdin"

COMPARE: Final[LiteralString] = """
insert into {verdicts}
with live as not materialized (select * from {schema}.item_states where until is null),
     repeated as (select entity, customer_code, number from {staged} where number is not null
                  group by entity, customer_code, number having count(*) > 1)
select s.row, case when r.number is not null then {repeated}
                   when s.refused is not null then {refused}
                   when i.item_id is null then {new}
                   else {changed} end, false, s.customer_code
from {staged} s
left join repeated r on (r.entity, r.customer_code, r.number) = (s.entity, s.customer_code, s.number)
left join live i on (i.entity, i.customer_code, i.number) = (s.entity, s.customer_code, s.number)
where r.number is not null or s.refused is not null or i.item_id is null
   or case when s.balance = 0 then i.is_open
           else not i.is_open or s.amount <> i.amount or s.balance <> i.balance
                or s.type <> i.type or s.issue_date <> i.issue_date or s.due_date <> i.due_date
                or s.currency <> i.currency or s.attributes <> i.attributes end
"""
"""What is paid already stays as it is, whatever else a row with balance zero says of it."""

FIND_TWINS: Final[LiteralString] = r"""
with live as not materialized (select * from {schema}.item_states where until is null),
     fresh as (select s.* from {verdicts} v join {staged} s on s.row = v.row
               where v.verdict = {new} and s.number ~ '^[0-9]+$'),
     padded as (select entity, customer_code, number from fresh where left(number, 1) = '0'
                union select entity, customer_code, number from live where number ~ '^0[0-9]*$'),
     twins as (
        select f.row from fresh f
        join padded p on (p.entity, p.customer_code) = (f.entity, f.customer_code)
                     and ltrim(p.number, '0') = ltrim(f.number, '0') and p.number <> f.number
        union
        select f.row from fresh f
        join (select entity, customer_code, number from fresh
              union all select entity, customer_code, number from live) x
          on (x.entity, x.customer_code) = (f.entity, f.customer_code) and x.number = ltrim(f.number, '0')
        where left(f.number, 1) = '0')
update {verdicts} v set verdict = {unsure} from twins where twins.row = v.row
"""
"""Of two numbers that differ by leading zeros only, at least one begins with a zero: seldom many do."""

MEET_CUSTOMERS: Final[LiteralString] = """
with first as (
    select min(v.row) as row from {verdicts} v
    where v.verdict = {new}
      and not exists (select from {schema}.customer_states c
                      where c.code = v.customer_code and c.until is null)
    group by v.customer_code)
update {verdicts} v set meets = true from first where first.row = v.row"""

COUNT: Final[LiteralString] = "select verdict, count(*) from {verdicts} group by verdict"

ROWS: Final[LiteralString] = """
select {all}, v.meets from {verdicts} v join {staged} s on s.row = v.row
where v.verdict = any(%s) and v.row > %s order by v.row limit %s"""

ENDS: Final[LiteralString] = """
select row from (select row, row_number() over (order by row) as place from {verdicts}
                 where verdict = {new}) new
where place %% %s = 0 order by row"""

NEW: Final[LiteralString] = """
select {all}, v.meets from {verdicts} v join {staged} s on s.row = v.row
where v.verdict = {new} and v.row > %(after)s and v.row <= %(upto)s
  and s.row > %(after)s and s.row <= %(upto)s order by v.row"""
"""The bounds are said of both tables: each is read by its index then, and not the staged rows as a whole."""

NEW_IDENTITIES: Final[LiteralString] = """
select s.entity, s.customer_code, s.number from {verdicts} v join {staged} s on s.row = v.row
where v.verdict = {new} and v.row > %(after)s and v.row <= %(upto)s
  and s.row > %(after)s and s.row <= %(upto)s order by v.row"""

MEET_LATER: Final[LiteralString] = """
with next as (
    select min(row) as row from {verdicts}
    where verdict = {new} and row > %s and customer_code = any(%s)
    group by customer_code)
update {verdicts} v set meets = true from next where next.row = v.row returning v.row"""

REPEATED: Final[LiteralString] = """
with their as (select s.row, s.entity, s.customer_code, s.number
               from {verdicts} v join {staged} s on s.row = v.row where v.verdict = {repeated})
select t.row, t.entity, t.customer_code, t.number, g.count, g.first
from their t
join (select entity, customer_code, number, count(*), (array_agg(row order by row))[1:6] as first
      from their group by entity, customer_code, number) g
  on (g.entity, g.customer_code, g.number) = (t.entity, t.customer_code, t.number)
order by t.row"""

FIND_MISSING: Final[LiteralString] = """
insert into {missing} (item_id)
select i.item_id from {schema}.item_states i
where i.until is null and i.is_open
  and i.entity in (select entity from {staged} where number is not null)
  and not exists (select from {staged} s
                  where (s.entity, s.customer_code, s.number) = (i.entity, i.customer_code, i.number))
order by i.customer_id, i.item_id"""

KEEP_TWINS: Final[LiteralString] = r"""
with live as not materialized (select * from {schema}.item_states where until is null),
     unknown as (select s.* from {staged} s
                 where s.number ~ '^[0-9]+$'
                   and not exists (select from live i where (i.entity, i.customer_code, i.number)
                                                          = (s.entity, s.customer_code, s.number)))
delete from {missing} m using live i, unknown u
where i.item_id = m.item_id and i.number ~ '^[0-9]+$'
  and (u.entity, u.customer_code) = (i.entity, i.customer_code)
  and ltrim(u.number, '0') = ltrim(i.number, '0')
  and length(i.number) <= least(greatest(20, length(u.number)), 64)"""
"""The lengths are those of domain.identity.leading_zero_twins."""

COUNT_OPEN: Final[LiteralString] = """
select count(*) from {schema}.item_states i
where i.until is null and i.is_open and i.entity in (select entity from {staged} where number is not null)"""

COUNT_PAID: Final[LiteralString] = """
select count(*) from {staged} s join {verdicts} v on v.row = s.row
where v.verdict = {changed} and s.balance = 0"""

MISSING: Final[LiteralString] = """
select m.place, i.item_id, i.customer_id, i.version, i.balance, i.currency,
       i.dispute_id is not null or i.follow_ups <> '{{}}'
from {missing} m join {schema}.item_states i on i.item_id = m.item_id and i.until is null
where m.place > %s order by m.place limit %s"""

COUNT_STAGED: Final[LiteralString] = "select count(*) from {staged}"

COUNT_MISSING: Final[LiteralString] = "select count(*) from {missing}"

COUNT_UNIDENTIFIED: Final[LiteralString] = "select count(*) from {staged} where number is null"

ANALYZE_STAGED: Final[LiteralString] = "analyze {staged}"

ANALYZE_VERDICTS: Final[LiteralString] = "analyze {verdicts}"

PLACE_STAGED: Final[LiteralString] = "create index on {staged} (row)"

PLACE_VERDICTS: Final[LiteralString] = "create index on {verdicts} (row)"
