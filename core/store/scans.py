"""What scans read and keep: bars by window, actions, catalysts' filings, candidates.

Table names come from the catalogue and are quoted; values are parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

import polars as pl

from core.domain.gaps.bars import LEAST_PRICE, MOST_PRICE, MOST_VOLUME
from core.domain.tables.frames import BARS_DAILY, FILINGS
from core.domain.timetable import sessions as calendar
from core.store.filing_status import GRADE, known
from core.store.journal import Reader
from core.store.tickers import PERIODS
from core.store.transaction import Transaction, quoted
from core.store.warehouse import Warehouse

_BARS = ", ".join(BARS_DAILY.columns)
_FILINGS = ", ".join(FILINGS.columns)

# bars.is_sound in SQL; NaN is above every number there, so the bounds leave it out
SOUND = (
    f"(low >= {LEAST_PRICE} AND high <= {MOST_PRICE} AND open BETWEEN low AND high "
    f"AND close BETWEEN low AND high AND volume > 0 AND volume <= {MOST_VOLUME})"
)

GRADE_DAYS = 400  # a year, the time to file, and some grace: then a grade is of another company
ORIGINALS = ("10-K", "10-KT", "10-K405", "10-KSB", "10-Q", "10-QT", "10-QSB", "20-F", "40-F")
REPORTS = rf"({'|'.join(ORIGINALS)})(/A)?"
LEAST_SHARE = 0.1  # of the names of a usual session
COMPARED = 5  # sessions before it that a session is judged by
LOOK_BACK_DAYS = 40  # with bars; far more than stray days could be
LATELY = timedelta(days=21)  # looked at first: to count names of years takes a third of a second


def has_table(warehouse: Warehouse, table: str) -> bool:
    """Whether the table is there."""
    query = "SELECT count(*) FROM duckdb_columns() WHERE table_name = ?"
    return bool(warehouse.read(query, [table]).item())


def bars(
    warehouse: Warehouse,
    table: str,
    first: date | None = None,
    last: date | None = None,
    symbols: Sequence[str] | None = None,
    *,
    ordered: bool = True,
) -> pl.DataFrame:
    """Daily bars (BARS_DAILY) from `first` to `last`, by symbol and session or as they lie.

    Of sessions of the exchange alone (`calendar.traded`).
    """
    where, params = [], []
    for clause, value in (("session >= ?", first), ("session <= ?", last)):
        if value is not None:
            where.append(clause)
            params.append(value)
    if symbols is not None:
        where.append("symbol IN (SELECT unnest(?))")
        params.append(list(symbols))  # type: ignore[arg-type]
    condition = f"WHERE {' AND '.join(where)}" if where else ""
    order = "ORDER BY symbol, session" if ordered else ""
    query = f"SELECT {_BARS} FROM {quoted(table)} {condition} {order}"
    return calendar.traded(warehouse.read(query, params))


def closed_days(reader: Reader, table: str) -> list[date]:
    """Days with rows on which the exchange was closed: queries that compute leave them out."""
    days = reader.read(f"SELECT DISTINCT session FROM {quoted(table)}")["session"]
    return days.filter(calendar.is_closed(days)).sort().to_list()


def latest_session(reader: Reader, table: str, until: date | None = None) -> date | None:
    """The last session of the exchange with sound bars, not after `until`.

    Rows of other days, and bars that hold no prices, are not looked at: an upstream may deliver
    some, or an older desk may have kept them. A session of which only a few names have bars (less
    than a tenth of the busiest of the five before it) is not there yet: one early bird must not
    make the prices of all others stale.
    """
    newest = reader.read(f"SELECT max(session) FROM {quoted(table)}").item()
    end = min(until or date.max, newest or date.max)
    first = max(end, date.min + LATELY) - LATELY
    lately = _names_of_sessions(reader, table, first, end)
    place = _first_there([names for _, names in lately])
    if place is None or place + COMPARED >= len(lately):  # too few to judge it by
        lately = _names_of_sessions(reader, table, date.min, end)
        place = _first_there([names for _, names in lately])
    return None if place is None else lately[place][0]


def _names_of_sessions(
    reader: Reader, table: str, first: date, last: date
) -> list[tuple[date, int]]:
    """Sessions with the names that have sound bars in them, newest first."""
    query = (
        f"SELECT session, count(*) AS names FROM {quoted(table)} WHERE session >= $first "
        f"AND session <= $last AND {SOUND} GROUP BY session ORDER BY session DESC LIMIT $most"
    )
    days = reader.read(query, {"first": first, "last": last, "most": LOOK_BACK_DAYS})
    return [row for row in days.iter_rows() if calendar.is_session(row[0])]


def _first_there(counts: Sequence[int]) -> int | None:
    """The place of the first of which enough names have bars, by the busiest before it."""
    for place, names in enumerate(counts):
        before = counts[place + 1 : place + 1 + COMPARED]
        if names >= LEAST_SHARE * max(before, default=0):
            return place
    return None


def sessions(warehouse: Warehouse, table: str) -> pl.Series:
    """All sessions of the exchange with sound bars, newest first."""
    query = f"SELECT DISTINCT session FROM {quoted(table)} WHERE {SOUND} ORDER BY session DESC"
    return calendar.traded(warehouse.read(query))["session"]


def symbols(warehouse: Warehouse, table: str) -> list[str]:
    """All symbols with bars."""
    query = f"SELECT DISTINCT symbol FROM {quoted(table)} ORDER BY symbol"
    return warehouse.read(query)["symbol"].to_list()


def last_closes(warehouse: Warehouse, table: str, days: Sequence[date]) -> pl.DataFrame:
    """symbol, prior_session and close of each name's last bar in the days (ascending)."""
    return warehouse.read(
        "SELECT symbol, max(session) AS prior_session, arg_max_null(close, session) AS close "
        f"FROM {quoted(table)} WHERE session >= $first AND session IN (SELECT unnest($days)) "
        "GROUP BY symbol ORDER BY symbol",
        {"first": days[0], "days": list(days)},
    )


