"""What a report's revision risk is reckoned from, all of it known on the day that it was filed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from core.domain.filings.forms import modern_items
from core.domain.quality.revision.signs import OLDEST

KEY = ["cik", "accession"]
FEATURES = (
    "annual", "standards", "retold", "past", "past_alike", "points_lost", "grave", "loss",
    "outside_owners", "sold_parts", "first_told", "balances", "concepts", "pro_forma", "goodwill",
    "delay", "charter",
)  # fmt: skip
CHARTER, CHARTER_CHANGED = timedelta(days=100), "5.03"  # of an 8-K: charter, by-laws, fiscal year
PARTS = ("IncomeDiscontinued", "CfoDiscontinued", "CfiDiscontinued", "CffDiscontinued")
MOST_LOST = 10.0  # points
USUAL_BALANCES = 0.4  # of the amounts of a quarterly report; those of a year's end are told again
MOST_GOODWILL = 0.3  # of the assets


@dataclass(frozen=True, slots=True)
class Standard:
    """An accounting standard that makes companies tell earlier years anew.

    Grounds from the day on that it was issued; it holds for fiscal years that begin after another.
    `styles` and `policies` say whom it means: kinds of filers (none: all), and any that tells what
    insured people are owed.
    """

    name: str
    issued: date
    after: date
    styles: Sequence[str] = ()
    policies: bool = False


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

    And what words name: retold_pct, past_reports, past_changed, past_pct, amounts, balances_pct,
    goodwill_pct, days, named, alike_reports, alike_pct. `past` is null where no report is old
    enough. Parts sold count for periods before `strict_since`: fewer are discontinued now.
    """
    graded = known.scores.select(*KEY, "style", "raw_score", "critical", "major", "concepts")
    rows = known.signs.join(graded, on=KEY)
    rows = rows.join(_of_items(known.items), on=KEY, how="left", maintain_order="left")
    rows = rows.join(_charter(rows, known.filings), on=KEY, how="left", maintain_order="left")
    rows = rows.join(_past(rows, standards), on=KEY, how="left", maintain_order="left")
    of_day = pl.col("balances") / pl.col("amounts").clip(1)
    moved = pl.col("goodwill_moved").clip(0, MOST_GOODWILL).fill_null(0)
    days = (pl.col("filed") - pl.col("period")).dt.total_days()
    sold = pl.col("sold").fill_null(value=False) & (pl.col("period") < strict_since)
    return rows.select(
        *KEY, "form", "filed",
        annual=_number(pl.col("annual")),
        standards=_pending(standards),
        retold=pl.col("retold_share").sqrt(),
        past="past_level",
        past_alike="alike_level",
        points_lost=(100 - pl.col("raw_score")).clip(0, MOST_LOST).fill_null(0),
        grave=2 * _log("critical") + _log("major"),
        loss=_number(pl.col("loss")),
        outside_owners=_number(pl.col("outside")),
        sold_parts=_number(sold),
        first_told=_log("amounts"),
        balances=pl.when("annual").then(USUAL_BALANCES).otherwise(of_day),
        concepts=_log("concepts"),
        pro_forma=_log("pro_forma"),
        goodwill=moved,
        delay=(1 + days.cast(pl.Float64).clip(0)).log(),
        charter=_number(pl.col("charter")),
        amounts="amounts",
        balances_pct=100 * of_day,
        goodwill_pct=100 * moved,
        days=days,
        named="concepts",
        retold_pct=100 * pl.col("retold_share"),
        past_reports="past",
        past_changed="past_changed",
        past_pct="past_pct",
        alike_reports="alike_reports",
        alike_pct="alike_pct",
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
        & _meant(one)
        for one in standards
    ]
    return pl.sum_horizontal(pl.lit(0.0), *(_number(flag) for flag in ahead))


def _meant(one: Standard) -> pl.Expr:
    if not one.styles:
        return pl.lit(value=True)
    return pl.col("style").is_in(list(one.styles)) | ((pl.col("policies") > 0) & one.policies)


