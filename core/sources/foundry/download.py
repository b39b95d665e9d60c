"""Dataset files from the container to disk: bounded, hashed on the way, synced, or refused."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from core.errors import (
    IntegrityError,
    ParsingError,
    ProtocolError,
    SizeLimitError,
    TransportError,
)
from core.sources.http import permanent

MAX_RATIO = 100
PIECE_BYTES = 1024 * 1024
SYNC_BYTES = 8 * 1024 * 1024  # written out on the way, so that little is left to wait for
_ENCRYPTED = 0x1
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    UnicodeDecodeError,
)


class Sink:
    """A file that grows piece by piece with its sha256; deleted unless `keep` was reached.

    Writing and hashing run in a thread, one piece at a time, while the next is fetched.
    """

    def __init__(self, path: Path, what: str) -> None:
        self.path = path
        self.size = self._synced = 0
        self._what = what
        self._hash = hashlib.sha256()
        try:
            self._file = path.open("xb")
        except OSError as error:
            raise unwritable(what, path, error) from None
        self._kept = False

    def __enter__(self) -> Sink:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):  # what is kept was synced before; the rest is thrown away
            self._file.close()
        if not self._kept:
            self.path.unlink(missing_ok=True)

    @property
    def sha256(self) -> str:
        """The hash of what was written so far."""
        return self._hash.hexdigest()

    def feed(self, pieces: list[bytes]) -> None:
        """Appends; TransportError when the disk is full."""
        try:
            for piece in pieces:
                self._hash.update(piece)
                self._file.write(piece)
                self.size += len(piece)
            if self.size - self._synced >= SYNC_BYTES:
                self._file.flush()
                os.fsync(self._file.fileno())
                self._synced = self.size
        except OSError as error:
            raise unwritable(self._what, self.path, error) from None

    def flush(self) -> None:
        """Makes all that was fed readable from `path`."""
        try:
            self._file.flush()
        except OSError as error:
            raise unwritable(self._what, self.path, error) from None

    def keep(self) -> None:
        """Syncs the file to disk and keeps it."""
        self.flush()
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise unwritable(self._what, self.path, error) from None
        self._kept = True


def unwritable(what: str, path: Path, error: OSError) -> TransportError:
    """The error for a disk that is full, read-only or gone."""
    return permanent(
        TransportError(
            f"{what}: cannot write {path.name}: {error.strerror}",
            hint="free space in the data folder and pull again",
        )
    )


async def pour(
    pieces: AsyncIterator[bytes], sink: Sink, tell: Callable[[int], Awaitable[None]]
) -> None:
    """Feeds a body to the sink; `tell` hears the bytes so far now and then.

    Pieces are gathered into blocks: a hop to the thread costs as much as hashing 100 KB.
    """
    writing: asyncio.Future[None] | None = None
    loop = asyncio.get_running_loop()
    try:
        async for block in _blocks(pieces):
            if writing is not None:
                await writing
                await tell(sink.size)
            writing = loop.run_in_executor(None, sink.feed, block)
    finally:
        if writing is not None:
            await asyncio.shield(writing)


async def _blocks(pieces: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    block: list[bytes] = []
    size = 0
    async for piece in pieces:
        block.append(piece)
        size += len(piece)
        if size >= PIECE_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block


async def gunzip(
    pieces: AsyncIterator[bytes], *, max_bytes: int, what: str, where: str
) -> AsyncIterator[bytes]:
    """A gzip-encoded body in pieces, at most 100 times its size; SizeLimitError for a bomb."""
    unpack = zlib.decompressobj(wbits=31)
    received = produced = 0
    async for piece in pieces:
        received += len(piece)
        rest = piece
        while rest:
            try:
                part = unpack.decompress(rest, PIECE_BYTES)
            except zlib.error:
                raise IntegrityError(f"{what}: the gzip body is broken", where=where) from None
            rest = unpack.unconsumed_tail
            produced += len(part)
            if produced > min(max_bytes, MAX_RATIO * received + 64 * 1024):
                raise _bomb(what, where)
            if part:
                yield part
            if unpack.eof:
                break
    if not unpack.eof:
        raise IntegrityError(f"{what}: the gzip body is cut off", where=where)


def verify(sink: Sink, sha256: str, what: str, where: str) -> None:
    """IntegrityError unless the bytes written are those of the sha256."""
    if sink.sha256 == sha256:
        return
    why = "the body is empty" if sink.size == 0 else f"the {sink.size} bytes hash otherwise"
    raise IntegrityError(
        f"{what}: not the announced file: {why}",
        where=where,
        hint="nothing was loaded; the last good data stays",
    )


@dataclass(frozen=True, slots=True)
class Unzip:
    """Takes `{sha256}.csv` out of an archive: exactly one member, no links, ratio <= 100:1."""

    sha256: str
    max_bytes: int
    what: str
    where: str

    def extract(self, archive: Path, target: Path) -> int:
        """Writes the verified member to `target`; its size in bytes."""
        try:
            self._one_entry(archive)
            with zipfile.ZipFile(archive) as packed:
                member = self._member(packed)
                with packed.open(member) as stream, Sink(target, self.what) as sink:
                    while piece := stream.read(PIECE_BYTES):
                        self._within(sink.size + len(piece), archive)
                        sink.feed([piece])
                    verify(sink, self.sha256, self.what, self.where)
                    sink.keep()
                    return sink.size
        except (*_BROKEN, OSError) as error:
            if isinstance(error, OSError) and error.errno != errno.EINVAL:
                raise  # of the disk; a place before the file begins is of the archive
            raise IntegrityError(
                f"{self.what}: the ZIP is broken: {str(error)[:200]}", where=self.where
            ) from None

    def _one_entry(self, archive: Path) -> None:
        """Reads the end record first: a directory of millions of entries would fill the memory."""
        with archive.open("rb") as file:
            file.seek(max(0, archive.stat().st_size - 0x10000 - 22))
            tail = file.read()
        at = tail.rfind(b"PK\5\6")
        if at < 0 or len(tail) < at + 22:
            raise zipfile.BadZipFile("no end record")
        entries, size = struct.unpack_from("<HI", tail, at + 10)
        if entries != 1 or size > 0x10000 or tail[max(0, at - 20) : at].startswith(b"PK\6\7"):
            raise self._refused(f"the ZIP announces {entries} members, not one")

    def _member(self, packed: zipfile.ZipFile) -> zipfile.ZipInfo:
        members = packed.infolist()
        if len(members) != 1 or members[0].filename != f"{self.sha256}.csv":
            names = ", ".join(repr(member.filename[:80]) for member in members[:3]) or "nothing"
            raise self._refused(f"the ZIP holds {names} ({len(members)} members)")
        member = members[0]
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
            raise self._refused("the ZIP holds a link or special file")
        if member.flag_bits & _ENCRYPTED:
            raise self._refused("the ZIP is encrypted")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise self._refused("the ZIP is not deflated")
        if member.file_size > min(self.max_bytes, MAX_RATIO * max(1, member.compress_size)):
            raise _bomb(self.what, self.where)
        return member

    def _within(self, size: int, archive: Path) -> None:
        if size > min(self.max_bytes, MAX_RATIO * archive.stat().st_size):
            raise _bomb(self.what, self.where)

    def _refused(self, why: str) -> ParsingError:
        return permanent(ProtocolError(f"{self.what}: {why}; refused", where=self.where))


def _bomb(what: str, where: str) -> SizeLimitError:
    return SizeLimitError(
        f"{what}: unpacks to more than {MAX_RATIO} times its size or than allowed; refused",
        where=where,
    )
