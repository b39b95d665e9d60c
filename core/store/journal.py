"""The journal in the store: entries are appended and read, never updated or deleted.

Numbers have no gaps; reading proves numbers, balance and chain of every entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol

import polars as pl

from core.domain.chain import GENESIS
from core.domain.tables.frames import INSTANT
from core.domain.trading.ledger import (
    JournalEntry,
    Numbered,
    Posting,
    number,
    validated,
    verify,
)
from core.errors import IntegrityError
from core.store.transaction import Transaction
from core.store.warehouse import Warehouse

MONEY = pl.Decimal(18, 2)
SIX = pl.Decimal(18, 6)
ENTRIES: dict[str, pl.DataType | type[pl.DataType]] = {
    "entry_no": pl.Int64,
    "happened_at": INSTANT,
    "kind": pl.String,
    "effective": pl.Date,
    "memo": pl.String,
    "plan_id": pl.String,
    "reverses": pl.Int64,
    "previous_hash": pl.String,
    "hash": pl.String,
}
POSTINGS: dict[str, pl.DataType | type[pl.DataType]] = {
    "entry_no": pl.Int64,
    "line": pl.Int32,
    "account": pl.String,
    "debit": MONEY,
    "credit": MONEY,
    "quantity": SIX,
    "symbol": pl.String,
    "price": SIX,
}


class Reader(Protocol):
    """A warehouse, or a transaction that sees its own writes."""

    def read(
        self, sql: str, params: Sequence[Any] | Mapping[str, Any] | None = None
    ) -> pl.DataFrame:
        """The rows of a query."""
        ...


def append(tx: Transaction, entries: Iterable[JournalEntry], at: datetime) -> list[Numbered]:
    """Number, chain and write entries in the transaction; ValidationError writes nothing."""
    items = [validated(entry) for entry in entries]
    if not items:
        return []
    first, previous = head(tx)
    last = first
    moment = at.astimezone(UTC)
    made: list[Numbered] = []
    for item in items:
        made.append(number(item, last, previous, moment))
        last, previous = made[-1].number, made[-1].hash
    tx.insert("journal_entries", _entry_frame(made))
    tx.insert("journal_postings", _posting_frame(made))
    moved = "UPDATE journal_head SET entry_no = ?, hash = ?"
    tx.execute(moved if first else "INSERT INTO journal_head VALUES (?, ?)", [last, previous])
    return made


def head(reader: Reader) -> tuple[int, str]:
    """The last number and its hash; IntegrityError when the entries do not end there."""
    row = reader.read(
        "SELECT h.entry_no, h.hash, e.last, e.entries FROM "
        "(SELECT max(entry_no) AS last, count(*) AS entries FROM journal_entries) e "
        "LEFT JOIN journal_head h ON TRUE"
    ).row(0)
    entry_no, chain, last, count = row
    if (entry_no or 0) != (last or 0) or count != (last or 0):
        raise IntegrityError(
            f"the journal ends at entry {last}, has {count} entries, and should end at {entry_no}",
            hint="restore the last verified backup",
        )
    return (int(entry_no), str(chain)) if entry_no else (0, GENESIS)


def read(reader: Reader) -> list[Numbered]:
    """The whole journal, proven whole; IntegrityError names the entry that is not."""
    try:
        return _proven(reader)
    except IntegrityError:
        if not isinstance(reader, Warehouse):
            raise
    with reader.moment() as now:  # somebody may have written between two of its queries
        return _proven(now)


def _proven(reader: Reader) -> list[Numbered]:
    postings = reader.read("SELECT * FROM journal_postings ORDER BY entry_no, line")
    entries = reader.read("SELECT * FROM journal_entries ORDER BY entry_no")
    lines: dict[int, list[Posting]] = {}
    for row in postings.iter_rows(named=True):
        lines.setdefault(row["entry_no"], []).append(_posting(row))
    journal = [
        _numbered(row, lines.pop(row["entry_no"], [])) for row in entries.iter_rows(named=True)
    ]
    if lines:
        raise IntegrityError(f"postings without an entry: {', '.join(map(str, sorted(lines)))}")
    verify(journal)
    if journal and head(reader) != (journal[-1].number, journal[-1].hash):
        raise IntegrityError("the journal's last entry was replaced")
    return journal


def trial_balance(reader: Reader) -> pl.DataFrame:
    """Debits, credits and balance per account, added up by the store itself."""
    return reader.read(
        "SELECT account, sum(debit)::DECIMAL(18,2) AS debit, sum(credit)::DECIMAL(18,2) AS credit, "
        "sum(debit - credit)::DECIMAL(18,2) AS balance, count(*) AS postings "
        "FROM journal_postings GROUP BY account ORDER BY account"
    )


def lines(reader: Reader) -> pl.DataFrame:
    """Every posting with its entry, in order: what the export writes."""
    return reader.read(
        "SELECT e.entry_no, p.line, e.happened_at, e.effective, e.kind, e.memo, e.plan_id, "
        "e.reverses, p.account, p.debit, p.credit, p.quantity, p.symbol, p.price "
        "FROM journal_entries e JOIN journal_postings p USING (entry_no) "
        "ORDER BY e.entry_no, p.line"
    )


def _entry_frame(made: Sequence[Numbered]) -> pl.DataFrame:
    rows = [
        (
            item.number,
            item.at,
            item.entry.kind,
            item.entry.effective,
            item.entry.memo,
            item.entry.plan_id,
            item.entry.reverses,
            item.previous_hash,
            item.hash,
        )
        for item in made
    ]
    return pl.DataFrame(rows, schema=ENTRIES, orient="row")


def _posting_frame(made: Sequence[Numbered]) -> pl.DataFrame:
    rows = [
        (item.number, line, p.account, p.debit, p.credit, p.quantity, p.symbol, p.price)
        for item in made
        for line, p in enumerate(item.entry.postings, start=1)
    ]
    return pl.DataFrame(rows, schema=POSTINGS, orient="row")


def _posting(row: Mapping[str, Any]) -> Posting:
    quantity: Decimal = row["quantity"]
    return Posting(
        row["account"], row["debit"], row["credit"], quantity, row["symbol"], row["price"]
    )


def _numbered(row: Mapping[str, Any], postings: Sequence[Posting]) -> Numbered:
    entry = JournalEntry(
        row["kind"], row["effective"], row["memo"], tuple(postings), row["plan_id"], row["reverses"]
    )
    at = row["happened_at"].astimezone(UTC)
    return Numbered(row["entry_no"], at, entry, row["previous_hash"], row["hash"])
