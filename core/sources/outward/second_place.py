"""The second place of backups: a folder (another disk, a share) or S3, asked through obstore.

What is written is read back and compared. Credentials of S3 come from the environment, as for its
own tools (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL` …).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from core import atomic
from core.errors import IntegrityError, TransportError

CHUNK = 2**20
RETRIES = 3
PATIENCE = timedelta(minutes=2)


class SecondPlace:
    """Files by name in one folder or under one prefix of a bucket; `what` it is, in words."""

    def __init__(
        self, url: str, what: str = "second place of backups", setting: str = "OPENBELL_BACKUP_URL"
    ) -> None:
        self.url = url
        self._what, self._setting = what, setting
        self._store = _store(url)

    def put(self, path: Path, *, folder: str = "") -> None:
        """Write a file there under its name, and read it back; IntegrityError if it differs.

        `folder`: one there that it goes into.
        """
        name = f"{folder}/{path.name}" if folder else path.name
        with self._told(f"write {path.name}"):
            obstore.put(self._store, name, path)
            written = self._sha256(name)
        if written != _sha256(path):
            raise IntegrityError(f"{path.name} is not what was written to {self.shown}")

    def names(self) -> list[str]:
        """The names of what is there, last in order first."""
        with self._told("list what is there"):
            found = [str(item["path"]) for group in obstore.list(self._store) for item in group]
        return sorted((name for name in found if "/" not in name), reverse=True)

    def sizes(self, folder: str) -> dict[str, int]:
        """The names of what is in a folder there, with bytes."""
        with self._told("list what is there"):
            found = [item for group in obstore.list(self._store, f"{folder}/") for item in group]
        return {str(item["path"]).rpartition("/")[2]: int(item["size"]) for item in found}

    def fetch(self, name: str, folder: Path) -> Path:
        """Bring a file here, into a folder; one of a folder there (`a/b`) into the same of it."""
        target = folder / name
        with self._told(f"read {name}"), atomic.writing(target) as file:
            for chunk in obstore.get(self._store, name).stream(min_chunk_size=CHUNK):
                file.write(bytes(chunk))
        return target

    def text(self, name: str) -> str:
        """What a small file there says; one of ASCII."""
        with self._told(f"read {name}"):
            return bytes(obstore.get(self._store, name).bytes()).decode("ascii")

    def remove(self, name: str) -> None:
        """Remove a file there."""
        with self._told(f"remove {name}"):
            obstore.delete(self._store, name)

    @property
    def shown(self) -> str:
        """The place in words, without what may be secret."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname or ''}{parts.path}" if parts.scheme else self.url

    def _sha256(self, name: str) -> str:
        digest = hashlib.sha256()
        for chunk in obstore.get(self._store, name).stream(min_chunk_size=CHUNK):
            digest.update(bytes(chunk))
        return digest.hexdigest()

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError, ValueError) as error:
            first = str(error).strip().splitlines()[0][:300] if str(error).strip() else ""
            raise TransportError(
                f"the {self._what} cannot {what}: {first or type(error).__name__}",
                where=self.shown,
                hint=f"see whether it is there, and {self._setting} and its credentials",
            ) from error


def _store(url: str) -> ObjectStore:
    parts = urlsplit(url)
    if parts.scheme == "s3":
        retries = {
            "max_retries": RETRIES,
            "retry_timeout": PATIENCE,
            "backoff": {
                "base": 2.0,
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=5),
            },
        }
        return S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            retry_config=retries,  # type: ignore[arg-type]
            # of an own server on this machine or network: whoever names http as endpoint means it
            client_options={"timeout": "120s", "connect_timeout": "10s", "allow_http": True},
        )
    folder = Path(parts.path if parts.scheme == "file" else url).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return LocalStore(folder)
    except (OSError, BaseError) as error:
        raise TransportError(
            f"the second place of backups cannot be used: {error}",
            where=str(folder),
            hint="see whether its disk is there, and OPENBELL_BACKUP_URL",
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
