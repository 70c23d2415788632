"""What one cell of a file says: a date or an amount. It has one reading, or is refused with the cure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SHOWN: Final = 40
"""The most characters of a file that a message repeats."""

_MAX_WHOLE_DIGITS: Final = 15
_EARLIEST_YEAR: Final = 1900
_CENTURY: Final = 2000
_TWO_DIGITS: Final = 2

_TIME: Final = r"(?:[T ][0-2]\d:[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?(?: ?(?:Z|[+-]\d{2}:?\d{2}))?)?"
_ISO: Final = re.compile(r"(\d{4})(-?)(\d{2})\2(\d{2})" + _TIME, re.ASCII)
_PATTERN_TOKEN: Final = re.compile(r"yyyy|yy|mm|m|dd|d|[^a-z0-9%]")
_DATE_SHAPE: Final = re.compile(r"\d{1,4}([./ -])\d{1,2}\1\d{1,4}" + _TIME, re.ASCII)
_EIGHT_DIGITS: Final = re.compile(r"\d{8}", re.ASCII)
_GROUPED_OR_DECIMAL: Final = re.compile(r"[+-]?\d{1,3}\.\d{3}-?", re.ASCII)

# ISO 4217: currencies whose smallest unit is not a hundredth.
_DECIMALS: Final = {
    code: decimals
    for decimals, codes in {
        0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
        3: "BHD IQD JOD KWD LYD OMR TND",
        4: "CLF UYW",
    }.items()
    for code in codes.split()
}
_UNITS: Final = {decimals: Decimal(1).scaleb(-decimals) for decimals in (0, 2, 3, 4)}


class CellRefused(Exception):
    """One cell cannot be read. The message says why and what settles it."""


class DateNotSettled(Exception):
    """A cell holds a date whose format the mapping must declare. The message names the readings."""


class JsonNumber(str):
    """A number as it is written in a JSON file; it never follows the file's own decimal mark."""

    __slots__ = ()


def show(text: str) -> str:
    """*text* as a message may repeat it: quoted, on one line, at most 40 characters of it."""
    shown = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text[:SHOWN])
    return f"'{shown}…'" if len(text) > SHOWN else f"'{shown}'"


@dataclass(frozen=True, slots=True)
class DatePattern:
    """A declared date format such as ``d/m/yyyy``; a time behind the date is read over."""

    text: str
    expression: re.Pattern[str]
    begins: date | None = None
    """For a format without a year: the dates lie within the year that begins on this day."""

    @classmethod
    def of(cls, text: str) -> DatePattern:
        """The pattern that *text* describes. Raises ValueError, saying what is wrong with it."""
        tokens = _tokens(text.lower())
        if sorted(token[0] for token in tokens if token[0] in "dmy") not in (["d", "m", "y"], ["d", "m"]):
            raise ValueError(_pattern_help("day, month and year must each occur once"))
        for token, following in zip(tokens, [*tokens[1:], " "], strict=True):
            if token in {"d", "m"} and following[0] in "dmy":
                raise ValueError(_pattern_help(f"'{token}' needs a separator behind it, or '{token * 2}'"))
        return cls(text.lower(), re.compile("".join(map(_token_expression, tokens)) + _TIME, re.ASCII))

    def read(self, text: str) -> date:
        """The day that *text* names. Raises CellRefused if it is not in this format."""
        found = self.expression.fullmatch(text)
        if found is None:
            raise CellRefused(f"{show(text)} is not a date in the format `{self.text}` of the mapping")
        month, day = int(found["m"]), int(found["d"])
        if self.begins is not None and not self.has_year:
            year = self.begins.year + ((month, day) < (self.begins.month, self.begins.day))
        else:
            year = int(found["y"]) + (_CENTURY if len(found["y"]) == _TWO_DIGITS else 0)
        return _day(year, month, day, text)

    @property
    def has_year(self) -> bool:
        """Whether the dates name their year."""
        return "y" in self.text


def _tokens(pattern: str) -> list[str]:
    tokens = _PATTERN_TOKEN.findall(pattern)
    if "".join(tokens) != pattern:
        raise ValueError(_pattern_help("only d, dd, m, mm, yy, yyyy and separators are known"))
    return tokens


def _token_expression(token: str) -> str:
    if token[0] not in "dmy":
        return re.escape(token)
    digits = r"\d{1,2}" if len(token) == 1 else rf"\d{{{len(token)}}}"
    return f"(?P<{token[0]}>{digits})"


def _pattern_help(problem: str) -> str:
    return f"{problem}; write it like `d/m/yyyy`, `dd.mm.yyyy` or `yyyymmdd`"


def read_iso_date(text: str) -> date:
    """The day of an ISO 8601 date: 2020-03-04 or 20200304, either with a time.

    Raises DateNotSettled for a date in another format, CellRefused for what is no date at all."""
    found = _ISO.fullmatch(text)
    if found is not None and not _is_another_format(text):
        return _day(int(found[1]), int(found[3]), int(found[4]), text)
    readings = date_readings(text)
    if not readings:
        raise CellRefused(f"{show(text)} is not a date such as 2020-03-31; declare the file's date format")
    named = " or ".join(f"{day.isoformat()} (`{pattern}`)" for pattern, day in readings)
    cure = f'say which in the mapping: `date = "{readings[0][0]}"` under [file]'
    raise DateNotSettled(f"{show(text)} can be read as {named}, and a date format is never guessed; {cure}")


