"""A month (or more) of schedules at speed, with the stand-in container's faults switched on.

    python -m benchmarks.soak --minutes 10 [--seed 7]      (make soak MINUTES=10)

The desk is the real one; only its clock is simulated: whenever nothing runs, it jumps to the next
due instant or retry. Each step may switch on a fault, press *refresh now*, cancel, or restart the
engine; backups and drills are made at their times, and alerts go to a web server on loopback.
Prints windows due, missed and doubled, jobs stuck, unhandled errors, lock errors, what came of
backups, events and alerts, and how memory grew. A run starts before the clocks change in New York.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

import psutil  # noqa: E402

import core.service.everything  # noqa: E402,F401 - registers what can be asked for
from benchmarks import soak_count as counting  # noqa: E402
from benchmarks.soak_container import RULES, catalogue, serve  # noqa: E402
from core import settings  # noqa: E402
from core.errors import OpenbellError  # noqa: E402
from core.jobs.queue.port import JobStatus  # noqa: E402
from core.jobs.scheduler import Scheduler  # noqa: E402
from core.observe import logs  # noqa: E402
from core.sandbox.foundry.fault_names import FOUNDRY  # noqa: E402
from core.service.desk import Desk  # noqa: E402
from core.service.engine import timed  # noqa: E402
from core.service.pulls import refresh  # noqa: E402
from core.store.pull_state import pull_states  # noqa: E402
from tests.places import WebHook, web_hook  # noqa: E402

BEGIN = datetime(2025, 10, 20, 12, tzinfo=UTC)
MONTH = timedelta(days=30)
MANY = 1_000  # alerts a morning: none is gathered into a digest
STUCK_SECONDS = 60.0
RECOVERY_STEPS = 200


@dataclass
class Report:
    """What came of the soak."""

    minutes: float
    days: float = 0.0
    steps: int = 0
    windows: int = 0
    missed: int = 0
    doubled: int = 0
    jobs: dict[str, int] = field(default_factory=dict)
    pulls: dict[str, int] = field(default_factory=dict)
    faults: int = 0
    restarts: int = 0
    refreshes: int = 0
    cancels: int = 0
    stuck: int = 0
    unhandled: list[str] = field(default_factory=list)
    lock_errors: int = 0
    backups_due: int = 0
    backups_made: int = 0
    drills_due: int = 0
    drills_equal: int = 0
    events: dict[str, int] = field(default_factory=dict)
    alerts: int = 0
    ends: int = 0
    unended: int = 0
    told_twice: int = 0
    sent: int = 0
    unsent: int = 0
    received: int = 0
    rss_mb: tuple[float, float] = (0.0, 0.0)
    rss_mb_per_1000_steps: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether every promise was kept; memory is for the reader to judge."""
        windows = self.missed or self.doubled or self.stuck or self.unhandled or self.lock_errors
        return not (
            windows
            or (self.backups_due, self.drills_due) != (self.backups_made, self.drills_equal)
            or self.told_twice
            or self.unsent
            or self.sent != self.received
        )


class Clock:
    """Runs like the machine's, and can be set forward."""

    def __init__(self, start: datetime) -> None:
        self._shift = start - datetime.now(UTC)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._shift

    def jump(self, to: datetime) -> None:
        self._shift += max(to - self(), timedelta(0))


