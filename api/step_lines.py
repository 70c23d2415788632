"""A step of a replay as lines for people to read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from api.one_line import one_line
from projections.agenda import AgendaRow
from projections.dispute_report import DisputeReportRow
from replay.every_event import value
from replay.row_changes import RowChange
from replay.sentences import Words, utc
from replay.standing import counted
from replay.steps import SHOWN, Doer, Step

_NO_NAMES = Words({}, {})


def lines(step: Step) -> Iterator[str]:
    """The step: where it stands in the log, both clocks, who, its events, and what they did."""
    yield f"{_places(step)}  {_span(step.occurred_from, step.occurred_to)}"
    recorded = _span(step.recorded_from, step.recorded_to)
    yield f"    by {one_line('; '.join(map(_who, step.doers)))}, recorded {recorded}"
    for told in step.events:
        yield f"    {one_line(told.sentence)}"
    if (left := sum(step.counts.values()) - len(step.events)) > 0:
        counts = ", ".join(f"{count} {name}" for name, count in sorted(step.counts.items()))
        yield f"    … and {left} more events (more than {SHOWN}); in all: {counts}"
    if step.agenda:
        yield "  agenda"
        yield from (f"    {one_line(_agenda(each))}" for each in step.agenda)
    if step.dispute_report:
        yield "  dispute report"
        yield from (f"    {one_line(_disputes(each))}" for each in step.dispute_report)
    if not step.agenda and not step.dispute_report:
        yield "  agenda and dispute report: as before"


def _places(step: Step) -> str:
    of = f", {step.decisions} decisions" if step.decisions > 1 else ""
    return f"{step.first} to {step.last}{of}" if step.first != step.last else f"{step.first}"


def _span(first: datetime, last: datetime) -> str:
    return utc(first) if utc(first) == utc(last) else f"{utc(first)} to {utc(last)}"


def _who(doer: Doer) -> str:
    key = f" with the key “{doer.key_name or doer.key_id}”" if doer.key_id else ""
    behalf = f" for {doer.original_name or doer.on_behalf_of}" if doer.on_behalf_of else ""
    return f"{doer.actor_name or doer.actor} as {doer.role}{key}{behalf}"


def _agenda(change: RowChange[AgendaRow]) -> str:
    row = change.row
    day = f"due on {row.due_on}" if row.due_on else "without a day"
    what = row.title or row.kind.replace("_", " ")
    about = f"dispute {row.dispute_reference or row.dispute_id}, " if row.dispute_id else ""
    line = f"{row.person or 'nobody'} ({row.part}): {what}, {about}{row.customer_code}"
    if change.before is None:
        return f"+ {line}, {day}, {counted(row.items, 'item')}"
    if change.after is None:
        return f"- {line}, {day}"
    return f"~ {line}: {_differences(change)}"


def _disputes(change: RowChange[DisputeReportRow]) -> str:
    row = change.row
    figures = ("disputes", "items", "amount")
    before = {name: getattr(change.before, name) if change.before else 0 for name in figures}
    after = {name: getattr(change.after, name) if change.after else 0 for name in figures}
    told = ", ".join(f"{name} {before[name]} → {after[name]}" for name in figures)
    return f"{row.label or row.key} {row.currency}: {told}"


def _differences(change: RowChange[AgendaRow]) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {value(was, _NO_NAMES)} → {value(now, _NO_NAMES)}"
        for name, (was, now) in change.changes.items()
    )
