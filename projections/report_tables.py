"""Which tables of states each report reads, and of which streams each table tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from domain.customer import OfCustomer
from domain.dispute import OfDispute
from domain.events import Event, OfCompany
from domain.follow_up import OfFollowUp
from domain.imports import OfImport
from domain.item import OfItem
from domain.people import OfPeople
from domain.reminder import OfReminders
from domain.sales import OfSales
from projections import ended_episodes

KINDS: Final[Mapping[str, type[Event]]] = {
    "item_states": OfItem,
    "dispute_states": OfDispute,
    "follow_up_states": OfFollowUp,
    "customer_states": OfCustomer,
    "person_states": OfPeople,
    "status_states": OfCompany,
    "scenario_step_states": OfCompany,
    "settings_states": OfCompany,
    "import_states": OfImport,
    "sales_states": OfSales,
    "reminder_states": OfReminders,
    ended_episodes.NAME: OfDispute,
}
"""The streams of one kind make all rows of a table; but those of episodes that ended also take what was done
on follow-up actions."""

_ALWAYS: Final = frozenset({"settings_states", "person_states", "status_states", "customer_states"})
"""The company's zone and language, and the names of whatever is grouped by."""
_DISPUTES: Final = _ALWAYS | {"dispute_states", "item_states"}
_FOLLOW_UPS: Final = _DISPUTES | {"follow_up_states"}
_EPISODES: Final = _FOLLOW_UPS | {ended_episodes.NAME}

READ: Final[Mapping[str, frozenset[str]]] = {
    "agenda": _FOLLOW_UPS | {"reminder_states", "scenario_step_states"},
    "dispute-report": _EPISODES,
    "dispute-months": _EPISODES,
    "resolution-time": _EPISODES,
    "resolver-days": _EPISODES,
    "item-statuses": _FOLLOW_UPS,
    "aged-balance": _FOLLOW_UPS,
    "receivables": _EPISODES | {"sales_states"},
}
"""By the report's name: every table that it reads, however it is grouped and filtered."""
