"""Charts on a phone: what the wide one says, in the width there is."""

from __future__ import annotations

import orjson
import plotly.graph_objects as go
import pytest
import streamlit as st

from components.charts import levels
from components.kit import narrow, theme

LONG = "QUAM 11.91, +11.52 % before the open; candles of 5 minutes"


def chart(title: str) -> go.Figure:
    fig = theme.figure(go.Scatter(x=[1, 2], y=[1.0, 2.0]), height=300, y_title="USD")
    fig.add_annotation(text="20-session high 2.00", font={"size": 10})
    fig.add_annotation(text="prior close 1.00", font={"size": 10})
    fig.update_layout(margin={"r": levels.MARGIN}, yaxis_title_text="USD")
    return theme.titled(fig, title)


def test_a_title_wraps_and_the_chart_keeps_its_height() -> None:
    """Every word stays, no line is longer than the screen."""
    wide = chart(LONG)
    made = narrow.drawn(wide)
    lines = made.layout.title.text.split("<br>")
    assert " ".join(lines) == LONG
    assert max(map(len, lines)) <= narrow.TITLE_LETTERS
    more = narrow.LINE_PIXELS * (len(lines) - 1)
    assert made.layout.margin.t == wide.layout.margin.t + more
    assert made.layout.height == wide.layout.height + more
    assert wide.layout.title.text == LONG  # it is shared with wide screens


def test_small_print_stays_small() -> None:
    """Each of its lines."""
    small = "13 similar gaps before, 1 filled in the session itself (few: do not lean on it)."
    made = narrow.drawn(chart(f"QUAM: gap<br><sup>{small}</sup>"))
    first, *rest = made.layout.title.text.split("<br>")
    assert first == "QUAM: gap"
    assert len(rest) == 2
    assert all(line.startswith("<sup>") and line.endswith("</sup>") for line in rest)


def test_labels_beside_the_chart_leave_it_the_width() -> None:
    """Shorter words, no names of axes; a chart without labels keeps its own."""
    made = narrow.drawn(chart("short"))
    assert made.layout.margin.r == narrow.MARGIN < levels.MARGIN
    assert [note.text for note in made.layout.annotations] == ["20-s high 2.00", "prior 1.00"]
    assert made.layout.yaxis.title.text is None
    assert made.layout.height == 300
    bare = narrow.drawn(theme.figure(go.Scatter(x=[1], y=[1]), y_title="rows"))
    assert bare.layout.yaxis.title.text == "rows"


@pytest.mark.parametrize(("told", "expected"), [("1", True), ("0", False), (None, False)])
def test_the_browser_says_how_wide_it_is(
    told: str | None, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its cookie; who sends none has a wide screen."""
    cookies = {} if told is None else {narrow.COOKIE: told}
    context = type("Context", (), {"cookies": cookies})()
    monkeypatch.setattr(st, "context", context)
    assert narrow.is_narrow() is expected
    sent = []
    monkeypatch.setattr(st, "plotly_chart", lambda made, **_: sent.append(made.to_dict()))
    monkeypatch.setattr(st, "query_params", type("Q", (), {"get_all": lambda *_: []})())
    theme.show(chart(LONG), alt="x")
    assert (r"\u003cbr" in orjson.dumps(sent[0]).decode()) is expected


def test_a_figure_without_a_height_or_with_a_bare_arrow_is_drawn() -> None:
    """As an extension may make them."""
    fig = go.Figure().update_layout(title_text="word " * 40, margin_r=narrow.LABELS)
    made = narrow.drawn(fig.add_annotation(x=1, y=1, showarrow=True))
    assert made.layout.height is None
    assert made.layout.margin.r == narrow.MARGIN
