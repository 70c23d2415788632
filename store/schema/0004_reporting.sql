-- What analysts see of one company, in a schema beside its own: {company}_reporting. {company} stands for its schema.
--
-- Views read the company's tables with the rights of their owner, so that who analyses needs no right on a table.
-- Functions are plain SQL over the views and become part of the query that calls them: its conditions reach the
-- tables' indexes, and nobody's rights grow. A rebuild of the read side tells the views which look at a table
-- itself (`…_states`) of the new tables; everything else here stands on those views. docs/adr/0016
--
-- Left out are what people wrote about others (comments), logins and, but for those who may read the log, events.

-- `or replace`, `if not exists`: where the company's schema was dropped and comes back, these are still there.
create schema if not exists {company}_reporting;
comment on schema {company}_reporting is
    'Documented views for analysts. Views only gain columns, at their end; what would change its meaning gets a new name.';

-- --- every state that ever was -----------------------------------------------------------------------

create view {company}_reporting.item_states as
select item_id, version, since as known_from, until as known_until, occurred_from, occurred_until,
       customer_id, customer_code, entity, number, type as document_type, issue_date, due_date,
       amount, balance, disputed as disputed_amount, currency, is_open, status, kind as status_kind, promised_on,
       dispute_id, disputed_in_part, follow_ups as follow_up_ids, written_off, withdrawn, attributes
from {company}.item_states;

create view {company}_reporting.dispute_states as
select dispute_id, version, since as known_from, until as known_until, occurred_from, occurred_until,
       reference, customer_id, customer_code, state, type, reason, channel, received_on, opened_by as opened_by_id,
       resolver_id, assigned_by, unassigned, outcome, episode, episode_opened_at, begins_episode, ends_episode,
       amount_at_opening, credited_amount, currency, items as item_ids, opening as opening_items,
       follow_ups as follow_up_ids, comments, documents
from {company}.dispute_states;

create view {company}_reporting.ended_episode_states as
select dispute_id, version, since as known_from, until as known_until, occurred_from, occurred_until,
       episode, state, opened_at as episode_opened_at, customer_id, customer_code, type, resolver_id,
       opened_by as opened_by_id, responded_at as first_response_at, chases, held_by as held_by_ids, held_for,
       amount_at_opening, currency, opening as opening_items
from {company}.ended_episodes;

create view {company}_reporting.follow_up_states as
select follow_up_id, version, since as known_from, until as known_until, occurred_from, occurred_until,
       reference, customer_id, dispute_id, title, due_on, owner_id, resolver_id, planned_by as planned_by_id, status,
       items as item_ids, chases, interactions, comments, is_open, ended
from {company}.follow_up_states;

create view {company}_reporting.customer_states as
select customer_id, version, since as known_from, until as known_until, occurred_from, occurred_until,
       code as customer_code, name as customer_name, collector_id, sales_manager_id, attributes
from {company}.customer_states;

create view {company}_reporting.person_states as
select person_id, version, since as known_from, until as known_until, occurred_from, occurred_until,
       code as person_code, name as person_name, role, assignment_values, active
from {company}.person_states;

create view {company}_reporting.status_states as
select code as status, version, since as known_from, until as known_until, occurred_from, occurred_until,
       kind as status_kind, labels, follow_up_days, target_days, active
from {company}.status_states;

create view {company}_reporting.settings_states as
select version, since as known_from, until as known_until, occurred_from, occurred_until,
       name as company_name, zone as time_zone, currency as default_currency, language, country, default_entity,
       ageing_buckets
from {company}.settings_states;

create view {company}_reporting.sales_states as
select sales_id, version, since as known_from, until as known_until, occurred_from, occurred_until,
       month, entity, amount, currency
from {company}.sales_states;

-- For those who may read the log.
create view {company}_reporting.events as
select position, decision_end, stream_id, version, type as event_type, data as event_data, occurred_at, recorded_at,
       actor as actor_id, role as actor_role, key_id, on_behalf_of as on_behalf_of_id, command_id
from {company}.events;

create view {company}_reporting.version as
select 1 as reporting_version, substr('{company}', 9) as company_id,
       coalesce((select max(notification_id) from {company}.tracking where application_name = 'states'), 0) as position;

-- --- clocks and labels -------------------------------------------------------------------------------

