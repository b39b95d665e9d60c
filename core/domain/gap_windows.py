"""Windows over bars of all symbols at once: positions, last 20 sessions, Wilder's average range.

Bars stand in one frame, ordered by symbol and session. Instead of one group per symbol, a window
runs over the whole column and is struck out where it would reach into the symbol before: that is
several times cheaper than grouping and gives the same numbers. Only symbols with holes (a missing
session) are computed again, by session number.
"""

from __future__ import annotations

import polars as pl

from core.domain import bars as bar_rules

ATR_SESSIONS = 14
VOLUME_SESSIONS = 20
LEAST_BARS = 15  # of 20 sessions: fewer make a mean volume "n/a"
KEEP = (ATR_SESSIONS - 1) / ATR_SESSIONS
_DECAY = pl.Series([KEEP**n for n in range(600)])  # 1e-19 at its end: nothing


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
    whole = pl.col("whole")
    known = whole & (pl.col("high20") > 0)  # else no bar of them is sound
    table = table.select(
        "whole",
        mean_volume=pl.when(whole).then("mean_volume"),
        high20=pl.when(known).then("high20"),
        low20=pl.when(known).then("low20"),
    )
    return _with_holes(work, table["whole"], table.drop("whole"))


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
    first = work["number"].gather(rest["start"])
    odd = rest.filter((rest["number"] - first >= VOLUME_SESSIONS).fill_null(value=False))
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


def one_basis(bars: pl.DataFrame, factor: pl.Series, *, split: bool) -> pl.DataFrame:
    """Prices on today's share basis; high, low, close and volume only of sound bars."""
    sound = pl.col("sound")
    ratio = factor if split else None

    def price(name: str) -> pl.Expr:
        return pl.col(name) if ratio is None else pl.col(name) / ratio

    volume = pl.col("volume").cast(pl.Float64)
    volume = volume if ratio is None else volume * ratio
    marked = bars.with_columns(sound=bar_rules.is_sound())
    return marked.select(
        "sound",
        factor.alias("split_factor"),
        open=price("open"),
        any_close=price("close"),
        any_high=price("high"),
        any_low=price("low"),
        high=pl.when(sound).then(price("high")),
        low=pl.when(sound).then(price("low")),
        close=pl.when(sound).then(price("close")),
        volume=pl.when(sound).then(volume),
    )


def with_bases(work: pl.DataFrame) -> pl.DataFrame:
    """Adds the last sound close before each bar (base), the true range, and Wilder's average up to
    and including the bar (atr_after) and before it (atr).
    """
    last_row = pl.when("sound").then("row").forward_fill().shift(1)
    sound_close = pl.when(last_row >= pl.col("start")).then(pl.col("close").forward_fill().shift(1))
    work = work.with_columns(base=sound_close)
    work = work.with_columns(true_range=true_range("base"))
    work = work.with_columns(wilder(work).alias("atr_after"))
    return work.with_columns(atr=before("atr_after"))


def wilder(work: pl.DataFrame) -> pl.Series:
    """Wilder's ATR14 up to and including each bar; null before its 14th true range.

    `work` has true_range, row and start. The first value is the mean of 14 ranges, then
    a' = a x 13/14 + range / 14, as TA-Lib has it; a bar without a range leaves it as it was.

    One recursion runs over all symbols; being linear, it is set right for each symbol by adding
    (true value − value there) x (13/14)^n from the symbol's first known value, the anchor, on.
    """
    smooth = pl.col("true_range").ewm_mean(alpha=1 / ATR_SESSIONS, adjust=False, ignore_nulls=True)
    if work["true_range"].null_count() > work["start"].n_unique():
        smooth = smooth.forward_fill()
    table = work.select("row", "start", "true_range", ranges_seen(work), smooth=smooth)
    anchors = _anchors(table)
    delta = pl.repeat(None, table.height, dtype=pl.Float64, eager=True)
    delta = delta.scatter(anchors["row"], anchors["delta"]).forward_fill()
    after = table["k"] - ATR_SESSIONS
    decay = _DECAY.gather(after.clip(0, len(_DECAY) - 1))
    return table.select(pl.when(after >= 0).then(pl.col("smooth") + delta * decay).alias("atr"))[
        "atr"
    ]


def ranges_seen(work: pl.DataFrame) -> pl.Series:
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


def _anchors(table: pl.DataFrame) -> pl.DataFrame:
    """row, delta: where each symbol's average is first known, and how far off it is there."""
    early = table.filter(
        (pl.col("k") <= ATR_SESSIONS) & (pl.col("k") > 0) & pl.col("true_range").is_not_null()
    )
    cold = (
        early.group_by("start", maintain_order=True)
        .agg(pl.last("row", "smooth", "k"), value=pl.mean("true_range"))
        .filter(pl.col("k") == ATR_SESSIONS)
    )
    return cold.select("row", delta=pl.col("value") - pl.col("smooth"))
