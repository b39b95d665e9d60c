"""Short commands without pandas: refused to the engine, given to everything else."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from app import slim
from tests.opened import ROOT

BARS = "symbol,date,open,high,low,close,volume\nAAA,2024-01-03,10,11,9,10.5,100\n"
READ = """
import sys
from datetime import date
from pathlib import Path
from app import slim
from core.store.warehouse import Warehouse
slim.without_pandas()
slim.without_pandas()
with Warehouse.open(Path(sys.argv[1]) / "desk.duckdb") as warehouse:
    found = warehouse.read("SELECT ? AS d, ? AS n, ? AS e", [date(2026, 1, 2), 7, None])
assert found.rows() == [(date(2026, 1, 2), 7, None)], found
assert "pandas" not in sys.modules
assert sum(isinstance(finder, slim.PandasRefused) for finder in sys.meta_path) == 1
import pandas
from datetime import datetime
import polars
frame = pandas.DataFrame({"a": [1.0, None], "t": pandas.to_datetime(["2026-01-02", None])})
assert polars.from_pandas(frame).rows() == [(1.0, datetime(2026, 1, 2)), (None, None)]
"""


def test_the_engine_does_without_pandas_and_others_have_it(tmp_path):
    """Parameters are read as with it; it took a third of a second of every command."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def _asking_from(module: str, finder: slim.PandasRefused) -> object:
    space = {"__name__": module, "finder": finder}
    exec("found = finder.find_spec('pandas')", space)
    return space["found"]


def test_only_the_core_is_refused_and_only_so_often():
    """A plugin gets it; where the engine asks too often, it gets it too."""
    finder = slim.PandasRefused(most=1)
    assert _asking_from("a_plugin", finder) is None
    with pytest.raises(ModuleNotFoundError):
        _asking_from("core.store.warehouse", finder)
    assert _asking_from("core.store.warehouse", finder) is None
    assert finder.find_spec("numpy") is None


def test_a_command_runs_without_pandas(tmp_path):
    """A whole one, with its own engine: a row is read, checked and stored."""
    bars = tmp_path / "bars.csv"
    bars.write_text(BARS)
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "app", "import", "prices.daily", str(bars)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env={**os.environ, "OPENBELL_DATA_DIR": str(tmp_path / "desk")},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    taken = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert "duckdb" in taken
    assert [name for name in taken if name.startswith("pandas.")] == []  # a refusal is a line, too
