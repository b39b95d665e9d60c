"""Kill the desk with SIGKILL at chosen and random moments, restart it, and count what was lost.

    python -m benchmarks.crash --rounds 200 [--seed 7]     (make crash)

Each round starts the real engine in a process of its own over the same data folder, waits until it
writes to DuckDB, has committed but not acknowledged, exports, fetches, starts (or a random while),
and kills it. At the end it runs to completion. Two of five kills go to the write sites of restore,
backup, migration, commit and mark instead (see `crash_sites`), and to those of encrypted backups,
the second place, migrate-store, inbox and what is handed on (see `crash_places`). Prints a table of
kills by moment or site with what was lost, doubled, torn or silently empty, and how long the desk
took to open again.
Fifty jobs for every twenty kills.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

from benchmarks import crash_child as child  # noqa: E402
from benchmarks import crash_places, crash_sites  # noqa: E402
from benchmarks.crash_child import Marker, Phase  # noqa: E402
from core.domain.tables.datasets import Window  # noqa: E402
from core.jobs.queue.port import JobStatus, Message  # noqa: E402
from core.jobs.queue.sqlite import SqliteQueue  # noqa: E402

TARGETS = (Phase.WRITING, Phase.COMMITTED, Phase.EXPORTING, Phase.FETCHING, Phase.STARTING, None)
PATIENCE = 20.0


@dataclass
class Report:
    """What came of all kills."""

    jobs: int
    kills: int = 0
    moments: dict[str, int] = field(default_factory=dict)
    acked: int = 0
    lost: int = 0
    doubled: int = 0
    torn: int = 0
    dead: int = 0
    unacked: int = 0
    most_deliveries: int = 0
    reopen_ms: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether every promise was kept."""
        broken = self.lost + self.doubled + self.torn + self.dead + self.unacked
        return self.acked == self.jobs and broken == 0


def run(folder: Path, rounds: int, jobs: int, seed: int) -> Report:
    """Kill `rounds` times, then let it finish, then count."""
    began = time.perf_counter()
    chance = random.Random(seed)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.crash_child"])
    folder.mkdir(parents=True, exist_ok=True)
    child.catalogue(folder / "catalogue.toml", jobs)
    publish(folder, jobs, chance)
    report, moments = Report(jobs), Counter[str]()
    acked: set[str] = set()
    marker = Marker(folder / "marker")
    for number in range(rounds):
        life = _life(context, folder, seed * 100_003 + number)
        if _kill(life, marker, TARGETS[number % len(TARGETS)], chance, moments):
            report.kills += 1
        done = _done(folder)
        report.lost += len(acked - done)  # what was acknowledged once must stay so
        acked = done
    life = _life(context, folder, seed)
    life.join(PATIENCE * 10)
    if life.exitcode != 0:
        life.kill()
    report.moments = dict(sorted(moments.items()))
    _count(folder, report)
    report.seconds = round(time.perf_counter() - began, 1)
    return report


def publish(folder: Path, jobs: int, chance: random.Random) -> None:
    """One pull in two, one export in two, as the scheduler would: once per window."""
    queue = SqliteQueue(folder / "queue.sqlite", _now)
    messages = [
        Message("pull", body := child.payload(n), _window(body).id, once=True)
        if n % 3
        else Message("crash_export", {"n": n}, f"export-{n}", once=True)
        for n in range(jobs)
    ]
    chance.shuffle(messages)
    queue.publish_many(messages)
    queue.publish_many(messages)  # a second clock: joins
    queue.close()


def _window(body: dict[str, str]) -> Window:
    from core.jobs.scheduler import window_of

    return window_of(body)


def _life(
    context: multiprocessing.context.ForkServerContext, folder: Path, seed: int
) -> BaseProcess:
    life = context.Process(target=child.live, args=(str(folder), seed))
    life.start()
    return life


