"""Facts in the store: writing them with their history, and reading them as known on a date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

import polars as pl

from core.domain.filings.facts import FactTable, together
from core.domain.tables.frames import FACTS
from core.store.fact_codes import append_rows
from core.store.fact_merge import FactCounts, merge_facts, note_upstream
from core.store.fact_vintages import OLDER, keep_older, stored_vintages
from core.store.filings import add_companies
from core.store.transaction import Transaction
from core.store.warehouse import Warehouse

STORED_AS = {"facts": "fact_rows"}  # the table whose rows a view shows
KnownConcepts = Mapping[tuple[str, str], tuple[str, int]]
_COLUMNS = ", ".join(FACTS.columns)
_FOREVER = "TIMESTAMPTZ '9999-12-31 00:00:00+00'"


class FactsOfCompany(Protocol):
    """What `write_facts` needs of one decoded answer (see `sources.sec_decode.CompanyFacts`)."""

    @property
    def cik(self) -> int:
        """The company."""

    @property
    def name(self) -> str | None:
        """The company's name as the answer has it."""

    @property
    def table(self) -> FactTable:
        """Every fact of the concepts that may have changed."""

    @property
    def labels(self) -> pl.DataFrame:
        """taxonomy, concept, label, description."""

    @property
    def hashes(self) -> pl.DataFrame:
        """cik, taxonomy, concept, hash, facts: every concept of the answer."""

    @property
    def skipped(self) -> int:
        """Facts of concepts whose hash is the stored one."""


def companies_with_facts(warehouse: Warehouse) -> set[int]:
    """CIKs of which an answer of companyfacts is stored."""
    return set(warehouse.read("SELECT DISTINCT cik FROM fact_concepts")["cik"])


def known_concepts(warehouse: Warehouse, ciks: Sequence[int]) -> dict[int, KnownConcepts]:
    """Hash and number of facts of every stored concept, by company, for `decode_facts`."""
    rows = warehouse.read(
        "SELECT cik, taxonomy, concept, hash, facts FROM fact_concepts "
        "WHERE cik IN (SELECT unnest(?))",
        [list(ciks)],
    )
    known: dict[int, dict[tuple[str, str], tuple[str, int]]] = {}
    for cik, taxonomy, concept, digest, facts in rows.iter_rows():
        known.setdefault(cik, {})[taxonomy, concept] = (digest, facts)
    return dict(known)


def facts_of(warehouse: Warehouse, ciks: Sequence[int]) -> int:
    """How many facts the last answers of some companies held."""
    count: int = warehouse.read(
        "SELECT coalesce(sum(facts), 0)::BIGINT FROM fact_concepts WHERE cik IN (SELECT unnest(?))",
        [list(ciks)],
    ).item()
    return count


def write_facts(
    tx: Transaction, companies: Sequence[FactsOfCompany], pull_id: str, now: datetime
) -> FactCounts:
    """Store decoded companyfacts of several companies, each once, within the transaction.

    Companies without a fact in the store are appended in one insert. For the others, facts of
    changed concepts are compared: changed ones keep the older version in `facts_history`, ones no
    longer stated are marked removed. An answer older than what is stored (`fact_vintages`) adds to
    the history alone. `now` is the instant at which this became known here.
    """
    same = _unchanged(tx, companies)
    counts = FactCounts(unchanged=sum(c.skipped for c in companies if c.cik in same))
    companies = [c for c in companies if c.cik not in same]
    if not companies:
        return counts
    stored = _ciks_with_facts(tx, [c.cik for c in companies])
    fresh = [c for c in companies if c.cik not in stored]
    others = [c for c in companies if c.cik in stored]
    inserted = append_facts(tx, [c.table for c in fresh], pull_id, now)
    counts += FactCounts(inserted=inserted)
    older: set[int] = set()
    if others:
        vintages = stored_vintages(tx, others)
        older = set(vintages.filter("older")["cik"])
        counts += _merge(tx, [c for c in others if c.cik not in older], vintages, pull_id, now)
        counts += _keep(tx, [c for c in others if c.cik in older], pull_id, now)
    write_labels(tx, pl.concat([company.labels for company in companies]), pull_id)
    note_upstream(tx, pull_id, "companyfacts")
    if newer := [c for c in companies if c.cik not in older]:
        _write_hashes(tx, newer, pull_id)
        _write_names(tx, newer, pull_id)
    return counts


def _merge(
    tx: Transaction,
    companies: Sequence[FactsOfCompany],
    vintages: pl.DataFrame,
    pull_id: str,
    now: datetime,
) -> FactCounts:
    if not companies:
        return FactCounts()
    stated = together([c.table for c in companies]).plain()
    hashes = pl.concat([c.hashes for c in companies])
    counts = merge_facts(tx, stated, hashes, vintages, pull_id, now)
    return counts + FactCounts(unchanged=sum(c.skipped for c in companies))


def _keep(
    tx: Transaction, companies: Sequence[FactsOfCompany], pull_id: str, now: datetime
) -> FactCounts:
    if not companies:
        return FactCounts()
    told = sum(c.skipped + c.table.height for c in companies)
    return FactCounts(unchanged=told, older=keep_older(tx, companies, pull_id, now))


