"""The filings to grade: one numbered row each, with form, dates, company, style, rounding unit."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from core.domain.quality.model import Ruleset

ANNUAL = ("10-K", "10-KT", "10-K405", "10-KSB", "20-F", "40-F")
QUARTERLY = ("10-Q", "10-QT", "10-QSB")
NOTICES = ("NT 10-K", "NT 10-Q")
TRANSITION = ("10-KT", "10-QT")


def base_form(form: pl.Expr) -> pl.Expr:
    """The form without its amendment mark."""
    return form.str.strip_suffix("/A")


def register(
    facts: pl.DataFrame, filings: pl.DataFrame, companies: pl.DataFrame, rules: Ruleset
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(filings with facts, numbered by company and day; reports and notices without facts)."""
    known = filings.select(
        "cik", "accession", "report_date", "accepted_at", "is_xbrl",
        listed_form="form", listed_filed="filed",
    )  # fmt: skip
    found = _seen(facts)
    known = known.join(found, on="accession", how="semi")  # few of the many that are listed
    found = found.join(known, on=["cik", "accession"], how="left")
    found = found.with_columns(
        form=pl.coalesce("listed_form", "form").fill_null("?"),
        filed=pl.coalesce("listed_filed", "filed"),
        listed=pl.col("listed_form").is_not_null(),
    ).drop("listed_form", "listed_filed")
    found = _describe(found, companies, rules).with_columns(
        style=pl.when("ifrs").then(pl.lit("ifrs")).otherwise("style")
    )
    found = found.drop("ifrs").sort("cik", "filed", "accession")
    found = found.with_row_index("fid")
    other = filings.filter(base_form(pl.col("form")).is_in([*ANNUAL, *QUARTERLY, *NOTICES]))
    other = other.join(found, on=["cik", "accession"], how="anti")
    return found, _describe(other, companies, rules)


def _seen(facts: pl.DataFrame) -> pl.DataFrame:
    """One row per (cik, accession) of the facts, with counts and the rounding unit.

    Their `key` counts 0, 1, 2 …, so that all is counted without grouping.
    """
    big = pl.col("money") & (pl.col("value").abs() >= 1e4)
    marks = facts.select(
        big=big,
        millions=big & (pl.col("value") % 1e6 == 0),
        thousands=big & (pl.col("value") % 1e3 == 0),
        ifrs=pl.col("taxonomy") == "ifrs-full",
    ).fill_null(value=False)
    key = facts["key"]
    seen = facts.select(
        "key", "cik", "accession", "form", "filed", "fiscal_year", "fiscal_period"
    )[key.arg_unique()]  # fmt: skip
    seen = seen.with_columns(
        *(_counts(key.filter(marks[name]), seen.height, name) for name in marks.columns),
        _counts(key, seen.height, "facts"),
        _counts(_different(facts), seen.height, "concepts"),
    )
    seen = seen.with_columns(ifrs=pl.col("ifrs") > 0, unit=_rounding())
    return seen.drop("big", "millions", "thousands")


def _counts(keys: pl.Series, height: int, name: str) -> pl.Series:
    """How often each of the keys 0, 1, 2 … occurs."""
    return pl.Series(name, np.bincount(keys.to_numpy(), minlength=height), pl.UInt32)


def _different(facts: pl.DataFrame) -> pl.Series:
    """The keys of the facts that state a concept first in their filing."""
    spread = pl.col("key").cast(pl.UInt64) * 2**40
    first = facts.select(both=pl.col("concept").hash() ^ spread)["both"].arg_unique()
    return facts["key"].gather(first)


def _rounding() -> pl.Expr:
    """The most common of 1, 1e3 and 1e6 over the trailing zeros of the filing's larger amounts."""
    by_thousand = pl.col("thousands").cast(pl.Int64) - pl.col("millions").cast(pl.Int64)
    by_one = pl.col("big").cast(pl.Int64) - pl.col("thousands").cast(pl.Int64)
    million = pl.col("millions").cast(pl.Int64)
    return (
        pl.when((million > by_thousand) & (million > by_one)).then(1e6)
        .when(by_thousand > by_one).then(1e3).otherwise(1.0)
    )  # fmt: skip


def _describe(frame: pl.DataFrame, companies: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    who = companies.select("cik", "name", "sic", "category")
    base = base_form(pl.col("form"))
    joined = frame.join(who, on="cik", how="left").with_columns(
        base_form=base,
        amendment=pl.col("form").str.ends_with("/A"),
        annual=base.is_in(ANNUAL),
        quarterly=base.is_in(QUARTERLY),
        transition=base.is_in(TRANSITION),
    )
    return joined.with_columns(
        periodic=pl.col("annual") | pl.col("quarterly"), style=_style(rules), filer=_filer()
    )


def _style(rules: Ruleset) -> pl.Expr:
    """The first style whose SIC range holds the company; industrial where the SIC is unknown."""
    code = pl.col("sic").cast(pl.Int32, strict=False)
    style: Any = pl.when(pl.lit(False)).then(pl.lit(""))
    for entry in rules.styles:
        for low, high in entry.sic:
            style = style.when(code.is_between(low, high)).then(pl.lit(entry.name))
    named: pl.Expr = style.otherwise(pl.lit("industrial"))
    return named


def _filer() -> pl.Expr:
    """large, accelerated, other or foreign: the row of the table of deadlines."""
    category = pl.col("category").fill_null("").str.to_lowercase()
    return (
        pl.when(pl.col("base_form").is_in(["20-F", "40-F"])).then(pl.lit("foreign"))
        .when(category.str.starts_with("large")).then(pl.lit("large"))
        .when(category.str.starts_with("accelerated")).then(pl.lit("accelerated"))
        .otherwise(pl.lit("other"))
    )  # fmt: skip
