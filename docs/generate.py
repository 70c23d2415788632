"""Writes the generated pages of docs/reference: `make docs`."""

from __future__ import annotations

from pathlib import Path

from docs import events_page, groupings_page, problems_page, reporting_page, roles_page, schema_page

REFERENCE = Path(__file__).parent / "reference"

PAGES = {
    "events.md": events_page.render,
    "roles.md": roles_page.render,
    "problems.md": problems_page.render,
    "groupings.md": groupings_page.render,
}
"""Pages that follow from the code alone; `schema.md` and `reporting.md` need a database as well."""


def main() -> None:
    """Write the pages; say which changed."""
    for name, render in PAGES.items():
        page = REFERENCE / name
        text = render()
        if not page.exists() or page.read_text() != text:
            page.write_text(text)
            print(f"wrote {page.name}")
    schema_page.main()
    reporting_page.main()


if __name__ == "__main__":
    main()
