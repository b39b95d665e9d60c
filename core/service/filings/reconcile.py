"""Reconciliation: is our copy right? Six checks, kept per run, with what changed since the last;
and the quality of every dataset, measured in the same run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import polars as pl

from core.domain.access.principals import Role
from core.domain.tables import dataset_quality, reconciliation
from core.domain.tables.datasets import Dataset
from core.domain.tables.reconciliation import CheckResult
from core.jobs.pulling.puller import new_pull_id
from core.jobs.queue.port import Job
from core.jobs.worker import Context
from core.observe import work
from core.observe.events import Event
from core.service.filings import quality, regrading
from core.service.kernel.access import needs
from core.service.kernel.commands import FOUND_ERRORS, CommandResult, command
from core.service.kernel.exports import export
from core.service.kernel.handlers import handler
from core.service.pulls import datasets, filling
from core.store import events
from core.store import quality as grade_store
from core.store import reconciliation as store
from core.store.transaction import quoted

if TYPE_CHECKING:
    from core.service.desk import Desk

DRIFT_DAYS = 30
RESTS_ON = ("facts", "filings", "companies", "bars_daily")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the six checks."""

    run_id: str
    checks: Sequence[CheckResult]
    worst: str

    def document(self) -> dict[str, Any]:
        """The run in the shape of `reconcile`."""
        checks = [_document(check) for check in self.checks]
        return {"run_id": self.run_id, "checks": checks, "worst": self.worst}


@needs(Role.ANALYST)
@work.measured(work.RECONCILIATIONS, "all")
def run(desk: Desk, trigger: str = "manual") -> Run:
    """Grade what changed, run the six checks, measure the datasets, and keep all of it."""
    began = time.monotonic()
    regrading.grade_all(desk)
    before = _last(desk)
    checks = [_check(desk, spec, before.get(spec.name)) for spec in reconciliation.CHECKS]
    run_id = new_pull_id(desk.now())
    worst = reconciliation.worst(checks)
    measured = [_measured(desk, item) for item in measure(desk)]
    with desk.warehouse.transaction() as tx:
        tx.execute(
            "INSERT INTO reconciliation_runs VALUES (?, ?, ?, ?, ?)",
            [run_id, desk.now(), round(time.monotonic() - began, 3), worst, trigger],
        )
        tx.insert("reconciliation_checks", _rows(run_id, checks))
        grade_store.add_dataset_grades(tx, measured)
        events.add(tx, [_event(check) for check in checks], desk.now())
    return Run(run_id, checks, worst)


def _event(check: CheckResult) -> Event:
    bad = reconciliation.must_alarm(check.severity)
    after = {"severity": check.severity, "affected": check.affected, "checked": check.checked}
    return Event.of(
        "reconciliation.worse" if bad else "reconciliation.better",
        check.name,
        f"{check.title}: {check.message}",
        severity="critical" if check.severity == "critical" else None,
        after=after,
    )


def _check(desk: Desk, spec: reconciliation.CheckSpec, before: int | None) -> CheckResult:
    found = store.look(desk.warehouse, spec.name)
    return reconciliation.judge(
        spec, found.affected, found.checked, found.sample, before, found.uncovered
    )


def _last(desk: Desk) -> dict[str, int]:
    return dict(
        desk.warehouse.read(
            "SELECT check_name, affected FROM reconciliation_checks WHERE run_id = "
            "(SELECT run_id FROM reconciliation_runs ORDER BY started_at DESC LIMIT 1)"
        ).rows()
    )


def _document(check: CheckResult) -> dict[str, Any]:
    return {
        "check": check.name,
        "title": check.title,
        "severity": check.severity,
        "affected": check.affected,
        "checked": check.checked,
        "drift": check.drift,
        "message": check.message,
        "sample": list(check.sample),
    }


def _rows(run_id: str, checks: Sequence[CheckResult]) -> pl.DataFrame:
    rows = [
        {
            "run_id": run_id,
            "position": number,
            "check_name": check.name,
            "title": check.title,
            "severity": check.severity,
            "affected": check.affected,
            "checked": check.checked,
            "drift": check.drift,
            "message": check.message,
            "sample": orjson.dumps(list(check.sample), default=str).decode(),
        }
        for number, check in enumerate(checks, start=1)
    ]
    return pl.DataFrame(rows, schema_overrides={"drift": pl.Int64, "position": pl.Int32})


