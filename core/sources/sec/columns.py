"""Fact objects of companyfacts, as bytes, turned into columns without a Python object per fact.

`units` arrays are flat objects with the same seven to nine keys in the same order. The fast way
finds the braces with NumPy, checks that every key stands where it should, and reads the values out
of the bytes, eight at a time; what names the filing is read once for each filing. Whatever looks
different (other keys, escapes, commas in a text) is not guessed at: `columns_of` then takes the
general way, a JSON reader.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from core.domain.filings.facts import CODES, FRAME, SOURCE, numbered, shared
from core.sources.sec.texts import (
    NO_DAY,
    WIDEST,
    Days,
    Flags,
    Positions,
    Words,
    column,
    dates,
    first_of,
    kinds,
    mixed,
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
_TAIL = b" " * WIDEST  # a value read at full width stays within the bytes
_FRAMES = (len('"CY2019"'), len('"CY2019Q1"'), len('"CY2019Q1I"'))
_ACCESSION = {gap: re.compile(rf'"accn":{gap.decode()}"[^"]{{20}}",') for gap in (b"", b" ")}
_LARGEST = 2**31  # bytes; Arrow counts them in 32 bits
_HEAD = 64  # bytes from which spaces after colons show
_EMPTY = {code: pl.DataFrame(schema=shared(names)) for code, names in CODES.items()}
_OBJECTS = msgspec.json.Decoder(list[msgspec.Raw])
_HAS_START = r'"start"\s*:\s*[^n\s]'


class _Source(msgspec.Struct, forbid_unknown_fields=True):
    accn: str
    fy: int | None
    fp: str | None
    form: str | None
    filed: str


_SOURCE = msgspec.json.Decoder(_Source)
_TEXT = msgspec.json.Decoder(str)
_STATED = shared(SOURCE) | {"filed": pl.String}
_FRAME = shared(FRAME)


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
    gap = b" " if b'": ' in bytes(arrays[0][:_HEAD]) else b""
    joined = (b"," + gap).join([*[memoryview(piece)[1:-1] for piece in arrays], _TAIL])
    _expect(joined.isascii() and b"\\" not in joined)
    rows = _Rows(joined, len(joined) - len(_TAIL) - 1 - len(gap), gap)
    sizes = np.fromiter(map(len, arrays), np.int64, len(arrays)) - 1 + len(gap)
    counts = np.diff(np.searchsorted(rows.opens, np.cumsum(sizes)), prepend=0)
    return Columns(rows.frame(), rows.sources(), rows.calendars(), counts, rows.duplicates(counts))


class _Rows:
    """Where the values of every fact stand; raises _UnfamiliarError where they do not fit.

    Texts without escapes hold no quotes, so a known key in quotes is that key. What stands between
    a value and the frame names the filing: equal bytes are read once. `gap` is what follows every
    comma and colon between texts: nothing, or a space.
    """

    def __init__(self, joined: bytes, size: int, gap: bytes) -> None:
        self._joined, self._gap = joined, gap
        self._data = data = np.frombuffer(joined, np.uint8)
        self._words: Words = words_of(data)
        self.opens = np.flatnonzero(data[:size] == ord("{"))
        _expect(len(self.opens) > 0 and self.opens[0] == 0)
        close = np.append(self.opens[1:] - 2 - len(gap), size - 1)
        _expect(bool((data[close] == ord("}")).all()))
        _expect(bool((data[close[:-1] + 1] == ord(",")).all()))
        self._find_periods()
        end = self._value + first_of(self._words, self._value, ",")
        _expect(bool((end > self._value).all()))
        self._length = end - self._value
        self._find_shared(end + 1 + len(gap), close)

    def _find_periods(self) -> None:
        self._has_start = self._words[self.opens] == word_of(b'{"start"')
        self._start = self._after(self.opens[self._has_start], b'{"start":"')
        self._all = np.ones(len(self.opens), bool)
        self._end = np.empty(len(self.opens), np.int64)
        self._end[self._has_start] = self._after(self._start + 10, b'","end":"')
        self._end[~self._has_start] = self._after(self.opens[~self._has_start], b'{"end":"')
        self._value = self._after(self._end + 10, b'","val":')

    def _after(self, at: Positions, text: bytes) -> Positions:
        """Where each position's text ends; it must stand there (eight bytes or more)."""
        text = text.replace(b",", b"," + self._gap).replace(b":", b":" + self._gap)
        for part in {0, len(text) - 8}:
            stated = self._words[at + part]
            _expect(bool((stated == word_of(text[part : part + 8])).all()))
        return at + len(text)

    def _find_shared(self, source: Positions, close: Positions) -> None:
        """Filing and frame: which of the distinct ones every fact has."""
        gap = len(self._gap)
        dated = len('"filed":"2020-01-01"') + gap
        self._has_frame = self._words[close - dated] != word_of(b'"filed":')
        framed, width = close[self._has_frame], np.zeros(int(self._has_frame.sum()), np.int64)
        for wide in _FRAMES:
            key = self._words[framed - wide - gap - 8]
            width[key == word_of(b'"frame":')] = wide
        end = close.copy()
        end[self._has_frame] -= width + len(',"frame":') + 2 * gap
        _expect(bool((self._words[end - dated] == word_of(b'"filed":')).all()))
        self._accession = source + len('"accn":"') + gap
        _expect(len(self._data) < _LARGEST)
        self._sources, self._source = kinds(self._texts(source, end - source))
        self._calendars, self._calendar = kinds(self._texts(framed - width, width))

    def _texts(self, begin: Positions, length: Positions) -> pl.Series:
        return texts(self._data, self._words, begin, length)

    def _days(self, begin: Positions, where: Flags) -> tuple[Days, Flags]:
        """Days since 1970 of the rows that state one, and which rows have such a day."""
        found = dates(self._words, begin)
        _expect(found is not None)
        assert found is not None
        days = np.zeros(len(where), np.int32)
        days[where] = found
        return days, where & (days != NO_DAY)

    def _number(self) -> pl.Series:
        begin, length = self._value, self._length
        tight = (self._data[begin] > ord(" ")) & (self._data[begin + length - 1] > ord(" "))
        _expect(bool(tight.all()))
        return self._texts(begin, length).cast(pl.Float64, strict=False)

    def frame(self) -> pl.DataFrame:
        """A row for each fact, columns of COLUMNS."""
        start, started = self._days(self._start, self._has_start)
        calendar = np.zeros(len(self.opens), np.uint32)
        calendar[self._has_frame] = self._calendar.to_numpy()
        return pl.DataFrame(
            {
                "period_start": column(start, started, pa.date32()),
                "period_end": column(*self._days(self._end, self._all), pa.date32()),
                "value": self._number(),
                "source": self._source,
                "calendar": column(calendar, self._has_frame, pa.uint32()),
                START_UNREAD: pl.Series(self._has_start & ~started),
            },
            schema=COLUMNS,
        )

    def sources(self) -> pl.DataFrame:
        """The distinct filings as stated, columns of SOURCE."""
        try:
            read = [_SOURCE.decode("{" + text + "}") for text in self._sources]
        except msgspec.DecodeError:
            raise _UnfamiliarError from None
        _expect(all(0 <= (source.fy or 0) < 10_000 for source in read))
        rows = [msgspec.structs.astuple(source) for source in read]
        stated = pl.DataFrame(rows, _STATED, orient="row")
        return stated.with_columns(pl.col("filed").str.to_date("%Y-%m-%d", strict=False))

    def calendars(self) -> pl.DataFrame:
        """The distinct frames."""
        try:
            return pl.DataFrame({"frame": [_TEXT.decode(text) for text in self._calendars]}, _FRAME)
        except msgspec.DecodeError:
            raise _UnfamiliarError from None

    def duplicates(self, counts: Positions) -> bool:
        """Whether two rows of one array may share period and accession (never a false no)."""
        like = _ACCESSION[self._gap].match
        if not all(like(text) for text in self._sources):
            return True  # not the accessions that we know: look closely
        words = self._words.view(np.int64)
        mix = np.repeat(np.arange(len(counts)), counts) * np.int64(0x9E3779B97F4A7C1)
        for at in (self._accession + 4, self._accession + 12, self._end + 2):
            mix = mixed(mix ^ words[at])  # the ends of both tell them apart
        begun = mix[self._has_start] ^ words[self._start + 2]
        mix[self._has_start] = mixed(begun)
        mix.sort()
        return bool((mix[1:] == mix[:-1]).any())


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
