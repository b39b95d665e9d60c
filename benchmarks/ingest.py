"""Facts a second from the SEC's JSON over loopback HTTP into a durable store, beside other ways.

    python -m benchmarks.ingest [--rounds 5] [--data ../shared/data] [--out result.json]

The 18 captured companies are served by the stand-in in a process of its own. Measured in turns, in
one run, each in a fresh process in which one company went through before the clock starts (nobody's
first import is measured): the desk's pull (fetch, unpack, decode, store, commit), a second
pull of the same, edgartools' parse alone of bodies in memory, the pandas way (requests in a row,
json_normalize, one DuckDB insert), and the floor (our decode and one Arrow insert, no network).
The SEC's limit of 10 requests a second would hide all of it (18 requests take 1 s): the limiter is
in the way of every request here, but set to `--rate` (default 10,000) for the loopback address.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import hashlib
import importlib.metadata
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

if TYPE_CHECKING:
    from core.sandbox.sec.server import Document

PATH = "/api/xbrl/companyfacts/CIK{:010}.json"
COPY = 10_000_000
MANY = (10, 50)  # times the companies: what memory does when there are more of them
VERSIONS = ("edgartools", "pandas", "duckdb", "polars", "msgspec", "numpy")


def bodies(data: Path) -> list[bytes]:
    """The captured answers, unpacked."""
    files = sorted((data / "sec" / "companyfacts").glob("*.json.gz"))
    return [gzip.decompress(file.read_bytes()) for file in files]


class Copies:
    """The captured companies, and copies under CIKs that are COPY higher, made when asked."""

    def __init__(self, data: Path) -> None:
        from core.sandbox.sec.replay import ReplayProvider

        self.captured = ReplayProvider(data)

    def document(self, path: str, query: Mapping[str, str]) -> Document | None:
        """A captured answer, with the CIK that was asked for."""
        from core.sandbox.sec.server import Document

        cik = int(path[-15:-5])
        document = self.captured.document(PATH.format(cik % COPY), query)
        if cik < COPY or document is None:
            return document
        name = str(cik % COPY).encode()
        body = document.body.replace(name, str(cik).encode(), 1)
        return Document(body, packed=gzip.compress(body, 1))


def serve(data: Path) -> None:
    """The stand-in; prints its address and serves until stopped."""
    from core.sandbox.sec.server import SecSandbox

    async def run() -> None:
        copies = Copies(data)
        ciks = copies.captured.companies()
        for cik in ciks:
            document = copies.document(PATH.format(cik), {})
            assert document and document.etag and document.gzipped
        async with SecSandbox(copies, max_per_second=None) as sandbox:
            print(json.dumps({"url": sandbox.url, "ciks": ciks}), flush=True)
            await asyncio.sleep(3600)

    asyncio.run(run())


def desk(data: Path, url: str, ciks: list[int], rate: float, again: int = 3) -> dict[str, float]:
    """The desk's own pull, then the same again."""
    from app import tuning
    from core.jobs.pulling import switching as turns
    from core.jobs.pulling.sec_facts import FactsPull
    from core.sources.sec.client import SecClient
    from core.sources.sec.limit import RateLimiter
    from core.store.warehouse import Warehouse

    async def run(folder: Path, ciks: list[int]) -> dict[str, float]:
        with Warehouse.open(folder / f"{len(ciks)}.duckdb") as warehouse:
            async with SecClient(
                user_agent="bench@example.com",
                data_url=url,
                limiter=RateLimiter(rate),
            ) as client:

                async def pull(name: str) -> float:
                    begun = time.perf_counter()
                    work = FactsPull(
                        client, warehouse, name, lambda: datetime.now(UTC), lambda _: None
                    )
                    with turns.short_switch_interval():  # as every pull of a desk
                        await work.run(ciks)
                    return time.perf_counter() - begun

                cpu = time.process_time()
                first = await pull("first")
                cpu = time.process_time() - cpu
                second = min([await pull(f"again {n}") for n in range(again)])
            stored = warehouse.read("SELECT count(*) FROM facts").item()
        return {"seconds": first, "again": second, "facts": stored, "cpu": cpu}

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder), ciks[:1]))
        tuning.collect_seldom()
        return asyncio.run(run(Path(folder), ciks)) | _peak()


def edgartools(data: Path, *_: Any) -> dict[str, float]:
    """edgartools' parse of bodies in memory: no network, no store."""
    import orjson
    from edgar.entity.parser import EntityFactsParser

    read = bodies(data)
    EntityFactsParser.parse_company_facts(orjson.loads(read[0]))
    begun, cpu = time.perf_counter(), time.process_time()
    facts = sum(len(EntityFactsParser.parse_company_facts(orjson.loads(body))) for body in read)
    cpu = time.process_time() - cpu
    return {"seconds": time.perf_counter() - begun, "facts": facts, "cpu": cpu} | _peak()


def pandas_way(data: Path, url: str, ciks: list[int], *_: Any) -> dict[str, float]:
    """What a notebook does: requests, a dictionary a fact, one DataFrame, one DuckDB insert."""
    import duckdb
    import pandas as pd
    import requests

    def run(database: Path, ciks: list[int]) -> int:
        rows: list[dict[str, Any]] = []
        session = requests.Session()
        for cik in ciks:
            answer = session.get(url + PATH.format(cik), headers={"User-Agent": "b b@example.com"})
            for taxonomy, concepts in answer.json()["facts"].items():
                for concept, what in concepts.items():
                    for unit, facts in what["units"].items():
                        names = {"cik": cik, "taxonomy": taxonomy, "concept": concept, "unit": unit}
                        rows.extend(names | fact for fact in facts)
        frame = pd.DataFrame(rows)
        for name in ("start", "end", "filed"):
            frame[name] = pd.to_datetime(frame[name])
        with duckdb.connect(str(database)) as connection:
            connection.execute("CREATE TABLE facts AS SELECT * FROM frame")
            return int(connection.execute("SELECT count(*) FROM facts").fetchall()[0][0])

    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder) / "first.duckdb", ciks[:1])
        begun, cpu = time.perf_counter(), time.process_time()
        stored = run(Path(folder) / "pandas.duckdb", ciks)
        cpu = time.process_time() - cpu
        return {"seconds": time.perf_counter() - begun, "facts": stored, "cpu": cpu} | _peak()


