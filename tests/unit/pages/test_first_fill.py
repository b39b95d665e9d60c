"""What stands on pages while the desk is filled for the first time, and where nothing fills it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from components.kit import once
from core.domain.tables.pace import Pace
from core.service.desk import Desk
from core.service.pulls import datasets, refresh, upstreams
from core.sources.pulled import Progress
from tests.opened import opened

PAGES = ("overview", "gap_scan", "gap_statistics", "symbol", "plans", "risk")


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    """Pages keep what they were told for some seconds."""
    once.forget()


def pulled(desk: Desk, monkeypatch: pytest.MonkeyPatch, *, again: bool = False) -> None:
    """Let the daily bars and the facts be pulled: one by its rows, one with an estimate."""
    names = {"sec.facts": 17.0, "prices.daily": None}
    monkeypatch.setattr(datasets, "overview", _with_jobs(desk, names))
    later = desk.now() + timedelta(minutes=5) if again else None

    def progress(_: Desk, job: str) -> refresh.PullStatus:
        pace = Pace(1000.0, names[job], None if names[job] is None else 120.0)
        told = Progress("Downloading", rows=4_000)
        return refresh.PullStatus(job, job, "running", so_far=told, pace=pace, next_try=later)

    monkeypatch.setattr(refresh, "progress", progress)


def _with_jobs(desk: Desk, names: dict[str, float | None]) -> Callable[[Desk], list[object]]:
    plain = datasets.overview(desk)
    with_jobs = [replace(s, running_job=s.name if s.name in names else None) for s in plain]
    return lambda _: with_jobs  # type: ignore[return-value]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_without_prices_tells_how_far_the_first_fill_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    """The daily bars first, with rows and rate; an estimate where the pull counts what is left."""
    pulled(desk, monkeypatch)
    at = opened(page)
    said = [str(item.proto.text) for item in at.get("progress")]
    assert said == [
        "**prices.daily** Downloading · 4,000 rows · 1,000 rows/s",
        "**sec.facts** Downloading · 4,000 rows · 1,000 rows/s · about 2 min left",
    ]
    assert any("The desk is being filled" in item.value for item in at.markdown)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("again", [False, True])
def test_where_nothing_fills_it_the_page_says_where_to_pull(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, page: str, again: bool
) -> None:
    """Also where the pull failed and is tried again later."""
    if again:
        pulled(desk, monkeypatch, again=True)
    at = opened(page)
    assert not at.get("progress")
    assert any("There are no prices yet" in item.value for item in at.markdown)


def test_container_and_sec_behind_one_address_are_down_together(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind one proxy: each is told, *Datasets* is drawn, and the landing page tells of both
    before a pull has failed of it.
    """
    now = desk.now()
    hosts = [
        upstreams.UpstreamStatus(
            "127.0.0.1:9", source, label, "open", now, now, now, "refused", False, (name,)
        )
        for source, label, name in (
            ("foundry", "container", "prices.daily"),
            ("sec", "SEC", "sec.facts"),
        )
    ]
    monkeypatch.setattr(upstreams, "down", lambda _: hosts)
    for page in ("datasets", "overview"):
        said = " ".join(item.value for item in opened(page).markdown)
        assert "could not be drawn" not in said
        assert "container down" in said
        assert "SEC down" in said
