"""The desk, for code that awaits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
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


class AsyncOpenbellClient:
    """The desk for code that awaits. Close it, or use it in an `async with` block."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        patience: Patience | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        timeout_seconds: float = 60.0,
    ) -> None:
        self._patience, self._sleep = patience or Patience(), sleep
        base, headers = given.way_in(url, token)
        self._http = httpx.AsyncClient(
            base_url=base,
            headers=headers,
            transport=transport,
            timeout=given.seconds(timeout_seconds, "timeout_seconds", least=0.001),
        )

    @classmethod
    def beside(cls, data_dir: Path | str, **more: Any) -> Self:
        """A client of the desk that runs on a data folder of this machine."""
        return cls(*address_beside(data_dir), **more)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def send(self, call: ClientCall) -> httpx.Response:
        """The answer to a call, tried again while it may pass; the desk's error otherwise."""
        headers = call.headers()
        for tried in range(self._patience.retries + 1):
            answer, gone = None, None
            try:
                answer = await self._http.request(
                    call.method, call.path, params=given.query_of(call.query),
                    json=call.body, headers=headers,
                )  # fmt: skip
            except httpx.HTTPError as error:
                gone = lost(error, f"{str(self._http.base_url).rstrip('/')}{call.path}")
            if answer is not None and not may_pass(answer):
                return checked(answer)
            if tried < self._patience.retries:
                await self._sleep(self._patience.seconds(tried, answer))
        if answer is not None:
            return checked(answer)
        assert gone is not None
        raise gone

    async def rows(self, path: str, *, most: int | None = None, **filters: Any) -> pl.DataFrame:
        """All rows of a list (or the first `most`), page by page."""
        pages: list[pl.DataFrame] = []
        wanted = given.count(most, "most")
        limit = PAGE if wanted is None else min(PAGE, max(wanted, 1))
        query = {**given.filters_of(filters), "limit": limit}
        while True:
            answer = await self.send(ClientCall("GET", path, query, accept=ARROW))
            pages.append(frame_of(answer))
            query["cursor"] = answer.headers.get(NEXT)
            held = sum(page.height for page in pages)
            if query["cursor"] is None or (wanted is not None and held >= wanted):
                return joined(pages, wanted)

    async def get(self, path: str, **filters: Any) -> dict[str, Any]:
        """The data of one thing."""
        return data_of(await self.send(ClientCall("GET", path, filters)))

    async def act(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        """Do something, once however often it must be tried; the data of what came of it."""
        return data_of(await self.send(ClientCall(method, path, body=given.body_of(body))))

    async def datasets(self) -> pl.DataFrame:
        """The datasets with their freshness."""
        return await self.rows("/datasets")

    async def dataset(self, name: str, *, most: int | None = None, **filters: Any) -> pl.DataFrame:
        """Rows of a dataset, last key first; filters: symbol, since, until."""
        return await self.rows(f"/datasets/{piece(name)}/rows", most=most, **filters)

    async def companies(self, q: str | None = None) -> pl.DataFrame:
        """Companies by ticker, name or CIK."""
        return await self.rows("/companies", q=q)

    async def filings(self, cik: int, *, as_of: Day | None = None, **filters: Any) -> pl.DataFrame:
        """The filings of a company, newest first."""
        return await self.rows(f"/companies/{piece(cik)}/filings", as_of=as_of, **filters)

    async def facts(
        self, cik: int, concept: str | None = None, *, as_of: Day | None = None
    ) -> pl.DataFrame:
        """Facts of a company as known on a day (now)."""
        return await self.rows(f"/companies/{piece(cik)}/facts", concept=concept, as_of=as_of)

    async def filing(self, accession: str) -> dict[str, Any]:
        """One filing with grade, findings and items."""
        return await self.get(f"/filings/{piece(accession)}")

    async def grades(self, *, most: int | None = None, **filters: Any) -> pl.DataFrame:
        """Graded filings; filters: cik, ticker, form, grade, status, q, as_of."""
        return await self.rows("/grades", most=most, **filters)

    async def scan(self, day: Day = "latest", **filters: Any) -> pl.DataFrame:
        """The gap candidates of a session; filters as min_gap_pct, min_rvol."""
        return await self.rows(f"/scans/{piece(day)}", **filters)

    async def gap_statistics(self, **filters: Any) -> dict[str, Any]:
        """What gaps like these did."""
        return await self.get("/gaps/statistics", **filters)

    async def symbol(self, symbol: str, *, as_of: Day | None = None) -> dict[str, Any]:
        """One name: bars, gaps, filings, grades."""
        return await self.get(f"/symbols/{piece(symbol)}", as_of=as_of)

    async def plans(self, **filters: Any) -> pl.DataFrame:
        """Plans, proposed and decided on; filters: state, symbol."""
        return await self.rows("/plans", **filters)

    async def propose(self, symbol: str, **ask: Any) -> dict[str, Any]:
        """Propose a plan."""
        return await self.act("POST", "/plans", symbol=symbol, **ask)

    async def decide(self, plan_id: str, decision: str, reason: str = "") -> dict[str, Any]:
        """Decide on a plan: approve, reject or cancel."""
        return await self.act("POST", f"/plans/{piece(plan_id)}/{piece(decision)}", reason=reason)

    async def risk(self) -> dict[str, Any]:
        """Limits in use and the risk of the book."""
        return await self.get("/risk")

    async def entries(self, **filters: Any) -> pl.DataFrame:
        """The journal, newest entry first."""
        return await self.rows("/journal/entries", **filters)

    async def refresh(self, dataset: str) -> dict[str, Any]:
        """Ask for a pull; the job that stands for it."""
        return await self.act("POST", f"/datasets/{piece(dataset)}/refresh")
