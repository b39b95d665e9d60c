"""What the Foundry client hands back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from core.errors import OpenbellError


@dataclass(frozen=True, slots=True)
class Fetched:
    """A verified CSV on disk. `path` is None when the version is the known one."""

    dataset: str
    sha256: str
    path: Path | None
    bytes: int
    announced_rows: int | None
    messages: tuple[str, ...]
    requests: int
    seconds: float
    where: str  # host and path of the file


@dataclass(frozen=True, slots=True)
class FoundryResult:
    """One dataset, read. `partial` is a sentence when rows are missing from what came."""

    dataset: str
    sha256: str
    frame: pl.DataFrame
    rejects: pl.DataFrame
    drift: tuple[str, ...]
    announced_rows: int | None
    rows_read: int
    bytes: int
    messages: tuple[str, ...]
    seconds: float
    partial: str | None


@dataclass(frozen=True, slots=True)
class FoundryResults:
    """What `get` brought: results and errors, each by dataset name."""

    results: Mapping[str, FoundryResult]
    errors: Mapping[str, OpenbellError]


def shortfall(announced: int | None, read: int) -> str | None:
    """What to say when the file has not as many rows as the container announced."""
    if announced is None or announced == read:
        return None
    return (
        f"the container announced {announced} rows but the file has {read}: "
        f"{abs(announced - read)} {'missing' if read < announced else 'more'}"
    )
