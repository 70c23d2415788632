"""Writes the generated pages of docs/reference: `make docs`."""

from __future__ import annotations

from pathlib import Path

from bench.server import temporary_server
from docs import events_page, groupings_page, problems_page, reporting_page, roles_page, schema_page
from store.migrate import create_company, migrate

REFERENCE = Path(__file__).parent / "reference"

PAGES = {
    "events.md": events_page.render,
    "roles.md": roles_page.render,
    "problems.md": problems_page.render,
    "groupings.md": groupings_page.render,
}
"""Pages that follow from the code alone."""

OF_DATABASE = (schema_page, reporting_page)
"""Pages that a migrated database tells."""


def main() -> None:
    """Write the pages; say which changed."""
    for name, render in PAGES.items():
        _write(REFERENCE / name, render())
    with temporary_server(durable=False) as conninfo:
        migrate(conninfo)
        create_company(conninfo, "any")
        for each in OF_DATABASE:
            _write(each.PAGE, each.page(conninfo, "any"))


def _write(page: Path, text: str) -> None:
    if not page.exists() or page.read_text("utf-8") != text:
        page.write_text(text, "utf-8")
        print(f"wrote {page.name}")


if __name__ == "__main__":
    main()
