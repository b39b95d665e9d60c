"""Back-test of the gap signal on daily bars: no look-ahead, stops filled where they can be.

A gap passes its filters with the volume of its own session, which is known at that session's
close; so the next tradable print is the open of the session after it. Stop and target come from
the ATR known before the gap. A stop that is gapped through fills at the open; where one bar
touches both stop and target, the stop counts. Costs are taken on both sides. Whoever is long over
an ex-date receives the distribution, whoever is short pays it; a special one lowers stop and target
by its amount, as it does those of a plan (`trading.order_basis`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from core.domain.gaps.bars import SPECIAL_SHARE
from core.domain.gaps.distributions import PAID
from core.domain.gaps.outcomes import LEAST_N, Z95, own_move, stretch_of, with_groups
from core.domain.results import profit_factor, win_pct
from core.errors import UsageError

Side = Literal["follow", "fade"]


@dataclass(frozen=True, slots=True)
class TradeRules:
    """How a signal is traded. Prices move against us by `cost_bps` on entry and on exit."""

    side: Side = "follow"
    stop_atr: float = 1.5
    target_r: float = 2.0
    hold_sessions: int = 5
    cost_bps: float = 5.0

    def __post_init__(self) -> None:
        if self.side not in ("follow", "fade"):
            raise UsageError(f"side {self.side!r} must be follow or fade")
        if self.stop_atr <= 0 or self.target_r <= 0 or self.hold_sessions < 1 or self.cost_bps < 0:
            raise UsageError("stop, target and sessions held must be above zero, costs not below")


TRADE_COLUMNS = (
    "symbol",
    "signal_session",
    "gap_pct",
    "gap_ex_div_pct",
    "direction",
    "entry_session",
    "entry",
    "stop",
    "target",
    "exit_session",
    "exit",
    "outcome",
    "sessions_held",
    "r",
    "dividend_r",
    "mfe_r",
    "mae_r",
)


def trades(
    signals: pl.DataFrame,
    bars: pl.DataFrame,
    rules: TradeRules,
    paid: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """One trade a signal that could be entered, by exit session; prices on the share basis then.

    `signals` has symbol, session, gap_pct, atr, split_factor, and gap_ex_div_pct where
    the day had distributions: its sign is the direction. `bars` are rows of `measure` in
    order, with `stretch` (`breaks.stretches`): a trade ends at the last close before a move that
    is no trading. `paid` are the distributions of the bars (`distributions.paid_on`). outcome:
    stop, stop_gap (opened beyond it), target, time, open (bars ended before).
    r is the result after costs in units of the risk per share at entry; dividend_r is the part of
    it that was received or paid, and counts in the excursions too.
    """
    spread = _held_bars(signals.with_row_index("trade"), bars, rules)
    if spread.is_empty():
        return _empty()
    paid = pl.DataFrame(schema=PAID) if paid is None else paid
    spread = _with_levels(_with_cash(spread, paid), rules)
    exits = _exits(spread, rules)
    return _results(exits, spread, rules)


def _with_cash(spread: pl.DataFrame, paid: pl.DataFrame) -> pl.DataFrame:
    """received (so far, for a share held since the entry) and special (the part of it that lowers
    stop and target), on the share basis of the signal's session.
    """
    rows = spread.join(paid, on=["symbol", "session"], how="left", maintain_order="left")
    scale = pl.col("split_factor") / pl.col("later_factor")
    cash = pl.when(pl.col("held") > 1).then(pl.col("amount") * scale).fill_null(0.0)
    special = cash >= SPECIAL_SHARE * pl.col("close").shift(1)  # of the same trade: held > 1
    rows = rows.with_columns(received=cash, special=pl.when(special).then(cash).otherwise(0.0))
    return rows.with_columns(pl.col("received", "special").cum_sum().over("trade")).drop("amount")


def _held_bars(signals: pl.DataFrame, bars: pl.DataFrame, rules: TradeRules) -> pl.DataFrame:
    """One row per trade and bar held: prices on the share basis of the signal's session."""
    series = bars.select(
        "symbol", "session", "open", "high", "low", "close", stretch_of(bars),
        later_factor="split_factor",
    ).with_row_index("row")  # fmt: skip
    ends = series.group_by("symbol", "stretch").agg(last=pl.col("row").max())
    placed = signals.filter(pl.col("atr") > 0).select(
        "trade", "symbol", "session", "gap_pct", "atr", "split_factor",
        gap_ex_div_pct=own_move(signals),
    )  # fmt: skip
    places = series.select("symbol", "session", "row", "stretch")
    placed = placed.join(places, on=["symbol", "session"])
    placed = placed.join(ends, on=["symbol", "stretch"]).filter(pl.col("row") < pl.col("last"))
    until = pl.min_horizontal(pl.col("row") + rules.hold_sessions, pl.col("last")) + 1
    spread = placed.with_columns(at=pl.int_ranges(pl.col("row") + 1, until)).explode("at")
    held = series.select(
        pl.col("session", "open", "high", "low", "close", "later_factor").gather(spread["at"])
    )
    scale = pl.col("split_factor") / pl.col("later_factor")
    return (
        spread.rename({"session": "signal_session"})
        .hstack(held)
        .with_columns(
            (pl.col("at") - pl.col("row")).cast(pl.Int32).alias("held"),
            *(pl.col(name) * scale for name in ("open", "high", "low", "close")),
        )
    )


