"""A price that fell to a half or a third before the open, or rose to twice or thrice as much, and
then ranged as on any other day.
"""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from core.domain.gaps import flags
from core.domain.gaps import measure as gaps
from core.domain.timetable import sessions as calendar

DAYS = calendar.sessions_between(date(2026, 6, 1), date(2026, 9, 30))["session"]
BUSY = 6.0  # times the usual dollars
BUSIER = 12.0  # than on any day of a split


def words(
    ratio: float, times: float, filing: tuple[bool, bool] | None, range_: float = 0.01
) -> list[str]:
    """The words of a quiet name's last session; `filing` explains, and speaks of the shares.

    `range_` is the half range of that session, of its price; a usual day has 0.01.
    """
    opened = 60 / ratio
    last = pl.col("session") == DAYS[-1]
    price = pl.when(last).then(opened).otherwise(60.0)
    half = pl.when(last).then(range_).otherwise(0.01)
    bars = pl.DataFrame({"session": DAYS}).select(
        pl.lit("X").alias("symbol"),
        "session",
        open=price,
        high=price * (1 + half),
        low=price * (1 - half),
        close=price,
        volume=pl.when(last).then(1e6 * ratio * times).otherwise(1e6),
    )
    told = None
    if filing is not None:
        told = pl.DataFrame(
            {"symbol": "X", "session": DAYS[-1], "explains": filing[0], "structural": filing[1]}
        )
    found = gaps.measure(bars, calendar.all_sessions()["session"], None, told)
    return list(found.tail(1).select(words=flags.words())["words"].item())


@pytest.mark.parametrize("ratio", [2, 3, 1 / 2, 1 / 2.95])
@pytest.mark.parametrize(
    ("times", "filing", "expected"),
    [
        (BUSY, (True, False), ["news_move"]),  # a takeover broken off in the evening
        (1.0, (True, False), []),
        (BUSY, None, ["corporate_action"]),
        (1.0, None, ["suspected_split"]),
        (BUSY, (False, True), ["corporate_action"]),
        (BUSY, (True, True), ["corporate_action"]),
    ],
)
def test_a_filing_makes_news_of_a_calm_collapse(
    ratio: float, times: float, filing: tuple[bool, bool] | None, expected: list[str]
) -> None:
    """With a filing it is real, and news where it was busy; without one the shares may be new."""
    assert words(ratio, times, filing) == expected


@pytest.mark.parametrize("ratio", [2, 3, 1 / 2, 1 / 2.95])
def test_a_calm_day_busier_than_any_split_is_news(ratio: float) -> None:
    """A takeover told or broken off before the open, without a filing in the store: no split on
    record had ten times the usual dollars.
    """
    assert words(ratio, BUSIER, None) == ["news_move"]
    assert words(ratio, 9.0, None) == ["corporate_action"]


@pytest.mark.parametrize("ratio", [1 / 2, 1 / 2.95])
def test_a_doubling_that_ranges_on_its_way_is_news(ratio: float) -> None:
    """On six times the usual dollars, as a collapse that does; one to no split's price, too."""
    assert words(ratio, BUSY, None, 0.03) == ["news_move"]
    assert words(0.475, BUSY, None) == ["news_move"]
    assert words(ratio, 2.0, None) == ["suspected_split"]
