"""What every dataset's rows reach up to, and the freshness that follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.tables.datasets import Dataset
from core.domain.timetable import reach as rules
from core.domain.timetable.freshness import Freshness
from core.domain.timetable.reach import Reach
from core.service.cache import DERIVED
from core.store import reach as store
from core.store import scans
from core.store.facts import STORED_AS

if TYPE_CHECKING:
    from datetime import date, datetime

    from core.service.desk import Desk


def until(desk: Desk, dataset: Dataset) -> date | datetime | None:
    """The day or instant up to which a dataset's table has rows; read once per commit."""
    column = rules.date_column(dataset)
    stored = STORED_AS.get(dataset.table, dataset.table)
    if column is None or not scans.has_table(desk.warehouse, stored):
        return None
    now = desk.now()
    warehouse = desk.warehouse
    key = (*desk.state, "until", dataset.name, now.date())
    names = set(dataset.schema)
    return DERIVED.get(key, lambda: store.until(warehouse, dataset.table, column, names, now))


def reach_of(desk: Desk, dataset: Dataset, fresh: Freshness) -> Reach:
    """The reach of a dataset that was pulled: what it should hold is decided by its due instant."""
    return rules.reach(dataset, until(desk, dataset), fresh.due_at)
