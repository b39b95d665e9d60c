"""A tenth of the market graded: time, memory, and what one changed filing takes after it.

    python -m benchmarks.market_grade STORE [--companies 1900] [--out market.json]

STORE is a folder outside of the project. Where it is not there yet it is made: the captured
companies (`../shared/data`, `../shared/corpus`) as often as it takes, each copy under a number of
its own, about 40 million facts. Then, each in a process of its own: all of it is graded, and one
company again after its newest report changed, as a pull would bring it. Told are seconds by the
clock and of processor time, and the most memory that was resident (goals: two minutes on two
cores, 1.5 GB, less than a tenth of a whole for one changed filing of one company).
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
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks import captures
from core import settings
from core.places import ROOT
from core.service.desk import Desk
from core.service.filings.regrading import grade_all
from core.sources.sec.decode import CompanyFacts, decode_facts
from core.store.facts import write_facts
from core.store.filings import write_companies, write_filings

COPY = 10_000_000
AT_ONCE = 20  # companies of a transaction
ROOTS = (captures.SHARED / "sec", captures.SHARED.parent / "corpus")


def answers() -> list[tuple[int, Path]]:
    """The number and the file of each captured company."""
    files = {f.name: f for root in ROOTS for f in sorted(root.glob("companyfacts/CIK*.json.gz"))}
    return [(int(re.sub(r"\D", "", name)), path) for name, path in sorted(files.items())]


def copies(companies: int) -> Iterator[tuple[int, Path, int]]:
    """(number, file, copy) of so many companies."""
    captured = answers()
    many = -(-companies // len(captured))
    every = ((cik, path, copy) for copy in range(many) for cik, path in captured)
    return islice(every, companies)


def decoded(cik: int, path: Path, copy: int) -> CompanyFacts:
    """A captured answer under the number of a copy."""
    body = gzip.decompress(path.read_bytes())
    return decode_facts(
        re.sub(rb'("cik":\s*)\d+', rb"\g<1>%d" % (cik + copy * COPY), body, count=1)
    )


def build(folder: Path, companies: int) -> None:
    """Fill a new store."""
    now = datetime.now(UTC)
    listed = [captures.load_submissions(root) for root in ROOTS if root.is_dir()]
    filings = pl.concat([part for part, _ in listed]).unique(["cik", "accession"])
    about = pl.concat([part for _, part in listed]).unique("cik")
    with Desk.open(settings.load(data_dir=folder, scheduler=False)) as desk:
        every = copies(companies)
        while batch := list(islice(every, AT_ONCE)):
            with desk.warehouse.transaction() as tx:
                write_facts(tx, [decoded(*one) for one in batch], "market", now)
        for copy in {copy for _, _, copy in copies(companies)}:
            own = [cik for cik, _, of in copies(companies) if of == copy]
            some = pl.col("cik").is_in(own)
            moved = [
                frame.filter(some).with_columns(pl.col("cik") + copy * COPY)
                for frame in (filings, about)
            ]
            with desk.warehouse.transaction() as tx:
                write_filings(tx, moved[0], "market")
                write_companies(tx, moved[1], "market")


def graded(folder: Path) -> dict[str, Any]:
    """Grade what changed in a store; what it took, of the clock, the processors and memory."""
    with Desk.open(settings.load(data_dir=folder, scheduler=False)) as desk:
        facts = int(desk.warehouse.read("SELECT count(*) FROM facts").item())
        before = _resident()
        wall, cpu = time.perf_counter(), time.process_time()
        found = grade_all(desk)
        return {
            "facts": facts, **found,
            "seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu,
            "opened_mb": before, "most_mb": _resident(),
        }  # fmt: skip


def _resident() -> float:
    """The most memory that was resident until now, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def change(folder: Path) -> None:
    """Tell one amount of the newest report of the largest company otherwise, as a new answer."""
    _, path = max(answers(), key=lambda one: one[1].stat().st_size)
    body = json.loads(gzip.decompress(path.read_bytes()))
    told = [fact for fact in body["facts"]["us-gaap"]["Assets"]["units"]["USD"]
            if fact["form"] in {"10-K", "10-Q"}]  # fmt: skip
    newest = max(told, key=lambda fact: (fact["filed"], fact["end"]))
    newest["val"] += 1
    with (
        Desk.open(settings.load(data_dir=folder, scheduler=False)) as desk,
        desk.warehouse.transaction() as tx,
    ):
        write_facts(tx, [decode_facts(json.dumps(body).encode())], "changed", datetime.now(UTC))


def _share(one: float, of: float) -> str:
    return f"{one / of:.3f}"


def main() -> None:
    """Make the store where there is none, grade, change, grade again; print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--companies", type=int, default=1900)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    folder = asked.store.resolve()
    if folder.is_relative_to(ROOT):
        parser.error("the store must be outside of the project")
    alone = multiprocessing.get_context("spawn")
    with alone.Pool(1, maxtasksperchild=1) as pool:  # each step begins with nothing in memory
        if not folder.exists():
            folder.mkdir(parents=True)
            pool.apply(build, (folder, asked.companies))
        told = {"all": pool.apply(graded, (folder,))}
        pool.apply(change, (folder,))
        told["one changed filing"] = pool.apply(graded, (folder,))
    told["share"] = told["one changed filing"]["cpu_seconds"] / told["all"]["cpu_seconds"]
    sys.stdout.write(table(told) + "\n")
    if asked.out:
        asked.out.write_text(json.dumps(told, indent=2))


def table(told: dict[str, Any]) -> str:
    """The figures as text."""
    runs = whole, one = told["all"], told["one changed filing"]
    share = _share(one["cpu_seconds"], whole["cpu_seconds"])
    rows = [
        ("", "all", "one changed filing", "goal"),
        ("companies", *(f"{run['companies']:,}" for run in (whole, one)), ""),
        ("facts in the store", *(f"{run['facts']:,}" for run in (whole, one)), ""),
        ("gradings written", *(f"{run['written']:,}" for run in (whole, one)), ""),
        ("seconds by the clock", *(f"{run['seconds']:.1f}" for run in (whole, one)), "120"),
        ("seconds of processors", *(f"{run['cpu_seconds']:.1f}" for run in (whole, one)), "240"),
        ("processors at work", *(_share(r["cpu_seconds"], r["seconds"]) for r in runs), "2"),
        ("most resident memory, MB", *(f"{run['most_mb']:.0f}" for run in (whole, one)), "1,500"),
        ("share of a whole", "1", share, "0.1"),
    ]  # fmt: skip
    return "\n".join("".join(f"{cell:>26}" for cell in row) for row in rows)


if __name__ == "__main__":
    main()
