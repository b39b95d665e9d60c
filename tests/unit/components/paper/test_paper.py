"""Sheets as HTML and as PDF: the same words in both, the same bytes each time."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from components.paper import brief, brief_candidates, drawing, html, pdf
from components.paper.drawing import Candle
from components.paper.sheet import (
    Column,
    Drawings,
    Grid,
    Heading,
    Kept,
    Paragraph,
    Sheet,
    Tone,
    Words,
)
from core.domain.gaps.filters import GapFilters

MADE = datetime(2026, 11, 30, 14, 5, tzinfo=UTC)
ROWS = [Candle(f"{n} Nov", 10.0 + n, 12.0 + n, 9.0 + n, 10.5 + n * (-1) ** n) for n in range(20)]


def _sheet(rows: int = 3) -> Sheet:
    table = Grid(
        (Column("Symbol"), Column("Gap, %", "right")),
        [(Words(f"NAME{n}", bold=True), Words("−4.25", tone="down")) for n in range(rows)],
    )
    chart = Drawings((drawing.candles(ROWS, {"prior close": 11.0, "1R": 99.0}, finding="NAME"),))
    link = Words("8-K", href="https://www.sec.gov/x")
    return Sheet(
        "Brief for Mon 30 Nov 2026",
        ("as of 09:05 ET",),
        "Openbell",
        MADE,
        (
            Heading(("Candidates",)),
            table,
            Kept((Heading(("NAME0",), 2), Paragraph((link,)), chart)),
        ),
    )


def text_of(body: bytes) -> str:
    """The text of a PDF file."""
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(body)).pages)


def test_text_is_found_in_the_pdf() -> None:
    """Title, cells, levels of the drawing and the foot are text, not pictures."""
    found = text_of(pdf.document(_sheet()))
    for words in ("Brief for Mon 30 Nov 2026", "NAME2", "−4.25", "prior close 11.00", "1 / 1"):
        assert words in found


def test_a_long_table_has_its_heads_on_every_page() -> None:
    """And every row is there once."""
    reader = PdfReader(io.BytesIO(pdf.document(_sheet(200))))
    pages = [page.extract_text() for page in reader.pages]
    whole = "\n".join(pages)
    assert len(pages) > 3
    assert [n for n in range(200) if len(re.findall(rf"NAME{n}\b", whole)) < 1] == []
    assert all("Symbol" in page for page in pages[:4])


def test_the_same_sheet_is_the_same_bytes() -> None:
    """No clock but the sheet's own is in either."""
    assert pdf.document(_sheet()) == pdf.document(_sheet())
    assert html.document(_sheet()) == html.document(_sheet())


def test_html_asks_nobody_and_escapes() -> None:
    """No script, no request; text is text, and only links to secure addresses are links."""
    evil = Words("<b>&", href="javascript:alert(1)")
    made = html.document(Sheet("<i>", (evil,), "&", MADE, (Paragraph((evil,)),)))
    assert "<b>" not in made
    assert "<i>" not in made
    assert "javascript" not in made
    assert "src=" not in html.document(_sheet())
    assert 'href="https://www.sec.gov/x"' in html.document(_sheet())


@given(st.text(max_size=80))
def test_any_text_can_be_printed(words: str) -> None:
    """Signs that the fonts lack become question marks; nothing fails."""
    shown = pdf.known(words)
    sheet = Sheet(words, (words,), words, MADE, (Grid((Column("x"),), [(words,)]),))
    assert pdf.document(sheet).startswith(b"%PDF")
    assert html.document(sheet).count("<h1>") == 1
    assert not set(shown) - {chr(sign) for sign in range(0x110000) if chr(sign) in shown}


def test_levels_beyond_the_candles_stand_at_the_edge() -> None:
    """The axis fits the candles, whatever the levels are; labels stand apart."""
    drawn = drawing.candles(ROWS, {"a": 9e9, "b": 9e9, "c": 0.001}, finding="x")
    labels = [m for m in drawn.marks if isinstance(m, drawing.Label) and m.x > 430 - 116]
    assert [label.text for label in labels] == [
        "above: a 9,000,000,000.00",
        "above: b 9,000,000,000.00",
        "below: c 0.0010",
    ]
    heights = sorted(label.y for label in labels)
    assert all(b - a >= drawing.LINE for a, b in pairwise(heights))
    assert all(0 <= label.y <= drawn.height for label in labels)