def floor(data: Path, *_: Any) -> dict[str, float]:
    """Our decode of bodies in memory and one Arrow insert into a fresh store."""
    from core.sources.sec.decode import decode_facts
    from core.store.facts import append_facts
    from core.store.warehouse import Warehouse

    def run(database: Path, read: list[bytes]) -> dict[str, float]:
        with Warehouse.open(database) as warehouse:
            begun, cpu = time.perf_counter(), time.process_time()
            tables = [decode_facts(body).table for body in read]
            decoded = time.perf_counter() - begun
            with warehouse.transaction() as tx:
                facts = append_facts(tx, tables, "floor", datetime.now(UTC))
            cpu = time.process_time() - cpu
            seconds = time.perf_counter() - begun
            return {"seconds": seconds, "facts": facts, "decode": decoded, "cpu": cpu}

    read = bodies(data)
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder) / "first.duckdb", read[:1])
        return run(Path(folder) / "floor.duckdb", read) | _peak()


def hashes(data: Path, *_: Any) -> dict[str, float]:
    """sha256 of the bodies: what a look at every byte costs."""
    read = bodies(data)
    begun, cpu = time.perf_counter(), time.process_time()
    for body in read:
        hashlib.sha256(body).digest()
    cpu = time.process_time() - cpu
    return {"seconds": time.perf_counter() - begun, "facts": 0, "cpu": cpu} | _peak()


WAYS: dict[str, Callable[..., dict[str, float]]] = {
    "desk": desk,
    "edgartools": edgartools,
    "pandas": pandas_way,
    "floor": floor,
    "sha256": hashes,
}


def _peak() -> dict[str, float]:
    return {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def measure(data: Path, rounds: int, rate: float) -> dict[str, list[dict[str, float]]]:
    """Every way `rounds` times, in turns, each in a process of its own."""
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve", "--data", str(data)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    results: dict[str, list[dict[str, float]]] = {name: [] for name in WAYS}
    try:
        assert server.stdout
        said = json.loads(server.stdout.readline())
        context = multiprocessing.get_context("spawn")
        for _ in range(rounds):
            for name, way in WAYS.items():
                with context.Pool(1) as pool:
                    results[name].append(pool.apply(way, (data, said["url"], said["ciks"], rate)))
        for times in MANY:
            with context.Pool(1) as pool:
                many = [cik + n * COPY for n in range(times) for cik in said["ciks"]]
                arguments = (data, said["url"], many, rate, 1)
                results[f"desk x{times}"] = [pool.apply(desk, arguments)]
    finally:
        server.terminate()
        server.wait()
    return results


def summary(results: dict[str, list[dict[str, float]]], rate: float) -> dict[str, Any]:
    """Medians, ratios within the run and versions."""
    middle = {name: statistics.median(r["seconds"] for r in runs) for name, runs in results.items()}
    facts = results["desk"][0]["facts"]
    again = statistics.median(r["again"] for r in results["desk"])
    return {
        "facts": facts,
        "rate_limit_per_second": rate,
        "median_seconds": middle,
        "facts_per_second": {
            name: runs[0]["facts"] / middle[name] for name, runs in results.items()
        },
        "again_seconds": again,
        "cpu_seconds": {
            name: statistics.median(r["cpu"] for r in runs) for name, runs in results.items()
        },
        "load_average": os.getloadavg()[0],
        "peak_mb": {name: max(r["peak_mb"] for r in runs) for name, runs in results.items()},
        "ratios": {
            "of edgartools' parse (target >= 6)": middle["edgartools"] / middle["desk"],
            "of the pandas way (target >= 3)": middle["pandas"] / middle["desk"],
            "of the floor (1 is the floor)": middle["floor"] / middle["desk"],
            "second pull in sha256 of the bodies (target <= 2)": again / middle["sha256"],
        },
        "versions": {name: _version(name) for name in VERSIONS},
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "?"


def show(result: dict[str, Any]) -> None:
    """The table."""
    print(f"{'way':12} {'median s':>9} {'CPU s':>7} {'facts/s':>10} {'peak MB':>8}")
    for name, seconds in result["median_seconds"].items():
        speed = result["facts_per_second"][name]
        cpu, peak = result["cpu_seconds"][name], result["peak_mb"][name]
        print(f"{name:12} {seconds:9.3f} {cpu:7.2f} {speed:10,.0f} {peak:8.0f}")
    print(f"second pull {result['again_seconds'] * 1000:.0f} ms, all unchanged; limiter at "
          f"{result['rate_limit_per_second']:,.0f} requests/s")  # fmt: skip
    for name, ratio in result["ratios"].items():
        print(f"{ratio:8.2f} x {name}")
    print(f"load average {result['load_average']:.1f} on {os.cpu_count()} cores")
    print(", ".join(f"{name} {version}" for name, version in result["versions"].items()))


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=float, default=10_000.0)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--serve", action="store_true", help="used by the benchmark itself")
    chosen = parser.parse_args()
    if chosen.serve:
        serve(chosen.data)
        return
    result = summary(measure(chosen.data, chosen.rounds, chosen.rate), chosen.rate)
    show(result)
    if chosen.out:
        chosen.out.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
