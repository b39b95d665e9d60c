"""Rules about shares, earnings per share, signs and sizes inside one filing."""

from __future__ import annotations

import polars as pl

from core.domain.quality.book import Book
from core.domain.quality.outcome import Outcome, number, outcome, words

FACTOR = 100.0
MILLION = 1e6


def earnings(book: Book) -> Outcome:
    """Q24: basic EPS times basic shares is about one of the incomes it may rest on."""
    incomes = ["IncomeToCommon", "NetIncome", "IncomeContinuing", "ProfitLoss"]
    product = pl.col("EpsBasic") * pl.col("SharesBasic")
    room = pl.col("SharesBasic").abs() * 0.005 + pl.col("unit") * 2
    gaps = [(pl.col(n) - product).abs() - room - pl.col(n).abs() * 0.01 for n in incomes]
    wide = book.spans.with_columns(product=product, gap=pl.min_horizontal(gaps), room=room)
    wide = wide.filter(pl.col("gap").is_not_null(), pl.col("SharesBasic") > 0)
    failed = wide.filter(pl.col("gap") > 0).with_columns(
        income=pl.coalesce(incomes[:2] + incomes[3:] + incomes[2:3])
    )
    failed = failed.with_columns(
        expected="product", actual="income", tolerance=room + pl.col("income").abs() * 0.01,
        message=pl.concat_str(
            pl.lit("Basic earnings per share of "), number(pl.col("EpsBasic")), pl.lit(" times "),
            number(pl.col("SharesBasic")), pl.lit(" shares is "), number(pl.col("product")),
            pl.lit(", but the income is "), number(pl.col("income")), pl.lit("."),
        ),
        items=pl.lit(["EpsBasic", "SharesBasic", "NetIncome"]),
    )  # fmt: skip
    return outcome("Q24", wide, failed)


def dilution(book: Book) -> Outcome:
    """Q25: diluted shares >= basic shares, diluted EPS <= basic EPS."""
    shares = book.spans.filter(pl.all_horizontal(pl.col("SharesBasic", "SharesDiluted") > 0))
    eps = book.spans.filter(pl.col("EpsBasic").is_not_null() & pl.col("EpsDiluted").is_not_null())
    fewer = shares.filter(pl.col("SharesDiluted") < pl.col("SharesBasic") * 0.999)
    more = eps.filter(pl.col("EpsDiluted") > pl.col("EpsBasic") + 0.0101)
    failed = [
        _pair(fewer, "SharesDiluted", "SharesBasic", "are fewer than", 0.0),
        _pair(more, "EpsDiluted", "EpsBasic", "are more than", 0.01),
    ]
    return outcome("Q25", pl.concat([shares.select("fid"), eps.select("fid")]), pl.concat(failed))


def _pair(bad: pl.DataFrame, item: str, other: str, verb: str, room: float) -> pl.DataFrame:
    text = words(item)
    return bad.select(
        "fid", "start", "end", expected=other, actual=item, tolerance=pl.lit(room),
        message=pl.concat_str(
            pl.lit(f"{text[:1].upper()}{text[1:]} of "), number(pl.col(item)),
            pl.lit(f" {verb} {words(other)} of "), number(pl.col(other)), pl.lit("."),
        ),
        items=pl.lit([item, other]),
    )  # fmt: skip


def heads(book: Book) -> Outcome:
    """Q26: the profit heading the cash flow is the net income, or differs by others' share.

    Where no noncontrolling share is reported the two may differ by a quarter at most, and never in
    sign beyond rounding; where it is, rule Q22 judges them.
    """
    reported = pl.col("ProfitLoss_by").is_null() if "ProfitLoss_by" in book.spans.columns else True
    both = book.spans.filter(
        pl.col("NetIncome").is_not_null(), pl.col("ProfitLoss").is_not_null(), reported,
        pl.col("NciIncome").is_null(),
    )  # fmt: skip
    gap = (pl.col("NetIncome") - pl.col("ProfitLoss")).abs()
    greatest = pl.max_horizontal(pl.col("NetIncome").abs(), pl.col("ProfitLoss").abs())
    room = pl.max_horizontal(greatest * 0.25, pl.col("unit") * 100)
    failed = both.filter(gap > room).with_columns(
        expected="ProfitLoss", actual="NetIncome", tolerance=room,
        message=pl.concat_str(
            pl.lit("Net income is "), number(pl.col("NetIncome")),
            pl.lit(", but the profit heading the cash flow is "), number(pl.col("ProfitLoss")),
            pl.lit(", and no noncontrolling share is reported."),
        ),
        items=pl.lit(["NetIncome", "ProfitLoss"]),
    )  # fmt: skip
    return outcome("Q26", both, failed)


