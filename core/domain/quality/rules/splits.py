"""Splits of shares, as filings tell them by a ratio."""

from __future__ import annotations

import numpy as np

from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.table import PeriodTable

RATIOS = "^StockholdersEquity(NoteStockSplitConversionRatio1|ReverseStockSplitRatio)$"
ABOUT = 3.0  # times the ratio: shares were issued, too


def told_ratios(book: PeriodTable) -> Floats:
    """The greatest split ratio (>= 1, either way round) each filing tells of, else NaN."""
    rows = book.measuring(book.named(RATIOS))
    ratio, fid = book.facts["value"].to_numpy()[rows], book.facts["fid"].to_numpy()[rows]
    told = ratio > 0
    found = np.full(book.filings.height, np.nan)
    np.fmax.at(found, fid[told], np.maximum(ratio[told], 1 / ratio[told]))
    return found


def as_split(book: PeriodTable, fid: Numbers, value: Floats, was: Floats) -> Flags:
    """Which counts of some filings are about what they were over the ratio that is told there."""
    if not len(fid):
        return np.zeros(0, bool)
    ratio = np.maximum(value / was, was / value) / told_ratios(book)[fid]
    about: Flags = (ratio > 1 / ABOUT) & (ratio < ABOUT)
    return about


def five_for_four(fid: Numbers, value: Floats, was: Floats, cents: Flags) -> Flags:
    """Which counts, and earnings per share of the same filings, are five for four, or the inverse.

    So small a change may be no split: the counts tell it to a thousandth, and so of the earnings.
    """
    sizes = np.abs(value), np.abs(was)
    large, small = np.maximum(*sizes), np.minimum(*sizes)
    apart = np.abs(large - small * FIVE_FOR_FOUR)
    counts = ~cents & (apart <= large * EXACT)
    earnings = cents & (apart <= HALF_CENTS * (1 + FIVE_FOR_FOUR))
    split: Flags = counts | (earnings & np.isin(fid, fid[counts]))
    return split


FIVE_FOR_FOUR, EXACT, HALF_CENTS = 1.25, 0.001, 0.0051
