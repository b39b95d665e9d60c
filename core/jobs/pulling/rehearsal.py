"""What a pull would change: merged like one, and rolled back."""

from __future__ import annotations

from core.domain.tables.datasets import Dataset
from core.sources.pulled import Pulled
from core.store.transaction import MergeCounts
from core.store.warehouse import Warehouse


class _RolledBack(Exception):  # noqa: N818 - no error: it ends a transaction without a commit
    """Carries the counts out of a transaction that must not stay."""

    def __init__(self, counts: MergeCounts) -> None:
        self.counts = counts


def would_merge(warehouse: Warehouse, dataset: Dataset, pulled: Pulled) -> MergeCounts:
    """The rows that merging would insert, update and leave; the store stays as it is."""
    try:
        with warehouse.transaction() as tx:
            counts = MergeCounts()
            if pulled.tables:
                tx.ensure_table(dataset)
            for part in pulled.tables:
                counts += tx.merge(part.table, part.rows, part.key, "dry-run")
            raise _RolledBack(counts)
    except _RolledBack as done:
        return done.counts
