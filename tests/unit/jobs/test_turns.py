"""Threads take short turns while anything is pulled, and the usual ones otherwise."""

from __future__ import annotations

import sys

import pytest

from core.jobs.pulling import switching as turns


def test_turns_are_short_until_the_last_pull_is_over():
    """Pulls overlap in any order, and one that fails gives the long turns back too."""
    usual = sys.getswitchinterval()
    first, second = turns.short_switch_interval(), turns.short_switch_interval()
    first.__enter__()
    assert sys.getswitchinterval() == pytest.approx(turns.SHORT_SECONDS)
    second.__enter__()
    first.__exit__(None, None, None)
    assert sys.getswitchinterval() == pytest.approx(turns.SHORT_SECONDS)
    second.__exit__(None, None, None)
    assert sys.getswitchinterval() == pytest.approx(usual)
    with pytest.raises(ValueError, match="no"), turns.short_switch_interval():
        raise ValueError("no")
    assert sys.getswitchinterval() == pytest.approx(usual)
