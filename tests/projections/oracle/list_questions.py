"""What is asked: the lists of items, disputes, episodes and follow-up actions, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from random import Random
from typing import Final

from domain.identity import person_id
from projections.cases import DisputeList, FollowUpList, disputes, follow_ups
from projections.dispute_report import Counted
from projections.episode_list import EpisodeList, episodes
from projections.search import ItemSearch, items
from tests.projections.oracle import episode_list, lists
from tests.projections.oracle.asking import Asking, any_of
from tests.projections.oracle.buckets import names
from tests.projections.oracle.made_up import PEOPLE
from tests.projections.oracle.view import View

_EITHER: Final = (None, None, True, False)
_PAGES: Final = (200, 200, 200, 200, 200, 3)
_TEXTS: Final = (None, None, "words", "N1 plain", "NORTH", "100% \\", "sure_", "中", "buyer 2")


def _of_items(chance: Random, view: View) -> Mapping[str, object]:
    found = {
        "limit": chance.choice(_PAGES),
        "sort": chance.choice((None, None, "customer", "due_date", "balance")),
        "text": chance.choice(_TEXTS),
        "number": f"N{chance.randrange(40)}" if chance.random() < 0.05 else None,
        "dispute": any_of(chance, view.disputes),
        "follow_up": any_of(chance, view.actions),
        "kind": chance.choice(
            (*[None] * 6, "dispute", "promise_to_pay", "litigation", "ongoing", "dispute_resolved")
        ),
        "type": chance.choice((None, None, None, "invoice", "credit_note", "payment")),
        "due_from": chance.choice((None, None, date(2020, 1, 10))),
        "due_to": chance.choice((None, None, date(2020, 3, 10))),
    }
    flags = ("is_open", "is_disputed", "is_overdue", "has_status", "has_collector")
    return found | {name: chance.choice(_EITHER) for name in flags}


def _of_disputes(chance: Random, view: View) -> Mapping[str, object]:
    ages = names(list(view.masters.settings["ageing_buckets"]), 0)
    how = chance.choice((None, None, *Counted))
    is_of_month = how in {Counted.OPENED, Counted.RESOLVED} and chance.random() < 0.5
    return {
        "limit": chance.choice(_PAGES),
        "sort": chance.choice((None, None, "newest", "oldest", "customer")),
        "state": chance.choice((*[None] * 4, "open", "resolved", "escalated", "cancelled")),
        "item": any_of(chance, view.items),
        "age": chance.choice(ages) if chance.random() < 0.2 else None,
        "is_assigned": chance.choice(_EITHER),
        "has_collector": chance.choice(_EITHER),
        "counted": how,
        "counted_month": chance.choice(("2020-01", "2020-02", "2020-03")) if is_of_month else None,
    }


def _of_follow_ups(chance: Random, view: View) -> Mapping[str, object]:
    return {
        "limit": chance.choice(_PAGES),
        "is_open": chance.choice((None, True, False)),
        "dispute": any_of(chance, view.disputes),
        "owner": chance.choice((None, None, person_id(chance.choice(PEOPLE)))),
        "due_to": chance.choice((None, None, date(2020, 2, 20))),
    }


def _of_episodes(chance: Random, _: View) -> Mapping[str, object]:
    return {
        "limit": chance.choice(_PAGES),
        "sort": chance.choice((None, "longest", "newest", "oldest")),
        "counted": chance.choice((*Counted, Counted.RESOLVED)),
        "first_episodes_only": chance.random() < 0.3,
        "is_assigned": chance.choice((None, None, True, False)),
        "has_collector": chance.choice((None, None, None, True, False)),
    }


LISTS: Final[Mapping[str, Asking]] = {
    "items": Asking(
        items,
        lists.items,
        ItemSearch,
        identity=("item_id",),
        options=_of_items,
        orders={
            None: lambda row: (row.customer_code, row.number),
            "customer": lambda row: (row.customer_code, row.number),
            "due_date": lambda row: row.due_date,
            "balance": lambda row: -row.balance,
        },
    ),
    "disputes": Asking(
        disputes,
        lists.disputes,
        DisputeList,
        identity=("dispute_id",),
        options=_of_disputes,
        orders={
            None: lambda row: -row.episode_opened_at.timestamp(),
            "newest": lambda row: -row.episode_opened_at.timestamp(),
            "oldest": lambda row: row.episode_opened_at,
            "customer": lambda row: row.customer_code,
        },
    ),
    "episodes": Asking(
        episodes,
        episode_list.episodes,
        EpisodeList,
        identity=("dispute_id", "episode"),
        options=_of_episodes,
        orders={
            None: lambda row: -row.days,
            "longest": lambda row: -row.days,
            "newest": lambda row: -row.opened_at.timestamp(),
            "oldest": lambda row: row.opened_at,
        },
    ),
    "follow-ups": Asking(
        follow_ups,
        lists.follow_ups,
        FollowUpList,
        identity=("follow_up_id",),
        options=_of_follow_ups,
        orders={None: lambda row: row.due_on},
    ),
}
