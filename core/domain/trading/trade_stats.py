"""Statistics of paper trades: excursions from stored bars, expectancy, profit factor, by tag.

Trade frames have columns plan_id, symbol, direction, tag, bucket, entry, r, entry_session,
exit_session (null: open), realised (money), realised_r.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import sqrt

import polars as pl

from core.domain.results import profit_factor, win_pct

GAP_BUCKETS = (2.0, 4.0, 8.0, 15.0)


def excursions(trades: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """`mfe_r` and `mae_r` beside each trade: furthest for and against, in R, from daily bars.

    `trades` has entry_factor, `bars` factor: the share basis (`bars.split_factors`) of entry and
    bar; `bars` are in order and have paid, the distributions of the session per share of it: what
    a holder received, or owed, is no move for or against the trade. `settled` is the last session
    that settlement passed (null: the last bar). Whole bars of the entry and exit sessions count,
    so both are the most they can have been.
    """
    sign = pl.when(pl.col("direction") == "long").then(1).otherwise(-1)
    last = pl.lit(bars["session"].max(), dtype=pl.Date)
    until = pl.coalesce("exit_session", "settled", last).alias("until")
    names = ("plan_id", "symbol", "direction", "entry", "r", "entry_session", "entry_factor")
    held = trades.select(*names, until)
    scale = pl.col("entry_factor") / pl.col("factor")
    reach = (
        held.join(
            bars.select("symbol", "session", "high", "low", "factor", "paid"),
            on="symbol",
            maintain_order="left_right",
        )
        .with_columns(pl.col("high", "low", "paid") * scale)
        .filter(pl.col("session").is_between("entry_session", "until"))
        .with_columns(
            pl.col("high", "low")
            + pl.when(pl.col("session") > pl.col("entry_session"))
            .then("paid")
            .otherwise(0.0)
            .cum_sum()
            .over("plan_id")
        )
        .with_columns(
            up=(pl.col("high") - pl.col("entry")) / pl.col("r") * sign,
            down=(pl.col("low") - pl.col("entry")) / pl.col("r") * sign,
        )
        .group_by("plan_id")
        .agg(
            pl.max_horizontal(pl.col("up").max(), pl.col("down").max(), 0.0).alias("mfe_r"),
            pl.min_horizontal(pl.col("up").min(), pl.col("down").min(), 0.0).alias("mae_r"),
        )
    )
    plain = trades.drop("entry_factor", "settled")
    return plain.join(reach, on="plan_id", how="left", maintain_order="left")


def summary(trades: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """Closed trades counted: n, win_pct, expectancy_r, mean win and loss in R, profit factor."""
    closed = trades.filter(pl.col("exit_session").is_not_null())
    r = pl.col("realised_r")
    figures = [
        pl.len().alias("n"),
        win_pct(r).alias("win_pct"),
        r.mean().alias("expectancy_r"),
        r.filter(r > 0).mean().alias("mean_win_r"),
        r.filter(r < 0).mean().alias("mean_loss_r"),
        profit_factor(pl.col("realised")).alias("profit_factor"),
        pl.col("realised").sum().alias("realised"),
    ]
    if by:
        return closed.group_by(list(by)).agg(figures).sort(list(by))
    return closed.select(figures)


def bucket(gap_pct: float | None) -> str:
    """The size bucket of a gap, by its absolute percentage."""
    if gap_pct is None:
        return "no gap"
    size = abs(gap_pct)
    for low, high in zip((0.0, *GAP_BUCKETS), GAP_BUCKETS, strict=False):
        if size < high:
            return f"{low:g}–{high:g} %"
    return f"over {GAP_BUCKETS[-1]:g} %"


def kelly_pct(
    outcomes_r: pl.Series, *, least: int = 30, fraction: float = 0.25, cap_pct: Decimal
) -> tuple[float | None, str]:
    """Quarter Kelly in percent of equity from measured outcomes in R, capped; and its sentence.

    Never negative; None below `least` outcomes or when either side was never seen.
    """
    n = len(outcomes_r)
    won, lost = outcomes_r.filter(outcomes_r > 0), outcomes_r.filter(outcomes_r <= 0)
    if n < least:
        return None, f"No Kelly size: {n} similar gaps, {least} are needed."
    if not len(won) or not len(lost) or not (total := float(lost.sum())):
        return None, f"No Kelly size: all {n} similar gaps went one way."
    rate = len(won) / n
    payoff = (float(won.sum()) / len(won)) / (-total / len(lost))
    full = rate - (1 - rate) / payoff
    size = min(max(0.0, full * fraction * 100), float(cap_pct))
    return size, (
        f"Quarter Kelly {size:.2f} % of equity from {n} similar gaps: {rate * 100:.0f} % won, "
        f"mean win over mean loss {payoff:.2f}; capped at {cap_pct:f} %."
    )


FEW = 30  # outcomes below which nobody should lean on them


@dataclass(frozen=True, slots=True)
class SimilarTrades:
    """What trades like the plan would have made of similar gaps, in R before costs; losses are
    negative. `low_r` and `high_r` bound the mean with 95 percent, None of a single trade.
    """

    n: int
    mean_r: float
    low_r: float | None
    high_r: float | None
    win_pct: float
    mean_win_r: float | None
    mean_loss_r: float | None

    @property
    def sentence(self) -> str:
        """All of it in words, losses included."""
        bounds = ""
        if self.low_r is not None:
            bounds = f", 95 % between {self.low_r:+.2f} and {self.high_r:+.2f}"
        won = "" if self.mean_win_r is None else f" by {self.mean_win_r:+.2f} R"
        lost = "" if self.mean_loss_r is None else f" by {self.mean_loss_r:+.2f} R"
        few = "; few: do not lean on it" if self.n < FEW else ""
        sides = f"{self.win_pct:.0f} % won{won}, {100 - self.win_pct:.0f} % lost{lost}"
        figures = f"{self.mean_r:+.2f} R a trade{bounds}; {sides}{few}".replace("-", "−")
        return f"Back-test of {self.n:,} similar gaps, before costs: {figures}."


def similar_trades(outcomes_r: pl.Series) -> SimilarTrades | None:
    """The summary of outcomes in R; None without any."""
    n = len(outcomes_r)
    if not n:
        return None
    won, lost = outcomes_r.filter(outcomes_r > 0), outcomes_r.filter(outcomes_r <= 0)
    mean = _mean(outcomes_r) or 0.0
    spread = outcomes_r.std()
    half = None if n < 2 or not isinstance(spread, float) else 1.96 * spread / sqrt(n)
    return SimilarTrades(
        n,
        mean,
        None if half is None else mean - half,
        None if half is None else mean + half,
        100 * len(won) / n,
        _mean(won),
        _mean(lost),
    )


def _mean(outcomes_r: pl.Series) -> float | None:
    return float(outcomes_r.sum()) / len(outcomes_r) if len(outcomes_r) else None


def gap_through(
    overnight_pct: pl.Series, sign: int, stop_pct: float, *, least: int = 20
) -> tuple[float | None, str]:
    """Loss in R if the name opens beyond the stop, from its own overnight moves; and its sentence.

    `overnight_pct` are open over prior close less one; `stop_pct` is R over the entry, in percent.
    """
    n = len(overnight_pct)
    if n < least:
        return None, f"Gap-through risk is not known: {n} nights of history, {least} are needed."
    against = overnight_pct * -sign
    beyond = against.filter(against > stop_pct)
    if not len(beyond):
        return 1.0, f"In {n} nights the name never opened beyond such a stop: 1 R."
    loss = float(beyond.sum()) / len(beyond) / stop_pct
    worst = float(beyond.sort()[-1]) / stop_pct
    return loss, (
        f"It opened beyond such a stop in {len(beyond)} of {n} nights, then losing {loss:.2f} R "
        f"in the mean and {worst:.2f} R at worst."
    )
