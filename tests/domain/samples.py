"""One event of every class, with every field filled: what the golden files hold."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from domain import catalogue, customer, dispute, follow_up, imports, item, people, reminder, sales, scenario
from domain.events import Event
from domain.identity import (
    COMPANY_STREAM,
    PEOPLE_STREAM,
    CustomerId,
    DisputeId,
    FollowUpId,
    ImportId,
    ItemId,
    KeyId,
    PersonId,
    ReminderRunId,
    SalesId,
)
from domain.roles import Permission, Role


def _id(number: int) -> UUID:
    return UUID(int=0x01990000_0000_7000_8000_000000000000 + number)


ITEM, OTHER_ITEM = ItemId(_id(1)), ItemId(_id(2))
SALES, RUN = SalesId(_id(11)), ReminderRunId(_id(12))
DISPUTE, ACTION, IMPORT, KEY = DisputeId(_id(3)), FollowUpId(_id(4)), ImportId(_id(5)), KeyId(_id(6))
CUSTOMER = CustomerId(_id(7))
MARY, MAX = PersonId(_id(8)), PersonId(_id(9))
MOMENT = datetime(2026, 3, 2, 9, 30, 15, 123456, UTC)
DAY, OTHER_DAY = date(2026, 3, 9), date(2026, 3, 16)

SETTINGS = catalogue.Settings(
    "Société Générique",
    "Europe/Paris",
    "EUR",
    "fr",
    "FR",
    "main",
    Decimal("0.25"),
    (30, 60, 90),
    catalogue.AssignmentField(catalogue.AttributeOf.CUSTOMER, "branch"),
)
STATUS = catalogue.Status(
    "tax",
    catalogue.StatusKind.DISPUTE,
    {"en": "Tax", "fr": "Taxe"},
    5,
    20,
    "ask_resolver",
    automatic=True,
    active=True,
)
STEP = scenario.ScenarioStep(
    "notice", 40, scenario.StepKind.LETTER, {"en": "Notice", "fr": "Avis"}, Decimal("25.00"), active=True
)
TEMPLATE = catalogue.ActionTemplate("ask_resolver", {"en": "Ask", "fr": "Demander"})
DETAILS = item.ItemDetails(
    item.ItemType.INVOICE,
    date(2026, 1, 31),
    date(2026, 3, 2),
    Decimal("1200.50"),
    Decimal("800.00"),
    "EUR",
    {"city": "Orléans", "sector": "west"},
)
FORMER = item.ItemDetails(
    item.ItemType.OTHER,
    date(2026, 1, 30),
    date(2026, 3, 1),
    Decimal("-1200.5"),
    Decimal("-0.01"),
    "USD",
    {"sector": "east"},
)
SAID = item.Qualification("promise_to_pay", catalogue.StatusKind.PROMISE_TO_PAY, "Mrs Roy promised", DAY)
BEFORE = item.Qualification("price", catalogue.StatusKind.DISPUTE, "Too dear, says Mr Roy", OTHER_DAY)
DISPUTED = dispute.DisputedItem(ITEM, "main", Decimal("30.00"), Decimal("35.5"))
REMINDER = reminder.Reminder(
    CUSTOMER, "EUR", ITEM, DAY, "notice", 40, scenario.StepKind.LETTER, (ITEM, OTHER_ITEM), Decimal("1200.50")
)
AMOUNT, LESS = Decimal("1200.50"), Decimal("30.00")

_EVENTS: Final[tuple[Event, ...]] = (
    catalogue.CompanyFounded(COMPANY_STREAM, SETTINGS),
    catalogue.SettingsChanged(COMPANY_STREAM, SETTINGS, SETTINGS),
    catalogue.StatusDefined(COMPANY_STREAM, STATUS, STATUS),
    catalogue.StatusTakenOutOfUse(COMPANY_STREAM, "tax"),
    catalogue.ActionTemplateDefined(COMPANY_STREAM, TEMPLATE, TEMPLATE),
    scenario.ScenarioStepDefined(COMPANY_STREAM, STEP, STEP),
    scenario.ScenarioStepTakenOutOfUse(COMPANY_STREAM, "notice"),
    reminder.ReminderStepDone(RUN, REMINDER, "Sent to Mrs Roy"),
    reminder.ReminderStepSkipped(RUN, REMINDER, "Mrs Roy is on leave"),
    reminder.ReminderStepPostponed(RUN, REMINDER, OTHER_DAY, DAY, "Mrs Roy asked for a week"),
    people.PersonRegistered(
        PEOPLE_STREAM, MARY, "mary", "Mary Roy", "mary@example.com", Role.RESOLVER, ("west", "south")
    ),
    people.PersonRenamed(PEOPLE_STREAM, MARY, "Mary Roy-Blanc", "Mary Roy"),
    people.LoginGiven(PEOPLE_STREAM, MARY, "mary@example.com", "m@example.com"),
    people.LoginWithdrawn(PEOPLE_STREAM, MARY, "m@example.com"),
    people.RoleGiven(PEOPLE_STREAM, MARY, Role.COLLECTOR, Role.RESOLVER),
    people.RoleWithdrawn(PEOPLE_STREAM, MARY, Role.RESOLVER),
    people.AssignmentValuesGiven(PEOPLE_STREAM, MARY, ("west",), ("south",)),
    people.PersonDeactivated(PEOPLE_STREAM, MARY),
    people.PersonReactivated(PEOPLE_STREAM, MARY),
    people.KeyIssued(PEOPLE_STREAM, KEY, "Mary's laptop", MARY, (Permission.IMPORT, Permission.READ_ITEMS)),
    people.KeyRevoked(PEOPLE_STREAM, KEY),
    customer.CustomerRegistered(CUSTOMER, "0042", "Roy & Sons", {"branch": "Lyon"}, IMPORT),
    customer.CustomerRenamed(CUSTOMER, "Roy Brothers", "Roy & Sons"),
    customer.CustomerAttributesGiven(CUSTOMER, {"branch": "Nice"}, {"branch": "Lyon"}),
    customer.CollectorAssigned(CUSTOMER, MARY, MAX),
    customer.CollectorWithdrawn(CUSTOMER, MAX),
    customer.SalesManagerAssigned(CUSTOMER, MARY, MAX),
    customer.SalesManagerWithdrawn(CUSTOMER, MAX),
    item.ItemRegistered(ITEM, CUSTOMER, "0042", "main", "0001", DETAILS, IMPORT),
    item.ItemCorrected(ITEM, DETAILS, FORMER, IMPORT),
    item.ItemCleared(ITEM, CUSTOMER, DAY, Decimal("800.00"), "EUR", IMPORT),
    item.ItemReinstated(ITEM, DETAILS, SAID, IMPORT),
    item.ItemQualified(ITEM, SAID, BEFORE),
    item.ItemStatusRestored(ITEM, SAID, BEFORE),
    item.ItemDisputed(ITEM, DISPUTE, Decimal("30.00"), MARY),
    item.ItemReleased(ITEM, DISPUTE, item.Release.SETTLED),
    item.ItemPlacedUnderFollowUp(ITEM, ACTION),
    item.ItemReturned(ITEM, ACTION),
    item.ItemWrittenOff(ITEM, DISPUTE),
    item.ItemWithdrawn(ITEM, IMPORT, FORMER),
    item.ItemCorrectionUndone(ITEM, IMPORT, DETAILS, FORMER),
    item.ItemClearingUndone(
        ITEM, IMPORT, DETAILS, BEFORE, DISPUTE, Decimal("30.00"), MARY, DISPUTE, (ACTION,), (DISPUTE,)
    ),
    item.ItemReinstatementUndone(ITEM, IMPORT, DETAILS, FORMER, withdrawn=True),
    item.ItemWriteOffUndone(ITEM, DISPUTE),
    item.ItemDisputeVoided(ITEM, DISPUTE),
    dispute.DisputeOpened(
        DISPUTE,
        "their 7",
        CUSTOMER,
        "0042",
        "EUR",
        "price",
        "Mr Roy found it cheaper",
        "See the offer of Mrs Blanc",
        (DISPUTED,),
        LESS,
        MOMENT,
        dispute.Channel.PHONE,
        MARY,
    ),
    dispute.DisputeTypeChanged(DISPUTE, "quality", "broken", "price", "Mr Roy found it cheaper"),
    dispute.ResolverAssigned(DISPUTE, MARY, MAX, dispute.AssignedBy.RULE),
    dispute.ResolverNotFound(DISPUTE, dispute.Unassigned.SEVERAL_MATCHES, MAX),
    dispute.DisputeCommentReplaced(DISPUTE, "Mrs Blanc agreed", "See the offer of Mrs Blanc"),
    dispute.DisputeCommented(DISPUTE, "Asked Mr Roy", dispute.Visibility.CUSTOMER),
    dispute.DocumentAttached(DISPUTE, "letter of Mr Roy.pdf", "sha256:00ff", dispute.Visibility.CUSTOMER),
    dispute.ItemsAdded(DISPUTE, (DISPUTED,)),
    dispute.ItemsTakenOut(DISPUTE, (ITEM, OTHER_ITEM), item.Release.REMOVED),
    dispute.DisputeFollowedUp(DISPUTE, ACTION),
    dispute.DisputeFollowUpEnded(DISPUTE, ACTION),
    dispute.DisputeResolved(
        DISPUTE,
        dispute.Outcome.PARTIAL_CREDIT,
        LESS,
        "Settled with Mr Roy",
        CUSTOMER,
        "price",
        MARY,
        "EUR",
        LESS,
        AMOUNT,
        2,
        MOMENT,
    ),
    dispute.DisputeCancelled(DISPUTE, "Mr Roy meant another one", CUSTOMER, "price", "EUR", AMOUNT),
    dispute.DisputeEscalated(
        DISPUTE, "Mr Roy does not answer", CUSTOMER, "price", MARY, "EUR", LESS, AMOUNT, 2, MOMENT
    ),
    dispute.DisputeReopened(DISPUTE, (DISPUTED,), (OTHER_ITEM,), LESS, "Mr Roy rang again", 2, MOMENT),
    dispute.DisputeContinued(DISPUTE, IMPORT, (DISPUTED,), CUSTOMER, "price", 2, MOMENT),
    dispute.DisputeFollowUpContinued(DISPUTE, ACTION),
    follow_up.FollowUpPlanned(
        ACTION,
        "their 9",
        CUSTOMER,
        DISPUTE,
        "Ring Mrs Blanc",
        DAY,
        MARY,
        MAX,
        (ITEM, OTHER_ITEM),
        MARY,
        "price",
    ),
    follow_up.FollowUpPostponed(ACTION, OTHER_DAY, DAY),
    follow_up.InteractionRecorded(
        ACTION,
        DISPUTE,
        follow_up.Party.DEPARTMENT,
        follow_up.Medium.REGISTERED_E_LETTER,
        follow_up.Direction.INCOMING,
        "Mrs Blanc is away",
    ),
    follow_up.ResolverChased(
        ACTION, DISPUTE, MARY, follow_up.Medium.INTERACTIVE_EMAIL, "Dear Mary", OTHER_DAY, DAY, 3
    ),
    follow_up.FollowUpCommented(ACTION, DISPUTE, "Mrs Blanc is back"),
    follow_up.FollowUpItemsChanged(ACTION, (ITEM,), (OTHER_ITEM,)),
    follow_up.FollowUpEnded(ACTION, follow_up.Ended.DONE, "Mrs Blanc settled it", DISPUTE),
    follow_up.FollowUpContinued(ACTION, (ITEM, OTHER_ITEM), DISPUTE),
    imports.ImportStarted(IMPORT, "Mary's list.csv", "sha256:00ff", imports.ImportMode.FULL),
    imports.ImportFinished(IMPORT, imports.ImportCounts(1, 2, 3, 4, 5, 6)),
    imports.ImportUndone(IMPORT, imports.UndoCounts(10, 2)),
    sales.MonthlySalesStated(SALES, date(2026, 3, 1), "main", "EUR", AMOUNT, LESS),
)

SAMPLES: Final[dict[type[Event], Event]] = {type(event): event for event in _EVENTS}