def _with_levels(spread: pl.DataFrame, rules: TradeRules) -> pl.DataFrame:
    """sign (1 long, −1 short), entry at the first open, stop and target from it."""
    along = 1.0 if rules.side == "follow" else -1.0
    entry = pl.col("open").first().over("trade")
    table = spread.with_columns(sign=pl.col("gap_ex_div_pct").sign() * along, entry=entry)
    table = table.filter(pl.col("entry") > 0).with_columns(risk=pl.col("atr") * rules.stop_atr)
    return table.with_columns(
        stop=pl.col("entry") - pl.col("sign") * pl.col("risk") - pl.col("special"),
        target=pl.col("entry")
        + pl.col("sign") * pl.col("risk") * rules.target_r
        - pl.col("special"),
    )


def _exits(spread: pl.DataFrame, rules: TradeRules) -> pl.DataFrame:
    """The bar at which each trade ends, with the exit price and the outcome."""
    sign = pl.col("sign")
    worst = pl.when(sign > 0).then("low").otherwise("high")
    best = pl.when(sign > 0).then("high").otherwise("low")
    gapped = ((pl.col("open") - pl.col("stop")) * sign <= 0) & (pl.col("held") > 1)
    stopped = (worst - pl.col("stop")) * sign <= 0
    reached = (best - pl.col("target")) * sign >= 0
    beyond = ((pl.col("open") - pl.col("target")) * sign >= 0) & (pl.col("held") > 1)
    last = pl.col("held") == pl.col("held").max().over("trade")
    table = spread.with_columns(
        outcome=pl.when(gapped)
        .then(pl.lit("stop_gap"))
        .when(beyond)
        .then(pl.lit("target"))
        .when(stopped)
        .then(pl.lit("stop"))
        .when(reached)
        .then(pl.lit("target"))
        .when(last & (pl.col("held") < rules.hold_sessions))
        .then(pl.lit("open"))
        .when(last)
        .then(pl.lit("time")),
        exit=pl.when(gapped | beyond)
        .then("open")
        .when(stopped)
        .then("stop")
        .when(reached)
        .then("target")
        .otherwise("close"),
    )
    ended = table.filter(pl.col("outcome").is_not_null() & pl.col("exit").is_not_null())
    return ended.group_by("trade", maintain_order=True).first()


