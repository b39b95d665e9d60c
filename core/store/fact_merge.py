"""Comparing facts that a source states now with those in the store: changed, new, gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from core.domain.filings.facts import coded
from core.domain.tables.frames import FACTS
from core.store.fact_codes import append_rows
from core.store.fact_vintages import OlderAnswers
from core.store.transaction import MergeCounts, Transaction

_VALUES = ("value", "fiscal_year", "fiscal_period", "form", "filed", "frame")
_COLUMNS = ", ".join(FACTS.columns)
_MATCH = " AND ".join(f"s.{name} IS NOT DISTINCT FROM t.{name}" for name in FACTS.key)
_DIFFERS = " OR ".join(f"s.{name} IS DISTINCT FROM t.{name}" for name in _VALUES)

# Concepts to look at: those whose hash differs from the stored one, and those no longer stated.
_TOUCHED = """
CREATE TEMP TABLE fact_touched AS
SELECT coalesce(s.cik, k.cik) AS cik, coalesce(s.taxonomy, k.taxonomy) AS taxonomy,
       coalesce(s.concept, k.concept) AS concept
FROM stated_concepts s FULL JOIN (
    SELECT * FROM fact_concepts WHERE cik IN (SELECT DISTINCT cik FROM stated_concepts)
) k ON s.cik = k.cik AND s.taxonomy = k.taxonomy AND s.concept = k.concept
WHERE s.hash IS DISTINCT FROM k.hash
"""
_DELTA = f"""
CREATE TEMP TABLE fact_delta AS
SELECT s.*, t.pull_id IS NULL AS is_new
FROM stated_facts s LEFT JOIN facts t ON {_MATCH}
WHERE t.pull_id IS NULL OR t.removed_at IS NOT NULL OR {_DIFFERS}
"""
_GONE = f"""
CREATE TEMP TABLE fact_gone AS
SELECT t.* FROM facts t
SEMI JOIN fact_touched c ON t.cik = c.cik AND t.taxonomy = c.taxonomy AND t.concept = c.concept
ANTI JOIN stated_facts s ON {_MATCH}
WHERE t.removed_at IS NULL
  AND (t.pull_id IN (SELECT pull_id FROM fact_pulls WHERE upstream = 'companyfacts')
       OR (t.cik, t.accession) IN (SELECT (cik, accession) FROM stated_facts))
"""
# The same fact of the same filing under another unit (its value may be rounded anew as well): not
# one that went and another that came.
_RENAMED = f"""
CREATE TEMP TABLE fact_renamed AS
SELECT g.*, s.unit AS unit_now
FROM fact_gone g JOIN fact_delta s ON s.is_new AND s.unit <> g.unit
    AND {" AND ".join(f"s.{n} IS NOT DISTINCT FROM g.{n}" for n in FACTS.key if n != "unit")}
QUALIFY row_number() OVER (
    PARTITION BY {", ".join(f"g.{name}" for name in FACTS.key)}
    ORDER BY abs(s.value - g.value), s.unit) = 1
    AND row_number() OVER (
    PARTITION BY {", ".join(f"g.{n}" for n in FACTS.key if n != "unit")}, s.unit
    ORDER BY abs(s.value - g.value), g.unit) = 1
"""
# What the source says otherwise of the same filing is a correction of its copy, whatever its kind;
# where a quarter of the data sets gives way to companyfacts, nothing was corrected.
_REASON = (
    "CASE WHEN t.pull_id IN (SELECT pull_id FROM fact_pulls WHERE upstream = 'fsds') "
    "THEN NULL ELSE 'correction' END"
)
_VERSION = f"""
INSERT INTO facts_history
SELECT {", ".join(f"t.{name}" for name in FACTS.columns)}, t.pull_id, t.known_from,
       coalesce(t.removed_at, $now), $pull, {_REASON}, """
_VINTAGE = "(SELECT latest FROM stored_vintages v WHERE v.cik = t.cik)"
_KEEP_HISTORY = (
    f"{_VERSION} NULL, {_VINTAGE} FROM facts t JOIN fact_delta s ON {_MATCH} WHERE NOT s.is_new"
)
_KEEP_RENAMED = f"{_VERSION} t.unit_now, {_VINTAGE} FROM fact_renamed t"
_TOLD = f"""
SELECT count(*) FILTER (s.value <> t.value) AS "values",
    count(*) FILTER (s.fiscal_year IS DISTINCT FROM t.fiscal_year
        OR s.fiscal_period IS DISTINCT FROM t.fiscal_period) AS labels,
    count(*) FILTER (s.filed <> t.filed OR s.form IS DISTINCT FROM t.form) AS filings,
    (SELECT count(*) FROM fact_renamed) AS units,
    count(*) FILTER (s.frame IS DISTINCT FROM t.frame) AS frames
