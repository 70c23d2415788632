-- The read side of one company: every state that every stream ever had. {company} stands for its schema.
--
-- Each table holds one row for each decision that changed a stream (of the streams of people and of the company:
-- each person, each status). A row is true
--   known-wise  from position `since` until before position `until` (null: still). Both are ends of decisions.
--   as-at-wise  from `occurred_from` until before `occurred_until` (null: still).
-- The rows are made by the domain's own `evolve`; nothing here is decided or computed anew, and all of it can be
-- thrown away and made again from `events`.
--
-- What was open at a moment is what is open still (`is_open_now`: a column, so that the planner knows how few these
-- are) and had begun, and of the open states that are over those that both clocks show. On a map of positions (to
-- the right) and times (upwards, in seconds of this century) a state is shown at the points right of and above where
-- it begins that are not right of and above where it ends: two boxes, one to the left of the end and one below it.
-- Each is an index (…_over_later, …_known_over), for such states and for nothing else: most of a long log is closed,
-- and a row enters them once, when the next takes its place. Their far edges lie beyond every position and time.

create table {company}.item_states (
    item_id uuid not null,
    version bigint not null,                    -- of the stream, after the decision
    since bigint not null, until bigint,
    occurred_from timestamptz not null, occurred_until timestamptz,
    customer_id uuid not null, customer_code text not null,
    entity text not null, number text not null, type text not null,
    issue_date date not null, due_date date not null,
    amount numeric not null, balance numeric not null, currency text not null,
    attributes jsonb not null,
    is_open boolean not null,                   -- not cleared
    status text, kind text, comment text, promised_on date,
    dispute_id uuid,                            -- the open dispute that it is in
    disputed numeric,                           -- how much of the balance that dispute is about
    disputed_in_part boolean not null,
    follow_ups uuid[] not null,                 -- the open actions that list it
    written_off boolean not null,
    withdrawn boolean not null,                 -- its registration was undone; it counts as not open
    is_open_now boolean not null generated always as (is_open and until is null) stored
);
create unique index item_states_live on {company}.item_states (item_id) where until is null;
create index item_states_item on {company}.item_states (item_id, since);
create index item_states_open on {company}.item_states (customer_id) where until is null and is_open;  -- analysts
create index item_states_open_now on {company}.item_states (customer_id, since, occurred_from) where is_open_now;
create index item_states_disputed on {company}.item_states (dispute_id) where dispute_id is not null;
create index item_states_over_later on {company}.item_states using gist ((box(
    point(since, date_part('epoch', occurred_from - timestamptz '2000-01-01 00:00+00')), point(until, 1e11))))
    where is_open and until is not null;
create index item_states_known_over on {company}.item_states using gist ((box(
    point(until, date_part('epoch', occurred_from - timestamptz '2000-01-01 00:00+00')),
    point(1e12, date_part('epoch', occurred_until - timestamptz '2000-01-01 00:00+00')))))
    where is_open and until is not null;

create table {company}.dispute_states (
    dispute_id uuid not null,
    version bigint not null,
    since bigint not null, until bigint,
    occurred_from timestamptz not null, occurred_until timestamptz,
    reference text, customer_id uuid not null, customer_code text not null, currency text not null,
    type text not null, reason text not null, comment text, channel text not null,
    opened_by uuid not null, received_on timestamptz not null,
    state text not null,                        -- open, resolved, escalated, cancelled
    outcome text, credited_amount numeric,
    resolver_id uuid, assigned_by text, unassigned text,
    items uuid[] not null,                      -- in dispute now, or at the end of the last episode
    follow_ups uuid[] not null,                 -- open actions
    comments integer not null, documents integer not null,
    episode integer not null,                   -- from 1
    episode_opened_at timestamptz not null,
    amount_at_opening numeric not null,         -- of the episode
    opening jsonb not null,                     -- [{"item_id", "entity", "amount"}] at the opening of the episode
    begins_episode boolean not null,            -- this decision opened or reopened it
    ends_episode boolean not null,              -- this decision resolved, escalated or cancelled it
    is_open_now boolean not null generated always as (state = 'open' and until is null) stored
);
create unique index dispute_states_live on {company}.dispute_states (dispute_id) where until is null;
create index dispute_states_dispute on {company}.dispute_states (dispute_id, since);
create index dispute_states_open on {company}.dispute_states (customer_id) where until is null and state = 'open';
create index dispute_states_open_now on {company}.dispute_states (customer_id, since, occurred_from) where is_open_now;
create index dispute_states_over_later on {company}.dispute_states using gist ((box(
    point(since, date_part('epoch', occurred_from - timestamptz '2000-01-01 00:00+00')), point(until, 1e11))))
    where state = 'open' and until is not null;
