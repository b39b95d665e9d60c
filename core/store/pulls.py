"""Reads and writes of pulls, their events, watermarks, rejected rows and schema changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from core.domain.tables.datasets import Dataset, Window
from core.observe.events import DESK, Event
from core.store import events
from core.store.journal import Reader
from core.store.transaction import MergeCounts, Transaction
from core.store.warehouse import Warehouse

NOTHING = MergeCounts()
USUAL_OF = 5  # pulls
OF_FILES = ("import", "inbox", "backfill")  # triggers of pulls that asked no source
STOPPED = "the desk stopped during this pull; no document is half-stored"


@dataclass(frozen=True, slots=True)
class PullStart:
    """What is known when a pull begins."""

    pull_id: str
    dataset: str
    window: Window
    trigger: str
    started_at: datetime
    correlation_id: str | None
    simulated: bool


@dataclass(frozen=True, slots=True)
class PullEnd:
    """What is known when a pull has ended."""

    state: str
    finished_at: datetime
    seconds: float
    counts: MergeCounts = NOTHING
    rejected: int = 0
    version: str | None = None
    rows_read: int = 0
    announced_rows: int | None = None
    bytes: int = 0
    requests: int = 0
    error: str | None = None
    message: str | None = None
    partial_reason: str | None = None
    schema_hash: str | None = None
    owed: bool = False


def failing_since(reader: Reader, dataset: str, at: datetime) -> datetime | None:
    """When the first pull began of those that failed in a row up to an instant, without by hand.

    None when the last one that ended by then was good, or none failed. Files that were brought say
    nothing of the source.
    """
    found: datetime | None = reader.read(
        "SELECT min(started_at) AS since FROM pulls WHERE dataset = $name AND state = 'failed' "
        "AND trigger <> 'manual' AND trigger NOT IN (SELECT unnest($files::VARCHAR[])) "
        "AND finished_at <= $at AND finished_at > coalesce((SELECT max(finished_at) FROM pulls "
        "WHERE dataset = $name AND finished_at <= $at AND state IN ('done', 'unchanged', 'partial')"
        " AND trigger NOT IN (SELECT unnest($files::VARCHAR[]))), "
        "TIMESTAMPTZ '1970-01-01 00:00:00+00')",
        {"name": dataset, "at": at, "files": list(OF_FILES)},
    ).item()
    return found


def last_good(reader: Reader, at: datetime) -> dict[str, datetime]:
    """When the last good pull of each dataset ended, of those that had by an instant (UTC)."""
    found = reader.read(
        "SELECT dataset, max(finished_at) AS ended FROM pulls WHERE finished_at <= ? "
        "AND state IN ('done', 'unchanged', 'partial') GROUP BY dataset",
        [at],
    )
    return dict(found.rows())


def begin(tx: Transaction, start: PullStart) -> None:
    """Write the row of a pull that starts."""
    window = start.window
    tx.execute(
        'INSERT INTO pulls (pull_id, dataset, window_id, window_from, window_to, due_at, "trigger",'
        " state, started_at, correlation_id, simulated) VALUES (?,?,?,?,?,?,?,'running',?,?,?)",
        [
            start.pull_id,
            start.dataset,
            window.id,
            window.start,
            window.end,
            window.due_at,
            start.trigger,
            start.started_at,
            start.correlation_id,
            start.simulated,
        ],
    )


def end(tx: Transaction, pull_id: str, outcome: PullEnd) -> None:
    """Complete the row of a pull."""
    tx.execute(
        "UPDATE pulls SET state=?, finished_at=?, seconds=?, rows_inserted=?, rows_updated=?,"
        " rows_unchanged=?, rows_rejected=?, version=?, rows_read=?, announced_rows=?, bytes=?,"
        " requests=?, error=?, message=?, partial_reason=?, schema_hash=?, owed=? WHERE pull_id=?",
        [
            outcome.state,
            outcome.finished_at,
            outcome.seconds,
            outcome.counts.inserted,
            outcome.counts.updated,
            outcome.counts.unchanged,
            outcome.rejected,
            outcome.version,
            outcome.rows_read,
            outcome.announced_rows,
            outcome.bytes,
            outcome.requests,
            outcome.error,
            outcome.message,
            outcome.partial_reason,
            outcome.schema_hash,
            outcome.owed,
            pull_id,
        ],
    )


def add_events(tx: Transaction, pull_id: str, events: Sequence[Any]) -> None:
    """Keep the progress messages of a pull (objects with happened_at, message, rows, …)."""
    tx.insert(
        "pull_events",
        pl.DataFrame(
            {
                "pull_id": [pull_id] * len(events),
                "seq": range(len(events)),
                "happened_at": [event.happened_at for event in events],
                "message": [event.message for event in events],
                "rows": [event.rows for event in events],
                "bytes": [event.bytes for event in events],
                "percent": [event.percent for event in events],
            },
            schema={
                "pull_id": pl.String,
                "seq": pl.Int64,
                "happened_at": pl.Datetime("us", "UTC"),
                "message": pl.String,
                "rows": pl.Int64,
                "bytes": pl.Int64,
                "percent": pl.Float64,
            },
        ),
    )


def add_rejects(tx: Transaction, pull_id: str, dataset: str, rejects: pl.DataFrame) -> None:
    """Keep rejected rows (columns of `sources.pulled.REJECTS`) with their reasons."""
    tx.insert(
        "rejected_rows",
        rejects.with_columns(pull_id=pl.lit(pull_id), dataset=pl.lit(dataset)),
    )


def add_schema_changes(
    tx: Transaction, pull_id: str, dataset: str, at: datetime, change: str, columns: Sequence[str]
) -> list[str]:
    """Note columns that are unknown or were added, once per dataset and change; those noted now."""
    known = tx.read(
        "SELECT column_name FROM schema_changes WHERE dataset = ? AND change = ?",
        [dataset, change],
    )
    new = [column for column in dict.fromkeys(columns) if column not in set(known["column_name"])]
    for column in new:
        tx.execute(
            "INSERT INTO schema_changes (dataset, pull_id, happened_at, column_name, change) "
            "VALUES (?, ?, ?, ?, ?)",
            [dataset, pull_id, at, column, change],
        )
    return new


def set_watermark(
    tx: Transaction, dataset: str, watermark: datetime, version: str | None, pull_id: str
) -> None:
    """Move a dataset's watermark; it never moves back."""
    tx.execute(
        "MERGE INTO watermarks t USING (SELECT $dataset AS dataset) s ON t.dataset = s.dataset "
        "WHEN MATCHED THEN UPDATE SET watermark = greatest(t.watermark, $watermark), "
        "version = $version, pull_id = $pull, updated_at = now() "
        "WHEN NOT MATCHED THEN INSERT VALUES ($dataset, $watermark, $version, $pull, now())",
        {"dataset": dataset, "watermark": watermark, "version": version, "pull": pull_id},
    )


