"""`Schedule` and `Refresh` with the argument names of the published client, over Openbell's own.

Weekly and monthly rules in UTC; a dataset is due at nominal + buffer. `date` is read at each call,
a naive one is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from core.domain.timetable import schedule as ours
from core.errors import ScheduleError

PADDING = {"weekly": timedelta(days=10), "monthly": timedelta(days=40)}
Moment = datetime | str | None


def moment(date: Moment) -> datetime:
    """A datetime or ISO text with a zone; now without one given. ScheduleError for another text."""
    if date is None:
        return datetime.now(UTC)
    if isinstance(date, datetime):
        return date
    try:
        return datetime.fromisoformat(date)
    except (TypeError, ValueError):
        raise ScheduleError(f"date {date!r} is neither a datetime nor an ISO text") from None


class Refresh:
    """One rule: cycle `weekly` (English weekday) or `monthly` (1..31, -1..-31), time HH:MM:SS."""

    def __init__(self, cycle: str, day: str | int, time: str) -> None:
        self.rule = ours.Refresh(cycle, day, time)
        if self.rule.cycle not in PADDING:
            raise ScheduleError(f"cycle {cycle!r} is not one of {', '.join(PADDING)}")
        self.cycle, self.day, self.time = cycle, day, time

    @staticmethod
    def init_by_object(obj: Mapping[str, Any]) -> Refresh:
        """The rule of a mapping with `cycle`, `day` and `time`."""
        missing = [key for key in ("cycle", "day", "time") if key not in obj]
        if missing:
            raise ScheduleError(f"a rule needs cycle, day and time; {missing[0]} is missing")
        return Refresh(obj["cycle"], obj["day"], obj["time"])

    def get_latest_refresh(self, date: Moment = None) -> datetime:
        """The greatest nominal instant <= date."""
        return self.rule.get_latest_refresh(moment(date))

    def get_next_refresh(self, date: Moment = None) -> datetime:
        """The least nominal instant > date."""
        return self.rule.get_next_refresh(moment(date))

    def get_refresh_datetimes(self, date: Moment = None) -> list[datetime]:
        """The nominal instants around date, ascending: ten days (weekly) or forty to each side."""
        at, reach = moment(date), PADDING[self.rule.cycle]
        self.rule.get_next_refresh(at)  # which refuses a naive instant
        return self.rule.between(at - reach - timedelta(microseconds=1), at + reach)


class Schedule:
    """Rules of a dataset with its buffer; `refreshs` are mappings or `Refresh`."""

    def __init__(
        self,
        refreshs: Iterable[Mapping[str, Any] | Refresh],
        buffer: timedelta = ours.DEFAULT_BUFFER,
    ) -> None:
        self.refreshs = [
            rule if isinstance(rule, Refresh) else Refresh.init_by_object(rule) for rule in refreshs
        ]
        self.buffer = buffer
        self._schedule = ours.Schedule([rule.rule for rule in self.refreshs], buffer)

    def get_latest_refresh(
        self, date: Moment = None, buffer_overwrite: timedelta | None = None
    ) -> datetime:
        """The greatest instant nominal + buffer <= date; a zero `buffer_overwrite` counts."""
        return self._schedule.get_latest_refresh(moment(date), buffer_overwrite)

    def get_next_refresh(
        self, date: Moment = None, buffer_overwrite: timedelta | None = None
    ) -> datetime:
        """The least instant nominal + buffer > date; a zero `buffer_overwrite` counts."""
        return self._schedule.get_next_refresh(moment(date), buffer_overwrite)
