"""What grading changed for followed companies, as events of the transaction that stores it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from core.observe.events import Event
from core.store import events, filing_status
from core.store.transaction import Transaction

LETTERS = "ABCDF"  # best first
Row = Mapping[str, Any]


@contextmanager
def told(tx: Transaction, ciks: Sequence[int], on: date, now: datetime) -> Iterator[None]:
    """Store events of what the block does to the grades of followed companies.

    A company that had no grade before is being filled: its first one is no change.
    """
    before = filing_status.headlines(tx, ciks, on)
    gone = filing_status.withdrawn(tx, list(before), on)
    yield
    if not before:
        return
    after = filing_status.headlines(tx, list(before), on)
    found = [*_changes(before, after), *_withdrawn(tx, gone, before, on)]
    events.add(tx, found, now)


def _changes(before: Mapping[int, Row], after: Mapping[int, Row]) -> Iterator[Event]:
    for cik, now in after.items():
        was = before[cik]
        old, new = was["grade"], now["grade"]
        if old == new or old not in LETTERS or new not in LETTERS:
            continue
        kind = "filing.downgraded" if LETTERS.index(new) > LETTERS.index(old) else "filing.upgraded"
        name = now["symbol"] or f"CIK {cik}"
        sentence = f"{name}: {old} became {new} with {now['form']} filed {now['filed']}"
        yield Event.of(kind, name, sentence, before=_shown(was), after=_shown(now))


def _withdrawn(
    tx: Transaction, gone: Mapping[str, Row], before: Mapping[int, Row], on: date
) -> Iterator[Event]:
    for accession, row in filing_status.withdrawn(tx, list(before), on).items():
        if accession not in gone:
            name = before[row["cik"]]["symbol"] or f"CIK {row['cik']}"
            sentence = f"{name}: {row['form']} filed {row['filed']} was withdrawn: {row['reason']}"
            yield Event.of(
                "filing.withdrawn", name, sentence, after={**row, "accession": accession}
            )


def _shown(row: Row) -> Row:
    return {key: row[key] for key in ("cik", "accession", "form", "filed", "grade", "score")}
