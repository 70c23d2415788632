"""What may happen to a made-up company, and how often: commands picked by chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

from domain import catalogue, customer, dispute, follow_up, item, people, qualifying, resolving, sales
from domain.commands import Command
from domain.identity import DisputeId, FollowUpId, ImportId, person_id
from tests.projections.oracle.made_up import BRANCH, PEOPLE, SECTORS, TYPES, ZONES, Story
from tests.projections.oracle.reminding import define_step, remind, retire_step

_DAY: Final = timedelta(days=1)

_FINE: Final = (1, 2, 3, 4, 6, 8, 11, 15, 20, 30)
"""Ends of ageing buckets, of which many a day is one."""

Make: TypeAlias = "Callable[[Story], Command | None]"


def _register(story: Story) -> Command:
    chance = story.chance
    known = story.any_item(is_open=None) if chance.random() < 0.45 else None
    if known is not None:
        return _again(story, known)
    code, number = f"C{chance.randrange(3)}", f"N{chance.randrange(40)}"
    issued = date(2019, 11, 1) + chance.randrange(150) * _DAY
    kind = chance.choice((item.ItemType.INVOICE,) * 5 + (item.ItemType.CREDIT_NOTE, item.ItemType.PAYMENT))
    sign = 1 if kind is item.ItemType.INVOICE else -1
    amount = sign * Decimal(chance.randrange(100, 90_000)) / 100
    balance = amount * chance.choice((4, 4, 4, 3, 1)) / 4
    attributes = {"sector": chance.choice(SECTORS), BRANCH: chance.choice(("x", "y"))}
    if chance.random() < 0.2:
        attributes = {}
    details = item.ItemDetails(
        kind,
        issued,
        issued + chance.choice((0, 14, 30, 60)) * _DAY,
        amount,
        balance,
        "USD" if chance.random() < 0.25 else "EUR",
        attributes,
    )
    entity = chance.choice(("main", "main", "north"))
    return item.RegisterItem(code, entity, number, details, import_id=ImportId(story.new_id()))


def _again(story: Story, known: item.Item) -> Command:
    """The same document with another balance, date or sector; perhaps paid, perhaps brought back."""
    chance, said = story.chance, known.details
    balance = said.amount * chance.choice((0, 1, 1, 2, 4, 4)) / 4
    details = item.ItemDetails(
        said.type,
        said.issue_date,
        said.due_date + chance.choice((0, 0, 10)) * _DAY,
        said.amount,
        balance,
        said.currency,
        {**said.attributes, "sector": chance.choice(SECTORS)} if chance.random() < 0.3 else said.attributes,
    )
    paid = story.at.date() - chance.randrange(4) * _DAY if balance == 0 and chance.random() < 0.5 else None
    return item.RegisterItem(
        known.customer_code,
        known.entity,
        known.number,
        details,
        cleared_on=paid,
        import_id=ImportId(story.new_id()),
    )


def _clear(story: Story) -> Command | None:
    known = story.any_item()
    paid = story.at.date() - story.chance.randrange(6) * _DAY if story.chance.random() < 0.5 else None
    return item.ClearItem(known.id, paid, ImportId(story.new_id())) if known else None


def _open(story: Story) -> Command:
    items = story.some_items()
    chance = story.chance
    received = story.at - chance.randrange(5_000) * timedelta(minutes=1) if chance.random() < 0.5 else None
    return dispute.OpenDispute(
        DisputeId(story.new_id()),
        items,
        chance.choice(TYPES[:3]),
        "too dear",
        story.text(),
        story.person() if chance.random() < 0.4 else None,
        received,
        amounts=story.part_of(items),
        plan_follow_up=chance.random() < 0.7,
        reference=f"ref {story.new_id()}" if chance.random() < 0.3 else None,
    )


def _qualify(story: Story) -> Command:
    items = story.some_items()
    status = story.chance.choice(
        ("promise_to_pay", "promise_to_pay", "litigation", "ongoing", *TYPES, "dispute_resolved")
    )
    is_settled = status == "dispute_resolved" and story.chance.random() < 0.5
    return qualifying.QualifyItems(
        DisputeId(story.new_id()),
        items,
        status,
        story.text(),
        promised_on=story.due() if status == "promise_to_pay" else None,
        outcome=dispute.Outcome.OTHER if is_settled else None,
    )


def _of_dispute(make: Callable[[Story, DisputeId], Command], *, is_open: bool | None = True) -> Make:
    def made(story: Story) -> Command | None:
        found = story.any_dispute(is_open=is_open)
        return make(story, found) if found else None

    return made


def _of_action(make: Callable[[Story, FollowUpId], Command]) -> Make:
    def made(story: Story) -> Command | None:
        found = story.any_action()
        return make(story, found) if found else None

    return made


_BY_HAND: Final = tuple(each for each in dispute.Outcome if each is not dispute.Outcome.CLEARED)


def _plan(story: Story) -> Command | None:
    chance = story.chance
    of = story.any_dispute() if chance.random() < 0.5 else None
    return follow_up.PlanFollowUp(
        FollowUpId(story.new_id()),
        story.text(),
        story.due(),
        of,
        () if of else story.some_items(),
        story.person() if chance.random() < 0.5 else None,
        story.person() if chance.random() < 0.3 else None,
    )


def _settings(story: Story) -> Command:
    chance = story.chance
    return chance.choice(
        (
            catalogue.ChangeSettings(zone=chance.choice(ZONES)),
            catalogue.ChangeSettings(ageing_buckets=chance.choice(((30, 60, 90), (15,), _FINE))),
            catalogue.ChangeSettings(
                language=chance.choice(("en", "fr")), country=chance.choice(("FR", None))
            ),
        )
    )


def _catalogue(story: Story) -> Command:
    chance = story.chance
    code = chance.choice(TYPES)
    kind = catalogue.StatusKind.DISPUTE
    labels = {chance.choice(("en", "fr", "de")): f"{code} {chance.randrange(9)}"}
    return chance.choice(
        (
            catalogue.DefineStatus(code, kind, labels, 3, chance.choice((None, 2, 9)), back_into_use=True),
            catalogue.DefineStatus(code, kind, labels, back_into_use=True),
            catalogue.RetireStatus(code),
        )
    )


def _person(story: Story) -> Command:
    chance = story.chance
    who = chance.choice(PEOPLE)
    return chance.choice(
        (
            people.DeactivatePerson(person_id(who)),
            people.ReactivatePerson(person_id(who)),
            people.ReactivatePerson(person_id(who)),
            people.RegisterPerson(who, f"Person {chance.randrange(9)}"),
        )
    )


def _customer(story: Story) -> Command:
    chance = story.chance
    collector = story.person() if chance.random() < 0.8 else None
    code, name = f"C{chance.randrange(3)}", f"Buyer {chance.randrange(9)}"
    if chance.random() < 0.3:
        manager = story.person() if chance.random() < 0.7 else None
        return customer.RegisterCustomer(code, name, sales_manager_id=manager)
    return customer.RegisterCustomer(code, name, None, collector)


def _sales(story: Story) -> Command:
    chance = story.chance
    month = chance.choice((date(2019, 12, 1), date(2020, 1, 1), date(2020, 2, 1), date(2020, 3, 1)))
    entity = chance.choice(("main", "north", "west"))
    return sales.StateMonthlySales(
        month, entity, chance.choice(("EUR", "USD")), Decimal(chance.randrange(0, 9_000))
    )


COMMANDS: Final[Sequence[tuple[Make | None, int]]] = (
    (_register, 22),
    (_clear, 5),
    (None, 7),
    (_open, 20),
    (_qualify, 9),
    (_of_dispute(lambda s, d: dispute.ResolveDispute(d, s.chance.choice(_BY_HAND), None, s.text())), 5),
    (_of_dispute(lambda s, d: dispute.ReopenDispute(d, follow_up.FollowUpPlan(s.due())), is_open=False), 6),
    (_of_dispute(lambda _, d: dispute.CancelDispute(d), is_open=None), 2),
    (_of_dispute(lambda _, d: dispute.EscalateDispute(d)), 2),
    (_of_dispute(lambda s, d: dispute.AssignResolver(d, s.person() if s.chance.random() < 0.8 else None)), 6),
    (_of_dispute(lambda _, d: dispute.AssignResolver(d)), 1),
    (_of_dispute(lambda s, d: dispute.ChangeDisputeType(d, s.chance.choice(TYPES))), 4),
    (_of_dispute(lambda s, d: dispute.CommentDispute(d, s.text()), is_open=None), 6),
    (_of_dispute(lambda s, d: dispute.UpdateDisputeComment(d, s.text())), 1),
    (_of_dispute(lambda s, d: dispute.AttachDocument(d, s.text(), "sha256:1"), is_open=None), 1),
    (_of_dispute(lambda s, d: dispute.AddItems(d, items := s.some_items(), s.part_of(items))), 5),
    (_of_dispute(lambda s, d: dispute.RemoveItems(d, s.some_items()[:1])), 4),
    (_plan, 5),
    (_of_action(lambda s, f: follow_up.PostponeFollowUp(f, s.due())), 4),
    (_of_action(lambda s, f: follow_up.ChaseResolver(f, follow_up.Medium.SMS, s.text(), s.due())), 6),
    (
        _of_action(
            lambda s, f: follow_up.RecordInteraction(
                f,
                s.chance.choice(list(follow_up.Party)),
                follow_up.Medium.PHONE,
                s.chance.choice(list(follow_up.Direction)),
                s.text(),
            )
        ),
        4,
    ),
    (_of_action(lambda s, f: follow_up.CommentFollowUp(f, s.text())), 2),
    (_of_action(lambda s, f: resolving.EndFollowUp(f, s.text())), 2),
    (_of_action(lambda s, f: resolving.EndFollowUp(f, None, s.chance.choice(_BY_HAND))), 3),
    (_settings, 2),
    (_catalogue, 2),
    (_person, 2),
    (_customer, 3),
    (_sales, 2),
    (remind, 14),
    (define_step, 3),
    (retire_step, 1),
)
"""What may happen (None: an import is undone), and how often."""


def play(seed: str, length: int) -> Story:
    """A company in which *length* things were tried, nearly half of them told late."""
    story = Story(seed)
    made, often = zip(*COMMANDS, strict=True)
    for _ in range(length):
        story.clock += timedelta(minutes=story.chance.choice((0, 7, 90, 600, 1_440)))
        is_late = story.chance.random() < 0.4
        story.at = story.clock - is_late * story.chance.randrange(1, 12_000) * timedelta(minutes=1)
        (make,) = story.chance.choices(made, often)
        if make is None:
            story.undo()
        elif (command := make(story)) is not None:
            story.give(command)
    return story