create index dispute_states_known_over on {company}.dispute_states using gist ((box(
    point(until, date_part('epoch', occurred_from - timestamptz '2000-01-01 00:00+00')),
    point(1e12, date_part('epoch', occurred_until - timestamptz '2000-01-01 00:00+00')))))
    where state = 'open' and until is not null;
create index dispute_states_reference on {company}.dispute_states (reference) where until is null and reference is not null;

-- Episodes that were resolved or escalated, as they were when that happened. A row is true until the episode was
-- continued (an import was undone) or the dispute cancelled. It follows from the states of the dispute and of its
-- follow-up actions and, as for what was done by whom, from the log.
create table {company}.ended_episodes (
    dispute_id uuid not null,
    version bigint not null,
    since bigint not null, until bigint,
    occurred_from timestamptz not null, occurred_until timestamptz,
    episode integer not null,                   -- from 1
    state text not null,                        -- resolved, escalated
    opened_at timestamptz not null,
    customer_id uuid not null, customer_code text not null, currency text not null,
    type text not null, resolver_id uuid, opened_by uuid not null,
    amount_at_opening numeric not null,
    responded_at timestamptz,                   -- when the resolver first did something about it; null: not at all
    chases integer not null,                    -- of the resolver
    held_by uuid[] not null,                    -- resolvers with whom it was, by id; null: nobody, as until it was recorded
    held_for bigint[] not null,                 -- how long with each of them, in microseconds
    opening jsonb not null                      -- [{"item_id", "entity", "amount"}]
);
create unique index ended_episodes_episode on {company}.ended_episodes (dispute_id, since);
create index ended_episodes_opened on {company}.ended_episodes (opened_at);
create index ended_episodes_ended on {company}.ended_episodes (occurred_from);

create table {company}.follow_up_states (
    follow_up_id uuid not null,
    version bigint not null,
    since bigint not null, until bigint,
    occurred_from timestamptz not null, occurred_until timestamptz,
    reference text, customer_id uuid not null, dispute_id uuid,
    title text not null, due_on date not null,
    owner_id uuid,                              -- null: nobody; then the credit manager sees it
    resolver_id uuid,                           -- its own; a dispute's resolver shows through the dispute
    planned_by uuid not null, status text,
    items uuid[] not null,
    chases integer not null, interactions integer not null, comments integer not null,
    is_open boolean not null, ended text,
    is_open_now boolean not null generated always as (is_open and until is null) stored
);
create unique index follow_up_states_live on {company}.follow_up_states (follow_up_id) where until is null;
create index follow_up_states_action on {company}.follow_up_states (follow_up_id, since);
create index follow_up_states_open_now on {company}.follow_up_states (due_on, since, occurred_from) where is_open_now;
create index follow_up_states_over_later on {company}.follow_up_states using gist ((box(
    point(since, date_part('epoch', occurred_from - timestamptz '2000-01-01 00:00+00')), point(until, 1e11))))
    where is_open and until is not null;
create index follow_up_states_known_over on {company}.follow_up_states using gist ((box(
    point(until, date_part('epoch', occurred_from - timestamptz '2000-01-01 00:00+00')),
    point(1e12, date_part('epoch', occurred_until - timestamptz '2000-01-01 00:00+00')))))
    where is_open and until is not null;
create index follow_up_states_dispute on {company}.follow_up_states (dispute_id) where until is null;

