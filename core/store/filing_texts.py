"""The first lines of filings in the store, or why there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from core.store.journal import Reader
from core.store.transaction import Transaction

COLUMNS = ("cik", "accession", "kind", "url", "text", "letters", "reason", "tries", "read_at")
Key = tuple[int, str]  # CIK and accession number


@dataclass(frozen=True, slots=True)
class FilingText:
    """What is kept of a filing: its first lines and where they stand, or the reason for none.

    `kind` is that of the document (EX-99.1, 8-K), `letters` of its whole text.
    """

    cik: int
    accession: str
    kind: str | None = None
    url: str | None = None
    text: str | None = None
    letters: int | None = None
    reason: str | None = None
    tries: int = 1


def texts(reader: Reader, keys: Sequence[Key], until: datetime | None = None) -> pl.DataFrame:
    """What is kept of these filings (COLUMNS), as of an instant."""
    return reader.read(
        f"SELECT {', '.join(COLUMNS)} FROM filing_texts "
        "WHERE accession IN (SELECT unnest($accessions)) AND cik IN (SELECT unnest($ciks)) "
        "AND ($until IS NULL OR read_at <= $until) ORDER BY cik, accession",
        {"accessions": [key[1] for key in keys], "ciks": [key[0] for key in keys], "until": until},
    )


def every(reader: Reader, cik: int | None = None) -> pl.DataFrame:
    """All that is kept (COLUMNS), of a company or of all, what was read last first."""
    return reader.read(
        f"SELECT {', '.join(COLUMNS)} FROM filing_texts "
        "WHERE $cik IS NULL OR cik = $cik ORDER BY read_at DESC, cik, accession",
        {"cik": cik},
    )


def keep(tx: Transaction, found: FilingText, now: datetime) -> None:
    """Keep what was found of a filing in place of what was kept before."""
    tx.execute(
        "DELETE FROM filing_texts WHERE cik = ? AND accession = ?", [found.cik, found.accession]
    )
    values = [getattr(found, name) for name in COLUMNS[:-1]]
    marks = ", ".join("?" * len(COLUMNS))
    tx.execute(
        f"INSERT INTO filing_texts ({', '.join(COLUMNS)}) VALUES ({marks})",
        [*values, now],
    )
