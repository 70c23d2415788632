-- The log of one company. {company} stands for the company's schema.

create table {company}.events (
    position bigint primary key,                -- gapless from 1, in the order of commits
    decision_end bigint not null check (decision_end >= position),  -- position of the last event of its decision
    stream_id uuid not null,
    version bigint not null check (version > 0),
    type text not null,                         -- stored name, for ever: store/event_types.py
    data json not null,                         -- json and not jsonb: exactly the bytes that were written
    occurred_at timestamptz not null,           -- when it happened in business
    recorded_at timestamptz not null check (recorded_at >= occurred_at),
    actor uuid not null,
    role text not null,
    key_id uuid,
    on_behalf_of uuid,                          -- the person whose doing it was, where a history was loaded
    command_id uuid not null,
    unique (stream_id, version)
);

-- One row for each accepted command, written with its events: whoever asks again gets the first answer.
create table {company}.commands (
    command_id uuid primary key,
    key text,                                   -- idempotency key, prefixed with whose it is
    digest bytea not null,                      -- of the request
    first_position bigint not null,
    last_position bigint not null,              -- first_position - 1 if nothing changed
    recorded_at timestamptz not null,
    answer bytea not null                       -- given back as it is
);

create unique index commands_key on {company}.commands (key) where key is not null;

-- `always`: also where replication switches triggers off.
create trigger events_stay before update or delete or truncate on {company}.events
    for each statement execute function redress.refuse_change();
alter table {company}.events enable always trigger events_stay;

create trigger commands_stay before update or delete or truncate on {company}.commands
    for each statement execute function redress.refuse_change();
alter table {company}.commands enable always trigger commands_stay;

-- How far each feed has come, in the shape of the library's tracking recorder. The first row tells it so.
create table {company}.tracking (
    application_name text primary key,
    notification_id bigint
);
insert into {company}.tracking values ('__migration__', 1);

-- The lock that every writer of this log holds from before it looks at the log until its commit. Therefore
-- positions are gapless and in the order of commits: who has seen n has seen all before it. Who forgets the lock
-- does not slip in between but collides on the primary key. Immutable, so that it is a constant in every plan.
create function {company}.append_lock() returns bigint language sql immutable parallel safe
    return hashtextextended('redress append {company}', 0);

-- append and append_one: one call is one transaction is one round trip. READ COMMITTED only: each statement must
-- see what was committed while the call waited for the lock. (At a stricter level a call that waited fails on the
-- primary key; it never records anything wrong.)
--
-- A command whose id or key was accepted before changes nothing and gets the stored outcome, with stored_command
-- and stored_answer; otherwise these are null. Refused by raising, so that nothing of the transaction remains:
--   RD001  a stream is not at the version that was expected      detail: {"stream": uuid, "version": n}
--   RD002  an occurred-at is before the stream's last moment     detail: {"stream": uuid, "last": timestamp}
--   RD003  an occurred-at lies in the future
--   RD004  the key or id was accepted before, of another request
--   RD005  of several commands one was accepted before
-- occurred-at is compared with the log's clock, which is the database's but never goes back: otherwise nothing
-- could follow on a stream after the machine's clock was set back.

-- The streams that have events after a position, and their versions: what a decision on many streams rests on is
-- looked at so, and not stream by stream. Nothing more can come between this and the end of the transaction.
create function {company}.changed_after(p_position bigint, out streams uuid[], out versions bigint[])
language plpgsql as $$
begin
    perform pg_advisory_xact_lock({company}.append_lock());
    select array_agg(c.stream_id), array_agg(c.version) into streams, versions
        from (select e.stream_id, max(e.version) as version from {company}.events e
              where e.position > p_position group by e.stream_id) c;
end $$;

-- One event on one stream: the usual case, without the cost of arrays.
create function {company}.append_one(
    p_command uuid, p_key text, p_digest bytea, p_answer bytea,
    p_actor uuid, p_role text, p_key_id uuid, p_on_behalf_of uuid,
    p_stream uuid, p_expected bigint, p_type text, p_data json, p_occurred timestamptz,
    out first_position bigint, out last_position bigint, out recorded timestamptz,
    out stored_command uuid, out stored_answer bytea
) language plpgsql as $$
declare
    stored_digest bytea;
    here bigint;
    last_moment timestamptz;
