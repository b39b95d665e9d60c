"""The ranges that a reader zoomed a chart to, as the address has them.

`zoom=NAME|x0|x1|y0|y1`, once a chart: written by app/static/charts.js, read when a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

PARAMETER = "zoom"
MOST = 10  # charts

End = float | str  # of a range: a number, or an instant as ISO text


@dataclass(frozen=True, slots=True)
class Zoom:
    """What is seen of a chart."""

    x: tuple[End, End]
    y: tuple[End, End]


def of(name: str, given: Sequence[str]) -> Zoom | None:
    """The ranges of the chart of that name among those of an address; None where they are none."""
    for text in given[:MOST]:
        chart, *ends = text.split("|")
        if chart == name and len(ends) == 4:
            x0, x1, y0, y1 = (_end(word) for word in ends)
            if x0 is not None and x1 is not None and y0 is not None and y1 is not None:
                return Zoom((x0, x1), (y0, y1))
    return None


def _end(word: str) -> End | None:
    try:
        number = float(word)
    except ValueError:
        return _instant(word)
    return number if isfinite(number) else None


def _instant(word: str) -> str | None:
    """Plotly writes fractions of a second as they come: `2026-11-30 05:12:03.0214`."""
    whole, _, fraction = word.partition(".")
    try:
        datetime.fromisoformat(whole)
    except ValueError:
        return None
    return word if not fraction or (fraction.isdigit() and len(fraction) < 10) else None
