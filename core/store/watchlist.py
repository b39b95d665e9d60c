"""The companies followed."""

from __future__ import annotations

from core.store.warehouse import Warehouse


def watched(warehouse: Warehouse) -> list[int]:
    """CIKs of the companies followed, ascending."""
    rows = warehouse.read("SELECT DISTINCT cik FROM watchlist ORDER BY cik")
    ciks: list[int] = rows["cik"].to_list()
    return ciks
