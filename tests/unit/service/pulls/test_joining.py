"""Refresh now beside the clock: it joins what is under way, and asks anew where that has failed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.jobs.queue.port import FRONT, JobStatus
from core.service.desk import Desk
from core.service.pulls import datasets, joining, refresh

NAME = "prices.daily"
DUE = datetime(2026, 11, 27, 11, 30, tzinfo=UTC)


def caught_up(desk: Desk, due: datetime = DUE, **given: Any) -> str:
    """A catch-up of a window, queued as the scheduler does it; its id."""
    payload = {"dataset": NAME, "trigger": "catch-up", "due_at": due.isoformat(), **given}
    return desk.queue.publish("pull", payload, dedupe_key=f"window {due}").job_id


def test_a_press_joins_the_catch_up_that_waits_and_brings_it_forward(desk: Desk) -> None:
    """No second pull of the same data, and no place at the end of the line."""
    waiting = caught_up(desk)
    (ticket,) = refresh.refresh_now(desk, [NAME])
    assert (ticket.job_id, ticket.joined) == (waiting, True)
    assert desk.queue.get(waiting).priority == FRONT
    assert len(desk.queue.find((JobStatus.QUEUED,))) == 1


def test_a_press_joins_the_catch_up_that_runs(desk: Desk) -> None:
    """Refresh all beside a running catch-up: its pulls are the ones that are watched."""
    running = caught_up(desk)
    desk.queue.claim("worker", timedelta(minutes=1))
    tickets = refresh.refresh_now(desk, [NAME, "universe"])
    assert [(t.dataset, t.joined) for t in tickets] == [(NAME, True), ("universe", False)]
    assert tickets[0].job_id == running


def test_of_several_windows_the_newest_is_joined_and_none_overtakes(desk: Desk) -> None:
    """Windows of a backlog are pulled in their order."""
    caught_up(desk, DUE - timedelta(days=1))
    newest = caught_up(desk)
    (ticket,) = refresh.refresh_now(desk, [NAME])
    assert ticket.job_id == newest
    assert desk.queue.get(newest).priority < FRONT


@pytest.mark.parametrize("why", ["window given", "called off", "asked by hand"])
def test_a_pull_of_its_own(desk: Desk, why: str) -> None:
    """A window that is named, a pull that is being called off: those are not joined."""
    trigger = "manual" if why == "asked by hand" else "catch-up"
    other = caught_up(desk, trigger=trigger)
    if why == "called off":
        desk.queue.claim("worker", timedelta(minutes=1))
        desk.queue.cancel(other)
    start = DUE if why == "window given" else None
    (ticket,) = refresh.refresh_now(desk, [NAME], start=start)
    assert (ticket.job_id != other, ticket.joined) == (True, False)


def failed(desk: Desk) -> str:
    """A catch-up whose first try has failed and that waits for the next one; its id."""
    job_id = caught_up(desk)
    job = desk.queue.claim("worker", timedelta(minutes=1))
    assert job is not None
    desk.queue.retry(job, "the server failed (503)", desk.now() + timedelta(minutes=5))
    return job_id


def test_what_has_failed_is_asked_for_anew(desk: Desk) -> None:
    """Whoever presses does not wait for the next try of the clock."""
    job_id = failed(desk)
    assert desk.queue.get(job_id).status is JobStatus.QUEUED
    (ticket,) = refresh.refresh_now(desk, [NAME])
    assert (ticket.job_id != job_id, ticket.joined) == (True, False)


def test_who_joined_is_told_when_it_fails_and_when_it_is_tried_again(desk: Desk) -> None:
    """Nobody hangs through the waits between tries; *Datasets* tells of the same instant."""
    job_id = failed(desk)
    seen = refresh.progress(desk, job_id)
    assert seen.over
    assert seen.next_try == desk.queue.get(job_id).run_at
    assert joining.next_tries(desk) == {NAME: seen.next_try}
    status = next(s for s in datasets.overview(desk) if s.name == NAME)
    assert status.next_try == seen.next_try
