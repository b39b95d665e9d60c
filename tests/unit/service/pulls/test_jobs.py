"""Jobs for people: the service, its commands and the page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.domain.tables.datasets import Window
from core.errors import NotFoundError, UsageError
from core.jobs import worker
from core.jobs.queue.port import JobStatus
from core.service.activity import feed
from core.service.desk import Desk
from core.service.kernel import commands
from core.service.pulls import jobs, pull_jobs
from core.store import events
from tests.shown import tables

PAGE = Path(__file__).resolve().parents[4] / "pages" / "jobs.py"
LEASE = timedelta(seconds=60)


def dead(desk: Desk, dataset: str = "prices.daily", error: str = "no such dataset") -> str:
    job_id = desk.queue.publish("pull", {"dataset": dataset, "trigger": "schedule"}).job_id
    job = desk.queue.claim("w", LEASE)
    assert job is not None
    desk.queue.bury(job, error)
    return job_id


def opened(**query: str) -> AppTest:
    at = AppTest.from_file(PAGE, default_timeout=30)
    for key, value in query.items():
        at.query_params[key] = value
    return at.run()


def test_listing_says_what_each_job_is(desk: Desk) -> None:
    """A dead letter is listed with dataset, trigger, attempts and reason."""
    job_id = dead(desk)
    desk.queue.publish("grade", {"lane": "grade"})
    (row,) = jobs.listing(desk, ["dead"]).to_dicts()
    assert (row["job_id"], row["event"], row["dataset"], row["trigger"], row["attempts"]) == (
        job_id,
        "pull",
        "prices.daily",
        "schedule",
        1,
    )
    assert row["error"] == "no such dataset"
    assert jobs.listing(desk, event="grade")["dataset"].to_list() == [None]
    assert jobs.counts(desk)["dead"] == 1
    with pytest.raises(UsageError, match="'late' is not a state"):
        jobs.listing(desk, ["late"])


def test_commands_retry_and_discard(desk: Desk) -> None:
    """The commands act on named jobs, or on every dead letter with --all."""
    first, second = dead(desk), dead(desk)
    listed = commands.run(desk, "jobs", {"state": ["dead"]}).document
    assert {job["job_id"] for job in listed["jobs"]} == {first, second}
    assert commands.run(desk, "jobs_retry", {"jobs": [first]}).document == {"queued": [first]}
    assert commands.run(desk, "jobs_discard", {"all": True}).document == {"discarded": [second]}
    assert desk.queue.get(first).status is JobStatus.QUEUED
    with pytest.raises(UsageError, match="name the jobs"):
        commands.run(desk, "jobs_retry", {})


@pytest.mark.parametrize(
    ("change", "kind"), [(jobs.retry, "job.revived"), (jobs.discard, "job.discarded")]
)
def test_what_was_done_before_one_is_refused_is_told(
    desk: Desk, change: Callable[..., list[str]], kind: str
) -> None:
    """The queue changed with each of them, so the trouble that each tells of is over."""
    dead_ones = [dead(desk), dead(desk)]
    with desk.warehouse.transaction() as tx:
        events.add(tx, [worker.given_up(desk.queue.get(one)) for one in dead_ones], desk.now())
    with pytest.raises(NotFoundError, match="there is no job 'nobody'"):
        change(desk, [dead_ones[0], "nobody", dead_ones[1]])
    told = feed.following(desk, feed.chosen([kind]), "")
    assert [event["subject"] for event in told] == [dead_ones[0]]
    assert desk.queue.get(dead_ones[1]).status is JobStatus.DEAD


def test_page_retries_dead_letters(desk: Desk) -> None:
    """Without a choice *Try again* takes all of them."""
    ids = [dead(desk), dead(desk, error="gone | wrong")]
    at = opened(view="Dead letters")
    assert not at.exception
    assert tables(at)[0]["error"] == ["gone | wrong", "no such dataset"]
    at.button(key="jobs_retry").click().run()
    assert not at.exception
    assert [desk.queue.get(job_id).status for job_id in ids] == [JobStatus.QUEUED] * 2


def test_page_discards_the_chosen_one(desk: Desk) -> None:
    """Only the chosen dead letter is put away."""
    keep, away = dead(desk), dead(desk)
    at = opened(view="Dead letters")
    at.multiselect(key="jobs_dead").select(away).run()
    at.button(key="jobs_discard").click().run()
    assert [desk.queue.get(j).status for j in (keep, away)] == [JobStatus.DEAD, JobStatus.DISCARDED]


def test_page_shows_the_queue_and_the_history(desk: Desk) -> None:
    """The queue lists what waits in order; the history is filtered by the address."""
    desk.queue.publish("pull", {"dataset": "prices.daily"})
    desk.queue.publish("pull", {"dataset": "sec.facts"}, priority=100)
    queue = opened()
    assert tables(queue)[0]["dataset"] == ["sec.facts", "prices.daily"]
    assert [m.value for m in queue.metric] == ["0", "2", "0", "0"]
    desk.queue.cancel(desk.queue.find()[0].id)
    history = opened(view="History", state="cancelled")
    assert tables(history)[0]["dataset"] == ["sec.facts"]


def test_page_calls_a_job_off(desk: Desk) -> None:
    """A waiting job is cancelled from the page."""
    job_id = desk.queue.publish("pull", {"dataset": "prices.daily"}).job_id
    at = opened()
    at.selectbox(key="jobs_off").select(job_id).run()
    at.button(key="jobs_cancel").click().run()
    assert not at.exception
    assert desk.queue.get(job_id).status is JobStatus.CANCELLED


def test_steps_of_an_interval_do_not_wait_in_line() -> None:
    """A step whose successor is due is let go, tried or not; another window only once tried."""
    closes = datetime(2026, 11, 30, 14, 6, tzinfo=UTC)
    window = Window("d", closes, closes, closes, closes)
    desk = SimpleNamespace(now=lambda: closes)
    dataset = SimpleNamespace(catch_up="latest")
    early = SimpleNamespace(now=lambda: closes - timedelta(seconds=1))

    def superseded(desk: object, **known: Any) -> bool:
        job = SimpleNamespace(**{"payload": {}, "last_error": None, **known})
        return pull_jobs.is_superseded(desk, dataset, job, window)  # type: ignore[arg-type]

    assert superseded(desk, payload={"repeats": True})
    assert not superseded(early, payload={"repeats": True})
    assert not superseded(desk)
    assert superseded(desk, last_error="503")
    dataset.catch_up = "all"
    assert not superseded(desk, payload={"repeats": True})
