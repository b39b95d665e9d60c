"""Windows over bars of all symbols at once: positions, last 20 sessions, Wilder's average range.

Bars stand in one frame, ordered by symbol and session. Instead of one group per symbol, a window
runs over the whole column and is struck out where it would reach into the symbol before: that is
several times cheaper than grouping and gives the same numbers. Only symbols with holes (a missing
session) are computed again, by session number.
"""

from __future__ import annotations

import polars as pl

from core.domain.gaps import bars as bar_rules
from core.domain.gaps import breaks as gap_breaks
from core.domain.gaps.wilder import STRAY_BARS, carried, one_by_one, wilder

VOLUME_SESSIONS = 20
LEAST_RANGES = 10  # of 20 sessions: fewer make a usual range unknown
WORST = {"high": float("-inf"), "low": float("inf")}  # of a row that has no sound bar
LEAST_BARS = 15  # of 20 sessions: fewer make a mean volume "n/a"


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


def last_sessions(work: pl.DataFrame, rows: pl.Series | None = None) -> pl.DataFrame:
    """Over the 20 sessions before each bar, or before those of some rows: mean_volume, high20,
    low20 (null where too few).

    `work` has volume, high, low (null in unsound bars) and the columns of `positions`.
    """
    before_those = pl.col("number").shift(VOLUME_SESSIONS)
    whole = (pl.col("row") >= pl.col("start") + VOLUME_SESSIONS) & (
        pl.col("number") - before_those == VOLUME_SESSIONS
    )
    mean = pl.col("volume").rolling_mean(VOLUME_SESSIONS, min_samples=LEAST_BARS).shift(1)
    asked = (
        *(pl.col(name) for name in ("row", "start", "number")),
        whole.fill_null(value=False).alias("whole"),
        mean.alias("mean_volume"),
    )
    keys = work.select(asked if rows is None else [column.gather(rows) for column in asked])
    keys = keys.with_columns(_extremes(work, rows))
    whole = pl.col("whole")
    known = whole & (pl.col("high20") > 0)  # else no bar of them is sound
    table = keys.select(
        mean_volume=pl.when(whole).then("mean_volume"),
        high20=pl.when(known).then("high20"),
        low20=pl.when(known).then("low20"),
    )
    return _with_holes(work, keys, table)


def _extremes(work: pl.DataFrame, rows: pl.Series | None) -> list[pl.Series]:
    """high20 and low20: the extremes of the 20 rows before each row (or those of `rows`), by
    doubling: 1, 2, 4, 8, 16, then 20.

    Five passes instead of a moving heap: half the time of rolling_max. For some rows two passes,
    then five looks at every fourth row: moving the column is cheaper than reckoning places.
    """
    best = work.select(
        pl.col(name).fill_null(worst).alias(f"{name}20") for name, worst in WORST.items()
    )
    for step in (1, 2) if rows is not None else (1, 2, 4, 8, VOLUME_SESSIONS - 16):
        best = best.select(_better(name, step) for name in WORST)
    if rows is None:
        return best.select(pl.all().shift(1)).get_columns()
    return [_best_look(best, name, rows) for name in WORST]


def _better(name: str, step: int) -> pl.Expr:
    """The better of the extremes of a row and of some rows before it."""
    one = pl.col(f"{name}20")
    other = one.shift(step, fill_value=WORST[name])
    return pl.when(one >= other if name == "high" else one <= other).then(one).otherwise(other)


def _best_look(best: pl.DataFrame, name: str, rows: pl.Series) -> pl.Series:
    """The extreme of 20 rows before some rows, from the extremes of every four rows."""
    column = pl.col(f"{name}20")
    looks = best.select(
        column.shift(back, fill_value=WORST[name]).gather(rows).alias(str(back))
        for back in range(1, VOLUME_SESSIONS, 4)
    ).get_columns()
    found = looks[0]
    for other in looks[1:]:
        found = found.zip_with(found >= other if name == "high" else found <= other, other)
    return found.alias(f"{name}20")


