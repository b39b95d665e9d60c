"""Kupiec's statistic where nothing or everything went beyond the figure."""

from __future__ import annotations

import math

import pytest

from core.domain.risk.measures import kupiec


@pytest.mark.parametrize("confidence", [0.95, 0.99])
@pytest.mark.parametrize("observations", [1, 20, 250])
def test_the_ends_have_a_closed_form(observations: int, confidence: float) -> None:
    """Only one of the two probabilities is left in the likelihood, and the best one is certain."""
    none = kupiec(observations, 0, confidence)
    every = kupiec(observations, observations, confidence)
    assert none.statistic == pytest.approx(-2 * observations * math.log(confidence))
    assert every.statistic == pytest.approx(-2 * observations * math.log(1 - confidence))
