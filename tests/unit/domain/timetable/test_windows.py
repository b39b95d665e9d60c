"""Due windows: catch-up, coalesce, lag, misfire grace; a desk that was off for 40 days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.tables.datasets import Dataset, Window
from core.domain.timetable.schedule import Schedule
from core.domain.timetable.windows import Policy, due_windows, policy_of, schedule_of, start_at
from core.errors import ScheduleError

DAILY = Schedule([{"cycle": "daily", "time": "06:00:00", "zone": "America/New_York"}], timedelta(0))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def dues(windows: list[Window]) -> list[datetime]:
    return [w.due_at for w in windows if w.due_at]


# Off from 20 February to 1 April 2025: the clocks changed on 9 March
OFF, BACK = utc(2025, 2, 20, 11), utc(2025, 4, 1, 12)


def test_forty_days_off_catching_up_all() -> None:
    """Every missed window once, at 06:00 New York on both sides of the change."""
    found = dues(due_windows("d", DAILY, OFF, BACK, Policy("all")))
    assert len(found) == len(set(found)) == 40
    assert found[0] == utc(2025, 2, 21, 11)
    assert found[-1] == utc(2025, 4, 1, 10)
    assert {t.hour for t in found} == {10, 11}


def test_forty_days_off_with_a_cap() -> None:
    """The cap keeps the newest."""
    found = dues(due_windows("d", DAILY, OFF, BACK, Policy("all", cap=3)))
    assert found == [utc(2025, 3, 30, 10), utc(2025, 3, 31, 10), utc(2025, 4, 1, 10)]


def test_forty_days_off_coalesced() -> None:
    """One pull over the whole span, under the id of the latest window."""
    (found,) = due_windows("d", DAILY, OFF, BACK, Policy("all", coalesce=True))
    (latest,) = due_windows("d", DAILY, OFF, BACK, Policy("latest"))
    assert (found.start, found.end) == (utc(2025, 2, 21, 11), utc(2025, 4, 2, 10))
    assert found.id == latest.id


def test_forty_days_off_latest_and_none() -> None:
    """latest pulls one window, none pulls nothing that was missed."""
    assert dues(due_windows("d", DAILY, OFF, BACK, Policy("latest"))) == [utc(2025, 4, 1, 10)]
    assert due_windows("d", DAILY, OFF, BACK, Policy("none")) == []


ZERO = timedelta(0)
EVERY_MINUTE = Schedule(
    [
        {
            "cycle": "interval",
            "exchange": "XNYS",
            "anchor": "open",
            "every_minutes": 1,
            "from_minutes": -330,
            "to_minutes": 2,
        }
    ],
    ZERO,
)


def test_window_on_time_runs_under_every_policy() -> None:
    """A few seconds late is not missed, and supersedes what was."""
    now = utc(2025, 4, 1, 10, 0, 30)
    for policy in (Policy("none"), Policy("latest")):
        assert dues(due_windows("d", DAILY, OFF, now, policy)) == [utc(2025, 4, 1, 10)]
    late = due_windows("d", DAILY, OFF, now + timedelta(minutes=5), Policy("none"))
    assert late == []


def test_what_the_catalogue_does_not_say_is_as_usual() -> None:
    """No lag, no jitter, five minutes of grace."""
    assert Policy.of("latest", {}) == Policy()


def test_never_pulled_takes_the_latest_only() -> None:
    """A new dataset does not pull its past."""
    assert dues(due_windows("d", DAILY, None, BACK, Policy("all"))) == [utc(2025, 4, 1, 10)]
    assert due_windows("d", DAILY, None, BACK, Policy("none")) == []
    assert due_windows("d", Schedule([]), None, BACK, Policy()) == []


def test_window_reaches_from_its_refresh_to_the_next() -> None:
    """[due, next), earlier by the lag, with the zone of the rule and an id of its due instant."""
    policy = Policy(lag=timedelta(hours=1))
    (window,) = due_windows("d", DAILY, None, BACK, policy)
    assert window == Window(
        "d",
        utc(2025, 4, 1, 9),
        utc(2025, 4, 2, 10),
        utc(2025, 4, 1, 10),
        utc(2025, 4, 2, 10),
        "America/New_York",
    )
    assert window.id == due_windows("d", DAILY, OFF, BACK, Policy())[0].id
    assert window.id != due_windows("e", DAILY, OFF, BACK, Policy())[0].id


def test_foundry_datasets_are_spread_unless_told_otherwise() -> None:
    """Several desks that ask in one second get a mixed file; the SEC has no such fault."""
    for source, options, seconds in (
        ("foundry", {}, 20),
        ("foundry", {"jitter_seconds": 0}, 0),
        ("sec", {}, 0),
    ):
        dataset = Dataset("d", source, "t", ("k",), {}, options=options)
        assert policy_of(dataset).jitter == timedelta(seconds=seconds)


def test_jitter_spreads_the_start() -> None:
    """The fraction of the jitter is passed in, so a test decides it."""
    (window,) = due_windows("d", DAILY, None, BACK, Policy())
    policy = Policy(jitter=timedelta(seconds=60))
    assert start_at(window, BACK, policy, 0.5) == BACK + timedelta(seconds=30)


def test_jitter_leaves_the_steps_of_an_interval_apart() -> None:
    """Twenty seconds are a third of a minute: a quarter is taken at most."""
    due = utc(2026, 11, 30, 14, 0)
    policy = Policy(jitter=timedelta(seconds=20))
    (window,) = due_windows("d", EVERY_MINUTE, due - timedelta(seconds=1), due, policy)
    assert window.end - window.start == timedelta(minutes=1)
    assert start_at(window, due, policy, 1.0) == due + timedelta(seconds=15)


def test_of_the_steps_slept_through_the_latest_is_pulled() -> None:
    """A desk that wakes at 9:05 pulls once for the minutes since four, not three hundred times."""
    now = utc(2026, 11, 30, 14, 5, 30)
    found = due_windows("d", EVERY_MINUTE, utc(2026, 11, 27, 15), now, Policy(misfire_grace=ZERO))
    assert dues(found) == [utc(2026, 11, 30, 14, 5)]


def test_policy_of_a_catalogue_entry() -> None:
    """Words in `options` become the policy; a bad one is refused by name."""
    dataset = Dataset(
        "d",
        "file",
        "t",
        (),
        {},
        schedule=({"cycle": "daily", "time": "06:00:00"},),
        buffer_minutes=0,
        catch_up="all",
        options={"lag_minutes": 90, "coalesce": True, "catch_up_cap": 7, "jitter_seconds": 5},
    )
    assert policy_of(dataset) == Policy(
        "all", 7, True, timedelta(minutes=90), timedelta(minutes=5), timedelta(seconds=5)
    )
    assert schedule_of(dataset).buffer == timedelta(0)


@pytest.mark.parametrize(
    "options",
    [{"lag_minutes": -1}, {"catch_up_cap": 0}, {"coalesce": "yes"}, {"jitter_seconds": True}],
)
def test_bad_options_are_refused(options: dict[str, object]) -> None:
    """The message names the option."""
    with pytest.raises(ScheduleError, match=next(iter(options))):
        policy_of(Dataset("d", "file", "t", (), {}, options=options))


@given(st.lists(st.integers(1, 4 * 86400), min_size=1, max_size=20))
def test_however_the_clock_fires_every_window_comes_once(steps: list[int]) -> None:
    """Ticks at any moments, each from the last handled window: none missed, none doubled."""
    now = since = utc(2025, 10, 20)
    seen: list[datetime] = []
    for step in steps:
        now += timedelta(seconds=step)
        found = dues(due_windows("d", DAILY, since, now, Policy("all")))
        seen += found
        since = found[-1] if found else since
    assert seen == DAILY.between(utc(2025, 10, 20), now)
