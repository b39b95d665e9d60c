"""The plan beside the scan is told in words that need no page of their own."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from components.parts import candidate, glossary, plans


@pytest.mark.parametrize(
    ("through", "said"),
    [
        (2.17, "Opens past such a stop have cost 2.2 R in the mean."),
        (1.0, "It never opened past such a stop."),
        (None, ""),
    ],
)
def test_what_an_open_past_the_stop_cost_is_a_sentence(through: float | None, said: str) -> None:
    """The figure has its words beside it, and its meaning in the glossary."""
    plan = SimpleNamespace(gap_through_risk_r=through)
    assert candidate.past_the_stop(plan) == said  # type: ignore[arg-type]
    assert "in R" in glossary.meaning(plans.PAST_THE_STOP)
