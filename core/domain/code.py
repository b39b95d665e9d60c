"""What the code of a package is named by: results that are kept rest on it, beside their data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

ENDINGS = (".py", ".toml")


@cache
def digest(package: str) -> str:
    """SHA-256 (hex) of the modules and tables of a package and of those below it.

    Equal wherever the same version is installed; another one as soon as a line differs, so that
    nobody has to remember to count a version up.
    """
    found = hashlib.sha256()
    for name, body in sorted(_files(resources.files(package), "")):
        found.update(f"{name}\0{len(body)}\0".encode() + body)
    return found.hexdigest()


def _files(folder: Traversable, place: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        name = f"{place}/{entry.name}"
        if entry.is_dir():
            yield from _files(entry, name)
        elif entry.name.endswith(ENDINGS):
            yield name, entry.read_bytes().replace(b"\r\n", b"\n")