def date_readings(text: str) -> list[tuple[str, date]]:
    """Every common format in which *text* is a date, with the day it then names."""
    shape = _DATE_SHAPE.fullmatch(text)
    if shape is not None:
        order = ("d m yyyy", "m d yyyy", "yyyy m d", "d m yy", "m d yy", "yy m d")
        patterns = [pattern.replace(" ", shape[1]) for pattern in order]
    elif _EIGHT_DIGITS.fullmatch(text):
        patterns = ["ddmmyyyy", "mmddyyyy"]
    else:
        patterns = []
    return [(pattern, day) for pattern in patterns if (day := _reading(pattern, text)) is not None]


def _reading(pattern: str, text: str) -> date | None:
    try:
        return DatePattern.of(pattern).read(text)
    except CellRefused:
        return None


def _is_another_format(text: str) -> bool:
    # 31122019 has the shape YYYYMMDD, but there is no month 20: it is a ddmmyyyy that nobody declared.
    return text[4:6] > "12" and bool(date_readings(text))


def _day(year: int, month: int, day: int, text: str) -> date:
    if year < _EARLIEST_YEAR:
        raise CellRefused(f"{show(text)} lies before {_EARLIEST_YEAR}")
    try:
        return date(year, month, day)
    except ValueError:
        raise CellRefused(f"{show(text)} is not a day of the calendar") from None


@dataclass(frozen=True, slots=True)
class AmountMarks:
    """How amounts are written; *declared* says whether the mapping said so or it is the default."""

    decimal: str = "."
    thousands: str = ""
    declared: bool = False


def amount_reader(marks: AmountMarks) -> Callable[[str], Decimal]:
    """A function that reads amounts written with *marks*, exactly; it raises CellRefused."""
    groups = _mark_expression(marks.thousands)
    whole = rf"\d+|\d{{1,3}}(?:{groups}\d{{3}})+|\d{{1,2}}(?:{groups}\d{{2}})+{groups}\d{{3}}"
    whole = whole if groups else r"\d+"
    decimal = re.escape(marks.decimal)
    expression = re.compile(rf"([+-]?) ?({whole})?(?:{decimal}(\d+))?(-?)", re.ASCII)
    not_digit = re.compile(r"\D", re.ASCII)

    def read(text: str) -> Decimal:
        if isinstance(text, JsonNumber):
            return _json_amount(text)
        if not marks.declared and _GROUPED_OR_DECIMAL.fullmatch(text):
            raise CellRefused(_TWO_AMOUNTS.format(show(text)))
        found = expression.fullmatch(text)
        if found is None or not (found[2] or found[3]) or (found[1] and found[4]):
            raise CellRefused(_not_an_amount(text, marks))
        digits = not_digit.sub("", found[2] or "0")
        if len(digits.lstrip("0")) > _MAX_WHOLE_DIGITS:
            raise CellRefused(
                f"{show(text)} has more than {_MAX_WHOLE_DIGITS} digits before the decimal mark"
            )
        sign = "-" if "-" in (found[1], found[4]) else ""
        return Decimal(f"{sign}{digits}.{found[3] or '0'}")

    return read


_TWO_AMOUNTS: Final = (
    "{} can be read with a decimal mark or with a thousands mark; "
    'say which in the mapping: `decimal = "."`, or `decimal = ","` with `thousands = "."`, under [file]'
)


def _mark_expression(mark: str) -> str:
    # Exports write the space and the apostrophe between thousands in more than one way.
    return {"": "", " ": "[ \u00a0\u202f]", "'": "['\u2019]"}.get(mark, re.escape(mark))


def _not_an_amount(text: str, marks: AmountMarks) -> str:
    thousands = f"thousands mark '{marks.thousands}'" if marks.thousands else "no thousands mark"
    cure = "if the file writes them otherwise, set `decimal` and `thousands` under [file] of the mapping"
    return f"{show(text)} is not an amount with decimal mark '{marks.decimal}' and {thousands}; {cure}"


def _json_amount(text: str) -> Decimal:
    try:
        amount = Decimal(str(text))
    except InvalidOperation:
        raise CellRefused(f"{show(text)} is not an amount") from None
    if amount.adjusted() >= _MAX_WHOLE_DIGITS:
        raise CellRefused(f"{show(text)} has more than {_MAX_WHOLE_DIGITS} digits before the decimal mark")
    return amount


_ROUND: Final = "`round = true` would round it"


def decimals_of(currency: str) -> int:
    """How many decimals amounts in *currency* have."""
    return _DECIMALS.get(currency, 2)


def in_smallest_units(amount: Decimal, currency: str, *, rounded: bool = False) -> Decimal:
    """*amount* with exactly the decimals of *currency*; half of the last one goes away from zero.

    Raises CellRefused if that would change it, unless it may be *rounded*."""
    decimals = decimals_of(currency)
    exact = amount.quantize(_UNITS[decimals], ROUND_HALF_UP)
    if exact != amount and not rounded:
        raise CellRefused(
            f"{show(str(amount))} has more than the {decimals} decimals of {currency}; {_ROUND}"
        )
    return exact or exact.copy_abs()  # there is no zero below zero
