from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from domain.case import State
from domain.catalogue import Company, Settings
from domain.dispute import Dispute
from domain.follow_up import FollowUpAction
from domain.identity import PEOPLE_STREAM, person_id
from domain.item import Item
from domain.people import ApiKey, KeyIssued, People, Person
from domain.roles import Role
from projections.copy_text import writer
from projections.fold import Fold, Unfoldable, fold_states
from projections.states import TABLES, tables_of
from projections.tables import COMMON, Kind, Table
from store.codec import Codec
from tests.projections.histories import BEGINNING, BUSY, HISTORIES, Made, Pick
from tests.projections.straight import KEYS

CODEC = Codec()
KIND_OF = {
    "uuid": Kind.ID,
    "text": Kind.TEXT,
    "integer": Kind.WHOLE,
    "numeric": Kind.AMOUNT,
    "date": Kind.DAY,
    "timestamp with time zone": Kind.MOMENT,
    "boolean": Kind.TRUTH,
    "uuid[]": Kind.IDS,
    "text[]": Kind.TEXTS,
    "integer[]": Kind.WHOLES,
    "jsonb": Kind.JSON,
}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_is_described_as_the_database_has_it(connection: psycopg.Connection, table: Table) -> None:
    columns = connection.execute(
        """select attname, format_type(atttypid, null) from pg_attribute
           where attrelid = %s::regclass and attnum > 0 and not attisdropped and attgenerated = ''
           order by attnum""",
        [f"company_acme.{table.name}"],
    ).fetchall()
    key, *others = columns
    assert key == (table.key, table.key_type)
    assert [name for name, _ in others] == [*COMMON, *table.columns]
    assert {name: KIND_OF[kind] for name, kind in others[len(COMMON) :]} == table.columns


def test_every_table_of_states_is_described(connection: psycopg.Connection) -> None:
    names = connection.execute(
        "select tablename from pg_tables where schemaname = 'company_acme' and tablename like '%_states'"
    ).fetchall()
    assert {name for (name,) in names} == {table.name for table in TABLES}
    assert {table.name: table.key for table in TABLES} == KEYS


def test_every_kind_of_state_has_its_table() -> None:
    for state in get_args(State):
        assert tables_of(object.__new__(state))


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
CELLS: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.ID: st.none() | st.uuids(),
    Kind.TEXT: st.none() | TEXT,
    Kind.WHOLE: st.none() | st.integers(-(2**31), 2**31 - 1),
    Kind.AMOUNT: st.none()
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20),
    Kind.DAY: st.none() | st.dates(),
    Kind.MOMENT: st.none() | st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.timezones()),  # noqa: DTZ001
    Kind.TRUTH: st.booleans(),
    Kind.IDS: st.lists(st.uuids()),
    Kind.TEXTS: st.lists(TEXT | st.sampled_from(["NULL", "null", "", "{}", "\\.", "\\N"])),
    Kind.WHOLES: st.lists(st.integers(-(2**31), 2**31 - 1)),
    Kind.JSON: st.dictionaries(TEXT, TEXT),
}


@settings(max_examples=300, deadline=None, suppress_health_check=BUSY)
@given(st.data())
def test_what_is_written_is_read_back_as_it_was(connection: psycopg.Connection, data: st.DataObject) -> None:
    kinds = {f"c{number}": kind for number, kind in enumerate(Kind)}
    types = {kind: name for name, kind in KIND_OF.items()}
    values = tuple(data.draw(CELLS[kind]) for kind in kinds.values())
    columns = ", ".join(f"{name} {types[kind]}" for name, kind in kinds.items())
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        cursor.execute(sql.SQL("set local timezone to 'UTC'"))
        cursor.execute(f"create temp table written ({columns}) on commit drop".encode())
        with cursor.copy("copy written from stdin") as copy:
            copy.write(writer(Table("written", "", "", kinds, tuple))(values))
        found = cursor.execute("select * from written", binary=True).fetchone()
    # In UTC: Python calls moments of two zones different where one of them turns its clocks back.
    assert found == tuple(value.astimezone(UTC) if isinstance(value, datetime) else value for value in values)


def test_of_many_people_only_those_that_differ_get_a_row() -> None:
    one, other = (Person(person_id(code), code, code, None, None, ()) for code in ("A", "B"))
    before = People({one.id: one})
    after = People({one.id: Person(one.id, "A", "A", None, None, ()), other.id: other})
    (table,) = tables_of(after)
    assert table.changes(before, after, []) == [(other.id, False, ("B", "B", None, None, [], True))]
    renamed = People({**after.persons, one.id: Person(one.id, "A", "A2", "a@b", Role.RESOLVER, ("x", "y"))})
    ((key, was_there, values),) = table.changes(after, renamed, [])
    assert (key, was_there, values) == (one.id, True, ("A", "A2", "a@b", Role.RESOLVER, ["x", "y"], True))


