"""Rules about a filing's own labels: dates, periods, duplicates, units, concepts, deadline."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from core.domain.quality.amounts import Flags, Floats
from core.domain.quality.book import Book
from core.domain.quality.chosen import MONEY
from core.domain.quality.measures import UNIT_KINDS
from core.domain.quality.outcome import NOTHING, Outcome, outcome
from core.domain.quality.packing import ends, grouped, matched, packed
from core.domain.quality.words import say

NULL_DAY = pl.lit(None, pl.Date)


def lengths(book: Book) -> Outcome:
    """Q36: some flow of the length the form asks for ends at the period end."""
    spans, annual = book.spans, book.flag("annual")
    periodic = book.flag("periodic") & ~book.flag("transition") & ~np.isnan(book.day("period_end"))
    months = spans.keys["months"].to_numpy()
    seen = spans.keys["own"].to_numpy() & periodic[spans.fid]
    fits = np.where(annual[spans.fid], months == 12, np.isin(months, (3, 6, 9)))
    fitting = np.zeros(len(annual), bool)
    fitting[spans.fid[seen & fits]] = True
    wrong, strays = seen & ~fitting[spans.fid], _strays(book)
    if not wrong.any():
        return outcome("Q36", spans.fid[seen], strays)
    days = (pl.col("end") - pl.col("start")).dt.total_days() + 1
    rows = book.beside(spans.rows(wrong, []), "annual").group_by("fid").agg(
        start=pl.col("start").min(), end=pl.col("end").max(), actual=days.max().cast(pl.Float64),
        expected=pl.when(pl.col("annual").first()).then(365.0).otherwise(91.0),
    )  # fmt: skip
    said = "The longest flow to the period end covers {actual} days, but the form asks for about "
    failed = say(rows, said + "{expected}.")
    shape = ["fid", "start", "end", "expected", "actual", "message"]
    told = [frame.select(shape) for frame in (failed, strays) if not frame.is_empty()]
    return outcome("Q36", spans.fid[seen], pl.concat(told))


def _strays(book: Book) -> pl.DataFrame:
    """Periods of a headline item or two, a few days off a period that carries the statements."""
    rows = np.flatnonzero(book.flagged("headline") & (book.months > 0))
    start, end = book.start[rows], book.end[rows]
    fid = book.fid[rows].astype(np.int64)
    first, of = grouped(packed([fid, start, end]))
    often, fid, start, end = np.bincount(of), fid[first], start[first], end[first]
    few, full = np.flatnonzero(often <= 2), np.flatnonzero(often >= STATEMENTS)
    left, right = matched(fid[few], fid[full])
    stray, of_all = few[left], full[right]
    near = np.abs(start[stray] - start[of_all]) <= STRAY_DAYS
    near &= np.abs(end[stray] - end[of_all]) <= STRAY_DAYS
    if not near.any():
        return NOTHING
    full_periods = book.long.select(start_full="start", end_full="end")[rows[first[of_all[near]]]]
    both = book.long[rows[first[stray[near]]]].hstack(full_periods)
    days = [
        (pl.col(f"end{of}") - pl.col(f"start{of}")).dt.total_days() + 1.0 for of in ("", "_full")
    ]
    said = "{item} is given for {start} to {end}, but the statements are for {start_full} to "
    return say(both.with_columns(actual=days[0], expected=days[1]), said + "{end_full}.")


STATEMENTS, STRAY_DAYS = 8, 8


def report_dates(book: Book) -> Outcome:
    """Q37: the report date is the latest balance sheet date (3 days), and no report's before it."""
    days = book.day("sheet_date") - book.day("report_date")
    judged = book.flag("periodic") & ~np.isnan(days)
    wrong = judged & (np.abs(days) > 3)
    told = [_misdated(book, wrong, days)] if wrong.any() else []
    told = [frame for frame in (*told, _repeated(book)) if not frame.is_empty()]
    return outcome("Q37", np.flatnonzero(judged), pl.concat(told) if told else NOTHING)


MISDATED = ["fid", "end", "expected", "actual", "tolerance", "message", "items"]


def _misdated(book: Book, wrong: Flags, days: Floats) -> pl.DataFrame:
    dated = book.filings.filter(wrong).with_columns(
        end="sheet_date", expected=pl.lit(0.0), actual=pl.Series(days[wrong]),
        tolerance=pl.lit(3.0), items=pl.lit(["Assets"]),
    )  # fmt: skip
    said = "The balance sheet is dated {sheet_date}, but the report {report_date}."
    return say(dated, said).select(MISDATED)


