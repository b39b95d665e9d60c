"""Health of a desk that only reads: what is the engine's to do is no fault of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from core.service.care import (
    backing_up,
    health,
    health_checks,  # noqa: F401 - registers the checks
)
from core.service.desk import Desk


@pytest.fixture
def reading(desk: Desk) -> Desk:
    """A desk that hands on to an engine, which leads until `away` says otherwise."""
    desk.relay = SimpleNamespace(away=lambda: None)  # type: ignore[assignment]
    return desk


def _led(desk: Desk, away: float | None) -> None:
    found: Any = desk.relay
    found.away = lambda: away


@pytest.mark.parametrize("name", ["write", "engine"])
def test_a_desk_without_an_engine_warns_and_goes_on(name: str, reading: Desk) -> None:
    """It still serves what is stored, so nothing may take it out of the proxy."""
    assert health.CHECKS[name].look(reading).message == "an engine leads"
    _led(reading, 12.4)
    found = health.CHECKS[name].look(reading)
    assert (found.status, found.message) == ("warn", "read-only for 12 s")
    assert name not in health.readiness(reading)
    _led(reading, None)
    assert health.CHECKS[name].look(reading).status == "ok"


@pytest.mark.parametrize("name", ["scheduler", "detector", "datasets", "drill"])
def test_what_an_engine_does_is_not_missed_at_a_desk(name: str, reading: Desk) -> None:
    """A desk has no clock and no drill of its own."""
    found = health.CHECKS[name].look(reading)
    assert (found.status, found.message) == ("ok", "the engine's")


def test_datasets_nobody_looks_at_are_not_in_time(make_desk: Callable[..., Desk]) -> None:
    """The detector is off with the scheduler; what it would find is not known."""
    desk = make_desk(scheduler=False)
    found = health.CHECKS["datasets"].look(desk)
    assert (found.status, found.message) == ("ok", "not looked at, as OPENBELL_SCHEDULER says")


def test_a_backup_of_the_future_is_told(desk: Desk) -> None:
    """A clock that was set back: it stays the latest for days, whether others are made or not."""
    backing_up.backup_command(desk)
    assert health.CHECKS["backup"].look(desk).status == "ok"
    now = desk.now() - timedelta(days=5)
    desk.now = lambda: now
    found = health.CHECKS["backup"].look(desk)
    assert (found.status, "-120 h old" in found.message) == ("warn", True)
