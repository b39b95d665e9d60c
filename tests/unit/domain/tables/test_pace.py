"""How fast a pull is and when it will be done."""

from __future__ import annotations

import pytest

from core.domain.tables.pace import Counted, Pace, Usual, pace

NONE = Usual()


@pytest.mark.parametrize(
    ("rows", "percent", "elapsed", "usual", "found"),
    [
        (500, 25.0, 10.0, NONE, Pace(50.0, 25.0, 30.0)),
        (500, None, 10.0, Usual(40.0), Pace(50.0, 25.0, 30.0)),
        (500, 25.0, 10.0, Usual(400.0), Pace(50.0, 25.0, 30.0)),  # its own count is nearer
        (None, None, 50.0, Usual(40.0), Pace(None, 99.0, None)),  # late: no rest is told
        (500, None, 10.0, NONE, Pace(50.0, None, None)),
        (500, 100.0, 10.0, NONE, Pace(50.0, 99.0, None)),  # what runs is not done
        (500, 0.2, 10.0, NONE, Pace(50.0, 0.2, None)),
        (500, None, None, Usual(40.0), Pace()),
        (500, 40.0, 0.0, NONE, Pace(None, 40.0, None)),
    ],
)
def test_rate_percent_and_rest(
    rows: int | None, percent: float | None, elapsed: float | None, usual: Usual, found: Pace
) -> None:
    """By its own count where it has one, else by what earlier pulls took."""
    assert pace(rows, percent, elapsed, usual) == found


def test_what_went_before_the_count_has_another_pace() -> None:
    """A minute of waiting for the container, then a tenth in two seconds: 36 more, not 100."""
    found = pace(1000, 64.0, 62.0, NONE, Counted(60.0, 4.0))
    assert found.seconds_left == pytest.approx(36.0)
    assert pace(None, 60.0, 62.0, NONE, Counted(60.0, 4.0)).seconds_left is None
