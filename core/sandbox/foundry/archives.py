"""Broken ZIPs of the stand-in container: bombs, foreign members, links, garbage."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

from core.sandbox.foundry.fault_names import ARCHIVE
from core.sandbox.foundry.port import Faulty

MB = 1024 * 1024


def archive_fault(sandbox: Faulty) -> Callable[[Path, Path], None] | None:
    """What packs a broken ZIP; None for an honest one."""
    fault = next((name for name in ARCHIVE if sandbox.has(name)), None)
    return None if fault is None else _ARCHIVES[fault]


def _packs(*members: tuple[str, bytes | None], mode: int = 0) -> Callable[[Path, Path], None]:
    """A ZIP of (name, bytes); `{csv}` stands for the right name, None for the right bytes."""

    def pack(path: Path, target: Path) -> None:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, data in members:
                info = zipfile.ZipInfo(name.replace("{csv}", path.name))
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = mode << 16
                packed.writestr(info, path.read_bytes() if data is None else data)

    return pack


def _bomb(path: Path, target: Path) -> None:
    with (
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed,
        packed.open(path.name, "w") as member,
    ):
        for _ in range(8):
            member.write(bytes(MB))


def _lying_bomb(path: Path, target: Path) -> None:
    _bomb(path, target)
    data = bytearray(target.read_bytes())
    entry = data.rfind(b"PK\1\2")
    struct.pack_into("<I", data, entry + 24, 1000)
    target.write_bytes(data)


def _many(path: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w") as packed:
        for number in range(300):
            packed.writestr(str(number), b"")


def _encrypted(path: Path, target: Path) -> None:
    _packs(("{csv}", None))(path, target)
    data = bytearray(target.read_bytes())
    for signature, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.rfind(signature) + at] |= 1
    target.write_bytes(data)


def _garbage(path: Path, target: Path) -> None:
    target.write_bytes(b"PK\3\4" + bytes(range(256)) * 40)


_ARCHIVES: dict[str, Callable[[Path, Path], None]] = {
    "zip-bomb": _bomb,
    "zip-lying-bomb": _lying_bomb,
    "zip-foreign": _packs(("prices.csv", None)),
    "zip-traversal": _packs(("../../{csv}", None)),
    "zip-two": _packs(("{csv}", None), ("install.sh", b"#!/bin/sh\n")),
    "zip-many": _many,
    "zip-link": _packs(("{csv}", b"/etc/passwd"), mode=stat.S_IFLNK | 0o777),
    "zip-garbage": _garbage,
    "zip-wrong-bytes": _packs(("{csv}", b"a,b\n1,2\n")),
    "zip-encrypted": _encrypted,
}
