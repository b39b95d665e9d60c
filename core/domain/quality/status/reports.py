"""The filings that a status is told of: one numbered row each, in the order they were filed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from core.domain.filings.figures import OTHER, standing
from core.domain.quality.facts.arrays import Numbers
from core.domain.quality.facts.concepts import MONEY
from core.domain.quality.facts.filings import ANNUAL, QUARTERLY, base_form
from core.domain.quality.facts.measures import measured
from core.domain.quality.facts.packing import as_index
from core.domain.quality.facts.rounding import rounding_units

KEY = ("cik", "accession")
FIGURES = ("us-gaap", "ifrs-full")
LEAST_FIGURES = 10  # an amendment for the part on directors carries its cover, and a few at most
RECAST = r"^8-K(/A)?$"  # tells earlier years anew, after a disposal or under a new standard
PERIODIC = (*ANNUAL, *QUARTERLY)


@dataclass(frozen=True, slots=True)
class Stated:
    """FACTS with numbers for their texts.

    measure: of each fact a row of `measures` (taxonomy, concept, unit, given: its kind in
    UNIT_KINDS). filing: of each fact a number for its cik and accession.
    """

    facts: pl.DataFrame
    measure: Numbers
    measures: pl.DataFrame
    filing: pl.Series

    def each(self, of_measure: pl.Expr) -> pl.Series:
        """Of each fact what an expression says of its measure."""
        return self.measures.select(of_measure).to_series()[as_index(self.measure)]


def stated(facts: pl.DataFrame) -> Stated:
    """FACTS as numbers: texts are read once for each of their runs, as facts come."""
    if facts.is_empty():
        empty = facts.select("taxonomy", "concept", "unit", given=pl.lit(0, pl.UInt8))
        return Stated(facts, np.zeros(0, np.int64), empty, pl.Series("filing", [], pl.UInt64))
    number, measures, _ = measured(facts)
    return Stated(facts, number, measures, facts.select(filing=_filing()).to_series())


def _filing() -> pl.Expr:
    return pl.col("accession").hash() ^ (pl.col("cik").cast(pl.UInt64) * 2**32)


def reports(told: Stated, filings: pl.DataFrame) -> pl.DataFrame:
    """Filings with facts, and periodic reports of FILINGS without.

    Columns: rid (0, 1 … by company, day and accession), filing (the number of `Stated`), cik,
    accession, form, base (without the mark of an amendment), amends, periodic, annual, filed,
    period, figures (how many facts of the accounting taxonomies it tells), rounds (what its amounts
    are rounded to), marked (whether the list has it as XBRL), tells (whether its figures count:
    proxies and registrations repeat others, at other scales and for parts).
    """
    listed = filings.select(*KEY, "form", "filed", "report_date", "is_xbrl", filing=_filing())
    seen = _seen(told)
    periodic = base_form(pl.col("form")).is_in(PERIODIC)
    wanted = listed.filter(periodic | pl.col("filing").is_in(seen["filing"].implode()))
    both = seen.join(wanted, on="filing", how="full", coalesce=True, suffix="_listed")
    either = {n: pl.coalesce(f"{n}_listed", n) for n in (*KEY, "form", "filed")}
    rows = both.select(
        "filing",
        **either,
        period="report_date",
        figures=pl.col("figures").fill_null(0),
        rounds=pl.col("rounds").fill_null(1.0),
        marked=pl.col("is_xbrl").fill_null(value=False),
    ).with_columns(pl.col("form").fill_null("?"))
    base = base_form(pl.col("form"))
    rows = rows.with_columns(
        base=base,
        amends=pl.col("form").str.ends_with("/A"),
        periodic=base.is_in(PERIODIC),
        annual=base.is_in(ANNUAL),
        tells=(standing() < OTHER) | pl.col("form").str.contains(RECAST),
    ).sort("cik", "filed", "accession")
    rows = rows.with_row_index("rid").with_columns(pl.col("rid").cast(pl.Int64))
    return _with_periods(rows, told)


def _seen(told: Stated) -> pl.DataFrame:
    """Filings with facts: filing, cik, accession, form, filed, figures, rounds."""
    figure = told.each(pl.col("taxonomy").is_in(FIGURES).alias("figures"))
    first = told.filing.arg_unique()
    number = told.filing[first].to_frame().with_row_index("number")
    of = told.filing.to_frame().join(number, on="filing", how="left", maintain_order="left")
    filing = of["number"].to_numpy().astype(np.int64)
    money = told.each(pl.col("given") == MONEY).to_numpy()
    counts = np.bincount(filing, figure.to_numpy(), len(first)).astype(np.int64)
    rounds = rounding_units(told.facts["value"], money, filing, len(first))
    return told.facts[first].select(
        *KEY, "form", "filed", filing=told.filing[first], figures=pl.Series(counts),
        rounds=pl.Series(rounds),
    )  # fmt: skip


def _with_periods(rows: pl.DataFrame, told: Stated) -> pl.DataFrame:
    """Where no list names the period: the last day that most of the figures tell of."""
    bare = rows.filter(pl.col("period").is_null())["filing"]
    place = told.filing.is_in(bare.implode()) & told.each(pl.col("taxonomy").is_in(FIGURES))
    if not place.any():
        return rows
    some = told.facts.filter(place).select("period_end", "filed", filing=told.filing.filter(place))
    days = (
        some.filter(pl.col("period_end") <= pl.col("filed"))
        .group_by("filing", "period_end")
        .agg(facts=pl.len())
        .filter(pl.col("facts") * 2 >= pl.col("facts").max().over("filing"))
        .group_by("filing")
        .agg(sheet=pl.col("period_end").max())
    )
    found = rows.join(days, on="filing", how="left", maintain_order="left")
    return found.with_columns(period=pl.coalesce("period", "sheet")).drop("sheet")
