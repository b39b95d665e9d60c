"""Every fault that lasts is one alert within a minute and one of its end, by the rules as shipped.

The clock is set by hand: a window falls due while the fault lasts, and the next one after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.jobs.overdue import OverdueDetector
from core.observe.events import Event
from core.service.alerts import telling
from core.service.pulls import refresh
from core.store.pull_state import pull_states
from tests.alerted import rows as alerts
from tests.outage_rig import DUE, FOUNDRY, PATIENCE_SECONDS, Rig, rows
from tests.upstreams import Running

BRIEF = {"foundry_idle_seconds": 0.5, "foundry_total_seconds": 5.0, "retries": 1}
LASTING = ["ws-401", "query-failed", "silence", "files-gone", "sha-mismatch", "missing-column"]
LASTING += ["header-only", "rows-lost", "download-500"]  # one of each kind of end
LASTING += ["ws-403", "ws-404", "ws-hang", "error-frame", "drop-before-pointer", "broken-json"]
LASTING += ["endless-keepalive", "html-page", "gzip-bomb", "stalled-body", "download-401"]
LASTING += ["both-404"]


@pytest.fixture
def upstreams() -> Iterator[Running]:
    """Stand-ins for the container and the SEC."""
    with Running(rows()) as running:
        yield running


@pytest.mark.few(1)
@pytest.mark.parametrize("fault", LASTING)
async def test_a_fault_is_one_alert_within_a_minute_and_one_of_its_end(
    tmp_path: Path, upstreams: Running, fault: str
) -> None:
    """Of each dataset, or of their host: whatever is tried meanwhile, though they fall behind."""
    async with Rig(tmp_path, upstreams, **BRIEF) as rig:
        await rig.until(DUE - timedelta(minutes=1), 60)
        detector = OverdueDetector(
            rig.desk.catalogue.enabled,
            lambda: pull_states(rig.desk.warehouse),
            rig.clock,
            recorder=rig.writer,
        )
        detector.look()
        telling.tell_new(rig.desk)
        assert rung(rig) == []
        renew(upstreams)
        rig.fail(fault)
        await rig.until(DUE)
        await rig.until(DUE + timedelta(seconds=60))
        await heard(rig)
        begun = rung(rig)
        hosts = {row[1] for row in begun if row[0] == "upstream.down"}
        assert sorted(row[1] for row in begun) == sorted(hosts or FOUNDRY)
        assert not any(ends for *_, ends in begun)

        await rig.until(DUE + timedelta(minutes=40), 120)
        detector.look()
        await heard(rig)
        assert rung(rig) == begun

        rig.fail("versions-forgotten")  # its clock is not that of the desk: none is of the past
        refresh.refresh_now(rig.desk, FOUNDRY, force=True)
        await rig.settle()
        await rig.until(rig.now + timedelta(minutes=1), 20)
        detector.look()
        await heard(rig)
        await rig.until(rig.now + timedelta(minutes=12), 60)
        await heard(rig)
        ends = rung(rig)[len(begun) :]
        assert rung(rig)[: len(begun)] == begun
        assert all(end for *_, end in ends)
        assert sorted(row[1] for row in ends) == sorted(row[1] for row in begun)


def renew(upstreams: Running) -> None:
    """Other rows, each dataset its own: a version that is known would not be downloaded."""
    for number, name in enumerate(FOUNDRY):
        upstreams.datasets[name] = b"n,value\n1,2.5\n2,3.5\n3,%d\n" % number


def rung(rig: Rig) -> list[tuple[Any, ...]]:
    """What the reader's bell has told."""
    return [row for row in alerts(rig.desk, "local") if row[2]]


async def heard(rig: Rig) -> None:
    """Until every event that was told is stored, and the look at them."""
    rig.writer.record(Event.of("note.written", str(rig.now), "a mark"))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not rig.desk.warehouse.read_anew(
            "SELECT count(*) FROM events WHERE kind = 'note.written' AND subject = ?",
            [str(rig.now)],
        ).item():
            await asyncio.sleep(0.02)
    telling.tell_new(rig.desk)


async def test_a_failure_that_passes_rings_for_nobody(tmp_path: Path, upstreams: Running) -> None:
    """The second try, seconds later, brings the data."""
    async with Rig(tmp_path, upstreams, **(BRIEF | {"retries": 0})) as rig:
        await rig.until(DUE - timedelta(minutes=1), 60)
        rig.fail("sha-mismatch")
        renew(upstreams)
        await rig.until(DUE, 60)
        rig.fail()
        await rig.until(DUE + timedelta(minutes=1))
        await rig.told("pull.failed", count=1)
        telling.tell_new(rig.desk)
        assert rig.answered() == rig.datasets()
        assert rung(rig) == []
