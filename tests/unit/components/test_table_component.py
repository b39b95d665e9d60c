"""Tables of frames as they go to the browser."""

from __future__ import annotations

import polars as pl

from components.kit import tables


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
