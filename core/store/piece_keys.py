"""Which pieces a table is kept in: by month or year where most rows stay as they are; else one."""

from __future__ import annotations

from core.store.transaction import quoted

KEY = "piece_key"
_MONTH, _YEAR = "strftime({}, '%Y-%m')", "strftime({}, '%Y')"
_BY_COLUMN = {
    "access_audit": ("happened_at", _MONTH),
    "access_log": ("happened_at", _MONTH),
    "bars_daily": ("session", _MONTH),
    "bars_minute": ("ts", _MONTH),
    "candidates": ("session", _MONTH),
    "events": ("happened_at", _MONTH),
    "fact_sources": ("filed", _YEAR),
    "facts_history": ("replaced_at", _YEAR),
    "filing_items": ("accession", "substr({}, 12, 2)"),  # the year is the middle of an accession
    "filing_status": ("accession", "substr({}, 12, 2)"),
    "filings": ("filed", _YEAR),
    "findings": ("graded_at", _MONTH),
    "graded_filings": ("filed", _YEAR),
    "grades": ("filed", _YEAR),
    "pull_events": ("happened_at", _MONTH),
    "pulls": ("started_at", _MONTH),
    "row_history": ("replaced_at", _MONTH),
}
_FILED = "(SELECT max(strftime(s.filed, '%Y')) FROM fact_sources s WHERE s.source = t.source)"


def keyed(table: str, columns: list[str]) -> str:
    """A query of the rows of a table, each with the key of its piece in a column KEY.

    The year or month of a day in UTC; '' where the table is one piece.
    """
    return f"SELECT t.*, coalesce({_key(table, columns)}, '') AS {KEY} FROM {quoted(table)} t"


def _key(table: str, columns: list[str]) -> str:
    if table == "fact_rows" and "source" in columns:
        return _FILED
    column, key = _BY_COLUMN.get(table, ("", ""))
    return key.format(f"t.{quoted(column)}") if column in columns else "''"
