"""A program of its own: reads one sheet of a workbook and writes its rows to standard output as JSON lines.

A small workbook can unfold to gigabytes. Whatever that does, it does to this process, whose memory and
computing time are limited before the reader is even loaded. The lines are, in this order

    {"sheets": names, "sheet": the one that is read}
    [row, [cell, ...]]       row counted from 1; a text, ["n", a number] or ["d", a day or moment, ISO 8601]
    {"end": true}

or ``{"refused": why}`` in any place; without an end the workbook was too much.
"""

from __future__ import annotations

import math
import resource
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

import orjson

_LONGEST: Final = 2**20  # of a cell; as in a text file
_EXACT: Final = 10**15  # from here on a spreadsheet has lost digits
_FINEST: Final = Decimal("0.000001")
_NOISE: Final = Decimal("1e-12")


def main(told: dict[str, Any]) -> None:
    """Read as *told*: ``path``, ``sheet`` (a name, or None), ``header_line``, ``columns``; ``memory`` (bytes)
    and ``seconds`` (of computing) are the limits."""
    resource.setrlimit(resource.RLIMIT_AS, (told["memory"], told["memory"]))
    resource.setrlimit(resource.RLIMIT_CPU, (told["seconds"], told["seconds"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import python_calamine  # noqa: PLC0415 - the limits come first

    try:
        with python_calamine.CalamineWorkbook.from_path(told["path"]) as workbook:
            _write_sheet(workbook, told)
    except python_calamine.PasswordError:
        _say({"refused": "is protected with a password; save it without one"})
    except (python_calamine.CalamineError, python_calamine.ZipError, python_calamine.XmlError) as error:
        _say({"refused": f"is a broken workbook ({str(error)[:100]}); open it and save it again as XLSX"})


def _write_sheet(workbook: Any, told: dict[str, Any]) -> None:  # noqa: ANN401 - the reader is loaded late
    names = list(workbook.sheet_names)
    chosen = _chosen(workbook, names, told)
    _say({"sheets": names, "sheet": chosen})
    if chosen is not None:
        for number, row in enumerate(workbook.get_sheet_by_name(chosen).iter_rows(), 1):
            cells = [_cell(value) for value in row]
            if any(len(cell) > _LONGEST for cell in cells):
                _say({"refused": f"row {number} holds a cell of more than {_LONGEST} characters"})
                return
            _say([number, cells])
    _say({"end": True})


def _chosen(workbook: Any, names: Sequence[str], told: dict[str, Any]) -> str | None:  # noqa: ANN401
    """The sheet asked for; else the first one whose header has most of the columns."""
    if told["sheet"] is not None:
        return told["sheet"] if told["sheet"] in names else None
    wanted = set(told["columns"])
    found: list[tuple[int, str]] = []
    for name in names if len(names) > 1 else ():
        header = _header(workbook.get_sheet_by_name(name).iter_rows(), told["header_line"])
        if header and wanted <= header:
            return name
        found.append((-len(wanted & header) if header else 1, name))
    return min(found, key=lambda each: each[0])[1] if found else next(iter(names), None)


def _header(rows: Iterator[Sequence[object]], line: int) -> set[str]:
    for number, row in enumerate(rows, 1):
        if number == line:
            return {str(cell).strip() for cell in row if cell != ""}
    return set()


def _cell(value: object) -> str | list[str]:
    match value:
        case str():
            return value.strip()
        case bool():
            return "true" if value else "false"
        case int() | float():
            return ["n", _number(value)]
        case date():
            return ["d", value.isoformat()]
        case _:
            return str(value)


def _number(value: float) -> str:
    """A number as it was meant: 3 and not 3.0, 0.3 and not 0.30000000000000004."""
    if not math.isfinite(value) or abs(value) >= _EXACT:
        return repr(value)
    if value == int(value):
        return str(int(value))
    exact = Decimal(repr(value))
    rounded = exact.quantize(_FINEST)
    near = abs(exact - rounded) <= _NOISE * max(abs(exact), Decimal(1))
    return format((rounded if near else exact).normalize(), "f")


def _say(message: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(message, option=orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main(orjson.loads(sys.argv[1]))
