"""What a report's revision risk is reckoned from, all of it known on the day that it was filed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from core.domain.filings.forms import modern_items

KEY = ["cik", "accession"]
FEATURES = (
    "annual", "standards", "retold", "past", "points_lost", "grave", "loss", "outside_owners",
    "trouble", "sold_parts", "first_told", "pro_forma",
)  # fmt: skip
TROUBLE = timedelta(days=730)
NOT_RELIABLE = "4.02"
PARTS = ("IncomeDiscontinued", "CfoDiscontinued", "CfiDiscontinued", "CffDiscontinued")
MOST_LOST = 10.0  # points


@dataclass(frozen=True, slots=True)
class Standard:
    """An accounting standard that makes companies tell earlier years anew.

    Grounds from the day on that it was issued; it holds for fiscal years that begin after another.
    """

    name: str
    issued: date
    after: date
    styles: Sequence[str] = ()  # kinds of filers that it means; empty: all


@dataclass(frozen=True, slots=True)
class Grounds:
    """What features rest on: frames of the same companies.

    signs: columns of SIGNS. scores and items: those of `Graded`. filings: FILINGS.
    """

    signs: pl.DataFrame
    scores: pl.DataFrame
    items: pl.DataFrame
    filings: pl.DataFrame


def features(known: Grounds, standards: Sequence[Standard], strict_since: date) -> pl.DataFrame:
    """cik, accession, form, filed and FEATURES of the reports that have both signs and a score.

    And what words name: retold_pct, past_reports, past_changed, amounts. `past` is null where no
    report is old enough. Parts sold count for periods before `strict_since`: fewer are discontinued
    now.
    """
    graded = known.scores.select(*KEY, "style", "raw_score", "critical", "major")
    rows = known.signs.join(graded, on=KEY)
    rows = rows.join(_of_items(known.items), on=KEY, how="left", maintain_order="left")
    rows = rows.join(_trouble(rows, known.filings), on=KEY, how="left", maintain_order="left")
    sold = pl.col("sold").fill_null(value=False) & (pl.col("period") < strict_since)
    return rows.select(
        *KEY, "form", "filed",
        annual=_number(pl.col("annual")),
        standards=_pending(standards),
        retold=pl.col("retold_share").sqrt(),
        past=pl.when(pl.col("past") > 0).then(pl.col("past_changed") / pl.col("past")),
        points_lost=(100 - pl.col("raw_score")).clip(0, MOST_LOST).fill_null(0),
        grave=2 * _log("critical") + _log("major"),
        loss=_number(pl.col("loss")),
        outside_owners=_number(pl.col("outside")),
        trouble=_number(pl.col("trouble")),
        sold_parts=_number(sold),
        first_told=_log("amounts"),
        pro_forma=_log("pro_forma"),
        amounts="amounts",
        retold_pct=100 * pl.col("retold_share"),
        past_reports="past",
        past_changed="past_changed",
    )  # fmt: skip


def _number(flag: pl.Expr) -> pl.Expr:
    return flag.fill_null(value=False).cast(pl.Float64)


def _log(count: str) -> pl.Expr:
    return (1 + pl.col(count).fill_null(0)).log()


def _pending(standards: Sequence[Standard]) -> pl.Expr:
    """How many standards take effect within a year after the period, of those issued by then."""
    ahead = [
        (pl.col("filed") >= one.issued)
        & (pl.lit(one.after) - pl.col("period")).is_between(*SOON)
        & (pl.col("style").is_in(list(one.styles)) if one.styles else pl.lit(value=True))
        for one in standards
    ]
    return pl.sum_horizontal(pl.lit(0.0), *(_number(flag) for flag in ahead))


SOON = (timedelta(days=-20), timedelta(days=380))


def _of_items(items: pl.DataFrame) -> pl.DataFrame:
    """cik, accession, loss, outside (owners of a part of what it consolidates), sold (parts)."""
    own = items.filter(pl.col("own") | pl.col("item").is_in(PARTS))
    value, earned = pl.col("value"), (pl.col("item") == "NetIncome") & pl.col("own")
    return own.group_by(KEY).agg(
        loss=value.filter(earned).sort_by(pl.col("months").filter(earned)).last() < 0,
        outside=(value.filter(pl.col("item") == "MinorityInterest") > 0).any(),
        sold=(value.filter(pl.col("item").is_in(PARTS)) != 0).any(),
    )


def _trouble(rows: pl.DataFrame, filings: pl.DataFrame) -> pl.DataFrame:
    """cik, accession, trouble: a late notice, an amendment or a withdrawal of two years before."""
    form = pl.col("form")
    notice = form.str.starts_with("8-K") & modern_items(pl.col("items")).list.contains(
        pl.lit(NOT_RELIABLE)
    )
    kinds = form.is_in(["NT 10-K", "NT 10-Q", "10-K/A", "10-Q/A"]) | notice
    events = filings.filter(kinds).select("cik", event="filed")
    both = rows.select(*KEY, "filed").join(events, on="cik")
    near = both.filter(
        pl.col("event") < pl.col("filed"), pl.col("filed") - pl.col("event") <= TROUBLE
    )
    return near.select(KEY).unique().with_columns(trouble=pl.lit(value=True))
