"""Which windows a dataset has to pull now, by its policy. Pure: time and chance are arguments.

The window due at an effective refresh reaches to the next one, [due, next), as users of the
container's client build it from `get_latest_refresh()` and `get_next_refresh()`; `lag` starts it
earlier. A window is *on time* within the misfire grace after its due instant and *missed* later:
only missed ones are subject to catch-up, so a dataset with catch-up "none" still pulls what is
due while the desk runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.domain.tables.datasets import CatchUp, Dataset, Window
from core.domain.timetable.schedule import Schedule
from core.errors import ScheduleError

CATCH_UPS = ("all", "latest", "none")
HORIZON = timedelta(days=3660)
FOUNDRY_JITTER_SECONDS = 20
OPTIONS = {
    "catch_up_cap": "most missed windows pulled by catch-up all (100)",
    "coalesce": "one pull for all missed windows (false)",
    "lag_minutes": "start a window this much earlier, to pull late corrections again (0)",
    "misfire_grace_minutes": "a window this late is still on time (5)",
    "jitter_seconds": "spread the starts at random over so many seconds (20 for Foundry, else 0)",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """What to do about windows; see `OPTIONS` for the words of the catalogue."""

    catch_up: CatchUp = "latest"
    cap: int = 100
    coalesce: bool = False
    lag: timedelta = timedelta(0)
    misfire_grace: timedelta = timedelta(minutes=5)
    jitter: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        if self.catch_up not in CATCH_UPS:
            raise ScheduleError(f"catch_up {self.catch_up!r} is not one of {', '.join(CATCH_UPS)}")
        if isinstance(self.cap, bool) or not isinstance(self.cap, int) or self.cap < 1:
            raise ScheduleError(f"catch_up_cap {self.cap!r} is not a whole number >= 1")
        if not isinstance(self.coalesce, bool):
            raise ScheduleError(f"coalesce {self.coalesce!r} is not true or false")

    @classmethod
    def of(cls, catch_up: CatchUp, options: Mapping[str, Any]) -> Policy:
        """The policy that the words of the catalogue mean; ScheduleError names a bad one."""
        return cls(
            catch_up=catch_up,
            cap=options.get("catch_up_cap", 100),
            coalesce=options.get("coalesce", False),
            lag=_span(options, "lag_minutes", 60, 0),
            misfire_grace=_span(options, "misfire_grace_minutes", 60, 5),
            jitter=_span(options, "jitter_seconds", 1, 0),
        )


def schedule_of(dataset: Dataset) -> Schedule:
    """The schedule of a catalogue entry; it is false when the dataset has no rules."""
    return Schedule(dataset.schedule, timedelta(minutes=dataset.buffer_minutes))


def policy_of(dataset: Dataset) -> Policy:
    """The policy of a catalogue entry from `catch_up` and the words in `options`.

    Foundry datasets are spread by default: the container mixes what it writes for several desks
    that ask for one dataset in the same second.
    """
    usual = {"jitter_seconds": FOUNDRY_JITTER_SECONDS} if dataset.source == "foundry" else {}
    return Policy.of(dataset.catch_up, {**usual, **dataset.options})


def window_at(dataset: str, schedule: Schedule, due_at: datetime, policy: Policy) -> Window:
    """The window of one effective refresh."""
    closes = schedule.get_next_refresh(due_at)
    return Window(dataset, due_at - policy.lag, closes, due_at, closes, schedule.zone)


def due_windows(
    dataset: str, schedule: Schedule, since: datetime | None, now: datetime, policy: Policy
) -> list[Window]:
    """Windows to pull at `now`, oldest first.

    `since` is the due instant handled last; None (never pulled) counts only the latest refresh.
    Asked twice with the same arguments it answers the same ids.
    """
    if not schedule:
        return []
    latest = schedule.get_latest_refresh(now)
    if since is None:
        since = latest - timedelta(microseconds=1)
    due = schedule.between(max(since, now - HORIZON), now)
    line = now - policy.misfire_grace
    on_time = [t for t in due if t >= line]
    missed = _caught_up([t for t in due if t < line], policy, superseded=bool(on_time))
    if policy.coalesce and len(missed) > 1:
        head = [_coalesced(dataset, schedule, missed, policy)]
    else:
        head = [window_at(dataset, schedule, t, policy) for t in missed]
    return head + [window_at(dataset, schedule, t, policy) for t in on_time]


def start_at(window: Window, now: datetime, policy: Policy, fraction: float) -> datetime:
    """When the job of a window starts: now, or later by its jitter (`fraction` in 0..1).

    The jitter takes a quarter of a short window at most, so that steps of an interval stay apart.
    """
    return now + min(policy.jitter, (window.end - window.start) / 4) * fraction


def _caught_up(missed: list[datetime], policy: Policy, *, superseded: bool) -> list[datetime]:
    if policy.catch_up == "all":
        return missed[-policy.cap :]
    if policy.catch_up == "none" or superseded:
        return []
    return missed[-1:]


def _coalesced(dataset: str, schedule: Schedule, missed: list[datetime], policy: Policy) -> Window:
    """One window over all missed ones; it carries the id of the latest."""
    last = window_at(dataset, schedule, missed[-1], policy)
    start = missed[0] - policy.lag
    return Window(dataset, start, last.end, last.due_at, last.closes_at, last.zone)


def _span(options: Mapping[str, Any], key: str, unit_seconds: int, default: float) -> timedelta:
    value = options.get(key, default)
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 10**6
    if not good:
        raise ScheduleError(f"{key} {value!r} is not a number >= 0")
    return timedelta(seconds=round(value * unit_seconds))