create function {company}_reporting.position_at(moment timestamptz) returns bigint
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select {company}.position_at(moment);
end;

create or replace function {company}_reporting.label(labels jsonb, language text, code text) returns text
language sql immutable parallel safe
begin atomic
    select coalesce(nullif(labels ->> language, ''), nullif(labels ->> 'en', ''), code);
end;

-- Conditions of the two clocks on the rows of a view `…_states`; null stands for now, and for the log's end.
-- They become part of the query that calls them.

create or replace function {company}_reporting.known(known_from bigint, known_until bigint, known_at bigint) returns boolean
language sql immutable parallel safe
begin atomic
    select known_from <= coalesce(known_at, 9223372036854775807)
           and (known_until is null or known_until > coalesce(known_at, 9223372036854775807));
end;

create or replace function {company}_reporting.seen(
    known_from bigint, known_until bigint, occurred_from timestamptz, occurred_until timestamptz,
    as_at timestamptz, known_at bigint
) returns boolean language sql immutable parallel safe
begin atomic
    select known_from <= coalesce(known_at, 9223372036854775807) and occurred_from <= coalesce(as_at, 'infinity')
           and (known_until is null or known_until > coalesce(known_at, 9223372036854775807)
                or occurred_until > coalesce(as_at, 'infinity'));
end;

-- --- now ---------------------------------------------------------------------------------------------

create view {company}_reporting.customers as
select c.customer_id, c.customer_code, c.customer_name, c.collector_id, collector.person_name as collector_name,
       c.sales_manager_id, manager.person_name as sales_manager_name, c.attributes
from {company}_reporting.customer_states c
left join {company}_reporting.person_states collector
    on collector.person_id = c.collector_id and collector.known_until is null
left join {company}_reporting.person_states manager
    on manager.person_id = c.sales_manager_id and manager.known_until is null
where c.known_until is null;

create view {company}_reporting.people as
select person_id, person_code, person_name, role, assignment_values, active
from {company}_reporting.person_states where known_until is null;

create view {company}_reporting.statuses as
select s.status, {company}_reporting.label(s.labels, t.language, s.status) as status_label, s.status_kind,
       s.follow_up_days, s.target_days, s.active
from {company}_reporting.status_states s
left join {company}_reporting.settings_states t on t.known_until is null
where s.known_until is null;

create view {company}_reporting.monthly_sales as
select month, entity, amount, currency from {company}_reporting.sales_states where known_until is null;

create view {company}_reporting.items as
select i.item_id, i.customer_id, i.customer_code, c.customer_name, c.collector_id,
       collector.person_name as collector_name, i.entity, i.number, i.document_type, i.issue_date, i.due_date,
       i.amount, i.balance, i.disputed_amount, i.currency, i.is_open, i.status,
       {company}_reporting.label(s.labels, t.language, i.status) as status_label, i.status_kind, i.promised_on,
       i.dispute_id, d.reference as dispute_reference, i.disputed_in_part,
       cardinality(i.follow_up_ids) as open_follow_ups, i.written_off, i.withdrawn, i.attributes,
       i.occurred_from as changed_at, i.known_from as changed_position
from {company}_reporting.item_states i
left join {company}_reporting.settings_states t on t.known_until is null
left join {company}_reporting.customer_states c on c.customer_id = i.customer_id and c.known_until is null
left join {company}_reporting.person_states collector
    on collector.person_id = c.collector_id and collector.known_until is null
left join {company}_reporting.status_states s on s.status = i.status and s.known_until is null
left join {company}_reporting.dispute_states d on d.dispute_id = i.dispute_id and d.known_until is null
where i.known_until is null;

create view {company}_reporting.disputes as
select d.dispute_id, d.reference, d.customer_id, d.customer_code, c.customer_name, c.collector_id,
       collector.person_name as collector_name, d.state, d.type,
       {company}_reporting.label(s.labels, t.language, d.type) as type_label, d.reason, d.channel, d.received_on,
       d.opened_by_id, opener.person_name as opened_by_name, d.resolver_id, resolver.person_name as resolver_name,
       d.assigned_by, d.unassigned, d.outcome, d.episode, d.episode_opened_at, cardinality(d.item_ids) as items,
       coalesce(i.disputed_amount, 0) as disputed_amount, d.amount_at_opening, d.credited_amount, d.currency,
       cardinality(d.follow_up_ids) as open_follow_ups, d.comments, d.documents,
       d.occurred_from as changed_at, d.known_from as changed_position
