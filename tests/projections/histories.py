"""Small made-up companies: commands picked by numbers, decided by the domain, kept in memory or appended."""

# ruff: noqa: ARG005 - every command is chosen by the same three numbers, and some need fewer

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from typing import Final, TypeAlias
from uuid import UUID, uuid4, uuid5

from hypothesis import HealthCheck
from hypothesis import strategies as st

from domain import (
    catalogue,
    dispute,
    follow_up,
    imports,
    item,
    people,
    qualifying,
    reminder,
    resolving,
    sales,
    scenario,
)
from domain.case import Case, evolve
from domain.commands import Command, Decision
from domain.decide import decide
from domain.founding import found_company
from domain.identity import (
    OPERATOR,
    DisputeId,
    FollowUpId,
    ImportId,
    ItemId,
    PersonId,
    customer_id,
    follow_up_of,
    item_id,
    person_id,
)
from domain.refusals import Refusal
from domain.roles import Actor, Role
from domain.undoing import UndoImportOfItem
from store.connections import CompanyDatastore, Pool
from store.log import Attribution, Log, Submission
from store.migrate import create_company

BEGINNING: Final = datetime(2020, 1, 8, 9, tzinfo=UTC)
ADMINISTRATOR: Final = Actor(OPERATOR, Role.ADMINISTRATOR)
_SPACE: Final = UUID("6f2f2a6e-52a5-4b39-8a2d-2f2f6f9f9f01")

_IMPORT: Final = ImportId(uuid5(_SPACE, "import 0"))

Pick: TypeAlias = tuple[int, int, int, int]
"""Which command, and three numbers that choose what it is about."""


def day(number: int) -> datetime:
    """Nine o'clock on the so many-th day of 2026: 1 is 1 January, a Thursday."""
    return datetime(2025, 12, 31, 9, tzinfo=UTC) + timedelta(days=number)


def picks(seed: int, length: int) -> tuple[Pick, ...]:
    chance = Random(seed)  # drawn one by one they would mostly be small, and most commands refused
    draw = chance.randrange
    return tuple((draw(26), draw(8), draw(8), draw(6)) for _ in range(length))


BUSY: Final = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow)
"""Checks to leave out: every example makes a company of its own, and a busy machine is no failure."""

HISTORIES: Final = st.builds(picks, st.integers(0, 2**32), st.integers(0, 150))

TEXTS: Final = ("plain", "tab\tand\nline\\end", 'quotes "and" {braces}, commas', "", "é ü 中 \u2028", "\\N")


