"""Rules about what a filing calls its facts: duplicates, units, concepts, fiscal labels."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Flags, Numbers
from core.domain.quality.facts.concepts import MONEY, PER_SHARE
from core.domain.quality.facts.measures import UNIT_KINDS, per_receipt
from core.domain.quality.facts.packing import as_index, days, found_in, gathered
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.model import Ruleset
from core.domain.quality.outcome import Outcome, outcome
from core.domain.quality.words import FindingText, facts_of, with_columns_from


def duplicates(book: PeriodTable) -> Outcome:
    """Q40: facts stated more than once with values that differ beyond the coarser rounding."""
    keys = ["fid", "taxonomy", "concept", "unit", "period_start", "period_end"]
    if not (book.facts["seq"].to_numpy() > 0).any():
        return outcome("Q40", book.filings["fid"].to_numpy())
    again = book.facts.filter(pl.col("seq") > 0).select(keys).unique()
    twice = book.facts.join(again, on=keys, how="semi", nulls_equal=True)
    spread = twice.group_by(keys).agg(
        low=pl.col("value").min(), high=pl.col("value").max(),
        rows=pl.col("row").sort_by("value"), unit_size=_coarsest(),
    )  # fmt: skip
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
    return outcome("Q40", book.filings["fid"].to_numpy(), FindingText(failed, said))


def _coarsest() -> pl.Expr:
    """The coarsest rounding that any of the values shows in its trailing zeros: 6.0 billion."""
    value = pl.col("value")
    sizes = [pl.when(value % 10.0**n == 0).then(10.0**n).otherwise(1.0) for n in range(3, 10)]
    return pl.max_horizontal(sizes).max()


def units(book: PeriodTable) -> Outcome:
    """Q41: the unit that the item asks for, and headline items in one currency."""
    known = book.known
    wrong = (known.given != known.kind) & ~_per_receipt_too(book)
    amounts = (known.given == MONEY) & (known.kind == MONEY)
    told = []
    if wrong.any():
        meant = pl.Series([SPOKEN.get(kind, kind) for kind in UNIT_KINDS])[known.kind[wrong]]
        rows = (
            _known(book, wrong)
            .with_columns(meant=meant)
            .unique(ROW, keep="first", maintain_order=True)
        )
        told.append(FindingText(rows, "{concept} is given in {unit}, but should be in {meant}."))
    if (amounts & ~known.home).any():
        rows = _once(_second_currency(book, amounts))
        rows = rows.join(told[0].frame, on=ROW, how="anti") if told else rows
        said = "{concept} is given in {unit}, but the filing reports in {currency}."
        told.append(FindingText(rows, said))
    return outcome("Q41", known.fid, *told)


def _per_receipt_too(book: PeriodTable) -> Flags:
    """Which are told per depositary receipt of items that the filing tells per share as well."""
    known = book.known
    receipts = np.flatnonzero([per_receipt(unit) for unit in known.units.to_list()])
    item = known.table["item"].to_numpy()[known.place]
    told = np.zeros((book.filings.height, len(book.rules.items)), bool)
    if len(receipts):
        per_share = (known.given == PER_SHARE) & (known.kind == PER_SHARE)
        told[known.fid[per_share], item[per_share]] = True
    code = known.table["code"].to_numpy()[known.place]
    found: Flags = np.isin(code, receipts) & told[known.fid, item]
    return found


ROW = ["fid", "row"]


def _once(rows: pl.DataFrame) -> pl.DataFrame:
    """One row a fact, though it may stand for several items."""
    return rows.unique(ROW, keep="first", maintain_order=True)


def _known(book: PeriodTable, where: Flags) -> pl.DataFrame:
    """Some known facts: fid, row, taxonomy, concept, unit, start, end, actual, rows."""
    facts = book.facts[KNOWN][as_index(book.known.row[where])]
    return with_columns_from(
        facts[KNOWN[:5]], start=facts["period_start"], end=facts["period_end"],
        actual=facts["value"], rows=facts_of(facts, "row"),
    )  # fmt: skip


KNOWN = [*ROW, "taxonomy", "concept", "unit", "period_start", "period_end", "value"]


SPOKEN = {"money": "a currency", "per_share": "a currency per share"}


def _second_currency(book: PeriodTable, amounts: Flags) -> pl.DataFrame:
    """Headline balances in a currency other than the filing's main one, without their main twin."""
    known = book.known
    foreign = _known(book, amounts & ~known.home)
    concerned = np.zeros(book.filings.height, bool)
    concerned[foreign["fid"].to_numpy()] = True
    twin = ["fid", "taxonomy", "concept", "start", "end"]
    home = _known(book, amounts & known.home & concerned[known.fid]).select(twin)
    alone = foreign.join(home, on=twin, how="anti", nulls_equal=True)
    currency = gathered(known.units.to_frame(), known.main[alone["fid"].to_numpy()])
    return with_columns_from(alone, currency=currency.to_series())


