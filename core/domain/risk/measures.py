"""Measures of a series of returns: VaR, CVaR, Kupiec's test, drawdown, beta, Sharpe ratio.

Returns are simple, one a session (0.01 for 1 %), oldest first, without gaps. Value at risk and
expected shortfall are losses: positive numbers in the unit of the returns. Historical and
parametric figures are made of the same returns, horizon and window, and carry them along.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import polars as pl

from core.errors import ValidationError

SESSIONS_A_YEAR = 252
NOISE = 1e-12  # relative: differences below it are none
LEAST = 20  # returns needed before a figure is given


@dataclass(frozen=True, slots=True)
class ValueAtRisk:
    """Loss not exceeded with `confidence` over `horizon` sessions, by two methods."""

    confidence: float
    horizon: int
    window: int
    historical: float
    historical_shortfall: float
    parametric: float
    parametric_shortfall: float


@dataclass(frozen=True, slots=True)
class Kupiec:
    """Proportion-of-failures test: do the exceptions fit the confidence?"""

    observations: int
    exceptions: int
    expected: float
    statistic: float  # chi-squared with one degree of freedom
    p_value: float

    @property
    def accepted(self) -> bool:
        """Not rejected at 5 %."""
        return self.p_value >= 0.05


def value_at_risk(returns: pl.Series, confidence: float = 0.95, horizon: int = 1) -> ValueAtRisk:
    """Historical and parametric VaR and CVaR; longer horizons scale by the root of time."""
    values = _clean(returns)
    tail = 1 - confidence
    scale = math.sqrt(horizon)
    mean, deviation = _mean(values), _deviation(values)
    normal = NormalDist()
    z = normal.inv_cdf(tail)
    drift = mean * horizon
    return ValueAtRisk(
        confidence=confidence,
        horizon=horizon,
        window=len(values),
        historical=-_quantile(values, tail) * scale,
        historical_shortfall=-shortfall(values, tail) * scale,
        parametric=-(drift + z * deviation * scale),
        parametric_shortfall=-(drift - deviation * scale * normal.pdf(z) / tail),
    )


def shortfall(values: pl.Series, tail: float) -> float:
    """Mean of the worst returns: the lowest floor((n - 1) x tail) + 1 of them."""
    count = int((len(values) - 1) * tail * (1 + NOISE)) + 1  # 1 - 0.9 is less than 0.1
    return _mean(values.sort().head(count))


def rolling_exceptions(returns: pl.Series, window: int, confidence: float = 0.95) -> pl.DataFrame:
    """Each return against the VaR of the window before it: columns value, var, exception."""
    return (
        pl.DataFrame({"value": returns})
        .with_columns(
            var=-pl.col("value")
            .rolling_quantile(1 - confidence, interpolation="linear", window_size=window)
            .shift(1)
        )
        .drop_nulls()
        .with_columns(exception=pl.col("value") < -pl.col("var"))
    )


def kupiec(observations: int, exceptions: int, confidence: float = 0.95) -> Kupiec:
    """Kupiec's likelihood ratio (1995); ValidationError unless 0 <= exceptions <= observations."""
    if observations < 1 or not 0 <= exceptions <= observations:
        raise ValidationError(f"{exceptions} exceptions of {observations} observations")
    p, n, x = 1 - confidence, observations, exceptions
    null = _log_likelihood(n, x, p)
    best = _log_likelihood(n, x, x / n)
    statistic = max(0.0, -2 * (null - best))
    return Kupiec(n, x, n * p, statistic, math.erfc(math.sqrt(statistic / 2)))


def _log_likelihood(n: int, x: int, p: float) -> float:
    hits = x * math.log(p) if x else 0.0
    misses = (n - x) * math.log1p(-p) if n - x else 0.0
    return hits + misses


def drawdown(returns: pl.Series) -> pl.Series:
    """Fall from the highest wealth so far (start included), zero or negative."""
    wealth = (1 + returns).cum_prod()
    peak = wealth.cum_max().clip(lower_bound=1.0)
    return (wealth / peak - 1).alias("drawdown")


def max_drawdown(returns: pl.Series) -> float:
    """The deepest fall, zero or negative."""
    lowest = drawdown(returns).min()
    return float(lowest) if isinstance(lowest, float) else 0.0


def beta(returns: pl.Series, market: pl.Series) -> float | None:
    """Covariance with the market over the market's variance; None when the market stands still."""
    frame = pl.DataFrame({"a": returns, "b": market}).drop_nulls()
    if len(frame) < LEAST:
        return None
    if _constant(frame["b"]):
        return None
    covariance, variance = frame.select(
        pl.cov("a", "b").alias("covariance"), pl.col("b").var().alias("variance")
    ).row(0)
    return covariance / variance if variance else None


def sharpe(returns: pl.Series, risk_free: float = 0.0) -> float | None:
    """Annualised mean over deviation above `risk_free` a session; None when they stand still."""
    values = _clean(returns) - risk_free
    if _constant(values):
        return None
    return _mean(values) / _deviation(values) * math.sqrt(SESSIONS_A_YEAR)


def _constant(values: pl.Series) -> bool:
    """Whether values differ by no more than the rounding of their arithmetic."""
    low, high, largest = (
        values.to_frame("v")
        .select(
            pl.col("v").min(),
            pl.col("v").max().alias("high"),
            pl.col("v").abs().max().alias("most"),
        )
        .row(0)
    )
    return bool(high - low <= NOISE * largest)


def _clean(returns: pl.Series) -> pl.Series:
    values = returns.drop_nulls().drop_nans()
    if len(values) < LEAST:
        raise ValidationError(
            f"{len(values)} returns are too few for a risk figure", hint=f"at least {LEAST} needed"
        )
    return values


def _quantile(values: pl.Series, tail: float) -> float:
    found = values.quantile(tail, interpolation="linear")
    return float(found if found is not None else math.nan)


def _mean(values: pl.Series) -> float:
    return float(values.to_frame().select(pl.first().mean()).item())


def _deviation(values: pl.Series) -> float:
    return float(values.to_frame().select(pl.first().std(ddof=1)).item())
