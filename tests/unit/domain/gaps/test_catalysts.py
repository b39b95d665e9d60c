"""Which filings explain which gap: by instant, across weekends, holidays, DST and early closes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from core.domain.filings import clock as filing_clock
from core.domain.gaps import catalysts
from core.domain.tables.frames import COMPANY_IDENTIFIERS, FILINGS, UNIVERSE
from core.domain.timetable import sessions as calendar
from tests import real_prices, stand_ins


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("accepted", "session"),
    [
        ("2014-07-22T20:31:00", date(2014, 7, 23)),  # after the close: next session
        ("2014-07-22T20:00:00", date(2014, 7, 23)),  # at the close
        ("2014-07-22T19:59:59", None),  # while open: none
        ("2014-07-23T13:29:59", date(2014, 7, 23)),  # a second before the open
        ("2014-07-23T13:30:00", None),  # at the open: too late
        ("2014-07-25T20:30:00", date(2014, 7, 28)),  # Friday evening: Monday
        ("2014-07-03T17:30:00", date(2014, 7, 7)),  # early close at 13:00, then Independence Day
        ("2014-07-03T16:30:00", None),  # before that early close
        ("2015-03-08T12:00:00", date(2015, 3, 9)),  # the Sunday that clocks change
        ("2015-03-09T13:29:00", date(2015, 3, 9)),  # the open is 13:30 UTC from now on
        ("2015-03-06T14:29:00", date(2015, 3, 6)),  # and was 14:30 UTC the Friday before
    ],
)
def test_session_explained_by_an_instant(accepted: str, session: date | None) -> None:
    """A filing explains the session that opens next, if the one before had closed."""
    got = calendar.explained_session(pl.Series([_utc(accepted)]))
    assert got.to_list() == [session]


def _filing(items: str, form: str = "8-K", at: str = "2014-07-22T20:31:00", n: int = 1) -> dict:
    return {
        "cik": 1,
        "accession": f"0000000001-14-{n:06d}",
        "form": form,
        "filed": date(2014, 7, 22),
        "accepted_at": _utc(at),
        "items": items,
    }


def _filings(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=FILINGS.columns)


def test_items_are_named_in_words() -> None:
    """8-K items are named and weighed by the strongest."""
    row = catalysts.find_catalysts(_filings(_filing("2.02,9.01"))).row(0, named=True)
    assert row["title"] == "Results of operations"
    assert row["weight"] == 100
    assert row["url"].endswith("/1/000000000114000001/0000000001-14-000001-index.htm")


def test_structural_items_do_not_explain() -> None:
    """A disposal completed speaks of a spin-off; it explains nothing, results beside it do."""
    found = catalysts.find_catalysts(_filings(_filing("2.01,9.01"), _filing("2.01,2.02", n=2)))
    assert sorted(found["structural"].to_list()) == [False, True]


def test_insider_reports_count_as_a_cluster() -> None:
    """Two Form 4s are nothing, three between two sessions are one catalyst."""
    two = [_filing("", "4", n=n) for n in range(2)]
    assert catalysts.find_catalysts(_filings(*two)).is_empty()
    three = catalysts.find_catalysts(_filings(*two, _filing("", "4", n=9)))
    assert three["title"].to_list() == ["3 insider reports (Form 4)"]


def test_symbol_stands_for_its_company_of_the_day() -> None:
    """A ticker that passed to another company leads to the one that bore it on the session."""
    names = pl.DataFrame(
        [
            {
                "cik": 1,
                "kind": "ticker",
                "value": "META",
                "valid_to": date(2021, 12, 31),
                "source": "x",
            },
            {
                "cik": 2,
                "kind": "ticker",
                "value": "META",
                "valid_from": date(2022, 6, 9),
                "source": "x",
            },
        ],
        schema=COMPANY_IDENTIFIERS.columns,
    )
    known = catalysts.registry(names, UNIVERSE.empty())
    keys = pl.DataFrame(
        {"symbol": ["META"] * 3, "session": [date(2020, 1, 2), date(2022, 1, 3), date(2023, 1, 3)]}
    )
    assert catalysts.companies_of(keys, known)["cik"].to_list() == [1, None, 2]


def test_results_explain_the_session_of_their_gap(shared_data: Path) -> None:
    """Sessions that results explain gap by more than 1.5 times the days beside them."""
    found, names = real_prices.filings(shared_data)
    found = filing_clock.with_true_clock(found)
    known = catalysts.registry(names, UNIVERSE.empty())
    results = catalysts.per_symbol(catalysts.find_catalysts(found), known).filter(
        pl.col("items").str.contains("2.02", literal=True)
    )
    bars = real_prices.five_years(shared_data)
    days = (
        bars.filter(pl.col("symbol").is_in(results["symbol"].unique().implode()))
        .with_columns(
            size=(pl.col("open") / pl.col("close").shift(1).over("symbol") - 1).abs() * 100
        )
        .with_columns(
            before=pl.col("size").shift(1).over("symbol"),
            after=pl.col("size").shift(-1).over("symbol"),
        )
    )
    hit = days.join(results.select("symbol", "session").unique(), on=["symbol", "session"])
    per_symbol = (
        hit.group_by("symbol")
        .agg(pl.len(), pl.col("size").mean(), pl.col("before").mean(), pl.col("after").mean())
        .filter(pl.col("len") >= 15)
    )
    assert per_symbol.height >= 18
    assert hit.height > 300
    right = (pl.col("size") > 1.5 * pl.col("before")) & (pl.col("size") > 1.5 * pl.col("after"))
    wrong = per_symbol.filter(~right)["symbol"].to_list()
    assert wrong == []


def test_nothing_accepted_after_the_open_counts(captures_or_none: Path | None) -> None:
    """Of all filings none explains a session that had opened before it was accepted."""
    filings = stand_ins.scannable(captures_or_none).filings
    found = catalysts.find_catalysts(filing_clock.with_true_clock(filings))
    table = calendar.all_sessions().with_columns(closed=pl.col("close_at").shift(1))
    joined = found.join(table, on="session")
    assert joined.height == found.height > (10_000 if captures_or_none else 100)
    assert (joined["accepted_at"] < joined["open_at"]).all()
    assert (joined["accepted_at"] >= joined["closed"]).all()


def test_eastern_clocks_are_found(shared_data: Path) -> None:
    """Intel's acceptance times are Eastern labelled UTC; Apple's and Walmart's are honest."""
    found = real_prices.filings(shared_data)[0]
    odd = filing_clock.eastern_labelled(found)
    assert odd.filter(pl.col("cik") == 50863).height > 3_000
    assert odd.filter(pl.col("cik").is_in([320193, 104169, 789019])).is_empty()
