"""What the tables of a page say, read from the HTML that it sends."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any


@dataclass
class Shown:
    """A table: words of its cells by column, the address that each row leads to."""

    name: str
    columns: dict[str, list[str]] = field(default_factory=dict)
    leads: list[str | None] = field(default_factory=list)

    def __getitem__(self, column: str) -> list[str]:
        """The words of a column, from the topmost row down."""
        return self.columns[column]

    def __contains__(self, column: str) -> bool:
        """Whether the table has that column."""
        return column in self.columns

    def __len__(self) -> int:
        """Rows."""
        return len(self.leads)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Shown] = []
        self.column: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "data-list" in given:
            self.found.append(Shown(given["data-list"]))
        if not self.found:
            return
        if tag in ("th", "td"):
            (self.column,) = re.findall(r"(?:^| )c-(\S+)", given["class"])
            cells = self.found[-1].columns.setdefault(self.column, [])
            if tag == "td":
                cells.append("")
            else:
                self.column = None
        if tag == "tr":
            self.found[-1].leads.append(None)
        if tag == "a" and self.column and given.get("class") not in ("out", "other"):
            self.found[-1].leads[-1] = given["href"]

    def handle_endtag(self, tag: str) -> None:
        if tag == "thead":
            self.found[-1].leads.clear()  # the row of heads
        if tag == "td":
            self.column = None

    def handle_data(self, data: str) -> None:
        if self.column:
            self.found[-1].columns[self.column][-1] += data


def tables(at: Any) -> list[Shown]:
    """The tables of a page that a test has run, from the top down."""
    reader = _Reader()
    for html in at.get("html"):
        reader.feed(html.proto.body)
    return reader.found
