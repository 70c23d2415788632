"""Two writers at once, each in a process of its own: who comes second decides anew (spec 2, 13, 28, 30).

*Meanwhile* is between the moment at which the first has decided and the moment at which the log takes it.
"""

from __future__ import annotations

from datetime import date

import pytest

from api import history_load, item_import
from api.database import OpenCompany
from api.history_load import load_history
from api.item_file import read_mapping
from api.item_import import ImportOptions, import_items, item_source, settings_of
from domain.catalogue import ChangeSettings, RetireStatus
from domain.customer import RegisterCustomer
from domain.dispute import CommentDispute, Outcome, ReopenDispute, ResolveDispute
from domain.follow_up import FollowUpPlan
from domain.identity import KeyId, dispute_id, item_id, person_id
from domain.people import DeactivatePerson, IssueKey, RegisterPerson, RevokeKey
from domain.refusals import PersonInactive, Refusal
from domain.roles import Actor, Role
from store.clock import new_id
from store.execute import Answer, Order
from store.keys import RightsWithdrawn
from store.log import KeyReused
from tests.api.company_case import ADMINISTRATOR, MANAGER, company_case, ndjson
from tests.api.item_file_case import mapping_text
from tests.api.test_history_load import item, line, opened
from tests.api.test_item_import import HEADER, row

KEY = KeyId(new_id())


@pytest.fixture
def case(database, tmp_path):
    with company_case(database, tmp_path) as case:
        yield case


@pytest.fixture
def other(case):
    """The same company in another process."""
    return OpenCompany(case.database.pool, "acme")


@pytest.fixture
def source(case, tmp_path):
    def make(*rows, name="items.csv"):
        path, mapping = tmp_path / name, tmp_path / "map.toml"
        path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
        mapping.write_text(mapping_text(), encoding="utf-8")
        return item_source(path, read_mapping(mapping), settings_of(case.company.executor))

    return make


@pytest.fixture
def meanwhile(case, monkeypatch):
    """Has something happen once, before the log takes what *case*'s company sends next."""

    def plan(happens):
        log = case.company.log
        sending = {name: getattr(log, name) for name in ("append", "append_all", "append_bulk")}

        def overtaken(name):
            def send(*what, **how):
                for each, original in sending.items():
                    monkeypatch.setattr(log, each, original)
                happens()
                return sending[name](*what, **how)

            return send

        for name in sending:
            monkeypatch.setattr(log, name, overtaken(name))

    return plan


@pytest.fixture
def manager(case):
    """A credit manager with a key."""
    person = RegisterPerson("boss", "Bo", None, Role.CREDIT_MANAGER)
    for command in (person, IssueKey(KEY, "k", person_id("boss"))):
        give(case.company, command)
    return Actor(person_id("boss"), Role.CREDIT_MANAGER, KEY)


def give(company, command, actor=ADMINISTRATOR):
    return company.executor.execute(Order(command, actor))


def known_customer(case):
    """What two writers would both register anyway is there: they meet nowhere else than in what they read."""
    give(case.company, RegisterCustomer("C1"))


def imports(company, source, actor=ADMINISTRATOR, **more):
    return import_items(company, source, actor, ImportOptions(), **more)


def load(company, *lines, actor=MANAGER, **more):
    return load_history(company, ndjson(*lines), actor, **more)


# --- what was only read ----------------------------------------------------------------------------


def test_2_of_two_imports_at_once_only_one_registers_a_number_that_differs_in_its_zeros(
    case, other, source, meanwhile
):
    known_customer(case)
    meanwhile(lambda: imports(other, source(row("0017"), name="other.csv")))
    result = imports(case.company, source(row("17"), row("18")))
    assert (result.counts.registered, result.counts.rejected) == (1, 1)
    assert "'0017' but for leading zeros" in result.rejections[0].reason
    assert case.kinds().count("ItemRegistered") == 2
    assert case.state(item_id("main", "C1", "17")) is None


def test_2_nor_does_a_later_chunk_of_an_import(case, other, source, monkeypatch):
    known_customer(case)
    monkeypatch.setattr(item_import, "CHUNK", 2)
    file = source(*[row(str(number)) for number in range(11, 18)])

    def progress(done):
        if done == 2:
            load(other, item("0017"))

    result = imports(case.company, file, progress=progress)
    assert (result.counts.registered, result.counts.rejected) == (6, 1)
    assert result.rejections[0].row == 8


