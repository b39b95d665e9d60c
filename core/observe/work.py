"""How long work takes and how it ends: `@measured(JOBS, "grade")` on any function or coroutine.

Labels are bounded: names of handlers, commands and routes, words for outcomes, kinds of errors.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, cast

from prometheus_client import Counter, Histogram

from core.errors import OpenbellError
from core.observe.registry import REGISTRY

F = TypeVar("F", bound=Callable[..., Any])
MOMENTS = (0.005, 0.025, 0.1, 0.5, 2, 10, 60)
MINUTES = (0.05, 0.25, 1, 5, 30, 120, 600, 3600)


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of work: its length by label, and its ends by label and outcome."""

    seconds: Histogram
    ends: Counter


def _work(
    name: str, words: str, label: str, buckets: tuple[float, ...], *, plural: str = ""
) -> Work:
    seconds = Histogram(
        f"openbell_{name}_duration_seconds",
        f"Length of {words}",
        [label],
        buckets=buckets,
        registry=REGISTRY,
    )
    ends = Counter(
        f"openbell_{plural or f'{name}s'}_total",
        f"Ends of {words} by outcome: done, failed, cancelled",
        [label, "outcome"],
        registry=REGISTRY,
    )
    return Work(seconds, ends)


JOBS = _work("job", "deliveries of jobs", "event", MINUTES)
COMMANDS = _work("command", "commands, by command line and API", "command", MOMENTS)
SCANS = _work("scan", "gap scans that were made and kept", "trigger", MOMENTS)
GRADINGS = _work("grading", "runs that grade what changed", "scope", MINUTES)
RECONCILIATIONS = _work("reconciliation", "runs of the checks", "scope", MINUTES)
BACKUPS = _work("backup", "backups and drills", "kind", MINUTES)
BACKUP_BYTES = Counter(
    "openbell_backup_bytes_total",
    "Bytes of backups: written, or reused from an older one as they were",
    ["how"],
    registry=REGISTRY,
)
ERRORS = Counter(
    "openbell_errors_total", "Errors that ended work, by kind", ["kind"], registry=REGISTRY
)
QUEUE_LATENCY_SECONDS = Histogram(
    "openbell_queue_latency_seconds",
    "Time from when a job may run to when it is claimed",
    ["event"],
    buckets=MINUTES,
    registry=REGISTRY,
)
LIMITER_WAIT_SECONDS = Histogram(
    "openbell_limiter_wait_seconds",
    "Time that requests wait for their turn",
    ["limiter"],
    buckets=MOMENTS,
    registry=REGISTRY,
)
COMMIT_SECONDS = Histogram(
    "openbell_store_transaction_duration_seconds",
    "Length of writing transactions that were committed",
    buckets=MINUTES,
    registry=REGISTRY,
)
API_REQUESTS = Counter(
    "openbell_api_requests_total",
    "Requests to the API by route and status",
    ["route", "method", "status"],
    registry=REGISTRY,
)
API_SECONDS = Histogram(
    "openbell_api_request_duration_seconds",
    "Length of requests to the API",
    ["route"],
    buckets=MOMENTS,
    registry=REGISTRY,
)
EVENTS = Counter("openbell_events_total", "Events stored", ["kind", "severity"], registry=REGISTRY)
METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE")


@contextmanager
def timed(work: Work, label: str) -> Iterator[None]:
    """Observe the length of the block and how it ended."""
    began, outcome = time.perf_counter(), "done"
    try:
        yield
    except asyncio.CancelledError:
        outcome = "cancelled"
        raise
    except BaseException as error:
        outcome = "failed"
        ERRORS.labels(kind_of(error)).inc()
        raise
    finally:
        work.seconds.labels(label).observe(time.perf_counter() - began)
        work.ends.labels(label, outcome).inc()


def measured(work: Work, label: str) -> Callable[[F], F]:
    """Observe every call of a function, or of a coroutine function to its end."""

    def decorate(function: F) -> F:
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def waited(*args: Any, **kwargs: Any) -> Any:
                with timed(work, label):
                    return await function(*args, **kwargs)

            return cast(F, waited)

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            with timed(work, label):
                return function(*args, **kwargs)

        return cast(F, called)

    return decorate


def kind_of(error: BaseException) -> str:
    """An error as a label: its class where it is one of ours."""
    return type(error).__name__ if isinstance(error, OpenbellError) else "unexpected"


def api_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count one request to the API; `route` is a template, never the path that was asked for."""
    requests, lengths = _api_metrics(route, method if method in METHODS else "other", status)
    requests.inc()
    lengths.observe(seconds)


@cache
def _api_metrics(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    """Found once: there are few routes, and looking up labels costs more than counting."""
    return API_REQUESTS.labels(route, method, str(status)), API_SECONDS.labels(route)
