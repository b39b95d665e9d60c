"""A cluster is brought to a newer Openbell while people work: engines first, then desks."""

from __future__ import annotations

import importlib.util
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import cluster_rig, postgres_server, redis_server
from tests.cluster_rig import ROOT, Cluster, Member, until

ROOMS = ("app", "components", "core", "pages", "data")
MORE = "9000_more.sql"
REFUSED = ("read-only for", "the engine is busy", "its engine ended before")


def newer(folder: Path) -> Path:
    """The code of a newer Openbell, of which a migration adds a column and a table."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "core" / "store" / "migrations" / MORE).write_text(
        "CREATE TABLE more (n INTEGER); ALTER TABLE watchlist ADD COLUMN more VARCHAR;"
    )
    return folder


class Worker:
    """Books deposits at a desk as long as it is let, and keeps what was acknowledged."""

    def __init__(self, desk: Member) -> None:
        self.desk, self.done, self.wrong = desk, list[str](), list[str]()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Book no more; waits for the answer under way."""
        self._stop.set()
        self._thread.join(120)

    def _work(self) -> None:
        number = 0
        while not self._stop.wait(0.5):
            number += 1
            memo = f"{self.desk.name} {self.desk.pid} {number}."
            try:
                self.desk.call("journal_deposit", amount="1.00", memo=memo)
            except AssertionError as refused:
                if not any(words in str(refused) for words in REFUSED):
                    self.wrong.append(str(refused))
            else:
                self.done.append(memo)


@contextmanager
def _working(desks: list[Member]) -> Iterator[list[Worker]]:
    workers = [Worker(desk) for desk in desks]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.end()


def _roll(member: Member, code: Path) -> None:
    member.stop()
    member.root = code
    member.start()
    member.await_up()


@pytest.mark.thorough
def test_engines_and_desks_are_rolled_one_by_one(tmp_path: Path) -> None:
    """Nothing that was acknowledged is lost; old desks work with the new engine; none goes back."""
    if not postgres_server.programs() or not importlib.util.find_spec("duckdb_extension_ducklake"):
        pytest.skip(postgres_server.MISSING)
    if not redis_server.installed():
        pytest.skip(redis_server.MISSING)
    code = newer(tmp_path / "newer")
    with cluster_rig.running(tmp_path, engines=2, desks=2) as cluster:
        leader = cluster.await_leader()
        standby = next(engine for engine in cluster.engines if engine is not leader)
        with _working(cluster.desks) as workers:
            until(lambda: all(worker.done for worker in workers), 60, "deposits before")
            _roll(standby, code)
            leader.stop()
            assert cluster.await_leader(other_than=leader.pid) is standby
            before = [len(worker.done) for worker in workers]
            until(
                lambda: all(len(w.done) > n for w, n in zip(workers, before, strict=True)),
                90,
                "deposits of old desks with the new engine",
            )
            _old_engine_stands_back(cluster, leader, standby)
            _roll(leader, code)
        told = [_rolled(worker, code) for worker in workers]
        written = cluster.desks[0].export("journal")
        assert [worker.wrong for worker in workers] == [[], []]
        kept = [memo for worker in [*workers, *told] for memo in worker.done]
        assert [memo for memo in kept if _entries(written, memo) != 1] == []
        assert all(worker.done for worker in told)


def _old_engine_stands_back(cluster: Cluster, old: Member, new: Member) -> None:
    """An engine of before, started by mistake, leads at no time and does no harm."""
    old.start()
    old.await_up()
    assert cluster.leader() is new
    new.kill()
    until(lambda: "written by a newer Openbell" in old.log(), 60, "the old engine to say so")
    assert old.answers("/api/health/ready") == 503
    new.start()
    new.await_up()
    assert cluster.await_leader(other_than=old.pid) is new


def _entries(journal: str, memo: str) -> int:
    """How often a deposit was booked; each is several rows of one number."""
    return len({row.split(",")[0] for row in journal.splitlines() if memo in row})


def _rolled(worker: Worker, code: Path) -> Worker:
    """What is done at the desk of a worker once it is rolled."""
    _roll(worker.desk, code)
    again = Worker(worker.desk)
    until(lambda: bool(again.done), 60, f"a deposit at {worker.desk.name}")
    again.end()
    return again