def _repeated(book: Book) -> pl.DataFrame:
    """Reports without a report date whose balance sheet has the date of the report before."""
    reports = book.originals & ~book.flag("transition") & ~np.isnan(book.day("sheet_date"))
    reports &= book.filings["facts"].to_numpy() > FULL
    if not (reports & np.isnan(book.day("report_date"))).any():
        return NOTHING
    forms = book.filings.filter(reports)
    same = (pl.col("sheet_date") - pl.col("before")).dt.total_days().abs() <= 3
    forms = forms.with_columns(
        before=pl.col("sheet_date").shift(1).over("cik"), told=pl.col("filed").shift(1).over("cik")
    ).filter(same, pl.col("report_date").is_null(), pl.col("filed") > pl.col("told"))
    if forms.is_empty():
        return NOTHING
    none = pl.lit(None, pl.Float64)
    dated = forms.with_columns(
        end="sheet_date", items=pl.lit(["Assets"]), expected=none, actual=none,
        tolerance=pl.lit(3.0),
    )  # fmt: skip
    said = (
        "The balance sheet is dated {sheet_date}, but so is that of the report of {told} before it."
    )
    return say(dated, said).select(MISDATED)


FULL = 100  # facts of a whole report


def cover_dates(book: Book) -> Outcome:
    """Q38: the share count of the cover is dated at or after the balance sheet."""
    dated = book.originals & ~np.isnan(book.day("sheet_date"))
    where = np.flatnonzero(book.of(["CoverShares"]) & dated[book.fid])
    last = where[ends(book.fid[where])]
    fid = book.fid[last]
    days = book.end[last] - book.day("sheet_date")[fid]
    most = np.where(book.flag("annual")[fid], *COVER_DAYS)
    wrong = (days < -3) | (days > most)
    if not wrong.any():
        return outcome("Q38", fid)
    failed = book.rows_at(last[wrong], "sheet_date").with_columns(
        expected=pl.lit(0.0), actual=pl.Series(days[wrong]), tolerance=pl.Series(most[wrong]),
        rows=pl.concat_list("row"),
    )  # fmt: skip
    said = (
        "The cover's share count is dated {end}, but the balance sheet {sheet_date}: {actual} days."
    )
    return outcome("Q38", fid, failed, said)


COVER_DAYS = (240, 110)  # longest from the balance sheet to the cover: annual, quarterly


def future(book: Book) -> Outcome:
    """Q39: standard items do not end after the day of filing."""
    rows = np.flatnonzero(book.flagged("headline"))
    fid = book.fid[rows]
    late = book.end[rows] - book.day("filed")[fid] > 1
    if not late.any():
        return outcome("Q39", fid)
    days = (pl.col("end") - pl.col("filed")).dt.total_days()
    failed = book.beside(book.long[rows[late]], "filed").with_columns(
        expected=pl.lit(0.0),
        actual=days,
        tolerance=pl.lit(1.0),
        rows=pl.concat_list("row"),
    )
    said = "{item} is of a period to {end}, after the filing of {filed}."
    return outcome("Q39", fid, failed, said)


def duplicates(book: Book) -> Outcome:
    """Q40: facts stated more than once with values that differ beyond the coarser rounding."""
    keys = ["fid", "taxonomy", "concept", "unit", "period_start", "period_end"]
    if not (book.facts["seq"].to_numpy() > 0).any():
        return outcome("Q40", book.filings["fid"])
    again = book.facts.filter(pl.col("seq") > 0).select(keys).unique()
    twice = book.facts.join(again, on=keys, how="semi", nulls_equal=True)
    spread = twice.group_by(keys).agg(
        low=pl.col("value").min(), high=pl.col("value").max(), rows="row", unit_size=_coarsest()
    )
    room = pl.when(pl.col("unit").str.contains(r"^[A-Z]{3}$")).then(pl.col("unit_size") / 2)
    wrong = spread.filter(pl.col("high") - pl.col("low") > room.fill_null(0.0))
    if wrong.is_empty():
        return outcome("Q40", book.filings["fid"])
    failed = wrong.with_columns(
        start="period_start",
        end="period_end",
        expected="low",
        actual="high",
        tolerance=room,
    )
    said = "{concept} is given as {low} and as {high} for the same period."
    return outcome("Q40", book.filings["fid"], failed, said)


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
    pieces = []
    if wrong.any():
        meant = pl.Series([SPOKEN.get(kind, kind) for kind in UNIT_KINDS])[known.kind[wrong]]
        said = "{concept} is given in {unit}, but should be in {meant}."
        pieces.append(say(_known(book, wrong).with_columns(meant=meant), said).drop("meant"))
    if (amounts & ~known.home).any():
        pieces.append(_second_currency(book, amounts))
    if not pieces:
        return outcome("Q41", known.fid)
    failed = pl.concat(pieces).unique(["fid", "row"], keep="first", maintain_order=True)
    failed = failed.with_columns(actual="value", rows=pl.concat_list("row"))
    return outcome("Q41", known.fid, failed)


