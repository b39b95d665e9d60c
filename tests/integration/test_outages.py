"""Outages of an upstream at window time: nothing is lost, little is asked, all is pulled then."""

from __future__ import annotations

import asyncio
import re
from asyncio.selector_events import BaseSelectorEventLoop
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from components.kit import shell
from core.domain import breaker
from core.jobs.queue.port import JobStatus
from core.sandbox.sec.server import Fault
from core.service.kernel.commands import run
from core.service.pulls import refresh
from tests.outage_rig import BEGIN, DUE, FOUNDRY, Rig, rows
from tests.upstreams import CIK, Running, submissions


@pytest.fixture
def upstreams() -> Iterator[Running]:
    """Stand-ins for the container and the SEC."""
    with Running(rows()) as running:
        yield running


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows with every connection that is tried from here."""
    tried: list[object] = []
    connect = BaseSelectorEventLoop.sock_connect

    def counted(loop: BaseSelectorEventLoop, sock: object, address: object) -> object:
        tried.append(address)
        return connect(loop, sock, address)

    monkeypatch.setattr(BaseSelectorEventLoop, "sock_connect", counted)
    return tried


@asynccontextmanager
async def container_down(folder: Path, upstreams: Running) -> AsyncIterator[Rig]:
    """A desk two minutes after a window that the container did not answer."""
    async with Rig(folder, upstreams) as rig:
        rig.fail("ws-503")
        await rig.until(DUE + timedelta(minutes=2), 5)
        yield rig


@pytest.mark.few(1)
@pytest.mark.parametrize("how", ["503", "refused"])
@pytest.mark.parametrize(
    ("seconds", "restart"),
    [(90, True), (90, False), (600, False), (3 * 3600, True)],
    ids=["90s-restarted", "90s", "10min", "3h-restarted"],
)
async def test_every_window_is_pulled_within_a_minute_of_the_return(
    tmp_path: Path,
    upstreams: Running,
    connects: list[object],
    seconds: int,
    restart: bool,
    how: str,
) -> None:
    """At most 20 requests a minute meanwhile at either side; one *down* and one *up* each."""
    with capture_logs() as lines:
        async with Rig(tmp_path, upstreams, connects=connects) as rig:
            await rig.until(BEGIN + timedelta(minutes=9), 60)
            rig.break_off(how)
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
            rig.come_back(how)
            await rig.until(back + timedelta(seconds=60), 5.0)
            assert rig.answered() == rig.datasets()
            assert rig.desk.queue.counts()[JobStatus.DEAD] == 0
            doubled = rig.desk.warehouse.read(
                "SELECT count(*) FROM pulls WHERE due_at = ? AND state <> 'failed'", [DUE]
            )
            assert doubled.item() == len(rig.datasets())
            events = await rig.told("upstream", count=4)
    both = sorted(host.name for host in rig.desk.upstreams.hosts)
    for kind in ("upstream.down", "upstream.up"):
        assert sorted(event["subject"] for event in events if event["kind"] == kind) == both
    told = [(line["event"], line["upstream"]) for line in lines if "upstream" in line]
    assert sorted(told) == [
        ("upstream down", "SEC"),
        ("upstream down", "container"),
        ("upstream up", "SEC"),
        ("upstream up", "container"),
    ]


@pytest.mark.parametrize("fault", ["sec-html", "sec-empty"])
async def test_a_page_of_maintenance_answers_no_window(
    tmp_path: Path, upstreams: Running, fault: str
) -> None:
    """The SEC may send one with status 200: what is owed is tried again and is no dead letter."""
    async with Rig(tmp_path, upstreams) as rig:
        rig.fail(fault)
        await rig.until(DUE + timedelta(minutes=1), 10)
        assert rig.answered() == set(FOUNDRY)
        assert rig.desk.queue.counts()[JobStatus.DEAD] == 0
        rig.fail()
        await rig.until(DUE + timedelta(minutes=2), 10)
        assert rig.answered() == rig.datasets()


@pytest.mark.thorough
async def test_a_window_is_never_answered_by_a_dead_letter(
    tmp_path: Path, upstreams: Running
) -> None:
    """What asking again cannot mend is a dead letter, told once; on start the window is due."""
    async with Rig(tmp_path, upstreams) as rig:
        rig.fail("ws-404")
        with capture_logs() as lines:
            await rig.until(DUE + timedelta(minutes=5), 60)
        dead = rig.desk.queue.find([JobStatus.DEAD])
        assert {job.lane for job in dead} == set(FOUNDRY)
        told = [line for line in lines if line["event"] == "job dead"]
        assert {line["lane"] for line in told} == set(FOUNDRY)
        assert len(told) == len(FOUNDRY)
        events = await rig.told("job.dead", count=len(FOUNDRY))
        lanes = [event["after"]["dataset"] for event in events]
        assert lanes == [line["lane"] for line in told]
        rig.fail()
        await rig.restart()
        assert rig.answered() == rig.datasets()


@pytest.mark.thorough
async def test_windows_behind_a_later_good_pull_come_again_where_all_are_wanted(
    tmp_path: Path, upstreams: Running
) -> None:
    """Under catch-up all a dead window is owed although the next one has been pulled."""
    async with Rig(tmp_path, upstreams, catch_up="all") as rig:
        rig.fail("ws-404")
        await rig.until(DUE + timedelta(minutes=1), 60)
        rig.fail()
        await rig.until(DUE + timedelta(days=1, minutes=1), 12 * 3600)
        assert not rig.answered() & set(FOUNDRY)
        await rig.restart()
        assert rig.answered() == rig.datasets()


@pytest.mark.thorough
@pytest.mark.parametrize(("catch_up", "owed"), [("latest", False), ("all", True)])
async def test_a_window_is_tried_until_its_successor_is_due(
    tmp_path: Path, upstreams: Running, catch_up: str, owed: bool
) -> None:
    """After a day of outage the newest window is pulled, the older one only if all are wanted."""
    async with Rig(tmp_path, upstreams, catch_up=catch_up) as rig:
        await rig.until(BEGIN + timedelta(minutes=9), 60)
        rig.fail("ws-503", "sec-503")
        await rig.until(DUE + timedelta(minutes=1), 5)
        await rig.until(DUE + timedelta(days=1, minutes=10), 4 * 3600)
        rig.fail()
        await rig.until(DUE + timedelta(days=1, minutes=11), 5)
        assert rig.answered(DUE + timedelta(days=1)) == rig.datasets()
        assert rig.answered() == (rig.datasets() if owed else set())
        left = rig.desk.queue.find([JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.DEAD])
        assert [job for job in left if job.event_name == "pull"] == []


@pytest.mark.thorough
async def test_a_forced_refresh_tries_once_and_stays_the_users_to_repeat(
    tmp_path: Path, upstreams: Running
) -> None:
    """It fails at once and says so; the next one that works has everything owed pulled."""
    async with container_down(tmp_path, upstreams) as rig:
        before = len(upstreams.served.requests)
        (ticket,) = refresh.refresh_now(rig.desk, ["one"])
        await rig.settle()
        assert len(upstreams.served.requests) - before == 1
        failed = refresh.progress(rig.desk, ticket.job_id)
        assert failed.state == "dead"
        assert "container down since" in str(failed.error)
        assert "It is not tried again by itself" in str(failed.error)
        (told,) = run(rig.desk, "pulled", {"jobs": [ticket.job_id]}).document["pulls"]
        assert "It is not tried again by itself" in told["error"]
        assert rig.answered() == rig.datasets() - set(FOUNDRY)
        rig.fail()
        rig.now += timedelta(seconds=6)
        refresh.refresh_now(rig.desk, ["one"])
        await rig.settle()
        await rig.watch.look()  # the clock has not moved: it is no probe that finds out
        await rig.settle()
        assert rig.answered() == rig.datasets()


@pytest.mark.thorough
async def test_a_pull_that_is_not_forced_is_told_of_the_outage_at_once(
    tmp_path: Path, upstreams: Running
) -> None:
    """Nothing is asked and nobody waits: since when it is down, and when it is asked again."""
    async with container_down(tmp_path, upstreams) as rig:
        before = len(upstreams.served.requests)
        (ticket,) = refresh.refresh_now(rig.desk, ["one"], force=False)
        await rig.settle()
        assert len(upstreams.served.requests) == before
        failed = refresh.progress(rig.desk, ticket.job_id)
        assert failed.over
        assert re.search(r"down since .* asked again at .*pull --now", str(failed.error))
        rig.fail()
        await rig.until(DUE + timedelta(minutes=3), 5)
        assert rig.answered() == rig.datasets()


@pytest.mark.thorough
async def test_a_press_while_the_host_is_being_asked_waits_for_the_answer(
    tmp_path: Path, upstreams: Running
) -> None:
    """It was told that the host is down, and would be asked at an instant that had passed."""
    async with container_down(tmp_path, upstreams) as rig:
        (host,) = (host for host in rig.desk.upstreams.hosts if host.source == "foundry")
        await rig.desk.upstreams.change(host, lambda known: breaker.probing(known, rig.now))
        rig.fail()
        (ticket,) = refresh.refresh_now(rig.desk, ["one"], force=False)
        rig.worker.wake()
        while refresh.progress(rig.desk, ticket.job_id).state == JobStatus.QUEUED:
            await asyncio.sleep(0.01)
        await rig.desk.upstreams.change(host, lambda known: breaker.alive(known, rig.now))
        await rig.settle()
        assert refresh.progress(rig.desk, ticket.job_id).state == JobStatus.DONE


@pytest.mark.thorough
async def test_health_alone_is_no_sign_of_life(tmp_path: Path, upstreams: Running) -> None:
    """A container whose health answers and that takes no exchange is down, owed or not."""
    async with Rig(tmp_path, upstreams) as rig:
        rig.fail("ws-503")
        refresh.refresh_now(rig.desk, ["one"])
        await rig.until(BEGIN + timedelta(minutes=3), 5)
        kinds = [e["kind"] for e in await rig.told("upstream", count=1)]
        assert kinds == ["upstream.down"]
        rig.fail()
        await rig.until(BEGIN + timedelta(minutes=4), 5)
        kinds = [e["kind"] for e in await rig.told("upstream", count=2)]
        assert kinds == ["upstream.down", "upstream.up"]


@pytest.mark.thorough
async def test_a_block_is_waited_out_without_a_request(tmp_path: Path, upstreams: Running) -> None:
    """The SEC's 403 stops all of its datasets, also those asked for by hand; then all come."""
    async with Rig(tmp_path, upstreams) as rig:
        await rig.until(BEGIN + timedelta(minutes=9), 60)
        rig.fail("sec-403")
        await rig.until(DUE + timedelta(seconds=5), 5)
        rig.fail()
        rig.minutes.clear()
        refresh.refresh_now(rig.desk, ["sec.map"])
        await rig.until(DUE + timedelta(seconds=590), 30)
        assert not [minute for minute in rig.minutes if minute.endswith("sec")]
        assert rig.answered() == set(FOUNDRY)
        await rig.until(DUE + timedelta(seconds=660), 5)
        assert rig.answered() == rig.datasets()


