"""What filings round their amounts to: ones, thousands, tenths of a million or millions."""

from __future__ import annotations

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Flags, Floats, Numbers

UNITS = (1.0, 1e3, 1e5, 1e6)
LEAST = 1e4  # smaller amounts say little of what they are rounded to


def rounding_units(value: pl.Series, money: Flags, filing: Numbers, filings: int) -> Floats:
    """Of each filing the most common of UNITS over the trailing zeros of its larger amounts.

    `filing` numbers the filing of each value, `money` says which values are amounts.
    """
    amounts, marks = value.to_numpy(), np.zeros(len(value), np.uint8)
    big = np.flatnonzero(money & (np.abs(amounts) >= LEAST))
    with np.errstate(invalid="ignore"):  # infinite less infinite
        whole = [amounts[big] - np.floor(amounts[big] / size) * size == 0 for size in UNITS[1:]]
    marks[big] = 1 + sum(whole)
    width = len(UNITS) + 1
    sizes = np.bincount(filing * width + marks, minlength=filings * width).reshape(-1, width)
    units: Floats = np.array(UNITS)[sizes[:, 1:].argmax(axis=1)]
    return units
