"""Text cells to typed cells, one column at a time, and the reason for each cell refused.

Nothing is guessed: the declared type decides how a cell is read. Every step is one vectorised
expression, so a million rows take a few seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from core.domain.tables.datasets import ColumnType

LONGEST_CELL = 200_000  # bytes of a text
_NAN = ("nan", "NaN", "NAN", "-nan")
_DAY = r"^(\d{4})-?(\d{2})-?(\d{2})(?:[ T]00:00(?::00(?:\.0+)?)?\s?(?:Z|[+-]\d{2}:?\d{2})?)?$"
_INSTANT = (
    r"^(?P<day>\d{4}-\d{2}-\d{2})(?:[ T](?P<clock>\d{2}:\d{2})(?P<seconds>:\d{2}(?:\.\d{1,9})?)?"
    r"\s?(?:(?P<utc>Z|UTC)|(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2}))?)?$"
)
FIRST_YEAR = 1900  # of what is stored; exporters write year 1 for a day they do not know
_TRUE, _FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")


@dataclass(frozen=True, slots=True)
class CellRules:
    """What the cells of one dataset may hold.

    `today` bounds dates (one day of grace; None: any date), `zone` is that of instants without an
    offset, `nulls` are further spellings of an empty cell.
    """

    today: date | None
    zone: str = "UTC"
    nulls: tuple[str, ...] = ()


def convert(
    cells: pl.Series, column: ColumnType, rules: CellRules, longest: int = LONGEST_CELL
) -> tuple[pl.Series, pl.Series]:
    """Typed values, and per row why the cell is refused (null where it is fine).

    A null in `cells` is a cell that was not valid UTF-8. `longest`: bytes of a text.
    """
    text = cells if column.kind == "str" else cells.str.strip_chars()
    values = _READERS[column.kind](text, column, rules)
    frame = pl.DataFrame([text.alias("cell"), values.alias("value")])
    cell, value = pl.col("cell"), pl.col("value")
    empties = ["", *rules.nulls, *(_NAN if column.kind not in ("str", "bool") else ())]
    empty = cell.is_in(empties)
    read = frame.select(
        value=pl.when(empty).then(None).otherwise(value),
        reason=pl.when(cell.is_null())
        .then(pl.lit("is not valid UTF-8"))
        .when(empty)
        .then(pl.lit(None if column.nullable else "is empty", dtype=pl.String))
        .when(value.is_null())
        .then(pl.lit(f"is not {_ARTICLE[column.kind]} {str(column).removesuffix('?')}"))
        .otherwise(_refusal(cell, value, column, rules, longest)),
    )
    return read["value"], read["reason"]


def _refusal(
    cell: pl.Expr, value: pl.Expr, column: ColumnType, rules: CellRules, longest: int
) -> pl.Expr:
    """Why a cell that could be read is refused all the same."""
    nothing = pl.lit(None, dtype=pl.String)
    if column.kind == "str":
        nul = cell.str.contains("\0", literal=True)
        blank = pl.lit(not column.nullable) & (cell.str.strip_chars() == "")
        too_long = cell.str.len_bytes() > longest
        told = pl.when(nul).then(pl.lit("holds a NUL character"))
        also = told.when(blank).then(pl.lit("is blank"))
        return also.when(too_long).then(_long(cell, longest)).otherwise(nothing)
    if column.kind == "float":
        return pl.when(value.is_infinite()).then(pl.lit("is infinite")).otherwise(nothing)
    if column.kind in ("date", "datetime"):
        return _out_of_time(value, column, rules)
    return nothing


def _long(cell: pl.Expr, longest: int) -> pl.Expr:
    size = cell.str.len_bytes().cast(pl.String)
    return pl.concat_str(pl.lit("is "), size, pl.lit(f" bytes long; {longest:,} at most"))


def _out_of_time(value: pl.Expr, column: ColumnType, rules: CellRules) -> pl.Expr:
    """Why an instant or a day is none that data can be of: an exporter's null, or yet to come."""
    told = pl.when(value.dt.year() < FIRST_YEAR).then(pl.lit(f"lies before {FIRST_YEAR}"))
    if rules.today is None:
        return told.otherwise(pl.lit(None, dtype=pl.String))
    last = rules.today + timedelta(days=1)
    bound = last if column.kind == "date" else datetime.combine(last, time.max, UTC)
    return told.when(value > bound).then(pl.lit("lies in the future"))


