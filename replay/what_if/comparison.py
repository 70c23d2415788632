"""The reports over the record and over what would have been, and what differs between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import isclose
from operator import itemgetter
from typing import Any, Final, TypeAlias
from uuid import UUID

from domain.refusals import RoleForbids
from projections.agenda import AgendaRow
from projections.lines import Line
from projections.parameters import ParameterInvalid, Parameters, Report, record
from projections.reading import Reading
from replay.what_if.happened import STEP, lines_of, stream_of
from replay.what_if.recorded import Recorded
from replay.what_if.retelling import Changes, Progress, Retelling, retelling
from replay.what_if.rules import Rules
from replay.what_if.scratch import Filling, Retold, ScratchDatastore, scratch
from store.log import Log

_Group: TypeAlias = tuple[str | None, str | None, str | None]
"""What tells the rows of a report apart: key, second key where it is grouped by two, and currency."""

Ask: TypeAlias = Callable[[Reading, Any], Report[Any]]

_CHUNK: Final = 20_000
"""Events that are folded and written at a time."""


@dataclass(frozen=True, slots=True)
class Question:
    """A report by its *name*, and what it is asked; its clocks are those of the whole comparison.

    *may_be_left_out*: if it cannot be asked so, or is not for who asks; but a grouping that it does not have
    is left out first.
    """

    name: str
    ask: Ask
    parameters: Parameters
    may_be_left_out: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one row of a report: as it is, as it would be, and the difference. None: it cannot be
    told, or there is no such row. *second_key*: of reports grouped by two, ``total`` in their subtotals; else
    None. *is_total*: of a row that the others need not add up to. *basis*: of a mean, what it is of, if the
    report says so (``closed only``: of episodes that ended; the others wait still)."""

    report: str
    key: str | None
    label: str | None
    second_key: str | None
    second_label: str | None
    currency: str | None
    figure: str
    real: Any
    what_if: Any
    difference: Any
    is_total: bool
    basis: str | None

    @property
    def differs(self) -> bool:
        """Whether the rules make a difference to it."""
        return bool(self.real != self.what_if if self.difference is None else self.difference)


