"""Wilder's average range of all symbols at once, in one recursion over one column."""

from __future__ import annotations

import polars as pl

ATR_SESSIONS = 14
KEEP = (ATR_SESSIONS - 1) / ATR_SESSIONS
ALIKE = 1e4  # ranges of one unit: within so many times each other no digit that counts is lost
STRAY_BARS = 5  # bars on days without a session, within one window


def one_by_one(rows: pl.DataFrame) -> pl.Series:
    """`wilder` by groups: names whose units changed may differ by many orders of magnitude."""
    ranges = pl.col("true_range")
    rows = rows.with_columns(k=ranges.cum_count().over("begun"))
    first = pl.when(pl.col("k") <= ATR_SESSIONS).then(ranges).mean().over("begun")
    seed = pl.when(pl.col("k") == ATR_SESSIONS).then(first)
    rows = rows.with_columns(
        seeded=pl.when(ranges.is_not_null() & (pl.col("k") >= ATR_SESSIONS)).then(
            pl.coalesce(seed, ranges)
        )
    )
    smooth = pl.col("seeded").ewm_mean(alpha=1 / ATR_SESSIONS, adjust=False, ignore_nulls=True)
    return rows.select(atr=smooth.forward_fill().over("begun"))["atr"]


def wilder(work: pl.DataFrame) -> pl.Series:
    """Wilder's ATR14 up to and including each bar; null before its 14th true range.

    `work` has true_range, row and start. The first value is the mean of 14 ranges, then
    a' = a x 13/14 + range / 14, as TA-Lib has it; a bar without a range leaves it as it was.

    One recursion runs over all symbols. Being linear, it is set right by pushes: what a symbol's
    first known value, the anchor, lacks there, less what is left of the push before it, is added
    to the range of that bar (x 14), and the recursion runs once more. Symbols that would take
    digits from those after them are measured by themselves.
    """
    ranges = work["true_range"]
    early, anchors = _anchors(work)
    if anchors.is_empty():
        return pl.repeat(None, work.height, dtype=pl.Float64, eager=True).alias("atr")
    scale = _scales(work, anchors)
    if scale is not None:
        ranges = ranges * scale
        anchors = anchors.with_columns(pl.col("value") * scale.gather(anchors["row"]))
    wild = _wild(work, None if scale is None else ranges, anchors)
    if len(wild):
        counted = wild.filter(ranges.gather(wild).is_not_null())
        ranges = ranges.scatter(counted, 0.0)
        of_wild = pl.col("row").is_in(wild.implode())
        anchors = anchors.with_columns(value=pl.when(~of_wild).then("value").otherwise(0.0))
    smooth = _smooth(ranges)
    lacking = anchors.select(
        "row", "passed", lack=pl.col("value") - smooth.gather(anchors["row"])
    ).with_columns(left=pl.col("lack").shift(1, fill_value=0.0) * KEEP ** pl.col("passed"))
    push = (lacking["lack"] - lacking["left"]) * ATR_SESSIONS
    pushed = ranges.clone().scatter(anchors["row"], ranges.gather(anchors["row"]) + push)
    atr = _smooth(pushed)
    atr = carried(atr, work["start"]).scatter(early, None)
    atr = (atr if scale is None else atr / scale).alias("atr")
    if wild.is_empty():
        return atr
    few = work.select(pl.col("true_range", "start").gather(wild)).rename({"start": "begun"})
    return atr.scatter(wild, one_by_one(few))


def _wild(work: pl.DataFrame, ranges: pl.Series | None, anchors: pl.DataFrame) -> pl.Series:
    """The rows of symbols with an anchor of 0, or with ranges, as scaled, far from their anchor.

    What such a range leaves in the recursion is taken out of the symbol after it, whose own digits
    go with it: a billion among twos leaves seven of sixteen.
    """
    begun = anchors.filter(pl.col("value") == 0)["start"]
    if ranges is not None:
        far = ranges.to_frame("far").select(pl.arg_where(pl.col("far") > ALIKE))
        begun = pl.concat([begun, work["start"].gather(far.to_series())])
    if begun.is_empty():
        return begun.cast(pl.UInt32)
    starts = work.select(pl.arg_where(pl.col("row") == pl.col("start"))).to_series()
    begun = begun.unique().sort().cast(starts.dtype)
    after = starts.search_sorted(begun, side="right")
    ends = pl.concat([starts, pl.Series([work.height], dtype=starts.dtype)]).gather(after)
    return pl.select(pl.int_ranges(begun, ends, dtype=pl.UInt32)).to_series().explode()


