"""Health that can fail: each check is shown the broken thing, and sees it."""

from __future__ import annotations

import asyncio
import resource
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from core.domain import breaker
from core.errors import StoreError
from core.service import current
from core.service.care import backing_up, health, health_checks
from core.service.data_folder import backups_of
from core.service.desk import Desk
from core.store import probe
from tests import api_desk

BROKEN = '[datasets."a.b"]\nsource = "nowhere"\n'
SERVING = {"store", "write", "queue", "engine", "disk"}
GONE = [pytest.param("store", "store_path", marks=pytest.mark.in_file), ("queue", "queue_path")]


@pytest.fixture
def running(make_desk: Callable[..., Desk], tmp_path: Path) -> Desk:
    """A desk with its engine on, without datasets, and with a backup."""
    catalogue = tmp_path / "catalogue.toml"
    catalogue.write_text("")
    desk = make_desk(catalogue=catalogue, scan_times=(), backup_time="")  # in the evening, too
    desk.start(scheduler=True)
    backing_up.backup_command(desk)
    return desk


def seen(name: str) -> tuple[str, str]:
    """Status and message of one check in the report."""
    found = health.report(current.desk_or_none())["checks"][name]
    return found["status"], found["message"]


def later(desk: Desk, by: timedelta) -> None:
    """Let the desk's clock stand later."""
    now = desk.now() + by
    desk.now = lambda: now


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.005)


def test_a_sound_desk_is_ok_throughout(running: Desk) -> None:
    """Every check is there, and none complains."""
    until(lambda: running.engine.detector_ticked is not None)
    report = health.report(current.desk_or_none())
    wrong = {n: c for n, c in report["checks"].items() if c["status"] != "ok" and n != "disk"}
    assert wrong == {}
    assert {n for n, c in health.CHECKS.items() if c.stops_serving} == SERVING
    assert set(report["checks"]) >= SERVING | {"scheduler", "detector", "dead letters", "backup"}
    assert health.readiness(current.desk_or_none()) == {}


def test_without_a_desk_nothing_is_ready() -> None:
    """Before it is open, and after it is closed."""
    assert set(health.readiness(None)) == {"desk"}
    report = health.report(None)
    assert (report["status"], report["ok"]) == ("bad", False)


@pytest.mark.parametrize(("name", "look"), GONE)
def test_a_file_that_is_gone_is_seen(running: Desk, name: str, look: str) -> None:
    """The engine holds it open and would go on writing into nothing."""
    path = getattr(running.settings, look)
    path.rename(path.with_name("elsewhere"))
    assert name in health.readiness(current.desk_or_none())
    path.with_name("elsewhere").rename(path)
    assert health.readiness(current.desk_or_none()) == {}


@pytest.mark.in_file
def test_another_file_in_the_stores_place_is_seen(running: Desk) -> None:
    """As after a restore under a running desk."""
    path = running.settings.store_path
    path.rename(path.with_name("elsewhere"))
    shutil.copyfile(path.with_name("elsewhere"), path)
    status, message = seen("store")
    assert (status, "another file" in message) == ("bad", True)


def test_a_table_that_cannot_be_read_is_seen_past_the_memory(running: Desk) -> None:
    """What a page was told a moment ago is no sign of health."""
    running.warehouse.read("SELECT count(*) FROM pulls")
    with running.warehouse.cursor() as cursor:
        cursor.execute("ALTER TABLE pulls RENAME TO lost")
    assert seen("store")[0] == "bad"
    with running.warehouse.cursor() as cursor:
        cursor.execute("ALTER TABLE lost RENAME TO pulls")


@pytest.mark.in_file
def test_a_full_disk_stops_writing_and_is_forgotten_when_there_is_room(running: Desk) -> None:
    """Reading goes on; the desk is ready again as soon as it can write."""
    with no_file_may_grow():
        assert set(health.readiness(current.desk_or_none())) == {"write"}
    assert health.readiness(current.desk_or_none()) == {}


