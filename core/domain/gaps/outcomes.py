"""What gaps did afterwards: fills, excursions, and rates with Wilson intervals.

A gap is filled when a regular session trades at the prior close; half filled at the middle between
prior close and open. Session 0 is the session of the gap. Everything is measured on one share
basis and counts only what the bars show; order within a bar is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import polars as pl

HORIZON = 20
LEAST_N = 30  # below that a rate is shown in grey
Z95 = 1.959963984540054
SIZE_EDGES = (1.0, 2.0, 4.0, 7.0, 10.0, 15.0, 20.0)
SIZES = (
    f"below {SIZE_EDGES[0]:g} %",
    *(f"{a:g}–{b:g} %" for a, b in pairwise(SIZE_EDGES)),
    f"{SIZE_EDGES[-1]:g} % and more",
)
GROUPS = ("size", "direction", "weekday", "catalyst", "grade", "gap_type", "story")


def outcomes(gaps: pl.DataFrame, bars: pl.DataFrame, horizon: int = HORIZON) -> pl.DataFrame:
    """What followed each gap: the rows of `gaps` with the columns below.

    `gaps` has symbol, session, open, prior_close, split_factor; `bars` are rows of `measure` of
    the same symbols (symbol, session, high, low, close, split_factor), in order; with `stretch`
    (`breaks.stretches`) nothing is followed beyond the bars of one.
    Adds sessions_seen (0..horizon), filled_same, filled, half_filled, sessions_to_fill,
    sessions_to_half (0: the gap's own session), excursion_pct (furthest move away from the prior
    close beyond the open, up to the fill or the end, in percent of the open), close_pct (the
    session's close against its open, in the gap's direction).
    """
    gaps = gaps.with_row_index("gap_id")
    steps = _steps(gaps, bars, horizon)
    ahead = pl.col("high") - pl.col("open0")
    behind = pl.col("open0") - pl.col("low")
    steps = steps.with_columns(
        touched=_touch("prior0"),
        half=_touch("middle"),
        away=pl.when("up").then(ahead).otherwise(behind) / pl.col("open0") * 100,
    )
    fill = pl.col("step").filter("touched").min()
    found = steps.group_by("gap_id").agg(
        sessions_seen=pl.col("step").max(),
        sessions_to_fill=fill,
        sessions_to_half=pl.col("step").filter("half").min(),
        excursion_pct=pl.col("away").filter(pl.col("step") <= fill.fill_null(horizon)).max(),
        close0=pl.col("close").filter(pl.col("step") == 0).first(),
        open0=pl.col("open0").first(),
        up=pl.col("up").first(),
    )
    signed = (pl.col("close0") / pl.col("open0") - 1) * 100
    answer = found.with_columns(
        filled_same=(pl.col("sessions_to_fill") == 0).fill_null(value=False),
        filled=pl.col("sessions_to_fill").is_not_null(),
        half_filled=pl.col("sessions_to_half").is_not_null(),
        excursion_pct=pl.col("excursion_pct").clip(lower_bound=0),
        close_pct=pl.when("up").then(signed).otherwise(-signed),
    ).drop("close0", "open0", "up")
    return gaps.join(answer, on="gap_id", how="left", maintain_order="left").drop("gap_id")


def _touch(level: str) -> pl.Expr:
    return (
        pl.when("up")
        .then(pl.col("low") <= pl.col(level))
        .otherwise(pl.col("high") >= pl.col(level))
    )


def _steps(gaps: pl.DataFrame, bars: pl.DataFrame, horizon: int) -> pl.DataFrame:
    """One row per gap and following bar of the symbol (step 0..horizon), on one share basis."""
    factor = pl.col("split_factor")
    series = bars.select(
        "symbol",
        "session",
        stretch_of(bars),
        *(pl.col(name) / factor for name in ("high", "low", "close")),
    ).with_row_index("row")
    ends = series.group_by("symbol", "stretch").agg(last=pl.col("row").max())
    base = gaps.select(
        "gap_id",
        "symbol",
        "session",
        open0=pl.col("open") / factor,
        prior0=pl.col("prior_close") / factor,
    ).with_columns(
        middle=(pl.col("open0") + pl.col("prior0")) / 2, up=pl.col("open0") > pl.col("prior0")
    )
    places = series.select("symbol", "session", "row", "stretch")
    placed = base.join(places, on=["symbol", "session"]).join(ends, on=["symbol", "stretch"])
    until = pl.min_horizontal(pl.col("row") + horizon, pl.col("last")) + 1
    spread = placed.with_columns(at=pl.int_ranges("row", until)).explode("at")
    later = series.select(pl.col("high", "low", "close").gather(spread["at"]))
    return spread.with_columns(
        (pl.col("at") - pl.col("row")).cast(pl.Int32).alias("step"), *later.get_columns()
    ).drop("symbol", "session", "row", "stretch", "last", "at")


def stretch_of(bars: pl.DataFrame) -> pl.Expr:
    """The column `stretch` of bars; one stretch where they have none."""
    return pl.col("stretch") if "stretch" in bars.columns else pl.lit(0).alias("stretch")


def wilson(successes: str, count: str) -> list[pl.Expr]:
    """rate_pct, low_pct and high_pct: the rate with its 95 % Wilson interval, in percent."""
    k, n = pl.col(successes).cast(pl.Float64), pl.col(count).cast(pl.Float64)
    n = pl.when(n > 0).then(n)
    p, z2 = k / n, Z95 * Z95
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = (p * (1 - p) / n + z2 / (4 * n * n)).sqrt() * Z95 / (1 + z2 / n)
    return [
        (p * 100).alias("rate_pct"),
        (pl.min_horizontal((middle - half).clip(0, 1), p) * 100).alias("low_pct"),
        (pl.max_horizontal((middle + half).clip(0, 1), p) * 100).alias("high_pct"),
    ]


def with_groups(outcome: pl.DataFrame) -> pl.DataFrame:
    """Adds the columns to group by: size bucket, direction, weekday."""
    up = own_move(outcome) > 0
    return outcome.with_columns(
        size=_size(own_move(outcome)),
        direction=pl.when(up).then(pl.lit("up")).otherwise(pl.lit("down")),
        weekday=pl.col("session")
        .dt.weekday()
        .replace_strict(
            {
                1: "Monday",
                2: "Tuesday",
                3: "Wednesday",
                4: "Thursday",
                5: "Friday",
                6: "Saturday",
                7: "Sunday",
            },
            return_dtype=pl.Enum(
                ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
            ),
        ),
    )


def own_move(rows: pl.DataFrame) -> pl.Expr:
    """The gap without the day's distributions, where the rows tell of any."""
    told = [name for name in ("gap_ex_div_pct", "gap_pct") if name in rows.columns]
    return pl.coalesce(*told)


