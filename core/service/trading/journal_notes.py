"""What the reader wrote on names of the journal, beside the plans of the day it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from core.service.lists import notes
from core.store import plans as plan_store

if TYPE_CHECKING:
    from core.service.desk import Desk


def of_trades(desk: Desk) -> pl.DataFrame:
    """Notes on names that have had a plan: symbol, day, text, written_at, and plan_id and state of
    the plans of that day (a row each; null without one). Newest first.
    """
    plans = plan_store.overview(desk.warehouse).select(
        "symbol", "plan_id", "state", day=pl.col("session").cast(pl.Date)
    )
    written = notes.notes(desk).filter(pl.col("symbol").is_in(plans["symbol"].unique().to_list()))
    return written.join(plans, on=["symbol", "day"], how="left", maintain_order="left").select(
        "symbol", "day", "plan_id", "state", "text", "written_at"
    )
