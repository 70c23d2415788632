"""Public holidays, from the `holidays` library: which days are working days in a country."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from importlib.metadata import version

from domain.calendar import WorkingDay, is_weekday
from domain.catalogue import CompanyFounded, SettingsChanged
from domain.commands import Decision
from domain.refusals import SettingInvalid


class UnknownCountry(ValueError):
    """The country of a calendar is an ISO 3166 code, perhaps with a subdivision: ``FR``, ``DE-BY``."""

    def __init__(self, country: str) -> None:
        super().__init__(
            f"{country!r} has no calendar of public holidays; give an ISO 3166 code such as FR or DE-BY"
        )


def require_known_countries(decisions: Iterable[Decision]) -> None:
    """Raise SettingInvalid if *decisions* would give the company a calendar that there is not.

    Which countries have one is known to the library behind `working_days`, so the domain cannot check it.
    """
    for decision in decisions:
        for event in decision.events:
            if isinstance(event, SettingsChanged | CompanyFounded):
                try:
                    working_days(event.settings.country)
                except UnknownCountry as unknown:
                    cure = "an ISO 3166 code such as FR or DE-BY"
                    raise SettingInvalid("country", event.settings.country or "", cure) from unknown


def calendar_version(country: str | None) -> str:
    """Which calendar `working_days` goes by, to be told beside figures that rest on it: the library's version
    for a *country*, since a later one may know other holidays; ``weekdays`` where there is none."""
    return "weekdays" if country is None else f"holidays {version('holidays')}"


@lru_cache(maxsize=64)
def working_days(country: str | None) -> WorkingDay:
    """Whether a date is a working day: Monday to Friday and no public holiday of *country*.

    Without a country every weekday is one. Raises UnknownCountry.
    """
    if country is None:
        return is_weekday
    import holidays  # noqa: PLC0415 - takes 0.2 s to import, and most commands never ask

    code, _, subdivision = country.partition("-")
    try:
        calendar = holidays.country_holidays(code, subdiv=subdivision or None)
    except NotImplementedError:
        raise UnknownCountry(country) from None

    def is_working_day(day: date) -> bool:
        return is_weekday(day) and day not in calendar

    return is_working_day