@contextmanager
def no_file_may_grow() -> Iterator[None]:
    """Every write that would make a file longer fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_that_is_not_kept_is_seen(running: Desk) -> None:
    """A store that says yes and forgets."""
    with running.warehouse.transaction() as tx:
        tx.execute("DELETE FROM scratch")
    assert "not there" in seen("write")[1]


def test_a_look_lets_kept_answers_stand(running: Desk) -> None:
    """Pages must not pay for a health check that comes every few seconds."""
    store = running.warehouse
    looks = [(store.commits, seen("write")[0], store.commits) for _ in range(5)]
    assert any(look == (look[0], "ok", look[0]) for look in looks)  # an engine begins beside some


def test_another_writer_is_waited_for_and_then_told(
    running: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bulk load is no fault; one that goes on for ever wants a look."""
    monkeypatch.setattr(probe, "PATIENCE_SECONDS", 0.01)
    entered, leave = threading.Event(), threading.Event()

    def write() -> None:
        with running.warehouse.transaction():
            entered.set()
            leave.wait(10)

    writer = threading.Thread(target=write)
    writer.start()
    assert entered.wait(10)
    assert (seen("write")[0], health.readiness(current.desk_or_none())) == ("ok", {})
    monkeypatch.setattr(health_checks, "LONG_WRITE_SECONDS", -1.0)
    assert (seen("write")[0], "another writer" in seen("write")[1]) == ("warn", True)
    leave.set()
    writer.join()
    monkeypatch.setattr(probe, "PATIENCE_SECONDS", 10.0)
    assert seen("write") == ("ok", "a row was written and read back")


