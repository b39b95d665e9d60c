"""Rules about what a filing calls its facts: duplicates, units, concepts, fiscal labels."""

from __future__ import annotations

import numpy as np
import polars as pl

from core.domain.quality.arrays import Flags
from core.domain.quality.book import Book
from core.domain.quality.chosen import MONEY
from core.domain.quality.measures import UNIT_KINDS
from core.domain.quality.outcome import Outcome, outcome
from core.domain.quality.packing import days
from core.domain.quality.words import Said


def duplicates(book: Book) -> Outcome:
    """Q40: facts stated more than once with values that differ beyond the coarser rounding."""
    keys = ["fid", "taxonomy", "concept", "unit", "period_start", "period_end"]
    if not (book.facts["seq"].to_numpy() > 0).any():
        return outcome("Q40", book.filings["fid"].to_numpy())
    again = book.facts.filter(pl.col("seq") > 0).select(keys).unique()
    twice = book.facts.join(again, on=keys, how="semi", nulls_equal=True)
    spread = twice.group_by(keys).agg(
        low=pl.col("value").min(), high=pl.col("value").max(), rows="row", unit_size=_coarsest()
    )
    room = pl.when(pl.col("unit").str.contains(r"^[A-Z]{3}$")).then(pl.col("unit_size") / 2)
    wrong = spread.filter(pl.col("high") - pl.col("low") > room.fill_null(0.0))
    if wrong.is_empty():
        return outcome("Q40", book.filings["fid"].to_numpy())
    failed = wrong.with_columns(
        start="period_start",
        end="period_end",
        expected="low",
        actual="high",
        tolerance=room,
    )
    said = "{concept} is given as {low} and as {high} for the same period."
    return outcome("Q40", book.filings["fid"].to_numpy(), Said(failed, said))


def _coarsest() -> pl.Expr:
    """The coarsest rounding (1, 1e3, 1e6) that any of the values shows."""
    value = pl.col("value")
    size = (
        pl.when(value % 1e6 == 0).then(1e6).when(value % 1e3 == 0).then(1e3).otherwise(1.0)
    )  # fmt: skip
    return size.max()


def units(book: Book) -> Outcome:
    """Q41: the unit that the item asks for, and headline items in one currency."""
    known = book.known
    wrong = known.given != known.kind
    amounts = (known.given == MONEY) & (known.kind == MONEY)
    told = []
    if wrong.any():
        meant = pl.Series([SPOKEN.get(kind, kind) for kind in UNIT_KINDS])[known.kind[wrong]]
        rows = (
            _known(book, wrong)
            .with_columns(meant=meant)
            .unique(ROW, keep="first", maintain_order=True)
        )
        told.append(Said(rows, "{concept} is given in {unit}, but should be in {meant}."))
    if (amounts & ~known.home).any():
        rows = _once(_second_currency(book, amounts))
        rows = rows.join(told[0].frame, on=ROW, how="anti") if told else rows
        said = "{concept} is given in {unit}, but the filing reports in {currency}."
        told.append(Said(rows, said))
    return outcome("Q41", known.fid, *told)


ROW = ["fid", "row"]


def _once(rows: pl.DataFrame) -> pl.DataFrame:
    """One row a fact, though it may stand for several items."""
    return rows.unique(ROW, keep="first", maintain_order=True)


def _known(book: Book, where: Flags) -> pl.DataFrame:
    """Some known facts: fid, row, taxonomy, concept, unit, start, end, actual, rows."""
    return book.facts.select(
        "fid", "row", "taxonomy", "concept", "unit", start="period_start", end="period_end",
        actual="value", rows=pl.concat_list("row"),
    )[book.known.row[where]]  # fmt: skip


SPOKEN = {"money": "a currency", "per_share": "a currency per share"}


def _second_currency(book: Book, amounts: Flags) -> pl.DataFrame:
    """Headline balances in a currency other than the filing's main one, without their main twin."""
    known = book.known
    foreign = _known(book, amounts & ~known.home)
    concerned = np.zeros(book.filings.height, bool)
    concerned[foreign["fid"].to_numpy()] = True
    twin = ["fid", "taxonomy", "concept", "start", "end"]
    home = _known(book, amounts & known.home & concerned[known.fid]).select(twin)
    alone = foreign.join(home, on=twin, how="anti", nulls_equal=True)
    return alone.with_columns(currency=known.currency.gather(alone["fid"]))


def retired(book: Book) -> Outcome:
    """Q43: facts of the own period under a concept retired more than a year before."""
    judged = np.flatnonzero(book.filings["facts"].to_numpy() > 50)
    last = pl.col("concept").replace_strict(book.rules.retired, default=None)
    year = book.measures.select(last.cast(pl.Float64)).to_series().to_numpy()[book.number]
    rows = np.flatnonzero(~np.isnan(year))
    facts = book.facts.select(
        "fid", "row", "concept", "filed", "value", start="period_start", end="period_end"
    )[rows]
    late = facts["filed"].dt.year().to_numpy() > year[rows] + 2
    wrong = late & (days(facts["end"]) == book.day("period_end")[facts["fid"].to_numpy()])
    if not wrong.any():
        return outcome("Q43", judged)
    failed = facts.filter(wrong).with_columns(
        actual="value", rows=pl.concat_list("row"),
        left=pl.Series(year[rows][wrong]).cast(pl.Int32).cast(pl.String),
        used=pl.col("filed").dt.year().cast(pl.String),
    )  # fmt: skip
    said = "{concept} left the taxonomy after {left}, but is used in a filing of {used}."
    return outcome("Q43", judged, Said(failed, said))


def fiscal_labels(book: Book) -> Outcome:
    """Q51: fy and fp are present and fit the form."""
    judged = book.flag("periodic") & ~book.flag("transition")
    annual, period = pl.col("annual"), pl.col("fiscal_period")
    fits = (annual & (period == "FY")) | (~annual & period.is_in(["Q1", "Q2", "Q3"]))
    wrong = ~(fits & pl.col("fiscal_year").is_not_null()).fill_null(value=False)
    failed = book.filings.filter(pl.Series(judged), wrong)
    if failed.is_empty():
        return outcome("Q51", np.flatnonzero(judged))
    failed = failed.with_columns(
        end="period_end",
        period=pl.col("fiscal_period").fill_null("without period"),
        year=pl.col("fiscal_year").cast(pl.String).fill_null("without year"),
    )
    said = "The facts are labelled {period} {year}, but the form is {form}."
    return outcome("Q51", np.flatnonzero(judged), Said(failed, said))
