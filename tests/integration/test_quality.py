"""Grades, reconciliation and dataset quality on the desk: captured companies, or simulated ones."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest

from benchmarks.captures import facts_of, read_json
from core import settings
from core.domain.filings.facts import coded
from core.service import current
from core.service.desk import Desk
from core.service.filings import quality, reconcile
from core.service.filings.grade_document import CSV_COLUMNS
from core.service.filings.regrading import grade_all
from core.service.kernel import exports
from core.service.kernel.commands import run as run_command
from core.sources.sec.submissions import decode_submissions
from core.store import quality as store
from core.store.facts import append_facts
from core.store.transaction import Transaction
from tests import stand_ins

NOW = datetime(2026, 11, 21, tzinfo=UTC)
CIKS = (2488, 820313, 1045810, 320193)
ASSETS_OF = (
    "source IN (SELECT source FROM fact_sources WHERE accession = ?) "
    "AND measure IN (SELECT measure FROM fact_measures WHERE concept = 'Assets')"
)


@dataclass(frozen=True, slots=True)
class Given:
    """Which company and filing the tests look at: captured ones, else simulated ones."""

    cik: int  # its balance sheets are sound
    other: int
    accession: str  # an annual report of the first, of 2023 or later


@pytest.fixture(scope="module")
def given(captures_or_none: Path | None) -> Given:
    """Apple and NVIDIA with Apple's report of 2023; else two simulated companies."""
    if captures_or_none is not None:
        return Given(320193, 820313, "0000320193-23-000106")
    filings = stand_ins.companies(None)[1]
    annual = filings.filter(pl.col("form") == "10-K", pl.col("filed") > date(2023, 1, 1))
    ciks = annual["cik"].unique().sort()
    first = annual.filter(pl.col("cik") == ciks[0]).sort("filed")
    return Given(ciks[0], ciks[1], first["accession"][0])


@pytest.fixture(scope="module")
def graded(
    tmp_path_factory: pytest.TempPathFactory, captures_or_none: Path | None
) -> Iterator[Desk]:
    """A desk with the facts and filings of four real companies, or of simulated ones, graded."""
    desk = Desk.open(settings.load(data_dir=tmp_path_factory.mktemp("graded")))
    with desk, desk.warehouse.transaction() as tx:
        if captures_or_none is None:
            facts, filings, companies = stand_ins.companies(None)
            append_facts(tx, [coded(facts)], "p1", NOW)
            tx.insert("companies", companies.with_columns(pull_id=pl.lit("p1")))
            tx.insert("filings", filings.with_columns(pull_id=pl.lit("p1")))
        else:
            root = captures_or_none / "sec"
            frames = [
                facts_of(read_json(root / "companyfacts" / f"CIK{cik:010}.json.gz")) for cik in CIKS
            ]
            append_facts(tx, [coded(frame) for frame in frames], "p1", NOW)
            _add_filings(tx, root)
    desk = Desk.open(desk.settings)
    current.use(desk)
    grade_all(desk)
    yield desk
    current.use(None)
    desk.close()


def _add_filings(tx: Transaction, root: Path) -> None:
    for cik in CIKS:
        for folder in ("submissions_history", "submissions"):
            path = root / folder / f"CIK{cik:010}.json.gz"
            if path.is_file():
                decoded = decode_submissions(gzip.decompress(path.read_bytes()), cik)
                tx.insert("companies", decoded.company.with_columns(pull_id=pl.lit("p1")))
                tx.insert("filings", decoded.filings.with_columns(pull_id=pl.lit("p1")))
                break


def test_honest_companies_are_a_or_b(graded: Desk) -> None:
    """At least 85 % of annual and quarterly reports since 2012, and no balance sheet alarm."""
    found = quality.grades(graded, forms=["10-K", "10-Q"]).filter(pl.col("filed").dt.year() >= 2012)
    good = found["grade"].is_in(["A", "B"]).mean()
    assert found.height > 150
    assert good is not None
    assert good >= 0.85
    assert store.findings(graded.warehouse).filter(pl.col("rule") == "Q01").is_empty()


