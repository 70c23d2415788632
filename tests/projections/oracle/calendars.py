"""Public holidays of the countries that the made-up companies are in, of the years that they live in."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

_EASTER: Final = {2019: date(2019, 4, 21), 2020: date(2020, 4, 12), 2021: date(2021, 4, 4)}


def holidays_of(country: str | None) -> frozenset[date]:
    """Of France, told by hand; of no country there are none."""
    if country is None:
        return frozenset()
    assert country == "FR"
    return frozenset(day for year in _EASTER for day in _french(year))


def _french(year: int) -> list[date]:
    fixed = [(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)]
    return [
        *(date(year, month, day) for month, day in fixed),
        *(_EASTER[year] + timedelta(days=days) for days in (1, 39, 50)),
    ]
