"""The whole market through the desk's own doors: load the bulk files, then one day's filings.

    python -m benchmarks.market FOLDER [--companies 19000] [--store URL] [--out market.json]

FOLDER is a folder outside of the project, for zips and store; nothing of it is kept elsewhere.
companyfacts.zip and submissions.zip are made there from the captured companies (`../shared/data`,
`../shared/corpus`), each copied under numbers of its own as often as it takes. Then, each in a
process of its own: both are loaded by `backfill`, all is graded, and a day follows in which every
fortieth company files: their answers and prices of all names are loaded, graded and scanned.
`--store ducklake:postgresql://…?data=…` does the same in a lake. Told are facts a second, seconds
by the clock and of processors, the most memory that was resident, and bytes of the store a fact.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import re
import resource
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks.market_grade import COPY, ROOTS, copies
from core import settings
from core.places import ROOT
from core.service import everything  # noqa: F401 - registers the commands
from core.service.desk import Desk
from core.service.filings.regrading import grade_all
from core.service.kernel import commands

FILE_OF_A_DAY = 40  # every so many companies files on the day
SESSIONS = ("2026-11-24", "2026-11-25", "2026-11-27")
HEAD = "symbol,session,open,high,low,close,volume"


def _numbered(body: bytes, cik: int, copy: int) -> bytes:
    """An answer under the number of a copy."""
    number = cik + copy * COPY
    return re.sub(rb'("cik":\s*"?)\d+', rb"\g<1>%010d" % number
                  if b'"cik":"' in body[:40] else rb"\g<1>%d" % number, body, count=1)  # fmt: skip


def _submissions() -> dict[int, Path]:
    """The captured answers of submissions, by number."""
    files = [f for root in ROOTS for f in sorted(root.glob("submissions/CIK*.json.gz"))]
    return {int(re.sub(r"\D", "", file.name)): file for file in files}


def pack(folder: Path, companies: int) -> None:
    """Make both zips."""
    listed = _submissions()
    with (
        zipfile.ZipFile(folder / "companyfacts.zip", "w", zipfile.ZIP_DEFLATED) as facts,
        zipfile.ZipFile(folder / "submissions.zip", "w", zipfile.ZIP_DEFLATED) as filings,
    ):
        for cik, path, copy in copies(companies):
            name = f"CIK{cik + copy * COPY:010}.json"
            facts.writestr(name, _numbered(gzip.decompress(path.read_bytes()), cik, copy))
            if cik in listed:
                body = gzip.decompress(listed[cik].read_bytes())
                filings.writestr(name, _numbered(body, cik, copy))


def pack_day(folder: Path, companies: int) -> None:
    """Answers of a day later: every fortieth company has one more filing."""
    with zipfile.ZipFile(folder / "day.zip", "w", zipfile.ZIP_DEFLATED) as facts:
        for number, (cik, path, copy) in enumerate(copies(companies)):
            if number % FILE_OF_A_DAY == 0:
                body = _filed(json.loads(gzip.decompress(path.read_bytes())))
                name = f"CIK{cik + copy * COPY:010}.json"
                facts.writestr(name, _numbered(json.dumps(body).encode(), cik, copy))


def _filed(answer: dict[str, Any]) -> dict[str, Any]:
    """The newest filing's facts once more, as an amendment that was filed on the day after."""
    units = [u for c in answer["facts"].values() for f in c.values() for u in f["units"].values()]
    newest = max((fact["filed"], fact["accn"]) for unit in units for fact in unit)
    day = (date.fromisoformat(newest[0]) + timedelta(days=1)).isoformat()
    for unit in units:
        told = [fact for fact in unit if (fact["filed"], fact["accn"]) == newest]
        unit += [{**f, "accn": f"{f['accn'][:14]}999999", "filed": day} for f in told]
    return answer


def prices(companies: int) -> Iterator[str]:
    """A CSV of daily bars of as many names, of which some gap on the last session."""
    yield HEAD
    for number in range(companies):
        for day, session in enumerate(SESSIONS):
            opened = 20 + number % 300 + (day == len(SESSIONS) - 1) * (number % 7)
            high, low, close = opened + 2, opened - 2, opened + 1
            yield f"M{number},{session},{opened},{high},{low},{close},{1_000_000 + number}"


