"""What a pull that ended says as an event."""

from __future__ import annotations

from collections.abc import Sequence

from core.observe.events import Event, Severity
from core.store.pulls import PullEnd, PullStart


def ended(start: PullStart, end: PullEnd) -> Event:
    """The event of a pull: its state, its counts, and the error or what is missing."""
    counts = {
        "rows_read": end.rows_read,
        "rows_inserted": end.counts.inserted,
        "rows_updated": end.counts.updated,
        "rows_rejected": end.rejected,
        "bytes": end.bytes,
        "seconds": end.seconds,
    }
    after = {
        "state": end.state,
        "trigger": start.trigger,
        "pull_id": start.pull_id,
        **counts,
        "error": end.error or end.partial_reason,
    }
    return Event.of(f"pull.{end.state}", start.dataset, _sentence(start, end), after=after)


def _sentence(start: PullStart, end: PullEnd) -> str:
    name = start.dataset
    if end.error:
        return end.error if name in end.error else f"{name}: {end.error}"
    if end.state == "unchanged":
        return f"{name}: the source has nothing newer"
    told = f"{name}: {end.counts.inserted:,} rows inserted, {end.counts.updated:,} updated"
    return f"{told}; {end.partial_reason}" if end.partial_reason else told


def drifted(dataset: str, change: str, columns: Sequence[str]) -> Event:
    """The event of columns that were noted for the first time."""
    what = "has columns the catalogue does not know" if change == "unknown" else "has new columns"
    names = ", ".join(columns)
    after = {"change": change, "columns": list(columns)}
    severity: Severity = "warning" if change == "unknown" else "info"
    return Event.of(
        "schema.drift", dataset, f"{dataset} {what}: {names}", severity=severity, after=after
    )