def filings(
    warehouse: Warehouse,
    start: datetime | None = None,
    end: datetime | None = None,
    ciks: Sequence[int] | None = None,
) -> pl.DataFrame:
    """Filings (FILINGS) accepted in [start, end), of some companies or all; all with an acceptance
    time by default.
    """
    return warehouse.read(
        f"SELECT {_FILINGS} FROM filings WHERE accepted_at IS NOT NULL "
        "AND ($start IS NULL OR accepted_at >= $start) AND ($end IS NULL OR accepted_at < $end) "
        "AND ($ciks IS NULL OR cik IN (SELECT unnest($ciks::BIGINT[])))",
        {"start": start, "end": end, "ciks": None if ciks is None else list(ciks)},
    )


def filed_companies(warehouse: Warehouse) -> list[int]:
    """CIKs whose filings are in the store: for them "no catalyst found" means something."""
    return warehouse.read("SELECT DISTINCT cik FROM filings ORDER BY cik")["cik"].to_list()


def acceptance_times(warehouse: Warehouse, ciks: Sequence[int] | None = None) -> pl.DataFrame:
    """cik, accession, form, filed, accepted_at of filings (of some companies), for their clocks."""
    return warehouse.read(
        "SELECT cik, accession, form, filed, accepted_at FROM filings "
        "WHERE accepted_at IS NOT NULL "
        "AND ($ciks IS NULL OR cik IN (SELECT unnest($ciks::BIGINT[])))",
        {"ciks": None if ciks is None else list(ciks)},
    )


def identifiers(warehouse: Warehouse) -> pl.DataFrame:
    """The ticker rows of the registry."""
    return warehouse.read(f"SELECT * FROM {PERIODS} WHERE kind = 'ticker'")


