"""The simulated SEC: companies whose filings add up, served in the shapes of the real endpoints.

`SimulatedFilings(seed, when)` is a provider for the stand-in of `core.sandbox.sec`. About 600
companies file 8-Ks around their news; the first sixty (`watch`) also file XBRL: industrials, banks,
insurers and REITs, a 20-F filer in EUR, one that restates, one that changes its year, one that is
always late, and one company per class of planted fault (`core.sandbox.planted`).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

from core.sandbox.clock import Clock, Moment, moments
from core.sandbox.companies import archive
from core.sandbox.companies.documents import company_facts, submissions, tickers
from core.sandbox.companies.filings import known_filings
from core.sandbox.companies.index import daily_index, feed
from core.sandbox.market.names import COVERED, FIRST_CIK, LABEL, SLOTS, cik_of, listings

if TYPE_CHECKING:
    from core.sandbox.sec.server import Document

_FACTS = re.compile(r"/api/xbrl/companyfacts/CIK(\d{10})\.json")
_SUBMISSIONS = re.compile(r"/submissions/CIK(\d{10})(?:-submissions-(\d{3}))?\.json")
_INDEX = re.compile(
    r"/Archives/edgar/daily-index/(?:\d{4}/QTR\d/)?(form|master|company)\.(\d{8})\.idx"
)
_FOLDER = re.compile(r"/Archives/edgar/data/(\d{1,10})/(\d{18})/([\w.\-]+)")
_TICKERS = ("/files/company_tickers.json", "/files/company_tickers_exchange.json")
_FEED = "/cgi-bin/browse-edgar"


class SimulatedFilings:
    """Documents of the simulated companies by path, as of a day or as a clock runs.

    Made when first asked for, then kept until the clock brings another filing.
    """

    simulated = True
    label = LABEL

    def __init__(self, seed: int, when: date | Clock) -> None:
        self.seed = seed
        self._moment = moments(when)
        self._state: tuple[date, int] | None = None
        self._kept: dict[str, Document | None] = {}
        self._lock = threading.Lock()

    def companies(self) -> list[int]:
        """CIKs of the companies that file XBRL."""
        return [cik_of(slot) for slot in range(1, COVERED + 1)]

    def watch(self) -> list[str]:
        """Their symbols, for the watch list of a demo."""
        return [x.symbol for x in listings()[1 : COVERED + 1]]

    def warm(self) -> None:
        """Make what every request needs (some three seconds), before the first one comes."""
        known_filings(self.seed, self._moment().as_of, None)

    def document(self, path: str, query: Mapping[str, str] | None = None) -> Document | None:
        """The document at a path, None when there is none; the same object each time."""
        query = query or {}
        paged = (
            f"{path}?{query.get('start', 0)}&{query.get('count', 40)}" if path == _FEED else path
        )
        with self._lock:
            now = self._moment()
            self._forget_what_is_old(now)
            if paged not in self._kept:
                self._kept[paged] = self._make(path, query, now)
            return self._kept[paged]

    def _forget_what_is_old(self, now: Moment) -> None:
        state = (now.as_of, known_filings(self.seed, now.as_of, now.known_at).height)
        if state != self._state:
            self._kept.clear()
            self._state = state

    def _make(self, path: str, query: Mapping[str, str], now: Moment) -> Document | None:
        from core.sandbox.sec.server import Document

        if path == _FEED:
            body = self._feed(query, now)
            return Document(body, "application/atom+xml") if body is not None else None
        body = self._json(path, now)
        if body is not None:
            return Document(body)
        found = _FOLDER.fullmatch(path)
        if found:
            asked = (int(found[1]), found[2], found[3])
            body = archive.document(self.seed, now.as_of, *asked, now.known_at)
            return Document(body, "text/html") if body is not None else None
        body = self._index(path, now)
        return Document(body, "text/plain") if body is not None else None

    def _json(self, path: str, now: Moment) -> bytes | None:
        if path in _TICKERS:
            return tickers(self.seed, now.as_of)[_TICKERS.index(path)]
        found = _FACTS.fullmatch(path)
        if found and 1 <= (slot := int(found[1]) - FIRST_CIK) <= COVERED:
            return company_facts(self.seed, now.as_of, slot)
        found = _SUBMISSIONS.fullmatch(path)
        if found and 1 <= (slot := int(found[1]) - FIRST_CIK) < SLOTS:
            return submissions(self.seed, now.as_of, slot, int(found[2] or 0), now.known_at)
        return None

    def _index(self, path: str, now: Moment) -> bytes | None:
        found = _INDEX.fullmatch(path)
        if not found:
            return None
        try:
            day = datetime.strptime(found[2], "%Y%m%d").date()  # noqa: DTZ007 - a date
        except ValueError:
            return None
        return daily_index(self.seed, now.as_of, found[1], day, now.known_at)

    def _feed(self, query: Mapping[str, str], now: Moment) -> bytes | None:
        start, count = query.get("start") or "0", query.get("count") or "40"
        if query.get("action") != "getcurrent" or not (start.isdigit() and count.isdigit()):
            return None
        return feed(self.seed, now.as_of, int(start), min(int(count), 100), now.known_at)
