"""Rules about a filing's dates: periods, report date, cover, future days, deadline."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Flags, Floats, equal_any
from core.domain.quality.facts.deadlines import FILERS, days_taken, slow
from core.domain.quality.facts.packing import as_index, ends, grouped, matched, packed
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.outcome import Outcome, outcome
from core.domain.quality.words import FindingText, facts_of, with_columns_from


def lengths(book: PeriodTable) -> Outcome:
    """Q36: some flow of the length the form asks for ends at the period end."""
    (_, spans), annual = book.near, book.flag("annual")
    periodic = book.flag("periodic") & ~book.flag("transition") & ~np.isnan(book.day("period_end"))
    months = spans.keys["months"].to_numpy()
    seen = spans.keys["own"].to_numpy() & periodic[spans.fid]
    fits = np.where(annual[spans.fid], months == 12, equal_any(months, (3, 6, 9)))
    fitting = np.zeros(len(annual), bool)
    fitting[spans.fid[seen & fits]] = True
    wrong, strays = seen & ~fitting[spans.fid], _strays(book)
    if not wrong.any():
        return outcome("Q36", spans.fid[seen], *strays)
    days = (pl.col("end") - pl.col("start")).dt.total_days() + 1
    rows = book.beside(spans.rows(wrong, []), "annual").group_by("fid").agg(
        start=pl.col("start").min(), end=pl.col("end").max(), actual=days.max().cast(pl.Float64),
        expected=pl.when(pl.col("annual").first()).then(365.0).otherwise(91.0),
    )  # fmt: skip
    said = "The longest flow to the period end covers {actual} days, but the form asks for about "
    return outcome("Q36", spans.fid[seen], FindingText(rows, said + "{expected}."), *strays)


def _strays(book: PeriodTable) -> list[FindingText]:
    """Periods of a headline item or two, a few days off a period that carries the statements."""
    rows = np.flatnonzero(book.flagged("headline") & (book.months > 0) & book.here)
    start, end = book.start[rows], book.end[rows]
    fid = book.fid[rows].astype(np.int64)
    first, of = grouped(packed([fid, start, end]))
    often, fid, start, end = np.bincount(of), fid[first], start[first], end[first]
    few, many = np.flatnonzero(often <= 2), np.flatnonzero(often >= STATEMENTS)
    left, right = matched(fid[few], fid[many])
    stray, of_all = few[left], many[right]
    near = np.abs(start[stray] - start[of_all]) <= STRAY_DAYS
    near &= np.abs(end[stray] - end[of_all]) <= STRAY_DAYS
    if not near.any():
        return []
    which, others = stray[near], of_all[near]
    full = book.long[["start", "end"]][as_index(rows[first[others]])]
    said = "{item} is given for {start} to {end}, but the statements are for {start_full} to "
    told = with_columns_from(
        book.long[as_index(rows[first[which]])], start_full=full["start"], end_full=full["end"],
        actual=end[which] - start[which] + 1.0, expected=end[others] - start[others] + 1.0,
    )  # fmt: skip
    return [FindingText(told, said + "{end_full}.")]


STATEMENTS, STRAY_DAYS = 8, 8


def report_dates(book: PeriodTable) -> Outcome:
    """Q37: the report date is the latest balance sheet date (3 days), and no report's before it.

    A list that gives the day of filing as the report's date says nothing of the period.
    """
    days = book.day("sheet_date") - book.day("report_date")
    made = book.day("filed") - book.day("report_date") >= SOONEST
    judged = book.flag("periodic") & ~np.isnan(days) & made
    wrong = judged & (np.abs(days) > 3)
    told = [_misdated(book, wrong, days)] if wrong.any() else []
    return outcome("Q37", np.flatnonzero(judged), *told, *_repeated(book))


SOONEST = 4  # days from the end of a period to its report


def _misdated(book: PeriodTable, wrong: Flags, days: Floats) -> FindingText:
    dated = with_columns_from(
        book.filings[as_index(np.flatnonzero(wrong))],
        end="sheet_date", expected=0.0, actual=days[wrong], tolerance=3.0, items=["Assets"],
    )  # fmt: skip
    said = "The balance sheet is dated {sheet_date}, but the report {report_date}."
    return FindingText(dated, said)


def _repeated(book: PeriodTable) -> list[FindingText]:
    """Reports without a report date whose balance sheet has the date of the report before."""
    sheet, filed = book.day("sheet_date"), book.day("filed")
    reports = book.originals & ~book.flag("transition") & ~np.isnan(sheet)
    fids = np.flatnonzero(reports & (book.filings["facts"].to_numpy() > FULL))
    company, here, before = book.filings["cik"].to_numpy(), fids[1:], fids[:-1]
    again = (company[here] == company[before]) & (np.abs(sheet[here] - sheet[before]) <= 3)
    again &= np.isnan(book.day("report_date")[here]) & (filed[here] > filed[before])
    if not again.any():
        return []
    dated = with_columns_from(
        book.filings[as_index(here[again])], told=book.filings["filed"][as_index(before[again])],
        end="sheet_date", items=["Assets"], tolerance=3.0,
    )  # fmt: skip
    said = (
        "The balance sheet is dated {sheet_date}, but so is that of the report of {told} before it."
    )
    return [FindingText(dated, said)]


FULL = 100  # facts of a whole report


def cover_dates(book: PeriodTable) -> Outcome:
    """Q38: the share count of the cover is dated at or after the balance sheet."""
    dated = book.originals & ~np.isnan(book.day("sheet_date"))
    where = np.flatnonzero(book.of(["CoverShares"]) & dated[book.fid])
    last = where[ends(book.fid[where])]
    fid = book.fid[last]
    days = book.end[last] - book.day("sheet_date")[fid]
    most = np.where(book.flag("annual")[fid], *COVER_DAYS)
    late = book.day("filed")[fid] - book.end[last] <= FRESH  # of a report that itself came late
    wrong = (days < -3) | ((days > most) & ~late)
    if not wrong.any():
        return outcome("Q38", fid)
    bad = book.rows_at(last[wrong], "sheet_date")
    failed = with_columns_from(
        bad, expected=0.0, actual=days[wrong], tolerance=most[wrong], rows=facts_of(bad, "row")
    )
    said = (
        "The cover's share count is dated {end}, but the balance sheet {sheet_date}: {actual} days."
    )
    return outcome("Q38", fid, FindingText(failed, said))


FRESH = 60  # days from the cover to the filing
COVER_DAYS = (240, 110)  # longest from the balance sheet to the cover: annual, quarterly


def future(book: PeriodTable) -> Outcome:
    """Q39: standard items do not end after the day of filing."""
    rows = np.flatnonzero(book.flagged("headline") & book.here)
    fid = book.fid[rows]
    late = book.end[rows] - book.day("filed")[fid] > 1
    if not late.any():
        return outcome("Q39", fid)
    bad = book.rows_at(rows[late], "filed")
    after = (book.end[rows] - book.day("filed")[fid])[late]
    failed = with_columns_from(
        bad, expected=0.0, actual=after, tolerance=1.0, rows=facts_of(bad, "row")
    )
    said = "{item} is of a period to {end}, after the filing of {filed}."
    return outcome("Q39", fid, FindingText(failed, said))


def deadline(book: PeriodTable) -> Outcome:
    """Q45: days from period end to filing against the deadline of the filer category."""
    taken = days_taken(book.filings)
    judged, late = ~np.isnan(taken), slow(book.filings, taken, book.rules)
    if not late.any():
        return outcome("Q45", np.flatnonzero(judged))
    more = pl.when(pl.col("filed").dt.year() < 2010).then(10).otherwise(0)
    failed = book.filings.filter(late).with_columns(days=pl.Series(taken[late]), due=_due(book))
    failed = failed.filter(pl.col("days") > pl.col("due") + more)
    if failed.is_empty():
        return outcome("Q45", np.flatnonzero(judged))
    failed = with_columns_from(failed, end="report_date", expected="due", actual="days")
    said = "Filed {actual} days after the period end, but {expected} are allowed."
    return outcome("Q45", np.flatnonzero(judged), FindingText(failed, said))


def _due(book: PeriodTable) -> pl.Expr:
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


def _recent(book: PeriodTable) -> pl.Expr:
    """The category is today's: older filings are given the longest deadline."""
    return (pl.lit(book.as_of) - pl.col("filed")).dt.total_days() <= RECENT_DAYS


RECENT_DAYS = 730


def _late_notice(book: PeriodTable) -> pl.Expr:
    """Extra days where an NT form of the company announces the delay of this period."""
    notices = book.other.filter(pl.col("form").is_in(["NT 10-K", "NT 10-Q"]))
    keys = notices.select(pl.struct("cik", "report_date")).to_series()
    extra_year, extra_quarter = book.rules.deadlines["extension"]
    extra = pl.when(pl.col("annual")).then(extra_year).otherwise(extra_quarter)
    return pl.when(pl.struct("cik", "report_date").is_in(keys.implode())).then(extra).otherwise(0)