def test_2_an_import_and_a_load_at_once_do_neither(case, other, source, meanwhile):
    known_customer(case)
    meanwhile(lambda: load(other, item("0017")))
    result = imports(case.company, source(row("17")))
    assert (result.counts.registered, result.counts.rejected) == (0, 1)


def test_2_nor_do_two_loads_at_once(case, other, meanwhile):
    known_customer(case)
    meanwhile(lambda: load(other, item("0017")))
    result = load(case.company, item("18"), item("17"), item("19"))
    assert (result.changed, [each.line for each in result.refused]) == (2, [2])
    assert "leading zeros" in result.refused[0].reason


def test_29_rows_that_name_a_person_lose_against_their_deactivation(case, other, meanwhile):
    give(case.company, RegisterPerson("c1", "Cy", None, Role.COLLECTOR))
    meanwhile(lambda: give(other, DeactivatePerson(person_id("c1"))))
    commands = [RegisterCustomer("A", collector_id=person_id("c1")), RegisterCustomer("B")]
    (first, second), _ = case.company.executor.execute_rows(commands, ADMINISTRATOR)
    assert isinstance(first, PersonInactive)
    assert second
    assert case.kinds().count("CustomerRegistered") == 1


def test_28_a_load_loses_against_a_command_that_retires_the_status(case, other, meanwhile):
    load(case.company, item("17"), item("18"))
    meanwhile(lambda: give(other, RetireStatus("price")))
    result = load(case.company, item("19"), opened("D1", "17"), opened("D2", "18"))
    assert (result.changed, [each.line for each in result.refused]) == (1, [2, 3])
    assert "retired" in result.refused[0].reason
    assert "DisputeOpened" not in case.kinds()


def test_43_what_another_load_did_in_the_same_instant_is_not_taken_for_the_look_at_what_was_read(
    case, other, meanwhile
):
    """The first line, whose append looks for the whole batch, is in the log already."""
    told = [item("17"), line("register_customer", None, data={"code": "C9"}, key="same")]
    load(case.company, told[0], item("18"))

    def both():
        load(other, told[1])
        give(other, RetireStatus("price"))

    meanwhile(both)
    result = load(case.company, told[1], opened("D2", "18"))
    assert (result.repeated, [each.line for each in result.refused]) == (1, [2])
    assert "DisputeOpened" not in case.kinds()


def test_what_a_line_leaves_out_is_that_of_the_settings_when_it_is_recorded(case, other, meanwhile):
    meanwhile(lambda: give(other, ChangeSettings(currency="USD", default_entity="north")))
    result = load(case.company, item(), opened("D1"))
    assert (result.changed, result.refused) == (2, ())
    assert case.state(item_id("north", "C1", "17")).details.currency == "USD"
    assert case.state(item_id("main", "C1", "17")) is None


@pytest.mark.parametrize("stop", [False, True])
def test_43_a_line_that_another_process_carried_out_before_it_could_be_read_is_not_refused(
    case, other, monkeypatch, stop
):
    load(case.company, item("17"), item("18"))
    told = [opened("D1", "17", key="a"), opened("D2", "99", key="b"), opened("D3", "18", key="c")]
    log, look = case.company.log, case.company.log.answered_all

    def overtaken(digests):
        found = look(digests)
        monkeypatch.setattr(log, "answered_all", look)
        load(other, told[0])
        return found

    monkeypatch.setattr(log, "answered_all", overtaken)
    result = load(case.company, *told, stop_at_first=stop)
    assert (result.changed, result.repeated, [each.line for each in result.refused]) == (not stop, 1, [2])
    assert case.kinds().count("DisputeOpened") == 2 - stop


# --- one key twice in one batch --------------------------------------------------------------------


def test_43_a_line_with_the_key_of_one_before_it_gets_its_answer(case):
    again = load(case.company, item(), opened("D1", key="a"), opened("D1", key="a"), item("18"))
    assert (again.changed, again.repeated, again.refused) == (3, 1, ())
    assert case.kinds().count("DisputeOpened") == 1