def test_a_key_that_is_given_changes_no_row() -> None:
    key = ApiKey(person_id("key"), "key", None, ())  # type: ignore[arg-type]  # any id will do
    (table,) = tables_of(People())
    assert table.changes(People(), People(keys={key.id: key}), []) == []


def test_settings_get_a_row_only_when_they_change() -> None:
    *_, table = tables_of(Company(Settings("Acme")))
    company = Company(Settings("Acme"))
    assert table.changes(company, Company(Settings("Acme"), {}, {}), []) == ()
    ((_, was_there, values),) = table.changes(
        company, Company(Settings("Acme", safety_share=Decimal("0.5"))), []
    )
    assert was_there
    assert values[6] == Decimal("0.5")


# --- the fold ----------------------------------------------------------------------------------------


def lines_of(made: Made) -> list[Any]:
    lines: list[Any] = []
    versions: dict[str, int] = {}
    for decision in made.decisions:
        end = len(lines) + len(decision.events)
        for event in decision.events:
            stream = str(event.stream_id)
            versions[stream] = versions.get(stream, 0) + 1
            name, data = CODEC.encode(event)
            moment = str(decision.occurred_at)
            lines.append((len(lines) + 1, end, stream, versions[stream], name, data, moment))
    return lines


@settings(deadline=None)
@given(HISTORIES)
def test_a_fold_by_positions_and_one_by_streams_make_the_same_rows(picks: list[Pick]) -> None:
    lines = lines_of(Made().play(picks))
    by_position, by_stream = Fold({}, CODEC.decode), Fold({}, CODEC.decode)
    by_position.take(lines)
    by_stream.take(sorted(lines, key=lambda line: (line[2], line[3])))
    assert by_position.states == by_stream.states == fold_states(lines, CODEC.decode)
    assert [sorted(rows.lines()) for rows in by_position.rows] == [
        sorted(rows.lines()) for rows in by_stream.rows
    ]
    assert not any(rows.ended for rows in by_position.rows)


def test_a_gap_in_a_stream_is_not_folded_over() -> None:
    people = str(PEOPLE_STREAM)
    name, data = CODEC.encode(KeyIssued(PEOPLE_STREAM, person_id("key"), "key", None, ()))  # type: ignore[arg-type]
    line = (7, 7, people, 3, name, data, str(BEGINNING))
    with pytest.raises(
        Unfoldable, match=r"event 7 .key-issued.v1.: ValueError: version 3 .* follows version 1"
    ):
        Fold({people: (1, People())}, CODEC.decode).take([line])


def test_an_event_that_does_not_fit_its_state_is_named() -> None:
    made = Made().play([(0, 1, 1, 5), (4, 1, 0, 1)])
    orphan = next(line for line in lines_of(made) if line[4] == "item-disputed.v1")
    first = (*orphan[:3], 1, *orphan[4:])
    with pytest.raises(
        Unfoldable, match=f"event {orphan[0]} .item-disputed.v1.: AssertionError: an item's stream"
    ):
        Fold({}, CODEC.decode).take([first])
    with pytest.raises(Unfoldable, match=f"event {orphan[0]} .item-disputed.v1."):
        fold_states([first], CODEC.decode)


@settings(max_examples=30, deadline=None, suppress_health_check=BUSY)
@given(picks=HISTORIES)
def test_items_disputes_and_actions_know_of_each_other_whatever_is_done_and_undone(
    picks: tuple[Pick, ...],
) -> None:
    made = Made()
    for pick in picks:
        made.play([pick])
        states = made.case.states
        items = {stream: state for stream, state in states.items() if isinstance(state, Item)}
        disputes = {stream: state for stream, state in states.items() if isinstance(state, Dispute)}
        actions = {stream: state for stream, state in states.items() if isinstance(state, FollowUpAction)}
        of_items = {(of.dispute_id, each) for each, of in items.items() if of.dispute_id}
        assert of_items == {(each, item) for each, of in disputes.items() if of.is_open for item in of.items}
        under = {(action, each) for each, of in items.items() for action in of.follow_ups}
        assert under == {(each, item) for each, of in actions.items() if of.is_open for item in of.items}
        chasing = {(of.dispute_id, each) for each, of in actions.items() if of.is_open and of.dispute_id}
        assert chasing == {(each, action) for each, of in disputes.items() for action in of.follow_ups}
        assert all(of.items for of in disputes.values() if of.is_open)
        assert not any(of.cleared and (of.dispute_id or of.follow_ups) for of in items.values())
