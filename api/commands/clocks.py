"""The two clocks as options of commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from projections.parameters import Parameters

AsAtOption: TypeAlias = Annotated[
    str | None, typer.Option(help="As it was at the end of this day, or at this time.")
]
KnownAtOption: TypeAlias = Annotated[
    str | None, typer.Option(help="As the log stood at this position or time.")
]


def clocks_of(whose: str, as_at: str | None, known_at: str | None) -> Parameters:
    """What the two options of the command *whose* mean. Raises CommandRefused."""
    from pydantic import ValidationError

    from api.commands.option_refused import option_refused
    from api.queries import Clocks
    from projections.parameters import Parameters

    try:
        told = Clocks.model_validate({"as_at": as_at, "known_at": known_at})
    except ValidationError as error:
        raise option_refused(whose, error) from None
    return told.told or Parameters()
