"""What `sql` writes where its output is piped."""

from __future__ import annotations

from app.commands.query import csv_of


def test_rows_are_whole_csv() -> None:
    """Nothing is cut; numbers stay numbers, formulas do not stay active."""
    rows = [
        {"n": -1, "wide": "-170141183460469231731687303715884105727", "t": "=1+1", "l": [1]},
        {"n": 2.5, "wide": 1, "t": "x" * 500, "l": None},
    ]
    lines = csv_of(rows).splitlines()
    assert lines[0] == "n,wide,t,l"
    assert lines[1] == "-1,-170141183460469231731687303715884105727,'=1+1,[1]"
    assert lines[2] == "2.5,1," + "x" * 500 + ","


def test_headings_are_cells_too() -> None:
    """A name given in the query cannot be a formula."""
    assert csv_of([{"=1+1": 1}]) == "'=1+1\n1\n"