begin
    perform pg_advisory_xact_lock({company}.append_lock());
    select e.position, greatest(e.recorded_at, clock_timestamp()) into first_position, recorded
        from {company}.events e order by e.position desc limit 1;
    if found then
        first_position := first_position + 1;
    else
        first_position := 1;
        recorded := clock_timestamp();
    end if;
    last_position := first_position;
    if p_occurred > recorded then
        if p_occurred > recorded + interval '1 minute' then
            raise exception 'occurred_at lies in the future' using errcode = 'RD003';
        end if;
        recorded := p_occurred;
    end if;

    insert into {company}.commands
        values (p_command, p_key, p_digest, first_position, last_position, recorded, p_answer) on conflict do nothing;
    if not found then
        select a.first_position, a.last_position, a.recorded, a.stored_command, a.stored_digest, a.stored_answer
            into first_position, last_position, recorded, stored_command, stored_digest, stored_answer
            from {company}.accepted(p_command, p_key) a;
        if stored_digest <> p_digest then
            raise exception 'key reused' using errcode = 'RD004', detail = json_build_object('key', p_key);
        end if;
        return;
    end if;

    select e.version, e.occurred_at into here, last_moment
        from {company}.events e where e.stream_id = p_stream order by e.version desc limit 1;
    if coalesce(here, 0) <> p_expected then
        raise exception 'stale version' using errcode = 'RD001',
            detail = json_build_object('stream', p_stream, 'version', coalesce(here, 0));
    end if;
    if last_moment > p_occurred then
        raise exception 'time went backwards' using errcode = 'RD002',
            detail = json_build_object('stream', p_stream, 'last', last_moment);
    end if;

    insert into {company}.events
        values (first_position, last_position, p_stream, p_expected + 1, p_type, p_data, p_occurred, recorded,
                p_actor, p_role, p_key_id, p_on_behalf_of, p_command);
end $$;

-- Any number of commands with any number of decisions, events and streams, or none: all or nothing.
--   p_command … p_on_behalf_of   for each command
--   p_events                     for each command, how many events it has together with those before it
--   p_streams, p_expected        each stream that was decided on and its version before all of this (0: new); also
--                                those only read
--   p_occurred                   one moment for each decision
--   e_command, e_stream, e_decision
--                                for each event, which command, stream and moment it has (from 1; commands and
--                                decisions in order)
--   e_type, e_data               for each event, one line: names and JSON never hold a raw line feed, and splitting
--                                is much cheaper for both sides than a text array with its quoting
-- One command gets what became of it. Of several none may have been accepted before (RD005: send each by itself);
-- then first_position is that of the first one's first event, and the others' follow.
create function {company}.append(
    p_command uuid[], p_key text[], p_digest bytea[], p_answer bytea[],
    p_actor uuid[], p_role text[], p_key_id uuid[], p_on_behalf_of uuid[], p_events int[],
    p_streams uuid[], p_expected bigint[], p_occurred timestamptz[],
    e_command int[], e_stream int[], e_decision int[], e_type text, e_data text,
    out first_position bigint, out last_position bigint, out recorded timestamptz,
    out stored_command uuid, out stored_answer bytea
) language plpgsql as $$
declare
    stored_digest bytea;
    newest bigint;
    latest timestamptz := (select max(t) from unnest(p_occurred) t);
    versions bigint[];
    moments timestamptz[];
    inserted bigint;
    bad record;
