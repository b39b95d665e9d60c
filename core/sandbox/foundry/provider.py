"""Where the stand-in container gets its rows."""

from __future__ import annotations

import gzip
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

READ_BYTES = 1024 * 1024


class DatasetProvider(Protocol):
    """Where the stand-in gets its rows. Asked in a thread, at each pull."""

    def names(self) -> Collection[str]:
        """The datasets there are."""
        ...

    def csv(self, name: str) -> bytes | Iterable[bytes]:
        """The CSV, header line included, whole or in pieces of any size."""
        ...

    def rows(self, name: str) -> int:
        """Rows under the header: what the container announces."""
        ...


@dataclass(frozen=True, slots=True)
class StaticProvider:
    """Datasets from bytes or files (`.csv`, `.csv.gz`), for tests and captured files."""

    datasets: Mapping[str, bytes | Path]

    def names(self) -> Collection[str]:
        """The datasets there are."""
        return self.datasets.keys()

    def csv(self, name: str) -> Iterable[bytes]:
        """Bytes as given, files piece by piece."""
        source = self.datasets[name]
        return [source] if isinstance(source, bytes) else _pieces(source)

    def rows(self, name: str) -> int:
        """Lines less one; the datasets have no line breaks in cells."""
        return lines_in(self.csv(name)) - 1


def _pieces(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        while piece := file.read(READ_BYTES):
            yield piece


def lines_in(pieces: Iterable[bytes]) -> int:
    """Lines of a text, the last one with or without its newline."""
    count, last = 0, b"\n"
    for piece in pieces:
        count += piece.count(b"\n")
        last = piece[-1:] or last
    return count + (last != b"\n")
