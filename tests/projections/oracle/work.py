"""What was done about episodes (spec 34): chases, and the resolver's first response."""

from __future__ import annotations

from itertools import groupby

from tests.projections.oracle.disputes import Dispute, Episode
from tests.projections.oracle.facts import Fact
from tests.projections.oracle.view import View


def tell(view: View) -> None:
    """Notes chases and first responses in the episodes of *view*, of which nothing is noted yet.

    Read decision by decision, in the order of the log: who the resolver is just before and just after counts.
    """
    resolvers: dict[str, str | None] = {}
    episodes: dict[str, Episode] = {}
    for _, decision in groupby(view.facts, key=lambda fact: fact.decision_end):
        of_disputes: dict[str, list[Fact]] = {}
        for fact in decision:
            of = _dispute_of(view, fact)
            if of is not None:
                of_disputes.setdefault(of, []).append(fact)
        for of, facts in of_disputes.items():
            _one(view.disputes[of], facts, resolvers, episodes)


def _dispute_of(view: View, fact: Fact) -> str | None:
    if fact.of == "dispute_id":
        return fact.stream
    return view.actions[fact.stream].dispute if fact.of == "follow_up_id" else None


def _one(
    dispute: Dispute, facts: list[Fact], resolvers: dict[str, str | None], episodes: dict[str, Episode]
) -> None:
    before = resolvers.get(dispute.id)
    begins = [fact for fact in facts if fact.name in {"dispute-opened", "dispute-reopened"}]
    for fact in facts:
        if fact.name in {"resolver-assigned", "resolver-not-found"}:
            resolvers[dispute.id] = fact.data.get("resolver_id")
    if begins:
        number = episodes[dispute.id].number if dispute.id in episodes else 0
        episodes[dispute.id] = dispute.episodes[number]
    episode = episodes[dispute.id]
    for fact in facts:
        if not _is_within(fact, episode):
            continue
        if fact.name == "resolver-chased":
            episode.chases += 1
        if not begins and _is_response(fact, {before, resolvers.get(dispute.id)}):
            earlier = episode.responded_at or fact.occurred_at
            episode.responded_at = min(earlier, fact.occurred_at)


def _is_within(fact: Fact, episode: Episode) -> bool:
    """What came after the end, by either clock, is not of the episode."""
    if episode.ended_at is None or episode.ended_by is None:
        return True
    return fact.decision_end <= episode.ended_by and fact.occurred_at <= episode.ended_at


def _is_response(fact: Fact, resolvers: set[str | None]) -> bool:
    if fact.by in resolvers:
        return True
    return (
        fact.name == "interaction-recorded"
        and fact.data["direction"] == "incoming"
        and fact.data["with_whom"] == "resolver"
    )
