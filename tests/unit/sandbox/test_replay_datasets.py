"""Captured price files as datasets, and the default catalogues."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from core.catalogue import Catalogue
from core.errors import NotFoundError
from core.sandbox.market.datasets import SimulatedDatasets
from core.sandbox.replay import ReplayDatasets

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def replay(shared_data: Path) -> ReplayDatasets:
    return ReplayDatasets(shared_data)


def test_captures_are_served_byte_for_byte(replay: ReplayDatasets, shared_data: Path) -> None:
    """The daily bars are the captured bytes, all 619,040 rows."""
    captured = (shared_data / "prices" / "daily" / "all_stocks_5yr.csv.gz").read_bytes()
    assert replay.csv("Prices Daily") == gzip.decompress(captured)
    assert replay.rows("Prices Daily") == 619_040
    assert replay.rows("Prices Daily Raw") == 70_025
    assert replay.rows("Prices Minute") == 21_258


def test_known_splits_come_out_of_the_factor_files(replay: ReplayDatasets) -> None:
    """Splits take effect the session after the file's date, with new shares per old one."""
    splits = replay.corporate_actions().filter(pl.col("kind") == "split")
    known = {
        ("AAPL", date(2014, 6, 9)): 7.0,
        ("AAPL", date(2020, 8, 31)): 4.0,
        ("AIG", date(2009, 7, 1)): 0.05,
        ("USO", date(2020, 4, 29)): 0.125,
        ("GOOG", date(2014, 4, 3)): 2.0,
    }
    found = {(s, d): r for s, d, r in splits.select("symbol", "ex_date", "ratio").iter_rows()}
    assert {key: found.get(key) for key in known} == known


def test_splits_agree_with_the_raw_bars(replay: ReplayDatasets) -> None:
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
    assert both.height >= 10
    off = both["before"] / both["open"] / both["ratio"]
    assert ((off > 0.8) & (off < 1.25)).all()


def test_dividends_have_their_cash_amount(replay: ReplayDatasets) -> None:
    """Apple's dividends of 2020: 0.82 before the 4:1 split, 0.205 after it."""
    paid = replay.corporate_actions().filter(
        (pl.col("symbol") == "AAPL")
        & (pl.col("kind") == "dividend")
        & (pl.col("ex_date").dt.year() == 2020)
    )
    assert paid["amount"].round(3).to_list()[-2:] == [0.82, 0.205]


def test_the_universe_knows_the_companies(replay: ReplayDatasets) -> None:
    """Symbols of the bars carry the CIK of the ticker map."""
    universe = replay.universe()
    ciks = dict(universe.select("symbol", "cik").iter_rows())
    assert ciks["AAPL"] == 320193
    assert universe["symbol"].is_unique().all()
    assert universe.height > 505


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


def test_enabled_foundry_datasets_are_served(shared_data: Path) -> None:
    """Every enabled Foundry dataset of a catalogue exists in its mode."""
    modes = {
        "catalogue.toml": SimulatedDatasets(7, date(2026, 3, 11)).names(),
        "catalogue.replay.toml": ReplayDatasets(shared_data).names(),
    }
    for name, served in modes.items():
        enabled = Catalogue.load(ROOT / "data" / name).enabled
        wanted = {d.upstream for d in enabled if d.source == "foundry"}
        assert wanted <= set(served)


def test_a_folder_of_filings_alone_serves_no_datasets(tmp_path: Path) -> None:
    """The SEC can be replayed without prices; a folder without either is refused."""
    (tmp_path / "sec").mkdir()
    assert ReplayDatasets(tmp_path).names() == ()
    with pytest.raises(NotFoundError, match="no folder"):
        ReplayDatasets(tmp_path / "sec")
