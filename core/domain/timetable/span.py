"""The stretch of the calendar that a look at one session rests on, as one value. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from core.domain.timetable.sessions import all_sessions
from core.errors import NotFoundError


@dataclass(frozen=True, slots=True, eq=False)
class SessionSpan:
    """A session with all before it; `table` has the columns of `all_sessions` and ends with it."""

    table: pl.DataFrame

    @property
    def days(self) -> pl.Series:
        """The sessions up to this one, in order (Date)."""
        return self.table["session"]

    @property
    def day(self) -> date:
        """The session itself."""
        return self.back(0)

    @property
    def before(self) -> date:
        """The session before."""
        return self.back(1)

    @property
    def opens(self) -> datetime:
        """When it opens (UTC)."""
        opens: datetime = self.table["open_at"][-1]
        return opens

    @property
    def closed_before(self) -> datetime:
        """When the session before closed (UTC)."""
        closed: datetime = self.table["close_at"][self._at(1)]
        return closed

    @property
    def row(self) -> pl.DataFrame:
        """The row of the session alone."""
        return self.table.tail(1)

    def back(self, count: int) -> date:
        """The session so many before it (0: itself), the first of the calendar at the farthest."""
        day: date = self.days[self._at(count)]
        return day

    def _at(self, count: int) -> int:
        return max(0, self.table.height - 1 - count)


def span_to(day: date) -> SessionSpan:
    """The span that ends with a session; NotFoundError for a day without one."""
    table = all_sessions().filter(pl.col("session") <= day)
    if table.is_empty() or table["session"][-1] != day:
        raise NotFoundError(f"the exchange did not trade on {day}", hint="choose a session")
    return SessionSpan(table)