def _scales(work: pl.DataFrame, anchors: pl.DataFrame) -> pl.Series | None:
    """For each row a power of two that brings its symbol's ranges near 1; None where all are alike.

    In one recursion a share for a cent would lose its last digits after one for half a million.
    """
    known = anchors.filter(pl.col("value") > 0)
    most = work["true_range"].max()
    if known.is_empty() or most <= ALIKE * known["value"].min():  # type: ignore[operator]
        return None
    scale = known.select(2.0 ** -pl.col("value").log(2).round(), "row")
    nothing = pl.repeat(None, work.height, dtype=pl.Float64, eager=True)
    here = work["start"].gather(known["row"])
    ones = work.select(row=pl.arg_where(pl.col("row") == pl.col("start")))["row"]
    return nothing.scatter(ones, 1.0).scatter(here, scale.to_series()).forward_fill()


def _smooth(ranges: pl.Series) -> pl.Series:
    return ranges.ewm_mean(alpha=1 / ATR_SESSIONS, adjust=False, ignore_nulls=True)


def carried(values: pl.Series, starts: pl.Series) -> pl.Series:
    """The values, and where one lacks the last one before it of the same symbol.

    `starts` has the row of each symbol's first bar. Only the few that lack are looked up: to fill
    forward is to walk through all rows.
    """
    lacking = values.to_frame("value").select(row=pl.arg_where(pl.col("value").is_null()))
    begins = (pl.col("row").diff() != 1).fill_null(value=True)
    last = pl.when(begins).then(pl.col("row").cast(pl.Int64) - 1).forward_fill()
    few = lacking.select("row", last=last, start=starts.gather(lacking["row"]))
    few = few.filter(pl.col("last") >= pl.col("start"))
    return values.scatter(few["row"], values.gather(few["last"]))


def _anchors(work: pl.DataFrame) -> tuple[pl.Series, pl.DataFrame]:
    """Rows before each symbol's first known average, and those firsts: row, value (the mean of 14
    ranges), passed (ranges of all symbols since the anchor before).
    """
    starts = work.select(pl.arg_where(pl.col("row") == pl.col("start")))["row"]
    spans = pl.DataFrame({"start": starts, "end": starts.shift(-1, fill_value=work.height)})
    found = _first_ranges(work, spans, ATR_SESSIONS + 1 + STRAY_BARS)
    late = found.filter(pl.col("k").max().over("start") < ATR_SESSIONS)["start"].unique()
    if len(late):  # many bars without a range, or few bars at all
        again = _first_ranges(work, spans.filter(pl.col("start").is_in(late.implode())), None)
        found = pl.concat([found.filter(~pl.col("start").is_in(late.implode())), again])
    reached = pl.col("k") >= ATR_SESSIONS
    anchors = (
        found.filter((pl.col("k") <= ATR_SESSIONS) & pl.col("true_range").is_not_null())
        .group_by("start")
        .agg(pl.last("k"), pl.col("at").last().alias("row"), value=pl.mean("true_range"))
        .filter(pl.col("k") == ATR_SESSIONS)
        .sort("row")
    )
    without = work.select(pl.arg_where(pl.col("true_range").is_null()))["true_range"]
    seen = anchors["row"].cast(pl.Int64) - without.search_sorted(anchors["row"]).cast(pl.Int64)
    passed = seen.diff().fill_null(0)
    return found.filter(~reached)["at"], anchors.with_columns(passed.alias("passed"))


def _first_ranges(work: pl.DataFrame, spans: pl.DataFrame, most: int | None) -> pl.DataFrame:
    """The first rows (at) of some symbols with their true range and k, the ranges up to there."""
    end = pl.col("end") if most is None else pl.min_horizontal("end", pl.col("start") + most)
    spread = spans.select("start", at=pl.int_ranges("start", end)).explode("at")
    spread = spread.with_columns(work["true_range"].gather(spread["at"]))
    return spread.with_columns(
        k=pl.col("true_range").is_not_null().cum_sum().over("start").cast(pl.Int32)
    )
