"""What the landing page asks: what changed, and what watched companies filed, since an instant."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from core.domain.filings import edgar
from core.domain.timetable import sessions as calendar
from core.service.filings import filing_rows
from core.store.tickers import PRIMARY

if TYPE_CHECKING:
    from core.service.desk import Desk


def last_close(desk: Desk) -> datetime:
    """The last close of the exchange by now: from then on everything is new to a reader."""
    return calendar.last_close(desk.now())


def changes(desk: Desk, since: datetime) -> pl.DataFrame:
    """Per dataset since an instant: pulls, failed, inserted, updated, rejected, last_at.

    Datasets whose pulls changed nothing and failed never are left out.
    """
    return desk.warehouse.read(
        "SELECT dataset, count(*) AS pulls, count(*) FILTER (state = 'failed') AS failed, "
        "coalesce(sum(rows_inserted), 0)::BIGINT AS inserted, "
        "coalesce(sum(rows_updated), 0)::BIGINT AS updated, "
        "coalesce(sum(rows_rejected), 0)::BIGINT AS rejected, max(started_at) AS last_at "
        "FROM pulls WHERE started_at >= ? GROUP BY dataset "
        "HAVING failed > 0 OR inserted > 0 OR updated > 0 OR rejected > 0 "
        "ORDER BY failed DESC, last_at DESC",
        [since],
    )


def new_filings(desk: Desk, since: datetime, limit: int = 50) -> pl.DataFrame:
    """Filings of watched companies accepted from an instant until now, newest first.

    With links, and `title`: the filing in words.
    """
    found = desk.warehouse.read(
        f"WITH t AS ({PRIMARY}), "
        "w AS (SELECT cik, min(symbol) AS symbol FROM watchlist GROUP BY cik) "
        "SELECT f.cik, coalesce(w.symbol, t.symbol) AS symbol, c.name, f.form, f.items, "
        "f.description, f.file_number, f.accepted_at, f.filed, f.accession, "
        f"{edgar.filing_sql('f')} AS url "
        "FROM filings f JOIN w ON w.cik = f.cik LEFT JOIN companies c ON c.cik = f.cik "
        "LEFT JOIN t ON t.cik = f.cik "
        "WHERE coalesce(f.accepted_at, f.filed::TIMESTAMPTZ) BETWEEN $since AND $now "
        "ORDER BY coalesce(f.accepted_at, f.filed::TIMESTAMPTZ) DESC, f.accession DESC, f.cik "
        "LIMIT $limit",
        {"since": since, "now": desk.now(), "limit": limit},
    )
    insider = pl.when(pl.col("form").str.contains(r"^[345](/A)?$")).then(pl.lit("Insider report"))
    return filing_rows.told(desk, found).with_columns(pl.coalesce("title", insider, "description"))


def search(desk: Desk, text: str, limit: int = 20) -> pl.DataFrame:
    """Symbols, companies and filings that match a text, best first.

    Columns: kind (symbol, company, filing), name (symbol, CIK or accession), title, detail, cik
    (of a filing: an accession may be of several registrants, each a row).
    """
    wanted = text.strip()
    return desk.warehouse.read(
        "WITH q AS (SELECT lower($text) AS t), "
        "s AS (SELECT 'symbol' AS kind, symbol AS name, name AS title, sector AS detail, "
        "CASE WHEN lower(symbol) = t THEN 0 WHEN starts_with(lower(symbol), t) THEN 2 "
        "WHEN starts_with(lower(name), t) THEN 3 ELSE 6 END "
        "AS rank, NULL::BIGINT AS cik FROM universe, q "
        "WHERE contains(lower(symbol), t) OR contains(lower(name), t)), "
        "c AS (SELECT 'company', cik::VARCHAR, name, sic_description, "
        "CASE WHEN cik::VARCHAR = ltrim(t, '0') THEN 1 "
        "ELSE CASE WHEN starts_with(lower(name), t) THEN 4 ELSE 7 END "
        "- CASE WHEN cik IN (SELECT cik FROM watchlist) THEN 2 ELSE 0 END END, NULL "
        "FROM companies, q WHERE contains(lower(name), t) OR cik::VARCHAR = ltrim(t, '0')), "
        "f AS (SELECT 'filing', accession, form || ' of ' || filed, "
        "concat_ws(' · ', n.name, coalesce(description, items)), 1, r.cik "
        "FROM filings r LEFT JOIN companies n ON n.cik = r.cik, q "
        "WHERE length(t) >= 10 AND contains(accession, t)) "
        "SELECT kind, name, title, detail, cik FROM (FROM s UNION ALL FROM c UNION ALL FROM f) "
        "ORDER BY rank, title, name, cik LIMIT $limit",
        {"text": wanted, "limit": limit},
    )
