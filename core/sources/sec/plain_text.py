"""Documents of the archive as plain text: what a reader would see, a line a block.

They come from anybody who files: what is parsed here is read as a stream, so that neither depth nor
odd nesting costs more than its bytes, and nothing in it is followed, run or looked up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lxml import etree

from core.domain.filings.exhibits import Listed
from core.errors import ParsingError

MOST_LETTERS = 400_000  # of a text: more is not looked at
_SILENT = frozenset(
    (
        *("script", "style", "head", "title", "template", "noscript", "iframe", "object"),
        *("svg", "math", "select", "ix:header"),
    )
)
_BLOCKS = frozenset(
    (
        *("address", "article", "blockquote", "body", "br", "center", "dd", "div", "dl", "dt"),
        *("figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li"),
        *("main", "nav", "ol", "p", "page", "pre", "section", "table", "td", "th", "tr", "ul"),
    )
)
_INLINE_CELLS = frozenset(("td", "th"))  # cells of a row stand in one line
_HIDDEN = re.compile(r"(display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_SPACES = re.compile(r"[\s\u00a0\u200b\ufeff]+")
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_STRANGE = re.compile(r"[\x00-\x08\x0e-\x1f\ufffd]")
_SAMPLE, _STRANGE_SHARE = 4096, 0.05
_ARCHIVE = re.compile(r"(?:/ix\?doc=)?(/Archives/edgar/data/[\w./\-]+)")


class _Seen:
    """Gathers the words outside what is hidden, with the ends of blocks as ends of lines."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._letters = 0
        self._hidden = 0  # how deep within something that is not shown

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """A tag opens."""
        if self._hidden or tag in _SILENT or _HIDDEN.search(attributes.get("style", "")):
            self._hidden += 1
        else:
            self._ends(tag)

    def end(self, tag: str) -> None:
        """A tag closes."""
        if self._hidden:
            self._hidden -= 1
        else:
            self._ends(tag)

    def _ends(self, tag: str) -> None:
        if tag in _BLOCKS and len(self.parts) < MOST_LETTERS:
            self.parts.append(" " if tag in _INLINE_CELLS else "\n")

    def data(self, words: str) -> None:
        """Words between tags."""
        if not self._hidden and self._letters < MOST_LETTERS:
            self._letters += len(words)
            self.parts.append(_SPACES.sub(" ", words))

    def comment(self, _: str) -> None:
        """Nobody sees it."""

    def pi(self, *_: str) -> None:
        """Nobody sees it."""

    def close(self) -> str:
        """The lines."""
        lines = (_SPACES.sub(" ", line).strip() for line in "".join(self.parts).split("\n"))
        return "\n".join(line for line in lines if line)


class _Rows(_Seen):
    """Gathers the cells of table rows, each with the address of its first link."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[list[str]]] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """A row, a cell or a link opens."""
        if tag == "tr":
            self.rows.append([])
        elif tag == "td" and self.rows:
            self.rows[-1].append(["", ""])
        elif tag == "a" and self.rows and self.rows[-1]:
            self.rows[-1][-1][1] = self.rows[-1][-1][1] or attributes.get("href", "")

    def end(self, tag: str) -> None:
        """Nothing to do."""

    def data(self, words: str) -> None:
        """Words in a cell."""
        if self.rows and self.rows[-1]:
            self.rows[-1][-1][0] += words


def plain_text(body: bytes, where: str) -> str:
    """What a document says, a line a block; ParsingError when it is no text (a PDF, a picture)."""
    said = decoded(body, where)
    if "<" not in said:
        return _Seen.close(_with(said))
    return str(_parsed(said, _Seen()))


def _with(said: str) -> _Seen:
    seen = _Seen()
    seen.parts.append(said[:MOST_LETTERS])
    return seen


def decoded(body: bytes, where: str) -> str:
    """The letters of a document: by its mark, else UTF-8, else as Windows writes them."""
    if body.startswith(b"%PDF"):
        raise ParsingError("a PDF, which is not read", where=where)
    named = next((name for mark, name in _MARKS if body.startswith(mark)), None)
    if named is None:
        try:
            said = body.decode("utf-8")
        except UnicodeDecodeError:
            said = body.decode("windows-1252", "replace")
    else:
        said = body.decode(named, "replace")
    sample = said[:_SAMPLE]
    if len(_STRANGE.findall(sample)) > _STRANGE_SHARE * max(1, len(sample)):
        raise ParsingError("no text", where=where)
    return said.replace("\0", "")


def listed(body: bytes, where: str) -> list[Listed]:
    """The documents on a filing's index page; an empty list where it lists none."""
    rows: list[list[list[str]]] = _parsed(decoded(body, where), _Rows(), rows=True)
    found = []
    for row in rows:
        path = _ARCHIVE.fullmatch(row[2][1]) if len(row) >= 5 else None
        if path and ".." not in path[1]:
            number, about, _, kind = (_SPACES.sub(" ", cell[0]).strip() for cell in row[:4])
            sequence = int(number) if number.isdecimal() else None
            found.append(Listed(sequence, kind, path[1], about))
    return found


def _parsed(said: str, target: _Seen, *, rows: bool = False) -> Any:
    parser = etree.HTMLParser(target=target, no_network=True, remove_pis=True)
    try:
        parser.feed(said)
        result = parser.close()
    except etree.LxmlError:
        result = target.close()  # as far as it can be read
    return target.rows if rows and isinstance(target, _Rows) else result
