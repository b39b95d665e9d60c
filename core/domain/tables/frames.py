"""Declared schemas of the frames that cross a room's wall, and the check made there.

Percent columns end in `_pct` and hold 5.0 for five percent; instants are UTC; prices are Float64.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from core.errors import SchemaError

INSTANT = pl.Datetime("us", "UTC")


@dataclass(frozen=True, slots=True)
class FrameSchema:
    """Columns of one kind of frame in order, its natural key, and which may be empty."""

    name: str
    columns: Mapping[str, pl.DataType | type[pl.DataType]]
    key: tuple[str, ...]
    nullable: frozenset[str] = field(default_factory=frozenset)

    def empty(self) -> pl.DataFrame:
        """A frame of this schema without rows."""
        return pl.DataFrame(schema=dict(self.columns))


BARS_DAILY = FrameSchema(
    "bars_daily",
    {
        "symbol": pl.String,
        "session": pl.Date,
        "open": pl.Float64,
        "high": pl.Float64,
        "low": pl.Float64,
        "close": pl.Float64,
        "volume": pl.Float64,  # split-adjusted vendors deliver fractions
    },
    key=("symbol", "session"),
    nullable=frozenset({"open", "high", "low", "close", "volume"}),
)

BARS_MINUTE = FrameSchema(
    "bars_minute",
    {
        "symbol": pl.String,
        "ts": INSTANT,  # start of the minute
        "open": pl.Float64,
        "high": pl.Float64,
        "low": pl.Float64,
        "close": pl.Float64,
        "volume": pl.Float64,  # split-adjusted vendors deliver fractions
        "phase": pl.String,  # pre, regular, post
    },
    key=("symbol", "ts"),
    nullable=frozenset({"open", "high", "low", "close", "volume", "phase"}),
)

CORPORATE_ACTIONS = FrameSchema(
    "corporate_actions",
    {
        "symbol": pl.String,
        "ex_date": pl.Date,  # first session on the new basis
        "kind": pl.String,  # split, dividend, spinoff, rename, delisting
        "ratio": pl.Float64,  # split: new shares per old share (7.0 for 7:1, 0.05 for 1:20)
        "amount": pl.Float64,  # dividend: cash per share
        "currency": pl.String,
        "note": pl.String,  # rename: the symbol before
    },
    key=("symbol", "ex_date", "kind", "note"),  # several distributions of a day all count
    nullable=frozenset({"ratio", "amount", "currency", "note"}),
)

UNIVERSE = FrameSchema(
    "universe",
    {
        "symbol": pl.String,
        "name": pl.String,
        "sector": pl.String,
        "industry": pl.String,
        "exchange": pl.String,
        "cik": pl.Int64,
    },
    key=("symbol",),
    nullable=frozenset({"name", "sector", "industry", "exchange", "cik"}),
)

COMPANIES = FrameSchema(
    "companies",
    {
        "cik": pl.Int64,
        "name": pl.String,
        "entity_type": pl.String,
        "sic": pl.String,
        "sic_description": pl.String,
        "category": pl.String,  # filer category, as the SEC words it
        "fiscal_year_end": pl.String,  # MMDD
        "state": pl.String,
        "ein": pl.String,
    },
    key=("cik",),
    nullable=frozenset(
        {
            "name",
            "entity_type",
            "sic",
            "sic_description",
            "category",
            "fiscal_year_end",
            "state",
            "ein",
        }
    ),
)

COMPANY_IDENTIFIERS = FrameSchema(
    "company_identifiers",
    {
        "cik": pl.Int64,
        "kind": pl.String,  # ticker, lei, former_name, vendor:<name>
        "value": pl.String,
        "exchange": pl.String,
        "valid_from": pl.Date,  # null: since ever, as far as known
        "valid_to": pl.Date,  # null: still
        "source": pl.String,
    },
    key=("cik", "kind", "value"),
    nullable=frozenset({"exchange", "valid_from", "valid_to"}),
)

FILINGS = FrameSchema(
    "filings",
    {
        "cik": pl.Int64,
        "accession": pl.String,
        "form": pl.String,
        "filed": pl.Date,
        "accepted_at": INSTANT,
        "report_date": pl.Date,
        "items": pl.String,  # 8-K items, comma separated: "2.02,9.01"
        "primary_document": pl.String,
        "description": pl.String,
        "is_xbrl": pl.Boolean,
        "size_bytes": pl.Int64,
        "file_number": pl.String,  # "" when the SEC says there is none; null: not known
    },
    key=("cik", "accession"),
    nullable=frozenset(
        {
            "accepted_at",
            "report_date",
            "items",
            "primary_document",
            "description",
            "is_xbrl",
            "size_bytes",
            "file_number",
        }
    ),
)

FACTS = FrameSchema(
    "facts",
    {
        "cik": pl.Int64,
        "taxonomy": pl.String,
        "concept": pl.String,
        "unit": pl.String,
        "period_start": pl.Date,  # null for instants
        "period_end": pl.Date,
        "value": pl.Float64,
        "accession": pl.String,
        "fiscal_year": pl.Int32,  # of the filing, not of the period
        "fiscal_period": pl.String,
        "form": pl.String,
        "filed": pl.Date,
        "frame": pl.String,
        "seq": pl.Int32,  # 0, 1, … where one filing states the same fact more than once
    },
    key=(
        "cik",
        "taxonomy",
        "concept",
        "unit",
        "period_start",
        "period_end",
        "accession",
        "seq",
    ),
    nullable=frozenset({"period_start", "fiscal_year", "fiscal_period", "form", "frame"}),
)

CONCEPTS = FrameSchema(
    "concepts",
    {
        "taxonomy": pl.String,
        "concept": pl.String,
        "label": pl.String,
        "description": pl.String,
    },
    key=("taxonomy", "concept"),
    nullable=frozenset({"label", "description"}),
)

BASE_TABLES: Mapping[str, FrameSchema] = {
    schema.name: schema
    for schema in (
        BARS_DAILY,
        BARS_MINUTE,
        CORPORATE_ACTIONS,
        UNIVERSE,
        COMPANIES,
        COMPANY_IDENTIFIERS,
        FILINGS,
        FACTS,
        CONCEPTS,
    )
}


def check(frame: pl.DataFrame, schema: FrameSchema) -> pl.DataFrame:
    """The frame with exactly the schema's columns in order; SchemaError where it does not fit."""
    missing = [name for name in schema.columns if name not in frame.columns]
    if missing:
        raise SchemaError(f"{schema.name}: columns missing: {', '.join(missing)}")
    wrong = [
        f"{name} is {frame.schema[name]}, not {dtype}"
        for name, dtype in schema.columns.items()
        if frame.schema[name] != dtype
    ]
    if wrong:
        raise SchemaError(f"{schema.name}: {'; '.join(wrong)}")
    ordered = frame.select(list(schema.columns))
    required = [name for name in schema.columns if name not in schema.nullable]
    counts = ordered.select(pl.col(required).null_count()).row(0)
    empty = [name for name, n in zip(required, counts, strict=True) if n]
    if empty:
        raise SchemaError(f"{schema.name}: empty cells in {', '.join(empty)}")
    return ordered
