"""Pages of lists: how many rows at once, and cursors that go on after the last row that was given.

A cursor belongs to one list with one choice of filters. It holds the key of the last row, so that
rows that come in at the top are neither given twice nor make others be left out.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import polars as pl
import xxhash

from app.run import dumps
from core.errors import UsageError

LIMIT, MOST = 100, 1000
_LAST_PLACE = 2**31  # no list held in memory is longer
Fetch = Callable[[Any, int], tuple[pl.DataFrame, Any]]


@dataclass(frozen=True, slots=True)
class PageAsk:
    """Which page is wanted: at most `limit` rows after what a cursor held (None: the first)."""

    limit: int = LIMIT
    after: Any = None
    list_mark: str = ""  # of the list and its filters


@dataclass(frozen=True, slots=True)
class Rows:
    """A list, whole: its frame, and the columns that tell its rows apart."""

    frame: pl.DataFrame
    key: Sequence[str]

    def page(self, ask: PageAsk) -> tuple[pl.DataFrame, Any]:
        """The rows of a page, and what the cursor of the next one holds; None after the last."""
        start = 0 if ask.after is None else self._after(ask.after)
        rows = self.frame.slice(start, ask.limit)
        end = start + rows.height
        if end >= self.frame.height:
            return rows, None
        return rows, [end, self._key_at(end - 1)]

    def _after(self, held: Any) -> int:
        place, key = _place_and_key(held)
        if place <= self.frame.height and self._key_at(place - 1) == key:
            return place
        found = (at for at in range(self.frame.height) if self._key_at(at) == key)
        return next(found, place - 1) + 1

    def _key_at(self, place: int) -> str:
        row = self.frame.row(place, named=True)
        return xxhash.xxh3_64_hexdigest(dumps([row[name] for name in self.key]))


@dataclass(frozen=True, slots=True)
class PagedQuery:
    """A list of which the store gives one page at a time: `fetch(after, limit)`."""

    fetch: Fetch

    def page(self, ask: PageAsk) -> tuple[pl.DataFrame, Any]:
        """The rows of a page, and what the cursor of the next one holds; None after the last."""
        return self.fetch(ask.after, ask.limit)


def asked(limit: str | None, cursor: str | None, list_mark: str) -> PageAsk:
    """The page that the query asks for; UsageError for a limit or a cursor that means nothing."""
    return PageAsk(_limit(limit), _opened(cursor, list_mark) if cursor else None, list_mark)


def _limit(given: str | None) -> int:
    if given is None:
        return LIMIT
    if not (given.isascii() and given.isdigit()) or not 1 <= int(given[:6]) <= MOST:
        message = f"must be a whole number between 1 and {MOST}"
        raise UsageError(f"limit {message}", fields=[("limit", message)])
    return int(given)


def cursor_of(held: Any, list_mark: str) -> str | None:
    """The cursor of what goes on there; None after the last page."""
    if held is None:
        return None
    return base64.urlsafe_b64encode(dumps([list_mark, held])).decode().rstrip("=")


def _opened(cursor: str, list_mark: str) -> Any:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        mark, held = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError):
        raise _no_cursor() from None
    if mark != list_mark or held is None:
        raise _no_cursor()
    return held


def _place_and_key(held: Any) -> tuple[int, str]:
    """What a cursor of `Rows` holds; UsageError for what we never gave: anybody can write one."""
    match held:
        case [int(place), str(key)] if 0 < place <= _LAST_PLACE and not isinstance(place, bool):
            return place, key
    raise _no_cursor()


def _no_cursor() -> UsageError:
    return UsageError(
        "the cursor is none of this list",
        hint="begin without one, and keep the filters from page to page",
        fields=[("cursor", "is none of this list")],
    )


def mark_of(path: str, filters: Any) -> str:
    """What tells a list with its filters from any other."""
    return xxhash.xxh3_64_hexdigest(dumps([path, filters]))
