"""Ten years of minute bars of 8,000 names, planned from a part of them: one month in a lake.

    python -m benchmarks.minute_bars FOLDER [--names 8000] [--sessions 21]

FOLDER is a new folder outside of the project, for the tables; PostgreSQL is started. The bars are
walks by chance of so many names, a session at a time as pulls bring them. Told are rows a second,
bytes a row, what upkeep leaves, and how long a query of one session takes and how many files it
opens; and the same for ten years of 8,000 names, 252 sessions a year, 390 minutes each.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from core.addresses import LakeAddress
from core.domain.timetable import sessions as calendar
from core.places import ROOT
from core.store.lake import LakeEngine
from core.store.lake_upkeep import files_of, keep_up
from core.store.warehouse import Warehouse
from tests import lakes

MINUTES = 390
ALL = 10 * 252 * 8_000 * MINUTES
FIRST = date(2026, 1, 1)
BARS = """
    INSERT INTO bars_minute
    WITH walk AS (
        SELECT 'M' || n AS symbol, minute,
               20 + n % 300 + sum((random() - 0.5) * 0.04) OVER (PARTITION BY n ORDER BY minute) c
        FROM range($names) a(n), range($minutes) b(minute)
    )
    SELECT symbol, $opens::TIMESTAMPTZ + minute * INTERVAL 1 MINUTE, round(c - 0.01, 2),
           round(c + 0.02, 2), round(c - 0.03, 2), round(c, 2), floor(random() * 5000), 'regular',
           $pull
    FROM walk ORDER BY symbol, minute
"""
SESSION = """
    SELECT symbol, arg_min(open, ts), max(high), min(low), sum(volume) FROM bars_minute
    WHERE ts >= $opens::TIMESTAMPTZ AND ts < $opens::TIMESTAMPTZ + INTERVAL 7 HOUR GROUP BY symbol
"""


def opens(session: date) -> datetime:
    """About when a session opens."""
    return datetime(session.year, session.month, session.day, 14, 30, tzinfo=UTC)


def load(store: Warehouse, sessions: list[date], names: int) -> float:
    """Insert the bars, a transaction a session; seconds."""
    began = time.perf_counter()
    for session in sessions:
        given = {"names": names, "minutes": MINUTES, "opens": opens(session), "pull": f"{session}"}
        with store.transaction(bulk=True) as tx:
            tx.execute(BARS, given)
    return time.perf_counter() - began


def read(store: Warehouse, session: date) -> tuple[float, int]:
    """Seconds for the bars of a session as one a name, and how many files that opens."""
    given = {"opens": opens(session)}
    began = time.perf_counter()
    store.read_anew(SESSION, given)
    seconds = time.perf_counter() - began
    plan = store.read_anew(f"EXPLAIN ANALYZE {SESSION}", given).row(0)[1]
    found = re.search(r"Total Files Read:\s*(\d+)", plan)
    return seconds, int(found[1]) if found else 0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--names", type=int, default=8_000)
    parser.add_argument("--sessions", type=int, default=21)
    asked = parser.parse_args()
    folder = asked.folder.resolve()
    if folder.is_relative_to(ROOT):
        parser.error("the folder must be outside of the project")
    folder.mkdir(parents=True)
    days = calendar.sessions_between(FIRST, FIRST + timedelta(days=2 * asked.sessions + 9))
    sessions = days["session"].to_list()[: asked.sessions]
    rows = asked.names * len(sessions) * MINUTES
    with lakes.server() as server:
        engine = LakeEngine(LakeAddress(lakes.empty(server, folder / "lake")), folder / "x.duckdb")
        with Warehouse.open(engine) as store:
            seconds = load(store, sessions, asked.names)
            loaded = files_of(store).filter(table_name="bars_minute").row(0, named=True)
            took, files = read(store, sessions[-1])
            began = time.perf_counter()
            keep_up(store, datetime.now(UTC), timedelta(days=7))
            kept = time.perf_counter() - began
            left = files_of(store).filter(table_name="bars_minute").row(0, named=True)
            took_after, files_after = read(store, sessions[-1])
    size = loaded["file_size_bytes"] / rows
    merged = left["file_size_bytes"] / rows
    sys.stdout.write(
        f"{rows:,} rows, {rows / ALL:.2%} of ten years of 8,000 names: {seconds:.0f} s, "
        f"{rows / seconds:,.0f} rows/s, {size:.1f} bytes a row in {loaded['file_count']} files\n"
        f"a session: {took:.2f} s out of {files} files; after upkeep ({kept:.0f} s) {merged:.1f} "
        f"bytes a row in {left['file_count']} files: {took_after:.2f} s out of {files_after}\n"
        f"all: {ALL:,} rows, {ALL * merged / 1e9:,.0f} GB, {ALL * seconds / rows / 3600:.1f} h\n"
    )


if __name__ == "__main__":
    main()
