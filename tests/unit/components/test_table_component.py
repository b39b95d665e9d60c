"""Tables of frames as they go to the browser."""

from __future__ import annotations

import polars as pl

from components.kit import shell, tables


def test_lists_go_out_as_the_browser_wants_them():
    """Short lists and one chunk, so that Streamlit has nothing to cast at each rerun."""
    frame = pl.DataFrame({"grade": ["A", None], "closes": [[1.0, 2.0], []]})
    table, config = tables._written(frame, {"grade": "Grade", "closes": "30"}, {}, (), {})
    assert [str(kind) for kind in table.schema.types] == [
        "list<item: large_string>",
        "list<item: double>",
    ]
    assert table.to_pylist()[0] == {"grade": ["A"], "closes": [1.0, 2.0]}
    assert all(value is not None for column in config.values() for value in column.values())


def test_heads_stand_over_their_figures():
    """At the right over numbers, at the left over words, days and numbers that name something."""
    kinds = {"gap_pct": pl.Float64(), "shares": pl.Int64(), "cik": pl.Int64(), "form": pl.String()}
    heads = {name: tables.dress(name, kind, name)["label"] for name, kind in kinds.items()}
    right = {name for name, head in heads.items() if head.startswith(tables.RIGHT_HEAD)}
    assert right == {"gap_pct", "shares"}
    assert [head.removeprefix(tables.RIGHT_HEAD) for head in heads.values()] == list(kinds)


def test_an_instant_among_words_is_told_as_the_reader_reads_it(monkeypatch):
    """The brief of an instant is about that instant; all other subjects stay what they are."""
    monkeypatch.setattr(shell, "zone", lambda: "Asia/Tokyo")
    words = ["2026-11-30T13:00:00+00:00", "prices.daily", None, "2026-11-30"]
    told = tables.said_at(pl.DataFrame({"subject": words}), "subject")["subject"].to_list()
    assert told == ["Mon 30 Nov 22:00 Tokyo", "prices.daily", None, "2026-11-30"]


def test_gaps_in_atr_have_their_sign():
    """As in percent."""
    assert tables._number("gap_atr", pl.Float64()) == "%+.2f"


def test_symbols_lead_to_their_pages_and_stay_symbols():
    """Cells are copied, searched and saved as CSV as they are held: none holds an address."""
    names = ["BRK.B", "BRK/B", "", None]
    frame = pl.DataFrame({"symbol": names, "ticker": names})
    table, config = tables._written(frame, {"symbol": "Symbol", "ticker": "Symbol"}, {}, (), {})
    assert table.to_pydict() == {"symbol": names, "ticker": names}
    for name in frame.columns:
        assert config[name]["type_config"]["type"] == "link"
        assert not config[name]["type_config"].get("display_text")
