"""The sentence that says why a gap is left out: what is known goes before what is guessed."""

from __future__ import annotations

from datetime import date

import polars as pl

from core.domain.gaps import flags
from core.domain.gaps import measure as gaps
from core.domain.gaps.filters import GapFilters, failed
from core.domain.timetable import sessions as calendar
from tests import price_cases

DAYS = calendar.sessions_between(date(2018, 1, 2), date(2018, 12, 31))["session"]


def test_an_action_on_record_is_told_before_a_suspicion() -> None:
    """A spin-off near a split's ratio: the record is a fact, the ratio a guess."""
    both = int(flags.Flag.SUSPECTED_SPLIT | flags.Flag.ACTION)
    told = pl.DataFrame({"flags": [both]}).select(flags.reason()).item()
    assert told == "corporate_action: on record for this session"


def test_a_mean_volume_that_lacks_sound_bars_is_not_said_to_lack_history() -> None:
    """Sixty sessions of history, six of the last twenty unsound."""
    bars = pl.concat(
        [price_cases.steady(DAYS[:60], 100.0, 1e6), price_cases.steady(DAYS[60:61], 106.0, 5e6)]
    )
    unsound = pl.col("session").is_in(DAYS[42:54:2].implode())
    row = gaps.measure(bars.with_columns(low=pl.when(~unsound).then("low").otherwise(-1.0)), DAYS)
    why = row.tail(1).select(failed(GapFilters())).item()
    assert why == (
        "filter: relative volume n/a (fewer than 20 sessions of history, or fewer than 15 sound "
        "bars in them)"
    )
