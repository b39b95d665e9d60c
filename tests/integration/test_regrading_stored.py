"""Grading what changed leaves in the store what grading everything would."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from benchmarks.captures import facts_of, read_json
from core import settings
from core.domain.filings.facts import coded
from core.sandbox.market.names import cik_of
from core.service import calloff, current, progress
from core.service.desk import Desk
from core.service.filings import quality, regrading
from core.service.filings.regrading import grade_all
from core.service.kernel import commands
from core.sources.sec.submissions import decode_submissions
from core.store.facts import append_facts
from tests import stand_ins

NOW = datetime(2026, 11, 21, tzinfo=UTC)
CAPTURES = Path(__file__).resolve().parents[3] / "shared" / "data" / "sec"
CIKS = (2488, 320193) if CAPTURES.is_dir() else (cik_of(2), cik_of(1))
OTHER, APPLE = CIKS  # or whom the simulated market has in its place
STATE = {
    "grades": "SELECT * EXCLUDE (graded_at, is_current) FROM grades WHERE is_current",
    "findings": "SELECT f.* EXCLUDE (graded_at) FROM findings f JOIN grades g USING "
    "(cik, accession, graded_at) WHERE g.is_current",
    "items": "SELECT * FROM filing_items",
    "marks": "SELECT * FROM graded_filings",
    "inputs": "SELECT * FROM grade_inputs",
}


def given(cik: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Facts, company and filings of a captured company, or of a simulated one."""
    if not CAPTURES.is_dir():
        facts, filings, companies = stand_ins.simulated_companies()
        own = pl.col("cik") == cik
        return facts.filter(own), companies.filter(own), filings.filter(own)
    answer = read_json(CAPTURES / "companyfacts" / f"CIK{cik:010}.json.gz")
    path = CAPTURES / "submissions" / f"CIK{cik:010}.json.gz"
    decoded = decode_submissions(gzip.decompress(path.read_bytes()), cik)
    return facts_of(answer), decoded.company, decoded.filings


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk with the facts and filings of two companies, graded."""
    desk = Desk.open(settings.load(data_dir=tmp_path_factory.mktemp("regraded")))
    parts = [given(cik) for cik in CIKS]
    with desk, desk.warehouse.transaction() as tx:
        append_facts(tx, [coded(facts) for facts, _, _ in parts], "p1", NOW)
        for _, company, filings in parts:
            tx.insert("companies", company.with_columns(pull_id=pl.lit("p1")))
            tx.insert("filings", filings.with_columns(pull_id=pl.lit("p1")))
    desk = Desk.open(desk.settings)
    current.use(desk)
    grade_all(desk)
    yield desk
    current.use(None)
    desk.close()


def state(desk: Desk) -> dict[str, pl.DataFrame]:
    """All that is stored of the current grades."""
    frames = {name: desk.warehouse.read(query) for name, query in STATE.items()}
    return {name: frame.sort(frame.columns) for name, frame in frames.items()}


def newest(desk: Desk, form: str, back: int = 0) -> str:
    """The accession of one of Apple's listed reports, from the newest back."""
    accession: str = desk.warehouse.read(
        "SELECT accession FROM filings SEMI JOIN facts USING (cik, accession) "
        "WHERE cik = ? AND form = ? ORDER BY filed DESC LIMIT 1 OFFSET ?",
        [APPLE, form, back],
    )["accession"].item()
    return accession


def change(desk: Desk, *statements: tuple[str, list[object]]) -> dict[str, int]:
    """Grade what the statements change, and assert that the store is as if all were graded."""
    with desk.warehouse.transaction() as tx:
        for sql, params in statements:
            tx.execute(sql, params)
    done = grade_all(desk)
    found = state(desk)
    assert grade_all(desk, force=True)["written"] == 0
    for name, frame in state(desk).items():
        assert_frame_equal(found[name], frame, check_exact=True)
    assert not desk.warehouse.read(
        "SELECT 1 FROM grades WHERE is_current GROUP BY cik, accession HAVING count(*) > 1"
    ).height
    return done


VALUES = (
    f"UPDATE fact_rows SET value = value * ? WHERE cik = {APPLE} AND source IN "
    "(SELECT source FROM fact_sources WHERE accession = ?)"
)


def graded(desk: Desk) -> int:
    """How many of Apple's filings have a grade."""
    count: int = desk.warehouse.read(
        "SELECT count(*) FROM grades WHERE is_current AND cik = ?", [APPLE]
    ).item()
    return count


