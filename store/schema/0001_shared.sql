-- What all companies of one database share. Never an event, never a customer's data.

create table redress.companies (
    id text primary key check (id ~ '^[a-z][a-z0-9_]{0,40}$'),     -- its schema is company_<id>
    created_at timestamptz not null default clock_timestamp()
);

-- Whose keys they are, and what these may, the companies' logs say.
create table redress.api_keys (
    key_id uuid primary key,
    company text not null references redress.companies (id) on delete cascade,
    sha256 bytea not null unique check (octet_length(sha256) = 32),  -- of the whole key; 256 random bits need no salt
    created_at timestamptz not null default clock_timestamp(),
    revoked_at timestamptz
);

create index api_keys_company on redress.api_keys (company);

-- One row. What the secrets of keys are made with, beside the secret of whoever issues them: alone it opens nothing.
create table redress.installation (
    is_it boolean primary key default true check (is_it),
    salt bytea not null default sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'))
);
insert into redress.installation default values;

create function redress.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% on %.% is refused: what is recorded stays as it is', tg_op, tg_table_schema, tg_table_name
        using errcode = 'RD009';
end $$;

-- Who may do what. A service that connects as the owner of the tables (as it does on its own embedded server)
-- holds every right on them, and an owner's rights cannot be taken away for good: then the triggers on `events`
-- are what refuses a change, and only a deliberate `alter table … disable trigger` gets past them. Verification
-- finds afterwards if they are still disabled, if what was changed can no longer follow from its streams, or if
-- events and commands no longer fit. Who changes both alike (all of a command was done by somebody else, say) and
-- enables the triggers again leaves no trace inside of the database: that would only show beside a record kept
-- elsewhere. Where that is not enough, let another role own and migrate the database, and give the service a role
-- of its own:
--     select redress.grant_service('acme', 'redress_service');
-- Such a role can add events but not change or remove any, nor switch the triggers off, nor migrate. Tables that
-- later migrations add are covered, if the same owner runs them.
create function redress.grant_service(company text, service text) returns void language plpgsql as $$
declare
    home text := quote_ident('company_' || company);
    views text := quote_ident('company_' || company || '_reporting');
    role text := quote_ident(service);
begin
    execute format('grant usage on schema redress, %s, %s to %s', home, views, role);
    execute format('grant select on all tables in schema %s to %s', views, role);
    execute format('alter default privileges in schema %s grant select on tables to %s', views, role);
    execute format('grant select on redress.companies, redress.migrations, redress.installation to %s', role);
    execute format('grant select, insert, update on redress.api_keys to %s', role);
    execute format('grant select, insert, update, delete on all tables in schema %s to %s', home, role);
    execute format('revoke update, delete on %s.events, %s.commands, %s.migrations from %s', home, home, home, role);
    execute format('grant execute on all functions in schema %s to %s', home, role);
    execute format('alter default privileges in schema %s grant select, insert, update, delete on tables to %s',
                   home, role);
    execute format('alter default privileges in schema %s grant execute on functions to %s', home, role);
end $$;