create table {company}.customer_states (
    customer_id uuid not null,
    version bigint not null,
    since bigint not null, until bigint,
    occurred_from timestamptz not null, occurred_until timestamptz,
    code text not null, name text not null, attributes jsonb not null,
    collector_id uuid, sales_manager_id uuid
);
create unique index customer_states_live on {company}.customer_states (customer_id) where until is null;
create index customer_states_customer on {company}.customer_states (customer_id, since);
create index customer_states_collector on {company}.customer_states (collector_id, until, customer_id);
create unique index customer_states_code on {company}.customer_states (code) where until is null;

create table {company}.person_states (
    person_id uuid not null,
    version bigint not null,                    -- of the stream of people
    since bigint not null, until bigint,
    occurred_from timestamptz not null, occurred_until timestamptz,
    code text not null, name text not null, login text, role text,
    assignment_values text[] not null, active boolean not null
);
create unique index person_states_live on {company}.person_states (person_id) where until is null;
create index person_states_person on {company}.person_states (person_id, since);

create table {company}.status_states (
    code text not null,
    version bigint not null,                    -- of the company's stream
    since bigint not null, until bigint,
    occurred_from timestamptz not null, occurred_until timestamptz,
    kind text not null, labels jsonb not null,
    follow_up_days integer not null, target_days integer, action_template text,
    automatic boolean not null, active boolean not null
);
create unique index status_states_live on {company}.status_states (code) where until is null;
create index status_states_status on {company}.status_states (code, since);

create table {company}.scenario_step_states (
    code text not null,
    version bigint not null,                    -- of the company's stream
    since bigint not null, until bigint,
    occurred_from timestamptz not null, occurred_until timestamptz,
    days integer not null,                      -- after (below 0: before) the oldest due date
    kind text not null,                         -- email, letter, call
    labels jsonb not null,
    minimum_amount numeric not null,            -- a figure, compared in each currency by itself
    active boolean not null
);
create unique index scenario_step_states_live on {company}.scenario_step_states (code) where until is null;
create index scenario_step_states_step on {company}.scenario_step_states (code, since);

create table {company}.settings_states (
    company_stream uuid not null,
    version bigint not null,
    since bigint not null, until bigint,
    occurred_from timestamptz not null, occurred_until timestamptz,
    name text not null, zone text not null, currency text not null, language text not null, country text,
    default_entity text not null, safety_share numeric not null, ageing_buckets integer[] not null,
    assignment_of text, assignment_attribute text
);
create unique index settings_states_live on {company}.settings_states (company_stream) where until is null;
create index settings_states_company on {company}.settings_states (company_stream, since);

create table {company}.import_states (
    import_id uuid not null,
    version bigint not null,
    since bigint not null, until bigint,
    occurred_from timestamptz not null, occurred_until timestamptz,
    file_name text not null, digest text not null, mode text not null,
    registered integer, corrected integer, cleared integer, reinstated integer, unchanged integer, rejected integer,
    undone integer, left_as_is integer          -- items that an undoing took back, and those it had to leave
);
create unique index import_states_live on {company}.import_states (import_id) where until is null;
create index import_states_import on {company}.import_states (import_id, since);

create table {company}.sales_states (
    sales_id uuid not null,
    version bigint not null,
    since bigint not null, until bigint,
    occurred_from timestamptz not null, occurred_until timestamptz,
    month date not null,                        -- its first day
    entity text not null, currency text not null, amount numeric not null
);
create unique index sales_states_live on {company}.sales_states (sales_id) where until is null;
create index sales_states_sales on {company}.sales_states (sales_id, since);

create table {company}.reminder_states (
    run_id uuid not null,                       -- of a customer, a currency and an oldest due date
    version bigint not null,
    since bigint not null, until bigint,
    occurred_from timestamptz not null, occurred_until timestamptz,
    customer_id uuid not null, currency text not null,
    oldest_due date not null,                   -- from which the steps are counted
    done text[] not null, skipped text[] not null,  -- codes of steps
    furthest integer,                           -- the most days of a step that was done or skipped
    postponed_to date                           -- no step is due before
);
create unique index reminder_states_live on {company}.reminder_states (run_id) where until is null;
create index reminder_states_run on {company}.reminder_states (run_id, since);
create index reminder_states_customer on {company}.reminder_states (customer_id, oldest_due);