def load(folder: Path, store: str | None) -> dict[str, Any]:
    """Both zips into an empty store."""

    def work(desk: Desk) -> None:
        for name in ("companyfacts.zip", "submissions.zip"):
            done = commands.run(desk, "backfill", {"path": folder / name}).document["pulls"][0]
            if done["state"] not in ("done", "partial"):
                raise SystemExit(f"{name}: {done['state']} {done['error']}")

    return _measured(folder, store, work)


def grade(folder: Path, store: str | None) -> dict[str, Any]:
    """What a first fill grades."""
    return _measured(folder, store, grade_all)


def day(folder: Path, store: str | None) -> dict[str, Any]:
    """One day: its filings and prices are loaded, graded, scanned."""

    def work(desk: Desk) -> None:
        commands.run(desk, "backfill", {"path": folder / "day.zip"})
        given = {"dataset": "prices.daily", "path": folder / "prices.csv"}
        commands.run(desk, "import", given)
        grade_all(desk)
        began = time.perf_counter()
        commands.run(desk, "scan", {"date": SESSIONS[-1]})
        told["scan_seconds"] = time.perf_counter() - began

    told: dict[str, Any] = {}
    return _measured(folder, store, work) | told


def _measured(folder: Path, store: str | None, work: Callable[[Desk], object]) -> dict[str, Any]:
    """Run in an open desk; what it took, of the clock, the processors and memory."""
    given = {"store_url": store} if store else {}
    chosen = settings.load(data_dir=folder / "desk", scheduler=False, plugins=False, **given)
    with Desk.open(chosen) as desk:
        wall, cpu = time.perf_counter(), time.process_time()
        work(desk)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        facts = int(desk.warehouse.read_anew("SELECT count(*) FROM facts").item())
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"facts": facts, "seconds": wall, "cpu_seconds": cpu, "most_mb": most}


def _bytes(folder: Path, store: str | None) -> int:
    """What the store takes on this disk; of a lake what lies in a folder."""
    place = store.partition("?data=")[2] if store else str(folder / "desk" / "desk.duckdb")
    path = Path(place)
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def main() -> None:
    """Make, load, grade, live a day; print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--companies", type=int, default=19_000)
    parser.add_argument("--store", help="another store than a file, as OPENBELL_STORE_URL")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    folder = asked.folder.resolve()
    if folder.is_relative_to(ROOT):
        parser.error("the folder must be outside of the project")
    folder.mkdir(parents=True)  # an empty one: a store that is filled already measures nothing
    pack(folder, asked.companies)
    pack_day(folder, asked.companies)
    (folder / "prices.csv").write_text("\n".join(prices(asked.companies)) + "\n")
    alone = multiprocessing.get_context("spawn")
    told: dict[str, Any] = {"companies": asked.companies}
    with alone.Pool(1, maxtasksperchild=1) as pool:  # each step begins with nothing in memory
        for step in (load, grade, day):
            told[step.__name__] = pool.apply(step, (folder, asked.store))
            sys.stdout.write(f"{step.__name__:<8}{_line(told[step.__name__])}\n")
            sys.stdout.flush()
    size = _bytes(folder, asked.store)
    told["bytes_a_fact"] = size / told["load"]["facts"]
    told["packed_mb"] = (folder / "companyfacts.zip").stat().st_size / 1e6
    rate = told["load"]["facts"] / told["load"]["seconds"]
    sys.stdout.write(
        f"{told['packed_mb']:.0f} MB packed, {rate:,.0f} facts/s, "
        f"{told['bytes_a_fact']:.1f} bytes a fact\n"
    )
    if asked.out:
        asked.out.write_text(json.dumps(told, indent=2))


def _line(told: dict[str, Any]) -> str:
    scan = f", scan {told['scan_seconds']:.2f} s" if "scan_seconds" in told else ""
    return (
        f"{told['facts']:>12,} facts {told['seconds']:>8.1f} s {told['cpu_seconds']:>8.1f} CPU s"
        f" {told['most_mb']:>7.0f} MB{scan}"
    )


if __name__ == "__main__":
    main()
