"""The words for types in a catalogue."""

from __future__ import annotations

import polars as pl
import pytest

from core.domain.tables.datasets import ColumnType
from core.errors import ValidationError


@pytest.mark.parametrize(
    ("word", "polars", "duckdb", "nullable"),
    [
        ("int", pl.Int64, "BIGINT", False),
        (" str? ", pl.String, "VARCHAR", True),
        ("date", pl.Date, "DATE", False),
        ("decimal(38, 38)", pl.Decimal(38, 38), "DECIMAL(38,38)", False),
        ("decimal(9,0)?", pl.Decimal(9, 0), "DECIMAL(9,0)", True),
    ],
)
def test_a_word_is_a_type(word: str, polars: object, duckdb: str, nullable: bool) -> None:
    """In the frame and in the store, with or without empty cells."""
    kind = ColumnType.parse(word)
    assert (kind.polars, kind.duckdb, kind.nullable) == (polars, duckdb, nullable)


@pytest.mark.parametrize(
    "word", ["", "?", "text", "decimal", "decimal(0,0)", "decimal(39,2)", "decimal(4,5)", "int??"]
)
def test_another_word_is_refused_with_those_allowed(word: str) -> None:
    """A decimal has 1 to 38 digits, and no more of them behind the point."""
    with pytest.raises(ValidationError, match="is not a type; allowed are"):
        ColumnType.parse(word)


def test_the_type_of_a_frame_s_column() -> None:
    """Any whole number counts as int."""
    assert ColumnType.of(pl.Int32, nullable=True) == ColumnType("int", nullable=True)
    assert ColumnType.of(pl.Date, nullable=False).kind == "date"
