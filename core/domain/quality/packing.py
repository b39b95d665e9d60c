"""Several columns as one number a row: far cheaper to sort and to group than rows of columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

Numbers = np.ndarray[Any, np.dtype[np.int64]]
MOST = 2**63


def packed(frame: pl.DataFrame, keys: Sequence[str]) -> Numbers:
    """One number a row that orders as the keys (integers, dates, enums) do; nulls come first."""
    whole = frame.select(pl.col(keys).to_physical().cast(pl.Int64))
    number, room = np.zeros(frame.height, np.int64), 1
    for column in whole.iter_columns():
        values, width = _from_zero(column)
        if room * width >= MOST:
            number, room = np.unique(number, return_inverse=True)[1], frame.height
        number, room = number * width + values, room * width
    return number


def _from_zero(column: pl.Series) -> tuple[Numbers, int]:
    """The values counted from the least, nulls as one less than it, and how many could occur."""
    low, high = column.min(), column.max()
    if not isinstance(low, int) or not isinstance(high, int):
        return np.zeros(len(column), np.int64), 1
    low -= column.null_count() > 0
    return column.fill_null(low).to_numpy() - low, high - low + 1
