"""Risk figures against empyrical-reloaded, NumPy and SciPy, on real returns and published cases."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from core.domain.risk import exposure as risk_book
from core.domain.risk import measures as risk_measures
from core.errors import ValidationError
from tests import stand_ins

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import empyrical

NAMES = 5
STRESSED = ("AAPL", "AMD", "XOM", "NFLX", "WMT")


@pytest.fixture(scope="module")
def real(captures_or_none: Path | None) -> pl.DataFrame:
    """Daily returns of five names: captured ones, 2013 to 2018, or simulated ones."""
    bars = stand_ins.adjusted(captures_or_none).bars
    whole = bars.group_by("symbol").len().sort("len", "symbol", descending=[True, False])
    names = STRESSED if captures_or_none else whole["symbol"].head(NAMES).to_list()
    return risk_book.returns(bars.filter(pl.col("symbol").is_in(names)))


def name(real: pl.DataFrame, place: int) -> str:
    """One of the five names."""
    symbol: str = real["symbol"].unique().sort()[place]
    return symbol


def of(real: pl.DataFrame, symbol: str) -> pl.Series:
    return real.filter(pl.col("symbol") == symbol)["return"]


@pytest.mark.parametrize("place", range(NAMES))
@pytest.mark.parametrize("confidence", [0.95, 0.99])
def test_var_and_cvar_agree(real: pl.DataFrame, place: int, confidence: float) -> None:
    """Historical figures equal empyrical's, parametric ones the normal distribution's."""
    values = of(real, name(real, place))
    ours = risk_measures.value_at_risk(values, confidence)
    tail, array = 1 - confidence, values.to_numpy()
    assert ours.historical == pytest.approx(-empyrical.value_at_risk(array, tail), rel=1e-12)
    assert ours.historical_shortfall == pytest.approx(
        -empyrical.conditional_value_at_risk(array, tail), rel=1e-12
    )
    mean, deviation = array.mean(), array.std(ddof=1)
    z = stats.norm.ppf(tail)
    assert ours.parametric == pytest.approx(-(mean + z * deviation), rel=1e-9)
    expected = -(mean - deviation * stats.norm.pdf(z) / tail)
    assert ours.parametric_shortfall == pytest.approx(expected, rel=1e-9)
    assert ours.window == len(values)


@pytest.mark.parametrize("place", range(NAMES))
def test_drawdown_beta_sharpe_agree(real: pl.DataFrame, place: int) -> None:
    """Drawdown, beta and Sharpe ratio equal empyrical's and NumPy's."""
    values, market = of(real, name(real, place)), of(real, name(real, 4))
    array = values.to_numpy()
    assert risk_measures.max_drawdown(values) == pytest.approx(empyrical.max_drawdown(array))
    assert risk_measures.sharpe(values) == pytest.approx(empyrical.sharpe_ratio(array), rel=1e-9)
    n = min(len(values), len(market))
    mine = risk_measures.beta(values.head(n), market.head(n))
    covariance = np.cov(array[:n], market.to_numpy()[:n])
    assert mine == pytest.approx(covariance[0, 1] / covariance[1, 1], rel=1e-9)
    assert mine == pytest.approx(empyrical.beta(array[:n], market.to_numpy()[:n]), rel=1e-6)


def test_correlations_agree(real: pl.DataFrame) -> None:
    """Pairs over the last 60 sessions equal NumPy's correlation."""
    found = risk_book.correlations(real, [name(real, place) for place in range(NAMES)])
    assert len(found) == 10
    for pair, value in found.items():
        one, other = (of(real, symbol).tail(60).to_numpy() for symbol in pair)
        assert value == pytest.approx(np.corrcoef(one, other)[0, 1], rel=1e-9)


# Likelihood ratios printed in textbooks: Jorion, Value at Risk, on J.P. Morgan's 1998 report
# (20 exceptions in 252 days at 95 %), and cases worked out by hand from Kupiec's formula.
@pytest.mark.parametrize(
    ("n", "x", "confidence", "statistic"),
    [(252, 20, 0.95, 3.91), (250, 0, 0.99, 5.025), (1000, 10, 0.99, 0.0)],
)
def test_kupiec_statistic(n: int, x: int, confidence: float, statistic: float) -> None:
    """The likelihood ratio is the published one."""
    found = risk_measures.kupiec(n, x, confidence)
    assert found.statistic == pytest.approx(statistic, abs=0.01)
    assert found.p_value == pytest.approx(stats.chi2.sf(found.statistic, 1), rel=1e-9, abs=1e-15)


