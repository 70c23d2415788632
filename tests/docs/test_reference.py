"""The generated pages of docs/reference are what the code says now (schema.md: tests/store)."""

import pytest

from docs import reporting_page
from docs.generate import PAGES, REFERENCE


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_make_docs_would_write(name):
    assert (REFERENCE / name).read_text() == PAGES[name](), "run `make docs`"


def test_the_data_dictionary_is_what_make_docs_would_write(database):
    assert reporting_page.PAGE.read_text("utf-8") == reporting_page.page(database, "acme"), "run `make docs`"
