"""The pull handler: ask a source, merge what came, and move the watermark, in one transaction.

A pull that fails leaves the last good data and says so; the same bytes again change nothing.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, TypeVar

from core.domain.tables.datasets import Dataset, Window
from core.errors import OpenbellError, PullCancelledError
from core.jobs.pulling import pull_events
from core.jobs.pulling import switching as turns
from core.jobs.pulling.progress import ProgressBoard
from core.observe import logs, metrics, traces
from core.sources.pulled import Progress, ProgressHook, Pulled
from core.store import events
from core.store import pulls as records
from core.store.transaction import MergeCounts, Transaction
from core.store.warehouse import Warehouse

log = logs.get("pulls")
T = TypeVar("T")
MOST_REJECTED = 0.001  # of the rows of a pull; with more it is partial


class Source(Protocol):
    """One outside world; `known_version` lets it stop early when nothing has changed."""

    async def pull(
        self,
        dataset: Dataset,
        window: Window,
        *,
        known_version: str | None,
        on_progress: ProgressHook,
    ) -> Pulled:
        """What the source has for the window."""
        ...


class DirectSource(Protocol):
    """A source that writes batches itself, in one transaction a batch, under a pull id."""

    async def pull_into(
        self, dataset: Dataset, window: Window, *, pull_id: str, on_progress: ProgressHook
    ) -> StoredPull:
        """What was stored."""
        ...


@dataclass(frozen=True, slots=True)
class StoredPull:
    """What a direct source has written and said."""

    pulled: Pulled
    counts: MergeCounts


@dataclass(frozen=True, slots=True)
class PullRequest:
    """What a pull job asks for."""

    job_id: str
    dataset: Dataset
    window: Window
    trigger: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class Puller:
    """Runs pulls against sources and the store."""

    warehouse: Warehouse
    sources: Mapping[str, Source | DirectSource]
    board: ProgressBoard
    now: Callable[[], datetime]
    simulated: bool = False

    async def run(self, request: PullRequest) -> str:
        """Pull once and record it; the pull id. Raises what made it fail, after recording it."""
        name = request.dataset.name
        with turns.short_switch_interval(), traces.span(f"pull {name}", trigger=request.trigger):
            return await self._run(request)

    async def _run(self, request: PullRequest) -> str:
        pull_id = new_pull_id(self.now())
        start = self._start(pull_id, request)
        self.board.attach(request.job_id, pull_id)
        began = time.monotonic()
        await asyncio.to_thread(self._begin, start)
        with logs.correlated(start.correlation_id, pull_id=pull_id, dataset=request.dataset.name):
            log.info("pull started", trigger=request.trigger)
            try:
                end = await self._pull(request, start, began)
            except asyncio.CancelledError:
                await asyncio.shield(self._failed(start, request, began, self._cancelled(request)))
                raise
            except Exception as error:
                await self._failed(start, request, began, error)
                raise
            self._count(request.dataset.name, end)
            log.info("pull ended", state=end.state, rows=end.rows_read, seconds=end.seconds)
        return pull_id

    def stores_in_batches(self, dataset: Dataset) -> bool:
        """Whether a pull of the dataset that was stopped may have stored whole documents."""
        return hasattr(self.sources.get(dataset.source), "pull_into")

    def _start(self, pull_id: str, request: PullRequest) -> records.PullStart:
        return records.PullStart(
            pull_id,
            request.dataset.name,
            request.window,
            request.trigger,
            self.now(),
            logs.correlation_id() or logs.new_correlation_id(),
            self.simulated,
        )

    def _begin(self, start: records.PullStart) -> None:
        with self.warehouse.transaction() as tx:
            records.begin(tx, start)

    async def _pull(
        self, request: PullRequest, start: records.PullStart, began: float
    ) -> records.PullEnd:
        source = self.sources[request.dataset.source]

        def report(progress: Progress) -> None:
            self.board.report(request.job_id, progress)

        if hasattr(source, "pull_into"):
            stored = await source.pull_into(
                request.dataset, request.window, pull_id=start.pull_id, on_progress=report
            )
            return await _to_the_end(self._store, request, start, began, stored)
        known = await asyncio.to_thread(records.known_version, self.warehouse, request.dataset)
        pulled = await source.pull(
            request.dataset,
            request.window,
            known_version=known,
            on_progress=report,
        )
        report(Progress("storing", rows=pulled.rows_read, bytes=pulled.bytes))
        return await _to_the_end(self._store, request, start, began, pulled)

    def _store(
        self,
        request: PullRequest,
        start: records.PullStart,
        began: float,
        outcome: Pulled | StoredPull,
    ) -> records.PullEnd:
        """Everything of one pull in one transaction: data, rejects, watermark and its record."""
        dataset = request.dataset
        pulled = outcome.pulled if isinstance(outcome, StoredPull) else outcome
        with self.warehouse.transaction() as tx:
            if isinstance(outcome, StoredPull):
                counts = outcome.counts
            else:
                counts = self._merge(tx, dataset, pulled, start.pull_id)
            end = self._end(dataset, pulled, counts, began)
            self._record(tx, request, start, end, pulled)
        return end

    def _merge(
        self, tx: Transaction, dataset: Dataset, pulled: Pulled, pull_id: str
    ) -> MergeCounts:
        counts = MergeCounts()
        if pulled.tables:
            added = tx.ensure_table(dataset)
            self._drift(tx, pull_id, dataset.name, "added", added)
        for part in pulled.tables:
            counts += tx.merge(part.table, part.rows, part.key, pull_id)
        return counts

    def _end(
        self, dataset: Dataset, pulled: Pulled, counts: MergeCounts, began: float
    ) -> records.PullEnd:
        same = pulled.unchanged or (
            pulled.rows_read > 0
            and counts.inserted + counts.updated == 0
            and pulled.rejects.is_empty()
        )
        lacking = "; ".join(filter(None, [pulled.partial, refused(pulled)])) or None
        state = "partial" if lacking else "unchanged" if same else "done"
        return records.PullEnd(
            state=state,
            finished_at=self.now(),
            seconds=round(time.monotonic() - began, 3),
            counts=counts,
            rejected=pulled.rejects.height,
            version=pulled.version,
            rows_read=pulled.rows_read,
            announced_rows=pulled.announced_rows,
            bytes=pulled.bytes,
            requests=pulled.requests,
            message=replace(pulled, partial=lacking).remark(),
            partial_reason=lacking,
            schema_hash=dataset.schema_hash,
            owed=pulled.owed,
        )

    def _record(
        self,
        tx: Transaction,
        request: PullRequest,
        start: records.PullStart,
        end: records.PullEnd,
        pulled: Pulled,
    ) -> None:
        name = request.dataset.name
        live = self.board.get(request.job_id)
        records.add_rejects(tx, start.pull_id, name, pulled.rejects)
        self._drift(tx, start.pull_id, name, "unknown", pulled.drift)
        records.add_events(tx, start.pull_id, live.events if live else ())
        known_until = min(request.window.end, start.started_at)
        records.set_watermark(tx, name, known_until, end.version, start.pull_id)
        records.end(tx, start.pull_id, end)
        events.add(tx, [pull_events.ended(start, end)], end.finished_at)

    def _drift(
        self, tx: Transaction, pull_id: str, dataset: str, change: str, columns: Sequence[str]
    ) -> None:
        at = self.now()
        new = records.add_schema_changes(tx, pull_id, dataset, at, change, columns)
        if new:
            events.add(tx, [pull_events.drifted(dataset, change, new)], at)

    async def _failed(
        self, start: records.PullStart, request: PullRequest, began: float, error: Exception
    ) -> None:
        cancelled = isinstance(error, PullCancelledError)
        end = records.PullEnd(
            state="cancelled" if cancelled else "failed",
            finished_at=self.now(),
            seconds=round(time.monotonic() - began, 3),
            error=_sentence(error, request.dataset.name),
        )
        await asyncio.to_thread(self._record_failure, start, request, end)
        self._count(request.dataset.name, end)
        log.warning("pull failed", state=end.state, error=end.error)

    def _record_failure(
        self, start: records.PullStart, request: PullRequest, end: records.PullEnd
    ) -> None:
        live = self.board.get(request.job_id)
        with self.warehouse.transaction() as tx:
            records.add_events(tx, start.pull_id, live.events if live else ())
            records.end(tx, start.pull_id, end)
            events.add(tx, [pull_events.ended(start, end)], end.finished_at)

    def _cancelled(self, request: PullRequest) -> PullCancelledError:
        stays = "the data is as it was before"
        if self.stores_in_batches(request.dataset):
            stays = "what had been stored stays, each document whole"
        return PullCancelledError(f"the pull of {request.dataset.name} was cancelled; {stays}")

    def _count(self, dataset: str, end: records.PullEnd) -> None:
        metrics.PULLS.labels(dataset, end.state).inc()
        metrics.PULL_BYTES.labels(dataset).inc(end.bytes)
        metrics.PULL_SECONDS.labels(dataset).observe(end.seconds)
        for kind in ("inserted", "updated", "unchanged"):
            metrics.PULL_ROWS.labels(dataset, kind).inc(getattr(end.counts, kind))
        metrics.PULL_ROWS.labels(dataset, "rejected").inc(end.rejected)


def refused(pulled: Pulled) -> str | None:
    """What to say when more than a thousandth of the rows were rejected; None for fewer."""
    count = pulled.rejects.height
    if count <= pulled.rows_read * MOST_REJECTED:
        return None
    reason, most = pulled.rejects["reason"].value_counts(sort=True).row(0)
    return f"{count} of {pulled.rows_read} rows were rejected, {most} of them: {reason}"


async def _to_the_end(function: Callable[..., T], *arguments: object) -> T:
    """Run in a thread and wait for it even when cancelled: what commits cannot be called off."""
    work = asyncio.ensure_future(asyncio.to_thread(function, *arguments))
    while True:
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            if work.cancelled():
                raise


def new_pull_id(now: datetime) -> str:
    """A fresh pull id that sorts by time: yyyymmddThhmmssffffff-8 hex digits."""
    return f"{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"


def _sentence(error: Exception, dataset: str) -> str:
    if isinstance(error, OpenbellError):
        text = str(error)
        return text if dataset in text else f"{dataset}: {text}"
    return f"{dataset}: unexpected {type(error).__name__}: {error}"
