"""The upkeep of a lake is on the timetable of an engine whose store is in one, and of no other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from core.service.desk import Desk
from core.service.engine import DeskEngine

LAKE = "ducklake:postgresql://nobody/desk?data=/nowhere"


@pytest.mark.parametrize(
    ("chosen", "hour_utc"),
    [
        ({"store_url": LAKE, "lake_upkeep_time": "03:30"}, 8),
        ({"store_url": LAKE, "lake_upkeep_time": ""}, None),
        pytest.param({"lake_upkeep_time": "03:30"}, None, marks=pytest.mark.in_file),
    ],
)
def test_the_upkeep_of_a_lake_is_published_at_its_time(
    desk: Desk, chosen: dict[str, Any], hour_utc: int | None
) -> None:
    """In New York's time, once a day; not without a time, and not for a file."""
    desk.settings = desk.settings.model_copy(update=chosen)
    scheduler = DeskEngine(desk)._scheduler
    assert scheduler is not None
    timed = next((item for item in scheduler._timed if item.event_name == "lake_upkeep"), None)
    if hour_utc is None:
        assert timed is None
        return
    assert timed is not None
    day = datetime(2026, 1, 6, tzinfo=UTC), datetime(2026, 1, 7, tzinfo=UTC)
    assert [at.hour for at in timed.schedule.between(*day)] == [hour_utc]
