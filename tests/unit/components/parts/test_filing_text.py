"""How the words of a filing are quoted beside a gap."""

from __future__ import annotations

from components.paper import brief_candidates
from components.parts import candidate, filing_text
from core.domain.gaps.scoring import COMPONENTS

URL = "https://www.sec.gov/Archives/edgar/data/7/1/p.htm"
READ = {"kind": "EX-99.1", "url": URL, "text": "Acme sells *all*\nIt said so.", "letters": 99}


def test_the_first_filing_with_words_is_quoted_in_one_line() -> None:
    """Its Markdown is made harmless, and the way to the whole goes with it."""
    found = {(7, "a"): {"text": None, "reason": "x"}, (7, "b"): READ}
    (line,) = filing_text.quotes(found, [(7, "a"), (7, "b"), (7, "c")])
    assert line == rf":small[“Acme sells \*all\*. It said so.” [press release]({URL})]"
    assert filing_text.quotes(found, [(7, "a")]) == []
    assert filing_text.source({"kind": "SC 13D"}) == "SC 13D"


def test_a_long_text_is_cut_between_words() -> None:
    """At most so many letters."""
    assert filing_text.cut("one two\nthree", 12) == "one two. …"
    assert filing_text.cut("one two\nthree", 99) == "one two. three."


def test_the_pane_tells_the_words_below_the_filing() -> None:
    """Before grade and score."""
    row = {
        "catalysts": [], "catalyst_weight": 1.0, "grade": None, "symbol": "ACME", "score": 1.0,
        "left_out": "", "evidence_pct": 50.0,
    } | dict.fromkeys(COMPONENTS)  # fmt: skip
    assert candidate.why(row, ["said"])[1] == "said"
    assert "scores" in candidate.why(row)[1]


def test_the_brief_quotes_it_too() -> None:
    """With a link to what it is taken from."""
    words = brief_candidates._says(READ)
    assert [getattr(word, "text", word) for word in words] == [
        "It says  ", "“Acme sells *all*. It said so.” ", "press release",
    ]  # fmt: skip
    assert words[2].href == URL  # type: ignore[union-attr]
