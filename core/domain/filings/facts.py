"""Facts with what many of them share said once: measures, sources and calendar frames.

A filer states thousands of facts from a hundred filings in a few hundred measures. Written out,
the eight texts of a fact are most of its bytes; as numbers into small tables they are a few.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from core.domain.tables.frames import FACTS, check

MEASURE = ("taxonomy", "concept", "unit")
SOURCE = ("accession", "fiscal_year", "fiscal_period", "form", "filed")
FRAME = ("frame",)
CODES = {"measure": MEASURE, "source": SOURCE, "calendar": FRAME}
ROWS = {
    "cik": pl.Int64,
    "measure": pl.UInt32,
    "source": pl.UInt32,
    "calendar": pl.UInt32,  # null where the SEC assigned no frame
    "period_start": pl.Date,
    "period_end": pl.Date,
    "value": pl.Float64,
    "seq": pl.Int32,
}


def shared(names: Iterable[str]) -> dict[str, pl.DataType | type[pl.DataType]]:
    """The schema of some columns of FACTS."""
    return {name: FACTS.columns[name] for name in names}


@dataclass(frozen=True, slots=True)
class FactTable:
    """Facts as `rows` (columns of ROWS) whose codes are row numbers in the three small tables.

    `measures` has MEASURE, `sources` SOURCE and `calendars` FRAME, each row for one code; a row
    may be there twice or unused.
    """

    rows: pl.DataFrame
    measures: pl.DataFrame
    sources: pl.DataFrame
    calendars: pl.DataFrame

    @property
    def height(self) -> int:
        """How many facts there are."""
        return self.rows.height

    def tables(self) -> dict[str, pl.DataFrame]:
        """The small tables by the name of their code."""
        return {"measure": self.measures, "source": self.sources, "calendar": self.calendars}

    def written(self) -> pl.DataFrame:
        """The rows with what their codes stand for in place of the codes."""
        columns = [*self.rows.drop(*CODES).get_columns()]
        for code, table in self.tables().items():
            columns += [column.gather(self.rows[code]) for column in table.get_columns()]
        return pl.DataFrame(columns)

    def plain(self) -> pl.DataFrame:
        """The facts written out, columns of FACTS; SchemaError where a needed cell is empty."""
        return check(self.written(), FACTS)


def numbered(rows: pl.DataFrame, code: str, table: pl.DataFrame) -> pl.DataFrame:
    """The rows with one more column: where in the table their cells stand (null: nowhere)."""
    on = list(CODES[code])
    return rows.join(
        table.with_row_index(code), on=on, how="left", nulls_equal=True, maintain_order="left"
    )


def coded(facts: pl.DataFrame) -> FactTable:
    """Facts written out (columns of FACTS), as a table of codes."""
    check(facts, FACTS)
    tables = {code: facts.select(names).unique() for code, names in CODES.items()}
    tables["calendar"] = tables["calendar"].drop_nulls()
    rows = facts
    for code, table in tables.items():
        rows = numbered(rows, code, table)
    picked = rows.select([pl.col(name).cast(kind) for name, kind in ROWS.items()])
    return FactTable(picked, tables["measure"], tables["source"], tables["calendar"])


def together(tables: Sequence[FactTable]) -> FactTable:
    """Several tables as one, their rows one after another."""
    rows, before = [pl.DataFrame(schema=ROWS)], dict.fromkeys(CODES, 0)
    for table in tables:
        moved = [(pl.col(code) + before[code]).cast(pl.UInt32).alias(code) for code in CODES]
        rows.append(table.rows.with_columns(moved))
        for code, small in table.tables().items():
            before[code] += small.height
    joined = {
        code: pl.concat([pl.DataFrame(schema=shared(names)), *[t.tables()[code] for t in tables]])
        for code, names in CODES.items()
    }
    return FactTable(pl.concat(rows), joined["measure"], joined["source"], joined["calendar"])
