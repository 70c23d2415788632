"""How a dispute, an item or a follow-up action stands, in one line."""

from __future__ import annotations

from domain.case import State
from domain.dispute import Dispute
from domain.follow_up import FollowUpAction
from domain.item import Item
from replay.sentences import Words, money


def standing(state: State, words: Words) -> str:
    """The state in words; of whatever else has a state nothing."""
    match state:
        case Dispute():
            return _dispute(state, words)
        case Item():
            return _item(state, words)
        case FollowUpAction():
            return _follow_up(state, words)
        case _:
            return ""


def _dispute(state: Dispute, words: Words) -> str:
    outcome = f", {state.outcome.replace('_', ' ')}" if state.outcome else ""
    resolver = f"resolver {words.name(state.resolver_id)}" if state.resolver_id else "no resolver"
    parts = [
        f"{state.state}{outcome}",
        f"type {words.status(state.type)}",
        resolver,
        counted(len(state.items), "item"),
        counted(len(state.follow_ups), "open follow-up action"),
        f"episode {state.episode}",
    ]
    return ", ".join(parts)


def _item(state: Item, words: Words) -> str:
    is_it = "withdrawn" if state.withdrawn else "paid" if state.cleared else "open"
    parts = [f"{is_it}, balance {money(state.details.balance, state.details.currency)}"]
    if state.dispute_id is not None:
        part = "" if state.disputed is None else f" ({state.disputed:f} of it)"
        parts.append(f"in the dispute {words.name(state.dispute_id)}{part}")
    if state.follow_ups:
        parts.append("under " + counted(len(state.follow_ups), "follow-up action"))
    if state.written_off:
        parts.append("written off")
    parts.append(words.said(state.qualification))
    return ", ".join(parts)


def _follow_up(state: FollowUpAction, words: Words) -> str:
    owner = words.name(state.owner_id) if state.owner_id else "nobody"
    is_it = f"ended, {state.ended.replace('_', ' ')}" if state.ended else "open"
    parts = [
        is_it,
        f"due on {state.due_on}",
        f"owner {owner}",
        counted(len(state.items), "item"),
        counted(state.chases, "chase"),
    ]
    return ", ".join(parts)


def counted(count: int, of: str) -> str:
    """So many of something, in words."""
    return f"{count} {of}" if count == 1 else f"{count} {of}s"
