"""What analysts see of each company, and who was let in to it, put right where somebody dropped or altered
it.

What it should be is found by making it once more, in a schema that is rolled back. Nothing is dropped here,
and what others made in the schema, or on top of it, is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from psycopg import Connection
from psycopg.errors import (
    InsufficientPrivilege,
    InvalidFunctionDefinition,
    InvalidTableDefinition,
    WrongObjectType,
)
from psycopg.rows import class_row, scalar_row
from psycopg.sql import SQL, Identifier

from store.analysts import LOG, Analyst, MayNotMakeRoles, RoleHasMore, let_in, settings_of
from store.migrate import alone, companies, migrations, reporting_of, schema_of

_AS_MADE: Final = "redress_reporting_as_made"


class ShapeAltered(Exception):
    """This was given other columns, or its name to something else, and cannot be put right in place: drop it,
    with what stands on it (drop … cascade), and say `redress migrate` again."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name}: {self.__doc__}")


@dataclass(frozen=True, slots=True)
class _Part:
    """The schema itself, a view or a function: its name, and the statements that make and describe it."""

    name: str
    statement: str
    comments: list[str]


# Each after those that it stands on. With an empty search path all names are whole.
_PARTS: Final = """
select name, statement, comments from (
    select 0::oid as made, quote_ident(n.nspname) as name,
           format('create schema %%I', n.nspname) as statement,
           array[format('comment on schema %%I is %%L', n.nspname, obj_description(n.oid, 'pg_namespace'))]
               as comments
    from pg_namespace n where n.nspname = %(schema)s
  union all
    select c.oid, c.oid::regclass::text,
           format('create or replace view %%s%%s as %%s', c.oid::regclass,
                  ' with (' || array_to_string(c.reloptions, ', ') || ')', pg_get_viewdef(c.oid)),
           format('comment on view %%s is %%L', c.oid::regclass, obj_description(c.oid, 'pg_class'))
           || array(select format('comment on column %%s.%%I is %%L', c.oid::regclass, a.attname,
                                  col_description(c.oid, a.attnum))
                    from pg_attribute a where a.attrelid = c.oid and a.attnum > 0)
    from pg_class c where c.relnamespace = to_regnamespace(%(schema)s) and c.relkind = 'v'
  union all
    select p.oid, p.oid::regprocedure::text, pg_get_functiondef(p.oid),
           array[format('comment on function %%s is %%L', p.oid::regprocedure,
                        obj_description(p.oid, 'pg_proc'))]
    from pg_proc p where p.pronamespace = to_regnamespace(%(schema)s) and p.prokind = 'f'
) part order by made"""

_IS_LET_IN: Final = """
select exists (
    select from pg_roles r
    where r.rolname = %(role)s
      and exists (select from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
                  where s.setrole = r.oid and d.datname = current_database()
                    and s.setconfig @> %(settings)s)
      and exists (select from pg_namespace n, aclexplode(n.nspacl) a
                  where n.nspname = %(schema)s and a.grantee = r.oid and a.privilege_type = 'USAGE')
      and not exists (
          select from pg_class c
          where c.relnamespace = to_regnamespace(%(schema)s) and c.relkind = 'v'
            and (c.relname <> %(log)s or %(with_log)s) <> exists (
                select from aclexplode(c.relacl) a
                where a.grantee = r.oid and a.privilege_type = 'SELECT')))"""

# A service with a role of its own (redress.grant_service) is who may add events without owning them.
_SERVICES_LEFT_OUT: Final = """
select r.rolname
from pg_class c, aclexplode(c.relacl) a join pg_roles r on r.oid = a.grantee
where c.oid = to_regclass(%(events)s) and a.privilege_type = 'INSERT' and r.oid <> c.relowner
  and (not has_schema_privilege(r.oid, %(schema)s, 'usage')
       or exists (select from pg_class v
                  where v.relnamespace = to_regnamespace(%(schema)s) and v.relkind = 'v'
                    and not has_table_privilege(r.oid, v.oid, 'select')))
order by 1"""

_LET_SERVICE_IN: Final = """
grant usage on schema {schema} to {role};
grant select on all tables in schema {schema} to {role};
alter default privileges in schema {schema} grant select on tables to {role}"""