from {company}_reporting.dispute_states d
left join (
    select dispute_id, sum(disputed_amount) as disputed_amount from {company}_reporting.item_states
    where known_until is null and dispute_id is not null group by dispute_id
) i on i.dispute_id = d.dispute_id
left join {company}_reporting.settings_states t on t.known_until is null
left join {company}_reporting.customer_states c on c.customer_id = d.customer_id and c.known_until is null
left join {company}_reporting.person_states collector
    on collector.person_id = c.collector_id and collector.known_until is null
left join {company}_reporting.person_states resolver
    on resolver.person_id = d.resolver_id and resolver.known_until is null
left join {company}_reporting.person_states opener
    on opener.person_id = d.opened_by_id and opener.known_until is null
left join {company}_reporting.status_states s on s.status = d.type and s.known_until is null
where d.known_until is null;

create view {company}_reporting.follow_ups as
select f.follow_up_id, f.reference, f.customer_id, c.customer_code, c.customer_name,
       f.dispute_id, d.reference as dispute_reference, f.title, f.due_on,
       f.owner_id, owner.person_name as owner_name,
       coalesce(f.resolver_id, d.resolver_id) as resolver_id, resolver.person_name as resolver_name,
       f.planned_by_id, coalesce(d.type, f.status) as status,
       {company}_reporting.label(s.labels, t.language, coalesce(d.type, f.status)) as status_label,
       cardinality(f.item_ids) as items, f.chases, f.interactions, f.comments, f.is_open, f.ended,
       f.occurred_from as changed_at, f.known_from as changed_position
from {company}_reporting.follow_up_states f
left join {company}_reporting.settings_states t on t.known_until is null
left join {company}_reporting.dispute_states d on d.dispute_id = f.dispute_id and d.known_until is null
left join {company}_reporting.customer_states c on c.customer_id = f.customer_id and c.known_until is null
left join {company}_reporting.person_states owner on owner.person_id = f.owner_id and owner.known_until is null
left join {company}_reporting.person_states resolver
    on resolver.person_id = coalesce(f.resolver_id, d.resolver_id) and resolver.known_until is null
left join {company}_reporting.status_states s
    on s.status = coalesce(d.type, f.status) and s.known_until is null
where f.known_until is null;

-- Each episode once, as it last was. One that ended and was continued (the import that had ended it was undone) is
-- open again; disputes cancelled since have none.
create view {company}_reporting.episodes as
select d.dispute_id, d.reference, d.episode, d.state, d.episode_opened_at,
       case when d.state <> 'open' then d.occurred_from end as episode_ended_at,
       case when d.state <> 'open'
            then extract(epoch from greatest(d.occurred_from - d.episode_opened_at, interval '0'))::double precision / 86400
       end as calendar_days,
       d.state <> 'resolved' as is_censored, d.outcome, d.customer_id, d.customer_code, c.customer_name,
       c.collector_id, collector.person_name as collector_name, d.type,
       {company}_reporting.label(s.labels, t.language, d.type) as type_label, s.target_days,
       d.resolver_id, resolver.person_name as resolver_name, d.opened_by_id,
       d.amount_at_opening, d.credited_amount, d.currency, d.opening_items
from (
    select d.* from {company}_reporting.dispute_states d where d.state = 'open' and d.known_until is null
    union all
    select d.* from {company}_reporting.dispute_states d
    where d.ends_episode
      and exists (select from {company}_reporting.ended_episode_states e
                  where e.dispute_id = d.dispute_id and e.known_from = d.known_from and e.known_until is null)
) d
left join {company}_reporting.settings_states t on t.known_until is null
left join {company}_reporting.customer_states c on c.customer_id = d.customer_id and c.known_until is null
left join {company}_reporting.person_states collector
    on collector.person_id = c.collector_id and collector.known_until is null
left join {company}_reporting.person_states resolver
    on resolver.person_id = d.resolver_id and resolver.known_until is null
left join {company}_reporting.status_states s on s.status = d.type and s.known_until is null;