class Soak:
    """One desk, one container, one simulated clock."""

    def __init__(
        self, folder: Path, url: str, pipe: Connection, seed: int, web: WebHook | None = None
    ) -> None:
        folder.mkdir(parents=True)
        (folder / "catalogue.toml").write_text(catalogue())
        self.clock = Clock(BEGIN)
        self.chance = random.Random(seed)
        self.pipe = pipe
        self.settings = settings.load(
            data_dir=folder,
            catalogue=folder / "catalogue.toml",
            foundry_url=url,
            foundry_idle_seconds=0.4,
            foundry_total_seconds=1.5,
            foundry_max_bytes=4 * 1024**2,
            retries=1,
            retry_base_seconds=0.02,
            retry_max_seconds=0.1,
            grace_seconds=1.0,
            **({"notify_webhooks": web.setting, "alert_budget": MANY} if web else {}),
        )
        self.web = web
        self.report = Report(0.0)
        self.memory: list[tuple[int, float]] = []
        self._open()

    def _open(self) -> None:
        self.desk = Desk.open(self.settings, self.clock)
        self.desk.start(scheduler=True)
        self.scheduler = Scheduler(
            self.desk.queue,
            self.desk.catalogue.enabled,
            lambda: pull_states(self.desk.warehouse),
            self.clock,
            timed=timed(self.settings),
            on_publish=self.desk.wake,
        )

    def step(self) -> None:
        """To the next instant at which something is due, under the weather of the day."""
        due = [self.scheduler.next_due(), self.desk.queue.next_run_at()]
        self.clock.jump(min(t for t in due if t is not None) + timedelta(seconds=1))
        self._weather()
        self.scheduler.tick()
        if self.chance.random() < 0.1:
            self._press()
        if self.chance.random() < 0.02:
            self.desk.close()  # with jobs running: they are handed back
            self._open()
            self.report.restarts += 1
        self.desk.wake()
        self._settle()
        self.report.steps += 1
        if self.report.steps % 10 == 0:
            rss = psutil.Process().memory_info().rss / 1024**2
            self.memory.append((self.report.steps, rss))

    def _weather(self) -> None:
        faults = self.chance.sample(list(FOUNDRY), 1) if self.chance.random() < 0.3 else []
        self.report.faults += len(faults)
        self.pipe.send(faults)
        self.pipe.recv()

    def _press(self) -> None:
        name = "soak." + self.chance.choice(list(RULES))
        (first,) = refresh.refresh_now(self.desk, [name])
        (second,) = refresh.refresh_now(self.desk, [name])
        if first.job_id != second.job_id and self.desk.queue.get(first.job_id).status in (
            JobStatus.QUEUED,
            JobStatus.RUNNING,
        ):
            self.report.unhandled.append("a second press did not join")
        self.report.refreshes += 1
        if self.chance.random() < 0.3:
            refresh.cancel(self.desk, first.job_id)
            self.report.cancels += 1

    def _settle(self) -> None:
        """Wait until nothing runs and nothing is due."""
        deadline = time.monotonic() + STUCK_SECONDS
        while time.monotonic() < deadline:
            live = self.desk.queue.find([JobStatus.RUNNING, JobStatus.QUEUED], limit=1000)
            now = self.clock()
            if not any(job.status is JobStatus.RUNNING or job.run_at <= now for job in live):
                return
            time.sleep(0.005)
        self.report.stuck += 1

    def recover(self) -> None:
        """All is well again: what is owed must come by itself, once the desk has been started anew.

        The start is the operator's, for dead letters of what asking again could not mend.
        """
        self.pipe.send([])
        self.pipe.recv()
        self.desk.close()
        self._open()
        for _ in range(RECOVERY_STEPS):
            self.desk.wake()
            self._settle()
            waiting = self.desk.queue.next_run_at()
            if waiting is None:
                return
            self.clock.jump(waiting + timedelta(seconds=1))

    def _be_heard(self) -> None:
        """Wait until all that happened was looked at by the desk, and told outside."""
        deadline = time.monotonic() + STUCK_SECONDS
        while time.monotonic() < deadline:
            if counting.all_told(self.desk):
                return
            time.sleep(0.05)
        self.report.stuck += 1

    def finish(self, minutes: float) -> Report:
        """Count, and close."""
        end = self.clock()
        self.recover()
        self._be_heard()
        report = self.report
        report.minutes = round(minutes, 1)
        report.days = round((end - BEGIN).total_seconds() / 86400, 1)
        counted = counting.windows(self.desk, BEGIN, end)
        counted |= counting.told(self.desk, timed(self.settings), BEGIN, end)
        for name, value in counted.items():
            setattr(report, name, value)
        report.received = len(set(self.web.ids)) if self.web else 0
        jobs = self.desk.queue.find(limit=10**6)
        report.jobs = dict(Counter(str(job.status) for job in jobs))
        pulls = self.desk.warehouse.read("SELECT state, error FROM pulls")
        report.pulls = dict(Counter(pulls["state"].to_list()))
        errors = [job.last_error or "" for job in jobs] + [e or "" for e in pulls["error"]]
        report.unhandled += [e for e in errors if "unexpected" in e][:10]
        report.lock_errors = sum("lock" in e.lower() for e in errors)
        report.rss_mb, report.rss_mb_per_1000_steps = counting.slope(self.memory)
        self.desk.close()
        return report


def run(folder: Path, seconds: float, seed: int, days: float = 30.0) -> Report:
    """Soak for so long, and for at least so many simulated days."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    container = context.Process(target=serve, args=(theirs,), daemon=True)
    container.start()
    theirs.close()  # or a container that does not start is waited for for ever
    with web_hook() as web:
        return _soaked(Soak(folder, ours.recv(), ours, seed, web), container, seconds, days)


def _soaked(soak: Soak, container: BaseProcess, seconds: float, days: float) -> Report:
    began = time.monotonic()
    threading.excepthook = lambda args: soak.report.unhandled.append(repr(args.exc_value))
    try:
        while time.monotonic() - began < seconds or soak.clock() - BEGIN < timedelta(days=days):
            try:
                soak.step()
            except OpenbellError as error:
                soak.report.unhandled.append(str(error))
        return soak.finish((time.monotonic() - began) / 60)
    finally:
        threading.excepthook = threading.__excepthook__
        soak.pipe.send(None)
        container.join(5)


def main() -> int:
    """Run and print; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--days", type=float, default=30.0, help="simulated days, at least")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/soak.json")
    chosen = parser.parse_args()
    logs.configure("json", "CRITICAL")
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=chosen.out.parent) as name:
        report = run(Path(name) / "desk", chosen.minutes * 60, chosen.seed, chosen.days)
    document: dict[str, Any] = asdict(report)
    for key, value in document.items():
        print(f"{key:<22}{value}")
    print("clean" if report.clean else "NOT CLEAN")
    chosen.out.write_text(json.dumps(document, indent=1))
    return 0 if report.clean else 1


if __name__ == "__main__":
    sys.exit(main())
