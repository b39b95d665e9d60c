"""What runs and what failed, on *Datasets*, *Jobs* and *Overview*."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from components.kit import once
from components.parts import overview
from components.parts import refresh as parts
from core.domain.tables.pace import Pace
from core.service.desk import Desk
from core.service.pulls import datasets
from core.service.pulls.refresh import PullStatus
from core.sources.pulled import Progress
from tests.filled import fill
from tests.opened import run_page
from tests.shown import tables

NAME = "prices.daily"
COUNTED = "sec.facts"  # of a source whose percent are no steps


@pytest.fixture(autouse=True)
def _fresh_cache():
    """No test sees the statuses that another one read."""
    once.forget()


@pytest.fixture
def pulled(desk: Desk) -> Desk:
    """A desk on which a pull that counts its files runs, a quarter of them done."""
    fill(desk)
    payload = {"dataset": COUNTED, "trigger": "catch-up"}
    job = desk.queue.publish("pull", payload).job_id
    desk.queue.claim("worker", timedelta(minutes=1))
    desk.board.start(job, COUNTED)
    desk.board.report(job, Progress("25 of 100 files", rows=500, bytes=2_000_000, percent=25.0))
    return desk


@pytest.mark.parametrize("page", ["datasets", "jobs"])
def test_a_pull_shows_how_far_it_is_in_its_row(pulled: Desk, page: str) -> None:
    """A bar with percent, and rows, rate and size in words."""
    at = run_page(page)
    assert not at.exception
    table = tables(at)[0]
    row = table["percent"].index("25 %")
    assert "500 rows" in table["doing"][row]


def test_the_bar_of_a_pull_has_rows_rate_and_rest() -> None:
    """Also before its source has counted anything."""
    so_far = Progress("reading", rows=1200, bytes=3_000_000)
    item = PullStatus(
        "j", NAME, "running", so_far=so_far, elapsed_seconds=4.0, pace=Pace(300.0, 20.0, 16.2)
    )
    said = "reading · 1,200 rows · 300 rows/s · 3.0 MB · 4.0 s · about 16 s left"
    assert parts.doing(item) == said
    assert parts.doing(PullStatus("j", NAME, "running")) == "running"


def test_a_pull_that_is_tried_again_is_told_as_failed() -> None:
    """With the next try in the reader's zone."""
    at = datetime(2026, 11, 30, 14, 15, tzinfo=UTC)
    item = PullStatus("j", NAME, "queued", error=f"{NAME}: connection refused.", next_try=at)
    assert (parts.ended_as(item), item.over) == ("failed", True)
    assert parts.outcome(item) == "connection refused. Tried again Mon 30 Nov 09:15 ET."


def test_one_outage_is_told_once(desk: Desk) -> None:
    """However many datasets wait for the host; of several tries the next one."""
    statuses = [s for s in datasets.overview(desk) if s.source == "foundry"][:3]
    failed = [
        replace(s, freshness="failing", last_error=f"{s.name}: connection refused [h].")
        for s in statuses
    ]
    tries = [datetime(2026, 11, 30, 14, minute, tzinfo=UTC) for minute in (15, 30)]
    late = zip(failed, [*reversed(tries), None], strict=True)
    found = overview._by_reason(
        desk, [replace(s, failing_since=None, next_try=at) for s, at in late]
    )
    assert {said: [s.name for s in alike] for said, alike in found.items()} == {
        "**Connection refused** · next try Mon 30 Nov 09:15 ET": [failed[n].name for n in (1, 0, 2)]
    }


def test_a_failed_pull_is_one_calm_line_with_the_rest_behind_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No red box; the whole error is behind *Details*."""
    fill(desk)
    at = datetime(2026, 11, 30, 14, 15, tzinfo=UTC)
    error = f"{NAME}: connection refused [127.0.0.1:9/q]. Start the container."
    broken = [
        replace(s, last_error=error, failing_since=at, next_try=at) if s.name == NAME else s
        for s in datasets.overview(desk)
    ]
    monkeypatch.setattr("components.kit.shell.statuses", lambda _: broken)
    page: AppTest = run_page("datasets", dataset=NAME)
    assert not page.exception
    assert [box.value for box in page.error] == []
    told = [text.value for text in page.markdown]
    assert any("**Connection refused** · since Mon 30 Nov 09:15 ET · next try" in t for t in told)
    assert any("Start the container" in t and "Last good pull" in t for t in told)
