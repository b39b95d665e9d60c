"""Tables in files (CSV, Parquet) to typed frames by a dataset's schema, with what was refused.

All cells are read as bytes and cast by the declared types; nothing is guessed from the first rows.
pyarrow splits the rows (it refuses a row with a cell too many or too few, where Polars fills
short rows up in silence); Polars casts them, a few megabytes at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as papq

from core.domain.tables.datasets import ColumnType, Dataset
from core.errors import ParsingError, SchemaError, SizeLimitError
from core.sources.files.rows import Table, assemble, plan_of

BLOCK_BYTES = 4 * 1024 * 1024


def read_csv(
    path: Path,
    dataset: Dataset,
    *,
    today: date | None,
    where: str | None = None,
    header: list[str] | None = None,
    constants: Mapping[str, str] | None = None,
    most_repeated: float | None = None,
    now: datetime | None = None,
) -> Table:
    """A CSV file (plain or .gz) as a Table.

    `header` names the columns of a file without a header line; `constants` fills columns that the
    file lacks. `most_repeated` is the share (0..1) of rows that may repeat the key of another
    before the file is refused with IntegrityError; None: any. Bars of sessions that open after
    `now` are refused. SchemaError when a column is
    missing, ParsingError when rows are ragged, quotes stay open or the file is empty.
    """
    place = where or path.name
    try:
        names = header or _header(path)
        plan = plan_of(names, dataset, today, constants or {}, place, now)
        plan = replace(plan, where=place, most_repeated=most_repeated)
        return assemble(_csv_batches(path, header), plan)
    except pa.ArrowInvalid as error:
        raise _readable(error, place, dataset) from None
    except UnicodeDecodeError:
        raise ParsingError(
            f"{dataset.name}: the header line is not valid UTF-8", where=place
        ) from None


def read_parquet(
    path: Path,
    dataset: Dataset,
    *,
    today: date | None,
    where: str | None = None,
    constants: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> Table:
    """A Parquet file as a Table, by the same schema and rules as CSV."""
    place = where or path.name
    try:
        with papq.ParquetFile(path) as file:
            names = [str(name) for name in file.schema_arrow.names]
            plan = plan_of(names, dataset, today, constants or {}, place, now)
            batches = (_as_text(_polars(batch)) for batch in file.iter_batches(100_000))
            return assemble(batches, plan)
    except pa.ArrowInvalid as error:
        raise ParsingError(f"{dataset.name}: not a Parquet file: {error}", where=place) from None


def csv_header(path: Path, where: str | None = None) -> list[str]:
    """The column names of a CSV file; ParsingError when it has none."""
    try:
        return _header(path)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise ParsingError(f"not a CSV file: {error}", where=where or path.name) from None


def text_dataset(name: str, columns: Mapping[str, ColumnType]) -> Dataset:
    """A dataset that takes the columns as they are called, without a key."""
    return Dataset(name, "foundry", "", (), dict(columns))


def _header(path: Path) -> list[str]:
    line = _with_newline(path)
    with pacsv.open_csv(line, read_options=pacsv.ReadOptions(block_size=BLOCK_BYTES)) as reader:
        return [str(name) for name in reader.schema.names]


def _with_newline(path: Path) -> pa.NativeFile:
    """The file, decompressed when it ends in .gz; a lone header line gets its missing newline."""
    if path.suffix != ".gz" and path.stat().st_size < 64 * 1024:
        data = path.read_bytes()
        if data.strip() and data.count(b"\n") + data.count(b"\r") == 0:
            return pa.BufferReader(data + b"\n")
    return pa.input_stream(str(path), compression="gzip" if path.suffix == ".gz" else None)


def _csv_batches(path: Path, header: list[str] | None) -> Iterator[pl.DataFrame]:
    names = header or _header(path)
    reader = pacsv.open_csv(
        _with_newline(path),
        read_options=pacsv.ReadOptions(
            block_size=BLOCK_BYTES, column_names=header, use_threads=False
        ),
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            check_utf8=False,
            column_types={name: pa.binary() for name in names},
            strings_can_be_null=False,
        ),
    )
    frame = pl.DataFrame()
    with reader:
        for batch in reader:
            frame = _polars(batch)
            yield frame
    if len(frame) and path.suffix != ".gz":
        _check_end(path, frame[-1, -1])


def _check_end(path: Path, cell: bytes) -> None:
    """A quote that is still open at the end swallows what follows it, and the reader is content."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - len(cell) - 2))
        end = file.read()
    if end.endswith(b'"' + cell if cell else b',"'):
        raise pa.ArrowInvalid("a quote is never closed")


def _polars(batch: pa.RecordBatch) -> pl.DataFrame:
    frame = pl.from_arrow(batch)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _as_text(batch: pl.DataFrame) -> pl.DataFrame:
    """Typed Parquet columns as the text that CSV would hold."""
    return batch.select(_written(column) for column in batch)


def _written(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Binary:
        return column.fill_null(b"")
    if isinstance(column.dtype, pl.Datetime):
        zone = column.dtype.time_zone
        instants = column if zone in (None, "UTC") else column.dt.convert_time_zone("UTC")
        suffix = "" if zone is None else "+00:00"
        return instants.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f" + suffix).fill_null("")
    if column.dtype.is_nested():
        raise SchemaError(f"column {column.name!r} holds {column.dtype}, not plain values")
    return column.cast(pl.String).fill_null("")


def _readable(error: pa.ArrowInvalid, where: str, dataset: Dataset) -> ParsingError:
    text = str(error).removeprefix("CSV parse error: ").splitlines()[0][:200]
    if "straddles two block" in text:
        return SizeLimitError(
            f"{dataset.name}: a row is longer than {BLOCK_BYTES // 2**20} MiB", where=where
        )
    return ParsingError(
        f"{dataset.name}: cannot be read as CSV: {text}",
        where=where,
        hint="ask for the file again; a row may be cut off or hold a stray comma or quote",
    )


def as_schema(columns: Mapping[str, str | ColumnType]) -> dict[str, ColumnType]:
    """Column types from catalogue words."""
    return {
        name: kind if isinstance(kind, ColumnType) else ColumnType.parse(kind)
        for name, kind in columns.items()
    }