@pytest.mark.few(1)
@pytest.mark.parametrize("back", [0, 20 if CAPTURES.is_dir() else 12])
def test_altered_facts(desk: Desk, back: int) -> None:
    """A filing's values change and come right again: its grade and later ones are written anew."""
    accession = newest(desk, "10-Q", back)
    before, filings = state(desk), graded(desk)
    done = change(desk, (VALUES, [1000.0, accession]))
    assert done["companies"] == 1
    assert 1 <= done["written"] <= 12
    assert done["written"] + done["unchanged"] == filings
    old = desk.warehouse.read("SELECT * FROM grades WHERE accession = ?", [accession])
    assert sorted(old["is_current"]).count(True) == 1
    change(desk, (VALUES, [0.001, accession]))
    for name, frame in state(desk).items():
        if name not in ("marks", "inputs"):  # values that were scaled twice may differ by a bit
            assert frame.height == before[name].height


def test_a_report_that_comes_and_goes(desk: Desk) -> None:
    """One pulled without facts is found; taken back, its grade is kept as an old one."""
    report = newest(desk, "10-Q")
    lost = f"{APPLE:010}-99-000001"
    copied = (
        "INSERT INTO filings SELECT * REPLACE (? AS accession, filed - 10 AS filed) "
        f"FROM filings WHERE cik = {APPLE} AND accession = ?"
    )
    assert change(desk, (copied, [lost, report]))["written"] >= 1
    assert quality.filing(desk, lost).grade["grade"] == "NR"
    change(desk, ("DELETE FROM filings WHERE accession = ?", [lost]))
    rows = desk.warehouse.read("SELECT is_current FROM grades WHERE accession = ?", [lost])
    assert rows["is_current"].to_list() == [False]


def test_facts_that_are_removed(desk: Desk) -> None:
    """Without its facts a filing in the middle is graded as without, and those after it anew."""
    accession = newest(desk, "10-K", 5)
    chosen = "source IN (SELECT source FROM fact_sources WHERE accession = ?)"
    change(desk, (f"UPDATE fact_rows SET removed_at = now() WHERE {chosen}", [accession]))
    change(desk, (f"UPDATE fact_rows SET removed_at = NULL WHERE {chosen}", [accession]))


def test_a_filing_of_no_account(desk: Desk) -> None:
    """A form that no grade rests on changes none, and none is written."""
    filings = graded(desk)
    listed = (
        "INSERT INTO filings SELECT * REPLACE ('0-4' AS accession, '4' AS form) FROM filings "
        f"WHERE cik = {APPLE} AND accession = ?"
    )
    done = change(desk, (listed, [newest(desk, "10-Q")]))
    assert done == {"companies": 1, "written": 0, "unchanged": filings}


def test_a_company_that_changed_is_graded_whole(desk: Desk) -> None:
    """Name, industry and category are every filing's."""
    renamed = f"UPDATE companies SET name = name || ? WHERE cik = {APPLE}"
    done = change(desk, (renamed, [" (new)"]))
    assert done["written"] == graded(desk)


def test_grades_without_marks(desk: Desk) -> None:
    """Grades from before filings were marked: the company is graded whole, and marked."""
    with desk.warehouse.transaction() as tx:
        tx.execute(f"DELETE FROM graded_filings WHERE cik = {APPLE}")
    done = change(desk, (VALUES, [1.5, newest(desk, "10-Q")]))
    assert done["companies"] == 1
    assert done["written"] + done["unchanged"] == graded(desk)
    again = change(desk, (VALUES, [1 / 1.5, newest(desk, "10-Q")]))
    assert again["written"] >= 1


def test_a_filing_of_two_companies(desk: Desk) -> None:
    """Where one of them has another grade for it, the other's stays."""
    shared = newest(desk, "10-Q", 3)
    with desk.warehouse.transaction() as tx:
        tx.execute(
            f"INSERT INTO fact_rows SELECT r.* REPLACE ({OTHER} AS cik) FROM fact_rows r "
            f"JOIN fact_sources s ON s.source = r.source WHERE r.cik = {APPLE} AND s.accession = ?",
            [shared],
        )
    change(desk)
    scaled = f"UPDATE fact_rows SET value = value * 1000 WHERE cik = {OTHER} AND source IN "
    scaled += "(SELECT source FROM fact_sources WHERE accession = ?)"
    touched = (
        f"UPDATE filings SET report_date = report_date + 1 WHERE cik = {APPLE} AND accession = ?"
    )
    change(desk, (scaled, [shared]), (touched, [newest(desk, "10-Q", 1)]))
    rows = desk.warehouse.read(
        "SELECT cik FROM grades WHERE is_current AND accession = ?", [shared]
    )
    assert sorted(rows["cik"]) == sorted(CIKS)


