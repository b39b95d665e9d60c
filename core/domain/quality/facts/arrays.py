"""What arrays hold: whole numbers, amounts, flags."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

Numbers = np.ndarray[Any, np.dtype[np.integer[Any]]]
Floats = np.ndarray[Any, np.dtype[np.float64]]  # NaN where none is given
Flags = np.ndarray[Any, np.dtype[np.bool_]]


def equal_any(numbers: Numbers | Floats, few: Collection[float]) -> Flags:
    """Which of the numbers are one of a few: a comparison each is sooner than a set of them."""
    found = np.zeros(numbers.shape, bool)
    for value in few:
        found |= numbers == value
    return found


def or_zero(numbers: Floats) -> Floats:
    """The numbers; 0 where none is given (NaN)."""
    return np.where(np.isnan(numbers), 0.0, numbers)
