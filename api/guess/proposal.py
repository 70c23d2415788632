"""Proposing a mapping for a file: what was found as TOML, how sure each choice is, and how it turned out."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from api.cells import AmountMarks, DatePattern, show
from api.guess import words
from api.guess.columns import Columns, columns_of
from api.guess.evidence import (
    ISO,
    AmountEvidence,
    DateEvidence,
    Undecided,
    amount_with,
)
from api.guess.layout import Choice, Layout, layout_of
from api.guess.toml_text import line
from api.guess.types import TypeChoice, TypeEvidence, type_choice
from api.guess.words import Sure
from api.item_file import ItemRow, Rejection, read_items
from api.mapping import FileKind, shipped_mappings
from api.mapping_file import checked
from api.mapping_table import MappingRefused
from api.records import FileRefused

_DATES: Final = ("issue_date", "due_date", "cleared_on")
_AMOUNTS: Final = ("amount", "balance", words.DEBIT, words.CREDIT)
_DEFINED: Final = ("datev", "fec")
"""Shipped mappings of formats that a law or a vendor defines, dates included: there is nothing to guess."""

_WITH_DECIMALS: Final = re.compile(r"\d+[.,]0+", re.ASCII)
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping as TOML, and what became of the file's rows with it."""

    text: str
    items: int
    rejected: tuple[Rejection, ...]


def propose(path: Path, *, date: str | None = None, decimal: str | None = None) -> Proposal:
    """A mapping for the items in *path*. *date* and *decimal* settle what the file leaves open.

    Raises FileRefused: no mapping can be found, or a date or an amount has two readings.
    """
    defined = _defined(path)
    text = defined or _guessed(path, date, decimal)
    try:
        mapping = checked(path, tomllib.loads(text))
    except MappingRefused as refused:
        raise FileRefused(f"{refused}; write the mapping by hand") from None
    items, rejected = 0, []
    for row in read_items(path, mapping, default_currency="EUR", default_entity="main"):
        if isinstance(row, ItemRow):
            items += 1
        else:
            rejected.append(row)
    tried = [f"# Tried on it: {items} items and {len(rejected)} rejected rows."]
    tried += [
        f"#   row {each.row}, {each.column or 'as a whole'}: {each.reason}" for each in rejected[:_SHOWN]
    ]
    return Proposal("\n".join([_head(path), *tried, "", text]), items, tuple(rejected))


def _head(path: Path) -> str:
    name = show(path.name)
    return f"# Proposed for {name}. Look through it before it is used; see docs/reference/mapping.md."


# --- formats that are defined ----------------------------------------------------------------------


def _defined(path: Path) -> str | None:
    """A shipped mapping whose format the file has, with the encoding and delimiter of the file."""
    try:
        layout = layout_of(path)
    except FileRefused:
        return None
    for name in _DEFINED:
        text = shipped_mappings()[name].read_text(encoding="utf-8")
        columns = checked(path, tomllib.loads(text)).columns
        if layout.file.kind is FileKind.CSV and set(columns) <= set(layout.header):
            for of in ("delimiter", "encoding"):
                text = re.sub(rf"(?m)^{of} = .*$", line(of, layout.choices[of].value), text)
            return f"# sure: it has the columns of this format; shipped as `{name}`.\n{text}"
    return None


# --- what the file says ----------------------------------------------------------------------------


@dataclass(slots=True)
class _Evidence:
    """What the whole file says of the columns that were chosen."""

    dates: dict[str, DateEvidence] = field(default_factory=dict)
    amounts: AmountEvidence = field(default_factory=AmountEvidence)
    types: TypeEvidence = field(default_factory=TypeEvidence)
    sums: int = 0
    """Rows with an amount but without a number."""
    finer: int = 0
    """Amounts with more than two decimals."""
    empty_due: int = 0
    with_decimals: set[str] = field(default_factory=set)
    """Fields whose cells all are whole numbers with decimals, as a spreadsheet writes ids."""


def _guessed(path: Path, date: str | None, decimal: str | None) -> str:
    layout = layout_of(path)
    columns = columns_of(layout)
    evidence = _Evidence()
    _read_through(layout, columns, evidence)
    dates = _dates(path, columns, evidence, date)
    marks = _marks(path, columns, evidence, decimal)
    _read_types(layout, columns, evidence, marks[0])
    types = type_choice(columns.name("type") if "type" in columns else None, evidence.types)
    return (
        "\n".join(
            [
                *_file_lines(layout, dates, marks, evidence),
                "",
                *_column_lines(columns, evidence, dates, types),
                *_other_lines(layout, columns, evidence, types),
            ]
        )
        + "\n"
    )


