"""Fact objects of companyfacts, as bytes, turned into columns without a Python object per fact.

`units` arrays are flat objects with the same seven to nine keys in the same order. The fast way
finds the commas with NumPy, checks that every key stands where it should, and cuts the values out
of the bytes. Whatever looks different (other keys, escapes, commas in a text) is not guessed at:
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
_TYPED = [
    pl.col(name).cast(dtype, strict=False)
    if dtype != pl.Date
    else pl.col(name).str.to_date("%Y-%m-%d", strict=False)
    for name, dtype in COLUMNS.items()
    if dtype != pl.String
]
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
    _expect(joined.isascii() and b"\\" not in joined)
    rows = _Rows(np.frombuffer(joined + b" " * _WIDEST, np.uint8), len(joined))
    sizes = np.fromiter((len(piece) - 1 for piece in arrays), np.int64, len(arrays))
    counts = np.diff(np.searchsorted(rows.opens, np.cumsum(sizes)), prepend=0)
    return Columns(rows.frame(), counts, rows.duplicates(counts))


class _Rows:
    """Where the fields of every fact stand; raises _UnfamiliarError where they do not fit.

    Fields lie between commas, a row begins with a field that begins with a brace. Texts without
    escapes hold no quotes, so a field that begins with a known key in quotes is a field.
    """

    def __init__(self, data: Bytes, size: int) -> None:
        self._data = data
        commas = np.flatnonzero(data == ord(","))
        begin = np.empty(len(commas) + 1, np.int64)
        begin[0] = 0
        np.add(commas, 1, out=begin[1:])
        begin += data[begin] == ord(" ")
        opened = data[begin] == ord("{")
        end = np.append(commas, size)
        first = np.flatnonzero(opened)
        _expect(len(first) > 0 and first[0] == 0)
        last = np.append(first[1:], len(begin)) - 1
        end[last] -= 1
        _expect(bool((data[end[last]] == ord("}")).all()))
        self.opens = begin[first]
        self._begin, self._end, self._first = begin + opened, end, first
        self._has_start = data[self._begin[first] + 1] == ord("s")
        self._base = first + self._has_start
        extra = last + 1 - self._base - len(_KEYS)
        _expect(bool(((extra == 0) | (extra == 1)).all()))
        self._has_frame = extra == 1

    def _token(self, at: Positions, key: str) -> tuple[Positions, Positions]:
        """Begin and length of the values of a key, which must stand there."""
        data, begin = self._data, self._begin[at]
        value = begin + (len(key) + 3)
        _expect(bool((data[begin] == _QUOTE).all() and (data[begin + 1] == ord(key[0])).all()))
        _expect(bool((data[value - 1] == ord(":")).all()))
        _expect(bool((data[value - 3] == ord(key[-1])).all()))
        value += data[value] == ord(" ")
        return value, self._end[at] - value

    def _cut(
        self, begin: Positions, length: Positions, valid: npt.NDArray[np.bool_] | None
    ) -> pl.Series:
        if valid is not None:
            length = np.where(valid, length, 0)
        width, least = int(length.max(initial=0)), int(length.min(initial=_WIDEST))
        _expect(width <= _WIDEST and least >= 0)
        if width == 0:
            empty = pl.repeat("", len(begin), eager=True)
            return empty if valid is None else empty.set(pl.Series(~valid), None)
        windows = np.lib.stride_tricks.sliding_window_view(self._data, width)[begin]
        if least != width:
            windows = windows[np.arange(width) < length[:, None]]
        return _strings(windows, length, valid)

    def _texts(self, at: Positions, key: str) -> pl.Series:
        """Quoted texts; null where the token is `null`."""
        begin, length = self._token(at, key)
        quoted = self._data[begin] == _QUOTE
        _expect(bool((self._data[begin + length - 1] == ord('"'))[quoted].all()))
        if quoted.all():
            return self._cut(begin + 1, length - 2, None)
        _expect(bool((self._data[begin] == _NULL)[~quoted].all()))
        return self._cut(begin + 1, length - 2, quoted)

    def _numbers(self, at: Positions, key: str) -> pl.Series:
        """Number tokens as text; null where the token is `null`."""
        begin, length = self._token(at, key)
        valid = self._data[begin] != _NULL
        return self._cut(begin, length, None if valid.all() else valid)

    def frame(self) -> pl.DataFrame:
        """All columns, in order."""
        base = self._base
        end, val, accn, fy, fp, form, filed = (base + i for i in range(len(_KEYS)))
        start = self._texts(self._first[self._has_start], "start")
        frames = self._texts((base + len(_KEYS))[self._has_frame], "frame")
        return pl.DataFrame(
            {
                "period_start": _spread(start, self._has_start),
                "period_end": self._texts(end, "end"),
                "value": self._numbers(val, "val"),
                "accession": self._texts(accn, "accn"),
                "fiscal_year": self._numbers(fy, "fy"),
                "fiscal_period": self._texts(fp, "fp"),
                "form": self._texts(form, "form"),
                "filed": self._texts(filed, "filed"),
                "frame": _spread(frames, self._has_frame),
            }
        ).with_columns(_TYPED)

    def duplicates(self, counts: npt.NDArray[np.int64]) -> bool:
        """Whether two rows of one array may share period and accession (never a false no)."""
        words = np.lib.stride_tricks.sliding_window_view(self._data, 8)
        accession, length = self._token(self._base + 2, "accn")
        if bool((length != 22).any()):
            return True  # not the accessions that we know: look closely
        mix = np.repeat(np.arange(len(counts)), counts) * np.int64(0x9E3779B97F4A7C1)
        ends = self._token(self._base, "end")[0]
        for at in (accession + 5, accession + 13, ends + 3):  # the ends of both tell them apart
            mix = _mixed(mix ^ words[at].view(np.int64).ravel())
        starts = self._token(self._first[self._has_start], "start")[0] + 3
        begun = mix[self._has_start] ^ words[starts].view(np.int64).ravel()
        mix[self._has_start] = _mixed(begun)
        mix.sort()
        return bool((mix[1:] == mix[:-1]).any())


def _mixed(words: Positions) -> Positions:
    words = words * np.int64(0x2545F4914F6CDD1D)
    return words ^ (words >> 29)


def _spread(values: pl.Series, where: npt.NDArray[np.bool_]) -> pl.Series:
    """The values at the rows where they belong, null at the others."""
    if len(values) == len(where):
        return values
    if not len(values):
        return pl.repeat(None, len(where), dtype=values.dtype, eager=True)
    index = pl.Series(np.cumsum(where) - 1).set(pl.Series(~where), None)
    return values.gather(index)


def _expect(condition: bool) -> None:
    if not condition:
        raise _UnfamiliarError


def _strings(data: Bytes, length: Positions, valid: npt.NDArray[np.bool_] | None) -> pl.Series:
    offsets = np.zeros(len(length) + 1, np.int32)
    np.cumsum(length, out=offsets[1:])
    mask = None
    if valid is not None:
        mask = pa.py_buffer(np.packbits(valid, bitorder="little"))
    buffers = [mask, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(data))]
    array = pa.Array.from_buffers(pa.string(), len(length), buffers)
    return pl.Series(array, dtype=pl.String)


def _general(arrays: Sequence[Piece]) -> Columns:
    rows = [_OBJECTS.decode(piece) for piece in arrays]
    counts = np.fromiter((len(part) for part in rows), np.int64, len(rows))
    lines = b"\n".join([bytes(row).replace(b"\n", b" ") for part in rows for row in part])
    schema = dict.fromkeys(_UPSTREAM, pl.String) | {"val": pl.Float64, "fy": pl.Int32}
    frame = pl.read_ndjson(io.BytesIO(lines), schema=schema, ignore_errors=True).rename(_UPSTREAM)
    return Columns(frame.select(list(COLUMNS)).with_columns(_TYPED), counts, True)
