"""Answers of companyfacts that are older than what the store holds: history, and nothing undone.

An answer bears no date of its own, and the times of a file are those of whoever packed it. What
it tells is its evidence: every answer holds all filings of its company, so one that lacks the
latest filing told here, and tells none filed as late, was given before that one came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

import polars as pl

from core.domain.filings.facts import FactTable, together
from core.domain.tables.frames import FACTS
from core.store.transaction import Transaction

OLDER = "older answer"
_COLUMNS = ", ".join(FACTS.columns)
_OTHER_UNIT = " AND ".join(
    f"a.{name} IS NOT DISTINCT FROM b.{name}" for name in FACTS.key if name != "unit"
)
_MATCH = f"{_OTHER_UNIT} AND a.unit = b.unit"
# The latest filings told here by companyfacts, and whether a concept that the answer states
# without a change tells one of them.
_LATEST = """
WITH told AS (
    SELECT cik, source, measure FROM fact_rows
    WHERE removed_at IS NULL AND cik IN (SELECT DISTINCT cik FROM {0}) AND batch IN (
        SELECT batch FROM fact_batches
        WHERE pull_id IN (SELECT pull_id FROM fact_pulls WHERE upstream = 'companyfacts'))
), latest AS (
    SELECT t.cik, t.source, f.accession, f.filed
    FROM (SELECT DISTINCT cik, source FROM told) t JOIN fact_sources f ON f.source = t.source
    QUALIFY rank() OVER (PARTITION BY t.cik ORDER BY f.filed DESC) = 1
)
SELECT l.cik, l.filed, list(DISTINCT l.accession) AS accessions,
    bool_or(s.cik IS NOT NULL) AS stated
FROM latest l JOIN told t ON t.cik = l.cik AND t.source = l.source
JOIN fact_measures m ON m.measure = t.measure
LEFT JOIN fact_concepts k
    ON k.cik = t.cik AND k.taxonomy = m.taxonomy AND k.concept = m.concept
LEFT JOIN {0} s ON s.cik = t.cik AND s.taxonomy = m.taxonomy AND s.concept = m.concept
    AND s.hash = k.hash
GROUP BY l.cik, l.filed
"""
_UNTOLD = f"""
CREATE TEMP TABLE fact_untold AS
SELECT {_COLUMNS} FROM {{0}}
EXCEPT SELECT {_COLUMNS} FROM facts WHERE cik IN (SELECT cik FROM {{0}})
EXCEPT SELECT {_COLUMNS} FROM facts_history
    WHERE reason IS DISTINCT FROM 'misread' AND cik IN (SELECT cik FROM {{0}})
"""
# The same fact under another unit than the source gives it now is no fact beside that one.
_KEEP = f"""
INSERT INTO facts_history ({_COLUMNS}, pull_id, known_from, replaced_at, replaced_by, reason,
    unit_now, vintage)
WITH live AS (
    SELECT {_COLUMNS} FROM facts
    WHERE removed_at IS NULL AND cik IN (SELECT cik FROM fact_untold)
), elsewhere AS (SELECT a.* FROM live a ANTI JOIN {{0}} b ON {_MATCH}
), gone AS (SELECT a.* FROM fact_untold a ANTI JOIN live b ON {_MATCH}
), renamed AS (
    SELECT a.*, b.unit AS unit_now FROM gone a JOIN elsewhere b ON {_OTHER_UNIT}
    QUALIFY row_number() OVER (
        PARTITION BY {", ".join(f"a.{name}" for name in FACTS.key)}
        ORDER BY abs(b.value - a.value), b.unit) = 1
)
SELECT {", ".join(f"a.{name}" for name in FACTS.columns)}, $pull, $now, $now, $pull, '{OLDER}',
    b.unit_now, (SELECT max(filed) FROM {{0}} s WHERE s.cik = a.cik)
FROM fact_untold a LEFT JOIN renamed b ON {_MATCH}
"""


class StoredAnswer(Protocol):
    """What is asked of a decoded answer (`sources.sec.decode.CompanyFacts`)."""

    @property
    def cik(self) -> int:
        """The company."""

    @property
    def table(self) -> FactTable:
        """Every fact of the concepts that may have changed."""

    @property
    def hashes(self) -> pl.DataFrame:
        """cik, taxonomy, concept, hash, facts: every concept of the answer."""


@dataclass(frozen=True, slots=True)
class OlderAnswers:
    """How many answers were older than the state, and the versions of facts only they told."""

    answers: int = 0
    versions: int = 0

    def __add__(self, other: OlderAnswers) -> OlderAnswers:
        return OlderAnswers(self.answers + other.answers, self.versions + other.versions)

    def __str__(self) -> str:
        """In words; empty where there was none."""
        if not self.answers:
            return ""
        whose = "the answer of a company is" if self.answers == 1 else "the answers of {} are"
        return (
            f"{whose.format(f'{self.answers:,} companies')} older than what is stored, which stays;"
            f" {self.versions:,} earlier versions of facts went to the history"
        )


def stored_vintages(tx: Transaction, answers: Sequence[StoredAnswer]) -> pl.DataFrame:
    """What the store holds of these companies from companyfacts, and whether an answer is older.

    cik, latest (the day of the latest filing told here), older (the answer was given before that
    filing came); no row for a company of which companyfacts has told nothing here.
    """
    with tx.named("given_concepts", pl.concat([a.hashes for a in answers])) as concepts:
        rows = tx.read(_LATEST.format(concepts))
    given = {answer.cik: answer.table.sources for answer in answers}
    older = [
        not stated and _lacks(given[cik], filed, accessions)
        for cik, filed, accessions, stated in rows.iter_rows()
    ]
    return rows.select("cik", latest="filed").with_columns(older=pl.Series(older, dtype=pl.Boolean))


def _lacks(sources: pl.DataFrame, latest: date, accessions: list[str]) -> bool:
    """Whether an answer's sources name none of the accessions and nothing filed as late."""
    if sources["accession"].is_in(accessions).any():
        return False
    newest = sources["filed"].max()
    return not isinstance(newest, date) or newest < latest


def keep_older(
    tx: Transaction, answers: Sequence[StoredAnswer], pull_id: str, now: datetime
) -> OlderAnswers:
    """Keep what only older answers tell as versions that never stood here: to the history alone."""
    facts = together([answer.table for answer in answers]).plain()
    with tx.named("older_facts", facts) as stated:
        tx.execute(_UNTOLD.format(stated))
        tx.execute(_KEEP.format(stated), {"pull": pull_id, "now": now})
    kept: int = tx.read("SELECT count(*) FROM fact_untold").item()
    tx.execute("DROP TABLE fact_untold")
    return OlderAnswers(len(answers), kept)
