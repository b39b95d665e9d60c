"""When a dataset is due: `Refresh` (one rule) and `Schedule` (all rules of a dataset).

The names are those that users of the Foundry container's client know:

    schedule = Schedule([{"cycle": "monthly", "day": 1, "time": "02:00:00"}])
    schedule.get_latest_refresh(now)   # greatest effective instant <= now
    schedule.get_next_refresh(now)     # least effective instant > now

A rule gives *nominal* instants; the *effective* one, at which a dataset is due, is nominal +
buffer. Wall-clock rules across daylight saving: a time that does not exist runs at the first
valid instant, a time that exists twice runs once, at its first occurrence. All instants
returned are UTC without microseconds of `now`.
"""

from __future__ import annotations

import calendar
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as TimeOfDay  # noqa: N812 - `time` is a field of Refresh
from typing import Any
from zoneinfo import ZoneInfo

from core.domain.timetable import rules
from core.domain.timetable.exchanges import sessions
from core.domain.timetable.intervals import Interval
from core.errors import ScheduleError

DEFAULT_BUFFER = timedelta(minutes=120)
DAY = timedelta(days=1)
# Days that surely hold an instant of each cycle, with room for zones and short months
SEARCH_DAYS = {
    "daily": 4,
    "weekly": 10,
    "monthly": 66,
    "quarterly": 190,
    "yearly": 740,
    "session": 20,
}
FARTHEST = timedelta(days=10 * 366)
OF_EXCHANGES = ("session", "interval")
OPEN_MINUTES = 9 * 60 + 30  # of the clock in New York, when its exchanges open


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Refresh:
    """One rule: cycle, day, month, time and zone, or exchange, anchor and offsets.

    `day`: English weekday (weekly, any case), 1..31 or -1..-31 clamped to the month's length.
    `month`: 1..3 of the quarter or 1..12 of the year. `zone`: an IANA name, or a zone of
    `zoneinfo` or `pytz`. Cycle `interval`: every `every_minutes` from `from_minutes` after the
    anchor to `to_minutes` after `to_anchor` (the same unless named), both included. Raises
    ScheduleError for anything else.
    """

    cycle: str
    day: int | str | None = None
    time: str | None = None
    zone: str = "UTC"
    month: int | None = None
    exchange: str | None = None
    anchor: str | None = None
    offset_minutes: int = 0
    every_minutes: int | None = None
    from_minutes: int | None = None
    to_minutes: int | None = None
    to_anchor: str | None = None
    _day: int | None = field(init=False, repr=False, compare=False)
    _month: int | None = field(init=False, repr=False, compare=False)
    _time: TimeOfDay = field(init=False, repr=False, compare=False)
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)
    _interval: Interval | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        cycle = rules.cycle_of(self.cycle)
        self._fix("cycle", cycle)
        self._fix("_day", rules.day_of(self.day, cycle))
        self._fix("_month", rules.month_of(self.month, cycle))
        self._fix("_zone", rules.zone_of(self.zone))
        self._fix("zone", self._zone.key)
        timed = cycle not in OF_EXCHANGES
        self._fix("_time", rules.time_of(self.time) if timed else TimeOfDay())
        self._check_exchange_rule()
        self._fix("_interval", self._as_interval() if cycle == "interval" else None)

    def _fix(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _check_exchange_rule(self) -> None:
        if self.cycle in OF_EXCHANGES and self.time is not None:
            minutes = "offset_minutes" if self.cycle == "session" else "from_minutes"
            raise ScheduleError(f"time has no meaning in {self.cycle} rules; use {minutes}")
        if self.cycle != "interval" and self._interval_keys() != (None,) * 4:
            raise ScheduleError(
                "every_minutes, from_minutes, to_minutes and to_anchor belong to interval rules"
            )
        if self.cycle == "session":
            rules.session_of(self.exchange, self.anchor, self.offset_minutes)
        elif self.offset_minutes:
            raise ScheduleError("offset_minutes belongs to session rules only")
        elif self.cycle != "interval" and (self.exchange, self.anchor) != (None, None):
            raise ScheduleError("exchange and anchor belong to interval and session rules only")

    def _interval_keys(self) -> tuple[object, ...]:
        return (self.every_minutes, self.from_minutes, self.to_minutes, self.to_anchor)

    def _as_interval(self) -> Interval:
        anchors = (self.anchor, self.to_anchor or self.anchor)
        offsets = (self.from_minutes, self.to_minutes)
        return rules.interval_of(self.exchange, anchors, offsets, self.every_minutes)

    @property
    def every(self) -> timedelta | None:
        """The step of an interval rule; None for the other cycles."""
        return None if self._interval is None else self._interval.every

    @classmethod
    def of(cls, rule: Mapping[str, Any] | Refresh) -> Refresh:
        """The rule of a mapping such as the catalogue's `{cycle, day, time, zone}`."""
        if isinstance(rule, Refresh):
            return rule
        rules.check_keys(rule)
        return cls(**rule)

    def between(self, after: datetime, until: datetime) -> list[datetime]:
        """Nominal instants in (after, until], ascending, each once."""
        if self._interval is not None:
            return self._interval.between(after, until)
        first = (after - 2 * DAY).astimezone(self._zone).date()
        last = (until + 2 * DAY).astimezone(self._zone).date()
        found = {t for t in self._instants(first, last) if after < t <= until}
        return sorted(found)

    def get_latest_refresh(self, now: datetime | None = None) -> datetime:
        """The greatest nominal instant <= now."""
        return _latest(self.between, _asked(now, _utc_now), self._reach)

    def get_next_refresh(self, now: datetime | None = None) -> datetime:
        """The least nominal instant > now."""
        return _next(self.between, _asked(now, _utc_now), self._reach)

    @property
    def _reach(self) -> timedelta:
        """How far to look first: an interval's neighbour is a step away while its span lasts."""
        return SEARCH_DAYS[self.cycle] * DAY if self.every is None else 2 * self.every

    def _instants(self, first: date, last: date) -> Iterator[datetime]:
        if self.cycle == "session":
            return self._session_instants(first, last)
        days = _DAYS[self.cycle](self, first, last)
        return (_instant(datetime.combine(day, self._time), self._zone) for day in days)

    def _session_instants(self, first: date, last: date) -> Iterator[datetime]:
        offset = timedelta(minutes=self.offset_minutes)
        margin = timedelta(days=abs(offset).days + 2)
        for _, opened, closed in sessions(str(self.exchange), first - margin, last + margin):
            yield (opened if self.anchor == "open" else closed) + offset


@dataclass(frozen=True)
class Schedule:
    """All rules of a dataset with its buffer; a dataset is due at nominal + buffer.

    `rules` are mappings or `Refresh`; `clock` answers when a call gives no `now`. Asking a
    schedule without rules raises ScheduleError; `bool(schedule)` tells beforehand.
    """

    rules: Sequence[Mapping[str, Any] | Refresh]
    buffer: timedelta = DEFAULT_BUFFER
    clock: Callable[[], datetime] = field(default=_utc_now, repr=False, compare=False)
    refreshes: tuple[Refresh, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.rules, Mapping | str) or not isinstance(self.rules, Iterable):
            raise ScheduleError("a schedule is a list of rules")
        object.__setattr__(self, "refreshes", tuple(Refresh.of(rule) for rule in self.rules))
        _check_buffer(self.buffer)

    def __bool__(self) -> bool:
        return bool(self.refreshes)

    @property
    def zone(self) -> str:
        """The zone that the first rule is written in."""
        return self.refreshes[0].zone if self.refreshes else "UTC"

    def between(
        self, after: datetime, until: datetime, buffer_overwrite: timedelta | None = None
    ) -> list[datetime]:
        """Effective instants in (after, until], ascending, each once whatever the rules share."""
        after, until = _asked(after, self.clock), _asked(until, self.clock)
        buffer = self._buffer(buffer_overwrite)
        nominal = {
            t for rule in self.refreshes for t in rule.between(after - buffer, until - buffer)
        }
        return sorted(t + buffer for t in nominal)

    def get_latest_refresh(
        self, now: datetime | None = None, buffer_overwrite: timedelta | None = None
    ) -> datetime:
        """The greatest effective instant <= now (UTC); `buffer_overwrite` counts even if zero."""
        moment = _asked(now, self.clock) - self._buffer(buffer_overwrite)
        return max(r.get_latest_refresh(moment) for r in self._asked_rules()) + self._buffer(
            buffer_overwrite
        )

    def get_next_refresh(
        self, now: datetime | None = None, buffer_overwrite: timedelta | None = None
    ) -> datetime:
        """The least effective instant > now (UTC); `buffer_overwrite` counts even if zero."""
        moment = _asked(now, self.clock) - self._buffer(buffer_overwrite)
        return min(r.get_next_refresh(moment) for r in self._asked_rules()) + self._buffer(
            buffer_overwrite
        )

    def rhythm(self, now: datetime) -> timedelta | None:
        """The step of the interval rule that gave the latest refresh; None for another rule."""
        moment = _asked(now, self.clock) - self.buffer
        latest = max(self._asked_rules(), key=lambda rule: rule.get_latest_refresh(moment))
        return latest.every

    def _buffer(self, overwrite: timedelta | None) -> timedelta:
        if overwrite is None:
            return self.buffer
        _check_buffer(overwrite)
        return overwrite

    def _asked_rules(self) -> tuple[Refresh, ...]:
        if not self.refreshes:
            raise ScheduleError("this schedule has no rules, so nothing is ever due")
        return self.refreshes


def _check_buffer(buffer: object) -> None:
    if not isinstance(buffer, timedelta) or buffer < timedelta(0) or buffer.microseconds:
        raise ScheduleError(f"buffer {buffer!r} is not a timedelta of whole seconds >= 0")


def _asked(now: datetime | None, clock: Callable[[], datetime]) -> datetime:
    return rules.instant_of(clock() if now is None else now).astimezone(UTC)


_Between = Callable[[datetime, datetime], list[datetime]]


def _latest(between: _Between, now: datetime, reach: timedelta) -> datetime:
    while reach <= FARTHEST:
        found = between(now - reach, now)
        if found:
            return found[-1]
        reach *= 4
    raise ScheduleError(f"no refresh in the ten years before {now:%Y-%m-%d}")


def _next(between: _Between, now: datetime, reach: timedelta) -> datetime:
    while reach <= FARTHEST:
        found = between(now, now + reach)
        if found:
            return found[0]
        reach *= 4
    raise ScheduleError(f"no refresh in the ten years after {now:%Y-%m-%d}")


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first valid instant at or after a wall time; its first occurrence when it has two."""
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant
    return _transition(wall.replace(tzinfo=zone, fold=1).astimezone(UTC), instant, zone)


def _transition(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The second at which the zone's offset changes between two instants."""
    seconds = range(int((high - low).total_seconds()) + 1)
    before = low.astimezone(zone).utcoffset()
    moved = bisect_right(
        seconds,
        False,
        key=lambda s: (low + timedelta(seconds=s)).astimezone(zone).utcoffset() != before,
    )
    return low + timedelta(seconds=moved)


def _daily(_rule: Refresh, first: date, last: date) -> Iterator[date]:
    return (first + n * DAY for n in range((last - first).days + 1))


def _weekly(rule: Refresh, first: date, last: date) -> Iterator[date]:
    ahead = (int(rule._day or 0) - first.weekday()) % 7
    return (first + n * DAY for n in range(ahead, (last - first).days + 1, 7))


def _monthly(rule: Refresh, first: date, last: date) -> Iterator[date]:
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return (_clamped(month, int(rule._day or 1)) for month in months if _wanted(rule, month))


def _wanted(rule: Refresh, month: int) -> bool:
    if rule._month is None:
        return True
    cycle = 3 if rule.cycle == "quarterly" else 12
    return month % cycle == rule._month - 1


def _clamped(month: int, day: int) -> date:
    year, index = divmod(month, 12)
    length = calendar.monthrange(year, index + 1)[1]
    number = min(day, length) if day > 0 else max(length + 1 + day, 1)
    return date(year, index + 1, number)


_DAYS: dict[str, Callable[[Refresh, date, date], Iterator[date]]] = {
    "daily": _daily,
    "weekly": _weekly,
    "monthly": _monthly,
    "quarterly": _monthly,
    "yearly": _monthly,
}


def at_session_times(times: Sequence[str]) -> Schedule:
    """Clock times (HH:MM, New York) on the sessions of its exchange: none on holidays and weekends.

    They are told from the open, 09:30 there in winter and summer.
    """
    rules_of = [
        {
            "cycle": "session",
            "exchange": "XNYS",
            "anchor": "open",
            "offset_minutes": int(text[:2]) * 60 + int(text[3:]) - OPEN_MINUTES,
        }
        for text in dict.fromkeys(times)
    ]
    return Schedule(rules_of, timedelta(0))
