"""What was done about episodes (spec 34): when the resolver first responded, and how often they were chased.

Who did something stands in the log alone, so the states of disputes and actions are joined with the events
that made them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, LiteralString, TypeAlias
from uuid import UUID

from projections.reading import Snapshot

Episode: TypeAlias = tuple[UUID, int]
"""A dispute and the number of one of its episodes."""

_SQL: Final[LiteralString] = """
with touched as (
    -- Whatever was done to the disputes …
    select r.dispute_id, r.episode, r.episode_opened_at, r.occurred_from, r.begins_episode as is_opening,
           array[r.resolver_id, lag(r.resolver_id) over (partition by r.dispute_id order by r.since)]
               as resolvers,
           coalesce(e.on_behalf_of, e.actor) as who, false as is_answer, 0 as chases
    from dispute_states r
    join events e on e.stream_id = r.dispute_id and e.version = r.version
    where r.dispute_id = any(%(disputes)s) and {so_far_r}
  union all
    -- … and to their follow-up actions, with the dispute as it was then. What somebody else notes that the
    -- resolver told them is the resolver's answer too.
    select f.dispute_id, d.episode, d.episode_opened_at, f.occurred_from,
           d.begins_episode and d.since = f.since, array[d.resolver_id],
           coalesce(e.on_behalf_of, e.actor),
           coalesce(e.data ->> 'with_whom' = 'resolver' and e.data ->> 'direction' = 'incoming', false),
           f.chases - lag(f.chases, 1, 0) over (partition by f.follow_up_id order by f.since)
    from follow_up_states n
    join follow_up_states f on f.follow_up_id = n.follow_up_id
    join events e on e.stream_id = f.follow_up_id and e.version = f.version
    cross join lateral (
        select r.episode, r.episode_opened_at, r.begins_episode, r.resolver_id, r.since
        from dispute_states r
        where r.dispute_id = f.dispute_id and r.since <= f.since and {so_far_r}
        order by r.since desc limit 1
    ) d
    where n.until is null and n.dispute_id = any(%(disputes)s) and {so_far_f}
)
select dispute_id, episode, sum(chases)::int as chases,
       (extract(epoch from min(occurred_from - episode_opened_at)
                    filter (where not is_opening and (who = any(resolvers) or is_answer)))
        / 86400)::double precision as response_days
from touched
group by dispute_id, episode
"""


@dataclass(frozen=True, slots=True)
class Work:
    """What was done about an episode: the *chases* of its resolver, and *response_days* from its opening to
    the resolver's first response (None: there was none)."""

    dispute_id: UUID
    episode: int
    chases: int
    response_days: float | None


NO_WORK: Final = Work(UUID(int=0), 0, 0, None)
"""Of an episode of which nothing is told."""


def work_on(snapshot: Snapshot, disputes: Iterable[UUID]) -> Mapping[Episode, Work]:
    """What was done about each episode of *disputes*, as the moment shows it.

    The resolver's first response is the first thing that they themselves did about it since the opening: a
    comment, an interaction or a change, of the dispute or of one of its follow-up actions; the resolver being
    who it was just before or just after. What opened or reopened the dispute is no response, and what a
    loaded history says was done by a person is taken as theirs. An incoming interaction with the resolver
    that somebody else noted is their response as well.
    """
    found = snapshot.rows(Work, _SQL, {"disputes": list(disputes)})
    return {(each.dispute_id, each.episode): each for each in found}
