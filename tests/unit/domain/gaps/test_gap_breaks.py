"""Average ranges across moves that are no trading: other units, other owners, holes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from core.domain.gaps import flags
from core.domain.gaps import measure as gaps
from core.domain.gaps import session as gap_session
from core.domain.gaps import state as gap_state
from core.domain.gaps.filters import GapFilters
from core.domain.tables.frames import CORPORATE_ACTIONS
from core.domain.timetable import sessions as calendar
from core.domain.trading import plan_facts
from tests import price_cases, real_prices

DAYS = calendar.sessions_between(date(2019, 1, 2), date(2020, 12, 31))["session"]


def _atr(bars: pl.DataFrame) -> list[float | None]:
    return gaps.measure(bars, DAYS)["atr"].to_list()


@pytest.fixture
def pence(tmp_path: Path) -> pl.DataFrame:
    place = price_cases.case_or_made("pence-to-pounds", tmp_path) / "bars.csv"
    table = pl.read_csv(place, try_parse_dates=True).rename({"date": "session"})
    return table.cast({pl.Int64: pl.Float64})


def test_pence_to_pounds(pence: pl.DataFrame) -> None:
    """Neither the 600 points nor the level in pence live on, in scan, kept state and plan."""
    day, before = date(2020, 5, 4), date(2020, 4, 21)
    row = gaps.measure(pence, DAYS).filter(pl.col("session") == day)
    assert 0.1 < row["atr"].item() < 0.3
    state = gap_state.carry(pence.filter(pl.col("session") <= before), DAYS, before)
    quick = gap_session.measure_session(pence.filter(pl.col("session") <= day), day, DAYS, state)
    assert quick["atr"].item() == pytest.approx(row["atr"].item(), rel=1e-12)
    upto = pence.filter(pl.col("session") <= day)
    known = plan_facts.facts(upto, day, None)
    assert known.atr == pytest.approx(row["atr"].item(), rel=1e-12)


@pytest.mark.parametrize("ratio", [0.01, 0.05, 0.5, 2.0, 20.0, 100.0])
def test_an_unrecorded_change_of_units(ratio: float) -> None:
    """After it the average range is 2 % of the new price from the first session on."""
    new = price_cases.steady(DAYS[40:80], 100 * ratio, 1e6 / ratio)
    found = _atr(pl.concat([price_cases.steady(DAYS[:40], 100.0), new]))
    assert found[15:41] == pytest.approx([2.0] * 26)
    assert found[41:] == pytest.approx([2.0 * ratio] * 39)


def test_a_change_of_units_within_the_first_ranges() -> None:
    """Its range does not count among the 14, so the first average comes a session later."""
    new = price_cases.steady(DAYS[25:60], 1.0)
    found = _atr(pl.concat([price_cases.steady(DAYS[18:25], 100.0), new]))
    assert found[:15] == [None] * 15
    assert found[16:] == pytest.approx([0.02] * len(found[16:]))


def test_a_ticker_with_a_new_owner_begins_anew() -> None:
    """After months without a bar, at another price, nothing of the old name is left."""
    bars = pl.concat([price_cases.steady(DAYS[:40], 100.0), price_cases.steady(DAYS[120:160], 8.0)])
    found = _atr(bars)
    assert found[41:55] == [None] * 14
    assert found[55:] == pytest.approx([0.16] * 25)
    state = gap_state.carry(bars.head(40), DAYS, DAYS[39])
    later = gap_session.advance(state, bars, DAYS, DAYS[159])
    assert later.frame["ranges"].item() == 39
    assert later.frame["average"].item() == pytest.approx(0.16)


def test_a_hole_alone_ends_no_average() -> None:
    """A name that did not trade for months at its old price keeps its average range."""
    found = _atr(
        pl.concat([price_cases.steady(DAYS[:20], 100.0), price_cases.steady(DAYS[120:140], 102.0)])
    )
    assert None not in found[15:]


def test_a_split_on_record_is_no_break() -> None:
    """Its average is the one of the adjusted bars."""
    new = price_cases.steady(DAYS[40:80], 50.0, 2e6)
    split = {"symbol": "OLD", "ex_date": DAYS[40], "kind": "split", "ratio": 2.0}
    actions = pl.DataFrame([split], schema=dict(CORPORATE_ACTIONS.empty().schema))
    found = gaps.measure(pl.concat([price_cases.steady(DAYS[:40], 100.0), new]), DAYS, actions)[
        "atr"
    ]
    assert found[40:].to_list() == pytest.approx([1.0] * 40)


@pytest.mark.parametrize(("ratio", "known"), [(0.5, False), (0.01, False), (1.04, True)])
def test_a_plan_on_the_session_of_a_change_of_units_has_no_average(
    ratio: float, known: bool
) -> None:
    """What is known then stands in the units before it; a session later it is known again."""
    new = price_cases.steady(DAYS[40:42], 100 * ratio, 1e6 / ratio)
    bars = pl.concat([price_cases.steady(DAYS[:40], 100.0), new])
    atr = plan_facts.facts(bars.head(41), DAYS[40], DAYS[39]).atr
    assert atr == (pytest.approx(2.0) if known else None)
    after = plan_facts.facts(bars, DAYS[41], DAYS[40]).atr
    assert after == pytest.approx(2.0 * ratio if not known else 2.0, rel=0.2)


@pytest.mark.parametrize(
    ("span", "volume", "words"),
    [(0.005, 0.7e6, ["bad_print"]), (0.005, 1.3e6, []), (0.04, 0.7e6, [])],
)
def test_a_session_that_hardly_ranges_on_little_volume_is_no_ordinary_gap(
    span: float, volume: float, words: list[str]
) -> None:
    """Small beside the days of a wild name, yet a fifth of it would be much for that session:
    another range or the usual volume is enough to be real.
    """
    wild = price_cases.steady(DAYS[:40], 100.0).with_columns(high=pl.lit(102.0), low=pl.lit(98.0))
    last = price_cases.steady(DAYS[40:41], 113.0, volume).with_columns(
        high=pl.lit(113 * (1 + span / 2)), low=pl.lit(113 * (1 - span / 2))
    )
    row = gaps.measure(pl.concat([wild, last]), DAYS).tail(1)
    assert row.select(flags.words()).to_series().to_list() == [words]


def test_sessions_of_the_captures_that_were_no_trading(shared_data: Path) -> None:
    """Prints back the next day, and a special dividend that the file has no action for."""
    days = calendar.sessions_between(date(2013, 1, 1), date(2015, 1, 1))["session"]
    odd = {name: date(2014, 10, 30) for name in ("EMN", "NRG", "VMC")} | {"TDG": date(2013, 7, 11)}
    every = real_prices.five_years(shared_data)
    for symbol, day in odd.items():
        row = gaps.measure(every.filter(symbol=symbol), days).filter(session=day)
        assert row.select(flags.excluded()).item(), symbol


@pytest.mark.parametrize("ratio", [1e13, 4.0, 1e-13])
@pytest.mark.parametrize("last", [110.0, 9_900.0])
def test_a_split_to_come_takes_no_gap_away(ratio: float, last: float) -> None:
    """On its basis a price may be none; the session's own prices are what a gap is measured by."""
    bars = pl.concat(
        [price_cases.steady(DAYS[:40], 100.0), price_cases.steady(DAYS[40:41], last, 3e6)]
    )
    row = {"symbol": "OLD", "ex_date": DAYS[60], "kind": "split", "ratio": ratio}
    split = pl.DataFrame([row], schema=dict(CORPORATE_ACTIONS.columns))
    measured = gaps.measure(bars, DAYS, split).tail(1)
    state = gap_state.carry(bars.head(40), DAYS, DAYS[39], split)
    quick = gap_session.measure_session(bars, DAYS[40], DAYS, state, split)
    every = GapFilters(max_gap_pct=1e6, min_rvol=0.0, max_price=1e6)
    found, without = (gaps.find(bars, DAYS, every, acted) for acted in (split, None))
    bare = gaps.measure(bars, DAYS).tail(1)
    for some in (measured, quick):
        assert some["gap_pct"].item() == pytest.approx(last - 100)
        assert some["flags"].item() == bare["flags"].item()
    assert found["gap_pct"].to_list() == pytest.approx(without["gap_pct"].to_list())
    assert found.height == 1
