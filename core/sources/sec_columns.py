"""Fact objects of companyfacts, as bytes, turned into columns without a Python object per fact.

`units` arrays are flat objects with the same seven to nine keys in the same order. The fast way
finds the commas with NumPy, checks that every key stands where it should, and reads the values out
of the bytes, eight at a time; what names the filing is read once for each filing. Whatever looks
different (other keys, escapes, commas in a text) is not guessed at: `columns_of` then takes the
general way, a JSON reader.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from core.domain.facts import CODES, FRAME, SOURCE, numbered, shared
from core.sources.sec_words import (
    WIDEST,
    Flags,
    Positions,
    Words,
    dates,
    mixed,
    short_numbers,
    texts,
    word_of,
    words_of,
)

Piece = bytes | memoryview
START_UNREAD = "start_unread"  # a start is stated and is no date: not an instant

COLUMNS = {
    "period_start": pl.Date,
    "period_end": pl.Date,
    "value": pl.Float64,
    "source": pl.UInt32,
    "calendar": pl.UInt32,
    START_UNREAD: pl.Boolean,
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
_OWN = ("end", "val")
_SOURCE = ("accn", "fy", "fp", "form", "filed")  # one after another, the same for a whole filing
_KEYS = (*_OWN, *_SOURCE)
_HEAD = 64  # bytes from which spaces after colons and commas show
_TAIL = b" " * WIDEST  # a value read at full width stays within the bytes
_NULL = ord("n")
_QUOTE = ord('"')
_EMPTY = {code: pl.DataFrame(schema=shared(names)) for code, names in CODES.items()}
_OBJECTS = msgspec.json.Decoder(list[msgspec.Raw])
_HAS_START = r'"start"\s*:\s*[^n\s]'


@dataclass(frozen=True, slots=True)
class Columns:
    """The facts of several arrays, one after another; `counts` says how many each array had.

    `frame` has COLUMNS; its `source` is a row of `sources`, its `calendar` one of `calendars`
    (null: no frame). `duplicates` is False when no array states the same period and accession
    twice for certain.
    """

    frame: pl.DataFrame
    sources: pl.DataFrame
    calendars: pl.DataFrame
    counts: npt.NDArray[np.int64]
    duplicates: bool


class _UnfamiliarError(ValueError):
    """The bytes are not laid out as the fast way expects."""


def columns_of(arrays: Sequence[Piece]) -> Columns:
    """Columns of JSON arrays of facts (`[{…},{…}]` each); cells that cannot be read are null."""
    if not arrays:
        none = pl.DataFrame(schema=COLUMNS)
        return Columns(none, _EMPTY["source"], _EMPTY["calendar"], np.zeros(0, np.int64), False)
    try:
        return _fast(arrays)
    except _UnfamiliarError:
        return _general(arrays)


def _fast(arrays: Sequence[Piece]) -> Columns:
    joined = b",".join([*[memoryview(piece)[1:-1] for piece in arrays], _TAIL])
    _expect(joined.isascii() and b"\\" not in joined)
    rows = _Rows(joined, len(joined) - len(_TAIL) - 1)
    sizes = np.fromiter(map(len, arrays), np.int64, len(arrays)) - 1
    counts = np.diff(np.searchsorted(rows.opens, np.cumsum(sizes)), prepend=0)
    return Columns(rows.frame(), rows.sources(), rows.calendars(), counts, rows.duplicates(counts))


class _Rows:
    """Where the fields of every fact stand; raises _UnfamiliarError where they do not fit.

    Fields lie between commas, a row begins with a field that begins with a brace. Texts without
    escapes hold no quotes, so a field that begins with a known key in quotes is a field.
    """

    def __init__(self, joined: bytes, size: int) -> None:
        self._data = data = np.frombuffer(joined, np.uint8)
        self._words: Words = words_of(data)
        self._spaced = b": " in joined[:_HEAD]  # a layout that changes later is unfamiliar
        commas = np.flatnonzero(data[:size] == ord(","))
        begin = np.empty(len(commas) + 1, np.int64)
        begin[0] = 0
        np.add(commas, 1, out=begin[1:])
        if b", " in joined[:_HEAD]:
            begin += data[begin] == ord(" ")
        opened = data[begin] == ord("{")
        end = np.append(commas, size)
        first = np.flatnonzero(opened)
        _expect(len(first) > 0 and first[0] == 0)
        last = np.append(first[1:], len(begin)) - 1
        end[last] -= 1
        _expect(bool((data[end[last]] == ord("}")).all()))
        self.opens = begin[first]
        self._begin, self._end = begin + opened, end
        self._find(first, last)

    def _find(self, first: Positions, last: Positions) -> None:
        """Begin and length of every value."""
        has_start = self._data[self._begin[first] + 1] == ord("s")
        base = first + has_start
        extra = last + 1 - base - len(_KEYS)
        has_frame = extra == 1
        _expect(bool(((extra == 0) | has_frame).all()))
        self._at = {key: self._token(base + i, key) for i, key in enumerate(_OWN)}
        self._at["start"] = self._token(first[has_start], "start")
        self._has_start, self._has_frame = has_start, has_frame
        self._find_shared(base + len(_OWN), (base + len(_KEYS))[has_frame])

    def _find_shared(self, source: Positions, calendar: Positions) -> None:
        """What many facts have in common, byte for byte, is looked at once."""
        begin = self._begin[source]
        length = self._end[source + len(_SOURCE) - 1] - begin
        seen, self._source = self._alike(begin, length)
        self._at |= {key: self._token(source[seen] + i, key) for i, key in enumerate(_SOURCE)}
        self._accession = begin + (len('"accn":"') + self._spaced)
        at, length = self._token(calendar, "frame")
        seen, self._calendar = self._alike(at, length)
        self._at["frame"] = at[seen], length[seen]

    def _alike(self, begin: Positions, length: Positions) -> tuple[Positions, Positions]:
        """Where each distinct run of bytes stands first, and which of them every run is."""
        _expect(int(length.min(initial=8)) >= 8)
        words, last = self._words.view(np.int64), length - 8
        mix = mixed(length)
        for at in range(0, int(length.max(initial=0)), 8):
            mix = mixed(mix ^ words[begin + np.minimum(at, last)])
        _, first, which = np.unique(mix, return_index=True, return_inverse=True)
        return first, which

    def _token(self, at: Positions, key: str) -> tuple[Positions, Positions]:
        """Begin and length of the values of a key, which must stand there."""
        begin = self._begin[at]
        name, mask = word_of(f'"{key}":'.encode())
        _expect(bool(((self._words[begin] & mask) == name).all()))
        value = begin + (len(key) + 3)
        if self._spaced:
            value += self._data[value] == ord(" ")
        return value, self._end[at] - value

    def _date(self, key: str) -> pl.Series:
        begin, length = self._at[key]
        quoted = (self._data[begin] == _QUOTE) & (self._data[begin + 11] == _QUOTE)
        _expect(bool((quoted & (length == 12)).all()))
        days = dates(self._words, begin + 1)
        _expect(days is not None)
        assert days is not None
        return days

    def _year(self) -> pl.Series:
        begin, length = self._at["fy"]
        _expect(bool((length == 4).all()))
        years = short_numbers(self._words, begin)
        _expect(years is not None)
        assert years is not None
        return years

    def _text(self, key: str) -> pl.Series:
        """Quoted texts; null where the token is `null`."""
        begin, length = self._at[key]
        quoted = self._data[begin] == _QUOTE
        _expect(bool((self._data[begin + length - 1] == _QUOTE)[quoted].all()))
        if not quoted.all():
            _expect(bool((self._data[begin] == _NULL)[~quoted].all()))
            return self._cut(begin + 1, np.where(quoted, length - 2, 0), quoted)
        return self._cut(begin + 1, length - 2, None)

    def _number(self) -> pl.Series:
        begin, length = self._at["val"]
        _expect(bool((self._data[begin] > ord(" ")).all()))
        return self._cut(begin, length, None).cast(pl.Float64, strict=False)

    def _cut(self, begin: Positions, length: Positions, valid: Flags | None) -> pl.Series:
        _expect(int(length.min(initial=0)) >= 0 and int(length.max(initial=0)) <= WIDEST)
        return texts(self._data, self._words, begin, length, valid)

    def frame(self) -> pl.DataFrame:
        """A row for each fact, columns of COLUMNS."""
        start = _spread(self._date("start"), self._has_start)
        calendar = pl.Series(self._calendar, dtype=pl.UInt32)
        return pl.DataFrame(
            {
                "period_start": start,
                "period_end": self._date("end"),
                "value": self._number(),
                "source": pl.Series(self._source, dtype=pl.UInt32),
                "calendar": _spread(calendar, self._has_frame),
                START_UNREAD: start.is_null() & pl.Series(self._has_start),
            },
            schema=COLUMNS,
        )

    def sources(self) -> pl.DataFrame:
        """The distinct filings as stated, columns of SOURCE."""
        return pl.DataFrame(
            {
                "accession": self._text("accn"),
                "fiscal_year": self._year(),
                "fiscal_period": self._text("fp"),
                "form": self._text("form"),
                "filed": self._date("filed"),
            }
        )

    def calendars(self) -> pl.DataFrame:
        """The distinct frames."""
        return pl.DataFrame({"frame": self._text("frame")})

    def duplicates(self, counts: Positions) -> bool:
        """Whether two rows of one array may share period and accession (never a false no)."""
        words = self._words.view(np.int64)
        if bool((self._at["accn"][1] != 22).any()):
            return True  # not the accessions that we know: look closely
        mix = np.repeat(np.arange(len(counts)), counts) * np.int64(0x9E3779B97F4A7C1)
        for at in (self._accession + 4, self._accession + 12, self._at["end"][0] + 3):
            mix = mixed(mix ^ words[at])  # the ends of both tell them apart
        begun = mix[self._has_start] ^ words[self._at["start"][0] + 3]
        mix[self._has_start] = mixed(begun)
        mix.sort()
        return bool((mix[1:] == mix[:-1]).any())


def _spread(values: pl.Series, where: Flags) -> pl.Series:
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


def _general(arrays: Sequence[Piece]) -> Columns:
    rows = [_OBJECTS.decode(piece) for piece in arrays]
    counts = np.fromiter((len(part) for part in rows), np.int64, len(rows))
    lines = [bytes(row).replace(b"\n", b" ") for part in rows for row in part]
    schema = dict.fromkeys(_UPSTREAM, pl.String) | {"val": pl.Float64, "fy": pl.Int32}
    frame = pl.read_ndjson(io.BytesIO(b"\n".join(lines)), schema=schema, ignore_errors=True)
    stated = pl.Series([line.decode("utf-8", "replace") for line in lines], dtype=pl.String)
    frame = frame.rename(_UPSTREAM).with_columns(
        pl.col("period_start", "period_end", "filed").str.to_date("%Y-%m-%d", strict=False)
    )
    unread = frame["period_start"].is_null() & stated.str.contains(_HAS_START)
    frame = frame.with_columns(unread.alias(START_UNREAD))
    sources = frame.select(SOURCE).unique()
    calendars = frame.select(FRAME).unique().drop_nulls()
    frame = numbered(numbered(frame, "source", sources), "calendar", calendars)
    return Columns(frame.select(list(COLUMNS)), sources, calendars, counts, True)
