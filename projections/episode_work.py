"""What was done about episodes until they ended (spec 34): when the resolver first responded, and how often
they were chased.

Who did something stands in the log alone, so it takes the states of a dispute and of its follow-up actions,
and the events that made them. Reports ask it of all episodes that ever ended. Therefore it is found out once,
when an episode ends, and kept beside the row that says so, in the table `episode_work`: a state that ends an
episode never changes, and neither does what had been done by then.

The resolver's first response is the first thing that they themselves did about the episode after it was
opened: a comment, an interaction or a change, of the dispute or of one of its follow-up actions; the resolver
being who it was just before or just after. What opened or reopened the dispute is no response, and what a
loaded history says was done by a person is taken as theirs. An incoming interaction with the resolver that
somebody else noted is their response as well. What came after the end of an episode, by either clock, is not
of it. So whatever moment shows the end shows all that was done until then, and needs no second look.
"""

from __future__ import annotations

from typing import Final

from psycopg.sql import SQL, Composed, Identifier, Literal

NAME: Final = "episode_work"
"""The table."""

READS: Final = ("dispute_states", "follow_up_states")
"""The tables that it is made of, beside the log."""

_FIND: Final = SQL("""
insert into {work} (dispute_id, since, responded_at, chases)
select ended.dispute_id, ended.since, of_it.responded_at, of_it.chases
from {ended} ended
cross join lateral (
    select min(one.moment) filter (where one.who = any(one.resolvers) or one.is_answer) as responded_at,
           coalesce(sum(one.chases), 0)::integer as chases
    from (
        -- Whatever was done to the dispute …
        select d.occurred_from as moment, coalesce(e.on_behalf_of, e.actor) as who, d.resolvers,
               false as is_answer, 0 as chases
        from (
            select s.version, s.episode, s.begins_episode, s.occurred_from,
                   array[s.resolver_id, lag(s.resolver_id) over (order by s.since)] as resolvers
            from {disputes} s
            where s.dispute_id = ended.dispute_id and s.since <= ended.upto
        ) d
        join {events} e on e.stream_id = ended.dispute_id and e.version = d.version
        where d.episode = ended.episode and not d.begins_episode
      union all
        -- … and to its follow-up actions, with the dispute as it was then.
        select f.occurred_from, coalesce(e.on_behalf_of, e.actor), d.resolvers,
               d.resolvers is not null and e.data ->> 'with_whom' = 'resolver'
               and e.data ->> 'direction' = 'incoming',
               f.chases
        from (
            select a.follow_up_id, a.version, a.since, a.occurred_from,
                   a.chases - lag(a.chases, 1, 0) over (partition by a.follow_up_id order by a.since)
                       as chases
            from {follow_ups} n
            join {follow_ups} a on a.follow_up_id = n.follow_up_id
            where n.until is null and n.dispute_id = ended.dispute_id and a.since <= ended.upto
        ) f
        join {events} e on e.stream_id = f.follow_up_id and e.version = f.version
        cross join lateral (
            -- Nobody responds with what begins the episode.
            select s.episode,
                   case when not (s.begins_episode and s.since = f.since) then array[s.resolver_id] end
                   as resolvers
            from {disputes} s
            where s.dispute_id = ended.dispute_id and s.since <= f.since
            order by s.since desc limit 1
        ) d
        where d.episode = ended.episode
    ) one
    where one.moment <= ended.ended_at
) of_it""")

_NAMED: Final = SQL("""(
    select r.dispute_id, r.since, r.since as upto, r.episode, r.occurred_from as ended_at
    from unnest(%s::uuid[], %s::bigint[]) named (dispute_id, since)
    join {disputes} r on r.dispute_id = named.dispute_id and r.since = named.since
)""")

# A share of the disputes, all with about as many.
_ALL: Final = SQL("""(
    select r.dispute_id, r.since, {upto} as upto, r.episode, r.occurred_from as ended_at
    from {disputes} r
    where r.ends_episode and r.state in ('resolved', 'escalated')
      and (uuid_hash(r.dispute_id) & 65535) % {shares} = {share}
)""")


def of_ended(schema: str, suffix: str = "") -> Composed:
    """Write what was done about the episodes that ended in some rows, into the table whose name ends in
    *suffix*, from those that do: of the disputes of the first parameter, at the positions of the second."""
    return _statement(schema, suffix, _NAMED.format(disputes=Identifier(schema, f"dispute_states{suffix}")))


def of_all(
    schema: str, suffix: str = "", share: int = 0, shares: int = 1, *, by_time_alone: bool = False
) -> Composed:
    """As `of_ended`, of all episodes that ended; or of one *share* of so many *shares* of them.

    by_time_alone: positions in different streams tell nothing of what came first.
    """
    ended = _ALL.format(
        disputes=Identifier(schema, f"dispute_states{suffix}"),
        upto=SQL("9223372036854775807" if by_time_alone else "r.since"),
        shares=Literal(shares),
        share=Literal(share),
    )
    return _statement(schema, suffix, ended)


def _statement(schema: str, suffix: str, ended: Composed) -> Composed:
    return _FIND.format(
        work=Identifier(schema, NAME + suffix),
        ended=ended,
        disputes=Identifier(schema, f"dispute_states{suffix}"),
        follow_ups=Identifier(schema, f"follow_up_states{suffix}"),
        events=Identifier(schema, "events"),
    )
