"""How far the rows of a table reach, and how many there are."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from core.store import scans
from core.store.transaction import quoted
from core.store.warehouse import Warehouse

TOLD_IN = {"facts": "fact_sources"}  # where the days of filing stand, each once
PRICES = {"session", "open", "high", "low", "close", "volume"}


def until(
    warehouse: Warehouse, table: str, column: str, columns: set[str], now: datetime
) -> date | datetime | None:
    """The latest value of a date or instant column that is not later than `now`; None without.

    Of daily bars it is the last session with sound bars of more than a few names.
    """
    if columns >= PRICES:
        return scans.latest_session(warehouse, table, now.date())
    stored = quoted(TOLD_IN.get(table, table))
    name = quoted(column)
    found: Any = warehouse.read(
        f"SELECT max({name}) FROM {stored} WHERE {name} <= $now::TIMESTAMPTZ", {"now": now}
    ).item()
    return found  # type: ignore[no-any-return]
