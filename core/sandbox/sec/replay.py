"""Captured SEC documents as the stand-in serves them (layout of `../shared/data`).

`companyfacts_vintages` holds earlier captures: with `vintage=0` the oldest capture of a company is
served, with 1 the next, and so on; `None` (the default) serves the newest. With a clock (`until`)
nothing is told that is later than it.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from core.errors import NotFoundError
from core.sandbox import past
from core.sandbox.clock import Clock
from core.sandbox.sec.server import Document

_FOLDERS = {
    "/api/xbrl/companyfacts/": ("companyfacts",),
    "/submissions/": ("submissions_history", "submissions"),
}
_TICKERS = "/files/company_tickers.json"
_EXCHANGES = "/files/company_tickers_exchange.json"
_DAILY = re.compile(r"/Archives/edgar/daily-index/(?:\d{4}/QTR\d/)?([a-z]+\.\d{8}\.idx)(?:\.gz)?")
_FEED = "/cgi-bin/browse-edgar"
_CUTS: dict[str, Callable[[bytes, datetime], bytes]] = {
    "/api/xbrl/companyfacts/": past.facts_until,
    "/submissions/": past.submissions_until,
    _FEED: past.feed_until,
}
_NAME = re.compile(r"[\w.\-]+")


class ReplayProvider:
    """Documents of a capture folder (the one that holds `sec/`, or `sec` itself)."""

    simulated = False

    def __init__(
        self, root: Path, *, vintage: int | None = None, until: Clock | None = None
    ) -> None:
        self.root = root / "sec" if (root / "sec").is_dir() else root
        self.vintage = vintage
        self._until = until
        self._kept: dict[bytes, Document] = {}
        if not self.root.is_dir():
            raise NotFoundError(f"there is no folder {root}", hint="give --replay DIR")

    def document(self, path: str, query: Mapping[str, str]) -> Document | None:
        """The captured document of a path, None when it was not captured."""
        file = self._file(path, query)
        if file is None or self._until is None:
            return _as_it_is(file) if file else None
        return self._past(path, _as_it_is(file), self._until())

    def _past(self, path: str, whole: Document, now: datetime) -> Document | None:
        """The document as it stood then; the same object as long as it is the same."""
        if _DAILY.fullmatch(path):
            return whole if past.index_is_known(path, now) else None
        cut = next((cut for begin, cut in _CUTS.items() if path.startswith(begin)), None)
        if cut is None:
            return whole
        body = cut(whole.body, now)
        key = hashlib.sha256(body).digest()
        if key not in self._kept:
            self._kept[key] = Document(body, whole.media)
        return self._kept[key]

    def companies(self) -> list[int]:
        """CIKs whose facts were captured."""
        return sorted(int(f.name[3:13]) for f in (self.root / "companyfacts").glob("CIK*.json*"))

    def _file(self, path: str, query: Mapping[str, str]) -> Path | None:
        for prefix, folders in _FOLDERS.items():
            if path.startswith(prefix):
                return self._capture(path.removeprefix(prefix), folders)
        if path == _TICKERS:
            return self._reference("company_tickers__")
        if path == _EXCHANGES:
            return self._reference("company_tickers_exchange")
        if path == _FEED and query.get("action") == "getcurrent":
            return self._feed_page(query)
        daily = _DAILY.fullmatch(path)
        return self._existing("index", daily[1]) if daily else None

    def _capture(self, name: str, folders: tuple[str, ...]) -> Path | None:
        if not _NAME.fullmatch(name):
            return None
        vintage = self._vintage(name) if "companyfacts" in folders else None
        found = (self._existing(folder, name) for folder in folders)
        return vintage or next((file for file in found if file), None)

    def _vintage(self, name: str) -> Path | None:
        if self.vintage is None:
            return None
        stem = name.removesuffix(".json")
        captures = sorted((self.root / "companyfacts_vintages").glob(f"{stem}__*.json.gz"))
        return captures[self.vintage] if self.vintage < len(captures) else None

    def _existing(self, folder: str, name: str) -> Path | None:
        for file in (self.root / folder / f"{name}.gz", self.root / folder / name):
            if file.is_file():
                return file
        return None

    def _reference(self, prefix: str) -> Path | None:
        captures = sorted((self.root / "reference").glob(f"{prefix}*.json.gz"))
        return captures[-1] if captures else None

    def _feed_page(self, query: Mapping[str, str]) -> Path | None:
        start = query.get("start", "0")
        if not start.isdigit():
            return None
        return self._existing("feed", f"start{int(start):05}_count100.atom.xml")


def _as_it_is(file: Path) -> Document:
    """The document of a file; another object once the file was changed."""
    found = file.stat()
    return _load(file, (found.st_mtime_ns, found.st_size, found.st_ino))


@lru_cache(maxsize=256)
def _load(file: Path, _version: tuple[int, int, int]) -> Document:
    data = file.read_bytes()
    packed = data if file.suffix == ".gz" else None
    body = gzip.decompress(data) if packed else data
    media = {".xml": "application/atom+xml", ".json": "application/json"}
    suffix = Path(file.name.removesuffix(".gz")).suffix
    return Document(body, media.get(suffix, "text/plain"), packed)
