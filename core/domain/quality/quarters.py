"""Rules about periods that hold each other: quarters in half-years, half-years in years."""

from __future__ import annotations

import polars as pl

from core.domain.quality.book import Book
from core.domain.quality.outcome import Outcome, number, outcome
from core.domain.quality.relations import selling


def adding_up(book: Book) -> Outcome:
    """Q27: last quarter + what came before = the longer period.

    The earlier part is taken from the same filing, else from the latest earlier filing that gives
    it; then a departure counts only where that filing's value was not restated since.
    """
    flows = _flows(book, "flow")
    long = flows.filter(pl.col("months").is_in([6, 9, 12]))
    last = flows.filter(pl.col("months") == 3).rename(
        {"start": "last_start", "value": "last_value", "row": "last_row"}
    )
    pairs = long.join(last.drop("months", "cik", "unit"), on=["fid", "item", "rank", "end"])
    pairs = pairs.filter(pl.col("last_start") > pl.col("start"))
    pairs = pairs.with_columns(cut=pl.col("last_start").dt.offset_by("-1d"))
    rest = _rest(flows, pairs)
    summed = pl.col("last_value") + pl.col("rest_value")
    implied = pl.col("value") - pl.col("last_value")
    fault_before = (pl.col("rest_fid") < pl.col("fid")) & _misreported(
        pl.col("rest_value") / implied
    )
    judged = rest.filter(~fault_before.fill_null(False)).with_columns(
        expected=summed,
        tolerance=pl.max_horizontal(pl.col("unit") * 6.0, pl.col("value").abs() * 0.001),
    )
    departs = (pl.col("value") - summed).abs() > pl.col("tolerance")
    judged = judged.filter(~_recast(book, judged, departs))
    failed = judged.filter(departs)
    failed = failed.with_columns(
        actual="value", rows=pl.concat_list("row", "last_row", "rest_row"),
        message=pl.concat_str(
            pl.col("item").cast(pl.String), pl.lit(" of the longer period is "),
            number(pl.col("value")), pl.lit(", but the last quarter and what came before make "),
            number(pl.col("expected")), pl.lit("."),
        ),
    )  # fmt: skip
    return outcome("Q27", judged, failed)


def _recast(book: Book, judged: pl.DataFrame, departs: pl.Expr) -> pl.Expr:
    """Departures from an earlier filing that was recast since: rule Q47 tells of those.

    A change of method moves three items or more, operations that were sold any of them, a
    reclassification one by a little; a fault moves one by an order of magnitude or through zero.
    """
    ratio = pl.col("value") / pl.col("expected")
    moved = departs & (pl.col("rest_fid") < pl.col("fid")) & ratio.is_between(0.1, 10.0)
    items = pl.when(moved).then(pl.col("item")).drop_nulls().n_unique().over("fid")
    asked = judged.filter(departs)["fid"].unique().to_numpy()
    sold = pl.col("fid").is_in(selling(book, asked).implode())
    return moved & ((items >= RECAST) | sold | ratio.is_between(1 / RECLASSED, RECLASSED))


RECAST = 3
RECLASSED = 1.05


def _misreported(ratio: pl.Expr) -> pl.Expr:
    """The earlier filing had the sign or the scale wrong: that is its fault, not this one's."""
    return ((ratio + 1).abs() < 0.02) | (ratio.abs() > 100) | (ratio.abs() < 0.01)


def _flows(book: Book, flag: str) -> pl.DataFrame:
    names = book.rules.flagged(flag)
    flows = book.long.filter(pl.col("months") > 0, pl.col("item").is_in(names))
    who = book.filings.select("fid", "cik", "unit")
    columns = ["fid", "item", "rank", "start", "end", "value", "row", "months"]
    return flows.select(columns).join(who, on="fid")


def _rest(flows: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Pairs with the part before the last quarter, from this filing or the one before it."""
    part = flows.select(
        "cik",
        "item",
        "rank",
        "start",
        cut="end",
        rest_fid="fid",
        rest_value="value",
        rest_row="row",
    )
    found = pairs.join(part, on=["cik", "item", "rank", "start", "cut"])
    found = found.filter(pl.col("rest_fid") <= pl.col("fid"))
    found = found.filter(
        (pl.col("rest_fid") == pl.col("fid")) | (pl.col("months").is_in([6, 9, 12]) & _current())
    )
    keys = ["fid", "item", "start", "end"]
    return found.sort("rest_fid").unique(keys, keep="last", maintain_order=True)


def _current() -> pl.Expr:
    """Comparatives of last year are not added up across filings: they may be restated."""
    return pl.col("end") == pl.col("end").max().over("fid")


def nested(book: Book) -> Outcome:
    """Q28: a flow of a shorter period is not larger than the longer one with the same end."""
    flows = _flows(book, "growing")
    shorter = flows.select(
        "fid", "item", "rank", "end", short="value", short_start="start", short_row="row"
    )
    pairs = flows.join(shorter, on=["fid", "item", "rank", "end"])
    pairs = pairs.filter(pl.col("short_start") > pl.col("start"), pl.col("value") >= 0)
    room = pl.max_horizontal(pl.col("unit") * 2, pl.col("value") * 0.001)
    failed = pairs.filter(pl.col("short") > pl.col("value") + room).with_columns(
        expected="value", actual="short", tolerance=room, rows=pl.concat_list("short_row", "row"),
        message=pl.concat_str(
            pl.col("item").cast(pl.String), pl.lit(" of the shorter period is "),
            number(pl.col("short")), pl.lit(", but of the longer one that holds it "),
            number(pl.col("value")), pl.lit("."),
        ),
    )  # fmt: skip
    return outcome("Q28", pairs, failed)


def fourth(book: Book) -> Outcome:
    """Q50: year less nine months, from the third quarter's report before it."""
    flows = _flows(book, "growing")
    years = flows.filter(pl.col("months") == 12)
    nine = flows.filter(pl.col("months") == 9).select(
        "cik", "item", "rank", "start", nine_fid="fid", nine="value", nine_row="row", cut="end"
    )
    pairs = years.join(nine, on=["cik", "item", "rank", "start"])
    pairs = pairs.filter(
        pl.col("nine_fid") <= pl.col("fid"), pl.col("value") > 0, pl.col("nine") > 0
    )
    newest = pl.col("end") == pl.col("end").max().over("fid")
    pairs = pairs.filter(newest).sort("nine_fid")
    pairs = pairs.unique(["fid", "item", "end"], keep="last", maintain_order=True)
    pairs = pairs.filter(pl.col("nine") < 100 * pl.col("value"))
    quarter = pl.col("value") - pl.col("nine")
    implausible = (quarter < -0.02 * pl.col("value")) | (quarter > 0.75 * pl.col("value"))
    main = pl.col("item").is_in(["Revenues", "CostOfRevenue"])
    failed = pairs.filter(implausible & main).with_columns(
        expected="nine", actual="value", rows=pl.concat_list("row", "nine_row"),
        message=pl.concat_str(
            pl.col("item").cast(pl.String), pl.lit(" of the year is "), number(pl.col("value")),
            pl.lit(" and of its first nine months "), number(pl.col("nine")),
            pl.lit(": the fourth quarter would be "), number(quarter), pl.lit("."),
        ),
    )  # fmt: skip
    return outcome("Q50", pairs.filter(main), failed)
