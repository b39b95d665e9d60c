"""Distributions while a trade of the back-test is held: longs receive, shorts pay, at ex-date."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.gaps import backtest
from core.domain.gaps.bars import split_factors, splits_of
from core.domain.gaps.distributions import paid_on
from core.domain.tables.frames import CORPORATE_ACTIONS
from core.domain.timetable import sessions as calendar
from tests import depth

DAYS = calendar.sessions_between(date(2026, 5, 18), date(2026, 7, 31))["session"]
FREE = backtest.TradeRules(cost_bps=0)


def actions(*rows: tuple[date, str, float]) -> pl.DataFrame:
    """Splits (ratio) and dividends (amount) of AAA; one of another kind beside them."""
    told = [
        {"symbol": "AAA", "ex_date": day, "kind": kind, "note": str(n),
         "ratio": value if kind == "split" else None,
         "amount": value if kind != "split" else None}
        for n, (day, kind, value) in enumerate(rows)
    ]  # fmt: skip
    return pl.DataFrame(told, schema=dict(CORPORATE_ACTIONS.columns))


def bars_of(rows: list[tuple[float, ...]], done: pl.DataFrame) -> pl.DataFrame:
    """Bars of AAA on the first sessions, with their split factor."""
    frame = pl.DataFrame(rows, schema=["open", "high", "low", "close"], orient="row")
    frame = frame.with_columns(pl.lit("AAA").alias("symbol"), DAYS.head(len(rows)))
    return frame.with_columns(split_factor=split_factors(frame, splits_of(done)))


def run(
    rows: list[tuple[float, ...]], done: pl.DataFrame, gap: float = 5.0, atr: float = 2.0
) -> dict[str, Any]:
    """The trade of a gap on the first day."""
    bars = bars_of(rows, done)
    signal = bars.head(1).with_columns(gap_pct=pl.lit(gap), atr=pl.lit(atr))
    return backtest.trades(signal, bars, FREE, paid_on(bars, done)).row(0, named=True)


QUIET = (100.0, 101.0, 99.0, 100.0)


@pytest.mark.parametrize(("gap", "sign"), [(5.0, 1), (-5.0, -1)])
@pytest.mark.parametrize(
    ("place", "counts"),
    [(0, False), (1, False), (2, True), (5, True), (6, False)],  # entry is day 1, the exit day 5
)
def test_who_holds_over_the_ex_date_receives_or_pays(
    gap: float, sign: int, place: int, counts: bool
) -> None:
    """The day of entry is too late, and the day after the exit; on the exit's day it is owed."""
    row = run([QUIET] * 7, actions((DAYS[place], "dividend", 0.9)), gap)
    assert row["dividend_r"] == pytest.approx(sign * 0.3 if counts else 0.0)
    assert row["r"] == pytest.approx(row["dividend_r"])


def test_several_of_a_day_count_and_one_of_a_closed_day_is_of_the_next_session() -> None:
    """2026-05-25 is a holiday between two sessions; actions of other kinds pay nothing."""
    told = actions(
        (DAYS[3], "dividend", 0.3), (DAYS[3], "dividend", 0.6),
        (date(2026, 5, 25), "dividend", 1.2), (DAYS[4], "spinoff", 9.0),
    )  # fmt: skip
    assert DAYS[4] < date(2026, 5, 25) < DAYS[5]
    assert run([QUIET] * 7, told)["dividend_r"] == pytest.approx(2.1 / 3)


def test_a_stop_at_the_open_of_the_ex_date_still_receives() -> None:
    """The share was held over the night."""
    row = run([QUIET, QUIET, (95, 96, 94, 95)], actions((DAYS[2], "dividend", 0.6)))
    assert (row["outcome"], row["exit"], row["r"]) == ("stop_gap", 95.0, pytest.approx(-4.4 / 3))


