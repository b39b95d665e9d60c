"""Instants that repeat within the sessions of an exchange: every so often between two offsets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.domain.timetable.exchanges import sessions

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Interval:
    """Every `every` from `begins` after the first anchor to `ends` after the last, both included.

    Anchors are `open` or `close` of the same session, so holidays and early closes are respected.
    """

    exchange: str
    anchors: tuple[str, str]
    begins: timedelta
    ends: timedelta
    every: timedelta

    def between(self, after: datetime, until: datetime) -> list[datetime]:
        """The instants in (after, until] (UTC), ascending, each once."""
        margin = max(abs(self.begins), abs(self.ends)) + 2 * DAY
        days = sessions(self.exchange, (after - margin).date(), (until + margin).date())
        found: set[datetime] = set()
        for _, opened, closed in days:
            at = {"open": opened, "close": closed}
            first, last = (at[name] for name in self.anchors)
            found.update(self._steps(first + self.begins, min(until, last + self.ends), after))
        return sorted(found)

    def _steps(self, at: datetime, end: datetime, after: datetime) -> Iterator[datetime]:
        at += max(0, (after - at) // self.every + 1) * self.every
        while at <= end:
            yield at
            at += self.every