@pytest.mark.thorough
async def test_a_pull_of_many_companies_that_is_cut_short_is_asked_for_again(
    tmp_path: Path, upstreams: Running
) -> None:
    """What came is stored as partial and does not answer the window; the rest follows."""
    other = CIK + 1
    upstreams.documents.bodies[f"/submissions/CIK{other:010}.json"] = submissions()
    async with Rig(tmp_path, upstreams) as rig:
        await rig.until(BEGIN + timedelta(minutes=9), 60)
        with rig.desk.warehouse.transaction() as tx:
            tx.execute("INSERT INTO watchlist VALUES (?, 'OTHER', ?)", [other, rig.now])
        upstreams.served.sec.faults[:] = [Fault("sec-503", on=f"submissions/CIK{other:010}")]
        await rig.until(DUE + timedelta(seconds=20), 5)
        (state, reason) = rig.desk.warehouse.read(
            "SELECT state, partial_reason FROM pulls WHERE dataset = 'sec.filings' AND due_at = ?"
            " ORDER BY started_at LIMIT 1",
            [DUE],
        ).row(0)
        assert state == "partial"
        assert "1 of 2 companies failed" in reason
        assert "sec.filings" not in rig.answered()
        assert rig.desk.freshness(rig.desk.catalogue.get("sec.filings")).state != "fresh"
        rig.fail()
        await rig.until(DUE + timedelta(seconds=120), 5)
        assert rig.answered() == rig.datasets()