def _kill(
    life: BaseProcess,
    marker: Marker,
    target: Phase | None,
    chance: random.Random,
    moments: Counter[str],
) -> bool:
    """Wait for the moment, then SIGKILL; False when the desk had finished before."""
    if target is Phase.STARTING:
        time.sleep(chance.uniform(0.0, 0.15))
    else:
        _await(life, marker, (Phase.IDLE, Phase.FETCHING, Phase.WRITING, Phase.COMMITTED))
        if target is None:
            time.sleep(chance.uniform(0.0, 0.1))
        else:
            _await(life, marker, (target,))
            time.sleep(chance.uniform(0.0, 0.002))
    if not life.is_alive():
        life.join()
        return False
    moment = marker.get()
    assert life.pid is not None
    os.kill(life.pid, signal.SIGKILL)
    life.join()
    moments[moment.name.lower()] += 1
    return True


def _await(life: BaseProcess, marker: Marker, phases: tuple[Phase, ...]) -> None:
    deadline = time.monotonic() + PATIENCE
    while life.is_alive() and marker.get() not in phases and time.monotonic() < deadline:
        time.sleep(0.0003)


def _done(folder: Path) -> set[str]:
    queue = SqliteQueue(folder / "queue.sqlite", _now)
    done = {job.id for job in queue.find([JobStatus.DONE], limit=10**6)}
    queue.close()
    return done


def _count(folder: Path, report: Report) -> None:
    lives = [json.loads(line) for line in (folder / "lives.jsonl").read_text().splitlines()]
    desk = child.open_desk(folder)
    lives.append({"reopen_ms": lives[-1]["reopen_ms"], **child.check(desk)})
    report.torn = max(life["partial"] + life["torn"] for life in lives)
    opened = sorted(life["reopen_ms"] for life in lives)
    report.reopen_ms = {"p50": statistics.median(opened), "max": opened[-1]}
    jobs = desk.queue.find(limit=10**6)
    report.acked = sum(job.status is JobStatus.DONE for job in jobs)
    report.dead = sum(job.status in (JobStatus.DEAD, JobStatus.CORRUPT) for job in jobs)
    report.unacked = len(jobs) - report.acked - report.dead
    report.most_deliveries = max(job.attempts for job in jobs)
    stored = desk.warehouse.read("SELECT DISTINCT job FROM crash_rows")["job"].to_list()
    exported = {int(file.stem) for file in (folder / "exports").glob("*.csv")}
    wanted = set(range(report.jobs))
    report.lost += len(wanted - set(stored) - exported)
    windows = desk.warehouse.read(
        "SELECT count(*) FROM (SELECT window_id FROM pulls WHERE state IN ('done', 'unchanged',"
        " 'partial') GROUP BY window_id HAVING count(*) > 1)"
    ).item()
    report.doubled = int(windows) + max(life["doubled"] for life in lives) + len(jobs) - report.jobs
    desk.close()


def _now() -> object:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200, help="kills")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/crash.json")
    chosen = parser.parse_args()
    at_sites = chosen.rounds * 2 // 5
    working = chosen.rounds - at_sites
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=chosen.out.parent) as name:
        report = run(Path(name) / "desk", working, max(50, working * 50 // 20), chosen.seed)
        rows = crash_sites.run(Path(name) / "sites", at_sites // 2)
        rows += crash_places.run(Path(name) / "places", at_sites - at_sites // 2)
    for key, value in asdict(report).items():
        print(f"{key:<16}{value}")
    working_row = crash_sites.Row(
        "working desk", len(report.moments), report.kills, report.lost, report.doubled, report.torn
    )
    print(crash_sites.as_text([working_row, *rows]))
    clean = report.clean and all(row.clean for row in rows)
    print("clean" if clean else "NOT CLEAN")
    document = asdict(report) | {"sites": [asdict(row) for row in rows]}
    chosen.out.write_text(json.dumps(document, indent=1))
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
