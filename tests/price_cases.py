"""Loading small files of prices and actions into a desk, as the price cases are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from core.domain.timetable import sessions as calendar
from core.service.desk import Desk
from core.service.pulls import imports

HEADS = {
    "prices.daily": "symbol,date,open,high,low,close,volume",
    "corporate_actions": "symbol,ex_date,kind,ratio,amount,currency,note",
}
Bar = tuple[float, float, float, float, float]  # open, high, low, close, volume
CASES = Path(__file__).resolve().parents[2] / "shared" / "cases" / "prices"


def case(name: str) -> Path:
    """The folder of a price case beside the checkout; skips where it is absent."""
    folder = CASES / name
    if not folder.is_dir():
        pytest.skip(f"the price case {name} is not beside the checkout")
    return folder


def case_or_made(name: str, aside: Path) -> Path:
    """The folder of a price case beside the checkout; without it one of its kind, made `aside`."""
    if (CASES / name).is_dir():
        return CASES / name
    bars, actions = MADE[name]
    for file, rows in (("bars.csv", bars()), ("actions.csv", actions)):
        if rows:
            kind = "prices.daily" if file == "bars.csv" else "corporate_actions"
            (aside / file).write_text("\n".join([HEADS[kind], *rows, ""]), encoding="utf-8")
    return aside


def series(
    symbol: str,
    day: date,
    last: Bar,
    *,
    price: float = 100.0,
    noise: float = 0.008,
    seed: int = 3,
) -> Iterable[str]:
    """Sixty quiet sessions of a name, then one of (open, high, low, close, volume)."""
    chance = np.random.default_rng(seed)
    days = calendar.all_sessions()["session"]
    place = days.index_of(day)
    assert place is not None
    for when in days[place - 60 : place]:
        close = price * (1 + chance.normal(0, noise / 4))
        high, low = close * (1 + noise / 2), close * (1 - noise / 2)
        volume = chance.integers(4_000_000, 6_000_000)
        yield f"{symbol},{when},{close},{high},{low},{close},{volume}"
    yield f"{symbol},{day},{','.join(map(str, last))}"


def after(symbol: str, day: date, prior: str, last: Bar, price: float) -> list[str]:
    """The same with the bar before the last one as told: `open,high,low,close,volume`."""
    rows = list(series(symbol, day, last, price=price))
    rows[-2] = ",".join([*rows[-2].split(",")[:2], prior])
    return rows


DAY = date(2026, 6, 15)
IN_POUNDS = ("04-23", "04-24", "04-27", "04-28", "04-29", "04-30", "05-01", "05-04")
MADE: dict[str, tuple[Callable[[], list[str]], tuple[str, ...]]] = {
    "special-dividend": (
        lambda: after("COST2", DAY, "105,105.5,104.5,105,5e6", (95, 95.5, 94.5, 95, 9e6), 105),
        (f"COST2,{DAY},dividend,,10,USD,special",),
    ),
    "two-dividends-one-day": (
        lambda: after("COST", DAY, "105,105.5,104.5,104.9,5e6", (89.4, 90, 89, 89.5, 9e6), 105),
        (f"COST,{DAY},dividend,,0.5,USD,regular", f"COST,{DAY},dividend,,10,USD,special"),
    ),
    "dividend-in-pence": (
        lambda: list(series("VOD", DAY, (9.4, 9.5, 9.3, 9.4, 8e6), price=10)),
        (f"VOD,{DAY},dividend,,50,GBX,fifty pence",),
    ),
    "empty-base-bar": (
        lambda: after("NANB", date(2026, 10, 16), ",,,,", (106, 107, 105, 106, 9e6), 100),
        (),
    ),
    "reverse-split-on-and-off-record": (
        lambda: [
            row
            for name in ("AZN", "AZNR")
            for row in after(
                name, date(2026, 2, 2), "100,100.5,99.5,100,5e6", (196, 197, 195, 196, 3e6), 100
            )
        ],
        ("AZNR,2026-02-02,split,0.5,,,reverse",),
    ),
    "pence-to-pounds": (
        lambda: [
            *series("EZJ", date(2020, 4, 22), (5.9, 6.0, 5.8, 5.95, 5e6), price=600, noise=0.04),
            *(f"EZJ,2020-{day},5.9,6.0,5.8,5.95,5e6" for day in IN_POUNDS),
        ],
        (),
    ),
}


def load(desk: Desk, folder: Path, bars: str = "bars.csv") -> dict[str, Any]:
    """The pull of the case's bars, and its actions where it has some."""
    if (folder / "actions.csv").is_file():
        imports.load(desk, "corporate_actions", folder / "actions.csv")
    return imports.load(desk, "prices.daily", folder / bars)


def load_text(desk: Desk, folder: Path, rows: str, dataset: str = "prices.daily") -> dict[str, Any]:
    """The pull of rows written out in a test, under the usual header."""
    path = folder / f"{dataset}-{abs(hash(rows))}.csv"
    path.write_text(f"{HEADS[dataset]}\n{rows.strip()}\n", encoding="utf-8")
    return imports.load(desk, dataset, path)


def stored(desk: Desk, table: str = "bars_daily") -> pl.DataFrame:
    """The rows of a table without their lineage."""
    return desk.warehouse.read(f"SELECT * EXCLUDE pull_id FROM {table} ORDER BY ALL")


def steady(days: pl.Series, price: float, volume: float = 1e6) -> pl.DataFrame:
    """A name whose days range by 2 % around a price."""
    return pl.DataFrame({"session": days}).select(
        symbol=pl.lit("OLD"),
        session="session",
        open=pl.lit(price),
        high=pl.lit(price * 1.01),
        low=pl.lit(price * 0.99),
        close=pl.lit(price),
        volume=pl.lit(volume),
    )
