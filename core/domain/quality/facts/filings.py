"""The filings to grade: one numbered row each, with form, dates, company, style, rounding unit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Numbers
from core.domain.quality.facts.concepts import MONEY
from core.domain.quality.facts.packing import as_index, found_in, gathered
from core.domain.quality.facts.rounding import rounding_units
from core.domain.quality.model import Ruleset

ANNUAL = ("10-K", "10-KT", "10-K405", "10-KSB", "20-F", "40-F")
QUARTERLY = ("10-Q", "10-QT", "10-QSB")
NOTICES = ("NT 10-K", "NT 10-Q")
TRANSITION = ("10-KT", "10-QT")
REPORTS = [*ANNUAL, *QUARTERLY, *NOTICES]


def base_form(form: pl.Expr) -> pl.Expr:
    """The form without its amendment mark."""
    return form.str.strip_suffix("/A")


def filings_table(
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
    keys = facts.select(_key()).to_series()
    first, key = _dense(keys)
    seen = _seen(facts, first, key, number, measures)
    place = found_in(
        keys[as_index(first)].to_numpy(), filings.select(_key()).to_series().to_numpy()
    )
    found = _listed(seen, filings, place)
    periodic = filings.select(base_form(pl.col("form")).is_in(REPORTS)).to_series()
    other = filings[as_index(np.flatnonzero((place < 0) & (periodic.to_numpy() == 1)))]
    told = _described([found, other], companies, rules)
    found = found.hstack(told[: found.height]).sort("cik", "filed", "accession")
    found.insert_column(0, pl.Series("fid", np.arange(found.height), pl.UInt32))
    fid = np.empty(found.height, np.uint32)
    fid[found["key"].to_numpy()] = found["fid"].to_numpy()
    rest = [name for name in found.columns if name != "key"]
    return found[rest], other.hstack(told[found.height :]), fid[key]


def _listed(seen: pl.DataFrame, filings: pl.DataFrame, places: Numbers) -> pl.DataFrame:
    """What is seen in the facts, with what the list of filings says.

    `places` has the row seen of each that is listed. Form and day are those of the list, if any.
    """
    row, place = np.full(seen.height, -1), np.flatnonzero(places >= 0)
    row[places[place]] = place
    listed = gathered(filings[["form", "filed", "report_date", "accepted_at", "is_xbrl"]], row)
    form, filed = (_either(listed[name], seen[name]) for name in ("form", "filed"))
    if form.null_count():
        form = form.fill_null("?")
    named = pl.Series("listed", listed["form"].is_not_null())
    rest = [name for name in seen.columns if name not in ("form", "filed")]
    return pl.DataFrame([*seen[rest], form, filed, *listed[LISTED], named])


LISTED = ["report_date", "accepted_at", "is_xbrl"]


def _either(first: pl.Series, second: pl.Series) -> pl.Series:
    """The first where it is given, else the second."""
    return first.zip_with(first.is_not_null(), second) if first.null_count() else first


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
    seen = facts[["cik", "accession", "form", "filed", "fiscal_year", "fiscal_period"]][
        as_index(first)
    ]
    money = (measures["given"] == MONEY).to_numpy()[number]
    ifrs = np.zeros(len(first), bool)
    ifrs[key[(measures["taxonomy"] == "ifrs-full").to_numpy()[number]]] = True
    return seen.hstack([
        pl.Series("key", np.arange(len(first)), pl.UInt32),
        pl.Series("facts", np.bincount(key, minlength=len(first)), pl.UInt32),
        pl.Series("concepts", _concepts(key, number, measures, len(first)), pl.UInt32),
        pl.Series("ifrs", ifrs),
        pl.Series("unit", rounding_units(facts["value"], money, key, len(first))),
    ])  # fmt: skip


def _concepts(key: Numbers, number: Numbers, measures: pl.DataFrame, filings: int) -> Numbers:
    """How many concepts each of the filings states."""
    name, code = np.unique(measures["name"].to_numpy(), return_inverse=True)
    width = max(len(name), 1)
    both = key * width + code[number]
    if filings * width > MOST_CELLS:
        return np.bincount(np.unique(both) // width, minlength=filings)
    stated = np.zeros((filings, width), bool)
    stated.reshape(-1)[both] = True
    counts: Numbers = stated.sum(axis=1)
    return counts


MOST_CELLS = 50_000_000


def _described(
    frames: Sequence[pl.DataFrame], companies: pl.DataFrame, rules: Ruleset
) -> pl.DataFrame:
    """Of filings their company, its style and filer category, and what their form means.

    All frames at once, one after another: to plan the query takes longer than to run it.
    """
    cik, form = (pl.concat([frame[name] for frame in frames]) for name in ("cik", "form"))
    ifrs = np.zeros(len(cik), bool)
    ifrs[: frames[0].height] = frames[0]["ifrs"].to_numpy()
    who = companies[["name", "sic", "category"]]
    told = gathered(who, found_in(companies["cik"].to_numpy(), cik.to_numpy()))
    style = _styles(rules)[as_index(_style(told["sic"], rules))]
    said = told[["name", "category"]].hstack([form, style, pl.Series("ifrs", ifrs)])
    return said.select("name", **_meaning())


@cache
def _meaning() -> dict[str, pl.Expr]:
    base = base_form(pl.col("form"))
    foreign = base.is_in(["20-F", "40-F"])
    return {
        "base_form": base,
        "amendment": pl.col("form").str.ends_with("/A"),
        "annual": base.is_in(ANNUAL),
        "quarterly": base.is_in(QUARTERLY),
        "periodic": base.is_in([*ANNUAL, *QUARTERLY]),
        "transition": base.is_in(TRANSITION),
        "style": pl.when("ifrs").then(pl.lit("ifrs")).otherwise("style"),
        "filer": pl.when(foreign).then(pl.lit("foreign")).otherwise(_filer()),
    }


@lru_cache(maxsize=4)
def _styles(rules: Ruleset) -> pl.Series:
    """The names of the styles, and last that of filers of none."""
    return pl.Series("style", [*(style.name for style in rules.styles), "industrial"])


@lru_cache(maxsize=4)
def _style_of_code(rules: Ruleset) -> Numbers:
    """The first style whose SIC range holds a code, by the code."""
    most = max((high for style in rules.styles for _, high in style.sic), default=0)
    found = np.full(most + 2, len(rules.styles))
    for place, style in reversed(list(enumerate(rules.styles))):
        for low, high in style.sic:
            found[low : high + 1] = place
    return found


def _style(sic: pl.Series, rules: Ruleset) -> Numbers:
    """The place of the style of each SIC; of the last name where it is unknown."""
    code, styles = sic.cast(pl.Int32, strict=False).to_numpy(), _style_of_code(rules)
    known = (code >= 0) & (code < len(styles))
    return styles[np.where(known, code, len(styles) - 1).astype(np.int64)]


@cache
def _filer() -> pl.Expr:
    """large, accelerated or other: with `foreign`, the rows of the table of deadlines."""
    category = pl.col("category").fill_null("").str.to_lowercase()
    return (
        pl.when(category.str.starts_with("large")).then(pl.lit("large"))
        .when(category.str.starts_with("accelerated")).then(pl.lit("accelerated"))
        .otherwise(pl.lit("other"))
    )  # fmt: skip