def test_a_look_that_hangs_is_told(running: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that answers no more must not take all threads of the server with it."""
    monkeypatch.setattr(probe, "HUNG_SECONDS", 0.01)
    entered, leave = threading.Event(), threading.Event()

    def hang(*_: Any) -> None:
        entered.set()
        leave.wait(10)

    monkeypatch.setattr(running.warehouse, "must_be_there", hang)
    first = threading.Thread(target=running.probe.read)
    first.start()
    assert entered.wait(10)
    status, message = seen("store")
    assert (status, "stuck" in message) == ("bad", True)
    leave.set()
    first.join()


def test_a_worker_that_stopped_is_seen(running: Desk) -> None:
    """Its thread is over, or it was never started."""
    running.engine.close()
    assert (set(health.readiness(current.desk_or_none())), seen("engine")[0]) == ({"engine"}, "bad")
    running.engine = None
    assert set(health.readiness(current.desk_or_none())) == {"engine"}


def test_a_scheduler_and_a_detector_that_fell_silent_are_seen(running: Desk) -> None:
    """Both look once a minute; the desk serves on without them."""
    until(lambda: running.engine.detector_ticked is not None)
    later(running, timedelta(minutes=4))
    assert [seen("scheduler")[0], seen("detector")[0]] == ["bad", "bad"]
    assert health.readiness(current.desk_or_none()) == {}
    assert health.report(current.desk_or_none())["status"] == "bad"


@pytest.mark.parametrize("name", ["scheduler", "detector"])
def test_one_that_fails_at_every_look_is_silent(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A look that ends in an error is none."""

    def fail(_: object) -> None:
        raise StoreError("no states today")

    monkeypatch.setattr("core.service.engine.pull_states", fail)
    desk = make_desk(scan_times=())
    desk.start(scheduler=True)
    assert seen(name) == ("bad", "has not looked yet")


def test_a_scheduler_that_is_off_by_setting_is_no_fault(make_desk: Callable[..., Desk]) -> None:
    """Somebody wanted it so."""
    desk = make_desk(scheduler=False)
    desk.start(scheduler=False)
    assert [seen("scheduler")[0], seen("detector")[0]] == ["ok", "ok"]


def test_little_room_is_told_and_none_stops(running: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a gigabyte somebody should look, under 64 MB nothing is taken on."""
    for free, expected in ((10**12, "ok"), (2**29, "warn"), (2**20, "bad")):
        room = shutil._ntuple_diskusage(free, 0, free)
        monkeypatch.setattr(shutil, "disk_usage", lambda _, room=room: room)
        assert seen("disk")[0] == expected
    assert set(health.readiness(current.desk_or_none())) == {"disk"}


def test_dead_letters_are_seen(running: Desk) -> None:
    """Until they are tried again or discarded."""
    running.engine.close()
    job_id = running.queue.publish("pull", {"dataset": "a.b"}).job_id
    job = running.queue.claim("w", timedelta(seconds=60))
    assert job is not None
    running.queue.bury(job, "no such dataset")
    assert seen("dead letters")[0] == "warn"
    running.queue.discard(job_id)
    assert seen("dead letters") == ("ok", "none")


def test_a_broken_entry_of_the_catalogue_is_seen(
    make_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    """The other datasets run on; the entry is named."""
    path = tmp_path / "catalogue.toml"
    path.write_text(BROKEN)
    make_desk(catalogue=path)
    status, message = seen("catalogue")
    assert (status, "a.b" in message) == ("warn", True)


def test_a_dataset_that_is_behind_is_seen(running: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the detector has found it."""
    behind = (SimpleNamespace(dataset="prices.daily"),)
    monkeypatch.setattr(running.engine._detector, "overdue", behind)
    assert seen("datasets") == ("warn", "behind: prices.daily")


def test_an_upstream_that_is_down_is_seen(running: Desk) -> None:
    """Its breaker is open; it is forgotten when the host answers again."""
    host, now = running.upstreams.hosts[0], running.now()

    def trip(known: breaker.Breaker) -> breaker.Breaker:
        for _ in range(breaker.FAILURES):
            known = breaker.failed(known, now, "503 all morning")
        return known

    asyncio.run(running.upstreams.change(host, trip))
    status, message = seen("upstreams")
    assert (status, "503 all morning" in message) == ("warn", True)
    assert health.readiness(current.desk_or_none()) == {}
    asyncio.run(running.upstreams.change(host, lambda known: breaker.answered(known, now)))
    assert seen("upstreams")[0] == "ok"


def test_a_backup_that_is_old_missing_or_damaged_is_seen(running: Desk) -> None:
    """By what its manifest says, not by the name of its folder."""
    assert seen("backup")[0] == "ok"
    later(running, timedelta(days=3))
    assert seen("backup")[0] == "warn"
    (folder,) = backups_of(running.settings.data_dir).iterdir()
    (folder / "manifest.json").write_text("{")
    assert seen("backup")[0] == "bad"
    shutil.rmtree(folder)
    assert seen("backup")[0] == "warn"


def test_listening_beyond_this_machine_is_seen(make_desk: Callable[..., Desk]) -> None:
    """As long as nothing asks who comes."""
    make_desk(host="0.0.0.0")
    assert seen("listening")[0] == "warn"


def test_a_desk_that_asks_who_comes_may_listen_and_has_its_disk_watched(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those who sign in are no strangers; room gets scarce on a shared desk, too."""
    make_desk(host="0.0.0.0", access="token")
    assert seen("listening") == ("ok", "on 0.0.0.0, to those who sign in")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 0, 2**29))
    assert seen("disk")[0] == "warn"


def test_a_check_that_breaks_is_bad_and_hides_no_other(
    running: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever went wrong in it, the report comes."""

    def fall_over(_: Desk) -> None:
        raise ZeroDivisionError("by zero")

    odd = health.HealthCheck("odd", fall_over, stops_serving=False)
    monkeypatch.setitem(health.CHECKS, "odd", odd)
    assert seen("odd") == ("bad", "could not be looked at: by zero")
    assert seen("store")[0] == "ok"


def test_over_http(running: Desk) -> None:
    """Ready is 503 only for what stops serving; detailed tells the rest."""
    until(lambda: running.engine.detector_ticked is not None)
    assert asked("ready").json() == {"status": "ready", "failing": {}}
    shutil.rmtree(backups_of(running.settings.data_dir))
    detailed = asked("detailed")
    assert (detailed.status_code, detailed.json()["status"]) == (200, "warn")
    running.engine.close()
    assert asked("ready").status_code == 503
    assert asked("detailed").status_code == 503
    current.use(None)
    assert asked("ready").status_code == 503
    assert asked("live").status_code == 200


def asked(name: str) -> httpx.Response:
    """The answer of one health address."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(api_desk.application())
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(f"/health/{name}")

    return asyncio.run(ask())
