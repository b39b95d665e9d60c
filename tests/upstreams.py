"""A stand-in container and SEC in a thread, with a few small documents, for desk-level tests."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from app.upstreams import StandIns, World
from core.sandbox.foundry.provider import StaticProvider
from core.sandbox.sec.server import Document

DAILY = (
    b"date,open,high,low,close,volume,Name\n"
    b"2024-01-02,10,11,9,10.5,1000,AAA\n"
    b"2024-01-03,10.5,12,10,11,1500,AAA\n"
    b"2024-01-02,,,,20,0,BBB\n"
)
CONTACT = "Test Desk test@example.com"
CIK = 9_900_001


def facts(value: int = 100, *, with_cash: bool = True) -> bytes:
    """A companyfacts answer of one company with two or three facts."""
    row = {"accn": "0009900001-24-000001", "fy": 2023, "fp": "FY", "form": "10-K"}
    row |= {"filed": "2024-02-01", "end": "2023-12-31"}
    concepts = {"Assets": {"units": {"USD": [row | {"val": value}]}}}
    if with_cash:
        concepts["Cash"] = {"units": {"USD": [row | {"val": 7}]}}
    named = {name: {"label": name, "description": None, **body} for name, body in concepts.items()}
    return json.dumps(
        {"cik": CIK, "entityName": "Made Up Co", "facts": {"us-gaap": named}}
    ).encode()


def tickers() -> bytes:
    """The map of tickers with the one company."""
    fields = ["cik", "name", "ticker", "exchange"]
    return json.dumps({"fields": fields, "data": [[CIK, "Made Up Co", "MADE", "NYSE"]]}).encode()


def submissions() -> bytes:
    """A submissions answer with one annual report and one 8-K."""
    recent = {
        "accessionNumber": ["0009900001-24-000002", "0009900001-24-000001"],
        "filingDate": ["2024-04-25", "2024-02-01"],
        "reportDate": ["2024-04-25", "2023-12-31"],
        "acceptanceDateTime": ["2024-04-25T20:30:05.000Z", "2024-02-01T21:30:00.000Z"],
        "form": ["8-K", "10-K"],
        "items": ["2.02,9.01", ""],
        "size": [1000, 2000],
        "isXBRL": [0, 1],
        "primaryDocument": ["a.htm", "b.htm"],
        "primaryDocDescription": ["8-K", "10-K"],
    }
    body = {"cik": str(CIK), "name": "Made Up Co", "sic": "3571", "sicDescription": "Computers"}
    body |= {"tickers": ["MADE"], "exchanges": ["NYSE"], "formerNames": []}
    return json.dumps({**body, "filings": {"recent": recent, "files": []}}).encode()


@dataclass
class Documents:
    """SEC documents by path; change `bodies` while the stand-in runs."""

    bodies: dict[str, bytes] = field(
        default_factory=lambda: {
            "/files/company_tickers_exchange.json": tickers(),
            f"/submissions/CIK{CIK:010}.json": submissions(),
            f"/api/xbrl/companyfacts/CIK{CIK:010}.json": facts(),
        }
    )

    def document(self, path: str, query: Mapping[str, str]) -> Document | None:
        """The document of a path."""
        body = self.bodies.get(path)
        return Document(body) if body is not None else None

    def companies(self) -> list[int]:
        """The one company."""
        return [CIK]


class Running:
    """The stand-ins in a thread of their own; a context manager."""

    def __init__(self, datasets: dict[str, bytes] | None = None) -> None:
        self.documents = Documents()
        self.datasets = datasets if datasets is not None else {"Prices Daily": DAILY}
        provider = StaticProvider(self.datasets)
        self.served = StandIns(World(provider, self.documents, [CIK], simulated=True))
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Running:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)

    def refuse(self) -> None:
        """Refuse every connection, as a machine whose service is off; the port stays ours."""
        self._in_its_loop(self._refuse())

    def listen(self) -> None:
        """Take connections again, at the same port."""
        self._in_its_loop(self._listen())

    def _in_its_loop(self, work: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _refuse(self) -> None:
        runner = self.served._runner
        self._port = runner.addresses[0][1]
        for site in list(runner.sites):
            await site.stop()
        for connection in list(runner.server.connections):
            connection.force_close()
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", self._port))

    async def _listen(self) -> None:
        self._held.close()
        await web.TCPSite(self.served._runner, "127.0.0.1", self._port).start()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await self.served.start()
        self._ready.set()
        await self._stop.wait()
        await self.served.stop()

    def settings(self) -> dict[str, object]:
        """Settings that point a desk at the stand-ins."""
        return {
            "foundry_url": self.served.url,
            "sec_data_url": self.served.sec_url,
            "sec_www_url": self.served.sec_url,
            "sec_user_agent": CONTACT,
            "foundry_idle_seconds": 3.0,
            "foundry_total_seconds": 10.0,
        }
