"""Durable publish against the disk's own floor and against DBOS, in one run.

    python -m benchmarks.queue [--jobs 400] [--out benchmarks/results/queue.json]

Where `redis-server` is installed, the queue in Redis (`appendfsync always`) takes turns, too.

All contenders write to the same folder and take turns call by call, because the disk is shared and
its speed drifts. Floor: append one record to a file and fdatasync. Peer: DBOS's client enqueueing
into its SQLite system database. Naive: one INSERT per job with SQLite's default journal.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from core.jobs.queue.port import JobStatus, Message
from core.jobs.queue.redis import RedisQueue
from core.jobs.queue.rows import to_row
from core.jobs.queue.sqlite import SqliteQueue
from tests import redis_server

ROOT = Path(__file__).resolve().parent.parent
BATCH = 100
PAYLOAD = {"dataset": "prices.daily", "trigger": "manual", "force": True, "from": None, "to": None}


def now() -> datetime:
    return datetime.now(UTC)


def floor(folder: Path, record: bytes) -> Callable[[], None]:
    """Append a record as long as a job's row, and fdatasync."""
    file = os.open(folder / "floor.log", os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def write() -> None:
        os.write(file, record)
        os.fdatasync(file)

    return write


def naive(folder: Path, record: bytes) -> Callable[[], None]:
    """INSERT and commit with SQLite's defaults (rollback journal, no checksum, no dedupe)."""
    db = sqlite3.connect(folder / "naive.sqlite")
    db.execute("CREATE TABLE jobs (id INTEGER PRIMARY KEY, body BLOB)")

    def write() -> None:
        with db:
            db.execute("INSERT INTO jobs (body) VALUES (?)", (record,))

    return write


def peer(folder: Path) -> Callable[[], object] | None:
    """DBOS's enqueue, or None when it is not installed (requirements-bench.txt)."""
    try:
        from dbos import DBOSClient, run_dbos_database_migrations
    except ImportError:
        return None
    logging.disable(logging.WARNING)
    url = f"sqlite:///{folder / 'dbos.sqlite'}"
    run_dbos_database_migrations(system_database_url=url)
    client = DBOSClient(system_database_url=url)
    options = {"workflow_name": "pull", "queue_name": "jobs"}
    return lambda: client.enqueue(options, PAYLOAD)


def in_redis(folder: Path, stack: ExitStack) -> dict[str, tuple[Callable[[], object], int]]:
    """The queue in a Redis of its own on loopback; empty where none is installed."""
    if not redis_server.installed():
        return {}
    shared = RedisQueue(stack.enter_context(redis_server.running(folder)), now)
    stack.callback(shared.close)
    batch = [Message("pull", PAYLOAD)] * BATCH
    return {
        "openbell publish in Redis": (lambda: shared.publish("pull", PAYLOAD), 1),
        f"openbell publish_many({BATCH}) in Redis": (lambda: shared.publish_many(batch), BATCH),
    }


def contenders(folder: Path, queue: SqliteQueue) -> dict[str, tuple[Callable[[], object], int]]:
    """Name -> (what one call does, jobs per call)."""
    sample = queue.get(queue.publish("pull", PAYLOAD, dedupe_key="x" * 32).job_id)
    record = json.dumps([str(cell) for cell in to_row(sample)]).encode()
    keys = iter(range(10**9))
    batch = [Message("pull", PAYLOAD)] * BATCH
    lease = timedelta(seconds=60)
    free = SqliteQueue(folder / "lanes.sqlite", now)

    def cycle() -> None:
        free.publish("work")
        job = free.claim("w", lease)
        assert job is not None
        assert free.ack(job)

    found: dict[str, tuple[Callable[[], object], int]] = {
        "floor: append + fdatasync": (floor(folder, record), 1),
        "openbell publish": (lambda: queue.publish("pull", PAYLOAD), 1),
        "openbell publish, dedupe key": (
            lambda: queue.publish("pull", PAYLOAD, dedupe_key=f"k{next(keys)}", once=True),
            1,
        ),
        f"openbell publish_many({BATCH})": (lambda: queue.publish_many(batch), BATCH),
        "openbell publish+claim+ack": (cycle, 1),
        "naive: SQLite defaults": (naive(folder, record), 1),
    }
    other = peer(folder)
    if other is not None:
        found[f"peer: DBOS {version('dbos')} enqueue (SQLite)"] = (other, 1)
    return found


def measure(
    found: dict[str, tuple[Callable[[], object], int]], jobs: int
) -> dict[str, list[float]]:
    """Microseconds per job of every call; the contenders take turns call by call."""
    times: dict[str, list[float]] = {name: [] for name in found}
    for number in range(jobs):
        for name, (call, size) in found.items():
            if size > 1 and number % 10:
                continue
            began = time.perf_counter()
            call()
            times[name].append((time.perf_counter() - began) / size * 1e6)
    return times


def table(times: dict[str, list[float]]) -> list[dict[str, object]]:
    """Median, 95th percentile and ratios to the floor and to one publish."""
    median = {name: statistics.median(values) for name, values in times.items()}
    base, one = median["floor: append + fdatasync"], median["openbell publish"]
    return [
        {
            "what": name,
            "calls": len(values),
            "p50_us": round(median[name], 1),
            "p95_us": round(sorted(values)[int(len(values) * 0.95)], 1),
            "x_floor": round(median[name] / base, 2),
            "x_publish": round(median[name] / one, 3),
        }
        for name, values in times.items()
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=400, help="single publishes per contender")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/queue.json")
    chosen = parser.parse_args()
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=chosen.out.parent) as name, ExitStack() as stack:
        folder = Path(name)
        queue = SqliteQueue(folder / "queue.sqlite", now)
        found = contenders(folder, queue) | in_redis(folder, stack)
        rows = table(measure(found, chosen.jobs))
        assert queue.verify() == [], "a row lost its checksum"
        stored = queue.counts()[JobStatus.QUEUED]
        queue.close()
    print(f"{'what':<46}{'calls':>6}{'p50 us':>9}{'p95 us':>9}{'x floor':>9}{'x publish':>11}")
    for row in rows:
        print(
            f"{row['what']:<46}{row['calls']:>6}{row['p50_us']:>9}{row['p95_us']:>9}"
            f"{row['x_floor']:>9}{row['x_publish']:>11}"
        )
    by = {str(row["what"]): row for row in rows}
    one, many = by["openbell publish"], by[f"openbell publish_many({BATCH})"]
    verdict = {
        "publish p50 <= 500 us": float(str(one["p50_us"])) <= 500,
        "publish <= 2x floor": float(str(one["x_floor"])) <= 2,
        "batch of 100 >= 10x cheaper per job": float(str(many["x_publish"])) <= 0.1,
    }
    for target, met in verdict.items():
        print(f"{'met' if met else 'MISSED':<7} {target}")
    print(f"        (the bare fdatasync took {by['floor: append + fdatasync']['p50_us']} us)")
    versions = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    document = {"rows": rows, "targets": verdict, "versions": versions, "stored": stored}
    chosen.out.write_text(json.dumps(document, indent=1))
    return 0