def _read_through(layout: Layout, columns: Columns, evidence: _Evidence) -> None:
    dates = {of: columns.name(of) for of in _DATES if of in columns}
    amounts = [columns.name(of) for of in _AMOUNTS if of in columns]
    number, due = columns.name("number"), dates.get("due_date")
    ids = {of: columns.name(of) for of in ("number", "customer_code")}
    evidence.dates = {of: DateEvidence() for of in dates}
    filled: set[str] = set()
    whole = dict.fromkeys(ids, True)
    for row, record in layout.rows():
        for of, name in dates.items():
            evidence.dates[of].take(row, record.get(name, ""))
        for name in amounts:
            evidence.amounts.take(row, record.get(name, ""))
        for of, name in ids.items():
            if cell := record.get(name, ""):
                filled.add(of)
                whole[of] = whole[of] and _WITH_DECIMALS.fullmatch(cell) is not None
        if not record.get(number):
            evidence.sums += any(record.get(name) for name in amounts)
        elif due is not None and not record.get(due):
            evidence.empty_due += 1
    evidence.with_decimals = {of for of in filled if whole[of]}


def _read_types(layout: Layout, columns: Columns, evidence: _Evidence, marks: AmountMarks) -> None:
    number = columns.name("number")
    kind = columns.name("type") if "type" in columns else None
    for _, record in layout.rows():
        if not record.get(number):
            continue
        if "amount" in columns:
            amount = amount_with(marks, record.get(columns.name("amount"), ""))
        else:
            debit, credit = (
                amount_with(marks, record.get(columns.name(of), "")) for of in (words.DEBIT, words.CREDIT)
            )
            amount = (debit or 0) - (credit or 0)  # type: ignore[assignment]
        if amount is not None:
            evidence.finer += amount != round(amount, 2)
            evidence.types.take(record.get(kind, "") if kind else "", negative=amount < 0)


# --- decisions -------------------------------------------------------------------------------------


def _dates(path: Path, columns: Columns, evidence: _Evidence, told: str | None) -> dict[str, Choice | None]:
    """The format of each date field; None where no cell needs one. Raises FileRefused."""
    if told is not None:
        return dict.fromkeys(evidence.dates, _told(path, told))
    found: dict[str, Choice | None] = {}
    open_ones: dict[str, str] = {}
    for of, each in evidence.dates.items():
        try:
            decided = each.decided()
            found[of] = Choice(decided[0], Sure.YES, decided[1]) if decided else None
        except Undecided as undecided:
            open_ones[of] = str(undecided)
    for of, why in open_ones.items():
        found[of] = _as_others(columns, evidence.dates[of], found)
        if found[of] is None:
            raise FileRefused(f"{path.name}: column {show(columns.name(of))}: {why}")
    return found


def _told(path: Path, told: str) -> Choice:
    if told != ISO:
        try:
            DatePattern.of(told)
        except ValueError as error:
            raise FileRefused(f"{path.name}: --date {show(told)}: {error}") from None
    return Choice(told, Sure.YES, "you said so")


def _as_others(columns: Columns, evidence: DateEvidence, found: Mapping[str, Choice | None]) -> Choice | None:
    """The format that another column of the same file proves, if this one can be read so."""
    for of, choice in found.items():
        if choice is not None and choice.value in evidence.patterns:
            return Choice(
                choice.value, Sure.LIKELY, f"it has two readings, but {show(columns.name(of))} has not"
            )
    return None


def _marks(path: Path, columns: Columns, evidence: _Evidence, told: str | None) -> tuple[AmountMarks, Choice]:
    if told is not None:
        if told not in {".", ","}:
            raise FileRefused(f"{path.name}: --decimal {show(told)}: it is `.` or `,`")
        return evidence.amounts.best(told), Choice(told, Sure.YES, "you said so")
    try:
        marks, why = evidence.amounts.decided()
    except Undecided as undecided:
        named = ", ".join(show(columns.name(of)) for of in _AMOUNTS if of in columns)
        raise FileRefused(f"{path.name}: column {named}: {undecided}") from None
    return marks, Choice(marks.decimal, Sure.YES, why)


# --- the text --------------------------------------------------------------------------------------


