"""What is said of an option that is not understood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.commands.session import CommandRefused

if TYPE_CHECKING:
    from pydantic import ValidationError

# With reports ``--type`` is that of a dispute.
_NAMES: Final = {"period_from": "from", "period_to": "to", "type": "item-type"}


def option_refused(whose: str, error: ValidationError) -> CommandRefused:
    """What to say of an option of *whose* that is not understood, or that it does not have."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = str(first["loc"][0])
    option = "--" + _NAMES.get(place, place).replace("_", "-")
    if first["type"] == "extra_forbidden":
        return CommandRefused(f"{whose} takes no {option}")
    return CommandRefused(f"{option}: {message_of(error)}")


def message_of(error: ValidationError) -> str:
    """What is wrong first, without what was given."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    message = str(first["msg"]).removeprefix("Value error, ")
    return f"{message[:1].lower()}{message[1:]}"
