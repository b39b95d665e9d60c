"""Clock times of New York labelled UTC: told by hours and by filing dates, filing by filing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from core.domain.filings.clock import eastern_labelled, with_true_clock
from core.domain.tables.frames import FILINGS
from core.service.desk import Desk
from core.service.gaps.evidence import all_catalysts
from core.service.pulls.backfill import backfill

NEW_YORK = ZoneInfo("America/New_York")
Row = tuple[str, str, str]  # form, label, filed


def _filings(*rows: Row, cik: int = 1) -> pl.DataFrame:
    made = [
        {
            "cik": cik,
            "accession": f"{cik:010d}-24-{n:06d}",
            "form": form,
            "filed": date.fromisoformat(filed),
            "accepted_at": datetime.fromisoformat(label).replace(tzinfo=UTC),
        }
        for n, (form, label, filed) in enumerate(rows)
    ]
    return pl.DataFrame(made, schema=FILINGS.columns)


def _eastern(*rows: Row) -> list[int]:
    """Places of the rows whose clock is Eastern."""
    return [int(a[-6:]) for a in eastern_labelled(_filings(*rows))["accession"]]


def _day(day: date, *, honest: bool) -> list[Row]:
    """Results at 16:20 and another report at 18:10 New York time, labelled honestly or not."""
    rows = []
    for hour, minute, later in ((16, 20, 0), (18, 10, 1)):
        at = datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK)
        label = at.astimezone(UTC) if honest else at
        rows.append(("8-K", f"{label:%Y-%m-%dT%H:%M:%S}", f"{day + timedelta(days=later)}"))
    return rows


TUESDAYS = [date(2024, 1, 9) + timedelta(days=28 * n) for n in range(8)]


def test_filing_dates_prove_an_eastern_clock() -> None:
    """18:10 filed on the next day can only be 18:10 in New York; what is beside it follows."""
    rows = [row for day in TUESDAYS for row in _day(day, honest=False)]
    assert _eastern(*rows) == list(range(16))
    moved = with_true_clock(_filings(*rows))
    local = moved["accepted_at"].dt.convert_time_zone("America/New_York").dt.strftime("%H:%M")
    assert local.to_list() == ["16:20", "18:10"] * 8


def test_honest_clocks_stay() -> None:
    """Summer and winter."""
    rows = [row for day in TUESDAYS for row in _day(day, honest=True)]
    assert _eastern(*rows) == []


def test_mixed_companies_are_judged_filing_by_filing() -> None:
    """A company whose first half is Eastern and whose second half is not."""
    halves = [(day, n >= 4) for n, day in enumerate(TUESDAYS)]
    rows = [row for day, honest in halves for row in _day(day, honest=honest)]
    assert _eastern(*rows) == list(range(8))


def test_a_clock_that_changed_of_late_is_followed_at_once() -> None:
    """Two proofs of the new clock decide what comes after them, however many were of the old."""
    honest = [row for day in TUESDAYS for row in _day(day, honest=True)]
    early = [("3", f"2024-10-01T09:06:{n:02d}", "2024-10-01") for n in (16, 48)]
    results = ("8-K", "2024-10-29T16:31:25", "2024-10-29")
    assert _eastern(*honest, *early, results) == [16, 17, 18]


def test_one_odd_date_changes_no_clock() -> None:
    """A single proof to the contrary speaks for itself alone."""
    honest = [row for day in TUESDAYS for row in _day(day, honest=True)]
    odd = ("11-K", "2024-10-01T18:16:19", "2024-10-02")
    after = ("8-K", "2024-10-29T16:31:25", "2024-10-29")
    assert _eastern(*honest, odd, after) == [16]


def test_a_filing_that_proves_itself_needs_no_company() -> None:
    """Among honest ones, one at 9:06 "UTC", when EDGAR is closed, and one by its date."""
    rows = [row for day in TUESDAYS for row in _day(day, honest=True)]
    odd = [
        ("3", "2024-02-20T09:06:16", "2024-02-20"),
        ("10-Q", "2024-03-12T18:40:00", "2024-03-13"),
        ("8-K", "2024-03-12T16:20:00", "2024-03-12"),  # fits both: as its neighbours
    ]
    assert _eastern(*rows, *odd) == [16, 17]


@pytest.mark.parametrize(
    ("form", "label", "filed", "eastern"),
    [
        ("8-K", "2024-03-08T18:10:00", "2024-03-11", True),  # a Friday
        ("8-K", "2024-07-03T18:10:00", "2024-07-05", True),  # Independence Day between
        ("8-K", "2024-10-11T18:10:00", "2024-10-15", True),  # Columbus Day: EDGAR is closed
        ("8-K", "2024-03-12T18:10:00", "2024-03-12", False),
        ("8-K", "2024-03-12T17:38:00", "2024-03-12", False),
        ("8-K", "2024-03-12T22:30:00", "2024-03-13", False),  # 18:30 in New York
        ("4", "2024-03-12T01:30:00", "2024-03-11", False),  # 21:30 in New York, the same day
        ("4", "2024-03-12T18:10:00", "2024-03-12", False),
        ("UPLOAD", "2024-03-12T18:10:00", "2024-03-13", False),  # the SEC's own letters
        ("8-K", "2001-03-12T18:10:00", "2001-03-13", False),  # from when instants are dates
        ("8-K", "2024-03-12T06:30:00", "2024-03-12", True),
    ],
)
def test_what_proves_a_clock(form: str, label: str, filed: str, eastern: bool) -> None:
    """Working days, holidays of EDGAR, forms with hours of their own."""
    assert (_eastern((form, label, filed)) == [0]) is eastern


def test_evening_results_explain_the_next_session(desk: Desk, cases: Path) -> None:
    """Every report at 16:20 New York time explains the session after it."""
    backfill(desk, path=cases / "clock-eastern" / "submissions.zip")
    found = all_catalysts(desk).filter(pl.col("items").str.contains("2.02", literal=True))
    days = desk.warehouse.read("SELECT accession, filed FROM filings WHERE items LIKE '2.02%'")
    both = found.join(days, on="accession")
    assert both.height == days.height >= 15
    assert (both["session"] > both["filed"]).all()
    assert ((both["session"] - both["filed"]) <= timedelta(days=4)).all()
