"""How long reports may take: which of them took longer than the quickest filers are allowed."""

from __future__ import annotations

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Flags, Floats
from core.domain.quality.facts.packing import days
from core.domain.quality.model import Ruleset

FILERS = ("foreign", "other", "accelerated", "large")
BY_CATEGORY = ("accelerated", "large")  # their days depend on how long ago they filed


def days_taken(filings: pl.DataFrame) -> Floats:
    """Days from the report date to the day of filing; NaN where that says nothing."""
    plain = filings["periodic"] & ~filings["amendment"] & ~filings["transition"] & filings["listed"]
    taken = days(filings["filed"]) - days(filings["report_date"])
    return np.where(plain.to_numpy(), taken, np.nan)


def slow(filings: pl.DataFrame, taken: Floats, rules: Ruleset) -> Flags:
    """Which took longer than the shortest that any filer is allowed."""
    limits = rules.deadlines
    shortest = [min(limits[filer][n] for filer in FILERS) for n in (0, 1)]
    late: Flags = taken > np.where(filings["annual"].to_numpy(), *shortest) + limits["grace"]
    return late
