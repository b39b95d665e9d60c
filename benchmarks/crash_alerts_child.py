"""One life of a desk that tells of events and will be killed; see `crash_alerts`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd  # noqa: F401 - DuckDB imports it with the first parameter: a second per life

import core.service.everything  # noqa: F401 - registers what can be asked for
from benchmarks.crash_child import Marker, Phase
from core import settings
from core.observe import logs
from core.observe.events import Event
from core.service.alerts import delivering
from core.service.desk import Desk
from core.sources.outward.letter import Outlet
from core.store import events
from core.store.deliveries import Delivery


def live(folder: str, own: dict[str, Any], first: int, count: int) -> None:
    """One life of a desk: `count` events from number `first` on, then work until all is told."""
    logs.configure("json", "CRITICAL")
    marker = Marker(Path(folder) / "marker")
    marker.set(Phase.STARTING)
    _mark_noting(marker)
    with Desk.open(settings.load(**own)) as desk:
        desk.start(scheduler=False)
        _tell(desk, range(first, first + count))
        marker.set(Phase.COMMITTED)
        while left(desk):
            time.sleep(0.05)


def _mark_noting(marker: Marker) -> None:
    note = delivering.note_success

    def noting(desk: Desk, delivery: Delivery, outlet: Outlet, merged: Sequence[str]) -> None:
        marker.set(Phase.WRITING)
        note(desk, delivery, outlet, merged)
        marker.set(Phase.IDLE)

    delivering.note_success = noting


def _tell(desk: Desk, numbers: range) -> None:
    """Commit events, each alone, that are alerts at every place, unless they are there."""
    names = [f"job-{number}" for number in numbers]
    with desk.warehouse.transaction() as tx:
        known = events.told(tx, "job.dead", names)
    for name in names:
        if name not in known:
            made = Event.of("job.dead", name, f"{name} died", after={"job": "grade"})
            with desk.warehouse.transaction() as tx:
                events.add(tx, [made], desk.now())


def left(desk: Desk) -> int:
    """Events and deliveries that are not through; both places get every event."""
    found = desk.warehouse.read_anew(
        "SELECT 2 * (SELECT count(*) FROM events WHERE subject LIKE 'job-%') - count(*) AS n "
        "FROM alert_deliveries WHERE state = 'sent' AND alert_id IN "
        "(SELECT alert_id FROM alerts WHERE subject LIKE 'job-%')"
    )
    return int(found.item())