def watermark(warehouse: Warehouse, dataset: str) -> tuple[datetime | None, str | None]:
    """The watermark and version of a dataset's last good data."""
    rows = warehouse.read(
        "SELECT watermark, version FROM watermarks WHERE dataset = ?", [dataset]
    ).rows()
    return rows[0] if rows else (None, None)


def known_version(warehouse: Warehouse, dataset: Dataset) -> str | None:
    """The version loaded last under today's schema; None asks for the data to be read again."""
    rows = warehouse.read(
        "SELECT w.version FROM watermarks w JOIN pulls p ON p.pull_id = w.pull_id "
        "WHERE w.dataset = ? AND p.schema_hash = ? AND p.state <> 'partial'",
        [dataset.name, dataset.schema_hash],
    ).rows()
    return rows[0][0] if rows else None


def version_count(warehouse: Warehouse, version: str) -> tuple[int | None, int | None]:
    """Rows announced for a version, by the pull that heard it last, and rows read from its file."""
    rows = warehouse.read(
        "SELECT arg_max(announced_rows, started_at) FILTER (announced_rows IS NOT NULL), "
        "arg_max(rows_read, started_at) FILTER (rows_read > 0) "
        "FROM pulls WHERE version = ? AND state IN ('done', 'unchanged', 'partial')",
        [version],
    ).rows()
    return (rows[0][0], rows[0][1]) if rows else (None, None)