def _known(book: Book, where: Flags) -> pl.DataFrame:
    """Some known facts: fid, row, taxonomy, concept, unit, start, end, value."""
    return book.facts.select(
        "fid", "row", "taxonomy", "concept", "unit", "value",
        start="period_start", end="period_end",
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
    alone = alone.with_columns(currency=known.currency.gather(alone["fid"]))
    said = "{concept} is given in {unit}, but the filing reports in {currency}."
    return say(alone, said).drop("currency")


def retired(book: Book) -> Outcome:
    """Q43: facts of the own period under a concept retired more than a year before."""
    judged = np.flatnonzero(book.filings["facts"].to_numpy() > 50)
    years = book.rules.retired
    rows = book.measuring(pl.col("concept").is_in(list(years)))
    if not len(rows):
        return outcome("Q43", judged)
    year = pl.col("concept").replace_strict(years, return_dtype=pl.Int32)
    used = book.facts[rows].select(
        "fid", "row", "concept", "filed", "value", start="period_start", end="period_end", year=year
    )
    used = book.beside(used, "period_end")
    old = (pl.col("filed").dt.year() > pl.col("year") + 2) & (pl.col("end") == pl.col("period_end"))
    wrong = used.filter(old)
    if wrong.is_empty():
        return outcome("Q43", judged)
    failed = wrong.with_columns(
        actual="value", rows=pl.concat_list("row"), left=pl.col("year").cast(pl.String),
        used=pl.col("filed").dt.year().cast(pl.String),
    )  # fmt: skip
    said = "{concept} left the taxonomy after {left}, but is used in a filing of {used}."
    return outcome("Q43", judged, failed, said)


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
    return outcome("Q51", np.flatnonzero(judged), failed, said)


def deadline(book: Book) -> Outcome:
    """Q45: days from period end to filing against the deadline of the filer category."""
    limits, taken = book.rules.deadlines, book.day("filed") - book.day("report_date")
    judged = book.originals & ~book.flag("transition") & book.flag("listed") & ~np.isnan(taken)
    # The shortest that any filer is allowed: who kept to it, need not be looked at.
    shortest = [min(limits[filer][n] for filer in FILERS) for n in (0, 1)]
    slow = judged & (taken > np.where(book.flag("annual"), *shortest) + limits["grace"])
    if not slow.any():
        return outcome("Q45", np.flatnonzero(judged))
    more = pl.when(pl.col("filed").dt.year() < 2010).then(10).otherwise(0)
    failed = book.filings.filter(slow).with_columns(days=pl.Series(taken[slow]), due=_due(book))
    failed = failed.filter(pl.col("days") > pl.col("due") + more)
    if failed.is_empty():
        return outcome("Q45", np.flatnonzero(judged))
    failed = failed.with_columns(
        end="report_date",
        expected="due",
        actual="days",
    )
    said = "Filed {actual} days after the period end, but {expected} are allowed."
    return outcome("Q45", np.flatnonzero(judged), failed, said)


FILERS = ("foreign", "other", "accelerated", "large")


def _due(book: Book) -> pl.Expr:
    """The days that each filing is allowed."""
    limits = book.rules.deadlines
    due: Any = pl.when(pl.lit(False)).then(0)
    for filer in FILERS:
        year, quarter = limits[filer]
        days = pl.when(pl.col("annual")).then(year).otherwise(quarter)
        due = due.when((pl.col("filer") == filer) & (_recent(book) | (filer == "foreign"))).then(
            days
        )
    year, quarter = limits["other"]
    due = due.otherwise(pl.when(pl.col("annual")).then(year).otherwise(quarter))
    allowed: pl.Expr = due + limits["grace"] + _late_notice(book)
    return allowed


def _recent(book: Book) -> pl.Expr:
    """The category is today's: older filings are given the longest deadline."""
    return (pl.lit(book.as_of) - pl.col("filed")).dt.total_days() <= RECENT_DAYS


RECENT_DAYS = 730


def _late_notice(book: Book) -> pl.Expr:
    """Extra days where an NT form of the company announces the delay of this period."""
    notices = book.other.filter(pl.col("form").is_in(["NT 10-K", "NT 10-Q"]))
    keys = notices.select(pl.struct("cik", "report_date")).to_series()
    extra_year, extra_quarter = book.rules.deadlines["extension"]
    extra = pl.when(pl.col("annual")).then(extra_year).otherwise(extra_quarter)
    return pl.when(pl.struct("cik", "report_date").is_in(keys.implode())).then(extra).otherwise(0)
