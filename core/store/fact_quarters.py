"""Facts of a quarter of the data sets in the store: adding them, and mending an earlier load.

companyfacts has exact periods and is preferred: of a filing that it tells for a company, a quarter
adds nothing. What an earlier load of a quarter stored and the quarter does not state is taken back;
it goes to the history, as misread where it was a part that was taken for the company's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from core.domain.filings.facts import coded
from core.domain.tables.frames import FACTS
from core.store.fact_codes import append_rows
from core.store.fact_merge import FactCounts, drop_facts, note_upstream
from core.store.transaction import Transaction

_FILING = ["cik", "accession"]
_SAID = [name for name in FACTS.key if name != "seq"] + ["value"]
_FROM = (
    "pull_id IN (SELECT pull_id FROM fact_pulls WHERE upstream = '{}') "
    "AND accession IN (SELECT unnest(?))"
)
_MISREAD = f"""
UPDATE facts_history SET reason = 'misread' WHERE rowid IN (
    SELECT h.rowid FROM facts_history h SEMI JOIN {{0}} s
    ON {" AND ".join(f"h.{name} IS NOT DISTINCT FROM s.{name}" for name in _SAID)}
    WHERE h.pull_id IN (SELECT pull_id FROM fact_pulls WHERE upstream = 'fsds'))
"""


@dataclass(frozen=True, slots=True)
class QuarterCounts:
    """What storing a quarter did; `misread` rows had been stored and never were the company's."""

    facts: FactCounts
    misread: int


def write_quarter(
    tx: Transaction,
    facts: pl.DataFrame,
    parts: Callable[[], pl.DataFrame],
    pull_id: str,
    now: datetime,
) -> QuarterCounts:
    """Store the facts (FACTS) of a quarter within the transaction.

    `parts` gives the rows of the quarter that are not the company's, in the columns of FACTS; it is
    asked only where an earlier load has to be mended.
    """
    accessions = facts["accession"].unique().to_list()
    held = tx.read(
        f"SELECT DISTINCT cik, accession FROM facts WHERE {_FROM.format('companyfacts')}",
        [accessions],
    )
    before = tx.read(f"SELECT * FROM facts WHERE {_FROM.format('fsds')}", [accessions])
    columns = list(FACTS.columns)
    stale = before.join(facts, on=columns, how="anti", nulls_equal=True)
    wanted = facts.join(held, on=_FILING, how="anti")
    new = wanted.join(before, on=columns, how="anti", nulls_equal=True)
    misread = _take_back(tx, stale, facts, parts, pull_id, now) if before.height else 0
    note_upstream(tx, pull_id, "fsds")
    # What stands for something misread was there to be read from the first.
    since = before.group_by(_FILING).agg(pl.col("known_from").min())
    mended = new.join(since, on=_FILING, how="left")
    for (instant,), rows in mended.group_by("known_from", maintain_order=True):
        append_rows(tx, coded(rows.select(columns)), pull_id, instant or now)
    changed = stale.join(new, on=list(FACTS.key), how="semi", nulls_equal=True).height
    unchanged = facts.height - new.height
    return QuarterCounts(
        FactCounts(new.height - changed, changed, unchanged, stale.height - changed), misread
    )


def _take_back(
    tx: Transaction,
    stale: pl.DataFrame,
    facts: pl.DataFrame,
    parts: Callable[[], pl.DataFrame],
    pull_id: str,
    now: datetime,
) -> int:
    """Move what is no longer stated to the history; how many of the rows were misread."""
    of_parts = parts().select(_SAID)
    old = of_parts.join(facts, on=_SAID, how="anti", nulls_equal=True)
    with tx.registered(old) as source:
        tx.execute(_MISREAD.format(source))
    if stale.is_empty():
        return 0
    # what is still stated under another number was there twice
    known = pl.concat([of_parts, facts.select(_SAID)]).unique().with_columns(known=pl.lit(True))
    told = stale.join(known, on=_SAID, how="left", nulls_equal=True).with_columns(
        reason=pl.when("known").then(pl.lit("misread")),
        replaced_at=pl.coalesce("removed_at", pl.lit(now).cast(pl.Datetime("us", "UTC"))),
        replaced_by=pl.lit(pull_id),
    )
    tx.insert("facts_history", told.drop("removed_at", "known"))
    drop_facts(tx, stale.select(list(FACTS.columns)))
    return told["reason"].count()
