"""New filings of followed companies as events, told in the transaction that stores them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from core.observe.events import Event
from core.store import events
from core.store.transaction import Transaction

NEW_DAYS = 7  # what was filed before is history that comes late, and no news
_STRANGE = """
SELECT w.cik, min(w.symbol) AS symbol FROM watchlist w
WHERE w.cik IN (SELECT unnest(?::BIGINT[])) AND w.cik IN (SELECT cik FROM filings) GROUP BY w.cik
"""


def tell_new(tx: Transaction, filings: pl.DataFrame, now: datetime) -> None:
    """Store an event for each filing (FILINGS) that followed companies are about to get anew.

    To be called before the filings are stored. A company of which none is stored yet is being
    filled: its past is no news.
    """
    since = (now - timedelta(days=NEW_DAYS)).date()
    fresh = filings.filter(pl.col("filed") >= since)
    followed = tx.read(_STRANGE, [fresh["cik"].unique().to_list()])
    if followed.is_empty():
        return
    known = tx.read(
        "SELECT cik, accession FROM filings WHERE accession IN (SELECT unnest(?))",
        [fresh["accession"].to_list()],
    )
    new = fresh.join(known, on=["cik", "accession"], how="anti").join(followed, on="cik")
    told = new.unique(["cik", "accession"]).sort("filed", "accession")
    events.add(tx, [_event(row) for row in told.iter_rows(named=True)], now)


def _event(row: dict[str, Any]) -> Event:
    name = row["symbol"] or f"CIK {row['cik']}"
    keys = ("cik", "accession", "form", "filed", "items")
    after = {key: row.get(key) for key in keys}
    return Event.of(
        "filing.new", name, f"{name} filed {row['form']} on {row['filed']}", after=after
    )