@dataclass
class Made:
    """A company in memory: its states, and the decisions that led to them."""

    case: Case = field(default_factory=Case)
    decisions: list[Decision] = field(default_factory=list)
    versions: dict[UUID, int] = field(default_factory=dict)
    at: datetime = BEGINNING
    imported: dict[ItemId, tuple[item.Item | None, item.Item]] = field(default_factory=dict)
    """Items as they were before and after the ledger last spoke of them."""

    def __post_init__(self) -> None:
        self.take([Decision(self.at, tuple(found_company(catalogue.Settings("Acme"))))])

    def take(self, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            self.decisions.append(decision)
            for event in decision.events:
                stream = event.stream_id
                self.case.states[stream] = evolve(self.case.states.get(stream), event)
                self.case.moments[stream] = decision.occurred_at
                self.versions[stream] = self.versions.get(stream, 0) + 1

    def give(self, command: Command) -> None:
        before = self._item(command)
        try:
            self.take(decide(self.case, command, ADMINISTRATOR, self.at))
        except Refusal:
            return
        if isinstance(command, item.RegisterItem) and (after := self._item(command)) is not None:
            self.imported[command.item_id] = before, after

    def _item(self, command: Command) -> item.Item | None:
        found = self.case.states.get(command.item_id) if isinstance(command, item.RegisterItem) else None
        return found if isinstance(found, item.Item) else None

    def undo(self, which: int, *, forced: bool) -> None:
        """Take back what the ledger said last of one of its items."""
        if self.imported:
            item_id = sorted(self.imported)[which % len(self.imported)]
            before, after = self.imported[item_id]
            self.give(UndoImportOfItem(_IMPORT, item_id, before, after, forced=forced))

    def remind(self, one: int, two: int, three: int) -> None:
        """Do, skip or postpone a step over all that can be collected of a customer; define one before."""
        if two > 5:
            self.give(_define_step(one, two, three))
        zone = self.case.company.settings.zone
        items = [each for each in self.case.states.values() if isinstance(each, item.Item)]
        over = (
            customer_id(_code(one)),
            ("before_due", "call")[two % 2],
            tuple(
                each.id
                for each in items
                if each.customer_code == _code(one) and item.is_collectable(each, self.at, zone)
            ),
        )
        if three == 5:
            self.give(reminder.PostponeReminderStep(*over, to=self.at.date() + timedelta(days=two)))
        else:
            self.give((reminder.SkipReminderStep if three % 2 else reminder.DoReminderStep)(*over))

    def play(self, picks: Sequence[Pick]) -> Made:
        for which, one, two, three in picks:
            self.at += timedelta(hours=7 * three)  # now and then two decisions share their moment
            self.give(_COMMANDS[which % len(_COMMANDS)](one, two, three))
            if (one + two) % 11 == 0:
                self.undo(one, forced=three > 2)
            if (one + three) % 5 == 0:
                self.remind(one, two, three)
        return self

    @property
    def events(self) -> int:
        return sum(len(decision.events) for decision in self.decisions)


_numbers: Final = count()


def new_company(pool: Pool) -> Log:
    """The empty log of one more company."""
    company = f"made{next(_numbers)}"
    create_company(str(pool.conninfo), company)
    return Log(CompanyDatastore(pool, company))


def append(log: Log, decisions: Sequence[Decision], per_submission: int = 7) -> int:
    """Append *decisions* to an empty log, several to a submission; return the newest position."""
    versions: dict[UUID, int] = {}
    for start in range(0, len(decisions), per_submission):
        append_from(log, decisions[start : start + per_submission], versions)
    return log.newest()


def append_from(log: Log, decisions: Sequence[Decision], versions: dict[UUID, int]) -> int:
    """Append *decisions* in one submission, from *versions* on, which move along; the last position."""
    streams = [event.stream_id for decision in decisions for event in decision.events]
    expected = {stream: versions.get(stream, 0) for stream in streams}
    for stream in streams:
        versions[stream] = versions.get(stream, 0) + 1
    by = Attribution(OPERATOR, "administrator", None, None)
    return log.append(Submission(uuid4(), None, b"", by, tuple(decisions), expected, b"")).last


# --- what the numbers mean -------------------------------------------------------------------------


def _code(number: int) -> str:
    return f"C{number % 2}"


def _item(number: int) -> ItemId:
    return item_id("main", _code(number), f"N{number}")


def _items(one: int, two: int) -> tuple[ItemId, ...]:
    return tuple(dict.fromkeys((_item(one), _item(one + 2 * (two % 3)))))


def _dispute(number: int) -> DisputeId:
    return DisputeId(uuid5(_SPACE, f"dispute {number % 4}"))


def _action(number: int) -> FollowUpId:
    return FollowUpId(uuid5(_SPACE, f"action {number % 4}"))


def _of_dispute(number: int) -> FollowUpId:
    return follow_up_of(_dispute(number), 1 + number // 4)


def _person(number: int) -> PersonId:
    return person_id(f"P{number % 3}")


def _due(number: int) -> date:
    return BEGINNING.date() + timedelta(days=40 + 20 * number)


def _register(one: int, two: int, three: int) -> Command:
    amount = Decimal("100.50") * (one + 1)
    balance = amount * (4 - three) / 4 if three < 5 else amount
    details = item.ItemDetails(
        item.ItemType.INVOICE,
        date(2020, 1, 1 + one),
        date(2020, 2, 1 + two),
        amount,
        balance,
        "EUR",
        {"sector": TEXTS[two % len(TEXTS)], "branch": "x"},
    )
    return item.RegisterItem(_code(one), "main", f"N{one}", details, TEXTS[0])


def _qualify(status: str) -> Callable[[int, int, int], Command]:
    def made(one: int, two: int, three: int) -> Command:
        return qualifying.QualifyItems(
            _dispute(two),
            _items(one, two),
            status,
            TEXTS[three],
            promised_on=_due(three) if status == "promise_to_pay" else None,
            outcome=dispute.Outcome.OTHER if status == "dispute_resolved" and three % 2 else None,
        )

    return made


def _open(one: int, two: int, three: int) -> Command:
    amounts = {_item(one): Decimal("20.25")} if three % 2 else None
    kinds = ("price", "quality", "delivery")
    resolver = _person(two) if three > 3 else None
    return dispute.OpenDispute(
        _dispute(two),
        _items(one, two),
        kinds[three % 3],
        TEXTS[two % len(TEXTS)],
        TEXTS[three],
        resolver,
        amounts=amounts,
    )


def _define_step(one: int, two: int, three: int) -> Command:
    if three == 5:
        return scenario.RetireScenarioStep("call")
    days = 5 * two - 40
    return scenario.DefineScenarioStep("call", days, minimum_amount=Decimal(50 * one), back_into_use=True)


_O: Final = dispute.Outcome
_MEDIUM: Final = follow_up.Medium.EMAIL
_COMMANDS: Final[tuple[Callable[[int, int, int], Command], ...]] = (
    _register,
    _register,
    _register,
    _register,
    _open,
    _open,
    _open,
    _qualify("promise_to_pay"),
    _qualify("litigation"),
    _qualify("quality"),
    _qualify("dispute_resolved"),
    lambda one, two, three: dispute.ResolveDispute(_dispute(two), list(_O)[three], None, TEXTS[three]),
    lambda one, two, three: (dispute.CancelDispute if three < 3 else dispute.EscalateDispute)(_dispute(two)),
    lambda one, two, three: dispute.ReopenDispute(_dispute(two), follow_up.FollowUpPlan(_due(three))),
    lambda one, two, three: dispute.AddItems(_dispute(two), _items(one, three)),
    lambda one, two, three: dispute.RemoveItems(_dispute(two), (_item(one),)),
    lambda one, two, three: dispute.CommentDispute(_dispute(two), TEXTS[three] + "!"),
    lambda one, two, three: dispute.AssignResolver(_dispute(two), _person(one) if three else None),
    lambda one, two, three: follow_up.PlanFollowUp(
        _action(one), TEXTS[three], _due(three), None, _items(one, two)
    ),
    lambda one, two, three: follow_up.PostponeFollowUp(
        (_action if three < 3 else _of_dispute)(one), _due(two)
    ),
    lambda one, two, three: follow_up.ChaseResolver(_of_dispute(one), _MEDIUM, TEXTS[three], _due(two)),
    lambda one, two, three: resolving.EndFollowUp(
        (_action if three < 3 else _of_dispute)(one), None, list(_O)[two % 6]
    ),
    lambda one, two, three: people.RegisterPerson(
        f"P{one % 3}", TEXTS[two % 6] or None, None, list(Role)[three], tuple(TEXTS[: two % 6])
    ),
    lambda one, two, three: (people.DeactivatePerson if three < 3 else people.ReactivatePerson)(_person(one)),
    lambda one, two, three: (
        catalogue.DefineStatus(
            f"S{one % 2}", catalogue.StatusKind.DISPUTE, {"en": TEXTS[two % 6] + "."}, three
        )
        if one % 4
        else catalogue.ChangeSettings(name=TEXTS[two % 6] + ".", ageing_buckets=(10, 20 + three))
    ),
    lambda one, two, three: (
        imports.StartImport(
            ImportId(uuid5(_SPACE, f"import {one % 2}")), "f.csv", "sha256:0", imports.ImportMode.FULL
        )
        if three < 3
        else sales.StateMonthlySales(
            date(2020, 1 + one % 3, 1), "main", ("EUR", "USD")[two % 2], Decimal(two)
        )
        if three == 5
        else imports.FinishImport(
            ImportId(uuid5(_SPACE, f"import {one % 2}")), imports.ImportCounts(two, 1, 2, 3, 4, 5)
        )
    ),
)
