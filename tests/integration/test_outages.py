"""Outages of an upstream at window time: nothing is lost, little is asked, all is pulled then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from core.jobs.queue import Status
from tests.outage_rig import BEGIN, DUE, Rig, rows
from tests.upstreams import Running


@pytest.fixture
def upstreams() -> Iterator[Running]:
    """Stand-ins for the container and the SEC."""
    with Running(rows()) as running:
        yield running


@pytest.mark.parametrize(
    ("seconds", "restart"),
    [(90, False), (90, True), (600, False), (3 * 3600, True)],
    ids=["90s", "90s-restarted", "10min", "3h-restarted"],
)
async def test_every_window_is_pulled_within_a_minute_of_the_return(
    tmp_path: Path, upstreams: Running, seconds: int, restart: bool
) -> None:
    """At most 20 requests a minute meanwhile at either side; one *down* and one *up* each."""
    with capture_logs() as lines:
        async with Rig(tmp_path, upstreams) as rig:
            await rig.until(BEGIN + timedelta(minutes=9), 60)
            rig.fail("ws-503", "sec-503")
            began = BEGIN + timedelta(minutes=9)
            rig.minutes.clear()
            back = max(began + timedelta(seconds=seconds), DUE + timedelta(seconds=30))
            await rig.until(min(back, DUE + timedelta(minutes=2)), 5)
            await rig.until(DUE + (back - DUE) / 2, max(30.0, seconds / 20))
            if restart:
                await rig.restart()
            await rig.until(back - timedelta(seconds=20), max(30.0, seconds / 20))
            await rig.until(back, 5)
            assert rig.answered() == set()
            assert sum(rig.minutes.values()) > 0
            assert max(rig.minutes.values()) <= 20
            rig.fail()
            await rig.until(back + timedelta(seconds=60), 5.0)
            assert rig.answered() == rig.datasets()
            assert rig.desk.queue.counts()[Status.DEAD] == 0
            doubled = rig.desk.warehouse.read(
                "SELECT count(*) FROM pulls WHERE due_at = ? AND state <> 'failed'", [DUE]
            )
            assert doubled.item() == len(rig.datasets())
    told = [(line["event"], line["upstream"]) for line in lines if "upstream" in line]
    assert sorted(told) == [
        ("upstream down", "SEC"),
        ("upstream down", "container"),
        ("upstream up", "SEC"),
        ("upstream up", "container"),
    ]
