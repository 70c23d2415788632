"""Follow-up actions that a status planned by itself, for another number of days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

from domain.calendar import WorkingDay, local_date, next_working_day
from domain.catalogue import Company
from domain.follow_up import FollowUpPlanned
from replay.what_if.happened import Happened


def planned_anew(
    planned: Happened, company: Company, is_working_day: WorkingDay, days: Mapping[str, int]
) -> Happened:
    """*planned* with the due date that its status would have given with other follow-up *days*.

    Only if the date is the one that the status gave then, by *company* as it was then: a date that somebody
    chose stays. Spec 11: today and the status's days, moved to the next business day.
    """
    event = planned.event
    assert isinstance(event, FollowUpPlanned), "an action's stream begins with its planning"
    status = company.statuses.get(event.status or "")
    if status is None or status.code not in days:
        return planned
    today = local_date(planned.occurred_at, company.settings.zone)

    def due_after(days: int) -> date:
        return next_working_day(today + timedelta(days=days), is_working_day)

    if event.due_on != due_after(status.follow_up_days):
        return planned
    return planned.altered(replace(event, due_on=due_after(days[status.code])))
