"""Datasets, their rows and pulls, and the jobs that fetch them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import polars as pl

from app.api.paging import PagedQuery, Rows
from app.api.resources.kernel import ResourceAnswer, act, document, listing
from core.domain.access.principals import Role
from core.service.desk import Desk
from core.service.pulls import datasets as use
from core.service.pulls import jobs as job_use
from core.service.pulls import joining, refresh
from core.store import dataset_pages

JOBS = 100_000
_JOB = {"job_id": "01J…", "event": "pull", "dataset": "prices.daily", "state": "queued"}
_DATASET = {"name": "prices.daily", "source": "foundry", "rows": 126_500, "freshness": "fresh",
            "data_until": "2026-11-25", "next_due": "2026-11-27T11:00:00Z"}  # fmt: skip
_COLUMNS = ("name", "source", "table", "description", "enabled", "rows", "freshness",
            "data_until", "sessions_behind", "last_success", "next_due", "last_state",
            "last_error", "partial_reason", "rows_rejected", "running_job", "simulated",
            "upstream")  # fmt: skip


def _statuses(desk: Desk) -> list[dict[str, Any]]:
    every = [asdict(status) for status in use.overview(desk)]
    return [{name: row[name] for name in _COLUMNS} for row in every]


@listing("/datasets", example=[_DATASET], mark=joining.mark)
def datasets(desk: Desk) -> Rows:
    """The datasets of the catalogue: how fresh each is, and what it reaches up to."""
    rows = _statuses(desk)
    return Rows(pl.DataFrame(rows, infer_schema_length=None, strict=False), ["name"])


@document(
    "/datasets/{name}",
    example={**_DATASET, "key": ["symbol", "session"]},
    mark=joining.mark,
)
def dataset(desk: Desk, *, name: str) -> dict[str, Any]:
    """One dataset: its state, its columns, and the key that tells its rows apart."""
    found = desk.catalogue.get(name)
    status = next(row for row in _statuses(desk) if row["name"] == found.name)
    return {
        **status,
        "key": list(found.key),
        "columns": {column: str(kind) for column, kind in found.schema.items()},
        "schedule": [dict(rule) for rule in found.schedule],
    }


@listing("/datasets/{name}/rows", stored=True, example=[{"symbol": "AAA", "session": "2026-11-25"}])
def rows(
    desk: Desk,
    *,
    name: str,
    symbol: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> PagedQuery:
    """The rows of a dataset, last key first; of a symbol, from one instant or day to another."""
    found = desk.catalogue.get(name)
    wanted = dataset_pages.Wanted.of(found, symbol=symbol, since=since, until=until)
    return PagedQuery(lambda after, n: dataset_pages.page(desk.warehouse, found, wanted, after, n))


@listing(
    "/datasets/{name}/pulls",
    stored=True,
    example=[{"pull_id": "0" * 32, "state": "done", "rows_read": 9}],
)
def pulls(desk: Desk, *, name: str) -> Rows:
    """The pulls of a dataset, newest first."""
    desk.catalogue.get(name)
    return Rows(use.pull_history(desk, name, JOBS), ["pull_id"])


@act(
    "POST",
    "/datasets/{name}/refresh",
    needs=Role.ANALYST,
    status=202,
    body={"force": True},
    example={"job_id": "01J…", "dataset": "prices.daily", "joined": False},
)
def refresh_dataset(
    desk: Desk,
    *,
    name: str,
    force: bool = True,
    start: datetime | None = None,
    end: datetime | None = None,
) -> ResourceAnswer:
    """Ask for a pull now; the job that stands for it, which may be under way already."""
    desk.catalogue.get(name)
    ticket = refresh.refresh_now(desk, [name], force=force, start=start, end=end)[0]
    data = {"job_id": ticket.job_id, "dataset": ticket.dataset, "joined": ticket.joined}
    return ResourceAnswer(data, location=f"/api/v1/jobs/{ticket.job_id}")


@listing("/jobs", example=[_JOB])
def jobs(
    desk: Desk,
    *,
    state: list[str] | None = None,
    event: str | None = None,
    dataset: str | None = None,
) -> Rows:
    """The jobs: live ones in the order they will run, then ended ones, newest first."""
    found = job_use.listing(desk, state, event=event, dataset=dataset, limit=JOBS)
    return Rows(found, ["job_id"])


@document("/jobs/{id}", example={**_JOB, "percent": 40.0, "message": "reading", "over": False})
def job(desk: Desk, *, id: str) -> dict[str, Any]:
    """One job: its state, its place in the queue, and how far it is."""
    found = desk.queue.get(id)
    seen = refresh.progress(desk, found.id)
    return {
        "job_id": found.id,
        "event": found.event_name,
        "dataset": seen.dataset or None,
        "state": seen.state,
        "over": seen.over and seen.next_try is None,
        "position": seen.position,
        "message": seen.so_far.message or None,
        "percent": seen.so_far.percent if seen.over else seen.pace.percent,
        "rows": seen.so_far.rows,
        "bytes": seen.so_far.bytes,
        "attempts": found.attempts,
        "created_at": found.created_at,
        "rows_per_second": seen.pace.rows_per_second,
        "seconds_left": seen.pace.seconds_left,
        "elapsed_seconds": seen.elapsed_seconds,
        "next_try": seen.next_try,
        "error": seen.error,
        "result": seen.result,
    }


@act("DELETE", "/jobs/{id}", needs=Role.ANALYST, example={"job_id": "01J…", "state": "cancelled"})
def cancel_job(desk: Desk, *, id: str) -> dict[str, Any]:
    """Call a job off; the data stays as it was."""
    return {"job_id": id, "state": refresh.cancel(desk, id)}