def test_the_known_fault_is_found_and_explained(graded: Desk, shared_data: Path) -> None:
    """AMD's cover of 2012-07-27 is a critical finding with both numbers and their facts."""
    view = quality.filing(graded, "0001193125-12-332074")
    (row,) = view.findings.filter(pl.col("rule") == "Q31").iter_rows(named=True)
    assert row["severity"] == "critical"
    assert "707,555,106,000,000" in row["message"]
    assert "EntityCommonStockSharesOutstanding" in [fact["concept"] for fact in row["facts"]]
    assert view.grade["grade"] == "D"
    assert view.grade["score"] <= 69
    assert view.build_up["points"].sum() == pytest.approx(100 - view.grade["score"], abs=0.2)


def test_the_csv_has_the_documented_columns_and_reads_back(graded: Desk) -> None:
    """Polars, pandas and DuckDB read the same rows."""
    frame = exports.frame_of(graded, "filings")
    assert frame.columns == list(CSV_COLUMNS)
    body = exports.encode(frame, "csv")
    assert body.splitlines()[0].decode() == ",".join(CSV_COLUMNS)
    ours = pl.read_csv(io.BytesIO(body), infer_schema_length=None)
    theirs = pd.read_csv(io.BytesIO(body))
    path = Path(graded.settings.data_dir) / "filings.csv"
    exports.save(frame, path)
    others = duckdb.sql(f"SELECT count(*), sum(score) FROM read_csv('{path}')").fetchone()
    assert others is not None
    assert ours.height == len(theirs) == others[0] == frame.height
    assert ours["score"].sum() == pytest.approx(theirs["score"].sum()) == others[1]
    assert ours["graded_at"].str.ends_with("Z").all()


@contextmanager
def tampered(desk: Desk, given: Given) -> Iterator[Any]:
    """The total assets of one report a thousand times too large, graded; then as it was."""
    change = f"UPDATE fact_rows SET value = value * ? WHERE {ASSETS_OF}"
    with desk.warehouse.transaction() as tx:
        tx.execute(change, [1000, given.accession])
    yield grade_all(desk)
    with desk.warehouse.transaction() as tx:
        tx.execute(change, [0.001, given.accession])
    grade_all(desk)


def test_only_what_changed_is_graded_again(graded: Desk, given: Given) -> None:
    """Nothing changed: nothing is done. A changed fact: a new grade, and the old one stays."""
    assert grade_all(graded) == {"companies": 0, "written": 0, "unchanged": 0}
    with tampered(graded, given) as done:
        assert done["companies"] == 1
        assert 1 <= done["written"] <= 12
        view = quality.filing(graded, given.accession)
        assert "Q01" in view.findings["rule"].to_list()
        assert view.older.height == 1


def test_the_grade_command_tells_of_the_past(
    graded: Desk, given: Given, captures_or_none: Path | None
) -> None:
    """As of a day, only what was filed by then counts; strict turns criticals into code 3."""
    until = date(2012, 12, 31) if captures_or_none else date(2024, 12, 31)
    cik = 2488 if captures_or_none else given.cik
    past = run_command(graded, "grade", {"cik": cik, "as_of": until}).document
    assert max(item["filed"] for item in past["filings"]) <= until
    keys = {"cik", "ticker", "company", "accession", "form", "filed", "period_end", "score"}
    keys |= {"grade", "coverage_pct", "subscores", "findings"}
    assert keys <= set(past["filings"][0])
    with tampered(graded, given):
        assert run_command(graded, "grade", {"cik": given.cik, "strict": True}).exit_code == 3
        assert run_command(graded, "grade", {"cik": given.cik}).exit_code == 0


def test_the_three_readers_agree_on_every_cell(graded: Desk) -> None:
    """All columns of the exported filings are equal, read by Polars, pandas and DuckDB."""
    path = Path(graded.settings.data_dir) / "all.csv"
    exports.save(exports.frame_of(graded, "filings"), path)
    ours = pl.read_csv(path, infer_schema=False)
    theirs = pl.from_pandas(pd.read_csv(path, dtype=str))
    quacks = duckdb.sql(f"SELECT * FROM read_csv('{path}', all_varchar = true)").pl()
    assert ours.height > 100
    assert ours.equals(theirs)
    assert ours.equals(quacks)


