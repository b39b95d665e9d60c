"""The suite notices a desk that a test leaves running."""

from __future__ import annotations

import pytest

from core.jobs.runner import Engine
from tests import left_running


def test_an_engine_that_was_left_running_is_told_once() -> None:
    """Whoever comes after it is not blamed, too."""
    engine = Engine([])
    engine.start()
    try:
        with pytest.raises(AssertionError, match="left running"):
            left_running.judge()
        left_running.judge()
    finally:
        engine.close()


def test_an_engine_that_was_closed_is_none() -> None:
    """Its thread is over."""
    engine = Engine([])
    engine.start()
    engine.close()
    left_running.judge()
