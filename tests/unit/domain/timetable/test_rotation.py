"""Which backups stay: a day, a week and a month at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.domain.timetable.rotation import Rotation, kept
from core.errors import SettingsError
from core.settings import load

NEW_YORK = "America/New_York"
LAST = datetime(2026, 11, 27, 18, 30, tzinfo=ZoneInfo(NEW_YORK))
ROTATION = Rotation.of("7d 4w 12m")


def test_two_years_of_days_are_thinned_to_days_weeks_and_months() -> None:
    """Run every evening: never more than all counts together, and each unit has its newest."""
    have: set[datetime] = set()
    for back in range(730, -1, -1):
        have.add((LAST - timedelta(days=back)).astimezone(UTC))
        have = kept(list(have), ROTATION, NEW_YORK)
        assert len(have) <= 7 + 4 + 12
    days = sorted(instant.astimezone(ZoneInfo(NEW_YORK)).date() for instant in have)
    assert days[-7:] == [(LAST - timedelta(days=n)).date() for n in range(6, -1, -1)]
    assert len({(day.year, day.month) for day in days}) == 12
    sundays = [day for day in days if day.isoweekday() == 7 and day > days[-1] - timedelta(28)]
    assert len(sundays) == 3  # the fourth week is this one


def test_the_newest_always_stays_and_a_day_begins_at_midnight_of_its_zone() -> None:
    """Two of one evening are two days in UTC, and one in New York."""
    early = datetime(2026, 11, 27, 23, 0, tzinfo=UTC)
    late = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)
    assert kept([early, late], Rotation.of("2d"), NEW_YORK) == {late}
    assert kept([early, late], Rotation.of("2d"), "UTC") == {early, late}
    assert kept([], ROTATION, NEW_YORK) == set()


@pytest.mark.parametrize("text", ["", "7", "d", "7d 3d", "7x", "0d 0w", "-1d", "7 d", "7d, 4w"])
def test_what_is_no_rotation_is_refused(text: str) -> None:
    """Here and as a setting, by its name."""
    with pytest.raises(ValueError, match="must"):
        Rotation.of(text)
    with pytest.raises(SettingsError, match="OPENBELL_BACKUP_KEEP"):
        load(backup_keep=text)


@pytest.mark.parametrize("text", ["7d 4w 12m", "7d4w", "1m", " 3w 0m "])
def test_a_setting_that_is_accepted_is_a_rotation(text: str) -> None:
    """What passes at the start never fails in the evening."""
    assert Rotation.of(load(backup_keep=text).backup_keep)
