"""Exports: registered frames written as CSV, Parquet, JSON or an Arrow stream.

CSV is RFC 4180, UTF-8, ISO dates, instants in UTC ending in `Z`, text guarded against formulas.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from core import atomic
from core.domain.tables.csv_guard import guard
from core.errors import StoreError, UsageError
from core.service.kernel.port import DeskPort
from core.service.kernel.registry import Registry

FORMATS = ("csv", "parquet", "json", "arrow")
export = Registry("export")


def frame_of(desk: DeskPort, what: str, /, **filters: Any) -> pl.DataFrame:
    """The frame of an export; UsageError for an unknown name or filter."""
    frame: pl.DataFrame = export.run(desk, what, filters)
    return labelled(frame) if desk.settings.simulated else frame


def labelled(frame: pl.DataFrame) -> pl.DataFrame:
    """Simulated rows say so: in the company's name where there is one, else in a last column."""
    if "company" in frame.columns:
        return frame.with_columns(pl.col("company") + " (simulated)")
    return frame.with_columns(simulated=pl.lit(True))


def format_of(path: Path) -> str:
    """csv, parquet, json or arrow by the file's ending."""
    ending = path.suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        raise UsageError(f"{path.name}: the ending must be one of .{', .'.join(FORMATS)}")
    return ending


def encode(frame: pl.DataFrame, fmt: str) -> bytes:
    """The frame as the bytes of a file in `csv`, `parquet`, `json` or `arrow`."""
    buffer = io.BytesIO()
    write(frame, buffer, fmt)
    return buffer.getvalue()


def write(frame: pl.DataFrame, target: io.BufferedIOBase, fmt: str) -> None:
    """Write the frame in `csv`, `parquet`, `json` or `arrow`."""
    if fmt == "csv":
        guard(_texts(frame)).write_csv(target)  # type: ignore[call-overload]
    elif fmt == "parquet":
        frame.write_parquet(target)  # type: ignore[arg-type]
    elif fmt == "json":
        _texts(frame).write_json(target)
    elif fmt == "arrow":
        frame.write_ipc_stream(target)  # type: ignore[call-overload]
    else:
        raise UsageError(f"{fmt!r} is not a format; there are {', '.join(FORMATS)}")


def flat(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame without structs: these, and lists of them, as JSON text."""
    nested = [
        name
        for name, dtype in frame.schema.items()
        if isinstance(dtype, pl.Struct)
        or (isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct))
    ]
    return frame.with_columns(
        pl.Series(name, [_as_text(value) for value in frame[name].to_list()], dtype=pl.String)
        for name in nested
    )


def _as_text(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value, default=str).decode()


def save(frame: pl.DataFrame, path: Path) -> None:
    """Write the frame to a file whole; StoreError when that cannot be."""
    fmt = format_of(path)
    with _saving(path) as file:
        write(frame, file, fmt)


def save_bytes(body: bytes, path: Path) -> None:
    """Write what was encoded elsewhere to a file whole; StoreError when that cannot be."""
    with _saving(path) as file:
        file.write(body)


@contextmanager
def _saving(path: Path) -> Iterator[Any]:
    try:
        with atomic.writing(path, private=False) as file:
            yield file
    except OSError as error:
        raise StoreError(f"the file could not be written: {error}", where=str(path)) from error


def _texts(frame: pl.DataFrame) -> pl.DataFrame:
    """Instants as ISO text ending in Z, lists and structs as JSON-like text."""
    return frame.with_columns(
        *(
            pl.col(name).dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ")
            if getattr(dtype, "time_zone", None)
            else pl.col(name).cast(pl.List(pl.String)).list.join(";")
            for name, dtype in frame.schema.items()
            if getattr(dtype, "time_zone", None) or isinstance(dtype, pl.List)
        )
    )
