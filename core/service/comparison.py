"""Two companies side by side on the concepts that both report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from core.service.desk import Desk

# The latest year (350-380 days) or instant of each concept, as it was stated last.
_LATEST = """
SELECT cik, concept, unit, period_end, value FROM facts
WHERE cik IN ($left, $right) AND removed_at IS NULL AND taxonomy <> 'dei'
  AND (period_start IS NULL OR period_end - period_start BETWEEN 350 AND 380)
QUALIFY row_number() OVER (
  PARTITION BY cik, concept, unit ORDER BY period_end DESC, filed DESC, known_from DESC) = 1
"""


def side_by_side(desk: Desk, left: int, right: int) -> pl.DataFrame:
    """Latest annual or instant values of the concepts that both companies report.

    Columns: concept, label, unit, left_value, left_period, right_value, right_period, ratio
    (left / right; null when the right value is 0 or the periods end more than a year apart).
    What both reported of late first, then the largest values.
    """
    return desk.warehouse.read(
        f"WITH v AS ({_LATEST}), "
        "n AS (SELECT concept, any_value(label) AS label FROM concepts GROUP BY concept) "
        "SELECT a.concept, n.label, a.unit, a.value AS left_value, a.period_end AS left_period, "
        "b.value AS right_value, b.period_end AS right_period, "
        "CASE WHEN abs(a.period_end - b.period_end) <= 370 THEN a.value / nullif(b.value, 0) END "
        "AS ratio FROM v a JOIN v b ON a.concept = b.concept "
        "AND a.unit = b.unit AND a.cik = $left AND b.cik = $right "
        "LEFT JOIN n ON n.concept = a.concept "
        "ORDER BY least(a.period_end, b.period_end) > (SELECT max(period_end) FROM v) "
        "- INTERVAL 2 YEAR DESC, greatest(abs(a.value), abs(b.value)) DESC, a.concept",
        {"left": left, "right": right},
    )
