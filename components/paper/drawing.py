"""Small drawings of candles and lines, made once and written as SVG or into a PDF alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

Ink = Literal["up", "down", "ink", "quiet", "grid", "accent", "shade"]
Anchor = Literal["start", "middle", "end"]
MARGIN = 116.0  # right of the panel, for the names of levels
FOOT, HEAD = 16.0, 18.0  # below the panel for times, above it for the finding
LINE = 11.0  # height of a label
BODY = 0.62  # of a candle's place that its body takes


@dataclass(frozen=True, slots=True)
class Stroke:
    """A straight line."""

    x1: float
    y1: float
    x2: float
    y2: float
    ink: Ink
    width: float = 1.0
    dotted: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, filled or hollow."""

    x: float
    y: float
    width: float
    height: float
    ink: Ink
    filled: bool = True


@dataclass(frozen=True, slots=True)
class Label:
    """Text whose baseline stands at `y`."""

    x: float
    y: float
    text: str
    ink: Ink = "ink"
    anchor: Anchor = "start"
    size: float = 9.0
    bold: bool = False


Mark = Stroke | Box | Label


@dataclass(frozen=True, slots=True)
class Drawing:
    """Marks on a canvas (x to the right, y down), and in a sentence what they show."""

    width: float
    height: float
    alt: str
    marks: Sequence[Mark]


@dataclass(frozen=True, slots=True)
class Candle:
    """One candle with the name of its time."""

    time: str
    open: float
    high: float
    low: float
    close: float

    @property
    def ink(self) -> Ink:
        """The colour of its direction."""
        return "up" if self.close >= self.open else "down"


def spread(places: Sequence[float], least: float, low: float, high: float) -> list[float]:
    """Where labels stand that belong at `places`: in their order, at least `least` apart, within
    `low` and `high` as long as there is room for all.
    """
    order = sorted(range(len(places)), key=places.__getitem__)
    found = [min(max(place, low), high) for place in places]
    floor = low
    for i in order:
        found[i] = floor = max(found[i], floor)
        floor += least
    roof = high
    for i in reversed(order):
        found[i] = roof = min(found[i], roof)
        roof -= least
    return found


def candles(
    rows: Sequence[Candle],
    levels: Mapping[str, float],
    *,
    finding: str,
    shaded: int = 0,
    width: float = 430.0,
    height: float = 180.0,
) -> Drawing:
    """Candles with levels named in the margin, the first `shaded` of them on a tint.

    The axis fits the candles; a level beyond them stands at the edge, with an arrow.
    """
    low, high = _reach(rows)
    right, bottom = width - MARGIN, height - FOOT
    panel = Box(0.0, HEAD, right, bottom - HEAD, "grid", filled=False)
    place = right / max(len(rows), 1)

    def y(price: float) -> float:
        return bottom - (price - low) / (high - low) * (bottom - HEAD)

    marks: list[Mark] = [Label(0.0, 10.0, finding, "ink", size=10.0, bold=True)]
    if shaded:
        marks.append(Box(0.0, HEAD, place * shaded, bottom - HEAD, "shade"))
    marks.append(panel)
    for at, row in enumerate(rows):
        middle = (at + 0.5) * place
        top, foot = y(max(row.open, row.close)), y(min(row.open, row.close))
        body = max(foot - top, 0.6)
        wide = place * BODY
        marks += [
            Stroke(middle, y(row.high), middle, top, row.ink),
            Stroke(middle, top + body, middle, y(row.low), row.ink),
            Box(middle - wide / 2, top, wide, body, row.ink, filled=row.ink == "down"),
        ]
    marks += _levels(levels, (low, high), y, right, (HEAD, bottom))
    return Drawing(width, height, finding, (*marks, *_times(rows, place, right, height)))


def _reach(rows: Sequence[Candle]) -> tuple[float, float]:
    if not rows:
        return 0.0, 1.0
    low, high = min(row.low for row in rows), max(row.high for row in rows)
    pad = (high - low or high * 0.01 or 1.0) * 0.04
    return low - pad, high + pad


def _levels(
    levels: Mapping[str, float],
    reach: tuple[float, float],
    y: Callable[[float], float],
    right: float,
    panel: tuple[float, float],
) -> list[Mark]:
    (low, high), (top, bottom) = reach, panel
    names = list(levels)
    wanted = [y(levels[name]) for name in names]
    placed = spread(wanted, LINE, top + 4, bottom - 2)
    marks: list[Mark] = []
    for name, at, label in zip(names, wanted, placed, strict=True):
        price = levels[name]
        if low <= price <= high:
            marks.append(Stroke(0.0, at, right, at, "quiet", 0.8, dotted=True))
        beyond = "above: " if price > high else "below: " if price < low else ""
        marks.append(Label(right + 6, label + 3, f"{beyond}{name} {_price(price)}", "ink"))
    return marks


def _times(rows: Sequence[Candle], place: float, right: float, height: float) -> list[Mark]:
    """The times of the first, the middle and the last candle, where there is room."""
    if not rows:
        return []
    shown = sorted({0, len(rows) // 2, len(rows) - 1})
    anchors: dict[int, Anchor] = {0: "start", len(rows) - 1: "end"}
    return [
        Label(
            0.0 if at == 0 else right if at == len(rows) - 1 else (at + 0.5) * place,
            height - 4,
            rows[at].time,
            "quiet",
            anchors.get(at, "middle"),
        )
        for at in shown
    ]


def _price(price: float) -> str:
    return f"{price:,.2f}" if abs(price) >= 1 else f"{price:.4f}"


def svg(drawing: Drawing, style: str = "") -> str:
    """The drawing as SVG; its inks are classes, of the page's style or of its own."""
    body = "".join(map(_svg_mark, drawing.marks))
    body = f"<style>{style}</style>{body}" if style else body
    return (
        f'<svg class="drawing" role="img" aria-label="{escape(drawing.alt)}" '
        f'viewBox="0 0 {_n(drawing.width)} {_n(drawing.height)}" '
        f'xmlns="http://www.w3.org/2000/svg">{body}</svg>'
    )


def _svg_mark(mark: Mark) -> str:
    if isinstance(mark, Stroke):
        dots = ' stroke-dasharray="2 2"' if mark.dotted else ""
        return (
            f'<line class="s-{mark.ink}" x1="{_n(mark.x1)}" y1="{_n(mark.y1)}" '
            f'x2="{_n(mark.x2)}" y2="{_n(mark.y2)}" stroke-width="{_n(mark.width)}"{dots}/>'
        )
    if isinstance(mark, Box):
        kind = "f" if mark.filled else "s"
        hollow = "" if mark.filled else ' fill="none"'
        return (
            f'<rect class="{kind}-{mark.ink}" x="{_n(mark.x)}" y="{_n(mark.y)}" '
            f'width="{_n(mark.width)}" height="{_n(mark.height)}"{hollow}/>'
        )
    weight = ' font-weight="700"' if mark.bold else ""
    return (
        f'<text class="f-{mark.ink}" x="{_n(mark.x)}" y="{_n(mark.y)}" '
        f'font-size="{_n(mark.size)}" text-anchor="{mark.anchor}"{weight}>'
        f"{escape(mark.text)}</text>"
    )


def _n(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
