"""Before the open: mornings in other shares are nothing to compare with."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from core.domain.gaps import measure as gaps
from core.domain.gaps.filters import GapFilters, failed
from core.domain.timetable import sessions as calendar
from core.service.gaps import evidence, session

DAYS = calendar.sessions_between(date(2018, 1, 2), date(2018, 12, 31))["session"][:80]


@pytest.mark.parametrize(("last", "known"), [(50, False), (59, False), (60, True)])
def test_mornings_before_an_unrecorded_split_tell_no_relative_volume(
    last: int, known: bool
) -> None:
    """For 20 sessions, with the reason; another name's stays."""
    new = pl.int_range(pl.len()) >= 40
    names = pl.concat(
        [
            pl.DataFrame({"session": DAYS}).with_columns(
                symbol=pl.lit(name),
                close=pl.when(new).then(100.0 / ratio).otherwise(100.0),
                volume=pl.when(new).then(1e6 * ratio).otherwise(1e6),
            )
            for name, ratio in (("CUT", 10.0), ("OLD", 1.0))
        ]
    )
    close = pl.col("close")
    bars = names.select(
        "symbol", "session", close.alias("open"), high=close * 1.01, low=close * 0.99, close=close,
        volume="volume",
    )  # fmt: skip
    rows = gaps.measure(bars, DAYS).filter(session=DAYS[last])
    early = pl.DataFrame({"symbol": ["CUT", "OLD"], "premarket_rvol": [9.0, 9.0]}).with_columns(
        pl.lit(None).alias(name)
        for name in ("premarket_gap_pct", "premarket_change_pct", *evidence.PRINTED)
    )
    none = pl.DataFrame(schema={"symbol": pl.String})
    found = session._with_prints(rows, early, none)
    assert found["rvol"].to_list() == [9.0 if known else None, 9.0]
    said = f"filter: relative volume n/a (since {DAYS[40]} on other shares)"
    why = found.select(failed(GapFilters(min_gap_pct=0))).to_series()[0]
    assert (why == said) == (not known)
