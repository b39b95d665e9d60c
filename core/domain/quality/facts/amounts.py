"""Items side by side: a row for each period of each filing, an array of amounts for each item.

A rule set has more than a hundred equations; planning them as expressions takes far longer than
computing them, so the amounts are arrays, NaN where none is given. Rows that fail become a frame.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.packing import as_index, as_int


@dataclass(frozen=True)
class Amounts:
    """Points (instants) or spans (durations) of all filings."""

    keys: pl.DataFrame  # fid, start (null for points), end, own, months, unit
    items: Mapping[str, Floats]
    filled: Mapping[str, Mapping[str, Flags]]  # item -> rule -> where that rule filled it
    unit: Floats  # of rounding, of the filing
    fid: Numbers

    @cached_property
    def there(self) -> frozenset[str]:
        """The items that any row gives."""
        return frozenset(n for n, value in self.items.items() if not np.isnan(value).all())

    @cached_property
    def start(self) -> Numbers:
        """The first day of each row, since 1970; of points one and the same number."""
        return as_int(self.keys["start"])

    @cached_property
    def end(self) -> Numbers:
        """The last day of each row, since 1970."""
        return as_int(self.keys["end"])

    def of(self, where: Flags, names: Collection[str] | None = None) -> Amounts:
        """Some of the rows, as amounts of their own (of all items, or those named)."""
        place = np.flatnonzero(where)
        filled = {
            item: {rule: made[place] for rule, made in by_rule.items()}
            for item, by_rule in self.filled.items()
        }
        names = [name for name in self.items if names is None or name in names]
        items = {name: self.items[name][place] for name in names}
        return Amounts(self.keys[as_index(place)], items, filled, self.unit[place], self.fid[place])

    def rows(self, where: Flags, names: Sequence[str] | None = None) -> pl.DataFrame:
        """Some rows as a frame: the keys, and the items (or those named), null where not given."""
        place = np.flatnonzero(where)
        columns = [
            pl.Series(name, self.items[name][place], nan_to_null=True)
            for name in (self.items if names is None else names)
        ]
        return self.keys[as_index(place)].hstack(columns)

    def greatest(self, names: Sequence[str]) -> Floats:
        """The greatest magnitude among some items."""
        sizes: Floats = np.fmax.reduce([np.abs(self.items[name]) for name in names])
        return sizes

    def first(self, names: Sequence[str]) -> Floats:
        """Of each row the first of some items that is given."""
        return first_given(*(self.items[name] for name in names))


def first_given(*amounts: Floats) -> Floats:
    """The first that is no NaN, row by row."""
    found = amounts[0]
    for others in amounts[1:]:
        found = np.where(np.isnan(found), others, found)
    return found
