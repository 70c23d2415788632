"""The episodes behind the figures of the resolution time (spec 34)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from projections.dispute_report import Counted
from projections.episode_list import EpisodeList
from projections.resolution_time import ResolutionTimeParameters
from tests.projections.oracle.answer import Answer, Row
from tests.projections.oracle.disputes import Episode
from tests.projections.oracle.durations import business_days, days, target
from tests.projections.oracle.resolution_time import episodes_asked, is_resolved_in_period
from tests.projections.oracle.view import View


def episodes(view: View, asked: EpisodeList) -> Answer:
    of_figures = ResolutionTimeParameters(
        entity=asked.entity,
        customer=asked.customer,
        collector=asked.collector,
        resolver=asked.resolver,
        status=asked.status,
        attributes=asked.attributes,
        currency=asked.currency,
        first_episodes_only=asked.first_episodes_only,
    )
    return Answer(
        [
            _row(view, each)
            for each in episodes_asked(view, of_figures)
            if _is_counted(view, each, asked)
            and asked.is_assigned in {None, each.resolver is not None}
            and asked.has_collector in {None, view.masters.collector_of(each.dispute.customer_id) is not None}
        ]
    )


def _is_counted(view: View, episode: Episode, asked: EpisodeList) -> bool:
    if asked.counted is Counted.RESOLVED:
        return is_resolved_in_period(view, episode, asked)
    is_of_state = asked.counted is Counted.OPENED or episode.state == "open"
    return is_of_state and view.in_period(view.day(episode.opened_at), asked)


def _row(view: View, of: Episode) -> Row:
    dispute, target_days = of.dispute, target(view, of)
    collector = view.masters.collector_of(dispute.customer_id)
    has_ended = of.ended_at is not None
    responded = of.responded_at is not None and has_ended
    return {
        "dispute_id": dispute.id,
        "episode": of.number,
        "reference": dispute.reference,
        "state": of.state,
        "customer_id": dispute.customer_id,
        "customer_code": dispute.customer,
        "customer": view.masters.customer_name(dispute.customer_id),
        "currency": dispute.currency,
        "amount_at_opening": sum((part.amount for part in of.opening), Decimal(0)),
        "type": of.type,
        "type_label": view.masters.label(of.type),
        "resolver_id": of.resolver,
        "resolver": view.masters.name(of.resolver),
        "collector_id": collector,
        "collector": view.masters.name(collector),
        "opened_by": dispute.opened_by,
        "opener": view.masters.name(dispute.opened_by),
        "opened_at": of.opened_at,
        "ended_at": of.ended_at,
        "days": days(view, of),
        "business_days": business_days(view, of) if has_ended else None,
        "target_days": target_days,
        "within_target": None if target_days is None else days(view, of) <= target_days,
        "first_response_days": (of.responded_at - of.opened_at) / timedelta(days=1)
        if responded and of.responded_at
        else None,
        "chases": of.chases if has_ended else None,
    }
