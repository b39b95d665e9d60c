"""What arrays hold: whole numbers, amounts, flags."""

from __future__ import annotations

from typing import Any

import numpy as np

Numbers = np.ndarray[Any, np.dtype[np.integer[Any]]]
Floats = np.ndarray[Any, np.dtype[np.float64]]  # NaN where none is given
Flags = np.ndarray[Any, np.dtype[np.bool_]]
