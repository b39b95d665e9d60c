"""Lists that lead on: links, heads, bars, grades; and a ramp that every eye can order."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from components.kit import badges, lists, once, shell, theme
from components.kit.lists import ListLook, RowLink

FRAME = pl.DataFrame(
    {
        "symbol": ["AA", "B&B"],
        "gap_pct": [4.256, -3.0],
        "score": [58.0, 40.0],
        "catalyst_points": [21.7, 0.0],
        "grade": ["A", None],
        "status": ["as filed", "withdrawn"],
        "closes": [[1.0, 2.0, None], [1.0]],
        "title": ["<script>x</script>", None],
        "url": ["https://sec.example/a", None],
    }
)
COLUMNS = {name: name.capitalize() for name in FRAME.columns if name != "catalyst_points"}
LISTING = ListLook(
    "found", "What was found", COLUMNS,
    RowLink("symbol", "symbol", given=(("session", "2026-11-30"),)),
    card=("symbol", "gap_pct"), line="title", paper=("symbol", "gap_pct"),
)  # fmt: skip


def test_the_symbol_is_the_link_and_the_picked_row_is_marked() -> None:
    """With what its address is given; text of the data is text."""
    html = lists.html(FRAME, LISTING, "B&B")
    assert '<a href="/symbol?symbol=AA&amp;session=2026-11-30" target="_self">AA</a>' in html
    assert (
        '<a href="/symbol?symbol=B%26B&amp;session=2026-11-30" target="_self">B&amp;B</a>' in html
    )
    assert '<tr data-key="B&amp;B" class="picked" aria-selected="true">' in html
    assert "<script>" not in html


def test_a_list_is_kept_once_whatever_row_is_picked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address names the row, and a reader may write anything into it."""
    monkeypatch.setattr(shell, "zone", lambda: "UTC")
    once.forget()
    drawn = {name: lists.text(FRAME, LISTING, picked=name) for name in ("AA", "B&B", "<tr>", "")}
    assert [html.count("picked") for html in drawn.values()] == [1, 1, 0, 0]
    assert drawn["AA"] == lists.html(FRAME, LISTING, "AA", "UTC")
    ((_, kept),) = once._of.values()
    assert len(kept) == 1


def test_a_long_text_is_wrapped_where_others_are_cut() -> None:
    """A sentence is to be read whole; the sheet of the desk breaks what is told to be long."""
    html = lists.html(FRAME, replace(LISTING, widths={"title": 380, "grade": 70}))
    style = "max-width:380px;min-width:min(380px,40cqw)"
    assert f'<td class="long line screen c-title" style="{style}"' in html
    assert html.count('class="long') == FRAME.height
    sheet = (Path(__file__).parents[3] / "app" / "static" / "desk.css").read_text()
    assert re.search(r"td\.long \{[^}]*white-space: normal", sheet)
    cut = sheet.index("text-overflow: ellipsis", sheet.index(".rows.list td {"))
    assert cut < sheet.index("td.long {")


def test_heads_stand_over_their_figures_and_bear_the_unit() -> None:
    """Both right; a gap has sign, shape and colour."""
    html = lists.html(FRAME, LISTING)
    assert '<th scope="col" class="number c-gap_pct" tabindex="0">Gap_pct, %</th>' in html
    assert '<td class="number c-gap_pct"><span class="up">▲ +4.26</span></td>' in html
    assert '<span class="down">▼ −3.00</span>' in html


def test_columns_give_way_where_the_list_is_narrow() -> None:
    """Head and cells alike; the stylesheet hides them by these words."""
    html = lists.html(FRAME, replace(LISTING, wide=("score",), wider=("grade",)))
    assert html.count(' wide c-score"') == html.count(' wider c-grade"') == 1 + FRAME.height
    assert " wide" not in lists.html(FRAME, LISTING)


def test_a_score_is_a_stacked_bar_and_a_grade_bears_its_letter() -> None:
    """Without parts the bar is one; a line of one price is none."""
    html = lists.html(FRAME, LISTING)
    assert '<i class="p1" style="width:21.7%"></i></span><b>58</b>' in html
    assert '<i class="p0" style="width:40.0%"></i></span><b>40</b>' in html
    ground, letter = badges.GRADE_COLORS["A"]
    assert f'<span class="grade" style="background:{ground};color:{letter}">A</span>' in html
    assert html.count('<img class="spark"') == html.count("%3Cpolyline") == 1
    assert '<a class="out" href="https://sec.example/a" target="_blank">open</a>' in html


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", '" onclick="x'])
def test_only_addresses_of_the_web_lead_out(address: str) -> None:
    """Whatever else a file tells as one is words."""
    html = lists.html(FRAME.with_columns(url=pl.lit(address)), LISTING)
    assert 'class="out"' not in html
    assert 'onclick="' not in html


def test_cards_and_paper_have_their_columns() -> None:
    """The rest is left out there."""
    html = lists.html(FRAME, LISTING)
    assert 'class="line screen c-title"' in html
    assert 'class="rest screen c-grade"' in html
    assert 'class="number c-gap_pct"' in html


# Machado and others (2009), severity 1
SIGHT = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.1523, 1.0526, -0.2049), (0.1145, 0.7863, 0.0992), (-0.0039, -0.0481, 1.0520)),
    "deutan": ((0.3673, 0.8606, -0.2280), (0.2801, 0.6725, 0.0474), (-0.0118, 0.0429, 0.9689)),
    "tritan": ((1.2555, -0.0767, -0.1788), (-0.0784, 0.9308, 0.1476), (0.0047, 0.6914, 0.3039)),
}
GROUNDS = ("#ffffff", "#0f1520")


def _linear(color: str) -> list[float]:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]


def _luminance(color: str, sight: str = "all") -> float:
    rgb = _linear(color)
    seen = [sum(m * part for m, part in zip(row, rgb, strict=True)) for row in SIGHT[sight]]
    return sum(w * part for w, part in zip((0.2126, 0.7152, 0.0722), seen, strict=True))


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("sight", SIGHT)
def test_every_eye_can_order_the_grades(sight: str) -> None:
    """Each letter is darker than the one before it."""
    seen = [_luminance(theme.GRADES[letter], sight) for letter in "ABCDF"]
    assert seen == sorted(seen, reverse=True)
    assert all(one > 1.08 * other for one, other in pairwise(seen))


@pytest.mark.parametrize("letter", badges.GRADE_COLORS)
def test_a_grade_is_seen_on_both_grounds_and_its_letter_read(letter: str) -> None:
    """3:1 for the mark, 4.5:1 for the letter in it."""
    ground, text = badges.GRADE_COLORS[letter]
    assert min(_contrast(ground, back) for back in GROUNDS) >= 2.99
    assert _contrast(ground, text) >= 4.5


def test_a_name_leads_to_its_plan() -> None:
    """What is written need not be what the address has."""
    frame = pl.DataFrame({"symbol": ["AA"], "plan_id": ["p-1"]})
    link = RowLink("plans", "plan", value="plan_id", given=(("view", "Decided"),))
    html = lists.html(frame, ListLook("plans", "Plans", {"symbol": "Symbol"}, link))
    assert '<a href="/plans?plan=p-1&amp;view=Decided" target="_self">AA</a>' in html


def test_a_name_without_a_grade_is_not_rated() -> None:
    """As in tables and badges, so that two pages tell one name alike."""
    html = lists.html(FRAME, LISTING, None)
    assert html.count('<span class="grade"') == FRAME.height
    assert ">NR</span>" in html
