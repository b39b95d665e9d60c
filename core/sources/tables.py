"""Tables in files (CSV, Parquet) to typed frames by a dataset's schema, with what was refused.

All cells are read as bytes and cast by the declared types; nothing is guessed from the first rows.
pyarrow splits the rows (it refuses a row with a cell too many or too few, where Polars fills
short rows up in silence); Polars casts them, a few megabytes at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as papq

from core.domain.datasets import ColumnType, Dataset
from core.errors import ParsingError, SchemaError, SizeLimitError
from core.sources.casts import Rules, convert
from core.sources.pulled import REJECTS

BLOCK_BYTES = 4 * 1024 * 1024
RAW_CHARS = 4000
_ROW = "__row"


@dataclass(frozen=True, slots=True)
class Table:
    """One file read: typed rows (columns of the dataset's schema), rejects (`REJECTS`),
    rows in the file, and upstream columns that the dataset does not know."""

    rows: pl.DataFrame
    rejects: pl.DataFrame
    rows_read: int
    drift: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Plan:
    dataset: Dataset
    rules: Rules
    sources: Mapping[str, str]  # our name -> upstream name
    constants: Mapping[str, str]
    drift: tuple[str, ...]


def read_csv(
    path: Path,
    dataset: Dataset,
    *,
    today: date | None,
    where: str | None = None,
    header: list[str] | None = None,
    constants: Mapping[str, str] | None = None,
) -> Table:
    """A CSV file (plain or .gz) as a Table.

    `header` names the columns of a file without a header line; `constants` fills columns that the
    file lacks. SchemaError when a column is missing, ParsingError when rows are ragged, quotes
    stay open or the file is empty.
    """
    place = where or path.name
    try:
        names = header or _header(path)
        plan = _plan(names, dataset, today, constants or {}, place)
        return _assemble(_csv_batches(path, header), plan)
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
) -> Table:
    """A Parquet file as a Table, by the same schema and rules as CSV."""
    place = where or path.name
    try:
        with papq.ParquetFile(path) as file:
            names = [str(name) for name in file.schema_arrow.names]
            plan = _plan(names, dataset, today, constants or {}, place)
            batches = (_as_text(_polars(batch)) for batch in file.iter_batches(100_000))
            return _assemble(batches, plan)
    except pa.ArrowInvalid as error:
        raise ParsingError(f"{dataset.name}: not a Parquet file: {error}", where=place) from None


def count_rows(path: Path) -> int:
    """Rows under the header of a CSV file."""
    return sum(len(batch) for batch in _csv_batches(path, None))


def csv_header(path: Path, where: str | None = None) -> list[str]:
    """The column names of a CSV file; ParsingError when it has none."""
    try:
        return _header(path)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise ParsingError(f"not a CSV file: {error}", where=where or path.name) from None


def text_dataset(name: str, columns: Mapping[str, ColumnType]) -> Dataset:
    """A dataset that takes the columns as they are called, without a key."""
    return Dataset(name, "foundry", "", (), dict(columns))


def no_rejects() -> pl.DataFrame:
    """A REJECTS frame without rows."""
    return pl.DataFrame(schema=REJECTS)


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


def _plan(
    names: list[str], dataset: Dataset, today: date | None, constants: Mapping[str, str], where: str
) -> _Plan:
    constants = {**dataset.options.get("constants", {}), **constants}
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise SchemaError(f"{dataset.name}: column {doubled[0]!r} appears twice", where=where)
    sources = {ours: _source(ours, names, dataset) for ours in dataset.schema}
    optional = set(dataset.options.get("optional", ())) | set(constants)
    missing = [name for name, found in sources.items() if found is None and name not in optional]
    if missing:
        wanted = ", ".join(f"{name!r}{_spelled(name, dataset)}" for name in missing)
        raise SchemaError(
            f"{dataset.name}: missing column {wanted}; the file has {', '.join(names[:20])}",
            where=where,
            hint="correct `columns` or `schema` of the dataset in the catalogue",
        )
    found = {ours: upstream for ours, upstream in sources.items() if upstream is not None}
    drift = tuple(name for name in names if name not in found.values())
    return _Plan(dataset, _rules(dataset, today), found, constants, drift)


def _source(ours: str, names: list[str], dataset: Dataset) -> str | None:
    """The upstream column for one of ours: the catalogue's spellings in order, then our own."""
    spellings = [upstream for upstream, name in dataset.columns.items() if name == ours]
    if ours not in dataset.columns or dataset.columns[ours] == ours:
        spellings.append(ours)
    return next((name for name in spellings if name in names), None)


def _spelled(ours: str, dataset: Dataset) -> str:
    upstream = [name for name, target in dataset.columns.items() if target == ours]
    return f" (upstream {' or '.join(map(repr, upstream))})" if upstream else ""


def _rules(dataset: Dataset, today: date | None) -> Rules:
    options = dataset.options
    return Rules(
        today=None if options.get("allow_future") else today,
        zone=str(options.get("zone", "UTC")),
        nulls=tuple(options.get("nulls", ())),
    )


def _assemble(batches: Iterator[pl.DataFrame], plan: _Plan) -> Table:
    typed: list[pl.DataFrame] = []
    rejects: list[pl.DataFrame] = []
    read = 0
    for batch in batches:
        rows, refused = _convert_batch(batch, plan, read)
        read += len(batch)
        typed.append(rows)
        rejects.append(refused)
    if not typed:
        return Table(_empty(plan.dataset), no_rejects(), 0, plan.drift)
    rows, doubled = _without_doubles(pl.concat(typed), plan.dataset)
    rejected = pl.concat([*rejects, doubled]).sort("row_number")
    return Table(rows.drop(_ROW), rejected, read, plan.drift)


def _empty(dataset: Dataset) -> pl.DataFrame:
    return pl.DataFrame(schema=dataset.polars_schema)


def _convert_batch(
    batch: pl.DataFrame, plan: _Plan, offset: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    raw = batch.with_columns(_shown(column) for column in batch)
    cells = {name: _decoded(batch[name]) for name in plan.sources.values()}
    values: list[pl.Series] = []
    reasons: list[pl.Series] = []
    for name, column in plan.dataset.schema.items():
        if name in plan.sources:
            text = cells[plan.sources[name]]
        else:
            text = pl.Series([plan.constants.get(name, "")]).new_from_index(0, len(batch))
        if name in plan.dataset.options.get("upper", ()):
            text = text.str.to_uppercase()
        value, reason = convert(text, column, plan.rules)
        values.append(value.alias(name).cast(column.polars))
        reasons.append(reason.alias(name))
    numbers = pl.int_range(offset + 1, offset + len(batch) + 1, eager=True).alias(_ROW)
    return _split(pl.DataFrame([*values, numbers]), pl.DataFrame(reasons), raw)


def _split(
    rows: pl.DataFrame, reasons: pl.DataFrame, raw: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows without a reason, and the others as REJECTS."""
    refused = reasons.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
    if not refused.any():
        return rows, no_rejects()
    told = reasons.filter(refused)
    first = pl.coalesce(
        pl.when(pl.col(name).is_not_null()).then(pl.lit(name)) for name in told.columns
    )
    sentence = pl.concat_str(
        [pl.concat_str(pl.lit(f"{name} "), pl.col(name)) for name in told.columns],
        separator="; ",
        ignore_nulls=True,
    )
    line = pl.struct(pl.all()).struct.json_encode().str.slice(0, RAW_CHARS)
    rejects = pl.DataFrame(
        [
            rows.filter(refused)[_ROW].alias("row_number"),
            told.select(first.alias("column_name")).to_series(),
            told.select(sentence.alias("reason")).to_series(),
            raw.filter(refused).select(line.alias("raw")).to_series(),
        ],
        schema=REJECTS,
    )
    return rows.filter(~refused), rejects


def _without_doubles(rows: pl.DataFrame, dataset: Dataset) -> tuple[pl.DataFrame, pl.DataFrame]:
    """First rows of each key; later ones as rejects, told apart by whether they say the same."""
    key = [name for name in dataset.key if name in rows.columns] or list(dataset.schema)
    if not dataset.key:
        return rows, no_rejects()
    first = rows.select(pl.struct(key).is_first_distinct()).to_series()
    if first.all():
        return rows, no_rejects()
    kept, later = rows.filter(first), rows.filter(~first)
    columns = list(dataset.schema)
    leaders = kept.select([*key, pl.col(_ROW).alias("__first")])
    told = later.join(leaders, on=key, how="left", nulls_equal=True, maintain_order="left")
    same = later.join(kept, on=columns, how="semi", nulls_equal=True)[_ROW].implode()
    number = pl.col("__first").cast(pl.String)
    rejects = told.select(
        row_number=_ROW,
        column_name=pl.lit(",".join(key)),
        reason=pl.when(pl.col(_ROW).is_in(same))
        .then(pl.lit("is a duplicate of row ") + number)
        .otherwise(pl.lit("repeats the key of row ") + number + pl.lit(" with other values")),
        raw=pl.struct(columns).struct.json_encode().str.slice(0, RAW_CHARS),
    )
    return kept, rejects.cast(pl.Schema(REJECTS))


def _decoded(cells: pl.Series) -> pl.Series:
    """Bytes as text; null where they are not valid UTF-8."""
    if cells.dtype != pl.Binary:
        return cells
    try:
        return cells.cast(pl.String)
    except pl.exceptions.ComputeError:  # at least one cell is not UTF-8: find which
        return pl.Series(cells.name, [_utf8(cell) for cell in cells], dtype=pl.String)


def _utf8(cell: bytes) -> str | None:
    try:
        return cell.decode()
    except UnicodeDecodeError:
        return None


def _shown(cells: pl.Series) -> pl.Series:
    """Bytes as text for people: what is not UTF-8 stands as backslash escapes."""
    if cells.dtype != pl.Binary:
        return cells
    try:
        return cells.cast(pl.String)
    except pl.exceptions.ComputeError:
        shown = [cell.decode("utf-8", "backslashreplace") for cell in cells]
        return pl.Series(cells.name, shown, dtype=pl.String)


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
