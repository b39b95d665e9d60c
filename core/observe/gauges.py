"""What is so at the moment of a scrape: gauges that `core.service.care.gauging` sets."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Gauge, Info

from core import __version__
from core.observe.registry import REGISTRY


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    return Gauge(f"openbell_{name}", text, labels, registry=REGISTRY)


FACTS = _gauge("facts_stored", "Facts of filings in the store")
FILINGS = _gauge("filings_stored", "Filings in the store")
GRADES = _gauge("grades", "Filings by their grade of now", "grade")
FINDINGS = _gauge("findings", "Findings of the grades of now, by severity", "severity")
CHECKS = _gauge("reconciliation_checks", "Checks of the last reconciliation", "severity")
CANDIDATES = _gauge("candidates", "Candidates of the scan that was kept last")
DATASETS = _gauge("datasets", "Enabled datasets by freshness", "freshness")
BREAKERS = _gauge("upstream_breaker_state", "1 for the state a host is in", "host", "state")
QUEUE_OLDEST_SECONDS = _gauge("queue_oldest_seconds", "How long the oldest due job has waited")
AUDIT_ENTRIES = _gauge("audit_entries", "Entries in the chain of who did what")
CHECKPOINT_AGE_SECONDS = _gauge(
    "audit_checkpoint_age_seconds", "Time since the chain was signed last"
)
WAL_BYTES = _gauge("store_wal_bytes", "Size of the store's write-ahead log")
STORE_COMMITS = _gauge("store_commits", "Commits to the store since the start")
QUEUE_BYTES = _gauge("queue_bytes", "Size of the queue's file")
NOT_SERVING = _gauge("check_failing", "1 for a check that keeps the desk from serving", "check")
DISK_FREE_BYTES = _gauge("disk_free_bytes", "Room left where the data folder is")
BACKUPS_KEPT = _gauge("backups_kept", "Backups in the data folder")
BACKUP_COPY_AGE_SECONDS = _gauge(
    "backup_copy_age_seconds", "Time since a backup last reached its second place"
)
QUERIES_RUNNING = _gauge("queries_running", "Queries of users that run now")
SOCKETS_OPEN = _gauge("sockets_open", "Pages that are open in browsers of a shared desk")
RESIDENT_BYTES = _gauge("resident_memory_bytes", "Memory of the process")
THREADS = _gauge("threads", "Threads of the process")
UPTIME_SECONDS = _gauge("uptime_seconds", "Time since the desk was opened")
LOOP_LAG_SECONDS = _gauge(
    "event_loop_lag_seconds", "How late an event loop was at its worst of the last minute", "loop"
)
BUILD = Info("openbell_build", "What runs here", registry=REGISTRY)
BUILD.info({"version": __version__})
STATES = ("closed", "open", "half-open")


def spread(gauge: Gauge, counts: Mapping[str, float], known: tuple[str, ...] = ()) -> None:
    """Set a gauge of one label from counts; what is known and not counted is 0."""
    for name in (*known, *counts):
        gauge.labels(name).set(counts.get(name, 0))
