"""The share count on the cover of a filing against what else is known of it."""

from __future__ import annotations

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Flags, Floats, Numbers, equal_any
from core.domain.quality.facts.packing import as_index, packed
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.outcome import Outcome, outcome
from core.domain.quality.rules.shares import INCOMES
from core.domain.quality.rules.splits import told_ratios
from core.domain.quality.words import FindingText, facts_of, with_columns_from

FACTOR = 100.0
MILLION = 1e6
BEYOND = 1e13  # shares: nobody has so many
NO_COUNTS = (0.0, 12345.0)  # on a cover that nobody filled in
PLACEHOLDERS = (1.0, 10.0, 100.0, 1000.0)  # shares of a company before its offering


def cover(book: PeriodTable) -> Outcome:
    """Q31: the cover's share count against the statements' (outstanding, else weighted).

    Where the statements give none, or a placeholder, against the cover of the filing before; that
    one may be wrong itself, so a count that the filing's own earnings per share agree with stands,
    and so does one that is of the size of the cover before that one.
    """
    counted, stated = _latest(book, book.of(["CoverShares"])), _stated(book)
    value = np.append(book.value, np.nan)  # the last for filings without one
    given = (counted >= 0) & ~equal_any(value[counted], NO_COUNTS)
    told = given & (value[stated] > 0) & ~_placeholder(value[stated])
    before = _before(book, counted)
    judged = told | (given & (value[before] > 0) & ~_placeholder(value[before]))
    against = np.where(told, stated, before)
    split = told_ratios(book).clip(1.0, 1000.0)  # counts may mix both bases
    most = FACTOR * np.where(np.isnan(split), np.where(told, 1.0, 10.0), split)
    ratio = value[counted] / value[against]
    far = judged & ~((ratio >= 1 / most) & (ratio <= most))
    agreed = _as_earned(book, value[counted]) | _as_two_before(book, counted, before, most)
    issued = _latest(book, book.of(["SharesIssued"]) & book.own & book.here & (book.value > 0))
    sheet = np.where(stated >= 0, stated, issued)
    millions = given & (sheet >= 0) & (value[counted] == MILLION * value[sheet])
    against = np.where(millions, sheet, against)
    over = given & (value[counted] >= BEYOND)
    against = np.where(over & (against < 0), counted, against)
    wrong = np.flatnonzero((far & (told | ~agreed)) | millions | over)
    judged |= millions | over
    told |= millions
    if not len(wrong):
        return outcome("Q31", np.flatnonzero(judged))
    there, other = counted[wrong], against[wrong]
    bad = with_columns_from(book.long[as_index(there)], other=book.long["row"][as_index(other)])
    failed = with_columns_from(
        bad, expected=value[other], actual="value", tolerance=value[other] * most[wrong],
        rows=facts_of(bad, "row", "other"),
        by=pl.Series(np.where(told[wrong], "statements", "cover of the filing before")),
    )  # fmt: skip
    said = "The cover gives {value} shares outstanding, but the {by} {expected}."
    return outcome("Q31", np.flatnonzero(judged), FindingText(failed, said))


def _as_two_before(book: PeriodTable, counted: Numbers, before: Numbers, most: Floats) -> Flags:
    """Whether a count of each filing is of the size of that two filings before."""
    earlier = np.where(before >= 0, before[np.append(book.fid, 0)[before]], -1)
    value = np.append(book.value, np.nan)  # the last for filings without one
    ratio = value[counted] / value[earlier]
    alike: Flags = (ratio >= 1 / most) & (ratio <= most)
    return alike


def _as_earned(book: PeriodTable, count: Floats) -> Flags:
    """Whether a count of each filing is about its own income over its earnings per share."""
    _, spans = book.near
    income, eps = spans.first(INCOMES), spans.first(("EpsBasic", "EpsDiluted"))
    sure = spans.keys["own"].to_numpy() & (np.abs(eps) >= LEAST_EPS)
    near = np.abs(np.log10(income / eps / count[spans.fid])) <= EARNED_POWERS
    agrees = np.zeros(book.filings.height, bool)
    agrees[spans.fid[sure & near]] = True
    return agrees


LEAST_EPS = 0.05  # below it cents say little of a count
EARNED_POWERS = 0.5  # of ten: a third of it to three times


def _placeholder(count: Floats) -> Flags:
    """Round counts of a shell, before its offering or the merger that it was made for."""
    shell: Flags = equal_any(count, PLACEHOLDERS) | ((count <= SHELL) & (count % 1000 == 0))
    return shell | (count < FOUNDERS)


SHELL = 100_000
FOUNDERS = 10  # shares of those who founded it; nobody tells so few in millions


def _stated(book: PeriodTable) -> Numbers:
    """Of each filing the row of `long` with the share count of its statements; -1: none but 0."""
    found, counts = np.full(book.filings.height, -1), book.own & book.here & (book.value > 0)
    for item in ("SharesDiluted", "SharesBasic", "SharesOutstanding"):
        latest = _latest(book, book.of([item]) & counts)
        found = np.where(latest >= 0, latest, found)
    return found


def _latest(book: PeriodTable, where: Flags) -> Numbers:
    """Of each filing the row of `long` with its latest value; -1: none."""
    rows = np.flatnonzero(where)
    order = rows[np.argsort(packed([book.fid[rows], book.end[rows], book.start[rows]]))]
    found = np.full(book.filings.height, -1)
    found[book.fid[order]] = order
    return found


def _before(book: PeriodTable, counted: Numbers) -> Numbers:
    """Of each filing with a count, the count of the company's filing before that has one."""
    fids = np.flatnonzero(counted >= 0)
    company = book.filings["cik"].to_numpy()[fids]
    same = company[1:] == company[:-1]
    found = np.full(len(counted), -1)
    found[fids[1:][same]] = counted[fids[:-1][same]]
    return found
