"""Keys and values as TOML writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def line(name: str, of: object, comment: str = "") -> str:
    """One key with its value, and a comment behind it."""
    return f"{key(name)} = {value(of)}" + (f"      # {comment}" if comment else "")


def key(name: str) -> str:
    """A key, in quotation marks where it needs them."""
    return name if _BARE.fullmatch(name) else _text(name)


def value(of: object) -> str:
    """A text, whole number, truth, list or table on one line."""
    match of:
        case bool():
            return "true" if of else "false"
        case int():
            return str(of)
        case list():
            return f"[{', '.join(map(value, of))}]"
        case Mapping():
            return f"{{ {', '.join(f'{key(str(name))} = {value(each)}' for name, each in of.items())} }}"
        case _:
            return _text(str(of))


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
