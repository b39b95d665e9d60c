"""An outage of both upstreams: one alert each and one of its end, whatever it causes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.jobs.overdue import OverdueDetector
from core.service.alerts import bell, telling
from core.store.pull_state import pull_states
from tests.outage_rig import BEGIN, DUE, Rig, rows
from tests.upstreams import Running


@pytest.fixture
def upstreams() -> Iterator[Running]:
    """Stand-ins for the container and the SEC."""
    with Running(rows()) as running:
        yield running


@pytest.mark.thorough
async def test_an_outage_is_one_alert_a_host_and_one_of_its_end(
    tmp_path: Path, upstreams: Running
) -> None:
    """Six datasets fall behind meanwhile, and recover: the hosts speak for them."""
    async with Rig(tmp_path, upstreams) as rig:
        detector = OverdueDetector(
            rig.desk.catalogue.enabled,
            lambda: pull_states(rig.desk.warehouse),
            rig.clock,
            recorder=rig.writer,
        )
        await rig.until(BEGIN + timedelta(minutes=9), 60)
        detector.look()
        telling.tell_new(rig.desk)
        rig.break_off("503")
        await rig.until(DUE + timedelta(minutes=2), 10)
        await rig.told("upstream.down", count=2)
        telling.tell_new(rig.desk)
        assert bell.unread(rig.desk) == 2
        await rig.until(DUE + timedelta(minutes=50), 120)
        behind = detector.look()
        assert len(behind) == len(rig.datasets())
        await rig.told("dataset.overdue", count=len(behind))
        telling.tell_new(rig.desk)
        rig.come_back("503")
        await rig.until(DUE + timedelta(minutes=52), 5)
        assert rig.answered() == rig.datasets()
        detector.look()
        await rig.told("dataset.recovered", count=len(behind))
        telling.tell_new(rig.desk)
        await rig.until(DUE + timedelta(minutes=60), 60)
        telling.tell_new(rig.desk)
        told = bell.listing(rig.desk)
    kinds = sorted(told["kind"].to_list())
    assert kinds == ["upstream.down", "upstream.down", "upstream.up", "upstream.up"]
    down = told.filter(told["kind"] == "upstream.down")
    assert down["ended_at"].null_count() == 0
    assert down["subject"].n_unique() == 2
