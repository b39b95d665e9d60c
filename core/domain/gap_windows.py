"""Windows over bars of all symbols at once: positions, last 20 sessions, Wilder's average range.

Bars stand in one frame, ordered by symbol and session. Instead of one group per symbol, a window
runs over the whole column and is struck out where it would reach into the symbol before: that is
several times cheaper than grouping and gives the same numbers. Only symbols with holes (a missing
session) are computed again, by session number.
"""

from __future__ import annotations

import polars as pl

ATR_SESSIONS = 14
VOLUME_SESSIONS = 20
LEAST_BARS = 15  # of 20 sessions: fewer make a mean volume "n/a"
_KEEP = (ATR_SESSIONS - 1) / ATR_SESSIONS
_DECAY = pl.Series([_KEEP**n for n in range(600)])  # 1e-19 at its end: nothing


def positions(bars: pl.DataFrame, sessions: pl.Series) -> pl.DataFrame:
    """Columns row, start (row of the symbol's first bar) and number (of the session).

    `sessions` are the days of the exchange in order; a bar on another day has number null.
    """
    row = pl.int_range(pl.len(), dtype=pl.UInt32)
    begins = (pl.col("symbol") != pl.col("symbol").shift(1)).fill_null(value=True)
    return bars.select(
        row=row,
        start=pl.when(begins).then(row).forward_fill(),
        number=session_numbers(bars["session"], sessions),
    )


def session_numbers(days: pl.Series, sessions: pl.Series) -> pl.Series:
    """The place of each day among the sessions, from a table with one entry a calendar day."""
    if days.is_empty() or sessions.is_empty():
        return pl.Series("number", [None] * len(days), dtype=pl.Int32)
    epoch = sessions.cast(pl.Int32)
    first, last = int(epoch[0]), int(epoch[-1])
    table = pl.repeat(None, last - first + 2, dtype=pl.Int32, eager=True).scatter(
        epoch - first, pl.int_range(len(sessions), dtype=pl.Int32, eager=True)
    )
    place = days.cast(pl.Int32) - first
    inside = (place >= 0) & (place <= last - first)
    place = place.zip_with(inside, pl.Series([last - first + 1], dtype=pl.Int32))
    return table.gather(place).alias("number")


def before(name: str, count: int = 1) -> pl.Expr:
    """The value `count` bars earlier of the same symbol, else null."""
    return pl.when(pl.col("row") >= pl.col("start") + count).then(pl.col(name).shift(count))


def last_sessions(work: pl.DataFrame) -> pl.DataFrame:
    """Over the 20 sessions before each bar: mean_volume, high20, low20 (null where too few).

    `work` has volume, high, low (null in unsound bars) and the columns of `positions`.
    """
    whole = (pl.col("row") >= pl.col("start") + VOLUME_SESSIONS) & (
        pl.col("number") - pl.col("number").shift(VOLUME_SESSIONS) == VOLUME_SESSIONS
    )
    mean = pl.col("volume").rolling_mean(VOLUME_SESSIONS, min_samples=LEAST_BARS).shift(1)
    table = work.select(
        whole=whole.fill_null(value=False),
        mean_volume=mean,
        high20=_extreme(work["high"], highest=True),
        low20=_extreme(work["low"], highest=False),
    )
    names = ("mean_volume", "high20", "low20")
    return _with_holes(
        work, table["whole"], table.select(pl.when("whole").then(name) for name in names)
    )


def _extreme(values: pl.Series, *, highest: bool) -> pl.Series:
    """Highest (lowest) of the 20 rows before each row, by doubling: 1, 2, 4, 8, 16, then 20.

    Five passes instead of a moving heap: half the time of rolling_max.
    """
    worst = float("-inf") if highest else float("inf")
    best = values.fill_null(worst)
    for step in (1, 2, 4, 8, VOLUME_SESSIONS - 16):
        other = best.shift(step, fill_value=worst)
        best = best.zip_with(best >= other if highest else best <= other, other)
    return best.shift(1)


def _with_holes(work: pl.DataFrame, whole: pl.Series, table: pl.DataFrame) -> pl.DataFrame:
    """The table with rows whose 20 sessions have holes computed again by session number."""
    rest = work.select("row", "start", "number").filter(~whole)
    known = "first_number" if "first_number" in work.columns else "number"
    first = work[known].gather(rest["start"])
    odd = rest.filter((rest["number"] - first >= VOLUME_SESSIONS).fill_null(value=False))
    if known == "first_number":  # from kept averages: only the last session is asked for
        odd = odd.filter(pl.col("number") == work["number"].max())
    if odd.is_empty():
        return table
    again = work.filter(
        pl.col("start").is_in(odd["start"].unique().implode()) & pl.col("number").is_not_null()
    )
    span = {"by": "number", "window_size": f"{VOLUME_SESSIONS}i", "closed": "left"}
    fixed = again.select(
        "row",
        mean_volume=_by(pl.col("volume").rolling_mean_by(**span, min_samples=LEAST_BARS)),  # type: ignore[arg-type]
        high20=_by(pl.col("high").rolling_max_by(**span)),  # type: ignore[arg-type]
        low20=_by(pl.col("low").rolling_min_by(**span)),  # type: ignore[arg-type]
    ).join(odd.select("row"), on="row")
    return table.select(table[name].scatter(fixed["row"], fixed[name]) for name in table.columns)


