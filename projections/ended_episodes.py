"""Episodes that ended, as they were then, and what had been done about them: the rows of the table
`ended_episodes`.

Statistics ask for all episodes that ever ended, which are few of all the states of disputes, and for what was
done about them (spec 34), which takes the states of the dispute and of its follow-up actions and the events
that made them: who did something stands in the log alone. Therefore a row is made once, when an episode ends.
It is true until the episode is continued (the import that had ended it was undone) or the dispute cancelled,
which ends it as a state's row ends; nothing else of it ever changes.

The resolver's first response is the first thing that they themselves did about the episode after it was
opened: a comment, an interaction or a change, of the dispute or of one of its follow-up actions; the resolver
being who it was just before or just after. What opened or reopened the dispute is no response, and what a
loaded history says was done by a person is taken as theirs. An incoming interaction with the resolver that
somebody else noted is their response as well. What came after the end of an episode, by either clock, is not
of it. So whatever moment shows the end shows all that was done until then, and needs no second look.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from psycopg import Cursor
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from domain.dispute import Dispute
from projections.copy_text import array
from projections.states import opening_of
from projections.tables import Change, Kind, Table, Values


def _by_no_state_alone(*_: object) -> Sequence[Change]:
    return ()


ENDED_EPISODES: Final = Table(
    "ended_episodes",
    "dispute_id",
    "uuid",
    {
        "episode": Kind.WHOLE,
        "state": Kind.TEXT,
        "opened_at": Kind.MOMENT,
        "customer_id": Kind.ID,
        "customer_code": Kind.TEXT,
        "currency": Kind.TEXT,
        "type": Kind.TEXT,
        "resolver_id": Kind.ID,
        "opened_by": Kind.ID,
        "amount_at_opening": Kind.AMOUNT,
        "responded_at": Kind.MOMENT,
        "chases": Kind.WHOLE,
        "held_by": Kind.IDS,
        "held_for": Kind.WHOLES,
        "opening": Kind.JSON,
    },
    _by_no_state_alone,
)
"""Made of the states of disputes and follow-up actions, and of the log."""

NAME: Final = ENDED_EPISODES.name


def values_of(dispute: Dispute, *done: object) -> Values:
    """The columns, as `ENDED_EPISODES` has them, of an episode that ended with *dispute* in this state;
    *done* are those from responded_at to held_for."""
    return (
        *(dispute.episode, dispute.state, dispute.episode_opened_at, dispute.customer_id),
        *(dispute.customer_code, dispute.currency, dispute.type, dispute.resolver_id, dispute.opened_by),
        *(dispute.amount_at_opening, *done, opening_of(dispute)),
    )


_ADD: Final = SQL("""
insert into {ended} ({columns})
select r.dispute_id, r.version, r.since, over_then.since, r.occurred_from, over_then.occurred_from, r.episode,
       r.state, r.episode_opened_at, r.customer_id, r.customer_code, r.currency, r.type, r.resolver_id,
       r.opened_by, r.amount_at_opening, done.responded_at, done.chases,
       held.by_whom, held.lasted, r.opening