def retired(book: PeriodTable) -> Outcome:
    """Q43: facts of the own period under a concept retired more than a year before."""
    judged = np.flatnonzero(book.filings["facts"].to_numpy() > 50)
    hashes, years = _retired(book.rules)
    last = np.append(years, -1)[found_in(hashes, book.measures["name"].to_numpy())][book.number]
    rows = np.flatnonzero(last >= 0)
    facts = book.facts[["fid", "row", "concept", "filed", "value", "period_start", "period_end"]]
    facts, last = facts[as_index(rows)], last[rows]
    used = facts["filed"].to_numpy().astype("datetime64[Y]").astype(np.int64) + 1970
    own = days(facts["period_end"]) == book.day("period_end")[facts["fid"].to_numpy()]
    wrong = np.flatnonzero((used > last + 2) & own)
    if not len(wrong):
        return outcome("Q43", judged)
    bad = facts[as_index(wrong)]
    failed = with_columns_from(
        bad, start="period_start", end="period_end", actual="value", rows=facts_of(bad, "row"),
        left=pl.Series(last[wrong]).cast(pl.String), used=pl.Series(used[wrong]).cast(pl.String),
    )  # fmt: skip
    said = "{concept} left the taxonomy after {left}, but is used in a filing of {used}."
    return outcome("Q43", judged, FindingText(failed, said))


@lru_cache(maxsize=4)
def _retired(rules: Ruleset) -> tuple[Numbers, Numbers]:
    """(the names of retired concepts as measures have them, the last year of each)."""
    names = pl.Series(list(rules.retired), dtype=pl.String)
    return names.hash().to_numpy(), np.array(list(rules.retired.values()), np.int64)


def fiscal_labels(book: PeriodTable) -> Outcome:
    """Q51: fy and fp are present and fit the form and the length of the year until now."""
    judged = book.flag("periodic") & ~book.flag("transition")
    period = book.filings["fiscal_period"]
    year, first, second, third = (
        (period == name).to_numpy() == 1 for name in ("FY", "Q1", "Q2", "Q3")
    )
    fits = np.where(book.flag("annual"), year, first | second | third)
    fits &= ~np.isnan(book.filings["fiscal_year"].to_numpy())
    wrong = np.flatnonzero(judged & ~fits)
    told = _other_quarter(book, judged & fits, (second, third))
    if not len(wrong):
        return outcome("Q51", np.flatnonzero(judged), *told)
    failed = book.filings[as_index(wrong)].with_columns(
        end="period_end",
        period=pl.col("fiscal_period").fill_null("without period"),
        year=pl.col("fiscal_year").cast(pl.String).fill_null("without year"),
    )
    said = "The facts are labelled {period} {year}, but the form is {form}."
    return outcome("Q51", np.flatnonzero(judged), FindingText(failed, said), *told)


def _other_quarter(
    book: PeriodTable, judged: Flags, labels: tuple[Flags, Flags]
) -> list[FindingText]:
    """Quarterly reports whose cash flow is for six or nine months, but labelled another quarter."""
    _, spans = book.near
    months = spans.keys["months"].to_numpy()
    own = spans.keys["own"].to_numpy() & ~np.isnan(spans.items["Cfo"])
    longest = np.zeros(book.filings.height, np.int64)
    np.maximum.at(longest, spans.fid[own], months[own])
    second, third = labels
    other = ((longest == 6) & ~second) | ((longest == 9) & ~third)
    wrong = np.flatnonzero(judged & other & ~book.flag("annual"))
    if not len(wrong):
        return []
    failed = with_columns_from(
        book.filings[as_index(wrong)], end="period_end", actual=longest[wrong].astype(float)
    )
    said = "The facts are labelled {fiscal_period}, but the cash flow is for {actual} months."
    return [FindingText(failed, said)]
