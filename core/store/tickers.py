"""Tickers over time in the store: which one a company bears, and those that passed to another.

SQL here names tables and columns only; tickers of users are parameters. `.` and `-` in tickers are
the same (BRK.B, BRK-B).
"""

from __future__ import annotations

from datetime import date, datetime

from core.store.transaction import Transaction
from core.store.warehouse import Warehouse

# a ticker that ended and that another company bears now is no longer a name of the first
_HELD = """(
    SELECT * FROM company_identifiers WHERE kind = 'ticker' AND (valid_to IS NULL OR upper(value)
    NOT IN (SELECT upper(value) FROM company_identifiers
        WHERE kind = 'ticker' AND valid_to IS NULL))
)"""
# every time in which a company bore a ticker; other identifiers once
PERIODS = """(
    SELECT cik, kind, value, exchange, valid_from, valid_to, source FROM company_identifiers
    UNION ALL
    SELECT cik, kind, value, exchange, valid_from, valid_to, source FROM former_tickers
)"""
# of several classes the common one: without a suffix, short, first in the alphabet
PRIMARY = f"""
SELECT cik, arg_min(value, (valid_to IS NOT NULL,
    DATE '9999-12-31' - coalesce(valid_to, DATE '9999-12-31'),
    contains(value, '-'), length(value), value)) AS symbol
FROM {_HELD} GROUP BY cik
"""
# from each company that bore it before to the one that bears it now
MOVES = """
SELECT n.value AS symbol, o.cik AS old, n.cik AS new,
    coalesce(n.valid_from, o.valid_to) AS moved_on, o.valid_to AS ended_on,
    coalesce(a.name, 'another company') AS old_name, coalesce(b.name, 'another company') AS new_name
FROM company_identifiers o JOIN company_identifiers n ON n.kind = 'ticker' AND o.kind = 'ticker'
    AND upper(n.value) = upper(o.value) AND n.cik <> o.cik
    AND n.valid_to IS NULL AND o.valid_to IS NOT NULL
LEFT JOIN companies a ON a.cik = o.cik LEFT JOIN companies b ON b.cik = n.cik
"""


def normal(column: str) -> str:
    """SQL of a ticker in one spelling; of a column or parameter, never a user's text."""
    return f"replace(replace(upper({column}), '.', '-'), '/', '-')"


def follow_moves(tx: Transaction, on: date, at: datetime) -> list[str]:
    """Let the watch list follow tickers that passed to another company that day; sentences.

    The company that bore the ticker before stays on the list, without it.
    """
    moves = tx.read(
        f"SELECT * FROM ({MOVES}) WHERE moved_on = ? QUALIFY row_number() OVER "
        "(PARTITION BY symbol, new ORDER BY ended_on DESC, old) = 1 ORDER BY symbol, old",
        [on],
    )  # from who bore it last: those before are the past
    for row in moves.iter_rows(named=True):
        _follow(tx, row["symbol"], row["old"], row["new"], at)
    return [
        f"{row['symbol']} passed from {row['old_name']} (CIK {row['old']}) "
        f"to {row['new_name']} (CIK {row['new']})"
        for row in moves.iter_rows(named=True)
    ]


def _follow(tx: Transaction, symbol: str, old: int, new: int, at: datetime) -> None:
    given = {"symbol": symbol, "old": old, "new": new, "at": at}
    borne = f"cik = $old AND {normal('symbol')} = {normal('$symbol')}"
    tx.execute(
        f"INSERT INTO watchlist SELECT $new, $symbol, $at FROM watchlist WHERE {borne} "
        "AND NOT EXISTS (SELECT 1 FROM watchlist WHERE cik = $new "
        f"AND (symbol IS NULL OR {normal('symbol')} = {normal('$symbol')}))",
        given,
    )
    # who is on the list already (a ticker that comes back) bears it again
    tx.execute(
        "UPDATE watchlist SET symbol = $symbol WHERE cik = $new AND symbol IS NULL "
        f"AND EXISTS (SELECT 1 FROM watchlist WHERE {borne})",
        {"symbol": symbol, "old": old, "new": new},
    )
    lost = {"old": old, "symbol": symbol}
    tx.execute(  # followed under another class, too: that one stays, once
        f"DELETE FROM watchlist WHERE {borne} AND EXISTS (SELECT 1 FROM watchlist "
        f"WHERE cik = $old AND {normal('symbol')} <> {normal('$symbol')})",
        lost,
    )
    tx.execute(f"UPDATE watchlist SET symbol = NULL WHERE {borne}", lost)


def classes(warehouse: Warehouse, root: str) -> list[str]:
    """Tickers that companies bear now and that begin with a bare root and a dash."""
    return warehouse.read(
        f"SELECT value FROM company_identifiers WHERE kind = 'ticker' AND valid_to IS NULL "
        f"AND starts_with({normal('value')}, {normal('$root')} || '-') ORDER BY value",
        {"root": root},
    )["value"].to_list()
