"""What is asked: the lists of items, disputes, episodes and follow-up actions, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from random import Random
from typing import Final

from domain.identity import person_id
from projections.cases import DisputeList, FollowUpList, disputes, follow_ups
from projections.dispute_report import Counted
from projections.episode_list import EpisodeList, EpisodeRow, episodes
from projections.search import ItemSearch, items
from tests.projections.oracle import episode_list, lists
from tests.projections.oracle.asking import Asking, any_of
from tests.projections.oracle.buckets import names
from tests.projections.oracle.made_up import PEOPLE
from tests.projections.oracle.view import View

_PAGES: Final = (200, 200, 3)
_TEXTS: Final = ("words", "N1 plain", "NORTH", "100% \\", "sure_", "中", "buyer 2")
_KINDS: Final = ("dispute", "promise_to_pay", "litigation", "ongoing", "dispute_resolved")


def _some(chance: Random, filters: Mapping[str, object]) -> dict[str, object]:
    """None of them, or one or two: all of them together would find nothing."""
    return {name: filters[name] for name in chance.sample([*filters], chance.choice((0, 1, 1, 2)))}


def _of_items(chance: Random, view: View) -> Mapping[str, object]:
    yes_or_no = chance.random() < 0.5
    return {
        "limit": chance.choice(_PAGES),
        "sort": chance.choice((None, None, "customer", "due_date", "balance")),
        "is_open": chance.choice((None, None, True, False)),
        **_some(
            chance,
            {
                "text": chance.choice(_TEXTS),
                "number": f"N{chance.randrange(40)}",
                "dispute": any_of(chance, view.disputes),
                "follow_up": any_of(chance, view.actions),
                "kind": chance.choice(_KINDS),
                "type": chance.choice(("invoice", "credit_note", "payment")),
                "due_from": date(2020, 1, 10),
                "due_to": date(2020, 3, 10),
                "is_disputed": yes_or_no,
                "is_overdue": yes_or_no,
                "has_status": yes_or_no,
                "has_collector": yes_or_no,
            },
        ),
    }


def _of_disputes(chance: Random, view: View) -> Mapping[str, object]:
    ages = names(list(view.masters.settings["ageing_buckets"]), 0)
    how = chance.choice((*[None] * 4, *Counted))
    is_of_month = how in {Counted.OPENED, Counted.RESOLVED} and chance.random() < 0.5
    return {
        "limit": chance.choice(_PAGES),
        "sort": chance.choice((None, None, "newest", "oldest", "customer")),
        "counted": how,
        "counted_month": chance.choice(("2020-01", "2020-02", "2020-03")) if is_of_month else None,
        **_some(
            chance,
            {
                "state": chance.choice(("open", "resolved", "escalated", "cancelled")),
                "item": any_of(chance, view.items),
                "age": chance.choice(ages),
                "is_assigned": chance.random() < 0.5,
                "has_collector": chance.random() < 0.5,
            },
        ),
    }


def _of_follow_ups(chance: Random, view: View) -> Mapping[str, object]:
    return {
        "limit": chance.choice(_PAGES),
        "is_open": chance.choice((None, None, True, False)),
        **_some(
            chance,
            {
                "dispute": any_of(chance, view.disputes),
                "owner": person_id(chance.choice(PEOPLE)),
                "due_to": date(2020, 2, 20),
            },
        ),
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


def _longest_first(row: EpisodeRow) -> tuple[bool, float]:
    return row.ended_at is not None, -row.days


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
            None: _longest_first,
            "longest": _longest_first,
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