# Kupiec (1995), table of non-rejection regions at 95 % test confidence, as in Jorion, table 6-2.
# For 255 days at 99 % the table prints "N < 7" without a lower end; the statistic of N = 0 is 5.13.
@pytest.mark.parametrize(
    ("n", "confidence", "lowest", "highest"),
    [
        (255, 0.99, None, 6),
        (510, 0.99, 2, 10),
        (1000, 0.99, 5, 16),
        (255, 0.975, 3, 11),
        (510, 0.975, 7, 20),
        (1000, 0.975, 16, 35),
        (255, 0.95, 7, 20),
        (510, 0.95, 17, 35),
        (1000, 0.95, 38, 64),
        (255, 0.925, 12, 27),
        (510, 0.925, 28, 50),
        (1000, 0.925, 60, 91),
        (255, 0.90, 17, 35),
        (510, 0.90, 39, 64),
        (1000, 0.90, 82, 119),
    ],
)
def test_kupiec_regions(n: int, confidence: float, lowest: int | None, highest: int) -> None:
    """The numbers of exceptions that are accepted are Kupiec's."""
    accepted = [x for x in range(n + 1) if risk_measures.kupiec(n, x, confidence).accepted]
    assert accepted[-1] == highest
    if lowest is not None:
        assert accepted[0] == lowest


def test_exceptions_are_counted_without_look_ahead() -> None:
    """Each return is measured against the VaR of the window before it only."""
    values = pl.Series([0.01, -0.01] * 50 + [-0.5])
    found = risk_measures.rolling_exceptions(values, 50)
    assert found["exception"].sum() == 1
    assert found["exception"][-1]


@given(st.lists(st.floats(-0.3, 0.3), min_size=20, max_size=60))
def test_drawdown_lies_between_none_and_all(values: list[float]) -> None:
    """A drawdown is never positive and never more than everything."""
    found = risk_measures.drawdown(pl.Series(values))
    assert found.max() <= 1e-12
    assert found.min() > -1


def test_too_few_returns_give_no_figure() -> None:
    """A figure from a handful of returns is refused."""
    with pytest.raises(ValidationError, match="too few"):
        risk_measures.value_at_risk(pl.Series([0.01] * 5))
    with pytest.raises(ValidationError):
        risk_measures.kupiec(10, 11)


def test_longer_horizons_scale() -> None:
    """Ten sessions scale by the root of time, the mean by time."""
    values = pl.Series([0.01, -0.02, 0.005, -0.01] * 20)
    one, ten = (risk_measures.value_at_risk(values, 0.95, horizon) for horizon in (1, 10))
    assert ten.historical == pytest.approx(one.historical * math.sqrt(10))


def test_stress_replays_the_named_dates(real: pl.DataFrame, shared_data: Path) -> None:
    """The book's loss is the weighted sum of what its names did; other dates stay empty."""
    weights = {"AAPL": 0.5, "XOM": -0.25}
    table = risk_book.stress(real, weights)
    row = table.row(by_predicate=pl.col("name") == "China devaluation 2015", named=True)
    expected = 0.0
    for symbol, weight in weights.items():
        part = real.filter(
            (pl.col("symbol") == symbol) & pl.col("session").is_between(row["first"], row["last"])
        )["return"].to_numpy()
        expected += weight * (np.prod(1 + part) - 1)
    assert row["return"] == pytest.approx(expected)
    assert table.filter(pl.col("name") == "Lehman 2008")["return"][0] is None


@pytest.mark.parametrize(("confidence", "worst"), [(0.9, 26), (0.8, 51), (0.95, 13), (0.75, 63)])
def test_the_shortfall_counts_the_worst_at_whole_places(confidence: float, worst: int) -> None:
    """Of 251 returns at 90 % the worst 26 count: 1 - 0.9 is a little below 0.1 in binary."""
    returns = pl.Series([n / 1000 for n in range(251)])
    found = risk_measures.value_at_risk(returns, confidence).historical_shortfall
    assert found == pytest.approx(-sum(range(worst)) / worst / 1000, rel=1e-12)