from {rows} r
left join lateral ({over}) over_then on true
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
            where s.dispute_id = r.dispute_id and s.since <= r.upto
        ) d
        join {events} e on e.stream_id = r.dispute_id and e.version = d.version
        where d.episode = r.episode and not d.begins_episode
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
            where n.until is null and n.dispute_id = r.dispute_id and a.since <= r.upto
        ) f
        join {events} e on e.stream_id = f.follow_up_id and e.version = f.version
        cross join lateral (
            -- Nobody responds with what begins the episode.
            select s.episode,
                   case when not (s.begins_episode and s.since = f.since) then array[s.resolver_id] end
                       as resolvers
            from {disputes} s
            where s.dispute_id = r.dispute_id and s.since <= f.since
            order by s.since desc limit 1
        ) d
        where d.episode = r.episode
    ) one
    where one.moment <= r.occurred_from
) done
cross join lateral (
    select coalesce(array_agg(desk.resolver_id order by desk.resolver_id), '{{}}') as by_whom,
           coalesce(array_agg(desk.lasted order by desk.resolver_id), '{{}}') as lasted
    from (
        select part.resolver_id, (1000000 * extract(epoch from sum(part.lasted)))::bigint as lasted
        from {disputes} s
        cross join lateral (
            select s.resolver_id, s.occurred_until - s.occurred_from as lasted
            union all
            -- From when the customer said it until somebody wrote it down.
            select null, s.occurred_from - r.episode_opened_at where s.begins_episode
        ) part
        where s.dispute_id = r.dispute_id and s.episode = r.episode and s.since < r.since
          and part.lasted > interval '0'
        group by part.resolver_id
    ) desk
) held""")

# From when on the end of an episode (r) is none any more.
_OVER: Final = SQL("""
select n.since, n.occurred_from from {disputes} n
where n.dispute_id = r.dispute_id and n.since > r.since
  and (n.state = 'cancelled' or n.state = 'open' and n.episode = r.episode)
order by n.since limit 1""")

_END: Final = SQL("""
update {ended} e set until = over_then.since, occurred_until = over_then.occurred_from
from unnest(%s::uuid[]) named (dispute_id)
join {ended} r on r.dispute_id = named.dispute_id and r.until is null
cross join lateral ({over}) over_then
where e.dispute_id = r.dispute_id and e.since = r.since""")

_NAMED: Final = SQL("""(
    select r.*, r.since as upto
    from unnest(%s::uuid[], %s::bigint[]) named (dispute_id, since)
    join {disputes} r on r.dispute_id = named.dispute_id and r.since = named.since
)""")

# A share of the disputes, all with about as many.
_ALL: Final = SQL("""(
    select r.*, {upto} as upto
    from {disputes} r
    where r.ends_episode and r.state in ('resolved', 'escalated')
      and (uuid_hash(r.dispute_id) & 65535) % {shares} = {share}
)""")


class EndedEpisodesWriter:
    """Keeps the table up, in step with the tables that it is made of. The names of all end in *suffix*."""

    def __init__(self, schema: str, suffix: str = "") -> None:
        places = _places(schema, suffix)
        over = _OVER.format(**places)
        self._add: Final = _ADD.format(rows=_NAMED.format(**places), over=over, **places).as_bytes()
        self._end: Final = _END.format(over=over, **places).as_bytes()

    def add(self, cursor: Cursor[Any], ended: Sequence[tuple[str, int]]) -> bool:
        """Add the episodes of disputes that *ended* at positions; whether the rows that say so were there."""
        disputes, positions = zip(*ended, strict=True)
        cursor.execute(self._add, (array(disputes), array(positions)))
        return cursor.rowcount == len(ended)

    def end(self, cursor: Cursor[Any], disputes: Sequence[str]) -> None:
        """End the rows of *disputes* that are true no more: they were continued or cancelled."""
        cursor.execute(self._end, (array(disputes),))


def all_ended(
    schema: str, suffix: str = "", share: int = 0, shares: int = 1, *, by_time_alone: bool = False
) -> Composed:
    """The statement that fills the table with all episodes that ended, or with one *share* of so many
    *shares* of them.

    by_time_alone: positions in different streams tell nothing of what came first.
    """
    places = _places(schema, suffix)
    upto = SQL("9223372036854775807" if by_time_alone else "r.since")
    rows = _ALL.format(upto=upto, shares=Literal(shares), share=Literal(share), **places)
    return _ADD.format(rows=rows, over=_OVER.format(**places), **places)


def _places(schema: str, suffix: str) -> dict[str, Composable]:
    return {
        "columns": SQL(", ").join(map(Identifier, ENDED_EPISODES.all_columns)),
        "ended": Identifier(schema, NAME + suffix),
        "disputes": Identifier(schema, f"dispute_states{suffix}"),
        "follow_ups": Identifier(schema, f"follow_up_states{suffix}"),
        "events": Identifier(schema, "events"),
    }
