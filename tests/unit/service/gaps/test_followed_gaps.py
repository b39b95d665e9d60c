"""What is followed after a gap: sound bars only, and nothing across a change of the prices."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from core.domain.gaps.backtest import TradeRules
from core.domain.timetable import sessions as calendar
from core.service.desk import Desk
from core.service.gaps import scans, session, statistics, symbols
from core.settings import load
from tests import begun, price_cases
from tests.unit.domain.gaps.test_price_cases import DAY, series

GAP = (106, 106.6, 105.6, 106.2, 9e6)
QUIET = (106, 106.4, 105.6, 106.1, 5e6)


def _bar(price: float, volume: float) -> tuple[float, ...]:
    return (price, price * 1.004, price * 0.996, price * 1.001, volume)


def _filled(desk: Desk, folder: Path, *after: Any) -> statistics.History:
    days = calendar.all_sessions()["session"]
    place = days.index_of(DAY)
    assert place is not None
    rows = list(series("AAA", DAY, GAP))
    for n, bar in enumerate(after, 1):
        cells = bar if isinstance(bar, str) else ",".join(map(str, bar))  # type: ignore[call-overload]
        rows.append(f"AAA,{days[place + n]},{cells}")
    price_cases.load_text(desk, folder, "\n".join(rows))
    return statistics.history(desk)


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "odd", ["106,107,0,106,5e6", "106,1e308,105.5,106,5e6", "106,106,50,106,0", ",,,,", "0,1,0,1,5"]
)
def test_an_unsound_bar_ends_no_trade_and_fills_no_gap(
    desk: Desk, tmp_path: Path, odd: str
) -> None:
    """A zero low is no stop, and 1e308 no target: the trade is that of the sound bars."""
    past = _filled(desk, tmp_path, QUIET, odd, QUIET, QUIET, QUIET, QUIET)
    done, _ = statistics.back_test(desk, past, scans.default_filters(desk), TradeRules())
    assert done.select("outcome", "exit").row(0) == ("time", 106.1)
    row = past.outcomes.filter(pl.col("session") == DAY).row(0, named=True)
    assert (row["filled"], row["excursion_pct"] < 1) == (False, True)


def test_a_far_move_after_a_hole_ends_what_is_followed(desk: Desk, tmp_path: Path) -> None:
    """With an unsound bar between them no volume tells what a fall to a tenth was."""
    past = _filled(desk, tmp_path, QUIET, ",,,,", *[_bar(10.6, 5e7)] * 4)
    done, _ = statistics.back_test(desk, past, scans.default_filters(desk), TradeRules())
    assert done.select("outcome", "exit", "sessions_held").row(0) == ("open", 106.1, 1)


@pytest.mark.parametrize("ratio", [2, 0.5, 0.1])
def test_nothing_is_followed_across_an_unrecorded_split(
    desk: Desk, tmp_path: Path, ratio: float
) -> None:
    """The trade ends at the last close before it; neither 43 R are lost nor 778 R won."""
    moved = [_bar(106 / ratio, 5e6 * ratio)] * 5
    past = _filled(desk, tmp_path, QUIET, *moved)
    done, totals = statistics.back_test(desk, past, scans.default_filters(desk), TradeRules())
    assert done.select("outcome", "exit", "sessions_held").row(0) == ("open", 106.1, 1)
    assert abs(totals["total_r"]) < 0.2
    row = past.outcomes.filter(pl.col("session") == DAY).row(0, named=True)
    assert (row["filled"], row["sessions_seen"]) == (False, 1)
    name = symbols.view(desk, "AAA").outcomes.filter(pl.col("session") == DAY)
    assert name["sessions_seen"].to_list() == [1]


def test_bars_told_otherwise_are_seen_where_the_clock_stands_still(tmp_path: Path) -> None:
    """Two pulls of one instant: what was computed from the first is not what the second tells."""
    now = datetime(DAY.year, DAY.month, DAY.day, 22, tzinfo=UTC)
    begun.put_empty(tmp_path / "desk")
    with Desk.open(load(data_dir=tmp_path / "desk"), now=lambda: now) as desk:
        rows = list(series("AAA", DAY, GAP))
        price_cases.load_text(desk, tmp_path, "\n".join(rows))
        assert session.session_gaps(desk, DAY).rows["open"].to_list() == [106]
        rows[-1] = rows[-1].replace(",106,", ",106.2,", 1)
        price_cases.load_text(desk, tmp_path, "\n".join(rows))
        assert session.session_gaps(desk, DAY).rows["open"].to_list() == [106.2]