def universe(warehouse: Warehouse) -> pl.DataFrame:
    """symbol, name, sector, cik of the universe."""
    return warehouse.read("SELECT symbol, name, sector, industry, exchange, cik FROM universe")


def grades(reader: Reader, as_of: date) -> pl.DataFrame:
    """cik, grade, grade_form, grade_age_days, status, status_reason of the newest report.

    Of those filed before a day, with what was known before it. A report that is not rated counts,
    also one without facts from its second day on, where its company had graded ones; an amendment
    that is not rated (a cover, a part III) says nothing of the figures. A grade older than
    `GRADE_DAYS` days counts as not rated; a withdrawn report is D at most.
    """
    return reader.read(_GRADES, {"day": as_of, "most": GRADE_DAYS})


_RATES = f"regexp_full_match(g.form, '{REPORTS}') AND NOT (g.form LIKE '%/A' AND g.grade = 'NR')"
_UNGRADED = f"""
    SELECT f.cik, f.accession, f.form, f.filed, f.report_date FROM filings f
    JOIN (SELECT cik, min(filed) AS first FROM grades WHERE is_current GROUP BY cik) b
        ON b.cik = f.cik AND b.first < f.filed
    WHERE f.form IN {ORIGINALS} AND NOT EXISTS (SELECT 1 FROM grades g
        WHERE g.is_current AND g.cik = f.cik AND g.accession = f.accession)
"""
_GRADES = f"""
WITH reports AS (
    SELECT g.cik, g.accession, {GRADE} AS grade, g.form, g.filed, g.period_end, s.status,
        s.status_reason
    FROM grades g LEFT JOIN ({known("$day - 1")}) s
        ON s.cik = g.cik AND s.accession = g.accession
    WHERE g.is_current AND g.filed < $day AND {_RATES}
    UNION ALL
    SELECT cik, accession, 'NR', form, filed, report_date, NULL, NULL FROM ({_UNGRADED}) u
    WHERE filed BETWEEN $day - $most AND $day - 2
)
SELECT cik, CASE WHEN $day - filed > $most THEN 'NR' ELSE grade END AS grade, form AS grade_form,
    ($day - filed)::BIGINT AS grade_age_days, status, status_reason
FROM reports
QUALIFY row_number()
    OVER (PARTITION BY cik ORDER BY filed DESC, period_end DESC, accession DESC) = 1
"""


def grade_history(warehouse: Warehouse, on: date) -> pl.DataFrame:
    """cik, filed, grade, form, accession, status and its reason of every graded filing, by date.

    As known on a day.
    """
    if not has_table(warehouse, "grades"):
        words = dict.fromkeys(("grade", "form", "accession", *_STATUS), pl.String)
        return pl.DataFrame(schema={"cik": pl.Int64, "filed": pl.Date, **words})
    return warehouse.read(
        f"SELECT g.cik, g.filed, {GRADE} AS grade, g.form, g.accession, s.status, s.status_reason "
        f"FROM grades g LEFT JOIN ({known('$on')}) s ON s.cik = g.cik "
        "AND s.accession = g.accession WHERE g.is_current AND g.filed <= $on ORDER BY g.filed",
        {"on": on},
    )


_STATUS = ("status", "status_reason")


def grades_over_time(warehouse: Warehouse) -> pl.DataFrame:
    """cik, since and grade: what the newest graded report of each company was rated, day by day.

    A row for each report, and one where the newest was withdrawn later; which reports count, and
    since when those without facts do, is as in `grades`.
    """
    words = {"cik": pl.Int64, "since": pl.Date, "grade": pl.String}
    if not has_table(warehouse, "grades"):
        return pl.DataFrame(schema=words)
    return warehouse.read(_OVER_TIME)


