"""Zones of `pytz` and `zoneinfo` mean the same at every door where users bring them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import pytz

from core.domain.timetable.schedule import Refresh, Schedule
from core.domain.timetable.zones import name_of, settled
from core.errors import ScheduleError
from core.sources.foundry import compat
from core.sources.foundry.compat_schedule import Schedule as PublishedSchedule

NEW_YORK = "America/New_York"
WALL = datetime(2025, 7, 1, 9, 30)  # noqa: DTZ001 - the wall time that zones are put on
INSTANT = datetime(2025, 7, 1, 13, 30, tzinfo=UTC)
BROUGHT = {
    "zoneinfo": WALL.replace(tzinfo=ZoneInfo(NEW_YORK)),
    "pytz, localized": pytz.timezone(NEW_YORK).localize(WALL),
    "pytz, localize forgotten": WALL.replace(tzinfo=pytz.timezone(NEW_YORK)),
    "pytz.utc": INSTANT.replace(tzinfo=pytz.utc),
    "a fixed offset": INSTANT.astimezone(pytz.FixedOffset(-240)),
}


@pytest.mark.parametrize("brought", BROUGHT)
def test_an_instant_is_the_one_that_was_meant(brought: str) -> None:
    """Also where `localize` was forgotten, which counts four minutes wrongly."""
    at = BROUGHT[brought]
    assert settled(at) == INSTANT
    rule = {"cycle": "weekly", "day": "Tuesday", "time": "13:31:00"}
    for schedule in (Schedule([rule], timedelta(0)), PublishedSchedule([rule], timedelta(0))):
        assert schedule.get_next_refresh(at) == INSTANT + timedelta(minutes=1)
    assert compat._instant(at) == INSTANT


def test_a_wall_time_that_is_there_twice_or_never() -> None:
    """The first of two; the instant an hour on where clocks sprang."""
    zone = pytz.timezone(NEW_YORK)
    twice = datetime(2025, 11, 2, 1, 30, tzinfo=zone)
    never = datetime(2025, 3, 9, 2, 30, tzinfo=zone)
    assert settled(twice) == datetime(2025, 11, 2, 5, 30, tzinfo=UTC)
    assert settled(never) == datetime(2025, 3, 9, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize("zone", [NEW_YORK, ZoneInfo(NEW_YORK), pytz.timezone(NEW_YORK)])
def test_a_rule_takes_a_zone_in_any_form(zone: object) -> None:
    """It keeps the name, and is equal to the rule of the name."""
    rule = Refresh.of({"cycle": "daily", "time": "06:00:00", "zone": zone})
    assert rule == Refresh("daily", time="06:00:00", zone=NEW_YORK)
    assert rule.zone == NEW_YORK
    assert name_of(zone) == NEW_YORK


@pytest.mark.parametrize("zone", [pytz.FixedOffset(60), UTC, 5, None, "Mars/Base"])
def test_what_has_no_name_is_no_zone_of_a_rule(zone: object) -> None:
    """A rule across changes of clocks needs a place."""
    with pytest.raises(ScheduleError, match="IANA"):
        Refresh.of({"cycle": "daily", "time": "06:00:00", "zone": zone})
