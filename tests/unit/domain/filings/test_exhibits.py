"""Which document of a filing is read, and where its matter begins."""

from __future__ import annotations

import pytest

from core.domain.filings.exhibits import Listed, first_lines, in_order

FOLDER = "/Archives/edgar/data/7/000000000726000001"


def doc(sequence: int, kind: str, name: str) -> Listed:
    return Listed(sequence, kind, f"{FOLDER}/{name}")


def test_a_press_release_goes_before_the_report_and_other_exhibits() -> None:
    """By its number; contracts, pictures and data are not read."""
    documents = [
        doc(1, "8-K", "a.htm"),
        doc(2, "EX-10.1", "contract.htm"),
        doc(3, "EX-99.2", "slides.htm"),
        doc(4, "EX-99.1", "press.htm"),
        doc(5, "GRAPHIC", "logo.jpg"),
        doc(6, "EX-99.3", "table.pdf"),
    ]
    kinds = [item.kind for item in in_order(documents, "8-K")]
    assert kinds == ["EX-99.1", "EX-99.2", "8-K"]


@pytest.mark.parametrize("kind", ["EX-99", "ex-99.01", "EX-99.1"])
def test_an_exhibit_is_known_by_the_ways_its_number_is_written(kind: str) -> None:
    """As filers write it."""
    documents = [doc(1, "8-K/A", "a.htm"), doc(2, kind, "b.htm")]
    assert in_order(documents, "8-K/A")[0].kind == kind


def test_exhibits_of_other_forms_do_not_tell_them() -> None:
    """A holder's report is told by itself, its exhibit is the agreement to file together."""
    documents = [doc(1, "SC 13D", "a.htm"), doc(2, "EX-99.1", "b.htm")]
    assert [item.kind for item in in_order(documents, "SC 13D")] == ["SC 13D"]


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        (
            "EX-99.1",
            "Exhibit 99.1\nFOR IMMEDIATE RELEASE\n- 1 -\nAcme sells its mills\nAcme said so today.",
            "Acme sells its mills\nAcme said so today.",
        ),
        (
            "8-K",
            "UNITED STATES\nFORM 8-K\nCheck the box below\nItem 5.02 Departure of Directors\n"
            "Ms. Low leaves.",
            "Ms. Low leaves.",
        ),
        (
            "10-Q",
            "Cover\nItem 2. Management’s Discussion and Analysis 14\nItem 1. Statements\n"
            "ITEM 2. MANAGEMENT'S DISCUSSION AND ANALYSIS OF FINANCIAL CONDITION\nSales rose.",
            "Sales rose.",
        ),
        ("SC 13D/A", "Item 1. Security\nx\nItem 4. Purpose of Transaction\nTo talk.", "To talk."),
        ("8-K", "Without any item at all.", "Without any item at all."),
    ],
)
def test_the_first_lines_begin_where_the_matter_does(kind: str, text: str, said: str) -> None:
    """Covers, contents, marks of exhibits and headings say nothing."""
    assert first_lines(text, kind) == said


def test_first_lines_end_with_a_whole_word() -> None:
    """However long a line is."""
    said = first_lines("word " * 1000, "EX-99.1", 52)
    assert said == "word word word word word word word word word word …"
    assert first_lines("", "EX-99.1") == ""
    assert first_lines("12\n-\n* * *", "EX-99.1") == ""