def negatives(book: Book) -> Outcome:
    """Q29: items flagged positive that are below zero."""
    names = book.rules.flagged("positive")
    flagged = book.long.filter(pl.col("item").is_in(names))
    failed = flagged.filter(pl.col("value") < 0).with_columns(
        expected=pl.lit(0.0), actual="value", tolerance=pl.lit(0.0),
        message=pl.concat_str(
            pl.col("item").cast(pl.String), pl.lit(" is "), number(pl.col("value")),
            pl.lit(", but cannot be below 0."),
        ),
        rows=pl.concat_list("row"),
    )  # fmt: skip
    return outcome("Q29", flagged, failed)


def cover(book: Book) -> Outcome:
    """Q31: the cover's share count against the statements' (outstanding, else weighted)."""
    counts = _latest(book, "CoverShares", own=False).rename(
        {"value": "on_cover", "row": "cover_row"}
    )
    stated = _latest(book, "SharesOutstanding", own=True)
    for item in ("SharesBasic", "SharesDiluted"):
        other = _latest(book, item, own=True)
        stated = pl.concat([stated, other.join(stated, on="fid", how="anti")])
    both = counts.join(stated.select("fid", "value", "row"), on="fid").filter(pl.col("value") > 0)
    before = _cover_before(book, counts).join(both, on="fid", how="anti")
    flagged = (both.with_columns(lone=pl.lit(False)), before.with_columns(lone=pl.lit(True)))
    both = pl.concat(flagged)
    both = both.join(_splits(book), on="fid", how="left")
    ratio = pl.col("on_cover") / pl.col("value")
    most = FACTOR * pl.col("split").fill_null(pl.when("lone").then(10.0).otherwise(1.0))
    failed = both.filter(~ratio.is_between(1 / most, most)).with_columns(
        expected="value", actual="on_cover", tolerance=pl.col("value") * most,
        message=pl.concat_str(
            pl.lit("The cover gives "), number(pl.col("on_cover")),
            pl.lit(" shares outstanding, but the statements "), number(pl.col("value")),
            pl.lit("."),
        ),
        rows=pl.concat_list("cover_row", "row"),
    )  # fmt: skip
    return outcome("Q31", both, failed)


def _splits(book: Book) -> pl.DataFrame:
    """fid, split: the greatest split ratio (>= 1) a filing tells of: counts may mix both bases."""
    told = book.facts.filter(
        pl.col("concept").is_in(["StockholdersEquityNoteStockSplitConversionRatio1",
                                 "StockholdersEquityReverseStockSplitRatio"]),
        pl.col("value") > 0,
    )  # fmt: skip
    ratio = pl.max_horizontal(pl.col("value"), 1 / pl.col("value"))
    return told.group_by("fid").agg(split=ratio.max().clip(1.0, 1000.0))


def _cover_before(book: Book, counts: pl.DataFrame) -> pl.DataFrame:
    """The count on the cover of the company's filing before, where the statements give none."""
    who = book.filings.select("fid", "cik")
    lined = counts.join(who, on="fid").sort("cik", "fid").with_columns(
        value=pl.col("on_cover").shift(1).over("cik"), row=pl.col("cover_row").shift(1).over("cik")
    )  # fmt: skip
    return lined.filter(pl.col("value") > 0).drop("cik")


def _latest(book: Book, item: str, own: bool) -> pl.DataFrame:
    """fid, start, end, value, row: the filing's latest value of an item."""
    found = book.long.filter(pl.col("item") == item)
    if own:
        found = found.filter("own")
    found = found.sort("fid", "end", "start").unique("fid", keep="last", maintain_order=True)
    return found.select("fid", "start", "end", "value", "row")


def small(book: Book) -> Outcome:
    """Q32: an accelerated filer whose every balance is below a million."""
    filers = book.filings.filter(pl.col("filer").is_in(["large", "accelerated"])).select("fid")
    names = [
        "Assets",
        "LiabilitiesAndEquity",
        "EquityParent",
        "AssetsCurrent",
        "PropertyPlantEquipment",
    ]
    greatest = pl.max_horizontal(pl.col(names).abs())
    sheets = book.points.join(filers, on="fid", how="semi").filter(pl.col("Assets").is_not_null())
    tops = sheets.group_by("fid").agg(end=pl.col("end").max(), actual=greatest.max())
    failed = tops.filter(pl.col("actual") < MILLION).with_columns(
        expected=pl.lit(MILLION),
        message=pl.concat_str(
            pl.lit("The greatest balance is "), number(pl.col("actual")),
            pl.lit(", but a filer of this category has more than 1,000,000."),
        ),
        items=pl.lit(["Assets"]),
    )  # fmt: skip
    return outcome("Q32", tops, failed)