SOON = (timedelta(days=-20), timedelta(days=380))


def _past(rows: pl.DataFrame, standards: Sequence[Standard]) -> pl.DataFrame:
    """cik, accession, past_level, past_pct, alike_level, alike_reports, alike_pct.

    How much of earlier reports was changed. The levels are means of the logarithms of what was
    changed, in what is usual of such a report: of those of one to four years before, and of those
    of its kind of up to seven. A report before a new standard says little of its company, and a
    few reports little at all.
    """
    told = rows.select(*KEY, "style", "policies", day="filed", of_year="annual",
                       history=pl.col("history").list.drop_nulls())  # fmt: skip
    told = told.explode("history").drop_nulls("history").unnest("history")
    usual = pl.when("annual").then(pl.lit(USUAL_ANNUAL)).otherwise(pl.lit(USUAL_QUARTERLY))
    least = (pl.col("changed") + LEAST_TOLD).log()
    weighed = pl.when(_pending(standards) > 0).then(pl.lit(BEFORE_STANDARD)).otherwise(pl.lit(1.0))
    told = told.with_columns(least=least, above=least - (usual + LEAST_TOLD).log(), weight=weighed)
    near, alike = pl.col("day") - pl.col("filed") <= OLDEST, pl.col("annual") == pl.col("of_year")
    return told.group_by(KEY, maintain_order=True).agg(
        past_level=pl.when(near.any()).then(_level(near)),
        alike_level=pl.when(alike.any()).then(_level(alike)),
        past_pct=_typical(near),
        alike_reports=alike.sum(),
        alike_pct=_typical(alike),
    )


def _level(some: pl.Expr) -> pl.Expr:
    weight = pl.col("weight").filter(some)
    return (pl.col("above").filter(some) * weight).sum() / (weight.sum() + FEW)


def _typical(some: pl.Expr) -> pl.Expr:
    """What is changed of a report as a rule, in percent."""
    weight, least = pl.col("weight").filter(some), pl.col("least").filter(some)
    return 100 * (((least * weight).sum() / weight.sum()).exp() - LEAST_TOLD).clip(0)


USUAL_ANNUAL, USUAL_QUARTERLY = 0.037, 0.015  # shares of the amounts of a report, changed later
LEAST_TOLD = 0.005  # added to a share, so that none and next to none are alike
BEFORE_STANDARD, FEW = 0.1, 0.3  # weights, of which a report's is 1


def _of_items(items: pl.DataFrame) -> pl.DataFrame:
    """cik, accession, loss, outside (owners of a part of what it consolidates), sold (parts)."""
    own = items.filter(pl.col("own") | pl.col("item").is_in(PARTS))
    value, earned = pl.col("value"), (pl.col("item") == "NetIncome") & pl.col("own")
    return own.group_by(KEY).agg(
        loss=value.filter(earned).sort_by(pl.col("months").filter(earned)).last() < 0,
        outside=(value.filter(pl.col("item") == "MinorityInterest") > 0).any(),
        sold=(value.filter(pl.col("item").is_in(PARTS)) != 0).any(),
    )


def _charter(rows: pl.DataFrame, filings: pl.DataFrame) -> pl.DataFrame:
    """cik, accession, charter: reports within some days after an 8-K that tells of its change."""
    items = pl.col("items")
    changed = items.str.contains(CHARTER_CHANGED, literal=True) & modern_items(items).list.contains(
        pl.lit(CHARTER_CHANGED)
    )
    notices = filings.filter(pl.col("form").str.starts_with("8-K")).filter(changed)
    both = rows.select(*KEY, "filed").join(notices.select("cik", event="filed"), on="cik")
    age = pl.col("filed") - pl.col("event")
    near = both.filter(age.is_between(timedelta(0), CHARTER))
    return near.select(KEY).unique().with_columns(charter=pl.lit(value=True))
