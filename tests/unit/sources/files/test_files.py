"""Files as pulls: spellings of vendors, LEAN files, versions."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from core.catalogue import Catalogue
from core.domain.tables.datasets import Dataset, Window
from core.errors import NotFoundError, ParsingError, UsageError
from core.sources.files.source import FileSource
from core.sources.pulled import Progress, Pulled

ROOT = Path(__file__).resolve().parents[4]
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The project's own catalogue."""
    return Catalogue.load(ROOT / "data" / "catalogue.toml")


async def pull(dataset: Dataset, path: Path, known: str | None = None, **more: Any) -> Pulled:
    """One import."""
    source = FileSource(path, today=NOW.date, **more)
    return await source.pull(dataset, Window(dataset.name, NOW, NOW), known_version=known)


async def test_a_vendor_file_fits_by_its_usual_spellings(tmp_path, catalogue) -> None:
    """Ticker, Date, Open … are found; what the dataset does not know is reported."""
    path = tmp_path / "yahoo.csv"
    path.write_text("Ticker,Date,Open,High,Low,Close,Adj Close,Volume\nA,2024-01-02,1,2,1,2,2,9\n")
    pulled = await pull(catalogue.get("prices.daily"), path)
    assert pulled.tables[0].rows.rows() == [("A", date(2024, 1, 2), 1.0, 2.0, 1.0, 2.0, 9)]
    assert pulled.drift == ("Adj Close",)


async def test_a_file_of_one_symbol_takes_it_as_a_constant(tmp_path, catalogue) -> None:
    """A column that the file lacks may be given beside it."""
    path = tmp_path / "spy.csv"
    path.write_text("Date,Open,High,Low,Close,Volume\n2024-01-02,1,2,1,2,9\n")
    pulled = await pull(catalogue.get("prices.daily"), path, constants={"symbol": "SPY"})
    assert pulled.tables[0].rows["symbol"].to_list() == ["SPY"]


async def test_the_same_bytes_again_are_unchanged(tmp_path, catalogue) -> None:
    """The version of a file is its sha256; nothing is read a second time."""
    path = tmp_path / "u.csv"
    path.write_text("symbol,name,sector,industry,exchange,cik\nA,,,,,1\n")
    first = await pull(catalogue.get("universe"), path)
    again = await pull(catalogue.get("universe"), path, known=first.version)
    assert (again.unchanged, again.version, again.tables) == (True, first.version, ())


async def test_parquet_is_imported_too(tmp_path, catalogue) -> None:
    """By the same spellings."""
    path = tmp_path / "p.parquet"
    columns = {"Name": ["A"], "Date": [date(2024, 1, 2)], "volume": [5]}
    prices = {name: [1.0] for name in ("Open", "High", "Low", "Close")}
    pl.DataFrame({**columns, **prices}).write_parquet(path)
    pulled = await pull(catalogue.get("prices.daily"), path)
    assert pulled.tables[0].rows.rows() == [("A", date(2024, 1, 2), 1.0, 1.0, 1.0, 1.0, 5)]


async def test_progress_hooks_may_be_plain_or_async(tmp_path, catalogue) -> None:
    """Both hear the same messages."""
    path = tmp_path / "u.csv"
    path.write_text("symbol,name,sector,industry,exchange,cik\nA,,,,,1\n")
    heard: list[str] = []

    async def later(progress: Progress) -> None:
        heard.append(progress.message)

    dataset = catalogue.get("universe")
    window = Window(dataset.name, NOW, NOW)
    source = FileSource(path)
    await source.pull(dataset, window, on_progress=later)
    await source.pull(dataset, window, on_progress=lambda p: heard.append(p.message))
    assert heard == ["Reading u.csv", "Read 1 rows"] * 2


async def test_what_cannot_be_imported_is_said(tmp_path, catalogue) -> None:
    """Missing files, other endings and plain folders."""
    dataset = catalogue.get("universe")
    (tmp_path / "x.xlsx").write_bytes(b"PK")
    with pytest.raises(NotFoundError):
        await pull(dataset, tmp_path / "absent.csv")
    with pytest.raises(UsageError, match="neither CSV nor Parquet"):
        await pull(dataset, tmp_path / "x.xlsx")
    with pytest.raises(UsageError, match="folder"):
        await pull(dataset, tmp_path)


async def test_factor_and_map_files_become_corporate_actions(tmp_path, catalogue) -> None:
    """Splits, dividends and renames take effect the session after the row's date."""
    folder = tmp_path / "lean"
    (folder / "factor_files").mkdir(parents=True)
    (folder / "map_files").mkdir()
    factors = "19980102,0.5,0.25,1\n20140606,0.99,0.25,645.57\n20200828,0.99,1,499.23\n"
    factors += "20210204,0.9985,1,137.39\n20501231,1,1,0\n"
    (folder / "factor_files" / "new.csv").write_text(factors)
    (folder / "map_files" / "new.csv").write_text(
        "19980102,old,Q\n20180615,old,Q\n20501231,new,Q\n"
    )
    pulled = await pull(catalogue.get("corporate_actions"), folder)
    rows = pulled.tables[0].rows.sort("ex_date")
    assert rows.select("symbol", "ex_date", "kind", "ratio", "note").rows() == [
        ("OLD", date(2014, 6, 9), "split", 4.0, None),
        ("NEW", date(2018, 6, 18), "rename", None, "OLD"),
        ("NEW", date(2020, 8, 31), "dividend", None, None),
        ("NEW", date(2021, 2, 5), "dividend", None, None),
    ]
    amounts = rows.filter(pl.col("kind") == "dividend")["amount"].to_list()
    assert amounts == pytest.approx([499.23 * (1 - 0.99 / 0.9985), 137.39 * 0.0015], abs=1e-4)


async def test_a_broken_factor_file_is_refused_whole(tmp_path, catalogue) -> None:
    """Factors make sense only together."""
    path = tmp_path / "bad.csv"
    path.write_text("19980102,0.5,0.25,1\n19981399,0.5,x,1\n")
    with pytest.raises(ParsingError, match=r"bad\.csv: 1 rows"):
        await pull(catalogue.get("corporate_actions"), path)


async def test_the_real_lean_files_hold_the_known_splits(shared_data, tmp_path, catalogue) -> None:
    """AAPL 2:1, 2:1, 7:1 and 4:1; AIG 1:20; Apple paid 0.82 before its last split, 0.205 after."""
    folder = shared_data / "prices" / "corporate_actions"
    for name in ("lean_factor_files", "lean_map_files"):
        shutil.copytree(folder / name, tmp_path / name)
    pulled = await pull(catalogue.get("corporate_actions"), tmp_path)
    splits = (
        pulled.tables[0].rows.filter(pl.col("kind") == "split").select("symbol", "ex_date", "ratio")
    )
    apple = splits.filter(pl.col("symbol") == "AAPL").sort("ex_date")
    assert apple["ratio"].to_list() == [2.0, 2.0, 7.0, 4.0]
    assert apple["ex_date"].to_list()[-1] == date(2020, 8, 31)
    known = {("AIG", date(2009, 7, 1), 0.05), ("USO", date(2020, 4, 29), 0.125)}
    assert known | {("GOOG", date(2014, 4, 3), 2.0)} <= set(splits.rows())
    paid = pulled.tables[0].rows.filter(
        (pl.col("symbol") == "AAPL")
        & (pl.col("kind") == "dividend")
        & (pl.col("ex_date").dt.year() == 2020)
    )
    assert paid.sort("ex_date")["amount"].round(3).to_list()[-2:] == [0.82, 0.205]
