"""A first fill: what rests on datasets that come for the first time waits until they are there."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING

from core.jobs.queue.port import LIVE, Job, Message
from core.store.pull_state import PullState, pull_states

if TYPE_CHECKING:
    from core.service.desk import Desk

PAUSE = timedelta(seconds=20)  # until a first fill is looked at again


def filling(desk: Desk, tables: Collection[str]) -> list[str]:
    """Datasets of these tables that are being pulled for the first time now.

    One that waits to be tried again does not count: its upstream may be down for long.
    """
    soon = desk.now() + PAUSE
    live = desk.queue.find(LIVE, event_name="pull", limit=1000)
    names = {str(job.payload.get("dataset")) for job in live if job.run_at <= soon}
    known = pull_states(desk.warehouse)
    return [
        dataset.name
        for dataset in desk.catalogue.enabled
        if dataset.table in tables
        and dataset.name in names
        and known.get(dataset.name, PullState()).last_success is None
    ]


def put_off(desk: Desk, job: Job, key: str) -> None:
    """Publish the job's event again, to run after a pause; `key` keeps it one."""
    later = Message(
        job.event_name, job.payload, key, run_at=desk.now() + PAUSE, behind_running=True
    )
    desk.queue.publish_many([later])
