"""The filings to grade: one numbered row each, with form, dates, company, style, rounding unit."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import numpy as np
import polars as pl

from core.domain.quality.arrays import Numbers
from core.domain.quality.chosen import MONEY
from core.domain.quality.model import Ruleset

ANNUAL = ("10-K", "10-KT", "10-K405", "10-KSB", "20-F", "40-F")
QUARTERLY = ("10-Q", "10-QT", "10-QSB")
NOTICES = ("NT 10-K", "NT 10-Q")
TRANSITION = ("10-KT", "10-QT")


def base_form(form: pl.Expr) -> pl.Expr:
    """The form without its amendment mark."""
    return form.str.strip_suffix("/A")


def register(
    facts: pl.DataFrame,
    number: Numbers,
    measures: pl.DataFrame,
    filings: pl.DataFrame,
    companies: pl.DataFrame,
    rules: Ruleset,
) -> tuple[pl.DataFrame, pl.DataFrame, Numbers]:
    """(filings with facts, by company and day; reports and notices without; each fact's filing).

    The filing of a fact is the row of the first frame, its `fid`.
    """
    who = _companies(companies, rules)
    first, key = _dense(facts.select(_key()).to_series())
    seen = _seen(facts, first, key, number, measures)
    known = filings.select(
        "cik", "accession", "report_date", "accepted_at", "is_xbrl",
        listed_form="form", listed_filed="filed",
    )  # fmt: skip
    known = known.join(seen, on="accession", how="semi")  # few of the many that are listed
    found = seen.join(known, on=["cik", "accession"], how="left").with_columns(
        form=pl.coalesce("listed_form", "form").fill_null("?"),
        filed=pl.coalesce("listed_filed", "filed"),
        listed=pl.col("listed_form").is_not_null(),
    )
    found = _described(found.drop("listed_form", "listed_filed"), who)
    found = found.with_columns(style=pl.when("ifrs").then(pl.lit("ifrs")).otherwise("style"))
    found = found.drop("ifrs").sort("cik", "filed", "accession").with_row_index("fid")
    other = filings.filter(base_form(pl.col("form")).is_in([*ANNUAL, *QUARTERLY, *NOTICES]))
    other = other.join(found, on=["cik", "accession"], how="anti")
    fid = np.empty(found.height, np.uint32)
    fid[found["key"].to_numpy()] = found["fid"].to_numpy()
    return found.drop("key"), _described(other, who), fid[key]


def _key() -> pl.Expr:
    """A number for each (cik, accession): the frame is large, and numbers group far faster."""
    return pl.col("accession").hash() ^ (pl.col("cik").cast(pl.UInt64) * 2**32)


def _dense(keys: pl.Series) -> tuple[Numbers, Numbers]:
    """(where each key appears first, the keys as 0, 1, 2 … in that order)."""
    first = keys.arg_unique()
    different = keys.gather(first).to_frame().with_row_index("dense")
    found = keys.to_frame().join(different, on=keys.name, how="left", maintain_order="left")
    return first.to_numpy(), found["dense"].to_numpy().astype(np.int64)


def _seen(
    facts: pl.DataFrame, first: Numbers, key: Numbers, number: Numbers, measures: pl.DataFrame
) -> pl.DataFrame:
    """One row per (cik, accession) of the facts, with counts and the rounding unit.

    Their `key` counts 0, 1, 2 …, so that all is counted without grouping.
    """
    seen = facts.select("cik", "accession", "form", "filed", "fiscal_year", "fiscal_period")[first]
    rounded = _roundness(facts["value"], (measures["given"] == MONEY).to_numpy()[number])
    sizes = np.bincount(key * 4 + rounded, minlength=len(first) * 4).reshape(-1, 4)
    ifrs = np.zeros(len(first), bool)
    ifrs[key[(measures["taxonomy"] == "ifrs-full").to_numpy()[number]]] = True
    return seen.hstack([
        pl.Series("key", np.arange(len(first)), pl.UInt32),
        pl.Series("facts", sizes.sum(axis=1), pl.UInt32),
        pl.Series("concepts", _concepts(key, number, measures, len(first)), pl.UInt32),
        pl.Series("ifrs", ifrs), pl.Series("unit", _rounding(*sizes.T)),
    ])  # fmt: skip


def _roundness(value: pl.Series, money: Any) -> Any:
    """3 for larger amounts of whole millions, 2 of whole thousands, 1 for others, 0 for no such."""
    of = pl.DataFrame([value, pl.Series("money", money)])
    big = pl.col("money") & (pl.col("value").abs() >= 1e4)
    marks = [big, big & (pl.col("value") % 1e3 == 0), big & (pl.col("value") % 1e6 == 0)]
    flags = of.select(pl.sum_horizontal(m.fill_null(value=False).cast(pl.UInt8) for m in marks))
    return flags.to_series().to_numpy()


def _rounding(_: Any, ones: Any, thousands: Any, millions: Any) -> Any:
    """The most common of 1, 1e3 and 1e6 over the trailing zeros of the filing's larger amounts."""
    million = (millions > thousands) & (millions > ones)
    return np.select([million, thousands > ones], [1e6, 1e3], 1.0)


def _concepts(key: Numbers, number: Numbers, measures: pl.DataFrame, filings: int) -> Numbers:
    """How many concepts each of the filings states."""
    code = _dense(measures["concept"].hash())[1]
    width = int(code.max(initial=0)) + 1
    both = key * width + code[number]
    if filings * width > MOST_CELLS:
        return np.bincount(np.unique(both) // width, minlength=filings)
    stated = np.zeros((filings, width), bool)
    stated.reshape(-1)[both] = True
    counts: Numbers = stated.sum(axis=1)
    return counts


MOST_CELLS = 50_000_000


def _companies(companies: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """cik, name, style and filer: what is told of the filings of a company."""
    return companies.select("cik", "name", style=_style(rules), filer=_filer())


def _described(frame: pl.DataFrame, who: pl.DataFrame) -> pl.DataFrame:
    """Filings with their company, its style and filer category, and what their form means."""
    return frame.join(who, on="cik", how="left").with_columns(**_meaning())


@cache
def _meaning() -> dict[str, pl.Expr]:
    base = base_form(pl.col("form"))
    foreign, filer = base.is_in(["20-F", "40-F"]), pl.col("filer").fill_null("other")
    return {
        "base_form": base,
        "amendment": pl.col("form").str.ends_with("/A"),
        "annual": base.is_in(ANNUAL),
        "quarterly": base.is_in(QUARTERLY),
        "periodic": base.is_in([*ANNUAL, *QUARTERLY]),
        "transition": base.is_in(TRANSITION),
        "style": pl.col("style").fill_null("industrial"),
        "filer": pl.when(foreign).then(pl.lit("foreign")).otherwise(filer),
    }


@lru_cache(maxsize=4)
def _style(rules: Ruleset) -> pl.Expr:
    """The first style whose SIC range holds the company; industrial where the SIC is unknown."""
    code = pl.col("sic").cast(pl.Int32, strict=False)
    style: Any = pl.when(pl.lit(False)).then(pl.lit(""))
    for entry in rules.styles:
        for low, high in entry.sic:
            style = style.when(code.is_between(low, high)).then(pl.lit(entry.name))
    named: pl.Expr = style.otherwise(pl.lit("industrial"))
    return named


@cache
def _filer() -> pl.Expr:
    """large, accelerated or other: with `foreign`, the rows of the table of deadlines."""
    category = pl.col("category").fill_null("").str.to_lowercase()
    return (
        pl.when(category.str.starts_with("large")).then(pl.lit("large"))
        .when(category.str.starts_with("accelerated")).then(pl.lit("accelerated"))
        .otherwise(pl.lit("other"))
    )  # fmt: skip
