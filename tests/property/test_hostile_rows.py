"""Hostile rows of one symbol: nothing is lost silently, and the other names stay as they were."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from core.catalogue import Catalogue
from core.domain.gaps import bars as bar_rules
from core.domain.gaps import filters as gap_filters
from core.domain.gaps import measure as gaps
from core.domain.timetable import sessions as calendar
from core.sources.files import bars as bar_rows
from core.sources.files import tables
from tests import depth

ROOT = Path(__file__).resolve().parents[2]
DAYS = calendar.all_sessions()["session"]
SOME = calendar.sessions_between(date(2026, 9, 1), date(2026, 11, 24))["session"]
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
DATASET = Catalogue.load(ROOT / "data" / "catalogue.toml").get("prices.daily")
CELL = st.sampled_from(
    [
        "10",
        "11",
        "9",
        "0",
        "-1",
        "1e308",
        "-1e308",
        "1e-320",
        "inf",
        "-inf",
        "nan",
        "NaN",
        "x",
        "0.24",
        "1e13",
        "9e99",
        "",
        " ",
        "1,5",
    ]
)
DAY = st.one_of(
    st.dates(date(2026, 8, 1), date(2027, 1, 31)).map(str),
    st.sampled_from(["2026-11-26", "0001-01-01", "9999-12-31", "never", "", "2026-02-30"]),
)
HOSTILE = st.lists(st.tuples(DAY, CELL, CELL, CELL, CELL, CELL), max_size=40)
WIDE = gap_filters.GapFilters(0.0, 1e9, 0.0, 0.0, 1e9, 0.0)


def _quiet(symbol: str) -> list[str]:
    return [f"{symbol},{day},10.5,11,9,10,1000" for day in SOME]


@depth.cases(60)
@given(rows=HOSTILE)
def test_hostile_rows_of_one_symbol(tmp_path_factory, rows: list[tuple[str, ...]]) -> None:
    """Kept + flagged + rejected = delivered; the others' gaps are those without the hostile rows;
    nothing that is infinite or not a number is a candidate.
    """
    bad = [",".join(["EVIL", *row]) for row in rows if not any("1,5" in cell for cell in row)]
    lines = ["symbol,date,open,high,low,close,volume", *_quiet("AAA"), *bad, *_quiet("BBB")]
    path = tmp_path_factory.mktemp("hostile") / "bars.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    table = tables.read_csv(path, DATASET, today=NOW.date(), now=NOW)
    sound = table.rows.filter(bar_rules.is_sound()).height
    flagged = table.rows.filter(bar_rules.problem().is_not_null()).height
    assert sound + flagged + table.rejects.height == table.rows_read == len(lines) - 1
    assert table.rejects["reason"].null_count() == 0
    within = table.rows["session"].filter(table.rows["session"] >= DAYS[0])  # the calendar begins
    assert set(within) <= set(DAYS) and (within <= date(2026, 11, 24)).all()
    assert bool(bar_rows.flagged(DATASET, table.rows)) == (flagged > 0)
    measured = gaps.measure(table.rows, DAYS)
    clean = gaps.measure(table.rows.filter(pl.col("symbol") != "EVIL"), DAYS)
    assert measured.filter(pl.col("symbol") != "EVIL").equals(clean)
    chosen = measured.filter(gap_filters.passes(WIDE))
    assert chosen["gap_pct"].is_finite().all()
    assert chosen["dollar_volume"].is_finite().all()
