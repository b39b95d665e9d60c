"""Killing the process between approval and posting leaves either both or neither."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core import settings
from core.service.desk import Desk
from core.service.trading import journal, plans

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import os, signal, sys
from datetime import date
from pathlib import Path
import polars as pl
from core import settings
from core.service.desk import Desk
from core.service.trading import journal, plans
from core.store import journal as journal_store, plans as plan_store
from core.store.warehouse import Warehouse

point, folder = sys.argv[1], Path(sys.argv[2])

def die(*_args, **_kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

def after(module, name):
    original = getattr(module, name)
    def wrapped(*args, **kwargs):
        original(*args, **kwargs)
        die()
    setattr(module, name, wrapped)

desk = Desk.open(settings.load(data_dir=folder))
days = pl.date_range(date(2017, 1, 1), date(2017, 3, 31), eager=True)
days = days.filter(days.dt.weekday() < 6)
bars = pl.DataFrame({"session": days}).with_columns(
    pl.lit("AAA").alias("symbol"), pl.lit(50.0).alias("open"), pl.lit(51.0).alias("high"),
    pl.lit(49.0).alias("low"), pl.lit(50.5).alias("close"), pl.lit(10**6).alias("volume"),
    pl.lit("test").alias("pull_id"))
with desk.warehouse.transaction() as tx:
    tx.insert("bars_daily", bars)
if point == "before plan":
    plan_store.insert = die
elif point == "after plan":
    after(plan_store, "insert")
elif point == "after event":
    after(plan_store, "add_event")
elif point == "before posting":
    journal_store.append = die
elif point == "after posting":
    after(journal_store, "append")
plans.approve(desk, plans.Ask("AAA"), "go")
die()
"""


POINTS = (
    "after event",
    "after commit",
    "before plan",
    "after plan",
    "before posting",
    "after posting",
)


@pytest.mark.few(1)
@pytest.mark.parametrize("point", POINTS)
def test_both_or_neither(tmp_path: Path, point: str) -> None:
    """Wherever the process is killed, plan, event and posting are all there or all missing."""
    folder = tmp_path / "desk"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, point, str(folder)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    with Desk.open(settings.load(data_dir=folder)) as desk:
        counts = [
            desk.warehouse.read(f"SELECT count(*) FROM {table}").item()
            for table in ("plans", "plan_events", "journal_entries", "journal_postings")
        ]
        expected = [1, 1, 2, 4] if point == "after commit" else [0, 0, 0, 0]
        assert counts == expected
        assert len(journal.entries(desk)) == expected[2]
        assert journal.prove(desk)["differences"] == []
        if point != "after commit":
            assert plans.approve(desk, plans.Ask("AAA"), "again").state == "approved"