@dataclass(frozen=True, slots=True)
class Answer:
    """One report: the parameters with which it was computed, and all its figures."""

    report: str
    parameters: Mapping[str, object]
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What the rules change: in the events up to *position*, and in each report."""

    position: int
    rules: tuple[str, ...]
    changes: Changes
    answers: tuple[Answer, ...]
    left_out: Mapping[str, str]
    """Reports that cannot be asked so, or not by who asks, and why."""


def what_if(
    reading: Reading,
    log: Log,
    rules: Rules,
    questions: Sequence[Question],
    progress: Progress = lambda *_: None,
) -> WhatIf:
    """Answer *questions*, which all have the same clocks, from the tables of states and from such tables as
    there would be under *rules*.

    Neither those tables nor the log are written. Raises RuleInvalid; RoleForbids, ParameterInvalid; the
    database's errors.
    """
    clocks = Parameters(known_at=questions[0].parameters.known_at) if questions else Parameters()
    position = reading.at(clocks, lambda snapshot: snapshot.moment.known)
    real: list[tuple[Question, Report[Any]]] = []
    left_out: dict[str, str] = {}
    for number, each in enumerate(questions):
        progress("asking", number, len(questions))
        try:
            at_position = replace(each, parameters=replace(each.parameters, known_at=position))
            real.append(_asked(reading, at_position))
        except (ParameterInvalid, RoleForbids) as refused:
            if not each.may_be_left_out:
                raise
            left_out[each.name] = str(refused)
    recorded = Recorded(reading.datastore, log.codec, position)
    told = retelling(recorded, rules, reading.now, progress)
    with scratch(reading.datastore) as other:
        _fill(other, recorded, told, progress)
        beside = replace(reading, datastore=other)
        answers = [
            _compared(each, is_so, each.ask(beside, replace(each.parameters, known_at=None)))
            for each, is_so in real
        ]
    progress("asking", len(questions), len(questions))
    return WhatIf(position, tuple(rules.sentences()), told.changes, tuple(answers), left_out)


def _asked(reading: Reading, question: Question) -> tuple[Question, Report[Any]]:
    """With the grouping, or if that may be left out and is none of this report, without."""
    try:
        return question, question.ask(reading, question.parameters)
    except ParameterInvalid as invalid:
        if not question.may_be_left_out or invalid.name != "by":
            raise
    by_default = replace(question, parameters=replace(question.parameters, by=None))
    return by_default, by_default.ask(reading, by_default.parameters)


def _fill(other: ScratchDatastore, recorded: Recorded, told: Retelling, progress: Progress) -> None:
    with other.pool.connection() as connection, connection.transaction():
        filling = Filling(connection, recorded)
        lines: list[Line] = []
        retold: list[Retold] = []
        done = 0
        with recorded.whole() as log:
            for key, of_stream in groupby(log, key=itemgetter(2)):
                own = list(of_stream)
                done += len(own)
                now, which = _told(told, recorded, key, own)
                lines += now
                retold += which
                if len(lines) >= _CHUNK:
                    filling.take(lines, retold)
                    lines, retold = [], []
                    progress("replaying", done, recorded.position)
        filling.take(lines, retold)
        progress("replaying", done, recorded.position)
        filling.finish()


def _told(
    told: Retelling, recorded: Recorded, key: str, own: list[Line]
) -> tuple[list[Line], Iterable[Retold]]:
    stream, codec = UUID(key), recorded.codec
    first, _ = codec.types.way(own[0][4])
    if not told.concerns(stream, first):
        return [(at, end * STEP, *rest) for at, end, *rest in own], ()  # type: ignore[misc]
    events = told.told(stream, stream_of(own, codec))
    versions = (Retold(key, here, one.version) for here, one in enumerate(events, 1) if one.version)
    return lines_of(events, codec, key), versions


# --- what differs ----------------------------------------------------------------------------------

_NAMES: Final = ("key", "label", "second_key", "second_label", "currency")


def _compared(question: Question, real: Report[Any], other: Report[Any]) -> Answer:
    totals = (*_figures(question.name, real.totals, other.totals, is_total=True),)
    groups = {_group_of(each) for each in totals}
    rows = _figures(question.name, real.rows, other.rows, is_total=False)
    # Without a grouping the total is the one row, too.
    figures = (*(each for each in rows if _group_of(each) not in groups), *totals)
    return Answer(question.name, real.parameters, figures)


def _records(rows: Sequence[Any]) -> list[Mapping[str, Any]]:
    if rows and isinstance(rows[0], AgendaRow):
        return [*_counted(rows)]
    return [record(row) for row in rows]


def _figures(name: str, real: Sequence[Any], other: Sequence[Any], *, is_total: bool) -> Iterator[Figure]:
    """The figures of all groups that either side has; those of the real side first, in its order."""
    before, after = _by_group(_records(real)), _by_group(_records(other))
    for group in {**before, **after}:
        was, would_be = before.get(group, {}), after.get(group, {})
        key, label, second, called, currency = (({**would_be, **was}).get(each) for each in _NAMES)
        for figure in {**was, **would_be}:
            if figure in _NAMES:
                continue
            one, two = was.get(figure), would_be.get(figure)
            if not isinstance(one, str) and not isinstance(two, str):
                named = (key, label, second, called, currency)
                basis = {**was, **would_be}.get("mean_basis") if "mean" in figure else None
                yield Figure(name, *named, figure, one, two, _minus(two, one), is_total, basis)


def _by_group(records: Iterable[Mapping[str, Any]]) -> dict[_Group, Mapping[str, Any]]:
    return {(each["key"], each.get("second_key"), each.get("currency")): each for each in records}


def _group_of(figure: Figure) -> _Group:
    return figure.key, figure.second_key, figure.currency


def _minus(one: Any, other: Any) -> Any:  # noqa: ANN401 - a number, an amount, or nothing
    if one is None or other is None:
        return None
    # The database adds numbers up in any order, and the last digits of a sum depend on it.
    if isinstance(one, float) and isclose(one, other, rel_tol=1e-9, abs_tol=1e-9):
        return 0.0
    return one - other


def _counted(rows: Iterable[AgendaRow]) -> Iterator[dict[str, Any]]:
    """How much stands in each person's agenda: it is a list, of which only numbers can be compared."""
    of_person: dict[UUID | None, list[AgendaRow]] = defaultdict(list)
    for row in rows:
        of_person[row.person_id].append(row)
    for person, own in of_person.items():
        due = [row for row in own if row.kind == "follow_up"]
        yield {
            "key": str(person) if person else None,
            "label": own[0].person,
            "follow_ups_due": len(due),
            "days_overdue": sum(row.days_overdue or 0 for row in due),
            "scenario_steps": sum(row.kind == "scenario_step" for row in own),
            "disputes_without_resolver": sum(row.kind == "dispute_without_resolver" for row in own),
            "disputes_without_follow_up": sum(row.kind == "dispute_without_follow_up" for row in own),
            "customers_without_collector": sum(row.kind == "customer_without_collector" for row in own),
        }
