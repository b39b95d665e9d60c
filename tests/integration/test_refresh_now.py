"""Refresh now on a real desk: joined presses, live progress, cancel, kills, catch-up."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer

from app.commands import data
from app.run import Local, reported
from core.domain.tables.datasets import Dataset, Window
from core.errors import OwnershipError, ServerError
from core.jobs.pulling.puller import Puller
from core.jobs.queue.port import Job, JobStatus
from core.jobs.worker import Context
from core.service.desk import Desk
from core.service.kernel.handlers import FOLLOW_UPS, HANDLERS, handler
from core.service.pulls import refresh
from core.service.pulls.pull_jobs import pull
from core.sources.pulled import Progress, ProgressHook, Pulled, TableRows

CATALOGUE = """
[datasets.daily]
source = "foundry"
table = "numbers"
key = ["n"]
schema = { n = "int", value = "float" }
schedule = [{ cycle = "daily", time = "06:00:00" }]
buffer_minutes = 0
options = { jitter_seconds = 0 }
catch_up = "all"
"""


class Source:
    """A source that waits at a gate before it delivers."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.pulls = 0
        self.error: Exception | None = None

    async def pull(
        self,
        dataset: Dataset,
        window: Window,
        *,
        known_version: str | None,
        on_progress: ProgressHook,
    ) -> Pulled:
        self.pulls += 1
        on_progress(Progress("working", rows=2, percent=40.0))
        while not self.gate.is_set():
            await asyncio.sleep(0.005)
        if self.error:
            raise self.error
        rows = pl.DataFrame({"n": [1, 2], "value": [float(self.pulls), 0.0]})
        return Pulled((TableRows("numbers", ("n",), rows),), version=str(self.pulls), rows_read=2)


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def desk(make_desk: Callable[..., Desk], tmp_path: Path, source: Source) -> Desk:
    catalogue = tmp_path / "catalogue.toml"
    catalogue.write_text(CATALOGUE)
    desk = make_desk(catalogue=catalogue, grace_seconds=0.2)
    desk.puller = Puller(desk.warehouse, {"foundry": source}, desk.board, desk.now)
    return desk


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "this did not happen in ten seconds"
        time.sleep(0.005)


def test_two_presses_cause_one_pull_and_both_see_it(desk: Desk, source: Source) -> None:
    """Two sessions press together: one job, one pull, the same progress and result."""
    desk.start(scheduler=False)
    tickets: list[refresh.RefreshTicket] = []
    presses = [
        threading.Thread(target=lambda: tickets.extend(refresh.refresh_now(desk, ["daily"])))
        for _ in range(2)
    ]
    for press in presses:
        press.start()
    for press in presses:
        press.join()
    assert tickets[0].job_id == tickets[1].job_id
    assert sorted(ticket.joined for ticket in tickets) == [False, True]
    eventually(lambda: refresh.progress(desk, tickets[0].job_id).events)
    seen = [refresh.progress(desk, ticket.job_id) for ticket in tickets]
    told = {(item.position, item.so_far.percent, item.so_far.rows) for item in seen}
    assert told == {(0, 40.0, 2)}
    source.gate.set()
    done = refresh.wait(desk, tickets, timeout_seconds=10)
    assert [item.result["rows_inserted"] for item in done if item.result] == [2, 2]
    assert source.pulls == 1


def test_whoever_follows_pulls_is_told_when_nobody_works_on_them(
    desk: Desk, source: Source, capsys: pytest.CaptureFixture[str]
) -> None:
    """An engine that died beside a living API: the command ends with a sentence and code 1."""
    desk.start(scheduler=False)
    source.gate.clear()
    call = Local(desk)
    jobs = [ticket["job_id"] for ticket in call.call("refresh", datasets=["daily"]).document]
    eventually(lambda: source.pulls)
    assert call.call("progress", jobs=jobs).document[0]["worked_on"]
    engine, desk.engine = desk.engine, None
    try:
        with pytest.raises(typer.Exit) as left, reported():
            data._follow(call, jobs, quiet=True)
        assert left.value.exit_code == 1
        assert "nobody works on the pulls" in capsys.readouterr().err
    finally:
        desk.engine = engine
        source.gate.set()
    data._follow(call, jobs, quiet=True)