def _results(exits: pl.DataFrame, spread: pl.DataFrame, rules: TradeRules) -> pl.DataFrame:
    """Result and excursions in R. A bar that ends the trade adds no better price than its exit."""
    cost = rules.cost_bps / 10_000 * (pl.col("entry") + pl.col("exit"))
    gain = (pl.col("exit") - pl.col("entry")) * pl.col("sign")
    dividend_r = pl.col("received") * pl.col("sign") / pl.col("risk")
    exits = exits.with_columns(
        r=(gain - cost) / pl.col("risk") + dividend_r, dividend_r=dividend_r, sessions_held="held"
    )
    during = spread.join(exits.select("trade", "exit", ended="held"), on="trade")
    during = during.filter(pl.col("held") <= pl.col("ended"))
    ending = pl.col("held") == pl.col("ended")
    high = pl.when(ending & (pl.col("sign") > 0)).then("exit").otherwise("high")
    low = pl.when(ending & (pl.col("sign") < 0)).then("exit").otherwise("low")
    worth = pl.col("entry") - pl.col("received")  # of the price that breaks even
    up, down = (high - worth) / pl.col("risk"), (worth - low) / pl.col("risk")
    moves = during.group_by("trade").agg(
        mfe_r=pl.when(pl.col("sign") > 0).then(up).otherwise(down).max().clip(lower_bound=0),
        mae_r=pl.when(pl.col("sign") > 0).then(down).otherwise(up).max().clip(lower_bound=0),
    )
    firsts = spread.filter(pl.col("held") == 1).select("trade", entry_session="session")
    table = (
        exits.join(moves, on="trade").join(firsts, on="trade").rename({"session": "exit_session"})
    )
    long = pl.when(pl.col("sign") > 0).then(pl.lit("long")).otherwise(pl.lit("short"))
    return (
        table.with_columns(direction=long)
        .select(TRADE_COLUMNS)
        .sort("exit_session", "signal_session", "symbol")
    )


def _empty() -> pl.DataFrame:
    dates = {"signal_session", "entry_session", "exit_session"}
    texts = {"symbol", "direction", "outcome"}
    return pl.DataFrame(
        schema={
            name: pl.Date
            if name in dates
            else pl.String
            if name in texts
            else pl.Int32
            if name == "sessions_held"
            else pl.Float64
            for name in TRADE_COLUMNS
        }
    )


def equity(done: pl.DataFrame) -> pl.DataFrame:
    """By exit session: r, trades, equity_r (sum so far) and drawdown_r (below the best so far)."""
    days = done.group_by("exit_session").agg(r=pl.col("r").sum(), trades=pl.len())
    curve = days.sort("exit_session").with_columns(equity_r=pl.col("r").cum_sum())
    peak = pl.max_horizontal(pl.col("equity_r").cum_max(), pl.lit(0.0))
    return curve.with_columns(drawdown_r=peak - pl.col("equity_r"))


def expectancy(done: pl.DataFrame, by: str) -> pl.DataFrame:
    """Per bucket: n, mean_r with its 95 % interval (normal), win_pct, profit_factor, enough."""
    rows = with_groups(done.rename({"signal_session": "session"}).drop("direction")).with_columns(
        all=pl.lit("all")
    )
    table = rows.group_by(by).agg(
        n=pl.len(),
        mean_r=pl.col("r").mean(),
        _error=pl.col("r").std() / pl.len().sqrt(),
        win_pct=win_pct(pl.col("r")),
        profit_factor=profit_factor(pl.col("r")),
        mfe_r=pl.col("mfe_r").median(),
        mae_r=pl.col("mae_r").median(),
    )
    half = pl.col("_error") * Z95
    return (
        table.with_columns(
            low_r=pl.col("mean_r") - half,
            high_r=pl.col("mean_r") + half,
            enough=pl.col("n") >= LEAST_N,
        )
        .drop("_error")
        .sort(by)
    )


def summary(done: pl.DataFrame, variants: int) -> dict[str, Any]:
    """Totals of a run, and what the number of variants tried does to their worth.

    With k variants tried, the best of them looks significant by chance with probability
    1 − 0.95^k; `interval_level_pct` is the level each would need (Bonferroni).
    """
    curve = equity(done)
    overall = expectancy(done, "all").to_dicts() if done.height else []
    return {
        "trades": done.height,
        "total_r": float(done["r"].sum()),
        "max_drawdown_r": float(curve["drawdown_r"].max() or 0.0),  # type: ignore[arg-type]
        "expectancy": overall[0] if overall else None,
        "outcomes": dict(done["outcome"].value_counts(sort=True).rows()),
        "variants_tried": variants,
        "chance_of_false_find_pct": round((1 - 0.95**variants) * 100, 1),
        "interval_level_pct": round((1 - 0.05 / max(1, variants)) * 100, 2),
    }
