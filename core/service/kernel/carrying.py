"""Files of a desk's machine for the engine: it asks for them piece by piece while it is awaited.

The engine asks, so an engine that takes over begins anew by itself, and no more than a few pieces
lie in Redis at a time. Asks and pieces are signed like all letters; sizes and digests are told
first, in the ask that the engine does.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol

from core.errors import ProtocolError, StoreError, UsageError
from core.observe import logs
from core.service.kernel import given_files, wire
from core.service.kernel.given_files import Carried, Given, Part
from core.service.kernel.relay import relay_of
from core.store import asides

PIECE_BYTES = 1_000_000
AT_ONCE = 4  # pieces asked for before the first is there
PATIENCE_SECONDS = 15.0  # for the next piece
LOOK_SECONDS = 0.5  # of the desk, whether a piece is wanted
LEFT_FREE_BYTES = 64_000_000
log = logs.get("carrying")


class Seals(Protocol):
    """Signs bodies, and opens those that bear its signature; ProtocolError for others."""

    def on(self, body: bytes) -> bytes:
        """The body with its signature."""
        ...

    def off(self, sealed: bytes) -> bytes:
        """The body of what was signed."""
        ...


class Pieces(Protocol):
    """What wants and pieces go through."""

    def want(self, carriage: str, body: bytes) -> None:
        """Ask whoever has the files for a piece."""
        ...

    def wanted(self, carriage: str, seconds: float) -> bytes | None:
        """The next piece that is asked for; None when none is in time."""
        ...

    def hand(self, turn: str, body: bytes) -> None:
        """Hand a piece over."""
        ...

    def handed(self, turn: str, seconds: float) -> bytes | None:
        """The next piece; None when none comes in time."""
        ...


@contextmanager
def handed_over(desk: Any, path: Path) -> Iterator[Given]:
    """A file or folder as an action may be given it: itself, or at a desk what stands for it.

    UsageError when it cannot be read.
    """
    path = given_files.to_read(path, folders=True)
    relay = relay_of(desk)
    if relay is None:
        yield path
        return
    with relay.carrying(path) as carried:
        yield carried


@contextmanager
def at_hand(desk: Any, given: Given) -> Iterator[Path]:
    """What was given as a path of this machine, fetched where it lies on another.

    StoreError when it is not handed over to its end, or there is no room for it.
    """
    if isinstance(given, Path):
        yield given
        return
    if desk.post is None:
        raise UsageError(f"{given.name} lies on another machine, and nothing leads there")
    with asides.working(desk.downloads) as folder:
        pieces, seal = desk.post
        yield _fetched(pieces, seal, given, folder)


@contextmanager
def handing(pieces: Pieces, seal: Seals, path: Path) -> Iterator[Carried]:
    """Hand the file or folder over, to whoever asks for it, until the end of the block."""
    files = _files(path)
    parts = tuple(_part(name, file) for name, file in files)
    carried = Carried(secrets.token_hex(16), path.name, parts, path.is_dir())
    stop = threading.Event()
    given = (pieces, seal, carried.id, [file for _, file in files], stop)
    hands = threading.Thread(target=_hand, args=given, name="carrying", daemon=True)
    hands.start()
    try:
        yield carried
    finally:
        stop.set()
        hands.join()


def _files(path: Path) -> list[tuple[str, Path]]:
    """(name, file) of a file, or of all plain files below a folder."""
    if not path.is_dir():
        return [(path.name, path)]
    found = sorted(file for file in path.rglob("*") if file.is_file())
    return [(file.relative_to(path).as_posix(), file) for file in found]


def _part(name: str, file: Path) -> Part:
    try:
        with file.open("rb") as body:
            digest = hashlib.file_digest(body, "sha256").hexdigest()
            return Part(name, body.tell(), digest)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error


def _hand(
    pieces: Pieces, seal: Seals, carriage: str, files: Sequence[Path], stop: threading.Event
) -> None:
    """Answer every want; what cannot be answered is asked for no more in the end."""
    while not stop.is_set():
        try:
            sealed = pieces.wanted(carriage, LOOK_SECONDS)
            if sealed is not None:
                want = wire.loads(seal.off(sealed))
                pieces.hand(want["turn"], seal.on(_piece(files, want)))
        except (StoreError, ProtocolError, OSError) as error:
            log.warning("a piece of a file was not handed over", error=str(error))
            stop.wait(LOOK_SECONDS)


def _piece(files: Sequence[Path], want: Mapping[str, Any]) -> bytes:
    """The name of the piece and its bytes."""
    file: Path = files[want["part"]]
    with file.open("rb") as body:
        body.seek(want["offset"])
        label = _label(want["turn"], want["part"], want["offset"])
        return label + body.read(PIECE_BYTES)


def _label(turn: str, part: int, offset: int) -> bytes:
    """What tells a piece from all others; of one length."""
    return bytes.fromhex(turn) + part.to_bytes(8) + offset.to_bytes(8)


def _fetched(pieces: Pieces, seal: Seals, carried: Carried, into: Path) -> Path:
    """The files below a folder, each compared with its digest."""
    if shutil.disk_usage(into).free < carried.size + LEFT_FREE_BYTES:
        raise StoreError(
            f"the engine has no room for {carried.name} ({carried.size:,} bytes)",
            hint="make room there, or load it on the command line of the engine",
        )
    top = into / _safe(carried.name)
    if carried.folder:
        top.mkdir()
    for number, part in enumerate(carried.parts):
        file = top / _safe(part.name) if carried.folder else top
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as body:
            os.fchmod(body.fileno(), 0o600)
            digest = _written(pieces, seal, carried, number, body)
        if digest != part.digest:
            raise _cut_off(part.name, "changed while it was handed to the engine")
    return top


def _safe(name: str) -> PurePosixPath:
    """A name that stays below the folder it is put into."""
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts:
        raise ProtocolError(f"{name} is no name of a file that is handed over")
    return path


def _written(pieces: Pieces, seal: Seals, carried: Carried, number: int, body: BinaryIO) -> str:
    """Ask for one file, a few pieces ahead, and write it; the SHA-256 of what came."""
    turn, told = secrets.token_hex(16), hashlib.sha256()
    part = carried.parts[number]
    offsets = range(0, part.size, PIECE_BYTES)
    ahead = iter(offsets)
    for offset in offsets:
        for wanted in islice(ahead, AT_ONCE if offset == 0 else 1):
            ask = {"turn": turn, "part": number, "offset": wanted}
            pieces.want(carried.id, seal.on(wire.dumps(ask)))
        sealed = pieces.handed(turn, PATIENCE_SECONDS)
        if sealed is None:
            raise _cut_off(part.name, "was not handed over to its end by its desk")
        piece, label = seal.off(sealed), _label(turn, number, offset)
        if not piece.startswith(label):
            raise ProtocolError(f"what came of {part.name} is not what was asked for")
        body.write(piece[len(label) :])
        told.update(piece[len(label) :])
    return told.hexdigest()


def _cut_off(name: str, what: str) -> StoreError:
    return StoreError(f"{name} {what}", hint="nothing of it was loaded; try again")
