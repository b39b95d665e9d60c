"""A file of somebody else's identifiers against our registry of companies and tickers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from polars.exceptions import PolarsError

from core.domain.access.principals import Role
from core.domain.filings.outside_ids import Borne, compare, registry, summary
from core.errors import SchemaError, SizeLimitError
from core.service.kernel import given_files
from core.service.kernel.commands import FOUND_ERRORS, CommandResult, command
from core.store import scans

if TYPE_CHECKING:
    from core.service.desk import Desk

CIKS = ("cik", "cik_str", "cik_number", "central index key")
TICKERS = ("ticker", "symbol", "tickers", "name of symbol")
LARGEST_BYTES = 200 * 2**20
SHOWN = 1000


@command("reconcile_against", needs=Role.ANALYST)
def reconcile_against(desk: Desk, *, path: Path) -> CommandResult:
    """Compare the CIKs and tickers of a CSV or Parquet file with ours; 3 where they differ."""
    file = given_files.to_read(path)
    rows = _rows(file)
    found = compare(rows, _ours(desk))
    document = {
        "file": path.name,
        "rows": len(rows),
        "mismatches": len(found),
        "by_kind": summary(found),
        "sample": [asdict(item) for item in found[:SHOWN]],
    }
    return CommandResult(document, FOUND_ERRORS if found else 0)


def _rows(file: Path) -> list[tuple[str | None, str | None]]:
    """CIK and ticker of every row, as text; SchemaError where there is neither column."""
    if file.stat().st_size > LARGEST_BYTES:
        raise SizeLimitError(f"{file.name} is larger than {LARGEST_BYTES // 2**20} MB")
    try:
        if file.suffix.lower() == ".parquet":
            frame = pl.read_parquet(file)
        else:
            frame = pl.read_csv(file, infer_schema=False, encoding="utf8-lossy")
    except (PolarsError, OSError) as error:
        first = str(error).partition("\n")[0]
        raise SchemaError(f"{file.name} cannot be read: {first}") from error
    by_name = {name.strip().lower(): name for name in frame.columns}
    chosen = [_column(frame, by_name, names) for names in (CIKS, TICKERS)]
    if all(column is None for column in chosen):
        raise SchemaError(
            f"{file.name} has neither a column of CIKs nor one of tickers",
            hint="call them cik and ticker",
        )
    empty = pl.Series([None] * frame.height, dtype=pl.String)
    ciks, tickers = (empty if column is None else column for column in chosen)
    return list(zip(ciks.to_list(), tickers.to_list(), strict=True))


def _column(
    frame: pl.DataFrame, by_name: dict[str, str], names: tuple[str, ...]
) -> pl.Series | None:
    name = next((by_name[name] for name in names if name in by_name), None)
    return None if name is None else frame[name].cast(pl.String, strict=False)


def _ours(desk: Desk) -> Any:
    house = desk.warehouse
    ciks = house.read("SELECT cik FROM companies")["cik"].to_list()
    followed = dict(house.read("SELECT cik, symbol FROM watchlist").iter_rows())
    return registry(_borne(scans.identifiers(house)), ciks, followed)


def _borne(tickers: pl.DataFrame) -> Iterator[Borne]:
    for row in tickers.iter_rows(named=True):
        yield Borne(row["value"], row["cik"], row["valid_to"])
