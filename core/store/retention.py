"""Forgetting what is old and rests nothing on it: pulls without rows, rejects, scans, alerts."""

from __future__ import annotations

from datetime import datetime

from core.store import alerts
from core.store.journal import Reader
from core.store.transaction import Transaction

# the last of each dataset, and its last good one, say how fresh it is
_OLD_PULLS = """
    started_at < $before AND state <> 'running'
    AND coalesce(rows_inserted, 0) + coalesce(rows_updated, 0) = 0
    AND pull_id NOT IN (SELECT arg_max(pull_id, started_at) FROM pulls GROUP BY dataset)
    AND pull_id NOT IN (
        SELECT arg_max(pull_id, started_at) FROM pulls
        WHERE state NOT IN ('failed', 'cancelled', 'running') GROUP BY dataset
        UNION SELECT arg_max(pull_id, due_at) FROM pulls
        WHERE due_at IS NOT NULL AND state NOT IN ('failed', 'cancelled', 'running')
        GROUP BY dataset
    )
"""
_OLD_REJECTS = "pull_id IN (SELECT pull_id FROM pulls WHERE started_at < $before)"
_OLD_SCANS = "made_at < $before"


def counts(reader: Reader, pulls: datetime, scans: datetime) -> dict[str, int]:
    """How many rows of each would be forgotten."""
    asked = (
        ("rejected_rows", _OLD_REJECTS, pulls),
        ("pulls", _OLD_PULLS, pulls),
        ("scans", _OLD_SCANS, scans),
    )
    return {
        table: int(
            reader.read(f"SELECT count(*) FROM {table} WHERE {where}", {"before": before}).item()
        )
        for table, where, before in asked
    }


def forget(tx: Transaction, pulls: datetime, scans: datetime, alerts_before: datetime) -> None:
    """Forget rejected rows and pulls without rows, scans with their candidates, alerts."""
    tx.execute(f"DELETE FROM rejected_rows WHERE {_OLD_REJECTS}", {"before": pulls})
    tx.execute(f"DELETE FROM pulls WHERE {_OLD_PULLS}", {"before": pulls})
    tx.execute(
        "DELETE FROM candidates c WHERE EXISTS (SELECT 1 FROM scans s WHERE s.dataset = c.dataset "
        "AND s.session = c.session AND s.provisional = c.provisional AND s.made_at < $before)",
        {"before": scans},
    )
    tx.execute(f"DELETE FROM scans WHERE {_OLD_SCANS}", {"before": scans})
    alerts.purge(tx, alerts_before)