begin
    perform pg_advisory_xact_lock({company}.append_lock());
    select e.position, greatest(e.recorded_at, clock_timestamp()) into newest, recorded
        from {company}.events e order by e.position desc limit 1;
    if not found then
        newest := 0;
        recorded := clock_timestamp();
    end if;
    first_position := newest + 1;
    last_position := newest + cardinality(e_stream);
    if latest > recorded + interval '1 minute' then
        raise exception 'occurred_at lies in the future' using errcode = 'RD003';
    end if;
    recorded := greatest(recorded, latest);

    insert into {company}.commands
        select c.command, c.key, c.digest, newest + 1 + lag(c.events, 1, 0) over (order by c.n), newest + c.events,
               recorded, c.answer
        from unnest(p_command, p_key, p_digest, p_answer, p_events)
             with ordinality c (command, key, digest, answer, events, n)
        on conflict do nothing;
    get diagnostics inserted = row_count;
    if inserted < cardinality(p_command) then
        if cardinality(p_command) > 1 then
            raise exception 'accepted before' using errcode = 'RD005';
        end if;
        select a.first_position, a.last_position, a.recorded, a.stored_command, a.stored_digest, a.stored_answer
            into first_position, last_position, recorded, stored_command, stored_digest, stored_answer
            from {company}.accepted(p_command[1], p_key[1]) a;
        if stored_digest <> p_digest[1] then
            raise exception 'key reused' using errcode = 'RD004', detail = json_build_object('key', p_key[1]);
        end if;
        return;
    end if;

    select array_agg(coalesce(h.version, 0) order by s.n), array_agg(h.occurred_at order by s.n)
        into versions, moments
        from unnest(p_streams) with ordinality s (stream, n)
        left join lateral (select e.version, e.occurred_at from {company}.events e
                           where e.stream_id = s.stream order by e.version desc limit 1) h on true;
    if versions <> p_expected then
        select p_streams[n] as stream, versions[n] as version into bad
            from generate_subscripts(p_streams, 1) n where versions[n] is distinct from p_expected[n] order by n limit 1;
        raise exception 'stale version' using errcode = 'RD001',
            detail = json_build_object('stream', bad.stream, 'version', bad.version);
    end if;

    select p_streams[w.s] as stream, w.before into bad
        from (select x.s, x.n, p_occurred[x.d] as moment,
                     lag(p_occurred[x.d], 1, moments[x.s]) over (partition by x.s order by x.n) as before
              from unnest(e_stream, e_decision) with ordinality x (s, d, n)) w
        where w.before > w.moment order by w.n limit 1;
    if found then
        raise exception 'time went backwards' using errcode = 'RD002',
            detail = json_build_object('stream', bad.stream, 'last', bad.before);
    end if;

    insert into {company}.events
        select newest + x.n, newest + max(x.n) over (partition by x.d), p_streams[x.s],
               p_expected[x.s] + row_number() over (partition by x.s order by x.n), x.t, x.j::json,
               p_occurred[x.d], recorded, c.actor, c.role, c.key_id, c.on_behalf_of, c.command
        from unnest(e_command, e_stream, e_decision, string_to_array(e_type, E'\n'), string_to_array(e_data, E'\n'))
             with ordinality x (c, s, d, t, j, n)
        join unnest(p_command, p_actor, p_role, p_key_id, p_on_behalf_of)
             with ordinality c (command, actor, role, key_id, on_behalf_of, n) on c.n = x.c;
end $$;

-- The outcome of an accepted command, by its key or else its id; no row if there is none.
create function {company}.accepted(
    p_command uuid, p_key text,
    out first_position bigint, out last_position bigint, out recorded timestamptz,
    out stored_command uuid, out stored_digest bytea, out stored_answer bytea
) returns setof record language plpgsql stable as $$
begin
    return query select c.first_position, c.last_position, c.recorded_at, c.command_id, c.digest, c.answer
        from {company}.commands c where c.key = p_key;
    if not found then
        return query select c.first_position, c.last_position, c.recorded_at, c.command_id, c.digest, c.answer
            from {company}.commands c where c.command_id = p_command;
    end if;
end $$;

-- The last position recorded at or before a moment; 0 if none. recorded_at never goes back and positions have no
-- gaps, so halving finds it in some twenty looks, and no index on recorded_at has to be kept.
create function {company}.position_at(p_moment timestamptz) returns bigint language plpgsql stable as $$
declare
    low bigint := 0;
    high bigint := coalesce((select max(e.position) from {company}.events e), 0);
    middle bigint;
begin
    while low < high loop
        middle := (low + high + 1) / 2;
        if (select e.recorded_at from {company}.events e where e.position = middle) <= p_moment then
            low := middle;
        else
            high := middle - 1;
        end if;
    end loop;
    return low;
end $$;
