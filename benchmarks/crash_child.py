"""One life of a desk that will be killed: the real engine, with sources and handlers that tell
the killer, through a shared byte, what they are doing.

Jobs: `pull` (the desk's own handler, over a stand-in source) and `crash_export` (a CSV written
aside, synced and put in place).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import mmap
import os
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from pathlib import Path
from typing import Any

import pandas as pd  # noqa: F401 - DuckDB imports it with the first parameter: a second per life
import polars as pl

import core.service.everything  # noqa: F401 - registers what can be asked for
from core import settings
from core.domain.tables.datasets import Dataset, Window
from core.jobs.pulling.puller import Puller
from core.jobs.queue.port import Job, JobStatus
from core.jobs.worker import Context
from core.observe import logs
from core.service.desk import Desk
from core.service.kernel.handlers import handler
from core.sources.pulled import Progress, ProgressHook, Pulled, TableRows
from core.store import transaction

ROWS = 400
START = datetime(2025, 7, 1, tzinfo=UTC)


class Phase(IntEnum):
    """What the desk is doing; the killer waits for one of these."""

    STARTING = 0
    IDLE = 1
    FETCHING = 2
    WRITING = 3  # inside the DuckDB transaction
    COMMITTED = 4  # between the commit and the acknowledgement
    EXPORTING = 5


class Marker:
    """A byte in a file mapped by both processes."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(b"\0" * 16)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 16)

    def set(self, phase: Phase) -> None:
        self._map[0] = phase

    def get(self) -> Phase:
        return Phase(self._map[0])


def dataset_name(number: int) -> str:
    return f"crash.n{number:05d}"


def catalogue(path: Path, jobs: int) -> None:
    """A catalogue with one dataset per pull job; all share a table."""
    entries = [
        f'[datasets."{dataset_name(n)}"]\nsource = "foundry"\ntable = "crash_rows"\n'
        'key = ["job", "n"]\nschema = { job = "int", n = "int", value = "float" }\n'
        for n in range(jobs)
    ]
    path.write_text("\n".join(entries))


def rows_of(number: int) -> pl.DataFrame:
    """What the source delivers for a job: always the same ROWS rows."""
    n = pl.Series("n", range(ROWS), dtype=pl.Int64)
    return pl.DataFrame({"job": [number] * ROWS, "n": n, "value": (n * number).cast(pl.Float64)})


def export_bytes(number: int) -> bytes:
    return rows_of(number).write_csv().encode() * 20


class StandIn:
    """A source that takes a moment and delivers the rows of the dataset's number."""

    def __init__(self, marker: Marker, chance: random.Random) -> None:
        self._marker = marker
        self._chance = chance

    async def pull(
        self,
        dataset: Dataset,
        window: Window,
        *,
        known_version: str | None,
        on_progress: ProgressHook,
    ) -> Pulled:
        """Deliver; a version known already is `unchanged`, as the container would say."""
        self._marker.set(Phase.FETCHING)
        await asyncio.sleep(self._chance.uniform(0, 0.004))
        rows = rows_of(int(dataset.name.rpartition("n")[2]))
        version = hashlib.sha256(rows.write_csv().encode()).hexdigest()
        if known_version == version:
            return Pulled(version=version, unchanged=True)
        on_progress(Progress("delivered", rows=rows.height))
        part = TableRows("crash_rows", ("job", "n"), rows)
        return Pulled((part,), version=version, rows_read=rows.height)


def tell_writes(marker: Marker) -> None:
    """Set the marker while a merge is inside its transaction, and after it."""
    merge = transaction.Transaction.merge

    def told(self: Any, *args: Any, **kwargs: Any) -> Any:
        marker.set(Phase.WRITING)
        try:
            return merge(self, *args, **kwargs)
        finally:
            time.sleep(0.001)  # the transaction is still open here

    transaction.Transaction.merge = told  # type: ignore[method-assign]


class ToldPuller(Puller):
    """The desk's puller, lingering between its commit and the acknowledgement."""

    marker: Marker

    async def run(self, request: Any) -> str:
        pull_id = await super().run(request)
        self.marker.set(Phase.COMMITTED)
        await asyncio.sleep(0.002)
        return pull_id


@handler("crash_export")
async def crash_export(desk: Desk, job: Job, context: Context) -> Mapping[str, Any]:
    """Write a file aside, sync it, put it in place."""
    number = int(job.payload["n"])
    await asyncio.to_thread(_export, desk.settings.data_dir, number, _marker)
    return {"n": number}


_marker: Marker


def _export(folder: Path, number: int, marker: Marker) -> None:
    marker.set(Phase.EXPORTING)
    target = folder / "exports" / f"{number}.csv"
    target.parent.mkdir(exist_ok=True)
    aside = target.with_suffix(".part")
    with aside.open("wb") as file:
        for chunk in _chunks(export_bytes(number)):
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(target)


def _chunks(data: bytes) -> list[bytes]:
    return [data[i : i + 16384] for i in range(0, len(data), 16384)]


def open_desk(folder: Path) -> Desk:
    return Desk.open(
        settings.load(
            data_dir=folder, catalogue=folder / "catalogue.toml", workers=2, grace_seconds=2.0
        )
    )


def check(desk: Desk) -> dict[str, int]:
    """What a life finds of those before it: partial datasets and torn exports."""
    counted = desk.warehouse.read(
        "SELECT count(*) AS tables FROM duckdb_tables() WHERE table_name = 'crash_rows'"
    ).item()
    partial = doubled = 0
    if counted:
        partial, doubled = desk.warehouse.read(
            "SELECT count(*) FILTER (n <> ?), count(*) FILTER (n > d) FROM (SELECT job, "
            "count(*) AS n, count(DISTINCT n) AS d FROM crash_rows GROUP BY job)",
            [ROWS],
        ).row(0)
    exports = desk.settings.data_dir / "exports"
    torn = sum(file.read_bytes() != export_bytes(int(file.stem)) for file in exports.glob("*.csv"))
    return {"partial": int(partial), "doubled": int(doubled), "torn": torn}


def live(folder: str, seed: int) -> None:
    """Open the desk, say how it was found, work until nothing is left (or until killed)."""
    global _marker  # noqa: PLW0603 - the handler is registered before there is a marker
    logs.configure("json", "CRITICAL")
    root = Path(folder)
    began = time.perf_counter()
    _marker = ToldPuller.marker = Marker(root / "marker")
    _marker.set(Phase.STARTING)
    desk = open_desk(root)
    opened = time.perf_counter() - began
    with (root / "lives.jsonl").open("a") as log:
        log.write(json.dumps({"reopen_ms": round(opened * 1e3, 1), **check(desk)}) + "\n")
    tell_writes(_marker)
    source = StandIn(_marker, random.Random(seed))
    desk.puller = ToldPuller(desk.warehouse, {"foundry": source}, desk.board, desk.now)
    desk.start(scheduler=False)
    _marker.set(Phase.IDLE)
    while desk.queue.counts()[JobStatus.QUEUED] + desk.queue.counts()[JobStatus.RUNNING]:
        time.sleep(0.01)
    desk.close()


def payload(number: int) -> dict[str, Any]:
    """The payload that the scheduler would publish for a window of this dataset."""
    due = START + timedelta(hours=number)
    closes = due + timedelta(hours=1)
    return {
        "dataset": dataset_name(number),
        "trigger": "schedule",
        "from": due.isoformat(),
        "to": closes.isoformat(),
        "due_at": due.isoformat(),
        "closes_at": closes.isoformat(),
        "zone": "UTC",
    }