FROM facts t JOIN fact_delta s ON {_MATCH} WHERE NOT s.is_new AND {_REASON} IS NOT NULL
"""
# A view cannot be written: these are the rows of fact_rows behind some facts.
_ROWS = f"""
SELECT t.rowid FROM (
    SELECT r.rowid, r.cik, m.taxonomy, m.concept, m.unit, r.period_start, r.period_end,
           f.accession, r.seq
    FROM fact_rows r JOIN fact_measures m ON m.measure = r.measure
    JOIN fact_sources f ON f.source = r.source
    WHERE r.cik IN (SELECT cik FROM {{0}})
) t JOIN {{0}} s ON {_MATCH}
"""
_DROP_CHANGED = f"DELETE FROM fact_rows WHERE rowid IN ({_ROWS.format('fact_delta')})"
_DROP_RENAMED = f"DELETE FROM fact_rows WHERE rowid IN ({_ROWS.format('fact_renamed')})"
_MARK_REMOVED = (
    f"UPDATE fact_rows SET removed_at = $now WHERE rowid IN ({_ROWS.format('fact_gone')})"
)


@dataclass(frozen=True, slots=True)
class Corrections:
    """What a source says otherwise of filings that it told before, in facts: no restatements."""

    values: int = 0
    labels: int = 0  # fiscal year or period
    filings: int = 0  # day or form
    units: int = 0
    frames: int = 0

    def __add__(self, other: Corrections) -> Corrections:
        return Corrections(*(getattr(self, n) + getattr(other, n) for n in self.__slots__))

    def __str__(self) -> str:
        """In words; empty where only frames moved, which they do in every answer."""
        named = (
            (self.values, "values"), (self.units, "units"), (self.labels, "fiscal periods"),
            (self.filings, "days or forms of filing"), (self.frames, "frames"),
        )  # fmt: skip
        told = ", ".join(f"{count:,} {words}" for count, words in named if count)
        only_frames = not (self.values or self.units or self.labels or self.filings)
        return "" if only_frames else f"the source corrected its copy of filings known here: {told}"


@dataclass(frozen=True, slots=True)
class FactCounts:
    """What writing facts did, in rows; `removed` were stated before and are no longer."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    corrections: Corrections = field(default=Corrections(), compare=False)
    older: OlderAnswers = field(default=OlderAnswers(), compare=False)

    def __add__(self, other: FactCounts) -> FactCounts:
        return FactCounts(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.removed + other.removed,
            self.corrections + other.corrections,
            self.older + other.older,
        )

    @property
    def merged(self) -> MergeCounts:
        """The counts in the words of a merge: a removal is an update."""
        return MergeCounts(self.inserted, self.updated + self.removed, self.unchanged)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a pull says of them: corrections of the source's copy, and older answers."""
        return tuple(filter(None, [str(self.corrections), str(self.older)]))


def merge_facts(
    tx: Transaction,
    stated: pl.DataFrame,
    hashes: pl.DataFrame,
    vintages: pl.DataFrame,
    pull_id: str,
    now: datetime,
) -> FactCounts:
    """Merge the facts of changed concepts of companies that the store knows.

    `stated` has the columns of FACTS and every fact of each concept whose hash differs from the
    stored one; `hashes` (cik, taxonomy, concept, hash) names every concept stated now; `vintages`
    (cik, latest) how late a filing the store holds before.
    """
    with (
        tx.named("stated_facts", stated),
        tx.named("stated_concepts", hashes),
        tx.named("stored_vintages", vintages),
    ):
        for statement in (_TOUCHED, _DELTA, _GONE, _RENAMED):
            tx.execute(statement)
        new, changed = tx.read(
            "SELECT count(*) FILTER (is_new), count(*) FILTER (NOT is_new) FROM fact_delta"
        ).row(0)
        removed: int = tx.read("SELECT count(*) FROM fact_gone").item()
        told = Corrections(**tx.read(_TOLD).row(0, named=True)) if changed or removed else None
        _apply(tx, new, changed, removed, pull_id, now)
        for table in ("fact_touched", "fact_delta", "fact_gone", "fact_renamed"):
            tx.execute(f"DROP TABLE {table}")
    told = told or Corrections()
    unchanged = stated.height - new - changed
    return FactCounts(new - told.units, changed + told.units, unchanged, removed - told.units, told)


def _apply(
    tx: Transaction, new: int, changed: int, removed: int, pull_id: str, now: datetime
) -> None:
    if changed:
        tx.execute(_KEEP_HISTORY, {"pull": pull_id, "now": now})
        tx.execute(_DROP_CHANGED)
    if removed:
        tx.execute(_KEEP_RENAMED, {"pull": pull_id, "now": now})
        tx.execute(_DROP_RENAMED)
    if new or changed:
        append_rows(tx, coded(tx.read(f"SELECT {_COLUMNS} FROM fact_delta")), pull_id, now)
    if removed:
        tx.execute(_MARK_REMOVED, {"now": now})


def drop_facts(tx: Transaction, facts: pl.DataFrame) -> None:
    """Delete facts by their key (columns of FACTS): what they were is kept by the caller."""
    with tx.registered(facts) as source:
        tx.execute(f"DELETE FROM fact_rows WHERE rowid IN ({_ROWS.format(source)})")


def note_upstream(tx: Transaction, pull_id: str, upstream: str) -> None:
    """Keep which upstream (companyfacts, fsds) the facts of a pull are from."""
    tx.execute(
        "INSERT INTO fact_pulls SELECT $pull, $upstream WHERE NOT EXISTS "
        "(SELECT 1 FROM fact_pulls WHERE pull_id = $pull AND upstream = $upstream)",
        {"pull": pull_id, "upstream": upstream},
    )
