"""Text columns to the typed rows of a dataset, batch by batch, and the rows refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from core.domain import symbols
from core.domain.tables.datasets import Dataset
from core.errors import IntegrityError, SchemaError
from core.sources.files import bars as bar_rows
from core.sources.files.casts import LONGEST_CELL, CellRules, convert
from core.sources.http import permanent
from core.sources.pulled import REJECTS

RAW_CHARS = 4000
LONGEST_KEY = 255  # bytes of a name in a key
FEW_REPEATED = 4  # so many rows may repeat a key in any file, however small
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
class ColumnPlan:
    """How the columns of one file become those of the dataset."""

    dataset: Dataset
    rules: CellRules
    sources: Mapping[str, str]  # our name -> upstream name
    constants: Mapping[str, str]
    drift: tuple[str, ...]
    where: str = ""
    most_repeated: float | None = None  # largest share of rows that may repeat a key; None: any
    now: datetime | None = None  # bars of sessions that open later are refused


def no_rejects() -> pl.DataFrame:
    """A REJECTS frame without rows."""
    return pl.DataFrame(schema=REJECTS)


def plan_of(
    names: list[str],
    dataset: Dataset,
    today: date | None,
    constants: Mapping[str, str],
    where: str,
    now: datetime | None = None,
) -> ColumnPlan:
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
    return ColumnPlan(dataset, _rules(dataset, today), found, constants, drift, now=now)


def _source(ours: str, names: list[str], dataset: Dataset) -> str | None:
    """The upstream column for one of ours: the catalogue's spellings in order, then our own."""
    spellings = [upstream for upstream, name in dataset.columns.items() if name == ours]
    if ours not in dataset.columns or dataset.columns[ours] == ours:
        spellings.append(ours)
    return next((name for name in spellings if name in names), None)


def _spelled(ours: str, dataset: Dataset) -> str:
    upstream = [name for name, target in dataset.columns.items() if target == ours]
    return f" (upstream {' or '.join(map(repr, upstream))})" if upstream else ""


def _rules(dataset: Dataset, today: date | None) -> CellRules:
    options = dataset.options
    return CellRules(
        today=None if options.get("allow_future") else today,
        zone=str(options.get("zone", "UTC")),
        nulls=tuple(options.get("nulls", ())),
    )


def assemble(batches: Iterator[pl.DataFrame], plan: ColumnPlan) -> Table:
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
    rows, doubled = _without_doubles(pl.concat(typed), plan)
    rejected = pl.concat([*rejects, doubled]).sort("row_number")
    return Table(rows.drop(_ROW), rejected, read, plan.drift)


def _empty(dataset: Dataset) -> pl.DataFrame:
    return pl.DataFrame(schema=dataset.polars_schema)


def _convert_batch(
    batch: pl.DataFrame, plan: ColumnPlan, offset: int
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
        value, reason = convert(text, column, plan.rules, _longest(name, plan.dataset))
        values.append(value.alias(name).cast(column.polars))
        if name == "session" and bar_rows.are_bars(plan.dataset):
            reason = bar_rows.with_calendar(values[-1], reason, plan.now)
        if name == "ratio" and bar_rows.are_actions(plan.dataset):
            reason = bar_rows.with_splits(values[-1], reason)
        if name == "amount" and bar_rows.are_actions(plan.dataset):
            reason = bar_rows.with_amounts(values[-1], reason)
        reasons.append(reason.alias(name))
    numbers = pl.int_range(offset + 1, offset + len(batch) + 1, eager=True).alias(_ROW)
    return _split(pl.DataFrame([*values, numbers]), pl.DataFrame(reasons), raw)


def _longest(column: str, dataset: Dataset) -> int:
    """Bytes that a text in a column may have: a symbol, another part of the key, or a text."""
    if column.endswith("symbol"):
        return symbols.LONGEST
    return LONGEST_KEY if column in dataset.key else LONGEST_CELL


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


def _check_repeats(repeated: int, rows: int, plan: ColumnPlan) -> None:
    """A file that repeats keys in numbers is two files mixed: no row of it can be trusted."""
    allowed = max(FEW_REPEATED, (plan.most_repeated or 0.0) * rows)
    if plan.most_repeated is None or repeated <= allowed:
        return
    raise permanent(
        IntegrityError(
            f"{plan.dataset.name}: {repeated:,} of {rows:,} rows repeat the key of another: "
            "the container has mixed what it wrote for several who asked in the same second",
            where=plan.where,
            hint="press Refresh now (pull --now) to have it pulled anew; nothing was loaded",
        )
    )


def _without_doubles(rows: pl.DataFrame, plan: ColumnPlan) -> tuple[pl.DataFrame, pl.DataFrame]:
    """First rows of each key; later ones as rejects, told apart by whether they say the same."""
    dataset = plan.dataset
    key = [name for name in dataset.key if name in rows.columns] or list(dataset.schema)
    if not dataset.key:
        return rows, no_rejects()
    first = rows.select(pl.struct(key).is_first_distinct()).to_series()
    if first.all():
        return rows, no_rejects()
    if dataset.table == "corporate_actions":
        rows = bar_rows.counted(rows, dataset)
        first = rows.select(pl.struct(key).is_first_distinct()).to_series()
    kept, later = rows.filter(first), rows.filter(~first)
    _check_repeats(len(later), len(rows), plan)
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
