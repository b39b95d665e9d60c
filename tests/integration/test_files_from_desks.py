"""Files that lie at a desk are loaded by the engine, which tells the desk how far its jobs are."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from core.errors import UsageError
from core.service import everything  # noqa: F401 - registers what can be asked for
from core.service.desk import Desk
from core.service.kernel import commands
from core.service.pulls import inbox
from core.settings import Settings, load
from core.sources.pulled import Progress
from tests.cluster_rig import until

PRICES = "symbol,session,open,high,low,close,volume\nAAA,2026-11-25,1,2,1,2,100\n"


@contextmanager
def both(tmp_path: Path, urls: dict[str, str]) -> Iterator[tuple[Desk, Desk]]:
    """An engine that answers, and a desk."""
    with Desk.open(settings_of(tmp_path, urls, "engine-1")) as engine:
        engine.start(scheduler=False)
        with Desk.open(settings_of(tmp_path, urls, "desk-1")) as desk:
            yield engine, desk


def settings_of(tmp_path: Path, urls: dict[str, str], name: str) -> Settings:
    return load(data_dir=tmp_path / name, role=name.partition("-")[0], **urls)


def rows(desk: Desk, table: str) -> int:
    found: int = desk.warehouse.read(f"SELECT count(*) FROM {table}").item()
    return found


@pytest.mark.thorough
def test_import_inbox_and_backfill_at_a_desk_are_done_by_the_engine(
    tmp_path: Path, urls: dict[str, str]
) -> None:
    """The same documents as on one machine; files of the inbox are moved at the desk."""
    file = tmp_path / "prices.csv"
    file.write_text(PRICES)
    facts = tmp_path / "companyfacts.zip"
    with zipfile.ZipFile(facts, "w") as archive:
        archive.writestr("CIK0000000007.json", orjson.dumps(_facts(7)))
    with both(tmp_path, urls) as (engine, desk):
        given = {"dataset": "prices.daily", "path": file}
        tried = commands.run(desk, "import", given | {"dry_run": True}).document
        assert (tried["pulls"][0]["state"], rows(desk, "bars_daily")) == ("dry run", 0)
        done = commands.run(desk, "import", given)
        assert (done.document["pulls"][0]["rows_inserted"], done.exit_code) == (1, 0)
        assert rows(desk, "bars_daily") == 1  # seen at once
        again = commands.run(desk, "import", given).document["pulls"][0]
        assert (again["rows_inserted"], again["trigger"]) == (0, "import")

        waits = inbox.folder(desk) / "prices.daily" / "more.csv"
        waits.parent.mkdir(parents=True)
        waits.write_text(PRICES.replace("AAA", "BBB"))
        (inbox.folder(desk) / "nothing.txt").write_text("x")
        told = commands.run(desk, "watch_folder", {"apply": True}).document["files"]
        assert sorted(item["taken"] for item in told) == [False, True]
        assert all(Path(item["moved_to"]).is_file() for item in told)
        assert rows(desk, "bars_daily") == 2
        refused = "SELECT subject FROM events WHERE kind = 'file.refused'"
        assert desk.warehouse.read_anew(refused)["subject"].to_list() == ["nothing.txt"]

        loaded = commands.run(desk, "backfill", {"path": facts}).document["pulls"][0]
        assert (loaded["state"], loaded["rows_inserted"]) == ("done", 1)
        assert rows(desk, "facts") == 1
        with pytest.raises(UsageError, match="there is no file"):
            commands.run(desk, "import", given | {"path": tmp_path / "no.csv"})
        assert list(engine.downloads.iterdir()) == []


def test_a_desk_shows_how_far_a_job_of_the_engine_is(tmp_path: Path, urls: dict[str, str]) -> None:
    """While it runs, by the board that pages and commands look at."""
    with both(tmp_path, urls) as (engine, desk):
        engine.board.start("job-1", "prices.daily")
        engine.board.report("job-1", Progress("page 3", rows=1200, percent=40.0))
        until(lambda: desk.board.get("job-1") is not None, 30, "word of the job")
        live = desk.board.get("job-1")
        assert live is not None and live.so_far is not None
        assert (live.so_far.message, live.so_far.rows) == ("page 3", 1200)


def _facts(cik: int) -> dict[str, object]:
    fact = {
        "start": "2025-01-01", "end": "2025-12-31", "val": 5, "accn": f"{cik:010}-26-000001",
        "fy": 2025, "fp": "FY", "form": "10-K", "filed": "2026-02-01", "frame": "CY2025",
    }  # fmt: skip
    concept = {"label": "Revenues", "description": "r", "units": {"USD": [fact]}}
    return {"cik": cik, "entityName": "X", "facts": {"us-gaap": {"Revenues": concept}}}
