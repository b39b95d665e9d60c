"""Files as pulls: CSV (plain or .gz), Parquet, and LEAN factor and map files.

The same schema, rules and rejects as for a pulled dataset. Where a file spells columns in its own
way, the catalogue's `columns` come first; then spellings that differ only in case, blanks and
underscores, and the usual names of vendors (`Ticker`, `Date`, …).
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pyarrow.parquet as papq

from core.domain.tables.datasets import Dataset, Window
from core.errors import NotFoundError, ParsingError, UsageError
from core.sources.files import bars as bar_rows
from core.sources.files import lean, tables
from core.sources.files.rows import Table, no_rejects
from core.sources.foundry.source import incomplete, today_utc
from core.sources.pulled import Progress, ProgressHook, Pulled, TableRows

CSV_ENDINGS = (".csv", ".csv.gz", ".txt")
NO_ROWS = "there are no rows in the file"
PARQUET_ENDINGS = (".parquet", ".pq")
USUAL: Mapping[str, tuple[str, ...]] = {
    "symbol": ("ticker", "name", "sym"),
    "session": ("date", "day", "tradedate"),
    "ts": ("datetime", "timestamp", "time", "date"),
    "ex_date": ("exdate", "date"),
}


@dataclass(frozen=True, slots=True)
class FileSource:
    """One file, or a folder of LEAN files, as the source of a pull.

    `constants` fills columns that the file lacks, as `options.constants` of the dataset does.
    """

    path: Path
    today: Callable[[], date] = today_utc
    now: Callable[[], datetime] | None = None
    constants: Mapping[str, str] = field(default_factory=dict)

    async def pull(
        self,
        dataset: Dataset,
        window: Window,
        *,
        known_version: str | None = None,
        on_progress: ProgressHook | None = None,
    ) -> Pulled:
        """The file's rows; `unchanged` when its sha256 is the known version."""
        files = await asyncio.to_thread(_files, self.path)
        await _tell(on_progress, Progress(f"Reading {self.path.name}"))
        version, size = await asyncio.to_thread(_hashed, files)
        if version == known_version:
            return Pulled(version=version, bytes=size, unchanged=True)
        table = await asyncio.to_thread(self.read, dataset, files)
        await _tell(on_progress, Progress(f"Read {table.rows_read} rows", rows=table.rows_read))
        return Pulled(
            tables=(TableRows(dataset.table, dataset.key, table.rows),),
            rejects=table.rejects,
            version=version,
            rows_read=table.rows_read,
            bytes=size,
            drift=table.drift,
            notes=bar_rows.flagged(dataset, table.rows),
            partial=incomplete(None, table) or (None if table.rows_read else NO_ROWS),
        )

    def read(self, dataset: Dataset, files: list[Path]) -> Table:
        """The typed rows of the file or files."""
        kinds = {path: lean.kind_of(path) for path in files if path.suffix == ".csv"}
        if files and all(kinds.get(path) for path in files):
            return _lean(dataset, kinds, self.today())
        if len(files) != 1:
            raise UsageError(
                f"{self.path} is a folder", hint="import one file, or a folder of LEAN files"
            )
        return self._table(dataset, files[0])

    def _table(self, dataset: Dataset, path: Path) -> Table:
        name, today = path.name.lower(), self.today()
        now = self.now() if self.now else None
        if name.endswith(CSV_ENDINGS):
            fitted = spelled(dataset, tables.csv_header(path))
            return tables.read_csv(path, fitted, today=today, constants=self.constants, now=now)
        if name.endswith(PARQUET_ENDINGS):
            fitted = spelled(dataset, _parquet_header(path))
            return tables.read_parquet(path, fitted, today=today, constants=self.constants, now=now)
        raise UsageError(
            f"{path.name} is neither CSV nor Parquet",
            hint=f"its name must end in {', '.join((*CSV_ENDINGS, *PARQUET_ENDINGS))}",
        )


def spelled(dataset: Dataset, header: Iterable[str]) -> Dataset:
    """The dataset with the file's spellings for columns that the catalogue's do not find."""
    names = list(header)
    exact = {dataset.columns.get(name, name) for name in names}
    plain = {_plain(name): name for name in reversed(names) if name not in dataset.columns}
    more: dict[str, str] = {}
    for ours in dataset.schema:
        if ours in exact:
            continue
        upstream = [name for name, target in dataset.columns.items() if target == ours]
        wanted = (_plain(ours), *map(_plain, upstream), *USUAL.get(ours, ()))
        found = next((plain[word] for word in wanted if word in plain), None)
        if found is not None and found not in more:
            more[found] = ours
    return replace(dataset, columns={**dataset.columns, **more}) if more else dataset


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).lower()


def _parquet_header(path: Path) -> list[str]:
    try:
        return [str(name) for name in papq.read_schema(path).names]
    except (OSError, ValueError) as error:
        text = str(error).splitlines()[0]
        raise ParsingError(f"not a Parquet file: {text}", where=path.name) from None


def _files(path: Path) -> list[Path]:
    """The file, or the CSV files in a folder and its subfolders."""
    if path.is_dir():
        return sorted(path.rglob("*.csv"))
    if not path.is_file():
        raise NotFoundError(f"there is no file {path}")
    return [path]


def _hashed(files: list[Path]) -> tuple[str, int]:
    """As `_sha256`; ParsingError when a file is there but cannot be read to its end."""
    try:
        return _sha256(files)
    except OSError as error:
        where = str(error.filename or files[0])
        raise ParsingError(f"a file cannot be read: {error.strerror}", where=where) from error


def _sha256(files: list[Path]) -> tuple[str, int]:
    """The hash of a file's bytes (of several: of their names and hashes), and the bytes in all."""
    hashes = []
    for path in files:
        with path.open("rb") as file:
            hashes.append(hashlib.file_digest(file, "sha256").hexdigest())
    size = sum(path.stat().st_size for path in files)
    if len(files) == 1:
        return hashes[0], size
    listing = "\n".join(f"{path.name} {digest}" for path, digest in zip(files, hashes, strict=True))
    return hashlib.sha256(listing.encode()).hexdigest(), size


def _lean(dataset: Dataset, kinds: Mapping[Path, str | None], today: date) -> Table:
    factors = lean.read_factors([path for path, kind in kinds.items() if kind == "factors"])
    names = lean.read_names([path for path, kind in kinds.items() if kind == "maps"])
    dates = pl.concat([factors["date"], names["until"]])
    first, last = dates.min() or today, dates.max() or today
    assert isinstance(first, date) and isinstance(last, date)
    rows = lean.actions(factors, names, lean.nyse_sessions(first, min(last, today)))
    missing = [name for name in dataset.schema if name not in rows.columns]
    if missing:
        raise UsageError(
            f"{dataset.name} does not take LEAN factor or map files",
            hint="import them into corporate_actions",
        )
    chosen = rows.select(list(dataset.schema))
    return Table(chosen, no_rejects(), len(factors) + len(names))


async def _tell(hook: ProgressHook | None, progress: Progress) -> None:
    outcome = hook(progress) if hook else None
    if inspect.isawaitable(outcome):
        await outcome
