"""Which reports a notice of non-reliance (item 4.02 of an 8-K) withdraws.

The notice itself names them in words that no facts carry. So they are told from what came after it:
reports whose first-told figures its amendments, else its next reports, tell with other values. As
long as nothing tells, all since the last audited year are taken.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from core.domain.filings.forms import modern_items
from core.domain.quality.status.retold import Retold

ITEM = "4.02"
SAME_MATTER = timedelta(days=365)  # an 8-K/A within it goes on with the notice before
BEFORE = timedelta(days=5)  # a notice may follow the amendment: four business days are given
AMENDED_WITHIN = timedelta(days=730)
RETOLD_WITHIN = timedelta(days=1096)
GRACE = timedelta(days=100)  # from the first amendment to the last of a restatement
YEAR = timedelta(days=456)  # of a company without an annual report: its last year, and some grace
EVENT = {
    "rid": pl.Int64, "notice": pl.Int64, "since": pl.Date, "until": pl.Date, "by": pl.Int64,
    "inferred": pl.String,
}  # fmt: skip


def notices(filings: pl.DataFrame, as_of: date | None = None) -> pl.DataFrame:
    """notice (0, 1 …), cik, form, filed and accession of notices, the first of each matter."""
    told = pl.col("form").is_in(["8-K", "8-K/A"]) & modern_items(pl.col("items")).list.contains(
        pl.lit(ITEM)
    )
    found = filings.filter(told).select("cik", "form", "filed", "accession")
    if as_of is not None:
        found = found.filter(pl.col("filed") <= as_of)
    found = found.sort("cik", "filed", "accession")
    original = pl.when(~pl.col("form").str.ends_with("/A")).then("filed")
    last = original.shift(1).forward_fill().over("cik")
    goes_on = pl.col("form").str.ends_with("/A") & (pl.col("filed") - last <= SAME_MATTER)
    fresh = found.filter(~goes_on.fill_null(value=False))
    return fresh.with_row_index("notice").with_columns(pl.col("notice").cast(pl.Int64))


def withdrawn(
    reports: pl.DataFrame,
    told: Retold,
    amendments: pl.DataFrame,
    replacements: pl.DataFrame,
    given: pl.DataFrame,
) -> pl.DataFrame:
    """Columns of EVENT: the reports that the notices `given` withdraw, and while it was held so.

    `inferred` is "amended" (from an amendment with other figures), "retold" (from a later report)
    or "year" (nothing tells); `by` is what they were told from.
    """
    if given.is_empty():
        return pl.DataFrame(schema=EVENT)
    before = _before(reports, given)
    changes = _changes(reports, told, before)
    amended = _amended(reports, changes, amendments, before)
    amended = _with_replaced(amended, replacements, before)
    later = _retold(changes, amended, given, reports)
    proof = pl.concat([amended, later])
    return pl.concat([proof, _year(before, proof)]).select(list(EVENT))


def _before(reports: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    """The reports of each notice's company that were filed before it."""
    sides = reports.filter("periodic").select(
        "rid", "cik", "annual", "amends", "figures", "period", told="filed"
    )
    both = given.select("notice", "cik", "filed").join(sides, on="cik")
    return both.filter(pl.col("told") < pl.col("filed"))


def _changes(reports: pl.DataFrame, told: Retold, before: pl.DataFrame) -> pl.DataFrame:
    """notice, rid, by, day, whether a headline changed, and whether `by` is an amendment."""
    rows = (
        told.steps.filter(pl.col("step") >= 0)
        .group_by("rid", "by", "day")
        .agg(headline=pl.col("headline").is_not_null().any())
    )
    sides = reports.select("amends", "annual", "periodic", by="rid")
    both = before.select("notice", "filed", "rid").join(rows, on="rid").join(sides, on="by")
    return both.filter("periodic", pl.col("day") >= pl.col("filed") - BEFORE)


