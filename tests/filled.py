"""A small, whole world in a store: prices, companies, filings, facts and pulls."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl

from core.domain.filings.facts import coded
from core.domain.tables.frames import FACTS
from core.domain.timetable import sessions as calendar
from core.service.desk import Desk
from core.store.facts import append_facts

PULL = "0" * 32
SYMBOLS = ("AAA", "BBB")
CIKS = (1001, 1002)
PULLED = ("prices.daily", "sec.facts", "sec.submissions", "sec.companies")


def fill(desk: Desk) -> Desk:
    """Put two companies with a year of bars, filings, facts and pulls into the desk's store."""
    now = desk.now()
    tables = {
        "bars_daily": _bars(now.date()),
        "universe": _universe(),
        "companies": _companies(),
        "company_identifiers": _identifiers(),
        "watchlist": _watchlist(now),
        "filings": _filings(now),
        "pulls": _pulls(now),
        "rejected_rows": _rejected(),
    }
    with desk.warehouse.transaction() as tx:
        for name, frame in tables.items():
            tx.insert(name, frame)
        append_facts(tx, [coded(_facts(now))], PULL, now)
    return desk


def _with_pull(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pull_id=pl.lit(PULL))


def _bars(last: date) -> pl.DataFrame:
    days = calendar.sessions_between(last - timedelta(days=365), last)["session"].alias("session")
    rows = pl.DataFrame({"symbol": SYMBOLS}).join(pl.DataFrame({"session": days}), how="cross")
    wave = (pl.int_range(pl.len()) * 0.7).sin() * 4 + 100
    return _with_pull(
        rows.with_columns(open=wave + 1, close=wave)
        .with_columns(
            high=pl.max_horizontal("open", "close") + 1,
            low=pl.min_horizontal("open", "close") - 1,
            volume=pl.lit(1_000_000, pl.Int64),
        )
        .select("symbol", "session", "open", "high", "low", "close", "volume")
    )


def _universe() -> pl.DataFrame:
    return _with_pull(
        pl.DataFrame({"symbol": SYMBOLS, "name": ["Alpha Inc", "Beta = Corp"], "cik": CIKS})
    )


def _companies() -> pl.DataFrame:
    names = ["Alpha Inc", "Beta = Corp"]
    return _with_pull(pl.DataFrame({"cik": CIKS, "name": names, "fiscal_year_end": ["1231"] * 2}))


def _identifiers() -> pl.DataFrame:
    return _with_pull(
        pl.DataFrame({"cik": CIKS, "kind": ["ticker"] * 2, "value": SYMBOLS, "source": ["sec"] * 2})
    )


def _watchlist(now: datetime) -> pl.DataFrame:
    return pl.DataFrame({"cik": CIKS, "symbol": SYMBOLS, "added_at": [now] * 2})


def _quarters(now: datetime) -> list[date]:
    return [now.date() - timedelta(days=91 * back) for back in range(8, 0, -1)]


def _filings(now: datetime) -> pl.DataFrame:
    rows = [
        {
            "cik": cik,
            "accession": f"{cik:010d}-26-{number:06d}",
            "form": "10-Q",
            "filed": end + timedelta(days=30),
            "accepted_at": now - timedelta(hours=3 + 2000 * (8 - number)),
            "report_date": end,
        }
        for cik in CIKS
        for number, end in enumerate(_quarters(now), 1)
    ]
    return _with_pull(pl.DataFrame(rows))


def _facts(now: datetime) -> pl.DataFrame:
    rows = [
        {
            "cik": cik,
            "taxonomy": "us-gaap",
            "concept": concept,
            "unit": "USD",
            "period_start": end - timedelta(days=span) if span else None,
            "period_end": end,
            "value": 1e6 * number,
            "accession": f"{cik:010d}-26-{number:06d}",
            "form": "10-Q",
            "filed": end + timedelta(days=30),
            "fiscal_year": end.year,
            "fiscal_period": f"Q{(number - 1) % 4 + 1}",
            "frame": None,
            "seq": 0,
        }
        for cik in CIKS
        for number, end in enumerate(_quarters(now), 1)
        for concept, span in (("Assets", 0), ("Revenues", 90))
    ]
    return pl.DataFrame(rows, schema=FACTS.columns)


def _pulls(now: datetime) -> pl.DataFrame:
    rows = [
        {
            "pull_id": f"{place:016d}{days:016d}",
            "dataset": name,
            "trigger": "schedule",
            "state": "failed" if days == 2 else "done",
            "error": "the container closed the connection" if days == 2 else None,
            "rows_read": 500,
            "rows_inserted": 500,
            "rows_rejected": 1,
            "bytes": 10_000,
            "started_at": now - timedelta(days=days, seconds=9),
            "finished_at": now - timedelta(days=days),
            "seconds": 9.0,
            "simulated": False,
        }
        for place, name in enumerate(PULLED)
        for days in range(5)
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _rejected() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "pull_id": [f"{0:032d}"],
            "dataset": ["prices.daily"],
            "row_number": [7],
            "column_name": ["close"],
            "reason": ["not a number"],
            "raw": ["=cmd()"],
        }
    )