def _size(move: pl.Expr) -> pl.Expr:
    """The bucket of the size of a move, its lower edge included."""
    size = move.abs()
    places = pl.Enum(SIZES)
    bucket = pl.lit(SIZES[0], dtype=places)
    for edge, label in zip(SIZE_EDGES, SIZES[1:], strict=True):
        bucket = pl.when(size >= edge).then(pl.lit(label, dtype=places)).otherwise(bucket)
    return bucket


MEASURES = {
    "fill in the session": ("filled_same", 0),
    "fill within 5 sessions": ("fill5", 5),
    "fill within 20 sessions": ("fill20", 20),
    "half fill in the session": ("half_same", 0),
    "close beyond the open": ("continued", 0),
}


def rates(outcome: pl.DataFrame, by: Sequence[str], measure: str) -> pl.DataFrame:
    """Per group: n, k, rate_pct, low_pct, high_pct, enough (n >= 30).

    Only gaps whose horizon has passed count, so that late gaps do not lower the rate.
    """
    name, horizon = MEASURES[measure]
    to_fill = pl.col("sessions_to_fill")
    events = {
        "filled_same": to_fill == 0,
        "fill5": to_fill <= 5,
        "fill20": to_fill <= 20,
        "half_same": pl.col("sessions_to_half") == 0,
        "continued": pl.col("close_pct") > 0,
    }
    rows = outcome.filter(pl.col("sessions_seen") >= horizon)
    rows = rows.with_columns(event=events[name].fill_null(value=False))
    grouped = (
        rows.group_by(list(by)) if by else rows.with_columns(all=pl.lit("all")).group_by("all")
    )
    table = grouped.agg(
        n=pl.len(),
        k=pl.col("event").sum(),
        median_sessions=to_fill.median(),
        excursion_pct=pl.col("excursion_pct").median(),
    )
    return table.with_columns(*wilson("k", "n"), enough=pl.col("n") >= LEAST_N).sort(
        list(by) or "all"
    )
