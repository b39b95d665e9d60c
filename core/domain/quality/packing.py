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


def pivoted(
    long: pl.DataFrame, items: Sequence[str], names: Sequence[str], index: list[str]
) -> pl.DataFrame:
    """One row per filing and period, in order of appearance, with a column per name.

    `item` is an enum of `items`; a filing gives an item of a period once, as a finite value.
    """
    place = packed(long, [key for key in index if key in PERIOD])
    _, first, found = np.unique(place, return_index=True, return_inverse=True)
    order = np.argsort(first)
    row = np.empty_like(order)
    row[order] = np.arange(len(order))
    cells = np.full((len(items), len(order)), np.nan)
    cells[long["item"].to_physical().to_numpy(), row[found]] = long["value"].to_numpy()
    number = {item: n for n, item in enumerate(items)}
    columns = [pl.Series(name, cells[number[name]], nan_to_null=True) for name in names]
    return long.select(index)[first[order]].hstack(columns)


PERIOD = ("fid", "start", "end")