@pytest.mark.thorough
async def test_the_outage_is_shown(tmp_path: Path, upstreams: Running) -> None:
    """By the command, by status, and as a line for pages, with the times of the reader's zone."""
    async with Rig(tmp_path, upstreams) as rig:
        rig.fail("ws-503")
        await rig.until(DUE + timedelta(minutes=6), 30)
        document = run(rig.desk, "upstreams", {}).document["upstreams"]
        found = {item["source"]: item for item in document}
        assert (found["sec"]["state"], found["foundry"]["state"]) == ("closed", "open")
        assert found["foundry"]["since"] == DUE
        assert found["foundry"]["next_probe"] > rig.now
        assert "503" in found["foundry"]["last_error"]
        status = run(rig.desk, "status", {}).document["datasets"]
        assert {d["name"]: d["upstream"] for d in status if d["source"] == "foundry"} == (
            dict.fromkeys(FOUNDRY, "open")
        )
        (host,) = shell.hosts_down(rig.desk, ["one", "sec.map"])
        line = shell.outage(host, "America/New_York")
        assert re.search(r"container down since 06.:30, asked again 06.:3[56] ET", line)
        assert shell.hosts_down(rig.desk, ["sec.map"]) == []
        down = await rig.told("upstream.down", count=1)
        assert len(down) == 1