-- --- as of any moment --------------------------------------------------------------------------------
-- The same columns. as_at: what had occurred by that time (null, infinity: now); known_at: as the log stood at that
-- position (null: at its end). Of a thing the last state that both clocks show; names, labels and settings as
-- known-at alone shows them.

create function {company}_reporting.items_as_of(as_at timestamptz default null, known_at bigint default null)
returns setof {company}_reporting.items language sql stable
begin atomic
    select i.item_id, i.customer_id, i.customer_code, c.customer_name, c.collector_id,
           collector.person_name, i.entity, i.number, i.document_type, i.issue_date, i.due_date,
           i.amount, i.balance, i.disputed_amount, i.currency, i.is_open, i.status,
           {company}_reporting.label(s.labels, t.language, i.status), i.status_kind, i.promised_on,
           i.dispute_id, d.reference, i.disputed_in_part,
           cardinality(i.follow_up_ids), i.written_off, i.withdrawn, i.attributes,
           i.occurred_from, i.known_from
    from {company}_reporting.item_states i
    left join {company}_reporting.settings_states t on {company}_reporting.known(t.known_from, t.known_until, known_at)
    left join {company}_reporting.customer_states c on c.customer_id = i.customer_id
        and {company}_reporting.known(c.known_from, c.known_until, known_at)
    left join {company}_reporting.person_states collector
        on collector.person_id = c.collector_id
           and {company}_reporting.known(collector.known_from, collector.known_until, known_at)
    left join {company}_reporting.status_states s on s.status = i.status
        and {company}_reporting.known(s.known_from, s.known_until, known_at)
    left join {company}_reporting.dispute_states d on d.dispute_id = i.dispute_id
        and {company}_reporting.seen(d.known_from, d.known_until, d.occurred_from, d.occurred_until, as_at, known_at)
    where {company}_reporting.seen(i.known_from, i.known_until, i.occurred_from, i.occurred_until, as_at, known_at);
end;

create function {company}_reporting.disputes_as_of(as_at timestamptz default null, known_at bigint default null)
returns setof {company}_reporting.disputes language sql stable
begin atomic
    select d.dispute_id, d.reference, d.customer_id, d.customer_code, c.customer_name, c.collector_id,
           collector.person_name, d.state, d.type,
           {company}_reporting.label(s.labels, t.language, d.type), d.reason, d.channel, d.received_on,
           d.opened_by_id, opener.person_name, d.resolver_id, resolver.person_name,
           d.assigned_by, d.unassigned, d.outcome, d.episode, d.episode_opened_at, cardinality(d.item_ids),
           coalesce(i.disputed_amount, 0), d.amount_at_opening, d.credited_amount, d.currency,
           cardinality(d.follow_up_ids), d.comments, d.documents,
           d.occurred_from, d.known_from
    from {company}_reporting.dispute_states d
    left join (
        select i.dispute_id, sum(i.disputed_amount) as disputed_amount from {company}_reporting.item_states i
        where {company}_reporting.seen(i.known_from, i.known_until, i.occurred_from, i.occurred_until, as_at, known_at)
          and i.dispute_id is not null group by i.dispute_id
    ) i on i.dispute_id = d.dispute_id
    left join {company}_reporting.settings_states t on {company}_reporting.known(t.known_from, t.known_until, known_at)
    left join {company}_reporting.customer_states c on c.customer_id = d.customer_id
        and {company}_reporting.known(c.known_from, c.known_until, known_at)
    left join {company}_reporting.person_states collector
        on collector.person_id = c.collector_id
           and {company}_reporting.known(collector.known_from, collector.known_until, known_at)
    left join {company}_reporting.person_states resolver
        on resolver.person_id = d.resolver_id
           and {company}_reporting.known(resolver.known_from, resolver.known_until, known_at)
    left join {company}_reporting.person_states opener
        on opener.person_id = d.opened_by_id
           and {company}_reporting.known(opener.known_from, opener.known_until, known_at)
    left join {company}_reporting.status_states s on s.status = d.type
        and {company}_reporting.known(s.known_from, s.known_until, known_at)
    where {company}_reporting.seen(d.known_from, d.known_until, d.occurred_from, d.occurred_until, as_at, known_at);
end;