def test_a_special_dividend_lowers_stop_and_target() -> None:
    """The fall by the recorded amount is no stop, and the trade is as good as before."""
    fallen = (96.0, 97.0, 95.0, 96.0)
    row = run([QUIET, QUIET, fallen, fallen], actions((DAYS[2], "dividend", 4.0)))
    assert (row["outcome"], row["r"]) == ("open", pytest.approx(0.0))
    assert (row["mfe_r"], row["mae_r"]) == pytest.approx((1 / 3, 1 / 3))
    up = (100.0, 102.5, 99.0, 102.0)
    row = run([QUIET, QUIET, fallen, up], actions((DAYS[2], "dividend", 4.0)))
    assert (row["outcome"], row["exit"], row["r"]) == ("target", 102.0, pytest.approx(2.0))
    row = run([QUIET, QUIET, fallen], actions((DAYS[2], "dividend", 1.5)))  # no special one
    assert (row["outcome"], row["exit"]) == ("stop_gap", 96.0)


def oracle(rows: list[tuple[float, ...]], told: pl.DataFrame, sign: int, atr: float) -> float:
    """Result in R of a trade reckoned in cash, day by day, one share of the first day held."""
    shares, cash, stop, target, entry = 1.0, 0.0, 0.0, 0.0, 0.0
    held = list(told.iter_rows(named=True))
    close = rows[0][3]
    for n, bar in enumerate(rows[1 : FREE.hold_sessions + 1], 1):
        before, today = DAYS[n - 1], DAYS[n]
        owed = [a for a in held if before < a["ex_date"] <= today]
        for action in (a for a in owed if a["kind"] == "split"):
            shares *= action["ratio"]
            atr, close = atr / action["ratio"], close / action["ratio"]
            stop, target = stop / action["ratio"], target / action["ratio"]
        amount = sum(a["amount"] for a in owed if a["kind"] == "dividend")
        if n == 1:
            entry, risk = bar[0] * shares, atr * FREE.stop_atr * shares
            stop = bar[0] - sign * atr * FREE.stop_atr
            target = bar[0] + sign * atr * FREE.stop_atr * FREE.target_r
        else:
            cash += sign * amount * shares
            if amount >= 0.02 * close:
                stop, target = stop - amount, target - amount
        opened, high, low, close = bar
        worst, best = (low, high) if sign > 0 else (high, low)
        price = None
        if (n > 1 and (opened - stop) * sign <= 0) or (n > 1 and (opened - target) * sign >= 0):
            price = opened
        elif (worst - stop) * sign <= 0:
            price = stop
        elif (best - target) * sign >= 0:
            price = target
        if price is not None:
            return (sign * (price * shares - entry) + cash) / risk
    return (sign * (close * shares - entry) + cash) / risk


@depth.cases(100)
@given(
    seed=st.integers(0, 10**6), sign=st.sampled_from([1, -1]),
    told=st.lists(
        st.one_of(
            st.tuples(st.integers(0, 9), st.just("split"), st.sampled_from([2.0, 0.5, 7.0])),
            st.tuples(st.integers(0, 9), st.just("dividend"), st.sampled_from([0.1, 0.9, 4.0])),
        ), max_size=4,
    ),
)  # fmt: skip
def test_every_trade_is_that_of_the_cash_reckoned_by_hand(
    seed: int, sign: int, told: list[tuple[int, str, float]]
) -> None:
    """Splits and dividends in any order, on sessions and on the days between them."""
    first = DAYS[0]
    splits = {day: (day, kind, value) for day, kind, value in told if kind == "split"}
    rest = [row for row in told if row[1] == "dividend"]
    done = actions(*((first + timedelta(days=d), k, v) for d, k, v in [*splits.values(), *rest]))
    random, rows, close = np.random.default_rng(seed), [], 100.0
    for day in DAYS.head(7):
        ratio, paid = 1.0, 0.0
        for action in done.iter_rows(named=True):
            if (DAYS[len(rows) - 1] if rows else date.min) < action["ex_date"] <= day:
                ratio *= action["ratio"] or 1.0
                paid += action["amount"] or 0.0
        opened = max(1.0, (close / ratio - paid) * (1 + random.normal(0, 0.01)))
        close = opened * (1 + random.normal(0, 0.015))
        high, low = max(opened, close) * 1.004, min(opened, close) * 0.996
        rows.append((opened, high, low, close))
    row = run(rows, done, 5.0 * sign)
    assert row["r"] == pytest.approx(oracle(rows, done, sign, 2.0), abs=1e-9)
