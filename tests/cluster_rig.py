"""Engines and desks as processes of their own on one lake and one queue, all on loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psycopg

from app import address as addresses
from tests import postgres_server, redis_server
from tests.namespaces import inside

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 180.0
UNTIMED = {
    "OPENBELL_SCAN_TIMES": "[]",
    "OPENBELL_BACKUP_TIME": "",
    "OPENBELL_BRIEF_TIME": "",
    "OPENBELL_PLUGINS": "false",
}
_HOLDER: LiteralString = (
    "SELECT l.pid, coalesce((SELECT holder FROM openbell_lease), '') FROM pg_locks l "
    "JOIN pg_database d ON d.oid = l.database WHERE l.locktype = 'advisory' AND l.granted "
    "AND d.datname = current_database()"
)


@dataclass
class Member:
    """One process of the cluster, which can be started again on its data folder and port."""

    name: str
    folder: Path
    port: int
    environment: dict[str, str]
    within: tuple[str, ...] = ()  # what its command begins with, to run it elsewhere
    namespace: str = ""  # of the network, where it has one of its own
    process: subprocess.Popen[bytes] | None = None
    root: Path = ROOT  # of the code that it runs

    def start(self) -> None:
        """Start the process; its log goes beside its data folder."""
        serve = ["-m", "app", "serve", "--port", str(self.port)]
        command = [*self.within, sys.executable, *serve]
        log = self.folder.with_suffix(".log").open("ab")
        self.process = subprocess.Popen(
            command, cwd=self.root, env={**os.environ, **self.environment}, stdout=log, stderr=log
        )
        log.close()

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self.process is not None
        return self.process.pid

    def answers(self, path: str) -> int:
        """The status of a health path; 0 without an answer."""

        def ask() -> int:
            try:
                return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=2.0).status_code
            except httpx.HTTPError:
                return 0

        return inside(self.namespace, ask) if self.namespace else ask()

    def is_open(self) -> bool:
        """Whether its process says where its desk listens."""
        found = addresses.read(self.folder)
        return found is not None and found.pid == self.pid

    def await_up(self, path: str = "/api/health/startup") -> None:
        """Wait until it answers with 200; RuntimeError with the end of its log when it ends."""

        def up() -> bool:
            assert self.process is not None
            if self.process.poll() is not None:
                code = self.process.returncode
                raise RuntimeError(f"{self.name} ended with {code}:\n{self.log()[-3000:]}")
            return self.answers(path) == 200

        until(up, START_SECONDS, f"{self.name} to answer {path}")

    def call(self, command: str, /, **arguments: Any) -> Any:
        """Run a command through its API, as its own command line does."""
        return self._post(f"/commands/{command}", arguments).json()["document"]

    def export(self, what: str) -> str:
        """An export as CSV, made by its desk."""
        return self._post(f"/exports/{what}", {"format": "csv", "filters": {}}).text

    def _post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        found = addresses.read(self.folder)
        assert found is not None, f"{self.name} has no address"
        headers = {"Authorization": f"Bearer {found.token}"}
        answer = httpx.post(f"{found.url}/api/v1{path}", json=body, headers=headers, timeout=120)
        assert answer.status_code == 200, answer.text
        return answer

    def log(self) -> str:
        """What it has written so far."""
        return self.folder.with_suffix(".log").read_text(errors="replace")

    def stop(self) -> None:
        """Ask it to end, as whoever rolls a cluster does, and wait until it has."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(60)

    def kill(self) -> None:
        """End it with SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@dataclass
class Cluster:
    """All members, and the servers behind them."""

    catalogue: str
    queue_url: str
    engines: list[Member] = field(default_factory=list)
    desks: list[Member] = field(default_factory=list)

    def sql(self, sql: LiteralString) -> list[tuple[Any, ...]]:
        """Rows of the catalogue's database."""
        with psycopg.connect(self.catalogue, autocommit=True) as session:
            return session.execute(sql).fetchall()

    def leader(self) -> Member | None:
        """The engine that has the lease."""
        try:
            held = self.sql(_HOLDER)
        except psycopg.errors.UndefinedTable:  # no engine has been here yet
            return None
        pid = int(held[0][1].rpartition(":")[2] or 0) if held else 0
        return next((m for m in self.engines if m.process and m.pid == pid), None)

    def await_leader(self, other_than: int = 0, seconds: float = START_SECONDS) -> Member:
        """The engine that leads and is open, once there is one; not the one with that pid."""
        found: list[Member] = []

        def leads() -> bool:
            member = self.leader()
            if member is None or member.pid == other_than:
                return False
            found[:] = [member]
            return member.is_open()

        try:
            until(leads, seconds, "an engine that leads", pause=0.02)
        except RuntimeError as error:
            told = "\n".join(f"{m.name}:\n{m.log()[-3000:]}" for m in self.engines)
            raise RuntimeError(f"{error}\n{told}") from error
        return found[0]

    def end(self) -> None:
        """Kill all that run, stopped ones too."""
        for member in (*self.desks, *self.engines):
            if member.process is not None and member.process.poll() is None:
                os.kill(member.pid, signal.SIGCONT)
                member.kill()


def until(true: Callable[[], bool], seconds: float, what: str, *, pause: float = 0.05) -> None:
    """Wait for a condition; RuntimeError says what was waited for in vain."""
    ends = time.monotonic() + seconds
    while not true():
        if time.monotonic() > ends:
            raise RuntimeError(f"waited {seconds:.0f} s for {what}")
        time.sleep(pause)


@contextmanager
def running(folder: Path, engines: int, desks: int) -> Iterator[Cluster]:
    """A cluster without schedules: its engines lead or stand by, its desks are open."""
    with ExitStack() as stack:
        postgres = stack.enter_context(postgres_server.running())
        (folder / "redis").mkdir(parents=True)
        queue = stack.enter_context(redis_server.running(folder / "redis"))
        catalogue = postgres_server.make(postgres, "cluster")
        queue_url = f"{queue}?prefix=cluster"
        shared = {
            "OPENBELL_STORE_URL": f"ducklake:{catalogue}?data={folder / 'lake'}",
            "OPENBELL_QUEUE_URL": queue_url,
            "OPENBELL_SCHEDULER": "false",
            **UNTIMED,
        }
        cluster = Cluster(catalogue, queue_url)
        stack.callback(cluster.end)
        cluster.engines = [_member(folder, "engine", n, shared) for n in range(engines)]
        cluster.desks = [_member(folder, "desk", n, shared) for n in range(desks)]
        for member in cluster.engines:
            member.start()
        for member in cluster.engines:
            member.await_up()
        cluster.await_leader()
        for member in cluster.desks:
            member.start()
        for member in (*cluster.engines, *cluster.desks):
            member.await_up()
        yield cluster


def _member(folder: Path, role: str, number: int, shared: dict[str, str]) -> Member:
    data = folder / f"{role}-{number}"
    own = {"OPENBELL_ROLE": role, "OPENBELL_DATA_DIR": str(data)}
    return Member(data.name, data, redis_server.free_port(), {**shared, **own})