def test_43_another_command_with_that_key_is_refused_alone(case):
    load(case.company, item(), opened("D1"))
    about = dispute_id("D1")

    def order(text, key):
        return Order(CommentDispute(about, text), MANAGER, key=key, digest=text.encode())

    given = [order("x", "a"), order("x", "a"), order("y", "a"), order("y", "b")]
    first, second, third, fourth = case.company.executor.execute_all(given)
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert (first.replayed, second.replayed) == (False, True)
    assert (second.position, second.version) == (first.position, first.version)
    assert isinstance(third, KeyReused)
    assert isinstance(fourth, Answer)
    assert case.state(about).comments == 2


def test_43_a_key_that_was_refused_in_a_batch_is_decided_anew_when_it_comes_again_in_it(case):
    load(case.company, item(), opened("D1"))
    about = dispute_id("D1")

    def order(command, key):
        return Order(command, MANAGER, key=key, digest=repr(command).encode())

    comment = CommentDispute(about, "late")
    resolve, reopen = (
        ResolveDispute(about, Outcome.OTHER),
        ReopenDispute(about, FollowUpPlan(date(2100, 3, 31))),
    )
    told = [
        order(resolve, "a"),
        order(comment, "k"),
        order(reopen, "b"),
        order(comment, "k"),
        order(comment, "k"),
        order(CommentDispute(about, "other"), "k"),
    ]
    _, refused, _, accepted, again, other = case.company.executor.execute_all(told)
    assert isinstance(refused, Refusal)
    assert (accepted.changed, accepted.replayed, again.replayed) == (True, False, True)
    assert isinstance(other, KeyReused)
    assert case.state(about).comments == 1

    assert [
        each.replayed if isinstance(each, Answer) else type(each)
        for each in case.company.executor.execute_all(told[3:])
    ] == [True, True, KeyReused]


# --- who may no longer -----------------------------------------------------------------------------


def withdrawals():
    yield "revoked", lambda company: give(company, RevokeKey(KEY))
    yield "inactive", lambda company: give(company, DeactivatePerson(person_id("boss")))
    yield "changed", lambda company: give(company, RegisterPerson("boss", role=Role.COLLECTOR))


WITHDRAWALS = pytest.mark.parametrize("withdraw", [pytest.param(do, id=name) for name, do in withdrawals()])


@WITHDRAWALS
def test_29_an_import_whose_right_is_withdrawn_goes_no_further(
    case, other, source, manager, monkeypatch, withdraw
):
    monkeypatch.setattr(item_import, "CHUNK", 2)
    file = source(*[row(f"N{number}") for number in range(6)])
    with pytest.raises(RightsWithdrawn, match="was recorded before stays"):
        imports(case.company, file, manager, progress=lambda done: withdraw(other) if done == 2 else None)
    assert case.kinds().count("ItemRegistered") == 2
    assert imports(case.company, file).counts.registered == 4


@WITHDRAWALS
def test_29_a_load_whose_right_is_withdrawn_goes_no_further(case, other, manager, monkeypatch, withdraw):
    monkeypatch.setattr(history_load, "BATCH", 2)
    told = [item(f"N{number}") for number in range(5)]

    def progress(done):
        if done == 2:
            withdraw(other)

    with pytest.raises(RightsWithdrawn, match="was recorded before stays"):
        load(case.company, *told, actor=manager, progress=progress)
    assert case.kinds().count("ItemRegistered") == 2
    rest = load(case.company, *told)
    assert (rest.changed, rest.repeated) == (3, 2)


@WITHDRAWALS
def test_29_also_in_the_same_instant(case, other, source, manager, meanwhile, withdraw):
    meanwhile(lambda: withdraw(other))
    with pytest.raises(RightsWithdrawn):
        imports(case.company, source(row("1")), manager)
    assert "ItemRegistered" not in case.kinds()


def test_29_and_of_a_load_in_the_same_instant(case, other, manager, meanwhile):
    meanwhile(lambda: give(other, RevokeKey(KEY)))
    with pytest.raises(RightsWithdrawn):
        load(case.company, item(), actor=manager)
    assert "ItemRegistered" not in case.kinds()