create function {company}_reporting.follow_ups_as_of(as_at timestamptz default null, known_at bigint default null)
returns setof {company}_reporting.follow_ups language sql stable
begin atomic
    select f.follow_up_id, f.reference, f.customer_id, c.customer_code, c.customer_name,
           f.dispute_id, d.reference, f.title, f.due_on,
           f.owner_id, owner.person_name,
           coalesce(f.resolver_id, d.resolver_id), resolver.person_name,
           f.planned_by_id, coalesce(d.type, f.status),
           {company}_reporting.label(s.labels, t.language, coalesce(d.type, f.status)),
           cardinality(f.item_ids), f.chases, f.interactions, f.comments, f.is_open, f.ended,
           f.occurred_from, f.known_from
    from {company}_reporting.follow_up_states f
    left join {company}_reporting.settings_states t on {company}_reporting.known(t.known_from, t.known_until, known_at)
    left join {company}_reporting.dispute_states d on d.dispute_id = f.dispute_id
        and {company}_reporting.seen(d.known_from, d.known_until, d.occurred_from, d.occurred_until, as_at, known_at)
    left join {company}_reporting.customer_states c on c.customer_id = f.customer_id
        and {company}_reporting.known(c.known_from, c.known_until, known_at)
    left join {company}_reporting.person_states owner on owner.person_id = f.owner_id
        and {company}_reporting.known(owner.known_from, owner.known_until, known_at)
    left join {company}_reporting.person_states resolver
        on resolver.person_id = coalesce(f.resolver_id, d.resolver_id)
           and {company}_reporting.known(resolver.known_from, resolver.known_until, known_at)
    left join {company}_reporting.status_states s
        on s.status = coalesce(d.type, f.status) and {company}_reporting.known(s.known_from, s.known_until, known_at)
    where {company}_reporting.seen(f.known_from, f.known_until, f.occurred_from, f.occurred_until, as_at, known_at);
end;

create function {company}_reporting.episodes_as_of(as_at timestamptz default null, known_at bigint default null)
returns setof {company}_reporting.episodes language sql stable
begin atomic
    select d.dispute_id, d.reference, d.episode, d.state, d.episode_opened_at,
           case when d.state <> 'open' then d.occurred_from end,
           case when d.state <> 'open'
                then extract(epoch from greatest(d.occurred_from - d.episode_opened_at, interval '0'))::double precision / 86400
           end,
           d.state <> 'resolved', d.outcome, d.customer_id, d.customer_code, c.customer_name,
           c.collector_id, collector.person_name, d.type,
           {company}_reporting.label(s.labels, t.language, d.type), s.target_days,
           d.resolver_id, resolver.person_name, d.opened_by_id,
           d.amount_at_opening, d.credited_amount, d.currency, d.opening_items
    from (
        select d.* from {company}_reporting.dispute_states d
        where d.state = 'open'
          and {company}_reporting.seen(d.known_from, d.known_until, d.occurred_from, d.occurred_until, as_at, known_at)
        union all
        select d.* from {company}_reporting.dispute_states d
        where d.ends_episode
          and exists (
              select from {company}_reporting.ended_episode_states e
              where e.dispute_id = d.dispute_id and e.known_from = d.known_from
                and {company}_reporting.seen(e.known_from, e.known_until, e.occurred_from, e.occurred_until,
                                             as_at, known_at))
    ) d
    left join {company}_reporting.settings_states t on {company}_reporting.known(t.known_from, t.known_until, known_at)
    left join {company}_reporting.customer_states c on c.customer_id = d.customer_id
        and {company}_reporting.known(c.known_from, c.known_until, known_at)
    left join {company}_reporting.person_states collector
        on collector.person_id = c.collector_id
           and {company}_reporting.known(collector.known_from, collector.known_until, known_at)
    left join {company}_reporting.person_states resolver
        on resolver.person_id = d.resolver_id
           and {company}_reporting.known(resolver.known_from, resolver.known_until, known_at)
    left join {company}_reporting.status_states s on s.status = d.type
        and {company}_reporting.known(s.known_from, s.known_until, known_at);
end;

-- --- what it all means -------------------------------------------------------------------------------
-- A column of one name means the same in every view; where it says more in one of them, that is said after the name
-- of the view. docs/reference/reporting.md is made of these comments.

do $comments$
declare
    each record;
    place record;
