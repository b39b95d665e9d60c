"""What a source hands back from one pull, and the progress it reports on the way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import polars as pl

REJECTS = {
    "row_number": pl.Int64,  # 1 is the first row under the header
    "column_name": pl.String,
    "reason": pl.String,
    "raw": pl.String,  # the row as delivered, as JSON
}


@dataclass(frozen=True, slots=True)
class Progress:
    """One live message of a pull, from its source to the page; counts so far, `percent` 0–100.

    `happened_at` is put on by the board that keeps it.
    """

    message: str
    rows: int | None = None
    bytes: int | None = None
    percent: float | None = None
    happened_at: datetime | None = None

    def after(self, earlier: Progress | None) -> Progress:
        """The same, with the counts that it does not give as they were before."""
        if earlier is None:
            return self
        return replace(
            self,
            rows=earlier.rows if self.rows is None else self.rows,
            bytes=earlier.bytes if self.bytes is None else self.bytes,
            percent=earlier.percent if self.percent is None else self.percent,
        )


_NOTES_TOLD = 3
ProgressHook = Callable[[Progress], Awaitable[None] | None]


@dataclass(frozen=True, slots=True)
class TableRows:
    """Rows for one table of the store, merged by `key`."""

    table: str
    key: tuple[str, ...]
    rows: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Pulled:
    """The outcome of one pull.

    `version` identifies the bytes (sha256 or ETag); `unchanged` says they are those of last time
    and `tables` is empty; `partial` is a sentence when something is missing from what came.
    `owed`: it is missing for a reason that passes, so that the window is asked for again.
    `notes` are what the pull's record should say although nothing failed (documents that the
    source does not have); `messages` are the source's own talk on the way.
    """

    tables: tuple[TableRows, ...] = ()
    rejects: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REJECTS))
    version: str | None = None
    rows_read: int = 0
    announced_rows: int | None = None
    bytes: int = 0
    requests: int = 0
    drift: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unchanged: bool = False
    partial: str | None = None
    owed: bool = False

    def remark(self) -> str | None:
        """What to read beside the counts, in one line: `partial`, then the first notes."""
        more = len(self.notes) - _NOTES_TOLD
        rest = (f"and {more} more like these",) if more > 0 else ()
        told = [*filter(None, [self.partial]), *self.notes[:_NOTES_TOLD], *rest]
        return "; ".join(told) or None