def test_facts_beyond_the_list_of_filings_are_a_note(graded: Desk, shared_data: Path) -> None:
    """Older pages of the list that were not pulled warn; a hole in the list is an error."""
    before = {check.name: check for check in reconcile.run(graded).checks}["filings_and_facts"]
    assert before.severity in ("info", "warning")
    rows = graded.warehouse.read("SELECT * FROM filings WHERE cik = 320193 ORDER BY filed")
    old = rows.filter(pl.col("filed") < date(2014, 1, 1))
    try:
        _forget(graded, old)
        noted = {check.name: check for check in reconcile.run(graded).checks}["filings_and_facts"]
        assert noted.affected > before.affected
        assert (noted.severity, "beyond" in noted.message) == ("warning", True)
        _forget(graded, rows.filter(pl.col("filed").dt.year().is_between(2015, 2022)))
        holes = {check.name: check for check in reconcile.run(graded).checks}["filings_and_facts"]
        assert holes.severity == "error"
        assert holes.sample[0]["problem"] == "facts without a filing"
    finally:
        with graded.warehouse.transaction() as tx:
            tx.execute("DELETE FROM filings WHERE cik = 320193")
            tx.insert("filings", rows)


def _forget(desk: Desk, rows: pl.DataFrame) -> None:
    with desk.warehouse.transaction() as tx:
        tx.execute(
            "DELETE FROM filings WHERE cik = 320193 AND accession IN (SELECT unnest(?))",
            [rows["accession"].to_list()],
        )


def test_reconciliation_finds_tampering(graded: Desk, given: Given) -> None:
    """A changed source value and a doubled row are found, with samples and drift."""
    before = {check["check"]: check for check in reconcile.run(graded).document()["checks"]}
    assert before["values"]["affected"] == before["duplicates"]["affected"] == 0
    with graded.warehouse.transaction() as tx:
        tx.execute(
            "UPDATE filing_items SET value = value + 1 WHERE cik = ? AND item = 'Assets'",
            [given.other],
        )
        tx.execute(
            "INSERT INTO bars_daily (symbol, session, pull_id) SELECT 'X', DATE '2024-01-02', 'p' "
            "FROM range(2)"
        )
    result = run_command(graded, "reconcile", {})
    after = {check["check"]: check for check in result.document["checks"]}
    assert result.exit_code == 3
    assert after["values"]["affected"] > 0
    assert after["values"]["drift"] == after["values"]["affected"]
    assert after["values"]["sample"]
    assert after["duplicates"]["affected"] == 1
    assert reconcile.history(graded)["run_id"].n_unique() >= 2


def test_an_empty_desk_has_nothing_to_grade(desk: Desk) -> None:
    """Empty lists, six checks with nothing to say, no exception."""
    assert run_command(desk, "grade", {}).document["filings"] == []
    result = run_command(desk, "reconcile", {})
    assert (result.exit_code, len(result.document["checks"])) == (0, 6)
    assert exports.frame_of(desk, "filings").columns == list(CSV_COLUMNS)


def test_feature_records_are_the_same_every_time(graded: Desk, given: Given) -> None:
    """Two exports are equal."""
    first, second = (
        exports.encode(exports.frame_of(graded, "features", cik=given.cik), "parquet")
        for _ in range(2)
    )
    assert first == second
    assert pl.read_parquet(io.BytesIO(first)).height > 0


def test_ratios_are_what_the_report_says(graded: Desk, shared_data: Path) -> None:
    """Apple's of 2023."""
    rows = exports.frame_of(graded, "features", cik=320193)
    (row,) = rows.filter(pl.col("accession") == "0000320193-23-000106").iter_rows(named=True)
    assert row["net_margin"] == pytest.approx(96_995 / 383_285, abs=1e-4)
    assert row["revenues_growth_pct"] == pytest.approx(100 * (383_285 / 394_328 - 1), abs=1e-2)
    assert row["current_ratio"] == pytest.approx(143_566 / 145_308, abs=1e-4)