def _text(cells: pl.Series, column: ColumnType, rules: CellRules) -> pl.Series:
    return cells


def _float(cells: pl.Series, column: ColumnType, rules: CellRules) -> pl.Series:
    return cells.cast(pl.Float64, strict=False)


def _int(cells: pl.Series, column: ColumnType, rules: CellRules) -> pl.Series:
    values = cells.cast(pl.Int64, strict=False)
    if values.null_count() == cells.null_count():
        return values
    whole = cells.str.replace(r"^([+-]?\d+)\.0*$", "${1}")
    return whole.cast(pl.Int64, strict=False)


def _decimal(cells: pl.Series, column: ColumnType, rules: CellRules) -> pl.Series:
    # A cast alone would round digits away in silence.
    exact = cells.str.contains(rf"^[+-]?\d*(\.\d{{0,{column.scale}}}0*)?$")
    fits = pl.select(pl.when(exact).then(cells)).to_series()
    return fits.cast(pl.Decimal(column.precision, column.scale), strict=False)


def _bool(cells: pl.Series, column: ColumnType, rules: CellRules) -> pl.Series:
    low = cells.str.to_lowercase()
    truth = pl.when(low.is_in(_TRUE)).then(True).when(low.is_in(_FALSE)).then(False)
    return pl.select(truth.otherwise(None)).to_series()


def _date(cells: pl.Series, column: ColumnType, rules: CellRules) -> pl.Series:
    day = cells.str.replace(_DAY, "${1}-${2}-${3}")
    sized = pl.select(pl.when(day.str.len_bytes() == 10).then(day)).to_series()
    return sized.str.to_date("%Y-%m-%d", strict=False)


def _datetime(cells: pl.Series, column: ColumnType, rules: CellRules) -> pl.Series:
    part = pl.col("part").struct.field
    clock = pl.concat_str(
        part("day"),
        pl.lit("T"),
        part("clock").fill_null("00:00"),
        part("seconds").fill_null(":00"),
    )
    local = clock.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us")
    ahead = part("hours").cast(pl.Int32) * 60 + part("minutes").cast(pl.Int32)
    signed = pl.when(part("sign") == "-").then(-ahead).otherwise(ahead)
    return (
        pl.DataFrame({"cell": cells})
        .select(part=pl.col("cell").str.extract_groups(_INSTANT))
        .with_columns(local=local, ahead=signed, utc=part("utc").is_not_null())
        .select(
            pl.when(pl.col("ahead").is_not_null())
            .then((pl.col("local") - pl.duration(minutes="ahead")).dt.replace_time_zone("UTC"))
            .when(pl.col("utc"))
            .then(pl.col("local").dt.replace_time_zone("UTC"))
            .otherwise(_in_zone(pl.col("local"), rules.zone))
        )
        .to_series()
    )


def _in_zone(local: pl.Expr, zone: str) -> pl.Expr:
    """Wall-clock times of a zone as instants; the hour that a clock change skips has none."""
    placed = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return placed.dt.convert_time_zone("UTC")


_READERS: dict[str, Callable[[pl.Series, ColumnType, CellRules], pl.Series]] = {
    "str": _text,
    "float": _float,
    "int": _int,
    "decimal": _decimal,
    "bool": _bool,
    "date": _date,
    "datetime": _datetime,
}
_ARTICLE = {kind: "an" if kind == "int" else "a" for kind in _READERS}
