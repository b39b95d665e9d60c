"""What a schedule rule may say, checked when the rule is made.

Every message names the key, what was given and what is allowed, so that a mistake in the
catalogue is corrected without opening a manual.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.domain.timetable.exchanges import is_exchange
from core.domain.timetable.intervals import Interval
from core.domain.timetable.zones import name_of, settled
from core.errors import ScheduleError

CYCLES = ("daily", "weekly", "monthly", "quarterly", "yearly", "session", "interval")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ANCHORS = ("open", "close")
KEYS = (
    "cycle",
    "day",
    "month",
    "time",
    "zone",
    "exchange",
    "anchor",
    "offset_minutes",
    "every_minutes",
    "from_minutes",
    "to_minutes",
    "to_anchor",
)
WEEK_MINUTES = 7 * 24 * 60
DAY_MINUTES = 24 * 60
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)", re.ASCII)


def check_keys(rule: Mapping[str, Any]) -> None:
    """Refuse a rule that is no table or has keys nobody reads."""
    if not isinstance(rule, Mapping):
        raise ScheduleError(
            f"a schedule rule is a table such as {{cycle, day, time}}, not {rule!r}"
        )
    unknown = [key for key in rule if key not in KEYS]
    if unknown:
        raise ScheduleError(f"{unknown[0]!r} is no key of a rule; allowed are {', '.join(KEYS)}")
    if "cycle" not in rule:
        raise ScheduleError(f"a rule needs a cycle: one of {', '.join(CYCLES)}")


def cycle_of(value: object) -> str:
    """The cycle in lower case."""
    name = value.strip().lower() if isinstance(value, str) else ""
    if name not in CYCLES:
        raise ScheduleError(f"cycle {value!r} is not one of {', '.join(CYCLES)}")
    return name


def time_of(value: object) -> time:
    """`HH:MM:SS` as a time of day."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    hour, minute, second = map(int, match.groups()) if match else (99, 99, 99)
    if hour > 23 or minute > 59 or second > 59:
        raise ScheduleError(f"time {value!r} is not HH:MM:SS between 00:00:00 and 23:59:59")
    return time(hour, minute, second)


def day_of(value: object, cycle: str) -> int | None:
    """Weekday 0..6 (weekly), day of the month (monthly, quarterly, yearly), or None."""
    if cycle == "weekly":
        return _weekday(value)
    if cycle in ("daily", "session", "interval"):
        _refuse("day", value, cycle)
        return None
    if value is None and cycle != "monthly":
        return 1
    return _whole("day", value, -31, 31, "1 to 31, or -1 (the last day) to -31", not_zero=True)


def month_of(value: object, cycle: str) -> int | None:
    """Month of the quarter 1..3 or of the year 1..12; None for the other cycles."""
    if cycle not in ("quarterly", "yearly"):
        _refuse("month", value, cycle)
        return None
    most = 3 if cycle == "quarterly" else 12
    return 1 if value is None else _whole("month", value, 1, most, f"1 to {most}")


@cache
def zone_of(zone: object) -> ZoneInfo:
    """The time zone of an IANA name, or of a zone of `zoneinfo` or `pytz`."""
    name = name_of(zone)
    try:
        return ZoneInfo(name)  # type: ignore[arg-type]
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError, AttributeError):
        raise ScheduleError(
            f"zone {name!r} is not an IANA time zone such as UTC or America/New_York"
        ) from None


def session_of(exchange: object, anchor: object, offset: object) -> tuple[str, str, int]:
    """Exchange code, anchor and offset in minutes of a session rule."""
    return (
        _exchange(exchange),
        _anchor("anchor", anchor),
        _offset("offset_minutes", offset),
    )


def interval_of(
    exchange: object, anchors: tuple[object, object], offsets: tuple[object, object], every: object
) -> Interval:
    """The interval of a rule: every N minutes from one offset of a session to a later one."""
    code = _exchange(exchange)
    named = (_anchor("anchor", anchors[0]), _anchor("to_anchor", anchors[1]))
    begins, ends = _offset("from_minutes", offsets[0]), _offset("to_minutes", offsets[1])
    if named == ("close", "open"):
        raise ScheduleError("an interval ends in its own session: to_anchor is close")
    if named[0] == named[1] and ends < begins:
        raise ScheduleError(f"to_minutes {ends} is before from_minutes {begins}")
    step = _whole("every_minutes", every, 1, DAY_MINUTES, f"whole minutes from 1 to {DAY_MINUTES}")
    minute = timedelta(minutes=1)
    return Interval(code, named, begins * minute, ends * minute, step * minute)


def _exchange(value: object) -> str:
    if not isinstance(value, str) or not is_exchange(value):
        raise ScheduleError(f"exchange {value!r} is not an exchange code such as XNYS or XLON")
    return value


def _anchor(key: str, value: object) -> str:
    if value not in ANCHORS:
        raise ScheduleError(f"{key} {value!r} is not one of open, close")
    return str(value)


def _offset(key: str, value: object) -> int:
    text = f"whole minutes from -{WEEK_MINUTES} to {WEEK_MINUTES}"
    return _whole(key, value, -WEEK_MINUTES, WEEK_MINUTES, text)


def instant_of(value: object) -> datetime:
    """An aware instant in UTC."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ScheduleError(f"now must be a datetime with a time zone, not {value!r}")
    return settled(value)


def _weekday(value: object) -> int:
    name = value.strip().lower() if isinstance(value, str) else ""
    if name not in WEEKDAYS:
        raise ScheduleError(f"day {value!r} of a weekly rule is not one of Monday to Sunday")
    return WEEKDAYS.index(name)


def _refuse(key: str, value: object, cycle: str) -> None:
    if value is not None:
        raise ScheduleError(f"{key} {value!r} has no meaning in {_a(cycle)} rule; leave it out")


def _whole(
    key: str, value: object, least: int, most: int, allowed: str, *, not_zero: bool = False
) -> int:
    # bool is an int in Python: True would silently mean the 1st
    good = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
    if not good or (not_zero and value == 0):
        raise ScheduleError(f"{key} {value!r} is not allowed: {allowed}")
    return int(value)  # type: ignore[call-overload, no-any-return]


def _a(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
