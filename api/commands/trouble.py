"""What goes wrong, on the command line: one line on standard error and an exit code."""

from __future__ import annotations

from typing import Final

REFUSED: Final = 1
"""Exit code: refused, or some rows were rejected."""

MISUSED: Final = 2
"""Exit code: the command line itself is wrong."""

INTERRUPTED: Final = 130
"""Exit code: Ctrl-C."""


def explained(error: Exception) -> str | None:
    """What *error* says to a user, in one line; None if it is a fault of the program."""
    from store.connections import LogUnavailable
    from store.log import ToldInTheFuture
    from store.unreachable import DATABASE_ERRORS, reason

    if isinstance(error, (*DATABASE_ERRORS, LogUnavailable)):
        return f"the database cannot be used: {reason(error)}"
    if isinstance(error, ToldInTheFuture):
        return "the clocks of this machine and of its database differ by more than a minute; set them right"
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror or error}"
    if isinstance(error, _for_users()):
        return " ".join(str(error).split())
    return None


def _for_users() -> tuple[type[Exception], ...]:
    from api.commands.session import CommandRefused
    from api.database import CompanyNotNamed, NoSuchCompanyHere
    from api.item_file import FileRefused, MappingRefused
    from api.new_items import ImportCutShort
    from api.sample import SampleInterrupted
    from api.typed_columns import WorkbookTooSmall
    from domain.refusals import Refusal
    from projections.feed import FeedFailed
    from projections.fold import Unfoldable
    from replay.parquet_export import DirectoryNotEmpty, NoSuchTable
    from replay.processes import ProcessLost
    from replay.rebuild import RebuildRunning
    from replay.space import NotEnoughSpace
    from replay.swap import ReadersInTheWay
    from replay.what_if.rules import RuleInvalid
    from store import analysts, migrate
    from store.codec import Unencodable
    from store.connections import UnsafeSetting
    from store.embedded import EmbeddedServerRefusal
    from store.execute import StreamBusy
    from store.keys import KeyNotAccepted
    from store.log import KeyReused
    from store.states import NoSuchCompany

    return (
        CommandRefused,
        CompanyNotNamed,
        DirectoryNotEmpty,
        EmbeddedServerRefusal,
        FeedFailed,
        FileRefused,
        ImportCutShort,
        KeyNotAccepted,
        KeyReused,
        MappingRefused,
        NoSuchCompany,
        NoSuchCompanyHere,
        NoSuchTable,
        NotEnoughSpace,
        ProcessLost,
        ReadersInTheWay,
        RebuildRunning,
        Refusal,
        RuleInvalid,
        SampleInterrupted,
        StreamBusy,
        Unencodable,
        Unfoldable,
        UnsafeSetting,
        WorkbookTooSmall,
        analysts.MayNotMakeRoles,
        analysts.NoSuchRole,
        analysts.RoleHasMore,
        analysts.RoleUnsuitable,
        migrate.BadCompanyId,
        migrate.CompanyExists,
        migrate.DatabaseNewer,
        migrate.MigrationChanged,
    )
