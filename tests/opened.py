"""Pages run by Streamlit's own test runner."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60  # seconds: a page takes one, but on a machine that is busy elsewhere


def run_page(name: str, **query: str) -> AppTest:
    """A page as it is opened with a query, whatever came of it."""
    at = AppTest.from_file(ROOT / "pages" / f"{name}.py", default_timeout=PATIENCE)
    for key, value in query.items():
        at.query_params[key] = value
    return at.run()


def opened(name: str, **query: str) -> AppTest:
    """The same; no exception stands on it."""
    at = run_page(name, **query)
    assert not at.exception
    return at


class _Cells(HTMLParser):
    """The cells of a list by the name of their column, a row each."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.rows: list[dict[str, str]] = []
        self._name = name
        self._inside = False
        self._cell: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A list of that name, a row of its body, a cell."""
        given = dict(attrs)
        if "data-list" in given:
            self._inside = given["data-list"] == self._name
        if self._inside and tag == "tr" and "data-key" in given:
            self.rows.append({})
        if self._inside and tag == "td":
            found = re.search(r"(?:^| )c-(\w+)", given.get("class") or "")
            self._cell = found[1] if found else None
            if self._cell:
                self.rows[-1][self._cell] = ""

    def handle_endtag(self, tag: str) -> None:
        """The end of a cell."""
        if tag == "td":
            self._cell = None

    def handle_data(self, data: str) -> None:
        """What stands in a cell."""
        if self._inside and self._cell:
            self.rows[-1][self._cell] += data


def listed(at: AppTest, name: str) -> list[dict[str, str]]:
    """The rows of a list on a page: text by column; none where the list is not there."""
    cells = _Cells(name)
    for element in at.get("html"):
        cells.feed(element.proto.body)
    return cells.rows
