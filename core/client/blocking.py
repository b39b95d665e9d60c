"""The desk, asked and waited for.

Written by `python -m tools.blocking_client`; change `awaiting.py` instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import httpx
import polars as pl

from core.client import given
from core.client.calls import (
    ARROW,
    NEXT,
    PAGE,
    ClientCall,
    Patience,
    address_beside,
    checked,
    data_of,
    frame_of,
    joined,
    lost,
    may_pass,
)
from core.client.given import Day, piece


class OpenbellClient:
    """The desk, asked and waited for. Close it, or use it in a `with` block."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        timeout_seconds: float = 60.0,
    ) -> None:
        self._patience, self._sleep = patience or Patience(), sleep
        base, headers = given.way_in(url, token)
        self._http = httpx.Client(
            base_url=base,
            headers=headers,
            transport=transport,
            timeout=given.seconds(timeout_seconds, "timeout_seconds", least=0.001),
        )

    @classmethod
    def beside(cls, data_dir: Path | str, **more: Any) -> Self:
        """A client of the desk that runs on a data folder of this machine."""
        return cls(*address_beside(data_dir), **more)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def send(self, call: ClientCall) -> httpx.Response:
        """The answer to a call, tried again while it may pass; the desk's error otherwise."""
        headers = call.headers()
        for tried in range(self._patience.retries + 1):
            answer, gone = None, None
            try:
                answer = self._http.request(
                    call.method, call.path, params=given.query_of(call.query),
                    json=call.body, headers=headers,
                )  # fmt: skip
            except httpx.HTTPError as error:
                gone = lost(error, f"{str(self._http.base_url).rstrip('/')}{call.path}")
            if answer is not None and not may_pass(answer):
                return checked(answer)
            if tried < self._patience.retries:
                self._sleep(self._patience.seconds(tried, answer))
        if answer is not None:
            return checked(answer)
        assert gone is not None
        raise gone

    def rows(self, path: str, *, most: int | None = None, **filters: Any) -> pl.DataFrame:
        """All rows of a list (or the first `most`), page by page."""
        pages: list[pl.DataFrame] = []
        wanted = given.count(most, "most")
        limit = PAGE if wanted is None else min(PAGE, max(wanted, 1))
        query = {**given.filters_of(filters), "limit": limit}
        while True:
            answer = self.send(ClientCall("GET", path, query, accept=ARROW))
            pages.append(frame_of(answer))
            query["cursor"] = answer.headers.get(NEXT)
            held = sum(page.height for page in pages)
            if query["cursor"] is None or (wanted is not None and held >= wanted):
                return joined(pages, wanted)

    def get(self, path: str, **filters: Any) -> dict[str, Any]:
        """The data of one thing."""
        return data_of(self.send(ClientCall("GET", path, filters)))

    def act(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        """Do something, once however often it must be tried; the data of what came of it."""
        return data_of(self.send(ClientCall(method, path, body=given.body_of(body))))

    def datasets(self) -> pl.DataFrame:
        """The datasets with their freshness."""
        return self.rows("/datasets")

    def dataset(self, name: str, *, most: int | None = None, **filters: Any) -> pl.DataFrame:
        """Rows of a dataset, last key first; filters: symbol, since, until."""
        return self.rows(f"/datasets/{piece(name)}/rows", most=most, **filters)

    def companies(self, q: str | None = None) -> pl.DataFrame:
        """Companies by ticker, name or CIK."""
        return self.rows("/companies", q=q)

    def filings(self, cik: int, *, as_of: Day | None = None, **filters: Any) -> pl.DataFrame:
        """The filings of a company, newest first."""
        return self.rows(f"/companies/{piece(cik)}/filings", as_of=as_of, **filters)

    def facts(
        self, cik: int, concept: str | None = None, *, as_of: Day | None = None
    ) -> pl.DataFrame:
        """Facts of a company as known on a day (now)."""
        return self.rows(f"/companies/{piece(cik)}/facts", concept=concept, as_of=as_of)

    def filing(self, accession: str) -> dict[str, Any]:
        """One filing with grade, findings and items."""
        return self.get(f"/filings/{piece(accession)}")

    def grades(self, *, most: int | None = None, **filters: Any) -> pl.DataFrame:
        """Graded filings; filters: cik, ticker, form, grade, status, q, as_of."""
        return self.rows("/grades", most=most, **filters)

    def scan(self, day: Day = "latest", **filters: Any) -> pl.DataFrame:
        """The gap candidates of a session; filters as min_gap_pct, min_rvol."""
        return self.rows(f"/scans/{piece(day)}", **filters)

    def gap_statistics(self, **filters: Any) -> dict[str, Any]:
        """What gaps like these did."""
        return self.get("/gaps/statistics", **filters)

    def symbol(self, symbol: str, *, as_of: Day | None = None) -> dict[str, Any]:
        """One name: bars, gaps, filings, grades."""
        return self.get(f"/symbols/{piece(symbol)}", as_of=as_of)

    def plans(self, **filters: Any) -> pl.DataFrame:
        """Plans, proposed and decided on; filters: state, symbol."""
        return self.rows("/plans", **filters)

    def propose(self, symbol: str, **ask: Any) -> dict[str, Any]:
        """Propose a plan."""
        return self.act("POST", "/plans", symbol=symbol, **ask)

    def decide(self, plan_id: str, decision: str, reason: str = "") -> dict[str, Any]:
        """Decide on a plan: approve, reject or cancel."""
        return self.act("POST", f"/plans/{piece(plan_id)}/{piece(decision)}", reason=reason)

    def risk(self) -> dict[str, Any]:
        """Limits in use and the risk of the book."""
        return self.get("/risk")

    def entries(self, **filters: Any) -> pl.DataFrame:
        """The journal, newest entry first."""
        return self.rows("/journal/entries", **filters)

    def refresh(self, dataset: str) -> dict[str, Any]:
        """Ask for a pull; the job that stands for it."""
        return self.act("POST", f"/datasets/{piece(dataset)}/refresh")
