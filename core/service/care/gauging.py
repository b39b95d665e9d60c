"""Brings the gauges up to date, at a scrape: from what is kept until the next commit, mostly."""

from __future__ import annotations

import os
import shutil
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.domain.quality import score
from core.errors import OpenbellError
from core.jobs.queue.port import JobStatus
from core.observe import gauges, logs, metrics
from core.service.care import health
from core.service.data_folder import backups_of
from core.service.filings.regrading import today
from core.service.pulls import datasets, upstreams
from core.store import audit, events, filing_status, presence
from core.store import backup as backups

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.service.desk import Desk

log = logs.get("metrics")
_COUNTS = (
    (gauges.FACTS, "SELECT count(*) FROM facts"),
    (gauges.FILINGS, "SELECT count(*) FROM filings"),
)
_SPREADS: tuple[tuple[Any, tuple[str, ...], str], ...] = (
    (
        gauges.FINDINGS,
        ("critical", "major", "minor", "info"),
        "SELECT f.severity, count(*) FROM findings f JOIN grades g ON g.cik = f.cik "
        "AND g.accession = f.accession AND g.graded_at = f.graded_at AND g.is_current "
        "GROUP BY f.severity",
    ),
    (
        gauges.CHECKS,
        (),
        "SELECT severity, count(*) FROM reconciliation_checks WHERE run_id = "
        "(SELECT max(run_id) FROM reconciliation_runs) GROUP BY severity",
    ),
)


def gauge(desk: Desk) -> None:
    """Set every gauge; one that cannot be set is in the log, and keeps its value."""
    for look in (_health, _process, _queue, _files, _stored, _care, _freshness, _breakers):
        _try(look, desk)


def _try(look: Callable[[Desk], None], desk: Desk) -> None:
    try:
        look(desk)
    except (OpenbellError, OSError) as error:  # a broken store must not hide the other gauges
        log.warning("gauges not set", which=look.__name__.strip("_"), error=str(error))


def _health(desk: Desk) -> None:
    """What readiness rests on, whatever else cannot be looked at."""
    failing = health.readiness(desk)
    for name, item in health.CHECKS.items():
        if item.stops_serving:
            gauges.NOT_SERVING.labels(name).set(name in failing)


def _process(desk: Desk) -> None:
    gauges.RESIDENT_BYTES.set(resident_bytes())
    gauges.THREADS.set(threading.active_count())
    gauges.QUERIES_RUNNING.set(desk.queries.running)
    gauges.STORE_COMMITS.set(desk.warehouse.commits)
    gauges.UPTIME_SECONDS.set((desk.now() - desk.opened_at).total_seconds())


def resident_bytes() -> int:
    """Memory of this process; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _queue(desk: Desk) -> None:
    for status, count in desk.queue.counts().items():
        metrics.QUEUE_JOBS.labels(str(status)).set(count)
    now = desk.now()
    waiting = desk.queue.find([JobStatus.QUEUED], limit=1000)
    ages = [(now - job.run_at).total_seconds() for job in waiting if job.run_at <= now]
    gauges.QUEUE_OLDEST_SECONDS.set(max(ages, default=0.0))


def _files(desk: Desk) -> None:
    store = desk.warehouse.path
    sizes = (
        (metrics.STORE_BYTES, store),
        (gauges.WAL_BYTES, presence.wal_of(store)),
        (gauges.QUEUE_BYTES, desk.settings.queue_path),
    )
    for gauge, path in sizes:
        gauge.set(path.stat().st_size if path.exists() else 0)
    folder = desk.settings.data_dir
    gauges.DISK_FREE_BYTES.set(shutil.disk_usage(folder).free)
    gauges.BACKUPS_KEPT.set(len(backups.found(backups_of(folder))))


def _stored(desk: Desk) -> None:
    for gauge, sql in _COUNTS:
        gauge.set(desk.warehouse.read(sql).item())
    for spread, known, sql in _SPREADS:
        gauges.spread(spread, dict(desk.warehouse.read(sql).iter_rows()), known)
    by_grade = filing_status.by_grade(desk.warehouse, today(desk))
    gauges.spread(gauges.GRADES, by_grade, tuple(score.NAMES))


def _care(desk: Desk) -> None:
    last = {
        metrics.BACKUP_AGE_SECONDS: events.last_of(desk.warehouse, ["backup.made"]),
        metrics.DRILL_AGE_SECONDS: events.last_of(desk.warehouse, ["drill.passed"]),
        gauges.BACKUP_COPY_AGE_SECONDS: events.last_of(desk.warehouse, ["backup.copied"]),
        gauges.CHECKPOINT_AGE_SECONDS: audit.last_checkpoint(desk.warehouse),
    }
    for gauge, at in last.items():
        if at is not None:
            gauge.set((desk.now() - at).total_seconds())
    gauges.AUDIT_ENTRIES.set(audit.head(desk.warehouse).number)


def _freshness(desk: Desk) -> None:
    found = datasets.overview(desk)
    for item in found:
        if item.last_success:
            age = (desk.now() - item.last_success).total_seconds()
            metrics.DATASET_AGE_SECONDS.labels(item.name).set(age)
    counts: dict[str, float] = dict(Counter(item.freshness for item in found))
    gauges.spread(gauges.DATASETS, counts, ("fresh", "due", "overdue", "failing", "never"))


def _breakers(desk: Desk) -> None:
    for host in upstreams.overview(desk):
        for state in gauges.STATES:
            gauges.BREAKERS.labels(host.label, state).set(host.state == state)