def _amended(
    reports: pl.DataFrame, changes: pl.DataFrame, amendments: pl.DataFrame, before: pl.DataFrame
) -> pl.DataFrame:
    """Reports with figures changed by their amendment, or headlines by that of another one.

    A report without facts of its own is held to be changed by its amendment.
    """
    soon = pl.col("day") <= pl.col("filed") + AMENDED_WITHIN
    own = amendments.with_columns(own=pl.lit(value=True))
    made = changes.filter("amends", soon).join(own, on=["rid", "by"], how="left")
    made = made.filter(pl.col("own").fill_null(value=False) | pl.col("headline"))
    bare = before.filter(pl.col("figures") == 0).join(amendments, on="rid")
    bare = bare.join(reports.select(by="rid", day="filed"), on="by").filter(
        soon, pl.col("day") >= pl.col("filed") - BEFORE
    )
    columns = ["notice", "rid", "by", "day"]
    return _first(pl.concat([made.select(columns), bare.select(columns)]), "amended")


def _first(rows: pl.DataFrame, inferred: str) -> pl.DataFrame:
    """Of each notice and report the first filing that tells."""
    found = rows.sort("day", "by").unique(["notice", "rid"], keep="first", maintain_order=True)
    return found.select(
        "notice", "rid", "by", since="day", until=pl.lit(None, pl.Date), inferred=pl.lit(inferred)
    )


def _with_replaced(
    amended: pl.DataFrame, replacements: pl.DataFrame, before: pl.DataFrame
) -> pl.DataFrame:
    """Adds earlier amendments that the telling ones replace."""
    old = replacements.rename({"rid": "old"}).join(
        before.select("notice", old="rid"), on="old"
    ).join(amended.drop("rid"), on=["notice", "by"])  # fmt: skip
    more = old.unique(["notice", "old"], keep="first", maintain_order=True)
    return pl.concat([amended, more.select(rid="old", **_same(amended))], how="diagonal").unique(
        ["notice", "rid"], keep="first", maintain_order=True
    )


def _same(frame: pl.DataFrame) -> dict[str, str]:
    return {name: name for name in frame.columns if name != "rid"}


def _retold(
    changes: pl.DataFrame, amended: pl.DataFrame, given: pl.DataFrame, reports: pl.DataFrame
) -> pl.DataFrame:
    """Where no amendment tells: headlines changed by reports up to the next annual one."""
    annual = reports.filter("annual", ~pl.col("amends")).select("cik", day="filed")
    next_one = (
        given.select("notice", "cik", "filed")
        .join(annual, on="cik")
        .filter(pl.col("day") > pl.col("filed"))
        .group_by("notice")
        .agg(last=pl.col("day").min())
    )
    rows = changes.filter(~pl.col("amends"), "headline").join(next_one, on="notice")
    rows = rows.filter(pl.col("day") <= pl.min_horizontal("last", pl.col("filed") + RETOLD_WITHIN))
    told = amended.group_by("notice").agg(ends=pl.col("since").min())
    found = _first(rows.select("notice", "rid", "by", "day"), "retold")
    found = found.join(told, on="notice", how="left").with_columns(until="ends").drop("ends")
    return found.filter((pl.col("since") < pl.col("until")).fill_null(value=True))


def _year(before: pl.DataFrame, proof: pl.DataFrame) -> pl.DataFrame:
    """All since the last audited year, until some time after anything tells which are meant."""
    audited = pl.col("period").filter(pl.col("annual") & ~pl.col("amends")).max().over("notice")
    since = audited.fill_null(pl.col("filed") - YEAR)
    rows = before.filter(pl.col("period") >= since)
    told = proof.group_by("notice").agg(until=pl.col("since").min() + GRACE)
    rows = rows.join(told, on="notice", how="left")
    none = pl.lit(None, pl.Int64)
    return rows.select(
        "notice", "rid", by=none, since="filed", until="until", inferred=pl.lit("year")
    )