_OVER_TIME = f"""
WITH reports AS (
    SELECT g.cik, g.accession, g.grade, g.filed, g.period_end FROM grades g
    WHERE g.is_current AND {_RATES}
    UNION ALL
    SELECT cik, accession, 'NR', filed + 1, report_date FROM ({_UNGRADED}) u
), newest AS (
    SELECT cik, accession, grade, filed,
        lead(filed) OVER (PARTITION BY cik ORDER BY filed, period_end, accession) AS until
    FROM reports
), told AS (
    SELECT g.cik, s.since, {GRADE} AS grade
    FROM newest g JOIN filing_status s ON s.cik = g.cik AND s.accession = g.accession
    WHERE s.since > g.filed AND (g.until IS NULL OR s.since < g.until)
)
SELECT cik, filed AS since, grade FROM newest UNION ALL SELECT cik, since, grade FROM told
ORDER BY since
"""


def version(warehouse: Warehouse, table: str, datasets: Sequence[str]) -> tuple[object, ...]:
    """Changes when anything that a scan of a table and these datasets rests on has changed.

    A pull of other datasets leaves it alone; of the facts only the grades matter.
    """
    rows = warehouse.read(
        "SELECT count(*) FROM bars_minute "
        "UNION ALL SELECT coalesce(epoch_us(max(graded_at)), 0) + count(*) FROM grades "
        "UNION ALL SELECT coalesce(epoch_us(max(computed_at)), 0) + count(*) FROM filing_status"
    )
    return (*rows.to_series().to_list(), *past_version(warehouse, table, datasets))


def past_version(warehouse: Warehouse, table: str, datasets: Sequence[str]) -> tuple[object, ...]:
    """As `version`, without prints and grades: what was before a session stays the same in it."""
    names = [table, "corporate_actions", "filings", "company_identifiers", "universe"]
    counts = " UNION ALL ".join(f"SELECT count(*) FROM {quoted(name)}" for name in names)
    rows = warehouse.read(
        f"{counts} UNION ALL SELECT coalesce(epoch_us(max(finished_at)), 0) + count(*) FROM pulls "
        "WHERE coalesce(rows_inserted, 0) + coalesce(rows_updated, 0) > 0 "
        "AND dataset IN (SELECT unnest(?))",
        [list(datasets)],
    )
    return tuple(rows.to_series().to_list())


def keep_scan(
    warehouse: Warehouse,
    scan: pl.DataFrame,
    rows: pl.DataFrame,
    tell: Callable[[Transaction, Sequence[str]], None] = lambda *_: None,
) -> None:
    """Store one scan and its candidates in place of an earlier one of that session.

    `tell` is called in the same transaction, with the symbols of the earlier one.
    """
    key = [scan["dataset"][0], scan["session"][0]]
    with warehouse.transaction() as tx:
        before = tx.read("SELECT symbol FROM candidates WHERE dataset = ? AND session = ?", key)
        tx.execute("DELETE FROM scans WHERE dataset = ? AND session = ?", key)
        tx.execute("DELETE FROM candidates WHERE dataset = ? AND session = ?", key)
        tx.insert("scans", scan)
        if not rows.is_empty():
            tx.insert("candidates", rows)
        tell(tx, before["symbol"].to_list())


def count_variants(warehouse: Warehouse, dataset: str, variant: str, now: datetime) -> int:
    """Remember a back-test's parameters; how many different ones were tried on the dataset."""
    both = "SELECT count(*), count_if(variant = ?) FROM backtest_variants WHERE dataset = ?"
    total, seen = warehouse.read(both, [variant, dataset]).row(0)
    if seen:
        return int(total)
    known = "SELECT count(*) FROM backtest_variants WHERE dataset = ? AND variant = ?"
    with warehouse.transaction() as tx:
        if not tx.read(known, [dataset, variant]).item():
            tx.execute("INSERT INTO backtest_variants VALUES (?, ?, ?)", [dataset, variant, now])
        count = tx.read("SELECT count(*) FROM backtest_variants WHERE dataset = ?", [dataset])
    return int(count.item())
