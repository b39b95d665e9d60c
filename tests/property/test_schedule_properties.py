"""For every rule, zone and instant of ten years: nothing skipped, nothing invented."""

from __future__ import annotations

import calendar
import gzip
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from core.domain.timetable.rules import WEEKDAYS
from core.domain.timetable.schedule import Refresh, Schedule

ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata"]
TIMES = st.times().map(lambda t: t.strftime("%H:%M:%S"))
# two rules in three sit where clocks change
NIGHT = st.sampled_from(["00:00:00", "01:30:00", "02:00:00", "02:30:00", "23:59:59"])
BASE = {"time": TIMES | NIGHT, "zone": st.sampled_from(ZONES)}
MONTH_DAYS = st.integers(1, 31) | st.integers(-31, -1)
RULES = st.one_of(
    st.fixed_dictionaries({"cycle": st.just("daily"), **BASE}),
    st.fixed_dictionaries({"cycle": st.just("weekly"), "day": st.sampled_from(WEEKDAYS), **BASE}),
    st.fixed_dictionaries({"cycle": st.just("monthly"), "day": MONTH_DAYS, **BASE}),
    st.fixed_dictionaries(
        {"cycle": st.just("quarterly"), "month": st.integers(1, 3), "day": MONTH_DAYS, **BASE}
    ),
    st.fixed_dictionaries(
        {"cycle": st.just("yearly"), "month": st.integers(1, 12), "day": MONTH_DAYS, **BASE}
    ),
)
INSTANTS = st.datetimes(datetime(2018, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
BUFFERS = st.integers(0, 3 * 86400).map(lambda s: timedelta(seconds=s))


def naive_instant(day: date, rule: dict[str, object]) -> datetime:
    """Oracle: walk over UTC seconds' worth of candidates instead of computing."""
    zone = ZoneInfo(str(rule["zone"]))
    hour, minute, second = map(int, str(rule["time"]).split(":"))
    wall = datetime(day.year, day.month, day.day, hour, minute, second)  # noqa: DTZ001
    both = [wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    exact = [t for t in both if t.astimezone(zone).replace(tzinfo=None) == wall]
    if exact:
        return min(exact)
    low, high = min(both), max(both)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        after = middle.astimezone(zone).replace(tzinfo=None) > wall
        low, high = (low, middle) if after else (middle, high)
    return high


def wanted(day: date, rule: dict[str, object]) -> bool:
    """Oracle: does the rule name this local day?"""
    cycle, number = rule["cycle"], rule.get("day")
    if cycle == "daily":
        return True
    if cycle == "weekly":
        return WEEKDAYS[day.weekday()] == number
    month = rule.get("month")
    if cycle == "quarterly" and (day.month - 1) % 3 != int(str(month)) - 1:
        return False
    if cycle == "yearly" and day.month != month:
        return False
    length = calendar.monthrange(day.year, day.month)[1]
    wish = int(str(number))
    return day.day == (min(wish, length) if wish > 0 else max(1, length + 1 + wish))


@given(st.lists(RULES, min_size=1, max_size=3), BUFFERS, INSTANTS)
def test_latest_and_next_embrace_now(
    rules: list[dict[str, object]], buffer: timedelta, now: datetime
) -> None:
    """latest <= now < next, nothing lies between, no microseconds, and use changes no rule."""
    schedule = Schedule(rules, buffer)
    before = repr(schedule)
    latest, following = schedule.get_latest_refresh(now), schedule.get_next_refresh(now)
    assert latest <= now < following
    assert schedule.between(latest, following) == [following]
    assert schedule.get_next_refresh(latest) == following
    assert schedule.get_latest_refresh(following - timedelta(seconds=1)) == latest
    assert latest.microsecond == following.microsecond == 0
    assert repr(schedule) == before


@given(RULES, INSTANTS)
def test_no_instant_is_skipped_or_invented(rule: dict[str, object], start: datetime) -> None:
    """Over fourteen months the instants are those of a day-by-day oracle."""
    end = start + timedelta(days=425)
    days = [start.date() + timedelta(days=n) for n in range(-3, 430)]
    oracle = {naive_instant(day, rule) for day in days if wanted(day, rule)}
    assert Refresh.of(rule).between(start, end) == sorted(t for t in oracle if start < t <= end)


SESSION_RULES = st.fixed_dictionaries(
    {
        "cycle": st.just("session"),
        "exchange": st.sampled_from(["XNYS", "XLON"]),
        "anchor": st.sampled_from(["open", "close"]),
        "offset_minutes": st.integers(-3 * 1440, 3 * 1440),
    }
)


@given(SESSION_RULES, BUFFERS, INSTANTS)
def test_sessions_embrace_now_too(
    rule: dict[str, object], buffer: timedelta, now: datetime
) -> None:
    """latest <= now < next, and nothing lies between, for rules relative to an exchange."""
    schedule = Schedule([rule], buffer)
    latest, following = schedule.get_latest_refresh(now), schedule.get_next_refresh(now)
    assert latest <= now < following
    assert schedule.between(latest, following) == [following]


def test_sessions_of_thirty_years(shared_data: Path) -> None:
    """Session instants are those of the captured NYSE calendar, early closes included."""
    with gzip.open(shared_data / "prices/calendar/xnys_sessions_1998_2027.csv.gz") as file:
        known = pl.read_csv(file.read())
    shift = timedelta(minutes=15)
    for anchor in ("open", "close"):
        told = known[f"{anchor}_utc"].str.to_datetime("%Y-%m-%d %H:%M:%S", time_zone="UTC")
        expected = told.to_list()
        rule = Refresh("session", exchange="XNYS", anchor=anchor, offset_minutes=15)
        found = rule.between(expected[0] - timedelta(days=1), expected[-1] + shift)
        assert found == [t + shift for t in expected], anchor