def history(desk: Desk, runs: int = 30) -> pl.DataFrame:
    """The checks of the last runs, newest run first; `sample` is JSON."""
    return desk.warehouse.read(
        "SELECT r.run_id, r.started_at, r.seconds, r.worst, r.trigger_name, c.position, "
        "c.check_name, c.title, c.severity, c.affected, c.checked, c.drift, c.message, c.sample "
        "FROM (SELECT * FROM reconciliation_runs ORDER BY started_at DESC LIMIT ?) r "
        "JOIN reconciliation_checks c ON c.run_id = r.run_id "
        "ORDER BY r.started_at DESC, c.position",
        [runs],
    )


def measure(desk: Desk) -> list[dataset_quality.DatasetGrade]:
    """The quality of every enabled dataset that has rows, now."""
    fresh = desk.freshness_of_all()
    tables = datasets.row_counts(desk, [d.table for d in desk.catalogue.enabled])
    return [
        _grade_of(desk, dataset, fresh[dataset.name].state)
        for dataset in desk.catalogue.enabled
        if tables.get(dataset.table)
    ]


def _grade_of(desk: Desk, dataset: Dataset, freshness: str) -> dataset_quality.DatasetGrade:
    rows = desk.warehouse.read(f"SELECT * EXCLUDE (pull_id) FROM {quoted(dataset.table)}")
    last = desk.warehouse.read(
        "SELECT rows_read, rows_rejected FROM pulls WHERE dataset = ? "
        "AND state IN ('done', 'partial') ORDER BY started_at DESC LIMIT 30",
        [dataset.name],
    )
    drifted: int = desk.warehouse.read(
        "SELECT count(*) FROM schema_changes WHERE dataset = ? "
        "AND happened_at > ?::TIMESTAMPTZ - to_days(?)",
        [dataset.name, desk.now(), DRIFT_DAYS],
    ).item()
    return dataset_quality.measure(
        dataset,
        dataset_quality.counts_of(rows, dataset),
        freshness=freshness,
        pulled=[n or 0 for n in last["rows_read"]],
        rejected=(last["rows_rejected"][0] or 0) if last.height else 0,
        drifted=drifted,
    )


def _measured(desk: Desk, item: dataset_quality.DatasetGrade) -> dict[str, Any]:
    parts = {
        f"{name}_pct": float(item.parts[name]) if name in item.parts else None
        for name in dataset_quality.WEIGHTS
    }
    return {
        "dataset": item.dataset,
        "measured_at": desk.now(),
        "rows": item.rows,
        "grade": item.grade,
        "score": item.score,
        **parts,
        "failing": item.failing,
        "note": item.note,
    }


@handler("reconcile", after=RESTS_ON)
async def reconcile_job(desk: Desk, job: Job, context: Context) -> Mapping[str, Any]:
    """Run the checks; queued by itself after pulls, and put off in the middle of a first fill."""
    missing = await asyncio.to_thread(filling.filling, desk, RESTS_ON)
    if missing:
        context.report(f"put off: {', '.join(missing)} is being pulled for the first time")
        await asyncio.to_thread(filling.put_off, desk, job, "after:reconcile")
        return {"put_off": missing}
    done = await asyncio.to_thread(run, desk, "schedule")
    return {"run_id": done.run_id, "worst": done.worst}


@command("reconcile", needs=Role.ANALYST)
def reconcile_command(desk: Desk) -> CommandResult:
    """The six checks of our copy; exit code 3 when one is an error or worse."""
    done = run(desk)
    bad = reconciliation.must_alarm(done.worst)
    return CommandResult(done.document(), FOUND_ERRORS if bad else 0)


@export("failing", needs=Role.VIEWER)
def export_failing(desk: Desk, *, name: str) -> pl.DataFrame:
    """Rows of a dataset that break a rule of their quality."""
    return quality.failing_rows(desk, name)