def test_a_drawing_of_nothing_is_a_drawing() -> None:
    """No candles: the frame alone."""
    assert drawing.svg(drawing.candles([], {}, finding="none")).startswith("<svg")


@pytest.mark.parametrize(
    ("hour", "words"),
    [(14, ["opens in 30 min"]), (15, []), (18, ["the session is over"])],
)
def test_a_brief_says_where_its_session_stands(hour: int, words: list[str]) -> None:
    """On a Sunday it tells of Friday, when nothing can be bought any more; Friday closed at 13."""
    opens = datetime(2026, 11, 27, 14, 30, tzinfo=UTC)
    document = {"session": "2026-11-27", "opens_at": opens.isoformat()}
    assert list(brief._turn(document, opens.replace(hour=hour, minute=0))) == words


def test_a_lone_drawing_does_not_fill_the_page() -> None:
    """Without minutes there is one: its words would stand there three times as large."""
    assert re.search(r"\.sheet \.drawing, [^}]*max-width: min\(100%, \d+px\)", html.style())


def test_the_plan_of_a_candidate_ends_each_sentence_once() -> None:
    """The words of like gaps end in a full stop of their own."""
    plan = {
        "direction": "long", "shares": 10, "entry": 10.0, "stop": 9.5, "targets": [10.5],
        "risk": 5.0, "similar_note": "Back-test of 536 similar gaps: 39 % lost.",
    }  # fmt: skip
    verdict = {"decision": "reject", "reasons": ["lost today 25.58, of 3,000.00 a day."]}
    found = {"refused": "", "plan": plan, "verdict": verdict}
    said = "".join(
        part.text if isinstance(part, Words) else part
        for part in brief_candidates._plan(found, "USD")
    )
    assert said.endswith(
        "risk $5. Back-test of 536 similar gaps: 39 % lost. Lost today 25.58, of 3,000.00 a day."
    )


def test_the_plan_of_a_candidate_is_the_one_that_was_decided_on() -> None:
    """Its state and what the open made of it, not a verdict on another on top of it."""
    plan = {
        "direction": "long", "shares": 10, "entry": 10.0, "stop": 9.5, "targets": [10.5],
        "risk": 5.0,
    }  # fmt: skip
    verdict = {"decision": "approve", "reasons": ["all limits hold"]}
    found = {"refused": None, "plan": plan, "verdict": verdict}
    found |= {"state": "filled", "because": "Re-sized: it opened at 10.20."}
    said = [*brief_candidates._plan(found, "USD")]
    assert said[0] == Words("filled", bold=True, tone="")
    assert said[-1] == Words(". Re-sized: it opened at 10.20.", tone="quiet")


@pytest.mark.parametrize(("left_out", "said"), [(1, "1 more move left out"), (3, "3 more moves")])
def test_one_move_is_a_move(left_out: int, said: str) -> None:
    """Moves left out are counted in words that agree."""
    limits = GapFilters().numbers()
    scan = {"candidates": 3, "names": 58, "left_out": left_out, "filters": limits}
    assert said in brief_candidates._filters(scan)


@pytest.mark.parametrize(("known", "said"), [(True, brief.CALM), (False, brief.NOTHING_YET)])
def test_a_desk_without_data_is_not_called_calm(known: bool, said: str) -> None:
    """A check with nothing to check has not passed."""
    _, told = brief._problems([], "UTC", known=known)
    assert told == Paragraph((said,))


@pytest.mark.parametrize(
    ("used", "ok", "tone"),
    [(79, True, ""), (80, True, "amber"), (100, True, "amber"), (101, False, "red")],
)
def test_a_limit_is_red_on_paper_when_it_is_exceeded(used: int, ok: bool, tone: Tone) -> None:
    """One that is full holds: the rule of the pages."""
    check = {"limit": "gross", "used": used, "allowed": 100, "ok": ok, "sentence": "Why."}
    assert brief._limit(check)[1] == Words(str(used), tone=tone)
