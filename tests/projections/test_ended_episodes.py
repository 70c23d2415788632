"""What was done about episodes until they ended (spec 34), from decisions of several people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from domain.commands import Command, Decision
from domain.decide import decide
from domain.dispute import (
    AssignResolver,
    CancelDispute,
    CommentDispute,
    Dispute,
    DisputeContinued,
    DisputeResolved,
    OpenDispute,
    Outcome,
    ReopenDispute,
    ResolveDispute,
)
from domain.events import Event
from domain.follow_up import (
    ChaseResolver,
    CommentFollowUp,
    FollowUpCommented,
    FollowUpPlan,
    Medium,
    ResolverChased,
)
from domain.identity import DisputeId, ImportId, PersonId, follow_up_of, item_id, person_id
from domain.item import ItemDetails, ItemType, RegisterItem
from domain.people import RegisterPerson
from domain.roles import Role
from projections.feed import Feed
from projections.reading import Reading
from projections.resolution_figures import ResolutionTimeRow
from projections.resolution_time import ResolutionTimeParameters, resolution_time
from replay.new_tables import ALL
from replay.rebuild import rebuild
from store.connections import CompanyDatastore, Pool, open_pool
from store.log import Log
from tests.projections.histories import ADMINISTRATOR, Made, day
from tests.projections.test_past import BOSS, LATER
from tests.projections.test_resolution_fold import busy, by_many, fed

RITA, ROLF, CORA = (person_id(code) for code in ("rita", "rolf", "cora"))


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    with open_pool(database, size=8) as pool:
        yield pool


class Told:
    """A dispute that Cora opened on the first day, for Rita to settle."""

    def __init__(self) -> None:
        self.made = Made(at=day(1))
        self.decisions: list[tuple[Decision, PersonId]] = [(each, CORA) for each in self.made.decisions]
        for code in ("rita", "rolf"):
            self(1, RegisterPerson(code, code.title(), None, Role.RESOLVER))
        amount, today = Decimal(10), day(1).date()
        self(
            1,
            RegisterItem(
                "C0", "main", "N0", ItemDetails(ItemType.INVOICE, today, today, amount, amount, "EUR")
            ),
        )
        self.dispute = DisputeId(uuid4())
        self(1, OpenDispute(self.dispute, (item_id("main", "C0", "N0"),), "price", "Too dear", None, RITA))
        self.action = follow_up_of(self.dispute, 1)

    def __call__(self, at: int, command: Command, by: PersonId = CORA) -> None:
        self.made.at = day(at)
        before = len(self.made.decisions)
        self.made.give(command)
        new = self.made.decisions[before:]
        assert new, f"{command} changed nothing"
        self.decisions += [(each, by) for each in new]

    def fact(self, at: int, *events: Event, by: PersonId = CORA) -> None:
        """What no command would lead to."""
        self.made.take([Decision(day(at), events)])
        self.decisions.append((self.made.decisions[-1], by))

    def comment(self, at: int, by: PersonId = RITA) -> None:
        self.fact(at, FollowUpCommented(self.action, self.dispute, "They are right."), by=by)

    def resolved_alone(self, at: int) -> None:
        """Resolved, while nothing is said of the follow-up action."""
        command = ResolveDispute(self.dispute, Outcome.CREDIT_NOTE)
        (decision,) = decide(self.made.case, command, ADMINISTRATOR, day(at))
        self.fact(at, *(event for event in decision.events if isinstance(event, DisputeResolved)))

    def continued(self, at: int, by: PersonId = CORA) -> None:
        now = self.made.case.states[self.dispute]
        assert isinstance(now, Dispute)
        life = (now.customer_id, now.type, now.episode, now.episode_opened_at)
        self.fact(at, DisputeContinued(self.dispute, ImportId(uuid4()), now.opening_items, *life), by=by)

    @property
    def events(self) -> int:
        return sum(len(each.events) for each, _ in self.decisions)


def total(log: Log, as_at: datetime | None = None, known_at: int | None = None) -> ResolutionTimeRow:
    assert isinstance(log.datastore, CompanyDatastore)
    asked = ResolutionTimeParameters(as_at=as_at, known_at=known_at)
    (row,) = resolution_time(Reading(log.datastore, BOSS, LATER), asked).totals
    return row


def done(row: ResolutionTimeRow) -> tuple[int, float | None, float | None]:
    return row.responded, row.mean_first_response_days, row.chases_per_episode


def test_34_the_first_response_is_the_first_thing_that_the_resolver_did(pool: Pool) -> None:
    told = Told()
    told(2, CommentDispute(told.dispute, "Rita?"))
    told(3, ChaseResolver(told.action, Medium.EMAIL, "?", day(9).date()))
    told(5, CommentFollowUp(told.action, "Looking."), by=RITA)
    told(6, CommentDispute(told.dispute, "Yes."), by=RITA)
    told(8, ResolveDispute(told.dispute, Outcome.CREDIT_NOTE))
    log = fed(pool, told.decisions)
    assert done(total(log)) == (1, 4, 1)
    assert done(total(log, as_at=day(7))) == (0, None, None)  # open: it tells of those resolved


def test_34_who_hands_the_dispute_on_has_responded_and_so_has_who_takes_it(pool: Pool) -> None:
    for by, responses in ((RITA, 1), (ROLF, 1), (CORA, 0)):
        told = Told()
        told(3, AssignResolver(told.dispute, ROLF), by=by)
        told(4, CommentDispute(told.dispute, "Not mine any more."), by=RITA)
        told(8, ResolveDispute(told.dispute, Outcome.CREDIT_NOTE))
        assert total(fed(pool, told.decisions)).responded == responses


def test_34_what_the_resolver_opened_is_no_response_and_how_they_resolved_it_is(pool: Pool) -> None:
    told = Told()
    told.decisions = [(each, RITA) for each, _ in told.decisions]
    told(4, ResolveDispute(told.dispute, Outcome.CREDIT_NOTE))
    assert done(total(fed(pool, told.decisions))) == (0, None, 0)
    told.decisions[-1] = (told.decisions[-1][0], RITA)
    assert done(total(fed(pool, told.decisions))) == (1, 3, 0)


def test_34_what_was_recorded_after_the_end_of_an_episode_is_not_of_it(pool: Pool) -> None:
    told = Told()
    told.resolved_alone(4)
    told.comment(4)
    chased = ResolverChased(
        told.action, told.dispute, RITA, Medium.EMAIL, "?", day(9).date(), day(8).date(), 1
    )
    told.fact(5, chased, by=RITA)
    assert done(total(fed(pool, told.decisions))) == (0, None, 0)


def test_34_what_happened_after_the_end_of_an_episode_is_not_of_it_though_recorded_before(pool: Pool) -> None:
    told = Told()
    chased = ResolverChased(
        told.action, told.dispute, RITA, Medium.EMAIL, "?", day(9).date(), day(8).date(), 1
    )
    told.fact(5, chased, by=RITA)
    told.resolved_alone(4)
    log = fed(pool, told.decisions)
    for moment in (None, day(4), day(6)):
        assert done(total(log, as_at=moment)) == (0, None, 0)


def test_5_34_an_episode_that_goes_on_has_what_was_done_before_and_after_it_had_ended(pool: Pool) -> None:
    told = Told()
    told(2, ChaseResolver(told.action, Medium.EMAIL, "?", day(9).date()))
    told.resolved_alone(3)
    first_end = told.events
    told.continued(4)
    between = told.events
    told(5, ChaseResolver(told.action, Medium.EMAIL, "??", day(9).date()))
    told(6, CommentFollowUp(told.action, "Now."), by=RITA)
    told(8, ResolveDispute(told.dispute, Outcome.CREDIT_NOTE))
    log = fed(pool, told.decisions)
    now = total(log)
    assert (now.count, now.mean_days, *done(now)) == (1, 7, 1, 5, 2)
    for clocks in ({"known_at": first_end}, {"as_at": day(3)}, {"as_at": day(3), "known_at": told.events}):
        then = total(log, **clocks)
        assert (then.count, then.mean_days, *done(then)) == (1, 2, 0, None, 1)
    assert total(log, known_at=between).count == 0


def test_22_34_an_episode_has_what_was_done_in_it_alone(pool: Pool) -> None:
    told = Told()
    told(2, ChaseResolver(told.action, Medium.EMAIL, "?", day(9).date()))
    told(3, CommentDispute(told.dispute, "Fine."), by=RITA)
    told(4, ResolveDispute(told.dispute, Outcome.CREDIT_NOTE))
    told(5, ReopenDispute(told.dispute, FollowUpPlan(day(9).date())), by=RITA)
    told(7, ResolveDispute(told.dispute, Outcome.CREDIT_NOTE))
    assert done(total(fed(pool, told.decisions))) == (1, 2, 0.5)


def test_41_however_the_log_is_taken_the_same_is_told_of_episodes(pool: Pool) -> None:
    log = fed(pool, by_many(busy(7)))
    assert isinstance(log.datastore, CompanyDatastore)
    expected = kept(log)
    assert {row[3] is not None for row in expected} == {True, False}
    assert {row[4] > 0 for row in expected} == {True, False}
    rebuild(log.datastore, log)
    assert kept(log) == expected
    rebuild(log.datastore, log, processes=2)
    assert kept(log) == expected
    assert kept(log, batch=5) == expected
    assert kept(log, batch=1) == expected


def test_20_41_ends_that_are_taken_back_end_whenever_the_feed_comes_by(pool: Pool) -> None:
    told = Told()
    told(2, ResolveDispute(told.dispute, Outcome.CREDIT_NOTE))
    told.continued(3)
    told(4, ResolveDispute(told.dispute, Outcome.CREDIT_NOTE))
    told(5, ReopenDispute(told.dispute, FollowUpPlan(day(9).date())))
    told(6, CancelDispute(told.dispute))
    log = fed(pool, told.decisions)
    expected = [(day(2), day(3)), (day(4), day(6))]
    for batch in (None, 1, 7):
        assert [(moment, until) for *_, moment, until in kept(log, batch)] == expected
    rebuild(datastore_of(log), log)
    assert [(moment, until) for *_, moment, until in kept(log)] == expected
    counted = [total(log, as_at=day(number)).count for number in range(1, 7)]
    assert counted == [0, 1, 0, 1, 1, 0]


def datastore_of(log: Log) -> CompanyDatastore:
    assert isinstance(log.datastore, CompanyDatastore)
    return log.datastore


def kept(log: Log, batch: int | None = None) -> list[tuple[Any, ...]]:
    """The rows as they are; or as a feed makes them anew, some events at a time."""
    datastore = datastore_of(log)
    if batch is not None:
        with datastore.pool.connection() as connection:
            for table in ("tracking", *ALL):
                connection.execute(f"delete from {datastore.schema}.{table}".encode())
        Feed(datastore, log, batch=batch, cache=3).catch_up()
    return datastore.rows(
        f"""select dispute_id, since, until, responded_at, chases, held_by, held_for, occurred_from,
                   occurred_until
            from {datastore.schema}.ended_episodes order by dispute_id, since""".encode()
    )