def test_cancel_leaves_the_data_as_it_was(desk: Desk, source: Source) -> None:
    """A cancelled pull is recorded as such, stores nothing, and the next press works."""
    desk.start(scheduler=False)
    (ticket,) = refresh.refresh_now(desk, ["daily"])
    eventually(lambda: source.pulls)
    refresh.cancel(desk, ticket.job_id)
    eventually(lambda: desk.queue.get(ticket.job_id).status is JobStatus.CANCELLED)
    assert desk.warehouse.read("SELECT state FROM pulls")["state"].to_list() == ["cancelled"]
    source.gate.set()
    again = refresh.refresh_now(desk, ["daily"])
    (done,) = refresh.wait(desk, again, timeout_seconds=10)
    assert done.state == "done"


def test_cancel_during_the_commit_comes_too_late(
    desk: Desk, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What commits is not called off: the pull says done, as the data do."""
    storing, store = threading.Event(), Puller._store

    def slow(self: Puller, *args: Any) -> object:
        storing.set()
        time.sleep(0.2)
        return store(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Puller, "_store", slow)
    source.gate.set()
    desk.start(scheduler=False)
    (ticket,) = refresh.refresh_now(desk, ["daily"])
    assert storing.wait(10)
    refresh.cancel(desk, ticket.job_id)
    (done,) = refresh.wait(desk, [ticket], timeout_seconds=10)
    assert done.state == "done"
    assert desk.warehouse.read("SELECT state FROM pulls")["state"].to_list() == ["done"]
    assert desk.warehouse.read("SELECT count(*) FROM numbers").item() == 2


def test_stopping_the_desk_hands_a_pull_back(desk: Desk, source: Source) -> None:
    """A pull that takes longer than the grace time is queued again, with no lease left."""
    desk.start(scheduler=False)
    (ticket,) = refresh.refresh_now(desk, ["daily"])
    eventually(lambda: source.pulls)
    assert desk.engine is not None
    desk.engine.close()
    job = desk.queue.get(ticket.job_id)
    assert (job.status, job.lease_until, job.attempts) == (JobStatus.QUEUED, None, 0)


def test_failed_pull_leaves_the_last_good_data(desk: Desk, source: Source) -> None:
    """After a failure the old rows are there, and fresh still means: pulled since it was due."""
    source.gate.set()
    desk.start(scheduler=False)
    refresh.wait(desk, refresh.refresh_now(desk, ["daily"]), timeout_seconds=10)
    source.error = ServerError("503", where="foundry")
    (failed,) = refresh.wait(desk, refresh.refresh_now(desk, ["daily"]), timeout_seconds=10)
    assert failed.state == "dead"
    assert "503" in str(failed.error)
    assert desk.warehouse.read("SELECT count(*) FROM numbers").item() == 2
    assert desk.freshness(desk.catalogue.get("daily")).state == "fresh"


def test_schedule_catches_up_on_start(desk: Desk, source: Source) -> None:
    """A desk that starts with an open window pulls it by itself, once, also after a restart."""
    source.gate.set()
    desk.start()
    eventually(lambda: source.pulls)
    eventually(lambda: desk.queue.counts()[JobStatus.DONE])
    assert desk.engine is not None
    desk.engine.close()
    desk.start()
    time.sleep(0.1)
    assert source.pulls == 1
    (row,) = desk.warehouse.read('SELECT "trigger", due_at FROM pulls').rows()
    assert row[0] in ("schedule", "catch-up")
    assert row[1] == desk.freshness(desk.catalogue.get("daily")).due_at


async def test_redelivered_window_is_not_pulled_again(desk: Desk, source: Source) -> None:
    """Killed between commit and acknowledgement: the second delivery pulls nothing, but what
    follows from the change is queued."""
    source.gate.set()
    ran: list[str] = []

    @handler("test_follow", after=("numbers",))
    async def follow(_: Desk, job: Job, context: Context) -> None:
        ran.append(job.id)

    try:
        due = datetime(2025, 7, 1, 6, tzinfo=UTC)
        payload = {
            "dataset": "daily",
            "trigger": "schedule",
            "from": due.isoformat(),
            "to": (due + timedelta(days=1)).isoformat(),
            "due_at": due.isoformat(),
        }
        desk.queue.publish("pull", payload)
        context = Context(desk.board, "x")
        results = []
        for _ in range(2):
            job = desk.queue.claim("w", timedelta(seconds=60), ["pull"])
            assert job is not None
            results.append(await pull(desk, job, context))
            desk.queue.recover(everything=True)
        assert source.pulls == 1
        assert results[1] == {"skipped": True}
        assert len(desk.queue.find([JobStatus.QUEUED], event_name="test_follow")) == 1
    finally:
        del HANDLERS["test_follow"], FOLLOW_UPS["numbers"]


def test_second_desk_on_the_folder_is_refused(desk: Desk, tmp_path: Path) -> None:
    """Another process gets a sentence with the owner's number."""
    import os
    import subprocess
    import sys

    code = (
        "import sys; from core import settings; from core.service.desk import Desk\n"
        "from core.errors import OwnershipError\n"
        f"chosen = settings.load(data_dir={str(desk.settings.data_dir)!r},"
        f" catalogue={str(desk.settings.catalogue)!r})\n"
        "try:\n    Desk.open(chosen)\n"
        "except OwnershipError as error:\n    sys.stdout.write(str(error)); sys.exit(3)\n"
    )
    root = Path(__file__).resolve().parents[2]
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )
    assert found.returncode == 3, found.stderr
    assert f"process {os.getpid()}" in found.stdout
    assert OwnershipError.__name__ not in found.stdout