def _file_lines(
    layout: Layout,
    dates: Mapping[str, Choice | None],
    marks: tuple[AmountMarks, Choice],
    evidence: _Evidence,
) -> Iterator[str]:
    yield "[file]"
    for name, choice in layout.choices.items():
        number = name == "header_line"
        yield line(name, int(choice.value) if number else choice.value, _said(choice))
    yield line("decimal", marks[0].decimal, _said(marks[1]))
    if marks[0].thousands:
        yield line("thousands", marks[0].thousands, "sure: as in the amounts")
    common = dates["issue_date"]
    if common is not None and common.value != ISO:
        yield line("date", common.value, _said(common))
    elif common is not None:
        yield f"# dates: {_said(common)}"
    elif evidence.dates["issue_date"].known_as_dates:
        yield "# dates: sure: the workbook itself knows them as dates"


def _said(choice: Choice) -> str:
    return f"{choice.sure.word}: {choice.why}"


def _column_lines(
    columns: Columns, evidence: _Evidence, dates: Mapping[str, Choice | None], types: TypeChoice
) -> Iterator[str]:
    yield "[columns]"
    for of in ("entity", "customer_code", "customer_name", "number"):
        if of in columns:
            yield from _field_lines(columns, of, _id_source(columns, evidence, of))
    yield f"# {types.sure.word}: {types.why}"
    yield line("type", types.keys)
    yield from _field_lines(columns, "issue_date", _date_source(columns, dates, "issue_date"))
    if "due_date" in columns:
        yield from _field_lines(columns, "due_date", _due_source(columns, evidence, dates))
    else:
        yield "# unsure: no column looks like a due date; the date of issue stands for it"
        yield line("due_date", _date_source(columns, dates, "issue_date"))
    yield from _amount_lines(columns, evidence)
    for of in ("balance", "currency"):
        if of in columns:
            yield from _field_lines(columns, of, _plain_source(columns, of))
    if "cleared_on" in columns:
        yield "# With this line what has a date there is paid; without it, it is imported as open."
        yield from _field_lines(columns, "cleared_on", _date_source(columns, dates, "cleared_on"))


def _amount_lines(columns: Columns, evidence: _Evidence) -> Iterator[str]:
    if evidence.finer:
        yield f"# unsure: {evidence.finer} amounts have more than two decimals; `round` loses the others"
    rounding = {"round": True} if evidence.finer else {}
    if "amount" in columns:
        name = columns.name("amount")
        yield from _field_lines(columns, "amount", {"column": name, **rounding} if rounding else name)
    else:
        debit, credit = columns.name(words.DEBIT), columns.name(words.CREDIT)
        yield "# likely: one column is taken off the other"
        yield line("amount", {"column": debit, "minus": credit, **rounding})


def _field_lines(columns: Columns, of: str, source: object) -> Iterator[str]:
    column = columns.chosen[of]
    samples = ", ".join(show(text) for text in columns.profiles[column.name].samples)
    yield f"# {column.sure.word}: {column.why}; such as {samples}"
    yield line(of, source)


def _id_source(columns: Columns, evidence: _Evidence, of: str) -> object:
    part: object = columns.name(of)
    if of in evidence.with_decimals:
        part = {"column": part, "integer": True}
    if of == "number" and words.LINE in columns:
        return {"join": [part, columns.name(words.LINE)], "with": "-"}
    return part


def _plain_source(columns: Columns, of: str) -> object:
    name = columns.name(of)
    if of == "currency" and columns.profiles[name].share < 1:
        return {"column": name, "when_empty": "company"}
    return name


def _date_source(columns: Columns, dates: Mapping[str, Choice | None], of: str) -> object:
    name, mine, common = columns.name(of), dates[of], dates["issue_date"]
    if mine is None or (common is not None and mine.value == common.value):
        return name
    return {"column": name, "date": mine.value}


def _due_source(columns: Columns, evidence: _Evidence, dates: Mapping[str, Choice | None]) -> object:
    source = _date_source(columns, dates, "due_date")
    if not evidence.empty_due or not isinstance(source, str):
        return source
    return {"first_of": [source, columns.name("issue_date")]}


def _other_lines(layout: Layout, columns: Columns, evidence: _Evidence, types: TypeChoice) -> Iterator[str]:
    if layout.twice:
        yield "\n[attributes]"
        yield line("ignore", sorted(layout.twice), "these names stand twice in the header")
    if evidence.sums or types.negate:
        yield "\n[rows]"
    if evidence.sums:
        said = f"likely: {evidence.sums} rows have an amount but no {show(columns.name('number'))}"
        yield line("subtotal_when_empty", ["number"], said)
    if types.negate:
        yield line("negate_types", list(types.negate), "sure: no amount of the file is negative")
