"""A folder of pieces named by their SHA-256: written once, shared by backups, swept when unused."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from core import atomic
from core.errors import IntegrityError
from core.store import asides, files, sealing

FOLDER = "objects"
_LOCK = ".lock"
_NAME = re.compile(r"[0-9a-f]{64}\.parquet(\.age)?")


def is_name(name: str) -> bool:
    """Whether a text can be the name of a piece in such a folder."""
    return _NAME.fullmatch(name) is not None


class Objects:
    """Pieces in a folder. With a key new ones are encrypted, each by itself (`.age`).

    They are named by what is in them, encrypted or not.
    """

    def __init__(self, folder: Path, key: str | None) -> None:
        self.folder = folder
        self._key = key

    def fits(self, name: str) -> bool:
        """Whether a piece is encrypted as new ones are."""
        return name.endswith(sealing.AGE) == bool(self._key)

    def put(self, plain: Path, scratch: Path) -> str:
        """Move a finished file here, encrypted where there is a key; its name.

        `scratch`: a folder on the same disk to encrypt in. One that is there is written anew: it
        may be damaged.
        """
        digest, made = files.sha256(plain), plain
        if self._key:
            made = scratch / f"{plain.name}{sealing.AGE}"
            sealing.encrypt(plain, made, self._key)
            plain.unlink()
        made.chmod(0o600)
        atomic.sync(made)
        name = f"{digest}.parquet{sealing.AGE if self._key else ''}"
        made.replace(self.folder / name)
        return name

    def synced(self) -> None:
        """Bring the names of new pieces to the disk: before anything counts on them."""
        atomic.sync(self.folder)

    @contextmanager
    def opened(self, name: str, scratch: Path) -> Iterator[Path]:
        """The plain file of a piece, which has the digest that its name tells.

        IntegrityError naming the piece where it is missing, damaged, or of another key.
        """
        path = self.folder / name
        if not path.is_file():
            raise IntegrityError(f"the piece {name} is missing", where=str(self.folder))
        if not name.endswith(sealing.AGE):
            _must_be(path, name)
            yield path
            return
        plain = scratch / name.removesuffix(sealing.AGE)
        try:
            sealing.decrypt(path, plain, self._key)
            _must_be(plain, name)
            yield plain
        finally:
            plain.unlink(missing_ok=True)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep sweeps away as long as the block lasts: what it makes is named by nothing yet."""
        with self._locked(fcntl.LOCK_SH):
            yield

    def sweep(self, named: Callable[[], Collection[str]]) -> list[str]:
        """Remove pieces that nothing names; their names. None while somebody makes new ones.

        `named` is asked when nobody can make or name new ones.
        """
        if not self.folder.is_dir():
            return []
        try:
            with self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB):
                known = named()
                there = [path for path in self.folder.iterdir() if is_name(path.name)]
                gone = [path for path in there if path.name not in known]
                for path in gone:
                    asides.remove(path)
                return [path.name for path in gone]
        except BlockingIOError:
            return []

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        descriptor = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)


def _must_be(plain: Path, name: str) -> None:
    if files.sha256(plain) != name[:64]:
        raise IntegrityError(f"the piece {name} is damaged", where=str(plain.parent))
