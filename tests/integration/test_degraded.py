"""What is served while something is gone: a row of docs/operations.md is a test here."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from core.errors import OpenbellError, StoreError
from core.jobs.overdue import OverdueDetector
from core.jobs.queue.port import JobStatus
from core.service.activity import feed
from core.service.alerts import bell, telling
from core.service.desk import Desk
from core.service.gaps import scans
from core.service.kernel import commands, exports
from core.service.pulls import datasets, inbox, refresh, upstreams
from core.store.pull_state import pull_states
from tests import api_desk
from tests.alerted import Clock, happen, work
from tests.filled import fill
from tests.places import mail_box, web_hook
from tests.recorded import Recorded
from tests.unit.service.care.test_health import no_file_may_grow

ROOT = Path(__file__).resolve().parents[2]
NOBODY = "http://127.0.0.1:9"
GONE = {
    "foundry_url": f"{NOBODY}/fdtc-api",
    "sec_data_url": NOBODY,
    "sec_www_url": NOBODY,
    "sec_user_agent": "Test test@desk.example",
}
ROWS = {
    "the container": "test_without_the_container",
    "the SEC": "test_without_the_sec",
    "the store's file": "test_without_the_store",
    "the disk is full": "test_with_a_full_disk",
    "the disk is nearly full": "test_with_a_disk_that_is_nearly_full",
    "the queue's file": "test_without_the_queue",
    "the worker": "test_without_a_worker",
    "the scheduler": "test_without_a_scheduler",
    "a place for alerts": "test_without_a_place_for_alerts",
    "the inbox folder": "test_without_the_inbox",
}


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """A desk with data, its worker on, and nobody at the addresses of its upstreams."""
    made = fill(make_desk(**GONE))
    made.start(scheduler=False)
    return made


async def ready() -> tuple[int, int, set[str]]:
    """Status of live and of ready, and the names of what fails."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(api_desk.application()), base_url="http://desk"
    ) as client:
        live, answer = await client.get("/health/live"), await client.get("/health/ready")
    return live.status_code, answer.status_code, set(answer.json()["failing"])


def reads(desk: Desk) -> None:
    """Pages, scans and exports are made from what is stored."""
    assert scans.run(desk, None, {}).gaps.rows.height > 0
    assert exports.frame_of(desk, "filings").height >= 0
    assert commands.run(desk, "status", {}).document["datasets"]


def test_every_row_has_its_test() -> None:
    """And no test a row that is not there."""
    text = (ROOT / "docs" / "operations.md").read_text().partition("while something is gone")[2]
    table = re.findall(r"^\| ([^|]+) \|", text.partition("\n## ")[0], re.MULTILINE)
    assert table[0] == "gone"
    assert [row for row in table[1:] if set(row) != {"-"}] == list(ROWS)
    assert [name for name in ROWS.values() if name not in globals()] == []


async def without_host(desk: Desk, dataset: str, other: str) -> None:
    """A pull cannot be made and is owed; all the rest goes on."""
    payload = {"dataset": dataset, "trigger": "webhook"}
    job = desk.queue.publish("pull", payload).job_id
    desk.wake()
    while not any(host.datasets and dataset in host.datasets for host in upstreams.down(desk)):
        told = desk.queue.get(job)
        if told.last_error is not None and told.status is JobStatus.QUEUED:
            break
        await moment()
    assert desk.queue.get(job).status in (JobStatus.QUEUED, JobStatus.RUNNING)
    reads(desk)
    assert await ready() == (200, 200, set())
    assert desk.catalogue.get(other).source != desk.catalogue.get(dataset).source
    failing = {item.name: item.last_error for item in datasets.overview(desk)}
    assert failing[dataset]


async def moment() -> None:
    import asyncio

    await asyncio.sleep(0.01)


async def test_without_the_container(desk: Desk) -> None:
    """Windows stay owed."""
    await without_host(desk, "prices.daily", "sec.facts")


async def test_without_the_sec(desk: Desk) -> None:
    """Filings are graded from what is stored."""
    await without_host(desk, "sec.companies", "prices.daily")
    assert commands.run(desk, "grade", {}).document["filings"] is not None


async def test_without_the_store(desk: Desk) -> None:
    """The queue keeps its jobs; the file may come back where it was."""
    path = desk.settings.store_path
    path.rename(path.with_name("elsewhere"))
    assert await ready() == (200, 503, {"store"})
    assert desk.queue.publish("grade").job_id
    path.with_name("elsewhere").rename(path)
    assert await ready() == (200, 200, set())
    reads(desk)