def put_right(conninfo: str) -> list[str] | None:
    """Make anew what analysts see of every company, and the settings and rights of roles that were let in,
    where it is missing or different; return what was done, one line each. None: it was not looked at, because
    who connects may not create schemas.

    For a database that `migrate` has brought up to date. Each company is one transaction. Raises
    ShapeAltered, psycopg.Error.
    """
    with alone(conninfo) as connection:
        may = connection.execute("select has_database_privilege(current_database(), 'create')").fetchone()
        if may != (True,):
            return None
        lines: list[str] = []
        for company in companies(conninfo):
            with connection.transaction():
                connection.execute("set local search_path to ''")
                lines += _parts_put_right(connection, schema_of(company))
                lines += _services_put_right(connection, schema_of(company))
                lines += _analysts_put_right(connection, schema_of(company))
    return lines


# --- views and functions -----------------------------------------------------------------------------


def _parts_put_right(connection: Connection[Any], company: str) -> Iterator[str]:
    schema = reporting_of(company)
    with connection.transaction(force_rollback=True):
        for migration in migrations():
            if migration.is_for_analysts:
                connection.execute(migration.statements(company, _AS_MADE))
        wanted = _parts(connection, _AS_MADE, called=schema)
    there = {part.name: part for part in _parts(connection, schema, called=schema)}
    if not there:
        yield f"{schema}: made anew, with all its views and functions"
    for part in wanted:
        done = _part_put_right(connection, part, there.get(part.name))
        if done and there:
            yield f"{part.name}: {done}"


def _parts(connection: Connection[Any], schema: str, *, called: str) -> list[_Part]:
    cursor = connection.cursor(row_factory=class_row(_Part))
    found = cursor.execute(_PARTS, {"schema": schema}).fetchall()

    def renamed(text: str) -> str:
        return text.replace(schema, called)

    return [
        _Part(renamed(part.name), renamed(part.statement), [*map(renamed, part.comments)]) for part in found
    ]


def _part_put_right(connection: Connection[Any], wanted: _Part, found: _Part | None) -> str | None:
    is_other = found is None or found.statement != wanted.statement
    if is_other:
        try:
            connection.execute(wanted.statement.encode())
        except (InvalidTableDefinition, InvalidFunctionDefinition, WrongObjectType):
            raise ShapeAltered(wanted.name) from None
    comments = [each for each in wanted.comments if found is None or each not in found.comments]
    for comment in comments:
        connection.execute(comment.encode())
    if found is None:
        return "made anew"
    return "put right" if is_other else "described again" if comments else None


# --- roles -------------------------------------------------------------------------------------------


def _services_put_right(connection: Connection[Any], company: str) -> Iterator[str]:
    schema = reporting_of(company)
    cursor = connection.cursor(row_factory=scalar_row)
    for role in cursor.execute(
        _SERVICES_LEFT_OUT, {"events": f"{company}.events", "schema": schema}
    ).fetchall():
        connection.execute(SQL(_LET_SERVICE_IN).format(schema=Identifier(schema), role=Identifier(role)))
        yield f"role {role}: may read {schema} again"


def _analysts_put_right(connection: Connection[Any], company: str) -> Iterator[str]:
    cursor = connection.cursor(row_factory=class_row(Analyst))
    statement = SQL("select role, timeout, with_log from {}.analysts order by role").format(
        Identifier(company)
    )
    for analyst in cursor.execute(statement).fetchall():
        if not _is_let_in(connection, company, analyst):
            yield f"role {analyst.role}: {_let_in_again(connection, company, analyst)}"


def _is_let_in(connection: Connection[Any], company: str, analyst: Analyst) -> bool:
    told = {
        "role": analyst.role,
        "schema": reporting_of(company),
        "settings": [f"{name}={value}" for name, value in settings_of(analyst).items()],
        "log": LOG,
        "with_log": analyst.with_log,
    }
    return connection.execute(_IS_LET_IN, told).fetchone() == (True,)


def _let_in_again(connection: Connection[Any], company: str, analyst: Analyst) -> str:
    try:
        with connection.transaction():
            made = let_in(connection, company, analyst)
    except RoleHasMore:
        return "left as it is, for it may do more in this database than analyse"
    except InsufficientPrivilege:
        return f"left as it is. {MayNotMakeRoles.__doc__}"
    if made:
        return "made anew, without a password: `redress reporting grant --password-from` gives it one"
    return f"its settings, and its rights on {reporting_of(company)}, put right"
