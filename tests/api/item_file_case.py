"""Small files and mappings, written and read back."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from api.item_file import FileRefused, ItemRow, Rejection, read_items, read_mapping

HEADER: Final = "customer,number,type,issued,due,amount"
COLUMNS: Final = {
    "customer_code": '"customer"',
    "number": '"number"',
    "type": '"type"',
    "issue_date": '"issued"',
    "due_date": '"due"',
    "amount": '"amount"',
}


def mapping_text(file: str = "", rest: str = "", **columns: str) -> str:
    """A mapping of the columns in HEADER, with other keys and tables as TOML."""
    fields = "\n".join(f"{name} = {source}" for name, source in (COLUMNS | columns).items() if source)
    return f"[file]\n{file}\n[columns]\n{fields}\n{rest}\n"


class Case:
    """A directory with one file and one mapping."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def mapping(self, text: str):
        path = self.directory / "map.toml"
        path.write_text(text, encoding="utf-8")
        return read_mapping(path)

    def read(self, content: str | bytes, mapping: str | None = None, *, name: str = "items.csv"):
        path = self.directory / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        read = read_items(
            path, self.mapping(mapping or mapping_text()), default_currency="EUR", default_entity="main"
        )
        return list(read)

    def rows(self, *lines: str, mapping: str | None = None, header: str = HEADER):
        return self.read("\n".join([header, *lines]) + "\n", mapping)

    def item(self, *lines: str, mapping: str | None = None, header: str = HEADER) -> ItemRow:
        (item,) = self.rows(*lines, mapping=mapping, header=header)
        assert isinstance(item, ItemRow), item
        return item

    def rejection(self, *lines: str, mapping: str | None = None, header: str = HEADER) -> Rejection:
        (rejection,) = self.rows(*lines, mapping=mapping, header=header)
        assert isinstance(rejection, Rejection), rejection
        return rejection

    def refusal(self, content: str | bytes, mapping: str | None = None) -> str:
        with pytest.raises(FileRefused) as refused:
            self.read(content, mapping)
        assert len(str(refused.value)) < 1_500
        return str(refused.value)
