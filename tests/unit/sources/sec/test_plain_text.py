"""Documents of anybody as plain text: what is seen, in what letters, at what cost."""

from __future__ import annotations

import time

import pytest

from core.errors import ParsingError
from core.sources.sec.plain_text import MOST_LETTERS, listed, plain_text

WHERE = "www.sec.gov/x"


def test_a_page_is_read_as_it_is_seen() -> None:
    """Blocks end lines, cells of a row share one; scripts and hidden facts are not there."""
    page = (
        b"<html><head><title>t</title><style>p{}</style></head><body>"
        b"<div style='DISPLAY : none'><ix:header>999<br>888</ix:header></div>"
        b"<p>Sales <b>ro</b>se&nbsp;by<br>5&#37; &amp; more</p><script>alert('<p>x')</script>"
        b"<table><tr><td>Net</td><td>7</td></tr></table><!-- not seen --><p>end"
    )
    assert plain_text(page, WHERE) == "Sales rose by\n5% & more\nNet 7\nend"


@pytest.mark.parametrize(
    "body",
    [
        "<p>café “q” — €5</p>".encode("windows-1252"),
        "<p>café “q” — €5</p>".encode(),
        "<p>café “q” — €5</p>".encode("utf-8-sig"),
        "<p>café “q” — €5</p>".encode("utf-16"),
        b"<p>caf&eacute; &#8220;q&rdquo; &mdash; &euro;5</p>",
        "<meta charset='utf-7'><p>café “q” — €5</p>".encode(),
        "café “q” — €5".encode(),
    ],
)
def test_letters_are_read_however_they_are_written(body: bytes) -> None:
    """By their mark, as UTF-8, else as Windows writes them, whatever the page says of it."""
    assert plain_text(body, WHERE) == "café “q” — €5"


@pytest.mark.parametrize(
    "body", [b"%PDF-1.7\n%\xe2\xe3", bytes(range(256)) * 40, b"\x89PNG\r\n\x1a\n" + b"\0\1\2" * 900]
)
def test_what_is_no_text_is_said_to_be_none(body: bytes) -> None:
    """A PDF, a picture, anything packed."""
    with pytest.raises(ParsingError):
        plain_text(body, WHERE)


@pytest.mark.parametrize(
    "body",
    [
        b"<div>" * 200_000 + b"x",
        b"<p><font a=1>x" * 60_000,
        b"<" * 1_000_000,
        b"<!--" * 300_000,
        b"<a " + b"x=1 " * 300_000,
        b"<div style='display:none'>" * 60_000,
        b"<p>&amp;&bogus;&#xffffffff;" * 30_000,
        b"<![CDATA[<!DOCTYPE x [<!ENTITY a 'b'>]>&a;" * 9,
        b"",
    ],
)
def test_odd_nesting_costs_no_more_than_its_bytes(body: bytes) -> None:
    """A tree built as the standard has it takes minutes for some of these."""
    begun = time.process_time()
    assert len(plain_text(body, WHERE)) <= MOST_LETTERS + 1
    assert time.process_time() - begun < 10


def test_an_index_lists_the_documents_within_the_archive_only() -> None:
    """A link that leaves the archive is not followed; a viewer in front of it is left out."""
    row = "<tr><td>{}</td><td>d</td><td><a href='{}'>n</a></td><td>{}</td><td>9</td></tr>"
    page = "<table><tr><th>Seq</th></tr>" + "".join(
        row.format(*cells)
        for cells in (
            (1, "/ix?doc=/Archives/edgar/data/7/1/a.htm", "8-K"),
            (2, "/Archives/edgar/data/7/1/b.htm", " EX-99.1 "),
            (3, "https://example.com/c.htm", "EX-99.2"),
            (4, "/Archives/edgar/data/../../x.htm", "EX-99.3"),
            ("&nbsp;", "/Archives/edgar/data/7/1/all.txt", "&nbsp;"),
        )
    )
    found = [(item.sequence, item.kind, item.path) for item in listed(page.encode(), WHERE)]
    assert found == [
        (1, "8-K", "/Archives/edgar/data/7/1/a.htm"),
        (2, "EX-99.1", "/Archives/edgar/data/7/1/b.htm"),
        (None, "", "/Archives/edgar/data/7/1/all.txt"),
    ]
    assert listed(b"<p>nothing</p>", WHERE) == []