def _with_holes(work: pl.DataFrame, keys: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """The table with rows whose 20 sessions have holes computed again by session number."""
    rest = keys.select("row", "start", "number", "whole").with_row_index("place")
    rest = rest.filter(~pl.col("whole"))
    first = work["number"].gather(rest["start"])
    odd = rest.filter((rest["number"] - first >= VOLUME_SESSIONS).fill_null(value=False))
    if odd.is_empty():
        return table
    fixed = _by_number(work, odd.select("row", "start", "number"))
    return table.select(table[name].scatter(odd["place"], fixed[name]) for name in table.columns)


def _by_number(work: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The windows of a few rows (row, start, number) from the bars that have those sessions."""
    spread = rows_before(rows, VOLUME_SESSIONS)
    past = spread.hstack(work.select("volume", "high", "low", number0="number")[spread["at"]])
    age = pl.col("number") - pl.col("number0")
    past = past.filter(age.is_between(1, VOLUME_SESSIONS))
    found = past.group_by("row").agg(
        mean_volume=pl.when(pl.col("volume").count() >= LEAST_BARS).then(pl.col("volume").mean()),
        high20=pl.col("high").max(),
        low20=pl.col("low").min(),
    )
    return rows.select("row").join(found, on="row", how="left", maintain_order="left")


def rows_before(rows: pl.DataFrame, count: int) -> pl.DataFrame:
    """Some rows (row, start) with the rows before them (at) that can hold their last sessions.

    A symbol has at most one bar a session; a few more rows for bars on days without a session.
    """
    first = pl.col("row").cast(pl.Int64) - (count + STRAY_BARS)
    first = pl.max_horizontal(first, pl.col("start").cast(pl.Int64))
    return rows.with_columns(at=pl.int_ranges(first, pl.col("row").cast(pl.Int64))).explode("at")


def usual_ranges(work: pl.DataFrame, rows: pl.Series) -> pl.Series:
    """For some rows: the mean of high less low over close in the 20 sessions before; null for few.

    A ratio, so that no share basis matters. Rounded, so that the order of sums does not show.
    """
    asked = work.select(pl.col("row", "start", "number").gather(rows))
    spread = rows_before(asked, VOLUME_SESSIONS)
    span = (pl.col("high") - pl.col("low")) / pl.col("close")
    at = spread["at"]
    past = work.select(
        pl.col("high", "low", "close").gather(at), number0=pl.col("number").gather(at)
    )
    past = spread.select("row", "number").hstack(past.select("number0", span=span))
    age = pl.col("number") - pl.col("number0")
    past = past.filter(age.is_between(1, VOLUME_SESSIONS))
    found = past.group_by("row").agg(usual_range=usual_range("span"))
    return asked.join(found, on="row", how="left", maintain_order="left")["usual_range"]


def usual_range(name: str) -> pl.Expr:
    """The mean of relative day ranges, where there are enough."""
    known = pl.col(name).count() >= LEAST_RANGES
    return pl.when(known).then(pl.col(name).mean().round(9))


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


def with_bases(
    work: pl.DataFrame, bars: pl.DataFrame, breaks: pl.DataFrame | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Adds the last sound close before each bar (base), the true range, and Wilder's average up to
    and including the bar (atr_after) and before it (atr); begun is the row where the average began,
    ranges how many true ranges stand before the bar (null in names with a move that no volume can
    judge: their averages are set right here already). Beside it the moves that no average is
    carried across: row, start and ratio (null: begins anew).

    `breaks` (symbol, session) are moves judged unreal: their range is left out, and the ranges
    before them come out in the units of the last bar, the averages in those of their own.
    """
    closes = carried(work["close"], work["start"]).shift(1)
    work = work.with_columns(
        base=pl.when(pl.col("row") > pl.col("start")).then(pl.lit(closes)), begun="start"
    )
    work = work.with_columns(true_range=true_range("base"))
    found = _break_rows(work, bars, breaks)
    if found.is_empty():
        seen = pl.col("true_range").cum_count().shift(1)
        work = work.with_columns(wilder(work).alias("atr_after"), ranges=seen)
    else:
        work = _across_breaks(work, found)
    return work.with_columns(atr=before("atr_after")), found


def _break_rows(
    work: pl.DataFrame, bars: pl.DataFrame, breaks: pl.DataFrame | None
) -> pl.DataFrame:
    """row, start and ratio (null: begins anew) of the moves that no average is carried across."""
    # what a volume can judge follows a sound bar of the session before: the few others come first
    follows = (pl.col("number").diff() == 1) & pl.col("sound").shift(1)
    odd = ~follows.fill_null(value=False) & pl.col("true_range").is_not_null()
    places = work.select(row=pl.arg_where(odd))["row"]
    rows = work.select(pl.col("row", "open", "base").gather(places)).filter(gap_breaks.far())
    if rows.is_empty() and breaks is None:
        return rows.select("row", start="row", ratio="open")
    day = bars["session"]
    apart = (day.gather(rows["row"]) - day.gather(rows["row"] - 1)).dt.total_days()
    rows = rows.select("row", (apart > gap_breaks.NEW_OWNER_DAYS).alias("anew"))
    if breaks is not None and not breaks.is_empty():
        keys = bars.select("symbol", "session").with_row_index("row")
        told = keys.join(breaks, on=["symbol", "session"]).select("row", anew=pl.lit(value=False))
        rows = pl.concat([rows, told]).unique("row", keep="first").sort("row")
    few = work.select(pl.col("open", "close", "base", "start").gather(rows["row"])).hstack(rows)
    ratio = pl.when(~pl.col("anew")).then(gap_breaks.ratio())
    return few.select("row", "start", ratio=ratio)


def _across_breaks(work: pl.DataFrame, breaks: pl.DataFrame) -> pl.DataFrame:
    """The work with begun, true_range and atr_after as the breaks leave them."""
    nothing = pl.repeat(None, work.height, dtype=work.schema["start"], eager=True)
    anew = breaks.filter(pl.col("ratio").is_null())["row"]
    begun = nothing.scatter(anew, anew).forward_fill().fill_null(0)
    scale = gap_breaks.on_basis_after(work, breaks)
    work = work.with_columns(
        begun=pl.max_horizontal("start", begun),
        true_range=work["true_range"].scatter(breaks["row"], None) * scale,
    )
    hit = pl.col("start").is_in(breaks["start"].unique().implode())
    few = work.select("row", "start", "begun", "true_range").filter(hit)
    whole = few.height == work.height
    others = work["base"] if whole else wilder(work)  # every row of it is replaced, if whole
    after = others.scatter(few["row"], one_by_one(few) / scale.gather(few["row"]))
    seen = work["true_range"].is_not_null().cum_sum().shift(1)
    return work.with_columns(after.alias("atr_after"), ranges=pl.when(~hit).then(pl.lit(seen)))
