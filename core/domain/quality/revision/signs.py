"""What retellings said on a report's day of how its company's figures hold: signs of its risk."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from core.domain.quality.status.reports import KEY, LEAST_FIGURES, Stated
from core.domain.quality.status.restated import LEAST_AMOUNTS, MANY
from core.domain.quality.status.retold import Retold

HISTORY = {"filed": pl.Date, "period": pl.Date, "annual": pl.Boolean, "changed": pl.Float64}
SIGNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "cik": pl.Int64, "accession": pl.String, "form": pl.String, "annual": pl.Boolean,
    "filed": pl.Date, "period": pl.Date, "retold_share": pl.Float64, "past": pl.Int64,
    "past_changed": pl.Int64, "amounts": pl.Int64, "pro_forma": pl.Int64, "policies": pl.Int64,
    "history": pl.List(pl.Struct(HISTORY)),
}  # fmt: skip
# A report is retold a year later, so that what is younger says little, and older little of now.
YOUNGEST, OLDEST = timedelta(days=330), timedelta(days=1500)
LEAST_REPEATED = 10  # figures, for a share of them to say anything


def signs(reports: pl.DataFrame, told: Retold, stated: Stated) -> pl.DataFrame:
    """Columns of SIGNS: one row a periodic report with figures, of what was filed by its day.

    retold_share: of the figures that it repeats, those that it tells otherwise than they were told
    first. past: reports of its company of one to four years before; past_changed: those of them of
    whose amounts a twentieth stood changed by its day, by filings up to it. amounts: how many
    it is the first to tell. pro_forma: how many of its facts tell of a year as if something had
    been bought before; policies: how many of what insured people are owed. history: of each of its
    `past` reports when it was filed, for which period, and what part of its amounts stood changed.
    """
    first = reports.hstack([pl.Series("amounts", told.first)])
    asked = first.filter("periodic", pl.col("figures") >= LEAST_FIGURES)
    rows = asked.select(*KEY, "form", "annual", "filed", "period", "rid", "amounts", "filing")
    for name, words in NAMED.items():
        found = _named(stated, words, name)
        rows = rows.join(found, on="filing", how="left", maintain_order="left")
    found = rows.join(_retelling(told), on="rid", how="left").join(
        _past(asked, reports, told), on="rid", how="left"
    )
    return found.select(
        *(pl.col(n) for n in (*KEY, "form", "annual", "filed", "period")),
        *(pl.col(n).fill_null(0).cast(SIGNS[n]) for n in COUNTS),
        pl.col("history").cast(SIGNS["history"]),
    )


NAMED = {"pro_forma": "ProForma", "policies": "PolicyholderBenefits|FuturePolicyBenefit"}
COUNTS = ("retold_share", "past", "past_changed", "amounts", *NAMED)


def _named(stated: Stated, words: str, name: str) -> pl.DataFrame:
    """filing, and how many of its facts have a concept of such words: of those that have any."""
    place = stated.each(pl.col("concept").str.contains(words))
    return stated.filing.filter(place).value_counts(name=name)


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
    both = asked.select("rid", "cik", "filed").join(old, on="cik")
    age = pl.col("filed") - pl.col("told")
    both = both.filter(pl.col("old") < pl.col("rid"), age >= YOUNGEST, age <= OLDEST)
    both = both.sort("rid", "old").join_asof(
        _changed(told), left_on="rid", right_on="by", by="old", check_sortedness=False
    )
    changed = pl.col("held").fill_null(0) / pl.col("amounts")
    report = pl.struct(pl.col("told").alias("filed"), "period", "annual", "changed")
    return both.with_columns(changed=changed).group_by("rid").agg(
        past=pl.len(), past_changed=(pl.col("changed") >= MANY).sum(),
        history=report,
    )  # fmt: skip


def _changed(told: Retold) -> pl.DataFrame:
    """old, by, held: how many amounts of a report stood changed since a later one."""
    steps = told.steps.filter("money").group_by(pl.col("rid").alias("old"), "by").agg(
        step=pl.col("step").cast(pl.Int64).sum()
    )  # fmt: skip
    held = pl.col("step").cum_sum().over("old")
    return steps.sort("by").select("old", "by", held=held)
