"""What changed between two moments of a report (spec 40): why a figure is not what was told before.

The read side says which disputes or items make the difference, the log which of their events lie between.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeAlias
from uuid import UUID

from domain.customer import CollectorAssigned, CollectorWithdrawn
from domain.dispute import OfDispute, ResolverAssigned, ResolverNotFound
from domain.events import Event
from domain.follow_up import OfFollowUp
from domain.item import (
    ItemCorrected,
    ItemCorrectionUndone,
    ItemDisputed,
    ItemPlacedUnderFollowUp,
    ItemReleased,
    ItemReturned,
    OfItem,
)
from domain.reminder import OfReminders
from domain.roles import Permission
from domain.sales import OfSales
from projections.comparable import COMPARABLE
from projections.comparison import Asking, Comparison, Counts, Line, Since, Thing, compare, names_of
from projections.parameters import ParameterInvalid, Parameters
from projections.reading import Reading
from projections.selection import TOTAL
from replay.agenda_sentences import agenda_sentence
from replay.change_kinds import SENTENCES, Difference, Kind
from replay.change_sentences import change_sentence
from replay.changed_rows import (
    Changed,
    ChangedRow,
    Contribution,
    WhatChanged,
    changed_figures,
    changed_row,
)
from replay.facts import Fact, fact
from replay.kind_of_change import kind_of
from replay.names import people_names
from replay.sentences import Words
from store.log import Log, Recorded


def what_changed(
    reading: Reading, log: Log, report: str, parameters: Parameters, since: Since
) -> WhatChanged:
    """What makes the difference between *report* at the clocks of *parameters* and at *since*.

    The report's own filters, grouping and permission apply to both moments: what it hides at one of them is
    not there at that moment. Events are shown to who may read disputes, and only of what they may see at the
    later moment. Raises RoleForbids, ParameterInvalid.
    """
    if report not in COMPARABLE:
        raise ParameterInvalid("report", report, f"give one of {', '.join(COMPARABLE)}")
    asking = COMPARABLE[report].ask(reading, parameters)
    found = compare(reading, parameters, since, asking)
    account = _Account(reading, log, asking, found)
    stated = {
        **parameters.stated(),
        "by": asking.group.name,
        "since_as_at": found.before.moment.at,
        "since_known_at": found.before.moment.known,
        "as_at": found.after.moment.at,
        "known_at": found.after.moment.known,
    }
    totals = sorted(map(account.total, found.totals), key=_order_of_totals)
    rows = sorted(map(account.row, found.rows), key=_order)
    return WhatChanged(
        report,
        found.after.moment.position,
        stated,
        asking.figures.names,
        found.after.statistics.names,
        tuple(asking.group.in_order(_together(rows), totals)),
        tuple(totals),
    )


def _order(row: ChangedRow) -> tuple[object, ...]:
    names = (row.key or "", row.second_key or "", row.bucket or "")
    return row.currency or "", _size(row.figures), *names


def _together(rows: list[ChangedRow]) -> list[ChangedRow]:
    """*rows* with the buckets of each behind the first of them."""
    places = {row.place: number for number, row in reversed([*enumerate(rows)])}
    return sorted(rows, key=lambda row: places[row.place])


def _size(figures: Mapping[str, Changed]) -> list[Decimal]:
    """What sorts the largest change first: that of the last figure, and else of one before."""
    return [-abs(each.change) for each in reversed([*figures.values()])]


_TOTAL, _ = TOTAL


def _order_of_totals(row: ChangedRow) -> tuple[bool, object]:
    # Subtotals first, as in the reports.
    return row.key == _TOTAL, _order(row)


# --- why ---------------------------------------------------------------------------------------------

_CORRECTIONS: Final = (ItemCorrected, ItemCorrectionUndone)
_OF_AROUND: Final = (*_CORRECTIONS, ResolverAssigned, ResolverNotFound, OfReminders)
_IN_AND_OUT: Final = (ItemDisputed, ItemReleased)
"""What a dispute's items, an item's or action's dispute, or a customer's reminders have to tell; the last two
are of that dispute alone."""

_OF_MASTER_DATA: Final = (CollectorAssigned, CollectorWithdrawn, OfSales)
"""What customers and stated sales have to tell."""

_BY_CUSTOMER: Final = frozenset({Kind.MOVED_IN, Kind.MOVED_OUT, Kind.CAME_IN, Kind.LEFT_OUT, Kind.INTO_REACH})

_NO_MATTER: Final = (ItemPlacedUnderFollowUp, ItemReturned)
"""What excludes items and changes no figure."""

_APART: Final = frozenset({Counts.LINES, Counts.RECEIVABLES})
"""Of what a thing has lines in several parts that have nothing to do with each other."""

_Thing: TypeAlias = tuple[UUID | None, int | None, str | None]


class _Account:
    """The explanation of one comparison's lines."""

    def __init__(self, reading: Reading, log: Log, asking: Asking, found: Comparison) -> None:
        self._asking: Final = asking
        self._found: Final = found
        self._codec: Final = log.codec
        self._by_place: Final[defaultdict[object, list[Line]]] = defaultdict(list)
        self._by_thing: Final[defaultdict[_Thing, list[Line]]] = defaultdict(list)
        for line in found.lines:
            assert line.thing is not None, "lines are of things"
            self._by_place[line.place].append(line)
            self._by_thing[self._told_as_one(line)].append(line)
        is_told = reading.has(Permission.READ_DISPUTES)
        self._events: Final[Mapping[UUID, list[Recorded]]] = _between(log, found) if is_told else {}
        self._statistics: Final = (found.before.statistics, found.after.statistics)
        self._people: Final = people_names(log)
        self._words: Final = Words(self._names(reading), found.labels)

    def _names(self, reading: Reading) -> dict[UUID, str]:
        of_streams = (
            stream for events in self._events.values() for each in events for stream in _named(each.event)
        )
        return names_of(reading, {*self._events, *of_streams})

    def _told_as_one(self, line: Line) -> _Thing:
        """What the line shares with those that the same thing moved from or to."""
        # A dispute has one line for want of a resolver, and another for want of an action; an item counts in
        # the receivables, and in the sales of a month.
        part = line.place.part if self._asking.counts in _APART else None
        return line.thing, line.episode, part

    def row(self, row: Line) -> ChangedRow:
        """*row* with its contributions, the largest first."""
        told = [self._contribution(line) for line in self._by_place[row.place]]
        told.sort(key=lambda each: (_size(each.figures), each.name or "", str(each.id)))
        return changed_row(row, tuple(told), *self._statistics)

    def total(self, total: Line) -> ChangedRow:
        """*total*, which has no contributions of its own."""
        return changed_row(total, (), *(each.of_totals for each in self._statistics))

    def _contribution(self, line: Line) -> Contribution:
        assert line.thing is not None, "lines are of things"
        before = self._found.before.things.get(line.thing)
        after = self._found.after.things[line.thing]
        siblings = [each for each in self._by_thing[self._told_as_one(line)] if each is not line]
        events = self._of(line.thing, before, after, [line, *siblings])
        is_corrected = any(isinstance(each.event, _CORRECTIONS) for each in events)
        told = Difference(line, siblings, before, after, is_corrected)
        kind = kind_of(self._asking.counts, told)
        if kind is Kind.SUPERSEDED and after.superseded_by is not None:
            events += self._events.get(after.superseded_by, ())
        levels = len(self._asking.group.levels)
        others = "; ".join(sorted({_called(line, each, levels) for each in told.others})) or None
        return Contribution(
            kind,
            after.what,
            line.thing,
            after.name,
            after.customer_code,
            line.episode,
            others if told.is_new else None,
            others if told.is_gone else None,
            changed_figures(line.figures),
            SENTENCES[kind].format(others=others),
            tuple(self._facts(events, kind, after.customer_id)),
        )

    def _of(self, thing: UUID, before: Thing | None, after: Thing, lines: Iterable[Line]) -> list[Recorded]:
        """The events of the thing between the moments, as far as they may be seen."""
        is_shown = after.is_reached or any(any(each.figures.after.values()) for each in lines)
        if not is_shown:
            return []
        events = [*self._events.get(thing, ())]
        for stream in _around(before, after):
            events += [each for each in self._events.get(stream, ()) if _is_of(each.event, thing)]
        return events

    def _facts(self, events: Sequence[Recorded], kind: Kind, customer: UUID | None) -> Iterator[Fact]:
        if kind in {Kind.AGED, Kind.OUT_OF_REACH}:
            return
        of_customer = self._events.get(customer, ()) if customer and kind in _BY_CUSTOMER else ()
        # The customer may be the thing itself.
        by_position = {each.position: each for each in (*events, *of_customer)}
        say = agenda_sentence if self._asking.counts is Counts.LINES else change_sentence
        for _, each in sorted(by_position.items()):
            said = say(each.event, self._words, self._people)
            if said is not None:
                yield fact(each, _stream(each.event), self._named(each, said), self._people, self._codec)

    def _named(self, recorded: Recorded, said: str) -> str:
        is_around = isinstance(recorded.event, OfItem) and self._asking.counts is not Counts.ITEMS
        return f"{self._words.name(recorded.stream_id)}: {said}" if is_around else said


