"""Backups as one file: a tar, encrypted by age (`.tar.age`) where the desk has a key for that.

age authenticates every part, so a changed or cut file cannot be opened; a plain tar is judged by
the manifest in it.
"""

from __future__ import annotations

import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from core import atomic
from core.errors import IntegrityError, StoreError
from core.store import asides

AGE = ".age"
PLAIN, SEALED = ".tar", f".tar{AGE}"
_HEADER = b"age-encryption.org/v1\n"
NO_KEY = "put the key into the secret file openbell_backup_key (OPENBELL_BACKUP_KEY)"


def is_one_file(path: Path) -> bool:
    """Whether a name is that of a backup in one file."""
    return path.name.endswith((PLAIN, SEALED))


def name_of(path: Path) -> str:
    """The name of a backup without what tells its form."""
    return path.name.removesuffix(AGE).removesuffix(PLAIN)


def looks_whole(path: Path) -> bool:
    """Whether a file begins as it should; nothing is decrypted."""
    if not path.name.endswith(SEALED):
        return path.is_file() and tarfile.is_tarfile(path)
    return _begins_sealed(path)


def _begins_sealed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_HEADER)) == _HEADER


def pack(folder: Path, target: Path, key: str | None) -> Path:
    """Put the files of a folder into one, encrypted with a key; the path, which has its ending.

    Of several keys, with white space between them, the first encrypts.
    """
    made = target.with_name(target.name + (SEALED if key else PLAIN))
    with asides.working(target.parent) as scratch:
        tar, sealed = scratch / "tar", scratch / "sealed"
        with tarfile.open(tar, "w", format=tarfile.PAX_FORMAT) as archive:
            for path in sorted(folder.iterdir()):
                archive.add(path, path.name)
        if key:
            encrypt(tar, sealed, key)
        else:
            sealed = tar
        sealed.chmod(0o600)
        atomic.sync(sealed)
        sealed.replace(made)
    atomic.sync(made.parent)
    return made


@contextmanager
def unpacked(path: Path, key: str | None) -> Iterator[Path]:
    """A folder with the files of a backup in one file, beside it; it is gone at the end.

    Where nobody may write beside it, it is among the system's temporary files. Any of several keys
    opens it, also one that was renamed. IntegrityError where the file is damaged, cut, or was
    encrypted with another key.
    """
    sealed = path.name.endswith(SEALED) or _begins_sealed(path)
    with working_beside(path) as aside:
        tar = path
        if sealed:
            tar = aside / "tar"
            decrypt(path, tar, key)
        folder = aside / name_of(path)
        folder.mkdir()
        _extract(tar, folder, path)
        if tar != path:
            tar.unlink()
        yield folder


def working_beside(path: Path) -> AbstractContextManager[Path]:
    """A folder to work in beside a backup, or among the system's temporary files.

    A read-only disk or a share of others is a good place for backups, but not to work in.
    """
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            return asides.working(path.parent)
    except OSError:
        return asides.working(Path(tempfile.gettempdir()))


def encrypt(source: Path, target: Path, key: str) -> None:
    """Encrypt a file for the first of several keys, with white space between them."""
    import pyrage  # type: ignore[import-untyped]

    pyrage.encrypt_file(str(source), str(target), [_identities(key)[0].to_public()])


def decrypt(path: Path, target: Path, key: str | None) -> None:
    """Decrypt a file by any of several keys into one of its owner alone; else IntegrityError."""
    if not key:
        raise IntegrityError(f"{path.name} is encrypted and there is no key", hint=NO_KEY)
    import pyrage

    os.close(os.open(target, os.O_WRONLY | os.O_CREAT, 0o600))
    try:
        pyrage.decrypt_file(str(path), str(target), _identities(key))
    except (pyrage.DecryptError, OSError) as error:
        raise IntegrityError(
            f"{path.name} cannot be decrypted: {error}",
            where=str(path),
            hint="it is damaged, or was encrypted with another key; take another backup",
        ) from error


def _extract(tar: Path, folder: Path, path: Path) -> None:
    try:
        with tarfile.open(tar) as archive:
            for member in archive.getmembers():
                if not member.isfile() or "/" in member.name or member.name.startswith("."):
                    raise IntegrityError(f"{path.name} holds {member.name!r}, which is no backup's")
                archive.extract(member, folder, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise IntegrityError(f"{path.name} is damaged: {error}", where=str(path)) from error


def new_key() -> str:
    """A key for backups."""
    import pyrage

    return str(pyrage.x25519.Identity.generate())


def _identities(keys: str) -> list[Any]:
    import pyrage

    try:
        return [pyrage.x25519.Identity.from_str(key) for key in keys.split()]
    except pyrage.IdentityError:
        raise StoreError(
            "the key of backups is no age key",
            hint="it begins with AGE-SECRET-KEY-1; make one with: python -m app backup --new-key F",
        ) from None