def window_done(warehouse: Warehouse, window_id: str) -> bool:
    """Whether a scheduled pull of this window has succeeded before."""
    rows = warehouse.read(
        "SELECT count(*) FROM pulls WHERE window_id = ? AND state IN ('done','unchanged','partial')"
        " AND \"trigger\" IN ('schedule','catch-up') AND owed IS NOT TRUE",
        [window_id],
    )
    return bool(rows.item())


def close_orphans(warehouse: Warehouse, now: datetime) -> int:
    """Mark pulls that a killed process left running as failed; how many there were."""
    if warehouse.read_anew("SELECT 1 FROM pulls WHERE state = 'running' LIMIT 1").is_empty():
        return 0
    with warehouse.transaction() as tx:
        orphans = tx.read("SELECT dataset, pull_id FROM pulls WHERE state = 'running'")
        tx.execute(
            "UPDATE pulls SET state='failed', finished_at=?, error=? WHERE state='running'",
            [now, STOPPED],
        )
        events.add(tx, [_orphaned(*row) for row in orphans.iter_rows()], now)
    return orphans.height


def _orphaned(dataset: str, pull_id: str) -> Event:
    after = {"state": "failed", "pull_id": pull_id}
    return Event.of("pull.failed", dataset, f"{dataset}: {STOPPED}", who=DESK, after=after)


def history(warehouse: Warehouse, dataset: str | None = None, limit: int = 100) -> pl.DataFrame:
    """The latest pulls, newest first, of one dataset or of all."""
    return warehouse.read(
        "SELECT * FROM pulls WHERE ($dataset IS NULL OR dataset = $dataset) "
        "ORDER BY started_at DESC, pull_id DESC LIMIT $limit",
        {"dataset": dataset, "limit": limit},
    )


def usual_seconds(warehouse: Warehouse, dataset: str) -> float | None:
    """The median of what the last good pulls of a dataset took that brought rows; None without."""
    found = warehouse.read(
        "SELECT median(seconds) FROM (SELECT seconds FROM pulls WHERE dataset = $dataset"
        " AND state IN ('done', 'partial') AND seconds > 0"
        " ORDER BY started_at DESC LIMIT $last)",
        {"dataset": dataset, "last": USUAL_OF},
    ).item()
    return None if found is None else float(found)


def documents(warehouse: Warehouse, pull_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Pulls in the shape of the `pull` command."""
    frame = warehouse.read(
        "SELECT * FROM pulls WHERE pull_id IN (SELECT unnest(?)) ORDER BY started_at, pull_id",
        [list(pull_ids)],
    )
    return [_document(row) for row in frame.iter_rows(named=True)]


_COUNTS = ("rows_read", "rows_inserted", "rows_updated", "rows_unchanged", "rows_rejected")


def _document(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "pull_id": row["pull_id"],
        "dataset": row["dataset"],
        "window": {"from": row["window_from"], "to": row["window_to"]},
        "trigger": row["trigger"],
        "state": row["state"],
        "version": row["version"],
        **{name: row[name] or 0 for name in _COUNTS},
        "announced_rows": row["announced_rows"],
        "bytes": row["bytes"] or 0,
        "requests": row["requests"] or 0,
        "seconds": row["seconds"],
        "error": row["error"],
        "message": row["message"],
        "partial_reason": row["partial_reason"],
        "owed": bool(row["owed"]),
        "simulated": row["simulated"],
    }
