"""Which document of a filing says what happened, and its first lines that say something.

A press release (EX-99.1) tells an 8-K in its company's words and goes first; then other exhibits
99, then the filing itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LONGEST = 900  # letters of the first lines
TOLD = ("8-K", "6-K")  # forms whose exhibits say more than they do
UNREAD = ("3", "4", "5", "144")  # forms of boxes and numbers, without a sentence
_PRESS = re.compile(r"EX-99(?:\.0?(\d+))?", re.IGNORECASE)
_HEADING = 110  # letters of a line that is a heading at most
_READABLE = (".htm", ".html", ".txt", ".xml")
# where the matter begins; before it stand a cover, boxes to tick and a table of contents
_BEGINNINGS: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    (("8-K",), re.compile(r"item\s+\d\.\d\d\b", re.IGNORECASE)),
    (("SC 13D", "SCHEDULE 13D"), re.compile(r"item\s+4\.?\s", re.IGNORECASE)),
    (
        ("10-K", "10-Q", "20-F"),
        re.compile(
            r"(item\s+\d\w?\.?\s*)?(management.s\s+discussion\s+and\s+analysis|"
            r"operating\s+and\s+financial\s+review)",
            re.IGNORECASE,
        ),
    ),
)
_CONTENTS = re.compile(r"[\s.]\d{1,3}$")  # a line of a table of contents ends in a page number
_EMPTY_WORDS = re.compile(
    r"(exhibit|ex-?)\s*[\d.]+\w?|(for\s+)?immediate\s+release:?|(press|news)\s+release:?|"
    r"table\s+of\s+contents|united\s+states|securities\s+and\s+exchange\s+commission|"
    r"washington,?\s+d\.?c\.?\s*[\d\-–]*|form\s+\w+-?\w*|(page\s+)?[\d\W]+(of\s+\d+)?|"
    r"(document|type|sequence|filename|description|text)|\W+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A document of a filing as its index lists it; `path` is that of the archive."""

    sequence: int | None
    kind: str
    path: str
    description: str = ""


def in_order(documents: Sequence[Listed], form: str) -> list[Listed]:
    """The documents worth reading, what says most first: press releases of an 8-K or 6-K by their
    numbers, then the filing itself.
    """
    readable = [item for item in documents if item.path.lower().endswith(_READABLE)]
    press = sorted((n, item.path) for item in readable if (n := _press_number(item)) is not None)
    by_path = {item.path: item for item in readable}
    first = [by_path[path] for _, path in press] if form.startswith(TOLD) else []
    own = [item for item in readable if item.kind == form or item.sequence == 1]
    return list({item.path: item for item in [*first, *own]}.values())


def _press_number(item: Listed) -> int | None:
    found = _PRESS.fullmatch(item.kind.strip())
    return None if found is None else int(found[1] or 0)


def first_lines(text: str, kind: str, longest: int = LONGEST) -> str:
    """The first lines of a document that say something, at most so many letters of whole words.

    `kind` is the document's: a form's own text begins behind its cover.
    """
    lines = [line.strip() for line in text.split("\n")]
    told = list(_telling(lines[_beginning(lines, kind) :], longest))
    whole = "\n".join(told)
    return whole if len(whole) <= longest else f"{whole[:longest].rsplit(None, 1)[0]} …"


def _beginning(lines: Sequence[str], kind: str) -> int:
    for forms, begins in _BEGINNINGS:
        if kind.startswith(forms):
            heads = [n for n, line in enumerate(lines) if begins.match(line)]
            real = next((n for n in heads if not _CONTENTS.search(lines[n])), None)
            # a heading alone says what the title of the filing says already
            return 0 if real is None else real + (len(lines[real]) <= _HEADING)
    return 0


def _telling(lines: Sequence[str], longest: int) -> Iterator[str]:
    """Lines with words that are more than a mark of the form, until there are enough letters."""
    letters = 0
    for line in lines:
        if not line or _EMPTY_WORDS.fullmatch(line):
            continue
        yield line
        letters += len(line)
        if letters > longest:
            return
