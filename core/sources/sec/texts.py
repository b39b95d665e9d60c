"""Values read out of bytes eight at a time: dates, four-digit numbers, texts.

Positions are those of the first byte of a value; `Words` are the eight bytes from each position on
as one little-endian number. Arithmetic on all bytes of a word at once replaces a parser per cell.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]
Positions = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Days = npt.NDArray[np.int32]

WIDEST = 48  # no value of a fact is wider; more is not a fact as we know them
_INLINE = 12  # Arrow's views hold texts up to here themselves
_FIRST_YEAR, _LAST_YEAR = 1900, 2099
NO_DAY = np.iinfo(np.int32).min
_U64 = np.uint64


def _word(text: bytes) -> np.uint64:
    return _U64(int.from_bytes(text, "little"))


def word_of(text: bytes) -> np.uint64:
    """Eight bytes as a word."""
    return _word(text)


def words_of(data: Bytes) -> Words:
    """The word at every position (a view, nothing is copied); ends eight bytes early."""
    return np.ndarray((len(data) - 7,), "<u8", data, 0, (1,))


def mixed(words: Positions) -> Positions:
    """The bits of each number spread over all of it."""
    words = words * np.int64(0x2545F4914F6CDD1D)
    return words ^ (words >> 29)


_ZEROS = _word(b"00-00-00")
_DASHES = _word(b"\0\0\xff\0\0\xff\0\0")
_OVER_NINE = _word(b"\x76" * 8)  # added to a digit above 9 it sets the high bit
_HIGH = _word(b"\x80" * 8)


def _days() -> Days:
    """Days since 1970 by ((year - 1900) * 16 + month) * 64 + day; NO_DAY where there is none."""
    all_days = np.arange(f"{_FIRST_YEAR}-01-01", f"{_LAST_YEAR + 1}-01-01", dtype="M8[D]")
    years, months = all_days.astype("M8[Y]"), all_days.astype("M8[M]")
    year = years.astype(np.int64) + 1970 - _FIRST_YEAR
    month, day = (months - years).astype(np.int64) + 1, (all_days - months).astype(np.int64) + 1
    table = np.full((_LAST_YEAR - _FIRST_YEAR + 1) * 1024, NO_DAY, np.int32)
    table[year * 1024 + month * 64 + day] = all_days.astype(np.int64)
    return table


_DAYS = _days()


def dates(words: Words, begin: Positions) -> Days | None:
    """Days since 1970 of YYYY-MM-DD, NO_DAY where there is no such day; None: other centuries."""
    century = words[begin] & _U64(0xFFFF)
    this = century == _word(b"20")
    if not bool((this | (century == _word(b"19"))).all()):
        return None
    digits = words[begin + 2] ^ _ZEROS
    wrong = (digits | (digits + _OVER_NINE)) & _HIGH | (digits & _DASHES)
    pairs = digits * _U64(10) + (digits >> _U64(8))
    month = np.minimum((pairs >> _U64(24)) & _U64(255), _U64(15))
    day = np.minimum((pairs >> _U64(48)) & _U64(255), _U64(63))
    year = (pairs & _U64(255)) + this * _U64(100)
    cell = np.where(wrong == 0, year * _U64(1024) + month * _U64(64) + day, _U64(0))
    return _DAYS[cell.astype(np.int64)]


def column(values: npt.NDArray[Any], valid: Flags, kind: pa.DataType) -> pl.Series:
    """Values as a column that is null where they are not valid; they are not copied."""
    bits = np.packbits(valid, bitorder="little")
    buffers = [pa.py_buffer(bits), pa.py_buffer(values)]
    return pl.Series(pa.Array.from_buffers(kind, len(values), buffers))


def first_of(words: Words, begin: Positions, char: str) -> Positions:
    """How many bytes after each position a character comes first; 0 where not within WIDEST."""
    pattern, ones = _word(char.encode() * 8), _word(b"\1" * 8)
    distance, todo = np.zeros(len(begin), np.int64), np.arange(len(begin))
    for at in range(0, WIDEST, 8):
        differing = words[begin[todo] + at] ^ pattern
        hit = (differing - ones) & ~differing & _HIGH  # the lowest bit set is a true one
        found = hit != 0
        low = hit & (~hit + _U64(1))
        byte = np.bitwise_count(low - _U64(1)) >> 3
        distance[todo[found]] = byte[found] + at
        todo = todo[~found]
        if not len(todo):
            break
    return distance


_HEADS = np.array([_word(b"\0" * 4 + b"\xff" * min(n, 4)) for n in range(_INLINE + 1)], np.uint64)
_TAILS = np.array([_word(b"\xff" * min(max(n - 4, 0), 8)) for n in range(_INLINE + 1)], np.uint64)


def texts(data: Bytes, words: Words, begin: Positions, length: Positions) -> pl.Series:
    """The texts as Arrow views: short ones within, long ones where they are, in `data`."""
    short = np.minimum(length, _INLINE)
    views = np.empty((len(begin), 2), np.uint64)
    views[:, 0] = (words[begin] << _U64(32)) & _HEADS[short] | length.astype(np.uint64)
    inline = words[begin + 4] & _TAILS[short]
    views[:, 1] = np.where(length > _INLINE, begin.astype(np.uint64) << _U64(32), inline)
    buffers = [None, pa.py_buffer(views), pa.py_buffer(data)]
    return pl.Series(pa.Array.from_buffers(pa.string_view(), len(begin), buffers), dtype=pl.String)


def kinds(values: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The distinct texts, and which of them every text is (UInt32)."""
    distinct = values.unique(maintain_order=True)
    return distinct, values.cast(pl.Enum(distinct)).to_physical().cast(pl.UInt32)
