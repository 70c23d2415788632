"""Loading a history: what is told happened then, once, and each line that cannot be is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from api import history_load
from api.history_load import LONGEST_LINE, LoadForbidden, count_lines, load_history, read_lines
from api.item_file import FileRefused
from domain.dispute import Dispute, DisputeOpened, DisputeState
from domain.identity import KeyId, PersonId, customer_id, dispute_id, follow_up_id, item_id, person_id
from domain.people import DeactivatePerson, IssueKey, RegisterPerson
from domain.roles import Actor, Permission, Role
from store.clock import new_id, now
from store.execute import Order
from tests.api.company_case import ADMINISTRATOR, MANAGER, company_case, ndjson


@pytest.fixture
def case(database, tmp_path):
    with company_case(database, tmp_path) as case:
        yield case


def line(command, at="2024-03-01T09:00:00Z", **told):
    data = told.pop("data", {})
    return {"command": command, "data": data} | ({"at": at} if at else {}) | told


def registered(code, name):
    """Nobody who logs in: somebody of the past."""
    return line("register_person", None, data={"code": code, "name": name})


def item(number="17", amount="100.00", issued="2024-01-15"):
    data = {
        "customer_code": "C1",
        "number": number,
        "type": "invoice",
        "issue_date": issued,
        "due_date": issued,
        "amount": amount,
    }
    return line("register_item", issued, data=data)


def named(*numbers):
    return [{"customer_code": "C1", "number": number} for number in numbers]


def opened(reference="D1", *numbers, **told):
    data = {"reference": reference, "type": "price", "item_ids": named(*(numbers or ("17",)))}
    return line("open_dispute", **told, data=data)


def load(case, *lines, actor=MANAGER, **options):
    return load_history(case.company, ndjson(*lines), actor, **options)


def dispute(case, reference="D1"):
    found = case.state(dispute_id(reference))
    assert isinstance(found, Dispute)
    return found


# --- what happened, then ---------------------------------------------------------------------------


def test_a_history_is_carried_out_as_it_was_told(case):
    for code in ("r1", "r2"):
        case.company.executor.execute(Order(RegisterPerson(code, code, role=Role.RESOLVER), ADMINISTRATOR))
    load(case, registered("ann", "Ann"), registered("ben", "Ben"))
    result = load(
        case,
        item(),
        opened(at="2024-03-01T09:00:00Z", actor="ann", key="a"),
        line("assign_resolver", "2024-03-02", data={"dispute_id": "D1", "resolver_id": "r2"}, key="b"),
        line(
            "plan_follow_up",
            "2024-03-03T10:00:00",
            key="c",
            data={"reference": "F1", "title": "Ask", "due_on": "2024-03-10", "dispute_id": "D1"},
        ),
        line(
            "chase_resolver", "2024-03-04T10:00:00+02:00", data={"follow_up_id": "F1"}, actor="ben", key="d"
        ),
        line("resolve_dispute", "2024-03-20", data={"dispute_id": "D1", "outcome": "credit_note"}, key="e"),
    )
    assert (result.lines, result.changed, result.unchanged, result.repeated, result.refused) == (
        6,
        6,
        0,
        0,
        (),
    )
    found = dispute(case)
    assert found.state is DisputeState.RESOLVED
    assert found.resolver_id == person_id("r2")
    assert case.state(follow_up_id("F1")).chases == 1
    moments = {type(each.event).__name__: each.occurred_at for each in case.recorded()}
    assert moments["ItemRegistered"] == datetime(2024, 1, 15, tzinfo=UTC)
    assert moments["DisputeOpened"] == datetime(2024, 3, 1, 9, tzinfo=UTC)
    assert moments["ResolverChased"] == datetime(2024, 3, 4, 8, tzinfo=UTC)
    assert moments["DisputeResolved"] == datetime(2024, 3, 20, tzinfo=UTC)


def test_times_without_zone_are_the_companys(database, tmp_path):
    with company_case(database, tmp_path, zone="Europe/Paris") as case:
        load(case, item(), opened(at="2024-03-01T09:00:00"), opened("D2", "18"))
        moments = {type(each.event).__name__: each.occurred_at for each in case.recorded()}
        assert moments["DisputeOpened"] == datetime(2024, 3, 1, 8, tzinfo=UTC)
        assert moments["ItemRegistered"] == datetime(2024, 1, 14, 23, tzinfo=UTC)


def test_the_log_names_the_original_person_and_who_loaded(case):
    load(case, item(), registered("ann", "Ann Berg"), opened(actor="ann"))
    (found,) = [each for each in case.recorded() if isinstance(each.event, DisputeOpened)]
    who = (found.on_behalf_of, found.actor, found.role)
    assert who == (person_id("ann"), MANAGER.person_id, "credit_manager")


def test_45_who_is_not_registered_is_no_original_person_and_the_cure_is_named(case):
    result = load(case, item(), opened(actor="Ann Berg"), registered("ann", "Ann Berg"), opened(actor="ann"))
    assert (result.changed, [each.line for each in result.refused]) == (3, [2])
    assert "register the person first" in result.refused[0].reason


def test_45_no_name_of_an_original_person_stands_outside_of_the_events_about_them(case):
    load(case, item(), registered("ann", "Ann Berg"), opened(actor="ann"))
    with case.database.pool.connection() as connection:
        named = connection.execute(
            "select type from company_acme.events e where e::text like '%Ann Berg%'"
            " union all select 'command' from company_acme.commands c where c::text like '%Ann Berg%'"
        ).fetchall()
    assert [row["type"] for row in named] == ["person-registered.v1"]


def test_the_original_person_may_have_left_since(case):
    load(case, item(), registered("ann", "Ann Berg"))
    case.company.executor.execute(Order(DeactivatePerson(person_id("ann")), ADMINISTRATOR))
    assert load(case, opened(actor="ann")).changed == 1


def test_without_a_time_it_happens_now(case):
    load(case, line("register_customer", None, data={"code": "C9"}))
    (found,) = [each for each in case.recorded() if each.stream_id == customer_id("C9")]
    assert now() - found.occurred_at < timedelta(minutes=1)


def test_settings_that_change_count_for_the_lines_after_them(case):
    result = load(
        case,
        {"command": "change_settings", "data": {"currency": "USD", "default_entity": "north"}},
        item(),
        opened(),
    )
    assert result.changed == 3
    assert case.state(item_id("north", "C1", "17")).details.currency == "USD"


# --- again -----------------------------------------------------------------------------------------


def test_loading_again_changes_nothing(case):
    told = [
        item(),
        opened(key="a"),
        line("comment_dispute", data={"dispute_id": "D1", "text": "So."}, key="b"),
        line("comment_dispute", data={"dispute_id": "D1", "text": "No key."}),
    ]
    assert load(case, *told).changed == 4
    before = case.newest
    again = load(case, *told)
    assert (again.changed, again.repeated, again.refused) == (0, 4, ())
    assert case.newest == before


def test_nor_does_loading_again_as_somebody_else(case):
    told = [
        item(),
        opened(key="a"),
        line("comment_dispute", data={"dispute_id": "D1", "text": "So."}, key="b"),
    ]
    assert load(case, *told).changed == 3
    other = Actor(person_id("other"), Role.CREDIT_MANAGER)
    assert load(case, *told, actor=other).repeated == 3


def test_a_load_that_was_interrupted_goes_on_where_it_was(case, monkeypatch):
    monkeypatch.setattr(history_load, "BATCH", 2)
    told = [item(str(number)) for number in range(10, 15)]

    def stop(done):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(case, *told, progress=stop)
    assert case.kinds().count("ItemRegistered") == 4
    again = load(case, *told)
    assert (again.changed, again.repeated) == (1, 4)


def test_lines_alike_without_keys_are_told_apart_by_their_numbers(case):
    same = line("comment_dispute", data={"dispute_id": "D1", "text": "Still nothing."})
    load(case, item(), opened(), same, same)
    assert dispute(case).comments == 2


def test_the_order_of_names_in_a_line_does_not_matter_to_its_key(case):
    load(
        case,
        item(),
        opened(key="a"),
        '{"key":"b","command":"comment_dispute","data":{"text":"x","dispute_id":"D1"}}',
    )
    again = load(
        case, '{"command": "comment_dispute", "key": "b", "data": {"dispute_id": "D1", "text": "x"}}'
    )
    assert (again.repeated, again.refused) == (1, ())


def test_a_key_with_another_command_is_refused_by_its_line_and_the_others_go_in(case):
    load(case, item(), opened(key="a"))
    result = load(
        case,
        item("18"),
        line("cancel_dispute", data={"dispute_id": "D1"}, key="a"),
        opened("D2", "18", key="c"),
    )
    assert result.changed == 2
    (refused,) = result.refused
    assert (refused.line, refused.command) == (2, "cancel_dispute")
    assert "key" in refused.reason


def test_two_lines_of_one_batch_with_one_key(case):
    result = load(case, item(), opened(key="a"), opened("D2", key="a"))
    assert result.changed == 2
    assert [each.line for each in result.refused] == [3]


# --- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("{", "is not JSON (expecting property name enclosed in double quotes at character 2"),
        ("[" * 100_000, "is not JSON"),
        ("1" * 5_000, "is not JSON"),
        ("[]", "is not a JSON object"),
        ("{}", "command: field required"),
        ('{"command": 7}', "command: "),
        ('{"command": "open_disputes"}', "is no command; there are: add_items, "),
        ('{"command": "issue_key", "data": {"name": "x"}}', "redress keys"),
        ('{"command": "open_dispute", "when": 1}', "when: extra inputs are not permitted"),
        ('{"command": "open_dispute", "at": "yesterday"}', "at"),
        ('{"command": "open_dispute", "at": 20240301}', "at: value error, write it as YYYY-MM-DD"),
        ('{"command": "open_dispute", "at": "20240301"}', "at: value error, write it as YYYY-MM-DD"),
        ('{"command": "open_dispute", "key": ""}', "key: "),
        ('{"command": "open_dispute", "actor": ""}', "actor: "),
        ('{"command": "open_dispute", "data": {"type": "price"}}', "data.item_ids: field required"),
        (
            '{"command": "open_dispute", "data": {"item_ids": [], "type": "price", "colour": 1}}',
            "data.colour: ",
        ),
        (
            '{"command": "open_dispute", "data": {"item_ids": [{"number": "1"}], "type": "price"}}',
            "data.item_ids",
        ),
        ('{"command": "register_item", "data": {"amount": NaN}}', "data"),
        ('{"command": "resolve_dispute", "data": {"dispute_id": "D1", "outcome": "won"}}', "data.outcome: "),
    ],
)
def test_a_line_that_cannot_be_understood_is_refused_with_its_cure(case, told, reason):
    before = case.newest
    result = load(case, item(), told, item("18"))
    (refused,) = result.refused
    assert refused.line == 2
    assert reason.lower() in refused.reason.lower()
    assert len(refused.reason) < 1_000
    assert result.changed == 2
    assert case.kinds(before) == ["CustomerRegistered", "ItemRegistered", "ItemRegistered"]


def tomorrow():
    return (now() + timedelta(days=1)).isoformat()


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (opened("D9", "99"), "There is no item '99 of C1' ("),
        (opened("D9", "17"), "already in dispute"),
        (opened("D1", "18"), "exists already"),
        (
            line("open_dispute", data={"reference": "D9", "type": "price", "item_ids": []}),
            "No item is selected",
        ),
        (
            line("open_dispute", data={"reference": "D9", "type": "colour", "item_ids": named("18")}),
            "no status",
        ),
        (line("cancel_dispute", data={"dispute_id": "D9"}), "There is no dispute 'D9' ("),
        (line("cancel_dispute", "2024-02-01", data={"dispute_id": "D1"}), "2024-03-01 09:00:00+00:00"),
        (line("cancel_dispute", tomorrow(), data={"dispute_id": "D1"}), "lies in the future"),
        (line("assign_resolver", data={"dispute_id": "D1", "resolver_id": "nobody"}), "no person 'nobody' ("),
        (
            line("define_status", "2020-01-01", data={"code": "x", "kind": "dispute", "labels": {"en": "X"}}),
            "is before the last moment",
        ),
    ],
)
def test_what_the_domain_refuses_is_named_by_line_and_changes_nothing(case, told, reason):
    load(case, item(), item("18"), opened())
    before = case.newest
    result = load(case, told)
    (refused,) = result.refused
    assert refused.line == 1
    assert reason in refused.reason
    assert case.newest == before


def test_a_refused_line_does_not_stop_the_others(case):
    result = load(case, item(), opened("D1", "99"), opened("D2"), "x")
    assert (result.changed, [each.line for each in result.refused]) == (2, [2, 4])


def test_29_nor_does_a_line_that_the_scopes_do_not_allow(case):
    load(case, item(), item("18"))
    scopes = (Permission.LOAD_HISTORY, Permission.QUALIFY, Permission.WORK_DISPUTE)
    key = KeyId(new_id())
    case.company.executor.execute(Order(IssueKey(key, "erp", None, scopes), ADMINISTRATOR))
    program = Actor(PersonId(key), Role.SERVICE, key, frozenset(scopes))
    forbidden = line("register_customer", data={"code": "C9"})
    result = load(case, opened(), forbidden, opened("D2", "18"), actor=program)
    assert (result.changed, [each.line for each in result.refused]) == (2, [2])
    assert "import" in result.refused[0].reason


def test_unless_it_is_to_stop_at_the_first(case):
    result = load(case, item(), opened("D1", "99"), opened("D2"), "x", stop_at_first=True)
    assert result.stopped
    assert (result.lines, result.changed, [each.line for each in result.refused]) == (2, 1, [2])


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    "bad",
    [
        "x",
        opened("D1", "99"),
        opened("D1", at=None, key="item"),
        line("comment_dispute", data={"dispute_id": "D2", "text": "\ud800"}),
    ],
    ids=["unreadable", "refused", "key of another", "not to be stored"],
)
def test_nothing_after_the_first_refused_line_is_carried_out(case, bad, dry_run):
    told = [item() | {"key": "item"}, opened("D2"), bad, item("18"), "y", opened("D3", "18")]
    result = load(case, *told, stop_at_first=True, dry_run=dry_run)
    assert result.stopped
    assert (result.lines, result.changed, [each.line for each in result.refused]) == (3, 2, [3])
    assert case.state(item_id("main", "C1", "18")) is None


def test_a_dry_run_decides_each_line_after_the_others_and_writes_nothing(case, monkeypatch):
    monkeypatch.setattr(history_load, "BATCH", 2)
    told = [
        item(),
        opened(key="a"),
        line("comment_dispute", data={"dispute_id": "D1", "text": "x"}, key="b"),
        line("comment_dispute", data={"dispute_id": "D1", "text": "y"}, key="b"),
        line("resolve_dispute", "2024-04-01", data={"dispute_id": "D1", "outcome": "other"}),
        opened(key="a"),
        opened("D2", at="2024-05-01"),
    ]
    before = case.newest
    rehearsed = load(case, *told, dry_run=True)
    assert case.newest == before
    done = load(case, *told)
    assert rehearsed == done
    assert (done.changed, done.repeated, [each.line for each in done.refused]) == (5, 1, [4])


def test_4_a_dry_run_rests_on_the_log_and_not_on_what_is_remembered(case):
    load(
        case,
        item("F2"),
        line("register_customer", "2024-01-16", data={"code": "C9", "name": "Nine"}),
        opened("REF-1", "F2", key="a"),
        line("resolve_dispute", "2024-03-05", data={"dispute_id": "REF-1", "outcome": "other"}),
        item("F4"),
    )
    told = [
        line(
            "qualify_items",
            "2024-04-01",
            key="q",
            data={"item_ids": named("F2"), "status": "promise_to_pay", "promised_on": "2024-04-20"},
        ),
        line("register_customer", "2024-04-01", key="r", data={"code": "C9", "name": "Nine"}),
        opened("REF-1", "F2", at="2024-04-02T09:00:00Z", key="again"),
        item("F4") | {"at": "2024-04-02"},
    ]
    rehearsed = load(case, *told, dry_run=True)
    done = load(case, *told)
    assert rehearsed == done
    assert (done.changed, done.unchanged, [each.line for each in done.refused]) == (1, 2, [3])


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.CREDIT_MANAGER])
def test_only_a_credit_manager_loads_and_others_are_told_the_cure(case, role):
    before = case.newest
    with pytest.raises(LoadForbidden, match=rf"role {role} .* `redress keys create --role credit_manager"):
        load(case, item(), actor=Actor(person_id("x"), role))
    assert case.newest == before


# --- files -----------------------------------------------------------------------------------------


def test_blank_lines_are_no_lines(tmp_path):
    file = tmp_path / "h.ndjson"
    file.write_bytes(b"\xef\xbb\xbf{}\r\n\n  \n{}")
    assert [number for number, _ in read_lines(file)] == [1, 4]
    assert count_lines(file) == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{}\n\xff\xfe\x00", "is not UTF-8 text"),
        ('{"command": "é"}'.encode("cp1252"), "is not UTF-8 text"),
        (b'{"a": "' + b"x" * LONGEST_LINE + b'"}', "line 1 is longer"),
    ],
)
def test_a_file_that_is_no_history_is_refused_as_a_whole(tmp_path, content, reason):
    file = tmp_path / "h.ndjson"
    file.write_bytes(content)
    with pytest.raises(FileRefused, match=reason):
        count_lines(file)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileRefused, match=r"h\.ndjson: cannot be read: No such file"):
        count_lines(tmp_path / "h.ndjson")


def test_29_null_in_a_line_takes_away(case):
    person = line(
        "register_person", data={"code": "r1", "role": "resolver", "login": "r1@example.com"}, key="a"
    )
    taken = line("register_person", data={"code": "r1", "login": None}, key="b")
    result = load(case, person, taken)
    assert (result.changed, result.refused) == (2, ())
    found = case.company.executor.people().persons[person_id("r1")]
    assert (found.login, found.role) == (None, Role.RESOLVER)


def test_11_the_action_that_a_dispute_opens_with_is_named_by_the_loader(case):
    told = {"due_on": "2024-03-10", "reference": "F-1"}
    data = {
        "reference": "D1",
        "type": "price",
        "item_ids": named("17"),
        "resolver_id": "r1",
        "follow_up": told,
    }
    case.company.executor.execute(Order(RegisterPerson("r1", role=Role.RESOLVER), ADMINISTRATOR))
    result = load(
        case,
        item(),
        line("open_dispute", at="2024-03-01T09:00:00Z", key="a", data=data),
        line("chase_resolver", at="2024-03-04T10:00:00Z", key="b", data={"follow_up_id": "F-1"}),
    )
    assert result.refused == ()
    assert case.state(follow_up_id("F-1")).chases == 1


def test_a_line_with_an_endless_code_is_refused_and_the_others_go_in(case):
    endless = line("register_customer", data={"code": "x" * 201}, key="a")
    result = load(case, endless, item())
    assert (result.changed, [refused.line for refused in result.refused]) == (1, [1])
    assert "200 characters" in result.refused[0].reason