def append_facts(tx: Transaction, tables: Sequence[FactTable], pull_id: str, now: datetime) -> int:
    """Append facts that the store does not hold; the number of rows."""
    return append_rows(tx, together(tables), pull_id, now)


def facts_as_known_on(
    warehouse: Warehouse,
    on: date | None = None,
    ciks: Sequence[int] | None = None,
    concepts: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Facts (columns of FACTS) as they were known at the end of a day (UTC); None: as they are now.

    Of each filing that had been told here by then, what was told of it and neither replaced nor
    removed by then. Of one filed by then and told later, the first version of each fact, in the
    order of the answers' own days. What was misread here never was one.
    """
    if on is None:
        return warehouse.read(
            f"SELECT {_COLUMNS} FROM facts WHERE removed_at IS NULL AND {_PICKED}",
            _picked(ciks, concepts),
        )
    until = datetime.combine(on + timedelta(days=1), time(), UTC)
    return warehouse.read(_KNOWN_ON, {**_picked(ciks, concepts), "on": on, "until": until})


_PICKED = (
    "($ciks IS NULL OR list_contains($ciks::BIGINT[], cik)) "
    "AND ($concepts IS NULL OR list_contains($concepts::VARCHAR[], concept))"
)

_OF = "($ciks IS NULL OR list_contains($ciks::BIGINT[], cik))"
# `told`: filings of which anything was known by then. Of others the later name of a fact stands.
_KNOWN_ON = f"""
WITH told AS (
    SELECT r.cik, s.accession FROM fact_rows r JOIN fact_sources s ON s.source = r.source
        JOIN fact_batches b ON b.batch = r.batch
    WHERE b.known_from < $until AND {_OF}
    UNION SELECT cik, accession FROM facts_history
        WHERE known_from < $until AND {_OF} AND reason IS DISTINCT FROM '{OLDER}'
), versions AS (
    SELECT {_COLUMNS}, known_from, coalesce(removed_at, {_FOREVER}) AS until, NULL AS unit_now,
        NULL AS vintage
    FROM facts WHERE filed <= $on AND {_PICKED}
    UNION ALL
    SELECT {_COLUMNS}, known_from, replaced_at, unit_now, vintage FROM facts_history
    WHERE filed <= $on AND reason IS DISTINCT FROM 'misread' AND {_PICKED}
)
SELECT {", ".join(f"v.{name}" for name in FACTS.columns)}
FROM versions v LEFT JOIN told t ON t.cik = v.cik AND t.accession = v.accession
WHERE v.until >= $until
    AND CASE WHEN t.cik IS NULL THEN v.unit_now IS NULL ELSE v.known_from < $until END
QUALIFY row_number() OVER (
    PARTITION BY {", ".join(f"v.{name}" for name in FACTS.key)}
    ORDER BY coalesce(v.vintage, v.until::DATE), v.until) = 1
"""


def _picked(ciks: Sequence[int] | None, concepts: Sequence[str] | None) -> dict[str, object]:
    return {
        "ciks": None if ciks is None else list(ciks),
        "concepts": None if concepts is None else list(concepts),
    }


def _unchanged(tx: Transaction, companies: Sequence[FactsOfCompany]) -> set[int]:
    """Companies all of whose concepts have the stored hash, none more and none less."""
    looked = {c.cik: c.hashes.height for c in companies if c.labels.is_empty() and c.skipped}
    if not looked:
        return set()
    stored = tx.read(
        "SELECT cik, count(*) AS concepts FROM fact_concepts WHERE cik IN (SELECT unnest(?)) "
        "GROUP BY cik",
        [list(looked)],
    )
    return {cik for cik, concepts in stored.iter_rows() if concepts == looked[cik]}


def _ciks_with_facts(tx: Transaction, ciks: Sequence[int]) -> set[int]:
    rows = tx.read(
        "SELECT DISTINCT cik FROM fact_rows WHERE cik IN (SELECT unnest(?))", [list(ciks)]
    )
    return set(rows["cik"])


def _write_hashes(tx: Transaction, companies: Sequence[FactsOfCompany], pull_id: str) -> None:
    tx.execute(
        "DELETE FROM fact_concepts WHERE cik IN (SELECT unnest(?))", [[c.cik for c in companies]]
    )
    hashes = pl.concat([company.hashes for company in companies])
    tx.insert("fact_concepts", hashes.with_columns(pull_id=pl.lit(pull_id)))


def write_labels(tx: Transaction, labels: pl.DataFrame, pull_id: str) -> None:
    """Add labels (taxonomy, concept, label, description) of concepts not seen before.

    They belong to the taxonomy, not to a company: the first one stays.
    """
    known = tx.read("SELECT taxonomy, concept FROM concepts")
    new = labels.join(known, on=["taxonomy", "concept"], how="anti")
    new = new.unique(["taxonomy", "concept"], keep="first", maintain_order=True)
    tx.insert("concepts", new.with_columns(pull_id=pl.lit(pull_id)))


def _write_names(tx: Transaction, companies: Sequence[FactsOfCompany], pull_id: str) -> None:
    """Companies not seen before; what submissions say of the others is better."""
    names = pl.DataFrame(
        {"cik": [c.cik for c in companies], "name": [c.name for c in companies]},
        schema={"cik": pl.Int64, "name": pl.String},
    )
    add_companies(tx, names, pull_id)
