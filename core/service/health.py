"""Health of the desk, from the store outward: what readiness and the status page say."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

from core import service
from core.errors import OpenbellError
from core.observe import metrics
from core.service import datasets

if TYPE_CHECKING:
    from core.service.desk import Desk

LEAST_FREE_BYTES = 64 * 1024**2


def report() -> dict[str, Any]:
    """Every check with `ok` and a sentence, plus pulls' freshness; `ok` when all checks are."""
    if not service.is_open():
        return {"ok": False, "checks": {"desk": _bad("the desk is not open")}}
    desk = service.current()
    checks = {
        "store": _store(desk),
        "queue": _queue(desk),
        "engine": _engine(desk),
        "disk": _disk(desk),
        "catalogue": _catalogue(desk),
    }
    ok = all(check["ok"] for check in checks.values())
    return {
        "ok": ok,
        "checks": checks,
        "pid": os.getpid(),
        "simulated": desk.settings.simulated,
        "datasets": _freshness(desk) if checks["store"]["ok"] else [],
    }


def gauge() -> None:
    """Bring the gauges of the metrics up to date."""
    if not service.is_open():
        return
    desk = service.current()
    for status, count in desk.queue.counts().items():
        metrics.QUEUE_JOBS.labels(str(status)).set(count)
    if desk.warehouse.path.exists():
        metrics.STORE_BYTES.set(desk.warehouse.path.stat().st_size)
    for item in datasets.overview(desk):
        if item.last_success:
            age = (desk.now() - item.last_success).total_seconds()
            metrics.DATASET_AGE_SECONDS.labels(item.name).set(age)


def _store(desk: Desk) -> dict[str, Any]:
    try:
        pulls = desk.warehouse.read("SELECT count(*) FROM pulls").item()
    except OpenbellError as error:
        return _bad(str(error))
    return _good(f"{pulls} pulls on record")


def _queue(desk: Desk) -> dict[str, Any]:
    try:
        counts = desk.queue.counts()
    except OpenbellError as error:
        return _bad(str(error))
    return _good(", ".join(f"{count} {status}" for status, count in counts.items() if count))


def _engine(desk: Desk) -> dict[str, Any]:
    if desk.engine is None:
        return _bad("the worker is not running")
    return _good("running") if desk.engine.alive else _bad("the worker has stopped")


def _disk(desk: Desk) -> dict[str, Any]:
    free = shutil.disk_usage(desk.settings.data_dir).free
    words = f"{free // 1024**2} MB free"
    return _good(words) if free >= LEAST_FREE_BYTES else _bad(f"only {words}")


def _catalogue(desk: Desk) -> dict[str, Any]:
    problems = desk.catalogue.problems
    return {"ok": True, "message": "; ".join(map(str, problems)) or "valid"}


def _freshness(desk: Desk) -> list[dict[str, Any]]:
    return [
        {"name": item.name, "freshness": item.freshness, "rows": item.rows}
        for item in datasets.overview(desk)
    ]


def _good(message: str) -> dict[str, Any]:
    return {"ok": True, "message": message}


def _bad(message: str) -> dict[str, Any]:
    return {"ok": False, "message": message}
