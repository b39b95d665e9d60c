"""What must be known before anything else is read: data that lack, hosts, filings, limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.service.pulls import upstreams
from core.service.pulls.datasets import DatasetStatus
from core.service.pulls.upstreams import UpstreamStatus
from core.sources.upstreams import is_refusal
from core.store import events

if TYPE_CHECKING:
    from core.service.desk import Desk

TROUBLE = ("failing", "overdue")
TOLD = ("filing.withdrawn", "filing.downgraded", "reconciliation.worse", "drill.failed")
NEAR_PCT = 80.0
MOST = 50
ORDER = ("critical", "error", "warning", "info")


def found(
    then: Desk,
    statuses: Sequence[DatasetStatus],
    checks: Sequence[Mapping[str, Any]],
    since: datetime,
) -> list[dict[str, Any]]:
    """Problems at the desk's instant, gravest first: severity, subject, message (a sentence)."""
    every = [
        *_catalogue(then),
        *_hosts(then, statuses),
        *_datasets(then, statuses),
        *_dead(then),
        *_told(then, since),
        *_limits(checks),
    ]
    return sorted(every, key=lambda item: ORDER.index(item["severity"]))


def _problem(severity: str, subject: str, message: str) -> dict[str, Any]:
    return {"severity": severity, "subject": subject, "message": message}


def _catalogue(then: Desk) -> Iterator[dict[str, Any]]:
    for problem in then.catalogue.problems:
        yield _problem("error", "catalogue", problem.message)


def _hosts(then: Desk, statuses: Sequence[DatasetStatus]) -> Iterator[dict[str, Any]]:
    """The hosts that are down, each with the datasets that lack because of it: one line a cause."""
    for host in _down(then):
        lacking = {status.name for status in statuses if _lacks_for(status, host)}
        what = "has blocked the desk" if host.blocked else "does not answer"
        why = (host.last_error or "no reason told").rstrip(".")
        said = f"{what} since {host.since:%Y-%m-%d %H:%M}Z: {why}"
        names = ", ".join(name for name in host.datasets if name in lacking)
        yield _problem("error", host.label, f"{said}; not in for it: {names}" if names else said)


def _down(then: Desk) -> list[UpstreamStatus]:
    """The hosts that are down and were by the brief's instant."""
    return [host for host in upstreams.down(then) if host.since and host.since <= then.now()]


def _lacks_for(status: DatasetStatus, host: UpstreamStatus) -> bool:
    """Whether a dataset lacks because its host is down, and not for a fault that it had before."""
    if not _in_trouble(status) or status.name not in host.datasets:
        return False
    failing, down = status.failing_since, host.since
    before = failing is not None and down is not None and failing < down
    said = host.last_error or ""
    same = said != "" and said in (status.last_error or "")
    refused = is_refusal(status.fault, host.label)  # the pulls that told of the outage came before
    return same or refused or not (status.fault and before)


def _in_trouble(status: DatasetStatus) -> bool:
    return status.enabled and status.freshness in TROUBLE


def _datasets(then: Desk, statuses: Sequence[DatasetStatus]) -> Iterator[dict[str, Any]]:
    """What lacks by itself: a host that is down is told once, not for each of its datasets."""
    hosts = _down(then)
    for status in statuses:
        if _in_trouble(status):
            if not any(_lacks_for(status, host) for host in hosts):
                yield _problem("warning", status.name, f"{status.freshness}; {_missing(status)}")
        elif status.enabled and status.partial_reason:
            yield _problem("warning", status.name, status.partial_reason)


def _missing(status: DatasetStatus) -> str:
    """The error of its last pull, else what did not come in."""
    if status.fault:
        return status.fault
    behind = status.sessions_behind
    if behind:
        return f"{behind} {'session is' if behind == 1 else 'sessions are'} missing"
    return "not in yet"


def _dead(then: Desk) -> Iterator[dict[str, Any]]:
    dead = {str(state): count for state, count in then.queue.counts().items()}.get("dead", 0)
    if dead:
        were = "job was" if dead == 1 else "jobs were"
        yield _problem("error", "jobs", f"{dead} {were} given up; see Jobs")


def _told(then: Desk, since: datetime) -> Iterator[dict[str, Any]]:
    """What the desk has told of filings and checks since the last close."""
    wanted = events.EventFilter(TOLD, since=since, until=then.now())
    for row in events.page(then.warehouse, wanted, limit=MOST).iter_rows(named=True):
        yield _problem(row["severity"], row["subject"], row["message"])


def _limits(checks: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for check in checks:
        used, allowed = check["used"], check["allowed"]
        if allowed > 0 and used >= allowed * NEAR_PCT / 100:
            over = used > allowed  # one that is full holds: nothing more fits
            yield _problem("error" if over else "warning", "risk", check["sentence"])
