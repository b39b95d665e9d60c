"""What a soak says of backups, events and alerts, counted from what the desk has stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from core.domain.timetable.windows import schedule_of, window_at
from core.jobs.queue.port import JobStatus
from core.jobs.scheduler import Timed, plan
from core.service.desk import Desk
from core.store import alerts, events

_LATE = timedelta(hours=1)
_MADE = {"backup": "backup.made", "drill": "drill.passed"}
_LETTERS = ("alert", "digest")
_ALERTS = """
    SELECT count(*) FILTER (ends IS NULL) AS alerts, count(ends) AS ends,
           count(*) FILTER (ends IS NULL AND trouble IS NOT NULL AND ended_at IS NULL) AS unended
    FROM alerts
"""
# one trouble of one reader is open once at a time, and its end is told once
_TWICE = """
    SELECT (SELECT count(*) FROM alerts a JOIN alerts b ON a.reader = b.reader
              AND a.trouble = b.trouble AND a.subject = b.subject AND a.alert_id <> b.alert_id
              AND a.ends IS NULL AND b.ends IS NULL AND a.event_id < b.event_id
              AND coalesce(a.ended_at > b.happened_at, true))
         + (SELECT count(*) - count(DISTINCT (reader, ends)) FROM alerts WHERE ends IS NOT NULL)
"""
_DELIVERIES = """
    SELECT count(*) FILTER (state = 'sent') AS sent,
           count(*) FILTER (state NOT IN ('sent', 'merged', 'dropped')) AS unsent
    FROM alert_deliveries WHERE sink <> 'bell'  -- what was held for the page goes nowhere
"""


def all_told(desk: Desk) -> bool:
    """Whether every event was looked at, and every delivery is over."""
    looked = (alerts.cursor(desk.warehouse) or "") >= (events.last_id(desk.warehouse) or "")
    live = [JobStatus.QUEUED, JobStatus.RUNNING]
    return looked and not any(desk.queue.find(live, event_name=name) for name in _LETTERS)


def windows(desk: Desk, begin: datetime, end: datetime) -> dict[str, int]:
    """Windows that fell due, those without a good pull, those with more than one."""
    answered = Counter(
        desk.warehouse.read(
            "SELECT window_id FROM pulls WHERE state IN ('done', 'unchanged', 'partial')"
            " AND due_at IS NOT NULL AND owed IS NOT TRUE"
        )["window_id"].to_list()
    )
    due = [
        window_at(item.dataset.name, schedule, at, item.policy).id
        for item in plan(desk.catalogue.enabled)
        for schedule in [schedule_of(item.dataset)]
        for at in schedule.between(begin, end - timedelta(minutes=1))
    ]
    return {
        "windows": len(due),
        "missed": sum(window not in answered for window in due),  # a dead letter is no answer
        "doubled": sum(answered[window] > 1 for window in due),
    }


def told(desk: Desk, timed: Sequence[Timed], begin: datetime, end: datetime) -> dict[str, Any]:
    """Fields of the report by name."""
    read = desk.warehouse.read_anew
    kinds = read("SELECT kind, count(*) AS n FROM events GROUP BY kind ORDER BY kind")
    return {
        **_kept(desk, "backup", "backups_due", "backups_made", timed, begin, end),
        **_kept(desk, "drill", "drills_due", "drills_equal", timed, begin, end),
        "events": dict(kinds.rows()),
        **read(_ALERTS).row(0, named=True),
        "told_twice": read(_TWICE).item(),
        **read(_DELIVERIES).row(0, named=True),
    }


def _kept(
    desk: Desk,
    name: str,
    due: str,
    made: str,
    timed: Sequence[Timed],
    begin: datetime,
    end: datetime,
) -> dict[str, int]:
    """How many instants there were, and at how many of them the event came within the hour."""
    instants = [
        at for item in timed if item.event_name == name for at in item.schedule.between(begin, end)
    ]
    happened = desk.warehouse.read_anew(
        "SELECT happened_at FROM events WHERE kind = ?", [_MADE[name]]
    )["happened_at"].to_list()
    kept = sum(any(at <= when < at + _LATE for when in happened) for at in instants)
    return {due: len(instants), made: kept}


def slope(memory: list[tuple[int, float]]) -> tuple[tuple[float, float], float]:
    """Memory at a quarter of the run and at its end, and a least-squares slope in between."""
    tail = memory[len(memory) // 4 :]
    if len(tail) < 2:
        return (0.0, 0.0), 0.0
    mean_x = sum(x for x, _ in tail) / len(tail)
    mean_y = sum(y for _, y in tail) / len(tail)
    spread = sum((x - mean_x) ** 2 for x, _ in tail) or 1.0
    rise = sum((x - mean_x) * (y - mean_y) for x, y in tail) / spread
    return (round(tail[0][1], 1), round(tail[-1][1], 1)), round(rise * 1000, 2)
