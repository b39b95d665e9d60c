"""Weights, bounds and rules of trades that make no sense are refused, and what is just allowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from core.domain.gaps.backtest import TradeRules
from core.domain.gaps.filters import GapFilters
from core.domain.gaps.scoring import Weights
from core.errors import UsageError

REFUSED: dict[str, Callable[[], object]] = {
    "follow or fade": lambda: TradeRules(side=cast(Any, "both")),
    "stop, target": lambda: TradeRules(stop_atr=0.0),
    "above zero": lambda: TradeRules(target_r=-1.0),
    "sessions held": lambda: TradeRules(hold_sessions=0),
    "costs not below": lambda: TradeRules(cost_bps=-0.1),
    "must not be negative": lambda: Weights(volatility=-0.1),
    "one must be above zero": lambda: Weights(0.0, 0.0, 0.0, 0.0),
    "luck is no component": lambda: Weights().changed({"luck": 1.0}),
    "luck is not a filter": lambda: GapFilters().changed({"luck": 1.0}),
    "exclusions is not a filter": lambda: GapFilters().changed({"exclusions": 1.0}),
}


@pytest.mark.parametrize("said", REFUSED)
def test_a_choice_that_makes_no_sense_is_refused(said: str) -> None:
    """With the word that is wrong."""
    with pytest.raises(UsageError, match=said):
        REFUSED[said]()


def test_the_ends_of_what_is_allowed() -> None:
    """No cost and one session are choices; so is a score of one part."""
    assert TradeRules(cost_bps=0.0, hold_sessions=1).cost_bps == 0.0
    assert Weights(0.0, 0.0, 0.0, 1.0).changed(None).liquidity == 1.0
    assert GapFilters().changed({"min_rvol": 0.0}).min_rvol == 0.0
