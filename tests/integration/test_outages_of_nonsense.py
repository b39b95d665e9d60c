"""Upstreams that answer, and not by their protocol: to all that is asked, or of one dataset."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.jobs.queue.port import JobStatus
from core.sandbox.foundry.job import FoundryJob
from tests.outage_rig import DUE, FOUNDRY, Rig, rows
from tests.upstreams import CIK, Running, facts, submissions


@pytest.fixture
def upstreams() -> Iterator[Running]:
    """Stand-ins for the container and the SEC."""
    with Running(rows()) as running:
        yield running


NONSENSE = ("broken-json", "pointer-short", "sha-mismatch")
MORE_NONSENSE = (
    "array-frame",
    "null-frame",
    "binary-frame",
    "bad-utf8-frame",
    "deflated-frame",
    "huge-frame",
    "pointer-list",
    "pointer-number",
    "pointer-newline",
    "pointer-upper",
    "pointer-traversal",
    "cut-mid-row",
    "empty-body",
    "html-page",
    "html-as-csv",
    "zip-garbage",
)


@pytest.mark.parametrize(
    "fault",
    [
        "ws-html",
        "ws-garbage",
        *NONSENSE,
        *(pytest.param(fault, marks=pytest.mark.thorough) for fault in MORE_NONSENSE),
    ],
)
async def test_who_answers_nonsense_to_all_is_down(
    tmp_path: Path, upstreams: Running, fault: str
) -> None:
    """A proxy's page, no HTTP, frames or files that are none: told once, asked seldom, pulled."""
    async with Rig(tmp_path, upstreams) as rig:
        upstreams.datasets.update(rows(b"3,3.5"))  # else nothing is downloaded
        rig.fail(fault)
        rig.minutes.clear()
        await rig.until(DUE + timedelta(minutes=3), 5)
        assert not rig.answered() & set(FOUNDRY)
        assert 0 < max(rig.minutes.values()) <= 20
        assert rig.desk.queue.counts()[JobStatus.DEAD] == 0
        rig.fail()
        await rig.until(DUE + timedelta(minutes=4), 5)
        assert rig.answered() == rig.datasets()
        told = await rig.told("upstream", count=2)
    assert [event["kind"] for event in told] == ["upstream.down", "upstream.up"]


async def test_one_dataset_that_is_broken_closes_no_door_to_the_others(
    tmp_path: Path, upstreams: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked seldom, the others are pulled; nobody is told of an outage."""
    run_job = FoundryJob.run

    async def broken(job: FoundryJob, body: dict[str, Any]) -> None:
        if body["names"] == ["two"]:
            await job._socket.send_str('{"type": "final", "succ')
        else:
            await run_job(job, body)

    async with Rig(tmp_path, upstreams) as rig:
        with monkeypatch.context() as patched:
            patched.setattr(FoundryJob, "run", broken)
            await rig.until(DUE + timedelta(minutes=2), 5)
            assert rig.answered() == rig.datasets() - {"two"}
            rig.minutes.clear()
            await rig.until(DUE + timedelta(minutes=4), 5)
            assert 0 < max(rig.minutes.values()) <= 6
        await rig.until(DUE + timedelta(minutes=5), 5)
        assert rig.answered() == rig.datasets()
        assert await rig.told("upstream") == []


@pytest.mark.parametrize(
    "fault",
    [
        "sec-html",
        *(
            pytest.param(fault, marks=pytest.mark.thorough)
            for fault in ("sec-cut-gzip", "sec-garbage")
        ),
    ],
)
async def test_a_sec_that_answers_nonsense_to_all_is_down(
    tmp_path: Path, upstreams: Running, fault: str
) -> None:
    """Each company of a watch list was asked for again while a page of maintenance stood."""
    others = [CIK + n for n in range(1, 13)]
    for cik in others:
        upstreams.documents.bodies[f"/submissions/CIK{cik:010}.json"] = submissions()
        upstreams.documents.bodies[f"/api/xbrl/companyfacts/CIK{cik:010}.json"] = facts()
    async with Rig(tmp_path, upstreams, sec_requests_per_second=10) as rig:
        with rig.desk.warehouse.transaction() as tx:
            for cik in others:
                tx.execute("INSERT INTO watchlist VALUES (?, ?, ?)", [cik, f"M{cik}", rig.now])
        rig.fail(fault)
        await rig.until(DUE, 300)
        rig.minutes.clear()
        await rig.until(DUE + timedelta(minutes=2), 5)
        assert 0 < max(rig.minutes.values()) <= 20
        assert rig.desk.queue.counts()[JobStatus.DEAD] == 0
        rig.fail()
        await rig.until(DUE + timedelta(minutes=3), 5)
        assert rig.answered() == rig.datasets()
        told = await rig.told("upstream", count=2)
    assert [event["kind"] for event in told] == ["upstream.down", "upstream.up"]
