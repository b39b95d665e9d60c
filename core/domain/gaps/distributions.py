"""Cash that a share pays its holder, by the bar before whose open it goes off the price."""

from __future__ import annotations

import polars as pl

PAID = {"symbol": pl.String, "session": pl.Date, "amount": pl.Float64}
_DAYS = 1_000_000  # more than a name has days: one number tells name and day, in order


def paid_on(bars: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """symbol, session and amount: all distributions of the bar, per share of that session.

    `bars` (symbol, session) are in order, `actions` follow CORPORATE_ACTIONS, cash in the currency
    of the prices. A distribution is that of the name's first bar on or after its ex-date.
    """
    cash = actions.filter((pl.col("kind") == "dividend") & (pl.col("amount") > 0))
    if cash.is_empty() or bars.is_empty():
        return pl.DataFrame(schema=PAID)
    name = pl.col("symbol").rle_id().cast(pl.Int64)
    places = bars.select(name * _DAYS + pl.col("session").cast(pl.Int32)).to_series()
    firsts = bars.select("symbol", name=name).unique("symbol", keep="first")
    found = cash.join(firsts, on="symbol")
    wanted = found.select(pl.col("name") * _DAYS + pl.col("ex_date").cast(pl.Int32)).to_series()
    found = found.with_columns(at=places.search_sorted(wanted, side="left"))
    found = found.filter(pl.col("at") < bars.height)
    at = found["at"]
    hit = found.select("symbol", "amount", session=bars["session"].gather(at))
    hit = hit.filter(bars["symbol"].gather(at) == hit["symbol"])
    return hit.group_by("symbol", "session").agg(pl.col("amount").sum()).select(*PAID)
