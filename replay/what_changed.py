"""What changed between two moments of a report (spec 40): why a figure is not what was told before.

The read side says which disputes or items make the difference, the log which of their events lie between.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
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
from projections.comparable import COMPARABLE
from projections.comparison import Asking, Comparison, Counts, Figures, Line, Since, Thing, compare, names_of
from projections.parameters import ParameterInvalid, Parameters
from projections.reading import Reading
from replay.agenda_sentences import agenda_sentence
from replay.change_kinds import SENTENCES, Difference, Kind, kind_of
from replay.change_sentences import change_sentence
from replay.facts import Fact, fact
from replay.names import people_names
from replay.sentences import Words
from store.log import Log, Recorded


@dataclass(frozen=True, slots=True)
class Changed:
    """A figure at both moments; *change* is after minus before."""

    before: Decimal
    after: Decimal
    change: Decimal


@dataclass(frozen=True, slots=True)
class ChangedStatistic:
    """What the report says at both moments that is no sum, such as a median; *change* is after minus before.
    None where there is none."""

    before: float | None
    after: float | None
    change: float | None


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one dispute, episode, item or line of an agenda adds to the difference of a row.

    *thing* is dispute, item, follow_up or customer (for the steps due for it); *name* the dispute's
    reference, the item's number, the action's title or the customer's name. *moved_from* and *moved_to*
    are the keys of the other rows (or buckets of the same row) for what moved. *events* lie between the
    two moments and explain it, in the order of the log; there are none for what time alone did, and for
    what is out of reach now.
    """

    kind: str
    thing: str
    id: UUID
    name: str | None
    customer_code: str
    episode: int | None
    moved_from: str | None
    moved_to: str | None
    figures: Mapping[str, Changed]
    sentence: str
    events: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A row of the report whose figures differ, or which hold others than before. *bucket*: of the aged
    balance one bucket of the row, of the agenda one kind of line. The *contributions* add up to the
    changes of *figures*.

    *statistics* are no sums: they are those of the report at both moments, and differ because of the
    contributions, to which no share of them belongs.
    """

    key: str | None
    label: str | None
    currency: str | None
    bucket: str | None
    figures: Mapping[str, Changed]
    contributions: tuple[Contribution, ...]
    statistics: Mapping[str, ChangedStatistic]


_WHEN: Final = ("before", "after", "change")
_OF_ROW: Final = ("key", "label", "currency", "bucket")
_OF_WHAT: Final = ("kind", "thing", "id", "name", "customer_code", "episode", "moved_from", "moved_to")
_WHY: Final = ("sentence", "events")


@dataclass(frozen=True, slots=True)
class WhatChanged:
    """The answer for one report. *parameters* state the clocks as they were understood: ``since_as_at`` and
    ``since_known_at`` of the earlier moment, ``as_at`` and ``known_at`` of the later one. *rows* are those
    that changed; *totals* those of all rows, in each currency. *statistics* are the names of what does not
    add up."""

    report: str
    position: int
    parameters: Mapping[str, object]
    figures: tuple[str, ...]
    statistics: tuple[str, ...]
    rows: tuple[ChangedRow, ...]
    totals: tuple[ChangedRow, ...]

    def records(self) -> list[dict[str, object]]:
        """One flat record for each contribution, with its row, the statistics of that (``row_``…), and its
        events in words."""
        return [_record(row, each) for row in self.rows for each in row.contributions]

    def columns(self) -> list[str]:
        """The names in those records, also of none."""
        of_it = (f"{name}_{when}" for name in self.figures for when in _WHEN)
        of_its_row = (f"row_{name}_{when}" for name in self.statistics for when in _WHEN)
        return [*_OF_ROW, *_OF_WHAT, *of_it, *of_its_row, *_WHY]


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
        "by": asking.by,
        "since_as_at": found.before.moment.at,
        "since_known_at": found.before.moment.known,
        "as_at": found.after.moment.at,
        "known_at": found.after.moment.known,
    }
    rows = sorted((account.row(line) for line in found.rows), key=_order)
    before, after = (side.statistics.total for side in (found.before, found.after))
    totals = tuple(_row(line, (), _statistics(before, after)) for line in found.totals)
    return WhatChanged(
        report, found.after.moment.position, stated, asking.figures, tuple(after), tuple(rows), totals
    )


def _order(row: ChangedRow) -> tuple[str, Decimal, str, str]:
    *_, last = row.figures.values()
    return row.currency or "", -abs(last.change), row.key or "", row.bucket or ""


def _row(
    line: Line, contributions: tuple[Contribution, ...], statistics: Mapping[str, ChangedStatistic]
) -> ChangedRow:
    place = line.place
    figures = _changed(line.figures)
    return ChangedRow(place.key, line.label, place.currency, place.part, figures, contributions, statistics)


def _statistics(
    before: Mapping[str, float | None], after: Mapping[str, float | None]
) -> dict[str, ChangedStatistic]:
    """Of a row that is not in the report at a moment there are none then."""
    pairs = {name: (before.get(name), after.get(name)) for name in {**after, **before}}
    return {
        name: ChangedStatistic(was, now, None if was is None or now is None else now - was)
        for name, (was, now) in pairs.items()
    }


def _changed(figures: Figures) -> dict[str, Changed]:
    return {
        name: Changed(before, figures.after[name], figures.after[name] - before)
        for name, before in figures.before.items()
    }


# --- why ---------------------------------------------------------------------------------------------

_CORRECTIONS: Final = (ItemCorrected, ItemCorrectionUndone)
_OF_AROUND: Final = (*_CORRECTIONS, ResolverAssigned, ResolverNotFound, OfReminders)
_IN_AND_OUT: Final = (ItemDisputed, ItemReleased)
"""What a dispute's items, an item's or action's dispute, or a customer's reminders have to tell; the last two
are of that dispute alone."""

_OF_CUSTOMER: Final = (CollectorAssigned, CollectorWithdrawn)
_BY_CUSTOMER: Final = frozenset({Kind.MOVED_IN, Kind.MOVED_OUT, Kind.CAME_IN, Kind.LEFT_OUT, Kind.INTO_REACH})

_NO_MATTER: Final = (ItemPlacedUnderFollowUp, ItemReturned)
"""What excludes items and changes no figure."""

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
        self._people: Final = people_names(log)
        self._words: Final = Words(self._names(reading), found.labels)

    def _names(self, reading: Reading) -> dict[UUID, str]:
        of_streams = (
            stream for events in self._events.values() for each in events for stream in _named(each.event)
        )
        return names_of(reading, {*self._events, *of_streams})

    def _told_as_one(self, line: Line) -> _Thing:
        """What the line shares with those that the same thing moved from or to."""
        # A dispute has one line for want of a resolver, and another for want of an action.
        part = line.place.part if self._asking.counts is Counts.LINES else None
        return line.thing, line.episode, part

    def row(self, row: Line) -> ChangedRow:
        """*row* with its contributions, the largest first."""
        told = [self._contribution(line) for line in self._by_place[row.place]]
        *_, figure = self._asking.figures
        told.sort(key=lambda each: (-abs(each.figures[figure].change), each.name or "", str(each.id)))
        sides = (self._found.before, self._found.after)
        before, after = (side.statistics.rows.get(row.place.key, {}) for side in sides)
        return _row(row, tuple(told), _statistics(before, after))

    def _contribution(self, line: Line) -> Contribution:
        assert line.thing is not None, "lines are of things"
        before = self._found.before.things.get(line.thing)
        after = self._found.after.things[line.thing]
        siblings = [each for each in self._by_thing[self._told_as_one(line)] if each is not line]
        events = self._of(line.thing, before, after, [line, *siblings])
        is_corrected = any(isinstance(each.event, _CORRECTIONS) for each in events)
        told = Difference(line, siblings, before, after, is_corrected)
        kind = kind_of(self._asking.counts, told)
        others = ", ".join(sorted({_called(line, each) for each in told.others})) or None
        return Contribution(
            kind,
            after.what,
            line.thing,
            after.name,
            after.customer_code,
            line.episode,
            others if told.is_new else None,
            others if told.is_gone else None,
            _changed(line.figures),
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

    def _facts(self, events: Sequence[Recorded], kind: Kind, customer: UUID) -> Iterator[Fact]:
        if kind in {Kind.AGED, Kind.OUT_OF_REACH}:
            return
        of_customer = self._events.get(customer, ()) if kind in _BY_CUSTOMER else ()
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


def _called(line: Line, other: Line) -> str:
    is_same_row = (line.place.key, line.place.currency) == (other.place.key, other.place.currency)
    return (other.place.part if is_same_row else other.place.key) or "(none)"


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
    streams = {each: before.versions.get(each, 0) for each in (*after.things, *around)}
    customers = dict.fromkeys((thing.customer_id for thing in things), 0)
    events: defaultdict[UUID, list[Recorded]] = defaultdict(list)
    for each in log.read_streams({**customers, **streams}):
        if each.stream_id in customers:
            # Customers are read by known-at alone.
            is_between = before.moment.known < each.position <= after.moment.known
            is_between = is_between and isinstance(each.event, _OF_CUSTOMER)
        else:
            is_between = each.version <= after.versions.get(each.stream_id, 0)
        if is_between and not isinstance(each.event, _NO_MATTER):
            events[each.stream_id].append(each)
    return events


def _record(row: ChangedRow, each: Contribution) -> dict[str, object]:
    figures = {
        f"{name}_{when}": getattr(changed, when) for name, changed in each.figures.items() for when in _WHEN
    }
    statistics = {
        f"row_{name}_{when}": getattr(changed, when)
        for name, changed in row.statistics.items()
        for when in _WHEN
    }
    return {
        **{name: getattr(row, name) for name in _OF_ROW},
        **{name: getattr(each, name) for name in _OF_WHAT},
        **figures,
        **statistics,
        "sentence": each.sentence,
        "events": " | ".join(map(told, each.events)),
    }


def told(each: Fact) -> str:
    """An event on one line: where, when by both clocks, by whom, and what it says."""
    behalf = f" for {each.original_name or each.on_behalf_of}" if each.on_behalf_of else ""
    who = f"{each.actor_name or each.actor} as {each.role}{behalf}"
    clocks = f"occurred {utc(each.occurred_at)}, recorded {utc(each.recorded_at)}"
    return f"{each.position} {each.event}, {clocks} by {who}: {each.sentence}"


def utc(moment: datetime) -> str:
    """*moment* for people to read, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