begin
    for each in select * from (values
        ('version', 'One row: which version of these views this is, and how far the tables behind them are.'),
        ('items', 'Accounting documents of customers as they are now, also cleared ones: open ones are those with is_open.'),
        ('disputes', 'Disputes as they are now, also ended ones. state cancelled means opened by mistake: count it nowhere.'),
        ('episodes', 'Stretches from a dispute''s opening or reopening to its end, each once, as it last was. The unit of resolution times. Disputes that were cancelled have none.'),
        ('follow_ups', 'Follow-up actions as they are now, also ended ones.'),
        ('customers', 'Customers as they are now.'),
        ('people', 'People of the company as they are now, with or without a login.'),
        ('statuses', 'The catalogue of item statuses and dispute types as it is now.'),
        ('monthly_sales', 'Sales per month as they were stated for the receivables figures, as they are now.'),
        ('item_states', 'Every state that every item ever had.'),
        ('dispute_states', 'Every state that every dispute ever had.'),
        ('ended_episode_states', 'Every end that an episode ever had by resolution or escalation, as it was then, with what had been done about it. Over where it was continued, or its dispute cancelled.'),
        ('follow_up_states', 'Every state that every follow-up action ever had.'),
        ('customer_states', 'Every state that the master data of every customer ever had.'),
        ('person_states', 'Every state that every person''s entry ever had.'),
        ('status_states', 'Every state that every status of the catalogue ever had.'),
        ('settings_states', 'Every state that the company''s settings ever had.'),
        ('sales_states', 'Every state that the stated sales of a month ever had.'),
        ('events', 'The log: every fact ever recorded, for ever. Only for roles that may read the log: data holds what people wrote.')
    ) as told (view_name, said) loop
        execute format('comment on view {company}_reporting.%I is %L', each.view_name, each.said);
    end loop;
    for each in select * from (values
        -- clocks
        ('version', 'Number of events of the stream behind this row, from 1. People and the catalogue share one stream each.'),
        ('known_from', 'Position of the log from which on this state was known; the end of a decision.'),
        ('known_until', 'Position of the log from which on another state was known. Null: still known so.'),
        ('occurred_from', 'Business time from which on this state was true.'),
        ('occurred_until', 'Business time from which on another state was true. Null: still true.'),
        ('changed_at', 'Business time of the last change that shows.'),
        ('changed_position', 'Position of the log at which the last change that shows was recorded.'),
        ('position', 'Position in the log: gapless, from 1, in the order of recording.'),
        ('reporting_version', 'Raised when views or columns are added; nothing is ever taken away or given another meaning.'),
        ('company_id', 'Id of the company.'),
        -- whose
        ('customer_id', 'Id of the customer.'),
        ('customer_code', 'Code of the customer, as the ledger has it.'),
        ('customer_name', 'Name of the customer by known-at. Null: the customer was not known.'),
        ('collector_id', 'Person who owns the customer''s receivables, by known-at. Null: nobody.'),
        ('collector_name', 'Name of the collector by known-at. Null: nobody, or a person who was not known.'),
        ('sales_manager_id', 'The customer''s sales manager. Null: nobody.'),
        ('sales_manager_name', 'Name of the sales manager. Null: nobody.'),
        ('resolver_id', 'Person who can settle the matter. Null: nobody is assigned.'),
        ('resolver_name', 'Name of the resolver by known-at. Null: nobody is assigned, or a person who was not known.'),
        ('opened_by_id', 'Person who opened the dispute, or the service or operator that did.'),
        ('opened_by_name', 'Name of who opened the dispute, by known-at. Null: not a person.'),
        ('owner_id', 'Person who is to do the action. Null: nobody; then it is the credit manager''s.'),
        ('owner_name', 'Name of the owner by known-at. Null: nobody, or a person who was not known.'),
        ('planned_by_id', 'Person who planned the action, or the service or operator that did.'),
        ('assigned_by', 'Whether a person or the rule named the resolver: person, rule. Null: no resolver.'),
        ('unassigned', 'Why there is no resolver: no_assignment_field, no_value, no_match, several_matches, items_disagree, withdrawn. Null: there is one, or nobody asked the rule.'),
        -- items
        ('item_id', 'Id of the item; follows from entity, customer and number.'),
        ('entity', 'Business unit of the company.'),
        ('number', 'Number of the document; leading zeros count.'),
        ('document_type', 'invoice, credit_note, payment or other.'),
        ('issue_date', 'Date of issue (calendar day, no time zone).'),
        ('due_date', 'Date on which it is due (calendar day); on that day it is not overdue yet.'),
        ('amount', 'Full amount, in currency. Credit notes and payments are negative.'),
        ('balance', 'What is still open of the amount, in currency; sign as the amount. Count it where is_open.'),
        ('disputed_amount', 'What is in dispute, in currency; sign as the balance. Of an item null: in no open dispute. Of a dispute 0: it has ended.'),
        ('disputed_in_part', 'Whether less than the whole item is disputed.'),
        ('currency', 'Currency of every amount in the row (ISO 4217). Never add across currencies.'),
        ('is_open', 'Of an item: not cleared (paid). Of an action: not ended.'),
        ('status', 'Code of a status of the catalogue: what was said of the item last; of an action its dispute''s type, or for what it was planned. Null: nothing.'),
        ('status_label', 'The status in the company''s language, by known-at. Null: no status.'),
        ('status_kind', 'Kind of the status: ongoing, promise_to_pay, dispute, dispute_resolved, litigation. Null: no status.'),
        ('promised_on', 'Day by whose end (company''s zone) payment is promised. Null: no promise.'),
        ('follow_up_ids', 'Ids of the open follow-up actions.'),
        ('written_off', 'Whether it was written off: excluded from the collection scenario until it clears.'),
        ('withdrawn', 'Whether its registration was undone with its import; then it counts as not open.'),
        ('attributes', 'Free-form columns of the import, as a JSON object of texts.'),
        -- disputes
        ('dispute_id', 'Id of the dispute. Of an item: the open dispute that it is in; null: none. Of an action null: it belongs to no dispute.'),
        ('dispute_reference', 'The dispute''s reference. Null: no dispute, or one without reference.'),
        ('reference', 'What its opener, or planner, calls it. Null: no such name.'),
        ('state', 'open, resolved, escalated (to litigation; counts as not resolved) or cancelled (opened by mistake).'),
        ('type', 'Why: code of a status of kind dispute.'),
        ('type_label', 'The type in the company''s language, by known-at.'),
        ('reason', 'The customer''s reason.'),
        ('channel', 'How the customer said it: phone, email, interactive_page, import, api.'),
        ('received_on', 'When the customer said it; the clock of the first episode starts here.'),
        ('outcome', 'credit_note, invoice_upheld, partial_credit, replacement, cleared, written_off or other. Null: not resolved.'),
        ('episode', 'Number of the episode in its dispute, from 1; reopening starts the next.'),
        ('episode_opened_at', 'Business time at which the episode opened; of the first, when the customer said it.'),
        ('episode_ended_at', 'Business time of its resolution or escalation. Null: still open.'),
        ('calendar_days', 'Elapsed seconds from opening to end / 86 400. Null: still open.'),
        ('first_response_at', 'When the resolver first did something about the episode. Null: not until its end.'),
        ('held_by_ids', 'Resolvers with whom the episode was, by id, null standing for nobody. How long with each of them: held_for.'),
        ('held_for', 'How long the episode was with each of held_by_ids, in microseconds; in all, as long as it took.'),
        ('is_censored', 'Not resolved (open or escalated): it lasts at least so long. Averages of the others alone are too short.'),
        ('begins_episode', 'Whether the decision that led to this state opened or reopened the dispute.'),
        ('ends_episode', 'Whether it resolved, escalated or cancelled the dispute.'),
        ('amount_at_opening', 'What was disputed at the opening of the episode, in currency.'),
        ('opening_items', 'The items at the opening of the episode, as JSON: item_id, entity, amount (text, in currency).'),
        ('credited_amount', 'What was credited at the resolution, in currency. Null: nothing was said.'),
        ('items', 'Number of items: of a dispute those in it now, or at its end.'),
        ('item_ids', 'Ids of the items: of a dispute those in it, or at the end of its last episode.'),
        ('open_follow_ups', 'Number of open follow-up actions.'),
        ('comments', 'Number of comments.'),
        ('documents', 'Number of documents attached.'),
        -- follow-up actions
        ('follow_up_id', 'Id of the follow-up action.'),
        ('title', 'What is to be done.'),
        ('due_on', 'Day on which it is due (calendar day in the company''s zone).'),
        ('chases', 'How often the resolver was reminded.'),
        ('interactions', 'Number of interactions, chases among them.'),
        ('ended', 'How it ended. Null: open.'),
        -- master data
        ('person_id', 'Id of the person.'),
        ('person_code', 'What the person is called in files and commands.'),
        ('person_name', 'Name of the person.'),
        ('role', 'administrator, credit_manager, collector, resolver, sales_manager, auditor or analyst. Null: no login.'),
        ('assignment_values', 'Values of the assignment field for which the rule names this person.'),
        ('active', 'Of a person: may act and be assigned. Of a status: may be given to items.'),
        ('labels', 'Label by language (JSON object).'),
        ('follow_up_days', 'Days after which an action planned with it is due.'),
        ('target_days', 'Calendar days in which disputes of the type should be resolved. Null: no target.'),
        ('company_name', 'Name of the company.'),
        ('time_zone', 'The company''s time zone (IANA).'),
        ('default_currency', 'Currency of items that name none (ISO 4217).'),
        ('language', 'Language of labels.'),
        ('country', 'Whose public holidays are no working days. Null: none are.'),
        ('default_entity', 'Business unit of items that name none.'),
        ('ageing_buckets', 'Upper ends of the ageing buckets, in days past due.'),
        ('sales_id', 'Id of the sales of one month, entity and currency.'),
        ('month', 'First day of the month.'),
        -- the log
        ('decision_end', 'Position of the last event of the same decision: all of it happened together.'),
        ('stream_id', 'Id of what the event is of: an item, dispute, follow-up action, customer, import; the company; its people.'),
        ('event_type', 'Stored name of the event with its version: docs/reference/events.md.'),
        ('event_data', 'Fields of the event (JSON): docs/reference/events.md. May hold names and what people wrote.'),
        ('occurred_at', 'When it happened in business.'),
        ('recorded_at', 'When the log took it.'),
        ('actor_id', 'Who did it: a person, a service, or the operator.'),
        ('actor_role', 'In which role.'),
        ('key_id', 'With which API key. Null: without one.'),
        ('on_behalf_of_id', 'The person whose doing it was, where a history was loaded. Null: the actor''s own.'),
        ('command_id', 'Which command led to it.')
    ) as told (column_name, said) loop
        for place in
            select c.relname from pg_attribute a join pg_class c on c.oid = a.attrelid
            where c.relnamespace = '{company}_reporting'::regnamespace and c.relkind = 'v'
              and a.attname = each.column_name
        loop
            execute format('comment on column {company}_reporting.%I.%I is %L',
                           place.relname, each.column_name, each.said);
        end loop;
    end loop;
