"""Prometheus metrics of the desk: names begin with `openbell_`, carry units, labels are bounded."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from prometheus_client import Counter, Gauge, Histogram, generate_latest

from core.observe import gauges, work  # noqa: F401 - they register theirs with us
from core.observe.registry import REGISTRY

PULLS = Counter("openbell_pulls_total", "Pulls by outcome", ["dataset", "state"], registry=REGISTRY)
PULL_ROWS = Counter(
    "openbell_pull_rows_total",
    "Rows by outcome",
    ["dataset", "kind"],
    registry=REGISTRY,
)
PULL_BYTES = Counter(
    "openbell_pull_bytes_total", "Bytes received by pulls", ["dataset"], registry=REGISTRY
)
PULL_SECONDS = Histogram(
    "openbell_pull_duration_seconds",
    "Length of pulls",
    ["dataset"],
    buckets=(0.1, 0.5, 1, 5, 15, 60, 300, 1800),
    registry=REGISTRY,
)
REQUESTS = Counter(
    "openbell_http_requests_total", "Requests to upstreams", ["host", "status"], registry=REGISTRY
)
RETRIES = Counter(
    "openbell_http_retries_total", "Requests tried again", ["host"], registry=REGISTRY
)
REQUEST_SECONDS = Histogram(
    "openbell_http_request_duration_seconds",
    "Length of requests to upstreams",
    ["host"],
    buckets=(0.01, 0.05, 0.25, 1, 5, 30, 120),
    registry=REGISTRY,
)
QUEUE_JOBS = Gauge(
    "openbell_queue_jobs", "Jobs in the queue by status", ["status"], registry=REGISTRY
)
DATASET_AGE_SECONDS = Gauge(
    "openbell_dataset_age_seconds", "Time since the last success", ["dataset"], registry=REGISTRY
)
STORE_BYTES = Gauge("openbell_store_bytes", "Size of the database file", registry=REGISTRY)
BACKUP_AGE_SECONDS = Gauge(
    "openbell_backup_age_seconds", "Time since the last verified backup", registry=REGISTRY
)
DRILL_AGE_SECONDS = Gauge(
    "openbell_drill_age_seconds", "Time since the last drill that passed", registry=REGISTRY
)
ALERTS = Counter(
    "openbell_alerts_total",
    "Alerts brought to places outside, by kind of place and outcome",
    ["sink", "outcome"],
    registry=REGISTRY,
)

_CACHE_SECONDS = 1.0
_cache_lock = threading.Lock()
_cached: tuple[float, bytes] = (float("-inf"), b"")


def http_request(host: str, status: int | str, seconds: float | None = None) -> None:
    """Count one request to an upstream; `status` is the HTTP status or a word such as `error`."""
    REQUESTS.labels(host, str(status)).inc()
    if seconds is not None:
        REQUEST_SECONDS.labels(host).observe(seconds)


def http_retry(host: str) -> None:
    """Count one request that is tried again."""
    RETRIES.labels(host).inc()


@dataclass(frozen=True, slots=True)
class Registered:
    """A metric of the registry, under the name that queries use (`_total`, `_info`)."""

    name: str
    kind: str
    labels: tuple[str, ...]
    text: str


def registered() -> list[Registered]:
    """Every metric there is."""
    found = []
    for metric in REGISTRY._collector_to_names:
        described = next(iter(metric.describe()))  # type: ignore[attr-defined]
        ending = {"counter": "_total", "info": "_info"}.get(described.type, "")
        labels = tuple(metric._labelnames)  # type: ignore[attr-defined]
        found.append(
            Registered(described.name + ending, described.type, labels, described.documentation)
        )
    return found


def render() -> bytes:
    """The metrics as text; made at most once a second."""
    global _cached  # noqa: PLW0603 - one cache for the process is the point
    with _cache_lock:
        made, text = _cached
        if time.monotonic() - made > _CACHE_SECONDS:
            text = generate_latest(REGISTRY)
            _cached = (time.monotonic(), text)
        return text