def test_marks_are_of_the_day_they_were_graded(desk: Desk) -> None:
    """A filing that moves back in time is known by the day it had."""
    accession = newest(desk, "10-Q", 8)
    moved = "UPDATE filings SET filed = filed + ? WHERE accession = ?"
    change(desk, (moved, [200, accession]))
    change(desk, (moved, [-200, accession]))


def test_findings_are_told_anew_when_only_the_past_behind_them_changed(
    desk: Desk, shared_data: Path
) -> None:
    """An equal score does not keep a sentence that is not true any more; the old one stays old."""
    found = state(desk)["findings"].filter(pl.col("cik") == APPLE).row(0, named=True)
    key = [found["accession"], found["rule"], found["message"]]
    before = desk.warehouse.read("SELECT count(*) FROM grades").item()
    with desk.warehouse.transaction() as tx:
        tx.execute(
            "UPDATE findings SET message = 'It was 1.' "
            "WHERE accession = ? AND rule = ? AND message = ?",
            key,
        )
    assert grade_all(desk, [APPLE], force=True)["written"] == 1
    told = state(desk)["findings"]
    assert "It was 1." not in told["message"]
    assert found["message"] in told["message"]
    assert desk.warehouse.read("SELECT count(*) FROM grades").item() == before + 1


def test_progress_tells_true_percents(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the companies that are done, whatever the size of the batches; the end is 100."""
    told: dict[int, list[tuple[str, float]]] = {}
    for batch, facts in ((1, 1), (2, 10**9)):
        monkeypatch.setattr(regrading, "BATCH_FACTS", facts)
        said = told.setdefault(batch, [])
        grade_all(desk, force=True, on_progress=lambda *now, to=said: to.append(now))
    assert told == {
        1: [("0 of 2 companies", 0), ("1 of 2 companies", 50), ("2 of 2 companies", 100)],
        2: [("0 of 2 companies", 0), ("2 of 2 companies", 100)],
    }


def test_the_command_tells_its_caller_how_far_it_has_come(desk: Desk) -> None:
    """Whoever runs it on a terminal sees it; where nothing is due there is nothing to tell."""
    told: list[tuple[str, float]] = []
    with progress.told_to(lambda *now: told.append(now)):
        commands.run(desk, "grade", {"all": True})
        assert told == [("0 of 2 companies", 0), ("2 of 2 companies", 100)]
        commands.run(desk, "grade", {})
    assert len(told) == 2


def test_a_run_that_is_called_off_ends_after_a_batch_and_the_next_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was graded stays; nothing of it is done again, and all is as if it had been one run."""
    monkeypatch.setattr(regrading, "BATCH_FACTS", 1)
    whole = quality.grades(desk).drop("graded_at").sort("cik", "accession")
    with desk.warehouse.transaction() as tx:
        tables = ("grades", "findings", "filing_items", "grade_inputs", "filing_risks")
        for table in (*tables, "graded_filings", "filing_status", "filing_changes"):
            tx.execute(f"DELETE FROM {table}")
    switch = calloff.CallOff()
    with calloff.call_off_with(switch):
        done = regrading.grade_all(desk, on_progress=lambda _, share: share and switch.call_off())
    assert (done["companies"], done["left"]) == (1, 1)
    assert quality.grades(desk)["cik"].n_unique() == 1
    rest = regrading.grade_all(desk)
    assert (rest["companies"], rest.get("left")) == (1, None)
    assert rest["written"] + done["written"] == whole.height
    assert_frame_equal(quality.grades(desk).drop("graded_at").sort("cik", "accession"), whole)


def test_a_cancelled_job_stops_grading(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that grades ends after its batch, and does not go on behind the queue's back."""
    began, ended, goes_on = threading.Event(), threading.Event(), threading.Event()

    def grade_all(*_: object, **__: object) -> dict[str, int]:
        began.set()
        assert goes_on.wait(30)
        if (switch := calloff.current()) is not None and switch.called:
            ended.set()
        return {}

    async def cancelled() -> None:
        job = asyncio.create_task(regrading.grade_job(desk, None, None))
        await asyncio.to_thread(began.wait, 30)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        goes_on.set()
        assert await asyncio.to_thread(ended.wait, 30)

    monkeypatch.setattr(regrading, "grade_all", grade_all)
    asyncio.run(cancelled())
