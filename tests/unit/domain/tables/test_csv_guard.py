"""CSV cells cannot run as formulas, and the guard can be undone."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest
from defusedcsv import csv as defused
from hypothesis import given
from hypothesis import strategies as st

from core.domain.tables.csv_guard import guard, unguard
from core.service import current
from core.service.desk import Desk
from core.service.kernel import exports

CELLS = st.lists(
    st.none()
    | st.text(max_size=12)
    | st.text("=+-@|%\t\r\n\0 '＝＋－＠\u200b;\"x", max_size=6)
    | st.sampled_from(["=1+1", "@cmd", "-5", "+1", "\tx", "\rx", "'=x", "''@", "|x", "%0", "\n=1"]),
    min_size=1,
    max_size=20,
)


@given(CELLS)
def test_guard_is_undone_by_unguard(cells: list[str | None]) -> None:
    """What was guarded comes back letter by letter, and nothing guarded is active."""
    frame = pl.DataFrame(
        {"text": cells, "n": range(len(cells))}, schema_overrides={"text": pl.String}
    )
    safe = guard(frame)
    assert unguard(safe).equals(frame)
    active = safe["text"].str.contains(r"^[=+\-@|%\t\r\n\x00＝＋－＠]").fill_null(value=False)
    assert not active.any()


@given(CELLS)
def test_whatever_defusedcsv_guards_is_guarded(cells: list[str | None]) -> None:
    """Its judgement as oracle: a cell that it would change is not left as it is."""
    safe = guard(pl.DataFrame({"text": cells}, schema={"text": pl.String}))["text"]
    for cell, ours in zip(cells, safe, strict=True):
        written = io.StringIO(newline="")
        defused.writer(written).writerow([cell])
        plain = io.StringIO(newline="")
        csv.writer(plain).writerow([cell])
        if written.getvalue() != plain.getvalue():
            assert ours.startswith("'")


@pytest.mark.parametrize(
    "cell",
    ["\n1", "\r\n1", "\0=1", "\0", "\n", "＝1+1", "＋1", "－1", "＠SUM(1)", " =1", "\u00a0=1",
     "\ufeff=1", "\u200b+1", "\x0b=1", "'＝1", "|calc", "%0A=1", "﹦1"],
)  # fmt: skip
def test_beginnings_that_nobody_sees_are_guarded(cell: str) -> None:
    """Line breaks, NUL, blanks and signs of other widths, alone in their column."""
    frame = pl.DataFrame({"text": [cell, "plain"]})
    assert guard(frame)["text"].to_list() == [f"'{cell}", "plain"]
    assert unguard(guard(frame)).equals(frame)


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("Evil;=1+1", "Evil;'=1+1"),
        ("Evil; =1+1", "Evil;' =1+1"),
        ('Evil;"=1+1&"', 'Evil;\'"=1+1&"'),
        ("Evil;'=1", "Evil;''=1"),
        ("two\n=lines", "two\n'=lines"),
        ("a\tb\t@x;-y", "a\tb\t'@x;'-y"),
        ("a;\n＝1", "a;\n'＝1"),
        ("\n=1", "'\n'=1"),
    ],
)
def test_what_may_begin_a_cell_where_semicolons_part_them_is_guarded(cell: str, safe: str) -> None:
    """A spreadsheet of such a country parts it there, whatever quotes we set."""
    frame = pl.DataFrame({"text": ["plain", cell]})
    assert guard(frame)["text"][1] == safe
    assert unguard(guard(frame)).equals(frame)


@given(CELLS)
def test_no_part_of_a_file_that_is_parted_at_semicolons_is_active(cells: list[str | None]) -> None:
    """Parted at every semicolon, TAB and line break, with quotes that mean nothing."""
    frame = pl.DataFrame({"a": "x", "text": cells}, schema_overrides={"text": pl.String})
    for part in re.split(r"[;\t\r\n]", exports.encode(frame, "csv").decode()):
        assert not re.match(r"[\s\0\u200b\"]*[=+\-@|%＝＋－＠]", part)


@pytest.mark.parametrize("kind", [pl.Categorical(), pl.Enum(["plain", "a;=1", "=1"])])
def test_texts_that_are_kept_as_codes_are_guarded(kind: pl.DataType) -> None:
    """How a text is kept says nothing of what is in it."""
    frame = pl.DataFrame({"text": pl.Series(["plain", "a;=1", "=1", None]).cast(kind)})
    assert guard(frame)["text"].cast(pl.String).to_list() == ["plain", "a;'=1", "'=1", None]


def test_headings_are_guarded_too() -> None:
    """A query may name its columns as it likes."""
    frame = pl.DataFrame({"=1+1": [1], "n": [2]})
    assert exports.encode(frame, "csv").splitlines()[0] == b"'=1+1,n"
    assert unguard(guard(frame)).equals(frame)


@pytest.mark.parametrize(
    "cell",
    ["https://evil.example/=1", "Alpha - Beta", "a=b", "3M", "'tis", "", "a; b", "x,=y", "a;b=c"],
)
def test_harmless_cells_stay_as_they_are(cell: str) -> None:
    """Signs inside a cell run nothing; an address stays text."""
    assert guard(pl.DataFrame({"text": [cell]}))["text"].to_list() == [cell]


def test_csv_reads_back_equal() -> None:
    """A written CSV gives the guarded frame back: quotes, line breaks, empty cells and all."""
    frame = pl.DataFrame(
        {"a": ['say "hi"', "two\nlines", "x,y", "=2+3", None], "n": [1, 2, 3, 4, 5]}
    )
    body = exports.encode(frame, "csv")
    back = pl.read_csv(io.BytesIO(body))
    assert unguard(back).equals(frame)


NASTY = [
    "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1:A9)", "\t=1", "\r=1", "'=1", 'say "=hi"', "x,=y",
    "two\n=lines", "\n=1", "＝1+1", "－2", "=HYPERLINK(\"http://x\";\"y\")", "Ünïcode =", "plain",
]  # fmt: skip


def test_three_readers_read_the_same_and_no_cell_is_a_formula(tmp_path: Path) -> None:
    """Polars, pandas and DuckDB give back every text and number; unguarded, as it was written."""
    n = len(NASTY)
    frame = pl.DataFrame({
        "company": NASTY, "form": ["10-K"] * n, "score": [i / 7 for i in range(n)],
        "count": pl.Series(range(n), dtype=pl.Int64),
        "filed": [date(2024, 1, 1) + timedelta(days=i) for i in range(n)],
    })  # fmt: skip
    path = tmp_path / "scores.csv"
    exports.save(frame, path)
    types = {"score": pl.Float64, "filed": pl.Date}
    ours = pl.read_csv(path, schema_overrides=types)
    theirs = pd.read_csv(path, parse_dates=["filed"], keep_default_na=False)
    quacks = duckdb.sql(f"SELECT * FROM read_csv('{path}', header = true)").pl()
    for back in (ours, pl.from_pandas(theirs), quacks):
        same = back.cast(dict(frame.schema))
        assert not same["company"].str.contains(r"^[=+\-@\t\r\n＝－]").any()
        assert unguard(same).equals(frame)


def test_instants_end_in_z() -> None:
    """Instants are written in UTC with a Z, whatever their zone was."""
    frame = pl.DataFrame({"t": ["2024-01-02T03:04:05+02:00"]}).with_columns(
        pl.col("t").str.to_datetime(time_zone="UTC").dt.convert_time_zone("America/New_York")
    )
    assert exports.encode(frame, "csv") == b"t\n2024-01-02T01:04:05Z\n"


def test_simulated_exports_say_so(make_desk: Callable[..., Desk]) -> None:
    """Whatever leaves a simulated desk is labelled; a real desk adds nothing."""
    desk = make_desk()
    plain = exports.frame_of(desk, "facts")
    desk.settings = current.desk().settings.model_copy(update={"simulated": True})
    labelled = exports.frame_of(desk, "facts")
    assert labelled.columns == [*plain.columns, "simulated"]
