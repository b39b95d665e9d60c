"""Prices and companies for tests that need structure, not truth: the captures, else simulated ones.

Where the real files are beside the checkout they are taken, elsewhere the simulated market and
companies with their planted faults, so that a stranger's clone runs the same tests.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import orjson
import polars as pl

from benchmarks import captures
from core.sandbox.companies.filings_provider import SimulatedFilings
from core.sandbox.market.frames import Market
from core.sandbox.market.names import cik_of
from core.sandbox.sec.replay import ReplayProvider
from core.sources.sec.submissions import decode_submissions
from tests import real_prices

SEED, AS_OF, BEFORE = 7, date(2026, 3, 11), date(2025, 10, 1)
NAMES, COMPANIES = 120, 12
Frames = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]
Provider = ReplayProvider | SimulatedFilings


@dataclass(frozen=True, slots=True)
class Prices:
    """Daily bars, their actions if any are recorded, and days on which something is the matter."""

    bars: pl.DataFrame
    actions: pl.DataFrame | None
    days: tuple[date, ...]
    least: int  # names that have a bar on each of the days


@lru_cache(maxsize=1)
def _market() -> tuple[pl.DataFrame, pl.DataFrame]:
    market = Market(SEED, AS_OF)
    actions = market.corporate_actions()
    split = actions.filter(pl.col("kind") == "split")["symbol"].unique().sort().to_list()
    bars = market.bars_daily()
    others = bars["symbol"].unique().sort().to_list()[:NAMES]
    bars = bars.filter(pl.col("symbol").is_in([*split, *others])).sort("symbol", "session")
    return bars, actions


def adjusted(shared: Path | None) -> Prices:
    """Bars without actions, with unrecorded splits, bad prints, holes and short histories."""
    if shared is None:
        bars = _market()[0]
        days = bars["session"].unique().sort()
        places = (30, 120, 300, 480, days.len() - 2, days.len() - 1)
        return Prices(bars, None, tuple(days[place] for place in places), NAMES // 2)
    days_of_captures = (
        date(2013, 3, 15),  # names with short histories
        date(2014, 5, 20),  # after CHD's bad print
        date(2015, 7, 20),  # EBAY, PYPL's first weeks
        date(2016, 5, 20),  # LNT after its bad bar
        date(2017, 11, 17),
        date(2018, 2, 7),
    )
    return Prices(real_prices.five_years(shared), None, days_of_captures, 470)


def raw(shared: Path | None) -> Prices:
    """Raw bars with splits and dividends: on a split's day, after it, and with splits to come."""
    if shared is None:
        bars, actions = _market()
        splits = (
            actions.filter(
                (pl.col("kind") == "split") & pl.col("ex_date").is_in(bars["session"].implode())
            )["ex_date"]
            .unique()
            .sort()
        )
        after = bars["session"].unique().sort()
        days = [splits[3], splits[-1]]
        days += [after[after.index_of(day) + further] for day in days for further in (1, 8)]
        return Prices(bars, actions, tuple(days), 12)
    days_of_captures = (
        date(2004, 8, 30), date(2004, 9, 15), date(2012, 8, 9),
        date(2014, 6, 9), date(2014, 6, 10), date(2014, 7, 1),
    )  # fmt: skip
    actions = real_prices.factor_actions(shared)
    return Prices(real_prices.raw_bars(shared), actions, days_of_captures, 12)


_SITES = {
    "split": (("AAPL", date(2014, 6, 9), 7.0), ("BAC", date(2004, 8, 30), 2.0)),
    "dividend": (("AAPL", date(2012, 8, 9), 2.65),),
}


def site(
    prices: Prices, kind: str, figure: str, place: int, shared: Path | None
) -> tuple[str, date, float]:
    """A name, day and figure of a split or dividend in raw prices; simulated ones by place."""
    if shared is not None:
        return _SITES[kind][place]
    assert prices.actions is not None
    bars = prices.bars.select("symbol", "session")
    found = prices.actions.filter(pl.col("kind") == kind).join(
        bars, left_on=["symbol", "ex_date"], right_on=["symbol", "session"]
    )
    found = found.filter(pl.col("ex_date") > bars["session"].min()).sort("symbol", "ex_date")
    row = found.row(place * 2, named=True)
    return row["symbol"], row["ex_date"], row[figure]