async def test_with_a_full_disk(make_desk: Callable[..., Desk]) -> None:
    """Nothing is stored by halves, and reading goes on.

    Without its threads, whose lines of the log could not be captured into a file here.
    """
    desk = fill(make_desk(**GONE))
    before = desk.warehouse.read_anew("SELECT count(*) FROM watchlist").item()
    with no_file_may_grow():
        with pytest.raises(OpenbellError):
            commands.run(desk, "watch_remove", {"companies": ["1001"]})
        live, status, failing = await ready()
        assert (live, status) == (200, 503)
        assert failing == {"write", "engine"}
        reads(desk)
    assert desk.warehouse.read_anew("SELECT count(*) FROM watchlist").item() == before
    assert await ready() == (200, 503, {"engine"})
    commands.run(desk, "watch_remove", {"companies": ["1001"]})
    assert desk.warehouse.read_anew("SELECT count(*) FROM watchlist").item() == before - 1


async def test_with_a_disk_that_is_nearly_full(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A balancer sends nobody here any more; who is here goes on."""
    little = shutil.disk_usage("/")._replace(free=10 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: little)
    assert await ready() == (200, 503, {"disk"})
    reads(desk)


async def test_without_the_queue(desk: Desk) -> None:
    """*Refresh* is refused with a sentence."""
    path = desk.settings.queue_path
    path.rename(path.with_name("elsewhere"))
    assert await ready() == (200, 503, {"queue"})
    reads(desk)
    path.with_name("elsewhere").rename(path)
    assert await ready() == (200, 200, set())


async def test_without_a_worker(make_desk: Callable[..., Desk]) -> None:
    """Jobs are kept for the next start."""
    desk = fill(make_desk(**GONE))
    assert await ready() == (200, 503, {"engine"})
    (ticket,) = refresh.refresh_now(desk, ["prices.daily"])
    assert desk.queue.get(ticket.job_id).status is JobStatus.QUEUED
    reads(desk)


async def test_without_a_scheduler(desk: Desk) -> None:
    """The detector needs it not: what is behind is told, and can be pulled by hand."""
    told, clock = Recorded(), Clock(desk)
    enabled = [item for item in desk.catalogue.enabled if item.name == "prices.daily"]
    detector = OverdueDetector(
        enabled, lambda: pull_states(desk.warehouse), desk.now, recorder=told
    )
    clock.forward(days=3)
    assert [item.dataset for item in detector.look()] == ["prices.daily"]
    assert told.events[-1].kind.name == "dataset.overdue"
    assert refresh.refresh_now(desk, ["prices.daily"])


async def test_without_a_place_for_alerts(make_desk: Callable[..., Desk]) -> None:
    """The bell and the other place tell of it; its letters come when it is back."""
    with mail_box() as mail, web_hook() as web:
        desk = make_desk(notify=mail.address, notify_webhooks=web.setting)
        telling.tell_new(desk)
        clock = Clock(desk)
        mail.refusals = ["451 later"] * 50
        happen(desk, "backup.failed", "backup")
        for _ in range(3):
            work(desk)
            clock.forward(seconds=11)
        telling.tell_new(desk)
        work(desk)
        assert set(bell.listing(desk)["kind"]) == {"backup.failed", "alert.undelivered"}
        assert (len(mail.letters), len(web.calls)) == (0, 2)
        mail.refusals.clear()
        clock.forward(seconds=11)
        work(desk)
        assert len(mail.letters) == 1
        assert feed.following(desk, feed.chosen(["alert.delivered"]), "")


async def test_without_the_inbox(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is a file is told; one that was removed is made anew."""
    with gone(inbox.folder(desk)):
        with pytest.raises(StoreError, match="no inbox"):
            inbox.take_new(desk)
        reads(desk)
    inbox.take_new(desk)
    assert inbox.folder(desk).is_dir()
    desk.settings.data_dir.joinpath("inbox").rmdir()
    inbox.take_new(desk)
    assert inbox.folder(desk).is_dir()


@contextmanager
def gone(folder: Path) -> Iterator[None]:
    """A file in the place of a folder, though the desk's own look makes it anew meanwhile."""
    while not folder.is_file():
        if folder.is_dir():
            folder.rmdir()
        with suppress(IsADirectoryError):
            folder.write_text("")
    yield
    folder.unlink()


def test_the_longest_wait_of_letters_is_what_the_table_says() -> None:
    """Three days."""
    from core.service.alerts import delivering

    assert timedelta(days=3) == delivering.GIVEN_UP
