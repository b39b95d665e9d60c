"""What became of facts that a source stated otherwise later: both versions side by side."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from core.domain.tables.frames import FACTS
from core.store.fact_vintages import OLDER
from core.store.warehouse import Warehouse

_KEY = [name for name in FACTS.key if name != "unit"]
_SAME = " AND ".join(f"n.{name} IS NOT DISTINCT FROM h.{name}" for name in _KEY)
_LABELS = ("unit", "fiscal_year", "fiscal_period", "form", "filed", "frame")
_CHANGED = " || ".join(
    f"CASE WHEN n.{name} IS DISTINCT FROM h.{name} THEN '{name} ' ELSE '' END"
    for name in ("value", *_LABELS)
)
_BOTH = ", ".join(f"h.{name} AS old_{name}, n.{name} AS new_{name}" for name in _LABELS)
_NAMES = ", ".join(FACTS.columns)
_CORRECTIONS = f"""
WITH h AS (
    SELECT row_number() OVER () AS place, * FROM facts_history
    WHERE ($ciks IS NULL OR cik IN (SELECT unnest($ciks::BIGINT[])))
        AND ($accession IS NULL OR accession = $accession)
), n AS (
    SELECT {_NAMES}, known_from, false AS stands FROM h WHERE reason IS DISTINCT FROM '{OLDER}'
    UNION ALL SELECT {_NAMES}, known_from, true FROM facts
    WHERE removed_at IS NULL AND cik IN (SELECT cik FROM h)
        AND accession IN (SELECT accession FROM h)
)
SELECT h.cik, h.accession, h.form, h.filed, h.taxonomy, h.concept, h.unit, h.period_start,
    h.period_end, h.value AS old, n.value AS new,
    CASE WHEN n.cik IS NULL THEN 'removed' ELSE trim({_CHANGED}) END AS changed,
    coalesce(h.reason, 'other source') AS reason, h.known_from AS old_known_at,
    h.replaced_at AS known_at, {_BOTH}
FROM h LEFT JOIN n ON {_SAME} AND n.unit = coalesce(h.unit_now, h.unit)
    AND CASE WHEN h.reason = '{OLDER}' THEN n.stands ELSE n.known_from >= h.replaced_at END
QUALIFY row_number() OVER (PARTITION BY h.place ORDER BY n.known_from) = 1
ORDER BY h.cik, h.accession, h.taxonomy, h.concept, h.period_end, h.period_start, h.replaced_at,
    h.unit, h.seq
"""


def corrections(
    warehouse: Warehouse, ciks: Sequence[int] | None = None, accession: str | None = None
) -> pl.DataFrame:
    """Every earlier version of a fact with the one that took its place.

    cik, accession, form, filed, taxonomy, concept, unit, period_start, period_end; old and new
    value; changed (the columns that differ, by spaces; `removed` where nothing took its place);
    reason: correction (the source corrected its copy of the filing), misread (it never was a fact
    of the company), older answer (told by an answer that came after a newer one), other source;
    since when each was known here; both sides of the other columns.
    """
    given = {"ciks": None if ciks is None else list(ciks), "accession": accession}
    return warehouse.read(_CORRECTIONS, given)
