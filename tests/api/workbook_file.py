"""Workbooks made by hand: as little XML as a reader takes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from xml.sax.saxutils import escape

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
STYLES = (
    f"<styleSheet {MAIN}><fonts><font/></fonts><fills><fill/></fills><borders><border/></borders>"
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/></cellXfs></styleSheet>'
)
EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet knows no zones


@dataclass(frozen=True)
class Raw:
    """A cell as XML: its attributes, and what is inside."""

    attributes: str
    inside: str


def workbook(sheets: Mapping[str, Sequence[Sequence[object]]], **parts: bytes) -> bytes:
    """A workbook with these sheets, each rows of cells. *parts*: other files of the package."""
    names = list(sheets)
    sheet_list = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(names, 1)
    )
    relations = (
        "".join(
            f'<Relationship Id="rId{n}" Type="{REL}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n in range(1, len(names) + 1)
        )
        + f'<Relationship Id="rId99" Type="{REL}/styles" Target="styles.xml"/>'
    )
    files = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="{TYPE}.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{REL}"><sheets>{sheet_list}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{relations}'
        "</Relationships>",
        "xl/styles.xml": STYLES,
    }
    files |= {f"xl/worksheets/sheet{n}.xml": sheet(sheets[name]) for n, name in enumerate(names, 1)}
    return package({**{name: text.encode() for name, text in files.items()}, **parts})


def package(files: Mapping[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def sheet(rows: Sequence[Sequence[object]]) -> str:
    body = "".join(
        f'<row r="{r}">{"".join(_cell(f"{column(c)}{r}", cell) for c, cell in enumerate(row))}</row>'
        for r, row in enumerate(rows, 1)
        if any(cell is not None for cell in row)
    )
    return f"<worksheet {MAIN}><sheetData>{body}</sheetData></worksheet>"


def column(place: int) -> str:
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _cell(at: str, cell: object) -> str:
    match cell:
        case None:
            return ""
        case Raw():
            return f'<c r="{at}" {cell.attributes}>{cell.inside}</c>'
        case bool():
            return f'<c r="{at}" t="b"><v>{int(cell)}</v></c>'
        case datetime():
            days = (cell - EPOCH).total_seconds() / 86_400
            return f'<c r="{at}" s="2"><v>{days!r}</v></c>'
        case date():
            return f'<c r="{at}" s="1"><v>{(cell - EPOCH.date()).days}</v></c>'
        case int() | float() | Decimal():
            return f'<c r="{at}"><v>{cell}</v></c>'
        case _:
            return f'<c r="{at}" t="inlineStr"><is><t>{escape(str(cell))}</t></is></c>'