def test_what_a_pull_had_to_leave_out_stays_on_its_record(desk: Desk) -> None:
    """A part that could not be had and the source's notes are the message of the pull."""

    class Partly:
        async def pull(self, *_: object, **__: Any) -> Pulled:
            rows = pl.DataFrame({"n": [1], "value": [1.0]})
            notes = ("no facts: a.example/CIK7 answered 404",)
            tables = (TableRows("numbers", ("n",), rows),)
            return Pulled(tables, rows_read=1, partial="1 of 2 companies failed", notes=notes)

    desk.puller = Puller(desk.warehouse, {"foundry": Partly()}, desk.board, desk.now)
    desk.start(scheduler=False)
    (done,) = refresh.wait(desk, refresh.refresh_now(desk, ["daily"]), timeout_seconds=10)
    assert done.result and done.result["state"] == "partial"
    kept = desk.warehouse.read("SELECT message FROM pulls").item()
    assert kept == "1 of 2 companies failed; no facts: a.example/CIK7 answered 404"


async def test_batches_stored_before_a_cancel_are_followed_up(desk: Desk) -> None:
    """A source that stores in batches is cancelled: what it stored stays, and is acted upon."""

    begun = asyncio.Event()

    class Batches:
        async def pull_into(self, *_: object, **__: Any) -> None:
            begun.set()
            await asyncio.sleep(60)

    desk.puller = Puller(desk.warehouse, {"foundry": Batches()}, desk.board, desk.now)  # type: ignore[dict-item]

    @handler("test_follow", after=("numbers",))
    async def follow(_: Desk, job: Job, context: Context) -> None:
        return None

    try:
        desk.queue.publish("pull", {"dataset": "daily", "trigger": "manual"})
        job = desk.queue.claim("w", timedelta(seconds=60), ["pull"])
        assert job is not None
        work = asyncio.create_task(pull(desk, job, Context(desk.board, job.id)))  # type: ignore[arg-type]
        await asyncio.wait_for(begun.wait(), 30)
        work.cancel()
        await asyncio.wait([work])
        assert work.cancelled()
        error = desk.warehouse.read("SELECT error FROM pulls").item()
        assert "what had been stored stays" in error
        assert len(desk.queue.find([JobStatus.QUEUED], event_name="test_follow")) == 1
    finally:
        del HANDLERS["test_follow"], FOLLOW_UPS["numbers"]
