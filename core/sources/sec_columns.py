"""Fact objects of companyfacts, as bytes, turned into columns without a Python object per fact.

`units` arrays are flat objects with the same seven to nine keys in the same order. The fast way
finds `{ : , }` with NumPy, checks that every key stands where it should, and cuts the values out of
the bytes. Whatever looks different (other keys, escapes, braces in a text) is not guessed at:
`columns_of` then takes the general way, a JSON reader.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]
Piece = bytes | memoryview

COLUMNS = {
    "period_start": pl.Date,
    "period_end": pl.Date,
    "value": pl.Float64,
    "accession": pl.String,
    "fiscal_year": pl.Int32,
    "fiscal_period": pl.String,
    "form": pl.String,
    "filed": pl.Date,
    "frame": pl.String,
}
_UPSTREAM = {
    "start": "period_start",
    "end": "period_end",
    "val": "value",
    "accn": "accession",
    "fy": "fiscal_year",
    "fp": "fiscal_period",
    "form": "form",
    "filed": "filed",
    "frame": "frame",
}
_KEYS = ("end", "val", "accn", "fy", "fp", "form", "filed")
_NULL = ord("n")
_QUOTE = ord('"')
_WIDEST = 48  # no value of a fact is wider; more is not a fact as we know them
_OBJECTS = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Columns:
    """The facts of several arrays, one after another; `counts` says how many each array had.

    `duplicates` is False when no array states the same period and accession twice for certain.
    """

    frame: pl.DataFrame
    counts: npt.NDArray[np.int64]
    duplicates: bool


class _UnfamiliarError(ValueError):
    """The bytes are not laid out as the fast way expects."""


def columns_of(arrays: Sequence[Piece]) -> Columns:
    """Columns of JSON arrays of facts (`[{…},{…}]` each); cells that cannot be read are null."""
    if not arrays:
        return Columns(pl.DataFrame(schema=COLUMNS), np.zeros(0, np.int64), False)
    try:
        return _fast(arrays)
    except _UnfamiliarError:
        return _general(arrays)


def _fast(arrays: Sequence[Piece]) -> Columns:
    joined = b",".join([memoryview(piece)[1:-1] for piece in arrays])
    data = np.frombuffer(joined + b" " * _WIDEST, np.uint8)
    rows = _Rows(data)
    sizes = np.fromiter((len(piece) - 1 for piece in arrays), np.int64, len(arrays))
    ends = np.searchsorted(rows.opens, np.cumsum(sizes))
    counts = np.diff(ends, prepend=0)
    return Columns(rows.frame(), counts, rows.duplicates(counts))


class _Rows:
    """Where the fields of every fact stand; raises _UnfamiliarError where they do not fit."""

    def __init__(self, data: Bytes) -> None:
        self.data = data
        self.opens = np.flatnonzero(data == ord("{"))
        closes = np.flatnonzero(data == ord("}"))
        colons = np.flatnonzero(data == ord(":"))
        commas = np.flatnonzero(data == ord(","))
        n = len(self.opens)
        _expect(n > 0 and len(closes) == n and len(commas) == len(colons) - 1)
        _expect(bool((data < 128).all()) and not bool((data == ord("\\")).any()))
        self.first = np.searchsorted(colons, self.opens)
        fields = np.diff(self.first, append=len(colons))
        _expect(bool((self.first[1:] == np.searchsorted(commas, self.opens[1:])).all()))
        before = np.empty_like(colons)
        before[1:] = commas
        before[self.first] = self.opens
        after = np.empty_like(colons)
        after[:-1] = commas
        after[self.first + fields - 1] = closes
        _expect(bool((before < colons).all()) and bool((colons < after).all()))
        self._before, self._colons, self._after = before, colons, after
        self.has_start = data[self.opens + 2] == ord("s")
        self._base = self.first + self.has_start
        extra = fields - self.has_start - len(_KEYS)
        _expect(bool(((extra == 0) | (extra == 1)).all()))
        self.has_frame = extra == 1
        self._check_keys()

    def _check_keys(self) -> None:
        for offset, key in enumerate(_KEYS):
            self._check_key(self._base + offset, key)
        self._check_key(self.first[self.has_start], "start")
        self._check_key((self._base + len(_KEYS))[self.has_frame], "frame")

    def _check_key(self, at: Positions, key: str) -> None:
        begin = self._before[at] + 1
        begin += self.data[begin] == ord(" ")
        colon = self._colons[at]
        _expect(bool((colon - begin == len(key) + 2).all()))
        _expect(bool((self.data[begin + 1] == ord(key[0])).all()))
        _expect(bool((self.data[colon - 2] == ord(key[-1])).all()))

    def _tokens(self, at: Positions) -> tuple[Positions, Positions]:
        begin = self._colons[at] + 1
        begin += self.data[begin] == ord(" ")
        return begin, self._after[at] - begin

    def _cut(self, begin: Positions, length: Positions, valid: npt.NDArray[np.bool_]) -> pl.Series:
        length = np.where(valid, length, 0)
        width = int(length.max(initial=0))
        _expect(width <= _WIDEST and int(length.min(initial=0)) >= 0)
        if width == 0:
            return pl.repeat(None, len(begin), dtype=pl.String, eager=True)
        windows = np.lib.stride_tricks.sliding_window_view(self.data, width)[begin]
        if not bool((length == width).all()):
            windows = windows[np.arange(width) < length[:, None]]
        return _strings(windows, length, valid)

    def texts(self, at: Positions) -> pl.Series:
        """Quoted texts; null where the token is `null`."""
        begin, length = self._tokens(at)
        valid = self.data[begin] != _NULL
        quoted = (self.data[begin] == _QUOTE) & (self.data[begin + length - 1] == _QUOTE)
        _expect(bool((quoted | ~valid).all()))
        return self._cut(begin + 1, length - 2, valid)

    def numbers(self, at: Positions) -> pl.Series:
        """Number tokens as text; null where the token is `null`."""
        begin, length = self._tokens(at)
        return self._cut(begin, length, self.data[begin] != _NULL)

    def _spread(self, values: pl.Series, where: npt.NDArray[np.bool_]) -> pl.Series:
        if bool(where.all()):
            return values
        index = pl.Series(np.cumsum(where) - 1).set(pl.Series(~where), None)
        return (
            values.gather(index)
            if len(values)
            else pl.Series([None] * len(where), dtype=values.dtype)
        )

    def frame(self) -> pl.DataFrame:
        """All columns, in order."""
        base = self._base
        start = self._spread(_dates(self.texts(self.first[self.has_start])), self.has_start)
        frames = self.texts((base + len(_KEYS))[self.has_frame])
        self._accession = self.texts(base + 2)
        return pl.DataFrame(
            {
                "period_start": start,
                "period_end": _dates(self.texts(base)),
                "value": self.numbers(base + 1).cast(pl.Float64, strict=False),
                "accession": self._accession,
                "fiscal_year": self.numbers(base + 3).cast(pl.Int32, strict=False),
                "fiscal_period": self.texts(base + 4),
                "form": self.texts(base + 5),
                "filed": _dates(self.texts(base + 6)),
                "frame": self._spread(frames, self.has_frame),
            },
            schema=COLUMNS,
        )

    def duplicates(self, counts: npt.NDArray[np.int64]) -> bool:
        """Whether two rows of one array may share period and accession (never a false no)."""
        part = np.repeat(np.arange(len(counts)), counts)
        begin, length = self._tokens(self._base + 2)
        mix = part * np.int64(0x9E3779B97F4A7C1)
        widths = ((begin + 1, 20), (self._tokens(self._base)[0] + 1, 10))
        for i, (at, width) in enumerate(widths):
            mix = _mixed(mix, self.data, at, width, i)
        start = self.first[self.has_start]
        partial = mix[self.has_start]
        mix[self.has_start] = _mixed(partial, self.data, self._tokens(start)[0] + 1, 10, 7)
        return bool((length != 22).any()) or len(np.unique(mix)) != len(mix)


def _mixed(mix: Positions, data: Bytes, at: Positions, width: int, salt: int) -> Positions:
    windows = np.lib.stride_tricks.sliding_window_view(data, 8)
    for offset in (*range(0, width - 8, 8), width - 8):
        word = windows[at + offset].view(np.int64).ravel()
        mix = (mix ^ word) * np.int64(0x2545F4914F6CDD1D + 2 * salt)
        mix = mix ^ (mix >> 29)
    return mix


def _expect(condition: bool) -> None:
    if not condition:
        raise _UnfamiliarError


def _strings(data: Bytes, length: Positions, valid: npt.NDArray[np.bool_]) -> pl.Series:
    offsets = np.zeros(len(length) + 1, np.int32)
    np.cumsum(length, out=offsets[1:])
    mask = None
    if not bool(valid.all()):
        mask = pa.py_buffer(np.packbits(valid, bitorder="little"))
    buffers = [mask, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(data))]
    array = pa.Array.from_buffers(pa.string(), len(length), buffers)
    return pl.Series(array, dtype=pl.String)


def _dates(texts: pl.Series) -> pl.Series:
    return texts.str.to_date("%Y-%m-%d", strict=False)


def _general(arrays: Sequence[Piece]) -> Columns:
    rows = [_OBJECTS.decode(piece) for piece in arrays]
    counts = np.fromiter((len(part) for part in rows), np.int64, len(rows))
    lines = b"\n".join([bytes(row).replace(b"\n", b" ") for part in rows for row in part])
    schema = dict.fromkeys(_UPSTREAM, pl.String) | {"val": pl.Float64, "fy": pl.Int32}
    frame = pl.read_ndjson(io.BytesIO(lines), schema=schema, ignore_errors=True).rename(_UPSTREAM)
    dates = [_dates(frame[name]) for name in ("period_start", "period_end", "filed")]
    return Columns(frame.with_columns(dates).select(list(COLUMNS)), counts, True)
