"""What a status makes of a grade: figures that their company withdrew are no better than wrong."""

from __future__ import annotations

import polars as pl

from core.domain.quality.status.names import WITHDRAWN

HIGHEST = 69.0  # of a withdrawn report
WORST_OF_GOOD = "D"
GOOD = ("A", "B", "C")


def capped(graded: pl.DataFrame) -> pl.DataFrame:
    """Grades (columns grade, score and status) with withdrawn reports at D at most."""
    gone = (pl.col("status") == WITHDRAWN).fill_null(value=False)
    low = pl.when(gone & pl.col("grade").is_in(GOOD)).then(pl.lit(WORST_OF_GOOD))
    score = pl.when(gone).then(pl.min_horizontal("score", pl.lit(HIGHEST))).otherwise("score")
    # a score that is not known stays so
    known = pl.when(pl.col("score").is_not_null()).then(score)
    return graded.with_columns(grade=low.otherwise("grade"), score=known)


def capped_sql(grade: str, score: str, status: str) -> tuple[str, str]:
    """The same in SQL, of three columns (never a user's text): the grade and the score."""
    gone, good = f"{status} = '{WITHDRAWN}'", ", ".join(f"'{letter}'" for letter in GOOD)
    return (
        f"CASE WHEN {gone} AND {grade} IN ({good}) THEN '{WORST_OF_GOOD}' ELSE {grade} END",
        f"CASE WHEN {gone} AND {score} > {HIGHEST} THEN {HIGHEST} ELSE {score} END",
    )
