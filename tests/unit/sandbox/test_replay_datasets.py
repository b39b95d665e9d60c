"""Captured price files as datasets (made-up ones where there are none), and the catalogues."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from core.catalogue import Catalogue
from core.domain.timetable.sessions import sessions_between
from core.errors import NotFoundError
from core.sandbox.market.datasets import SimulatedDatasets
from core.sandbox.replay import ReplayDatasets

ROOT = Path(__file__).resolve().parents[3]


CAPTURED = {  # names and rows of the real files
    "Prices Daily": ("daily/all_stocks_5yr.csv.gz", 619_040),
    "Prices Daily Raw": ("daily/lean_daily_raw.csv.gz", 70_025),
    "Prices Minute": ("minute/lean_minute_extended.csv.gz", 21_258),
}
DAYS = sessions_between(date(2024, 1, 2), date(2024, 3, 28))["session"].to_list()
SPLITS = {"acme": (20, 2.0), "bolt": (30, 4.0), "core": (40, 0.5)}  # the session's place, ratio


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    body = text.encode()
    path.write_bytes(gzip.compress(body) if path.suffix == ".gz" else body)


def _bars(name: str) -> list[str]:
    """Raw bars of a name at 100, and at 100 / ratio from its split on."""
    place, ratio = SPLITS[name]
    prices = [100.0 if at < place else 100.0 / ratio for at in range(len(DAYS))]
    bars = zip(DAYS, prices, strict=True)
    return [f"{name},{day},{p},{p * 1.01},{p * 0.99},{p},1000000" for day, p in bars]


def make_captures(root: Path) -> Path:
    """Made-up files in the layout of captured ones: raw bars, factors, calendar, ticker map."""
    prices, heads = root / "prices", "open,high,low,close,volume"
    raw = "\n".join([f"symbol,date,{heads}", *(row for name in SPLITS for row in _bars(name)), ""])
    _write(prices / CAPTURED["Prices Daily Raw"][0], raw)
    adjusted = "\n".join(f"{day},100,101,99,100,1000000,ACME" for day in DAYS)
    _write(prices / CAPTURED["Prices Daily"][0], f"date,{heads},Name\n{adjusted}\n")
    minute = f"acme,{DAYS[0]} 09:30:00,1,1,1,1,5,regular\n"
    _write(prices / CAPTURED["Prices Minute"][0], f"symbol,ts_et,{heads},session\n{minute}")
    calendar = prices / "calendar" / "xnys_sessions_1998_2027.csv.gz"
    _write(calendar, "session\n" + "".join(f"{day}\n" for day in DAYS))
    for name, (place, ratio) in SPLITS.items():
        lines = (
            f"{DAYS[0]:%Y%m%d},1,{1 / ratio},100",
            f"{DAYS[place - 1]:%Y%m%d},1,{1 / ratio},100",
        )
        text = "\n".join([*lines, "20501231,1,1,0", ""])
        _write(prices / "corporate_actions" / "lean_factor_files" / f"{name}.csv", text)
    (prices / "corporate_actions" / "lean_map_files").mkdir()
    tickers = {"data": [[320193, "Acme Corp", "ACME", "Nasdaq"]]}
    reference = root / "sec" / "reference" / "company_tickers_exchange.json.gz"
    _write(reference, json.dumps(tickers))
    return root


@pytest.fixture(scope="module")
def captures(captures_or_none: Path | None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return captures_or_none or make_captures(tmp_path_factory.mktemp("captures"))


@pytest.fixture(scope="module")
def replay(captures: Path) -> ReplayDatasets:
    return ReplayDatasets(captures)


def test_captures_are_served_byte_for_byte(
    replay: ReplayDatasets, captures: Path, captures_or_none: Path | None
) -> None:
    """The bars are the captured bytes, all 619,040 daily rows."""
    for name, (file, rows) in CAPTURED.items():
        body = gzip.decompress((captures / "prices" / file).read_bytes())
        assert replay.csv(name) == body
        assert replay.rows(name) == (rows if captures_or_none else body.count(b"\n") - 1)


def test_splits_agree_with_the_raw_bars(
    replay: ReplayDatasets, captures_or_none: Path | None
) -> None:
    """Across every split of two for one or more the raw close falls by about its ratio."""
    raw = pl.read_csv(replay.csv("Prices Daily Raw"), try_parse_dates=True).with_columns(
        pl.col("symbol").str.to_uppercase(),
        pl.col("close").shift(1).over("symbol").alias("before"),
    )
    splits = replay.corporate_actions().filter(
        (pl.col("kind") == "split") & ((pl.col("ratio") >= 1.9) | (pl.col("ratio") < 0.6))
    )
    both = splits.join(raw, left_on=["symbol", "ex_date"], right_on=["symbol", "date"]).drop_nulls(
        "before"
    )
    assert both.height >= (10 if captures_or_none else len(SPLITS))
    off = both["before"] / both["open"] / both["ratio"]
    assert ((off > 0.8) & (off < 1.25)).all()


def test_the_universe_knows_the_companies(
    replay: ReplayDatasets, captures_or_none: Path | None
) -> None:
    """Symbols of the bars carry the CIK of the ticker map, once each."""
    universe = replay.universe()
    ciks = dict(universe.select("symbol", "cik").iter_rows())
    assert ciks["AAPL" if captures_or_none else "ACME"] == 320193
    assert universe["symbol"].is_unique().all()
    assert universe.height > (505 if captures_or_none else 2)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """Replay of a folder without captures says which folder it wanted."""
    with pytest.raises(NotFoundError, match="prices"):
        ReplayDatasets(tmp_path)


@pytest.mark.parametrize("name", ["catalogue.toml", "catalogue.replay.toml"])
def test_the_catalogues_are_valid(name: str) -> None:
    """No dataset of the shipped catalogues has a mistake; each says what it is."""
    catalogue = Catalogue.load(ROOT / "data" / name)
    assert catalogue.problems == ()
    for dataset in catalogue.datasets.values():
        assert dataset.upstream, dataset.name
        assert dataset.description, dataset.name
        assert dataset.key, dataset.name
        assert dataset.source == "file" or dataset.schedule, dataset.name


def test_the_replay_catalogue_differs_only_where_the_captures_do() -> None:
    """Same datasets, keys and schemas; other switches, options and words."""
    plain, replayed = (
        Catalogue.load(ROOT / "data" / name).datasets
        for name in ("catalogue.toml", "catalogue.replay.toml")
    )
    assert list(plain) == list(replayed)
    for name, dataset in plain.items():
        same = {"enabled": True, "options": {}, "description": ""}
        assert replace(dataset, **same) == replace(replayed[name], **same)
    assert plain["prices.daily"].options["adjustment"] == "none"
    assert replayed["prices.daily"].options["adjustment"] == "split"


def test_enabled_foundry_datasets_are_served(tmp_path: Path) -> None:
    """Every enabled Foundry dataset of a catalogue exists in its mode."""
    (tmp_path / "prices").mkdir()
    modes = {
        "catalogue.toml": SimulatedDatasets(7, date(2026, 3, 11)).names(),
        "catalogue.replay.toml": ReplayDatasets(tmp_path).names(),
    }
    for name, served in modes.items():
        enabled = Catalogue.load(ROOT / "data" / name).enabled
        wanted = {d.upstream for d in enabled if d.source == "foundry"}
        assert wanted <= set(served), f"{name}: serve it, or say enabled = false"


def test_a_folder_of_filings_alone_serves_no_datasets(tmp_path: Path) -> None:
    """The SEC can be replayed without prices; a folder without either is refused."""
    (tmp_path / "sec").mkdir()
    assert ReplayDatasets(tmp_path).names() == ()
    with pytest.raises(NotFoundError, match="no folder"):
        ReplayDatasets(tmp_path / "sec")
