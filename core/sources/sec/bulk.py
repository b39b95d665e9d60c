"""The SEC's bulk files, read from the zip member by member: nothing is unpacked to disk.

`companyfacts.zip` and `submissions.zip` hold the documents of the API; a quarter of the Financial
Statement Data Sets holds tab-separated `sub`, `num`, `tag` and `pre`.
"""

from __future__ import annotations

import io
import lzma
import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import msgspec
import polars as pl

from core.errors import NotFoundError, ParsingError, SizeLimitError

Bulk = Literal["companyfacts", "submissions", "fsds"]
MEMBER = re.compile(r"CIK(\d{10})(-submissions-\d{3})?\.json")
MAX_MEMBER = 1024**3  # the largest table of a quarter is half of that
_RATIO = 100  # documents pack 5 to 40 to one; more is a bomb
_SMALL = 64 * 1024  # what a member may unpack to however well it packs
_FSDS = {"sub.txt", "num.txt"}
_ASKED = 5  # documents that tell what a file holds: one alone may be odd
# what the library raises for damaged, encrypted or oddly packed bytes, beside errors of the disk
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip file for reading; NotFoundError, or ParsingError when it is not one or is broken."""
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {path}") from None
    except _BROKEN as error:
        raise ParsingError(f"the zip file cannot be read: {error}", where=str(path)) from None
    with archive:
        yield archive


class _Told(msgspec.Struct):
    """What tells the documents apart, wherever in them it stands."""

    facts: msgspec.Raw = msgspec.Raw()
    filings: msgspec.Raw = msgspec.Raw()

    @property
    def kind(self) -> Bulk | None:
        """Of two keys the one of a submission counts, where it holds what submissions hold."""
        if b'"recent"' in bytes(self.filings):
            return "submissions"
        return "companyfacts" if bytes(self.facts).startswith(b"{") else None


_TOLD = msgspec.json.Decoder(_Told)


def bulk_kind(path: Path) -> Bulk:
    """Which bulk file it is, by its members; ParsingError for none, or one that repeats a name."""
    with opened(path) as archive:
        names = archive.namelist()
        _must_be_one_of_each(names, path)
        if set(names) >= _FSDS:
            return "fsds"
        documents = members(archive)
        if any("-submissions-" in info.filename for info in documents):
            return "submissions"
        if documents:  # the first may be damaged; where all are, reading them tells how
            kinds = (_kind_of(archive, info) for info in documents)
            told = Counter(islice((kind for kind in kinds if kind is not None), _ASKED))
            return told.most_common(1)[0][0] if told else "submissions"
    raise ParsingError(
        "not a bulk file of the SEC",
        where=str(path),
        hint="give companyfacts.zip, submissions.zip or a quarter like 2010q1.zip",
    )


def _must_be_one_of_each(names: Sequence[str], path: Path) -> None:
    """Which of two members of one name is meant, nobody can say."""
    name, count = Counter(names).most_common(1)[0] if names else ("", 0)
    if count > 1:
        raise ParsingError(
            f"the zip file holds {name[:80]!r} {count} times",
            where=str(path),
            hint="get the file anew from the SEC",
        )


def _kind_of(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Bulk | None:
    """What a document says it is; None where it is damaged, as reading it again will tell."""
    try:
        return _TOLD.decode(read_member(archive, info)).kind
    except (ParsingError, SizeLimitError, msgspec.DecodeError, RecursionError, ValueError):
        return None


def members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The documents of companies in an archive, in its order."""
    return [info for info in archive.infolist() if MEMBER.fullmatch(info.filename)]


def cik_of(name: str) -> int:
    """The company of a member."""
    match = MEMBER.fullmatch(name)
    if match is None:
        raise ParsingError(f"{name!r} is not a document of a company")
    return int(match[1])


def must_be_no_bomb(info: zipfile.ZipInfo) -> None:
    """SizeLimitError when a member claims to unpack to more than it may."""
    if info.file_size > _limit(info):
        raise _bomb(info)


def _limit(info: zipfile.ZipInfo) -> int:
    return min(MAX_MEMBER, max(_SMALL, info.compress_size * _RATIO))


def _bomb(info: zipfile.ZipInfo) -> SizeLimitError:
    return SizeLimitError(
        f"{info.filename} unpacks to more than {_limit(info):,} bytes, {_RATIO} times its size",
        hint="get the file anew from the SEC; nothing of a file that holds a bomb is loaded",
    )


def read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """A member's bytes; SizeLimitError when it is a bomb, ParsingError when it is damaged."""
    limit = _limit(info)
    try:
        with archive.open(info) as file:
            body = file.read(limit + 1)
    except _BROKEN as error:
        raise ParsingError(f"cannot be unpacked: {error}", where=info.filename) from None
    if len(body) > limit:
        raise _bomb(info)
    return body


@dataclass(frozen=True, slots=True)
class BulkTable:
    """A member's rows as text, and the names of its columns that the reader does not know."""

    rows: pl.DataFrame
    unknown: tuple[str, ...]


def read_table(
    archive: zipfile.ZipFile,
    name: str,
    columns: Sequence[str],
    *,
    optional: Sequence[str] = (),
    ignored: Sequence[str] = (),
) -> BulkTable:
    """Columns of a tab-separated member as text, empty cells as null, in the order given.

    Of `optional` what the member lacks is null; `ignored` are known and not read. ParsingError
    where the member or one of `columns` is missing.
    """
    try:
        body = read_member(archive, archive.getinfo(name))
        named = {column: place for place, column in enumerate(_header(body))}
        read = sorted(named[column] for column in (*columns, *optional) if column in named)
        rows = pl.read_csv(
            io.BytesIO(body),
            separator="\t",
            quote_char=None,
            infer_schema=False,
            columns=read,
            encoding="utf8-lossy",
        )
    except (pl.exceptions.PolarsError, KeyError) as error:
        raise ParsingError(f"{name} cannot be read: {error}") from None
    rows.columns = [column for column, place in named.items() if place in read]
    missing = [column for column in columns if column not in named]
    if missing:
        raise ParsingError(f"{name} cannot be read: it has no column {', '.join(missing)}")
    absent = [pl.lit(None, pl.String).alias(c) for c in optional if c not in named]
    known = {*columns, *optional, *ignored}
    unknown = tuple(f"{name}: {column}" for column in named if column not in known)
    return BulkTable(rows.with_columns(absent).select(*columns, *optional), unknown)


def _header(body: bytes) -> list[str]:
    line = body[: body.find(b"\n") + 1 or None].decode("utf-8-sig", "replace")
    return [column.strip().lower() for column in line.rstrip("\r\n").split("\t")]
