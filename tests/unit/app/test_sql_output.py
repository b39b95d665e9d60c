"""What `sql` writes where its output is piped."""

from __future__ import annotations

import pytest

from app import run as runner
from app.commands import query
from app.commands.query import csv_of
from core.service.kernel.results import CommandResult


def test_rows_are_whole_csv() -> None:
    """Nothing is cut; numbers stay numbers, formulas do not stay active."""
    rows = [
        {"n": -1, "wide": "-170141183460469231731687303715884105727", "t": "=1+1", "l": [1]},
        {"n": 2.5, "wide": 1, "t": "x" * 500, "l": None},
    ]
    lines = csv_of(["n", "wide", "t", "l"], rows).splitlines()
    assert lines[0] == "n,wide,t,l"
    assert lines[1] == "-1,-170141183460469231731687303715884105727,'=1+1,[1]"
    assert lines[2] == "2.5,1," + "x" * 500 + ","


def test_headings_are_cells_too() -> None:
    """A name given in the query cannot be a formula."""
    assert csv_of(["=1+1"], [{"=1+1": 1}]) == "'=1+1\n1\n"


def test_an_answer_without_rows_has_its_heading() -> None:
    """Whatever reads the pipe finds the columns that were asked for."""
    assert csv_of(["n", "=t"], []) == "n,'=t\n"


@pytest.mark.parametrize(("rows", "limit", "told"), [(3, 3, True), (2, 3, False), (4, 9, True)])
def test_a_cut_answer_says_so(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    rows: int,
    limit: int,
    told: bool,
) -> None:
    """On stderr, by --limit and by the setting: what is piped is not taken for the whole."""
    monkeypatch.setenv("OPENBELL_SQL_MAX_ROWS", "4")
    answer = CommandResult({"columns": ["n"], "rows": [{"n": 1}] * rows})
    monkeypatch.setattr(runner, "run", lambda *_, **__: answer)
    query.sql("SELECT 1", limit=limit)
    assert ("there may be more" in capsys.readouterr().err) == told