@dataclass(frozen=True, slots=True)
class Scannable:
    """What a desk needs for its scan, and where something is to be seen in it."""

    bars: pl.DataFrame
    actions: pl.DataFrame | None
    filings: pl.DataFrame
    identifiers: pl.DataFrame
    symbol: str
    cik: int
    busy: date  # many names gap
    results: date  # the symbol gaps on its results


def scannable(shared: Path | None) -> Scannable:
    """Two years of bars with filings: captured, or simulated with their actions."""
    if shared is None:
        bars, actions = _market()
        bars = bars.filter(pl.col("session") >= date(2024, 1, 1))
        _, filings, identifiers = _submissions()
        days = (date(2026, 2, 18), date(2026, 2, 2))
        return Scannable(bars, actions, filings, identifiers, "QUED", cik_of(5), *days)
    bars = real_prices.five_years(shared)
    bars = bars.filter(pl.col("session").is_between(date(2016, 1, 1), date(2018, 1, 1)))
    filings, identifiers = real_prices.filings(shared)
    filings = filings.filter(pl.col("filed") >= date(2009, 1, 1))
    days = (date(2017, 11, 17), date(2017, 11, 16))
    return Scannable(bars, None, filings, identifiers, "WMT", 104169, *days)


@lru_cache(maxsize=1)
def _served() -> SimulatedFilings:
    return SimulatedFilings(SEED, AS_OF)


@lru_cache(maxsize=1)
def _submissions() -> Frames:
    """Companies, filings and identifiers of the first of the simulated companies."""
    ciks = [cik_of(slot) for slot in range(1, COMPANIES + 1)]
    decoded = [decode_submissions(_body(f"CIK{cik:010}"), cik) for cik in ciks]
    parts = ([d.company for d in decoded], [d.filings for d in decoded])
    return pl.concat(parts[0]), pl.concat(parts[1]), pl.concat([d.identifiers for d in decoded])


@lru_cache(maxsize=1)
def simulated_companies() -> Frames:
    """Facts, filings and companies of the first of the simulated companies, as frames."""
    ciks = [cik_of(slot) for slot in range(1, COMPANIES + 1)]
    bodies = [_body(f"companyfacts/CIK{cik:010}") for cik in ciks]
    facts = [captures.facts_of(orjson.loads(body)) for body in bodies]
    companies, filings, _ = _submissions()
    return pl.concat(facts), filings, companies


def _body(name: str) -> bytes:
    folder = "/api/xbrl/" if name.startswith("companyfacts") else "/submissions/"
    document = _served().document(f"{folder}{name}.json")
    assert document is not None, name
    assert json.loads(document.body)
    return document.body


def submissions(shared: Path | None) -> list[tuple[int, bytes]]:
    """CIK and body of every captured list of filings and page of one, or of simulated ones."""
    if shared is not None:
        found = sorted((shared / "sec").glob("submissions*/*.gz"))
        return [(int(path.name[3:13]), gzip.decompress(path.read_bytes())) for path in found]
    ciks = [cik_of(slot) for slot in range(1, COMPANIES + 1)]
    lists = [(cik, _body(f"CIK{cik:010}")) for cik in ciks]
    pages = [
        (cik, _body(page["name"].removesuffix(".json")))
        for cik, body in lists
        for page in json.loads(body)["filings"]["files"]
    ]
    return [*lists, *pages]


def served(shared: Path | None, *, vintage: int | None = None) -> Provider:
    """The captured SEC, or a simulated one; `vintage` 0 is how it stood some months before."""
    if shared is not None:
        return ReplayProvider(shared, vintage=vintage)
    return SimulatedFilings(SEED, BEFORE) if vintage == 0 else _served()


def ciks_with_facts(shared: Path | None) -> list[int]:
    """All companies whose facts were captured, or the first of the simulated ones."""
    return served(shared).companies() if shared else served(None).companies()[:COMPANIES]


def ciks_with_filings(shared: Path | None) -> list[int]:
    """Those of them whose list of filings is there, too."""
    found = served(shared)
    ciks = ciks_with_facts(shared)
    return [cik for cik in ciks if found.document(f"/submissions/CIK{cik:010}.json", {})]


def companies(shared: Path | None) -> Frames:
    """Facts, filings and companies of all captures, or of simulated companies."""
    if shared is None:
        return simulated_companies()
    return (captures.load_facts(), *captures.load_submissions())
