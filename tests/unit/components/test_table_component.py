"""Tables of frames as they go to the browser: lists, and grids where those would be too long."""

from __future__ import annotations

from datetime import date

import polars as pl
import streamlit as st

from components.kit import grids, lists, narrow, shell, tables


def test_lists_go_out_as_the_browser_wants_them():
    """Short lists and one chunk, so that Streamlit has nothing to cast at each rerun."""
    frame = pl.DataFrame({"grade": ["A", None], "closes": [[1.0, 2.0], []]})
    table, config = grids._written(frame, {"grade": "Grade", "closes": "30"}, {}, (), {})
    assert [str(kind) for kind in table.schema.types] == [
        "list<item: large_string>",
        "list<item: double>",
    ]
    assert table.to_pylist()[0] == {"grade": ["A"], "closes": [1.0, 2.0]}
    assert all(value is not None for column in config.values() for value in column.values())


def test_heads_stand_over_their_figures():
    """At the right over numbers, at the left over words, days and numbers that name something."""
    kinds = {"gap_pct": pl.Float64(), "shares": pl.Int64(), "cik": pl.Int64(), "form": pl.String()}
    heads = {name: grids.dress(name, kind, name)["label"] for name, kind in kinds.items()}
    right = {name for name, head in heads.items() if head.startswith(grids.RIGHT_HEAD)}
    assert right == {"gap_pct", "shares"}
    assert [head.removeprefix(grids.RIGHT_HEAD) for head in heads.values()] == list(kinds)


def test_an_instant_among_words_is_told_as_the_reader_reads_it(monkeypatch):
    """The brief of an instant is about that instant; all other subjects stay what they are."""
    monkeypatch.setattr(shell, "zone", lambda: "Asia/Tokyo")
    words = ["2026-11-30T13:00:00+00:00", "prices.daily", None, "2026-11-30"]
    told = tables.said_at(pl.DataFrame({"subject": words}), "subject")["subject"].to_list()
    assert told == ["Mon 30 Nov 22:00 Tokyo", "prices.daily", None, "2026-11-30"]


def test_messages_tell_instants_as_the_reader_reads_them(monkeypatch):
    """Whoever reads the log or a program is told in UTC."""
    monkeypatch.setattr(shell, "zone", lambda: "Asia/Tokyo")
    words = ["SEC down since 2026-11-30 14:08Z, asked 14:09Z", None, "3 rows"]
    told = tables.localised(pl.DataFrame({"message": words}), "message")["message"].to_list()
    assert told == ["SEC down since Mon 30 Nov 23:08 Tokyo, asked 23:09 Tokyo", None, "3 rows"]


def test_gaps_in_atr_have_their_sign():
    """As in percent."""
    assert grids._number("gap_atr", pl.Float64()) == "%+.2f"


def test_symbols_lead_to_their_pages_and_stay_symbols():
    """Cells are copied, searched and saved as CSV as they are held: none holds an address."""
    names = ["BRK.B", "BRK/B", "", None]
    frame = pl.DataFrame({"symbol": names, "ticker": names})
    table, config = grids._written(frame, {"symbol": "Symbol", "ticker": "Symbol"}, {}, (), {})
    assert table.to_pydict() == {"symbol": names, "ticker": names}
    for name in frame.columns:
        assert config[name]["type_config"]["type"] == "link"
        assert not config[name]["type_config"].get("display_text")


def _drawn(monkeypatch, frame, phone=False, **look):
    """What a table sends: the HTML of a list, or the heads of a grid."""
    sent = []
    monkeypatch.setattr(narrow, "is_narrow", lambda: phone)
    monkeypatch.setattr(shell, "zone", lambda: "America/New_York")
    monkeypatch.setattr(st, "html", sent.append)
    monkeypatch.setattr(st, "dataframe", lambda table, **_: sent.append(table.num_rows))
    heads = {name: name.capitalize() for name in frame.columns}
    tables.show(frame, heads, alt="A table", **look)
    (drawn,) = sent
    return drawn


def test_a_table_is_a_list_and_a_grid_where_a_list_would_be_too_long(monkeypatch):
    """No row is left out by either."""
    short = pl.DataFrame({"form": ["10-K"] * lists.MOST})
    assert _drawn(monkeypatch, short).count("<tr>") == 1 + lists.MOST
    assert _drawn(monkeypatch, pl.concat([short, short])) == 2 * lists.MOST


def test_a_table_that_begins_with_symbols_leads_to_their_pages(monkeypatch):
    """A symbol further right is a link of its own; words with a colour have it as an outline."""
    frame = pl.DataFrame({"symbol": ["AA"], "state": ["failed"], "form": ["<b>"]})
    drawn = _drawn(monkeypatch, frame)
    assert '<tr data-key="AA"><td class="c-symbol"><a href="/symbol?symbol=AA" ' in drawn
    assert '<span class="status" style="border-color:#c0392b">failed</span>' in drawn
    assert "&lt;b&gt;" in drawn
    drawn = _drawn(monkeypatch, frame.select("form", "symbol"))
    assert "data-key" not in drawn
    assert '<a href="/symbol?symbol=AA" target="_self" class="other">AA</a>' in drawn


def test_a_row_leads_where_it_has_something_to_lead_to(monkeypatch):
    """With what else of the row belongs into the address; it is marked by that name."""
    frame = pl.DataFrame({"form": ["10-K", "4"], "accession": ["a-1", None], "cik": [7, 7]})
    link = lists.RowLink("filing", "filing", "form", "accession", more=(("cik", "cik"),))
    drawn = _drawn(monkeypatch, frame, link=link, picked="a-1")
    assert '<tr data-key="a-1" class="picked" aria-selected="true">' in drawn
    assert '<a href="/filing?filing=a-1&amp;cik=7" target="_self">10-K</a>' in drawn
    assert drawn.count("<a ") == 1


def test_on_a_phone_a_card_says_what_each_figure_is(monkeypatch):
    """All columns, with their headings; what is not known is left out."""
    frame = pl.DataFrame({"form": ["10-K"], "share_pct": [4.0], "note": [None]})
    drawn = _drawn(monkeypatch, frame, phone=True)
    assert 'class="rows list cards labelled"' in drawn
    assert 'class="number c-share_pct" data-head="Share_pct, %">4.00</td>' in drawn
    assert 'class="none c-note" data-head="Note">' in drawn
    assert "data-head" not in _drawn(monkeypatch, frame)


def test_words_stay_whole_and_days_tell_their_place(monkeypatch):
    """Only the unit that a head bears is left away; the browser sorts days by more than words."""
    days = [date(2026, 11, 30), None]
    frame = pl.DataFrame({"why": ["at 80 %", None], "filed": days, "file_bytes": [5, None]})
    drawn = _drawn(monkeypatch, frame.with_columns(share_pct=4.0))
    assert '<td class="c-why">at 80 %</td>' in drawn
    assert f'<td class="c-filed" data-place="{days[0].toordinal()}">Mon 30 Nov 2026</td>' in drawn
    assert '<td class="number c-file_bytes" data-place="5">' in drawn
    assert '<td class="number c-share_pct">4.00</td>' in drawn
    assert drawn.count("data-place") == 2