def _by(window: pl.Expr) -> pl.Expr:
    return window.over("start")


def true_range(base: str) -> pl.Expr:
    """Wilder's true range from high, low and the column of the last close before."""
    top = pl.when(pl.col("high") >= pl.col(base)).then("high").otherwise(base)
    bottom = pl.when(pl.col("low") <= pl.col(base)).then("low").otherwise(base)
    return pl.when(pl.col("high").is_not_null() & pl.col(base).is_not_null()).then(top - bottom)


def wilder(work: pl.DataFrame, carried: pl.DataFrame | None = None) -> pl.Series:
    """Wilder's ATR14 up to and including each bar; null before its 14th true range.

    `work` has true_range, row and start. The first value is the mean of 14 ranges, then
    a' = a x 13/14 + range / 14, as TA-Lib has it; a bar without a range leaves it as it was.
    `carried` (start, atr) continues from a value before the symbol's first bar here.

    One recursion runs over all symbols; being linear, it is set right for each symbol by adding
    (true value − value there) x (13/14)^n from the symbol's first known value, the anchor, on.
    """
    smooth = pl.col("true_range").ewm_mean(alpha=1 / ATR_SESSIONS, adjust=False, ignore_nulls=True)
    if work["true_range"].null_count() > work["start"].n_unique():
        smooth = smooth.forward_fill()
    table = work.select("row", "start", "true_range", _ranges_seen(work), smooth=smooth)
    since = _since(table, carried)
    anchors = _anchors(table, carried)
    delta = pl.repeat(None, table.height, dtype=pl.Float64, eager=True)
    delta = delta.scatter(anchors["row"], anchors["delta"]).forward_fill()
    after = table["k"] - since
    decay = _DECAY.gather(after.clip(0, len(_DECAY) - 1))
    return table.select(pl.when(after >= 0).then(pl.col("smooth") + delta * decay).alias("atr"))[
        "atr"
    ]


def _ranges_seen(work: pl.DataFrame) -> pl.Series:
    """k: how many true ranges the symbol has had up to and including each bar.

    Counted from the rows without one, which are few: k = place in the symbol − nulls so far.
    """
    begins = pl.col("row") == pl.col("start")
    none = pl.col("true_range").is_null()
    few = work.select("row", "start", begins=begins, none=none).filter(
        pl.col("begins") | pl.col("none")
    )
    few = few.with_columns(nulls=pl.col("none").cum_sum().over("start").cast(pl.Int32))
    nulls = pl.repeat(None, work.height, dtype=pl.Int32, eager=True)
    nulls = nulls.scatter(few["row"], few["nulls"]).forward_fill()
    place = (pl.col("row") - pl.col("start")).cast(pl.Int32) + 1
    return work.select(k=place - nulls)["k"]


def _since(table: pl.DataFrame, carried: pl.DataFrame | None) -> pl.Series | int:
    """How many ranges a symbol needs before its average is known: 14, or 1 where it is carried."""
    if carried is None or carried.is_empty():
        return ATR_SESSIONS
    warm = pl.col("start").is_in(carried["start"].implode())
    return table.select(pl.when(warm).then(1).otherwise(ATR_SESSIONS).alias("since"))["since"]


def _anchors(table: pl.DataFrame, carried: pl.DataFrame | None) -> pl.DataFrame:
    """row, delta: where each symbol's average is first known, and how far off it is there."""
    early = table.filter(
        (pl.col("k") <= ATR_SESSIONS) & (pl.col("k") > 0) & pl.col("true_range").is_not_null()
    )
    cold = (
        early.group_by("start", maintain_order=True)
        .agg(pl.last("row", "smooth", "k"), value=pl.mean("true_range"))
        .filter(pl.col("k") == ATR_SESSIONS)
    )
    if carried is None or carried.is_empty():
        return _delta(cold)
    warm = early.filter(pl.col("k") == 1).join(carried, on="start")
    warm = warm.with_columns(value=pl.col("atr") * _KEEP + pl.col("true_range") / ATR_SESSIONS)
    names = ("row", "smooth", "value")
    cold = cold.join(carried, on="start", how="anti")
    return _delta(pl.concat([cold.select(names), warm.select(names)]))


def _delta(anchors: pl.DataFrame) -> pl.DataFrame:
    return anchors.select("row", delta=pl.col("value") - pl.col("smooth"))