end $comments$;

comment on column {company}_reporting.version.position is
    'Position of the log up to which the views are true; read it first in a transaction that reads several views.';
comment on column {company}_reporting.monthly_sales.amount is 'Sales of the month, in currency.';
comment on column {company}_reporting.sales_states.amount is 'Sales of the month, in currency.';
comment on column {company}_reporting.events.version is 'Number of the event in its stream, from 1.';
comment on column {company}_reporting.follow_up_states.resolver_id is
    'The action''s own resolver. Null: none of its own; its dispute''s shows in follow_ups.';
comment on column {company}_reporting.follow_up_states.status is
    'Code of the status for which it was planned. Null: its dispute''s type shows in follow_ups.';

comment on function {company}_reporting.items_as_of is
    'items as at a business time (null or infinity: now) and as known at a position (null: all that is known).';
comment on function {company}_reporting.disputes_as_of is 'disputes at the same two clocks as items_as_of.';
comment on function {company}_reporting.follow_ups_as_of is 'follow_ups at the same two clocks as items_as_of.';
comment on function {company}_reporting.episodes_as_of is 'episodes at the same two clocks as items_as_of.';
comment on function {company}_reporting.position_at is 'The last position recorded at or before a moment; 0 if none.';
comment on function {company}_reporting.label is
    'The label in a language, else in English, else the code. labels: of status_states.';
comment on function {company}_reporting.seen is
    'Whether a row of item_states, dispute_states, follow_up_states or ended_episode_states is one that both clocks show.';
comment on function {company}_reporting.known is
    'Whether a row of another view …_states is the one that known-at shows.';