def _called(line: Line, other: Line, levels: int) -> str:
    if line.place.row == other.place.row:
        return other.place.part or "(none)"
    keys = (other.place.key, other.place.second_key)[:levels]
    return ", ".join(key or "(none)" for key in keys)


def _stream(event: Event) -> str:
    match event:
        case OfItem():
            return "item"
        case OfDispute():
            return "dispute"
        case OfFollowUp():
            return "follow_up"
        case OfReminders():
            return "reminders"
        case OfSales():
            return "sales"
        case _:
            return "customer"


def _around(before: Thing | None, after: Thing) -> set[UUID]:
    """The streams that tell more of something that was open all the time."""
    if before is None or (before.state, after.state) != ("open", "open"):
        return set()
    return {*before.around, *after.around}


def _named(event: Event) -> set[UUID]:
    """The dispute and the action that *event* is about."""
    told = (getattr(event, name, None) for name in ("dispute_id", "follow_up_id"))
    return {each for each in told if isinstance(each, UUID)}


def _is_of(event: Event, thing: UUID) -> bool:
    """Whether *event*, of a stream around *thing*, matters to it."""
    return isinstance(event, _OF_AROUND) or (isinstance(event, _IN_AND_OUT) and event.dispute_id == thing)


def _between(log: Log, found: Comparison) -> dict[UUID, list[Recorded]]:
    """By stream, the events that the later moment shows and the earlier one does not."""
    before, after = found.before, found.after
    things = after.things.values()
    around = {each for thing in things for each in _around(before.things.get(thing.id), thing)}
    around |= {thing.superseded_by for thing in things if thing.superseded_by is not None}
    streams = {each: before.versions.get(each, 0) for each in (*after.things, *around)}
    customers = {thing.customer_id: 0 for thing in things if thing.customer_id is not None}
    events: defaultdict[UUID, list[Recorded]] = defaultdict(list)
    for each in log.read_streams({**customers, **streams}):
        if each.stream_id in customers or isinstance(each.event, OfSales):
            # Customers and sales are read by known-at alone.
            is_between = before.moment.known < each.position <= after.moment.known
            is_between = is_between and isinstance(each.event, _OF_MASTER_DATA)
        else:
            is_between = each.version <= after.versions.get(each.stream_id, 0)
        if is_between and not isinstance(each.event, _NO_MATTER):
            events[each.stream_id].append(each)
    return events
