"""Commands for machines: gates, features, an archive of the same bytes, identifiers of others."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from core.errors import SchemaError, UsageError
from core.observe import gauges
from core.service.care import automation, gauging
from core.service.desk import Desk
from core.service.filings import regrading
from core.service.kernel import commands
from tests.filled import fill


@pytest.fixture
def filled(desk: Desk) -> Desk:
    fill(desk)
    regrading.grade_all(desk)
    return desk


def run(desk: Desk, name: str, /, **given: Any) -> commands.CommandResult:
    return commands.run(desk, name, given)


def closed(desk: Desk, **given: Any) -> set[str]:
    found = run(desk, "gate", **given)
    names = {item["gate"] for item in found.document["gates"] if not item["passed"]}
    assert found.exit_code == (commands.FOUND_ERRORS if names else commands.DONE)
    assert found.document["passed"] is not bool(names)
    return names


def test_a_gate_closes_for_each_thing_that_is_wrong(filled: Desk) -> None:
    """Data behind, a dead job, a check with an error, doubtful grades."""
    before = closed(filled) - {"freshness"}  # the clock of the world decides of that
    assert before == set()
    job = filled.queue.publish("grade").job_id
    claimed = filled.queue.claim("w", filled.now() - filled.now())
    assert claimed is not None
    assert claimed.id == job
    filled.queue.bury(claimed, "gone wrong")
    with filled.warehouse.transaction() as tx:
        tx.execute("UPDATE grades SET grade = 'F' WHERE is_current")
        tx.execute(
            "INSERT INTO reconciliation_runs (run_id, started_at, worst, trigger_name) "
            "VALUES ('r', ?, 'error', 'manual')",
            [filled.now()],
        )
    assert {"dead jobs", "grades", "reconciliation"} <= closed(filled)
    assert "grades" not in closed(filled, most_doubtful_pct=100)


def test_a_withdrawn_report_is_doubtful_as_on_the_pages(filled: Desk) -> None:
    """Its status holds it at D, whatever its figures alone would get; the metric says so, too."""
    with filled.warehouse.transaction() as tx:
        tx.execute("UPDATE grades SET grade = 'A', score = 100 WHERE is_current")
        tx.execute("DELETE FROM filing_status")
        tx.execute(
            "INSERT INTO filing_status (cik, accession, since, status, reason, computed_at) "
            "SELECT cik, accession, filed, 'withdrawn', 'said so', graded_at FROM grades "
            "WHERE is_current"
        )
    assert "grades" in closed(filled)
    gauging.gauge(filled)
    assert gauges.GRADES.labels("A")._value.get() == 0
    assert gauges.GRADES.labels("D")._value.get() > 0


def test_features_say_what_they_hold(filled: Desk) -> None:
    """The digest is that of the export's CSV."""
    found = run(filled, "features").document
    assert found["rows"] > 0
    assert found["companies"] == 2
    assert found["held_pct"]["cik"] == 100
    again = run(filled, "features").document
    assert again == found
    assert run(filled, "features", cik=7).document["rows"] == 0


def test_the_same_rows_make_the_same_archive(filled: Desk, tmp_path: Path) -> None:
    """Dry without `apply`; written whole beside its SHA-256."""
    dry = run(filled, "publish", target=tmp_path / "out").document
    assert not (tmp_path / "out").exists()
    done = run(filled, "publish", target=tmp_path / "out", apply=True).document
    assert done == {**dry, "applied": True}
    body = Path(done["file"]).read_bytes()
    assert hashlib.sha256(body).hexdigest() == done["sha256"]
    beside = Path(f"{done['file']}.sha256").read_text()
    assert beside == f"{done['sha256']}  {Path(done['file']).name}\n"
    with zipfile.ZipFile(done["file"]) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        filings = archive.read("filings.csv")
    assert manifest["tables"] == done["tables"]
    assert hashlib.sha256(filings).hexdigest() == manifest["tables"]["filings"]["sha256"]
    assert automation.artefact(filled)[0] == body


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_file_of_others_is_compared(filled: Desk, tmp_path: Path, ending: str) -> None:
    """By kind, with a sample; 3 where something differs."""
    frame = pl.DataFrame({"CIK": ["1001", "7"], "Ticker": ["AAA", "ZZZ"], "x": ["", ""]})
    path = tmp_path / f"theirs.{ending}"
    frame.write_csv(path) if ending == "csv" else frame.write_parquet(path)
    found = run(filled, "reconcile_against", path=path)
    assert found.exit_code == commands.FOUND_ERRORS
    kinds = {"unknown cik": 1, "unknown ticker": 1, "missing outside": 1}
    assert found.document["by_kind"] == kinds
    assert found.document["sample"][0]["row"] == 2


def test_a_file_without_identifiers_is_refused(filled: Desk, tmp_path: Path) -> None:
    """With what its columns should be called."""
    path = tmp_path / "theirs.csv"
    path.write_text("name\nAlpha\n")
    with pytest.raises(SchemaError, match="neither a column"):
        run(filled, "reconcile_against", path=path)
    path.write_text("")
    with pytest.raises(SchemaError, match="cannot be read"):
        run(filled, "reconcile_against", path=path)
    with pytest.raises(UsageError, match="no file"):
        run(filled, "reconcile_against", path=tmp_path / "none.csv")
