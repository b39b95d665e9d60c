"""What grading changed for followed companies, as events of the transaction that stores it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

from core.observe.events import Event
from core.store import events, filing_status
from core.store.transaction import Transaction

LETTERS = "ABCDF"  # best first
NEWS = timedelta(days=7)
Row = Mapping[str, Any]


@contextmanager
def told(tx: Transaction, ciks: Sequence[int], on: date, now: datetime) -> Iterator[None]:
    """Store events of what the block does to the grades of followed companies.

    A company that had no grade before is being filled: its first one is no change. So is a filing
    that had none, which came in with its past: that it was withdrawn is news for a week.
    """
    before = filing_status.headlines(tx, ciks, on)
    gone = filing_status.withdrawn(tx, list(before), on)
    graded = filing_status.graded(tx, list(before))
    yield
    if not before:
        return
    after = filing_status.headlines(tx, list(before), on)
    withdrawn = [
        _withdrawn(before[row["cik"]], row)
        for key, row in filing_status.withdrawn(tx, list(before), on).items()
        if key not in gone and (key in graded or on - row["since"] <= NEWS)
    ]
    events.add(tx, [*_changes(before, after), *withdrawn], now)


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


def _withdrawn(company: Row, row: Row) -> Event:
    name = company["symbol"] or f"CIK {row['cik']}"
    sentence = f"{name}: {row['form']} filed {row['filed']} was withdrawn: {row['reason']}"
    return Event.of("filing.withdrawn", name, sentence, after=dict(row))


def _shown(row: Row) -> Row:
    return {key: row[key] for key in ("cik", "accession", "form", "filed", "grade", "score")}
