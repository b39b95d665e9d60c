"""What retellings said on a report's day of how its company's figures hold: signs of its risk."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from core.domain.quality.facts.concepts import MONEY
from core.domain.quality.facts.packing import as_index
from core.domain.quality.status.reports import KEY, LEAST_FIGURES, Stated
from core.domain.quality.status.restated import LEAST_AMOUNTS, MANY
from core.domain.quality.status.retold import Retold

HISTORY = {"filed": pl.Date, "period": pl.Date, "annual": pl.Boolean, "changed": pl.Float64}
SIGNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "cik": pl.Int64, "accession": pl.String, "form": pl.String, "annual": pl.Boolean,
    "filed": pl.Date, "period": pl.Date, "retold_share": pl.Float64, "past": pl.Int64,
    "past_changed": pl.Int64, "amounts": pl.Int64, "pro_forma": pl.Int64, "policies": pl.Int64,
    "balances": pl.Int64, "goodwill_moved": pl.Float64, "history": pl.List(pl.Struct(HISTORY)),
}  # fmt: skip
# A report is retold a year later, so that what is younger says little, and older little of now.
YOUNGEST, OLDEST = timedelta(days=330), timedelta(days=1500)
OLDEST_ALIKE = timedelta(days=2600)  # annual for annual reports, quarterly for quarterly ones
LEAST_REPEATED = 10  # figures, for a share of them to say anything


def signs(reports: pl.DataFrame, told: Retold, stated: Stated) -> pl.DataFrame:
    """Columns of SIGNS: one row a periodic report with figures, of what was filed by its day.

    retold_share: of the figures that it repeats, those that it tells otherwise than they were told
    first. past: reports of its company of one to four years before; past_changed: those of them of
    whose amounts a twentieth stood changed by its day, by filings up to it. amounts: how many
    it is the first to tell; balances: those of them that are of a day. pro_forma: how many of its
    facts tell of a year as if something had been bought before; policies: how many of what insured
    people are owed. goodwill_moved: by how much goodwill is away from that of a year before, in
    assets; null where either is not told. history: of each of its `past` reports, and of those of
    its kind of up to seven years before, when it was filed, for which period, and what part of its
    amounts stood changed.
    """
    first, lines = _told_first(reports, told), _lines(stated)
    asked = first.filter("periodic", pl.col("figures") >= LEAST_FIGURES)
    for on, found in (("filing", _named(lines)), ("rid", _goodwill_moved(reports, lines))):
        asked = asked.join(found, on=on, how="left", maintain_order="left")
    told_of = ("amounts", "balances", *NAMED, "goodwill_moved")
    rows = asked.select(*KEY, "form", "annual", "filed", "period", "rid", *told_of)
    found = rows.join(_retelling(told), on="rid", how="left").join(
        _past(asked, reports, told), on="rid", how="left"
    )
    return found.select(
        *(pl.col(n) for n in (*KEY, "form", "annual", "filed", "period")),
        *(pl.col(n).fill_null(0).cast(SIGNS[n]) for n in COUNTS),
        "goodwill_moved",
        pl.col("history").cast(SIGNS["history"]),
    )


NAMED = {"pro_forma": "ProForma", "policies": "PolicyholderBenefits|FuturePolicyBenefit"}
COUNTS = ("retold_share", "past", "past_changed", "amounts", *NAMED, "balances")


def _told_first(reports: pl.DataFrame, told: Retold) -> pl.DataFrame:
    return reports.with_columns(amounts=pl.Series(told.first), balances=pl.Series(told.balances))


def _lines(stated: Stated) -> pl.DataFrame:
    """line (a place in LINES), filing, period_end and value of the facts that have any."""
    concept, money = pl.col("concept"), pl.col("given") == MONEY
    named = [concept.str.contains(words) for words in NAMED.values()]
    same = [(concept == name) & money for name in SHEET]
    line = pl.lit(len(LINES), pl.UInt8)
    for n, meant in reversed(list(enumerate([*named, *same]))):
        line = pl.when(meant).then(pl.lit(n, pl.UInt8)).otherwise(line)
    of = stated.measures.select(line.alias("line")).to_series().to_numpy()
    place = np.flatnonzero((of < len(LINES))[stated.measure])
    found = stated.facts[["period_end", "value"]][as_index(place)]
    number = pl.Series("line", of[stated.measure[place]])
    return found.hstack([number, stated.filing[as_index(place)]])


def _named(lines: pl.DataFrame) -> pl.DataFrame:
    """filing, and how many of its facts have a concept of each of NAMED: of those with any."""
    counts = [(pl.col("line") == n).sum().alias(name) for n, name in enumerate(NAMED)]
    return lines.filter(pl.col("line") < len(NAMED)).group_by("filing").agg(counts)


def _goodwill_moved(reports: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """rid, goodwill_moved: of reports that tell goodwill, as an earlier one did a year before."""
    own = reports.filter("periodic", ~pl.col("amends"), pl.col("period").is_not_null())
    told = lines.filter(pl.col("line") >= len(NAMED))
    sheet = own.select("filing", "cik", "rid", "period").join(told, on="filing")
    near = (pl.col("period_end") - pl.col("period")).abs() <= SAME_DAY
    sheet = sheet.filter(near).sort("period_end", "value")  # of two currencies one for all lines
    sums = [pl.col("value").filter(pl.col("line") == LINES.index(name)).last().alias(name)
            for name in SHEET]  # fmt: skip
    sheet = sheet.group_by("rid", "cik", "period").agg(sums).drop_nulls().sort("period", "rid")
    before = sheet.unique(["cik", "period"], keep="first", maintain_order=True)
    before = before.select("cik", told="period", was="Goodwill", old="rid")
    month = _months("told")
    before = before.with_columns(month=pl.int_ranges(month - 1, month + 2)).explode("month")
    both = sheet.with_columns(pl.col("period").dt.offset_by("-12mo"))
    both = both.with_columns(month=_months("period")).join(before, on=["cik", "month"])
    away = (pl.col("told") - pl.col("period")).abs()
    both = both.filter(pl.col("old") < pl.col("rid"), away <= NEAR, pl.col("Assets") > 0)
    both = both.sort("rid", away, "told").unique("rid", keep="first", maintain_order=True)
    moved = ((pl.col("Goodwill") - pl.col("was")) / pl.col("Assets")).abs()
    return both.select("rid", goodwill_moved=moved)


def _months(day: str) -> pl.Expr:
    """Months since year 0: days that are near each other are of the same or of the next."""
    return pl.col(day).dt.year().cast(pl.Int64) * 12 + pl.col(day).dt.month()


SHEET = ("Goodwill", "Assets")
LINES = (*NAMED, *SHEET)
SAME_DAY, NEAR = timedelta(days=7), timedelta(days=20)


def _retelling(told: Retold) -> pl.DataFrame:
    """rid, retold_share."""
    other = told.steps.filter("money", pl.col("step") == 1).group_by(rid="by").agg(other=pl.len())
    again = told.shared.group_by(rid="by").agg(again=pl.col("shared").sum())
    share = pl.col("other").fill_null(0) / pl.col("again").clip(LEAST_REPEATED)
    return again.join(other, on="rid", how="left").select("rid", retold_share=share.clip(0, 1))


def _past(asked: pl.DataFrame, reports: pl.DataFrame, told: Retold) -> pl.DataFrame:
    """rid, past, past_changed, history."""
    amounts = pl.Series("amounts", told.first)
    before = reports.hstack([amounts]).filter("periodic", pl.col("amounts") >= LEAST_AMOUNTS)
    old = before.select("cik", "period", "annual", "amounts", old="rid", told="filed")
    both = asked.select("rid", "cik", "filed", of_year="annual").join(old, on="cik")
    age = pl.col("filed") - pl.col("told")
    alike = (pl.col("annual") == pl.col("of_year")) & (age <= OLDEST_ALIKE)
    both = both.filter(
        pl.col("old") < pl.col("rid"), age >= YOUNGEST, (age <= OLDEST) | alike
    ).with_columns(near=age <= OLDEST)
    both = both.sort("rid", "old").join_asof(
        _changed(told), left_on="rid", right_on="by", by="old", check_sortedness=False
    )
    changed = pl.col("held").fill_null(0) / pl.col("amounts")
    report = pl.struct(pl.col("told").alias("filed"), "period", "annual", "changed")
    return both.with_columns(changed=changed).group_by("rid").agg(
        past=pl.col("near").sum(),
        past_changed=(pl.col("near") & (pl.col("changed") >= MANY)).sum(),
        history=report,
    )  # fmt: skip


def _changed(told: Retold) -> pl.DataFrame:
    """old, by, held: how many amounts of a report stood changed since a later one."""
    steps = told.steps.filter("money").group_by(pl.col("rid").alias("old"), "by").agg(
        step=pl.col("step").cast(pl.Int64).sum()
    )  # fmt: skip
    held = pl.col("step").cum_sum().over("old")  # of those up to each, so sorted before
    return steps.sort("by", "old").select("old", "by", held=held)
