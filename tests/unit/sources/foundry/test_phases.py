"""How far a fetch from the container is, by its batches and by the bytes of its file."""

from __future__ import annotations

import pytest

from core.sources.foundry import phases


@pytest.mark.parametrize(
    ("message", "share"),
    [
        ("Downloading batch 1 of 4 of 'P'", 0.0),
        ("Downloading batch 4 of 4 of 'P'", 0.75),
        ("Downloading batch 5 of 4 of 'P'", None),
        ("Downloading batch 0 of 0 of 'P'", None),
        ("Found 12 rows in 'P', starting download in 4 batch(es)", None),
    ],
)
def test_a_batch_begins_after_those_before_it(message: str, share: float | None) -> None:
    """Its number tells how many the container has; nonsense tells nothing."""
    assert phases.asked(message) == share


@pytest.mark.parametrize(
    ("size", "whole", "share"), [(5, 10, 0.5), (10, 10, 1.0), (11, 10, None), (5, None, None)]
)
def test_bytes_of_a_file_of_known_length(size: int, whole: int | None, share: float | None) -> None:
    """Without a length, or beyond it, no share is known."""
    assert phases.came(size, whole) == share


def test_the_query_comes_before_the_file_and_storing_after_it() -> None:
    """60 percent and 80: a bar never goes back."""
    assert phases.percent(0.75, None) == 45.0
    assert [phases.percent(None, share) for share in (0.0, 0.5, 1.0)] == [60.0, 70.0, 80.0]
    assert phases.percent(None, None) is None
