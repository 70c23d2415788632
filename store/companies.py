"""Founding a company: its schema, and the first events of its log."""

from __future__ import annotations

from contextlib import suppress

from domain.catalogue import Settings
from domain.commands import Decision
from domain.founding import found_company
from domain.identity import COMPANY_STREAM, OPERATOR
from domain.roles import Role
from store.clock import new_id, now
from store.connections import CompanyDatastore, Pool
from store.log import Attribution, Log, StaleVersion, Submission
from store.migrate import CompanyExists, create_company
from store.working_days import require_known_countries


def found(conninfo: str, pool: Pool, company: str, settings: Settings) -> bool:
    """Make sure that the company with id *company* exists; whether it was founded now.

    Its schema is made where it is missing and its log begins with *settings* and a usable catalogue.
    Raises BadCompanyId, and the refusals of catalogue.check_settings.
    """
    founded = Decision(now(), tuple(found_company(settings)))
    require_known_countries([founded])
    with suppress(CompanyExists):  # perhaps a founding that was interrupted: the log decides
        create_company(conninfo, company)
    founding = Submission(
        new_id(),
        "founding",
        b"",
        Attribution(OPERATOR, Role.ADMINISTRATOR, None, None),
        (founded,),
        {COMPANY_STREAM: 0},
        b"{}",
    )
    try:
        return not Log(CompanyDatastore(pool, company)).append(founding).replayed
    except StaleVersion:
        return False
