"""Statuses in the store and in what the service tells: simulated companies with every one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial

import polars as pl
import pytest

from core.domain.quality.revision import model as revision
from core.domain.quality.status.names import STATUSES
from core.service.desk import Desk
from core.service.filings import attention, quality
from core.service.filings.regrading import grade_all
from core.service.gaps import symbols
from core.service.kernel import commands, exports
from core.store import filing_status
from core.store import plans as plan_store
from core.store import scans as scan_store
from tests import begun
from tests.with_statuses import NOW, RECASTER, RESTATER, fill


@pytest.fixture
def graded(make_desk: Callable[..., Desk]) -> Desk:
    """The restater and the recaster, pulled and graded."""
    return make_desk(partial(begun.put_prepared, fill))


def of(desk: Desk, status: str) -> pl.DataFrame:
    return quality.grades(desk, statuses=[status])


def test_every_status_is_stored_and_shown(graded: Desk) -> None:
    """And only a withdrawn report is held at D."""
    found = quality.grades(graded)
    assert set(found["status"]) == set(STATUSES)
    gone = found.filter(pl.col("status") == "withdrawn")
    assert set(gone["grade"]) == {"D"}
    assert gone["score"].to_list() == [69.0] * gone.height
    assert gone["status_reason"].str.starts_with("withdrawn by item 4.02 of the 8-K of").all()
    others = found.filter(pl.col("status") != "withdrawn", pl.col("grade") != "NR")
    assert others["grade"].is_in(["A", "B"]).mean() > 0.9


def test_the_csv_has_the_status_at_its_end(graded: Desk) -> None:
    """After the columns that were there before."""
    frame = exports.frame_of(graded, "filings")
    assert frame.columns[20:] == ["url", "status", "revision_risk"]
    assert frame.filter(pl.col("status") == "withdrawn")["grade"].unique().to_list() == ["D"]
    some = exports.frame_of(graded, "filings", status="amended")
    assert set(some["status"]) == {"amended"}


def test_the_command_tells_status_reason_and_changed_headlines(graded: Desk) -> None:
    """With the old and the new value, and the filing that told it."""
    document = commands.run(graded, "grade", {"cik": RESTATER}).document
    gone = next(f for f in document["filings"] if f["status"] == "withdrawn")
    assert gone["status_since"] > gone["filed"]
    assert gone["grade"] == "D"
    change = next(c for c in gone["changed_headlines"] if c["headline"] == "net income")
    assert change["old"] > change["new"]
    assert change["by_form"] == "10-K/A"


def test_the_revision_risk_stands_beside_the_grade_with_its_reasons(graded: Desk) -> None:
    """Of graded reports, as reckoned on their day: in tables, CSV, JSON and on a past day."""
    found = quality.grades(graded, ciks=[RESTATER], forms=["10-K", "10-Q"])
    rated = found.filter(pl.col("grade") != "NR")
    assert rated["revision_risk"].is_between(0, 1, closed="none").all()
    assert set(rated["revision_reasons"].list.len()) == {3}
    csv = exports.frame_of(graded, "filings")
    document = commands.run(graded, "grade", {"cik": RESTATER}).document
    told = {f["accession"]: f for f in document["filings"]}
    for row in rated.iter_rows(named=True):
        item = told[row["accession"]]
        assert item["revision_risk"] == row["revision_risk"]
        assert item["revision_reasons"] == row["revision_reasons"]
        exported = csv.filter(pl.col("accession") == row["accession"])["revision_risk"]
        assert exported.to_list() == [row["revision_risk"]]
    last = rated.row(0, named=True)
    asked = {"cik": RESTATER, "as_of": last["filed"].isoformat()}
    then = commands.run(graded, "grade", asked).document["filings"]
    assert (
        next(f for f in then if f["accession"] == last["accession"])["revision_risk"]
        == (last["revision_risk"])
    )


def test_other_numbers_of_the_revision_risk_make_companies_be_looked_at_again(
    graded: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is done where they are the same."""
    assert grade_all(graded)["companies"] == 0
    other = replace(revision.default_model(), id="other", intercept=9.0)
    monkeypatch.setattr(revision, "default_model", lambda: other)
    assert grade_all(graded)["companies"] == 2
    assert quality.grades(graded)["revision_risk"].drop_nulls().min() > 0.9
    assert grade_all(graded)["companies"] == 0


def test_a_day_before_the_notice_the_report_stood_as_filed(graded: Desk) -> None:
    """Both of what is stored and of what is graded as known on that day."""
    gone = of(graded, "withdrawn").row(0, named=True)
    rows = filing_status.history(graded.warehouse, RESTATER, gone["accession"])
    assert rows["status"].to_list() == ["as filed", "withdrawn", "withdrawn"]
    notice, before = rows["since"][1], rows["since"][1].replace(day=1)
    assert before < notice
    asked = {"cik": RESTATER, "as_of": before.isoformat()}
    document = commands.run(graded, "grade", asked).document
    then = next(f for f in document["filings"] if f["accession"] == gone["accession"])
    assert (then["grade"], then["status"]) == ("A", "as filed")
    later = commands.run(graded, "grade", asked | {"as_of": notice.isoformat()}).document
    now = next(f for f in later["filings"] if f["accession"] == gone["accession"])
    assert (now["grade"], now["status"], now["score"]) == ("D", "withdrawn", 69.0)


def test_a_scan_of_a_session_before_the_notice_knows_nothing_of_it(graded: Desk) -> None:
    """And one on the day after it does."""
    gone = of(graded, "withdrawn").row(0, named=True)
    since = filing_status.history(graded.warehouse, RESTATER, gone["accession"])["since"][1]

    def on(day: date) -> dict[str, object]:
        found = scan_store.grades(graded.warehouse, day).filter(pl.col("cik") == RESTATER)
        return found.row(0, named=True)

    assert (on(since)["grade"], on(since)["status"]) == ("A", "as filed")
    after = on(date.fromordinal(since.toordinal() + 1))
    assert (after["grade"], after["status"]) == ("D", "withdrawn")


def test_the_bucket_of_a_gap_follows_the_status(graded: Desk) -> None:
    """The newest report's grade falls on the day that it is withdrawn."""
    over = scan_store.grades_over_time(graded.warehouse).filter(pl.col("cik") == RESTATER)
    gone = of(graded, "withdrawn").row(0, named=True)
    since = filing_status.history(graded.warehouse, RESTATER, gone["accession"])["since"][1]
    assert over.filter(pl.col("since") == since)["grade"].to_list() == ["D"]
    assert over.filter(pl.col("since") == gone["filed"])["grade"].to_list() == ["A"]


def test_the_symbol_page_tells_the_status_of_its_day(graded: Desk) -> None:
    """Of a past day what was known then."""
    gone = of(graded, "withdrawn").row(0, named=True)
    history = symbols.grades(graded, RESTATER, gone["filed"])
    assert history.row(0, named=True)["accession"] == gone["accession"]
    assert history.row(0, named=True)["status"] == "as filed"
    today = symbols.grades(graded, RESTATER)
    row = today.filter(pl.col("accession") == gone["accession"]).row(0, named=True)
    assert (row["grade"], row["status"]) == ("D", "withdrawn")


def test_a_new_notice_is_seen_at_the_next_grading(graded: Desk) -> None:
    """Though no fact and no report changed: only the items of a filing that was there."""
    newest = quality.grades(graded, ciks=[RECASTER], forms=["10-Q"]).row(0, named=True)
    assert newest["status"] == "as filed"
    assert grade_all(graded)["companies"] == 0
    with graded.warehouse.transaction() as tx:
        tx.execute(
            "UPDATE filings SET items = '4.02', form = '8-K' WHERE accession = ("
            "SELECT min(accession) FROM filings WHERE cik = ? AND form = '8-K' AND filed > ?)",
            [RECASTER, newest["filed"]],
        )
    done = grade_all(graded)
    assert done["companies"] == 1
    row = quality.grades(graded, ciks=[RECASTER], forms=["10-Q"]).row(0, named=True)
    assert (row["grade"], row["status"]) == ("D", "withdrawn")
    assert row["accession"] == newest["accession"]


def test_a_store_of_before_gets_its_statuses_at_the_next_grading(graded: Desk) -> None:
    """Until then a filing has none, and its grade is what it was."""
    with graded.warehouse.transaction() as tx:
        for table in ("filing_status", "filing_changes", "grade_inputs"):
            tx.execute(f"DELETE FROM {table}")
    found = quality.grades(graded)
    assert found["status"].null_count() == found.height
    assert "D" not in set(found["grade"])
    assert grade_all(graded)["companies"] == 2
    assert set(quality.grades(graded)["status"]) == set(STATUSES)


def test_a_filing_explains_its_status(graded: Desk) -> None:
    """The points that the status took, the headlines, and its history."""
    gone = of(graded, "withdrawn").row(0, named=True)
    view = quality.filing(graded, gone["accession"], RESTATER)
    assert view.build_up.row(0, named=True)["title"] == "Withdrawn by its company"
    assert view.build_up["points"].sum() == pytest.approx(100 - view.grade["score"], abs=0.2)
    assert {"net income", "basic EPS", "equity"} <= set(view.changes["headline"])
    assert view.statuses["status"][-1] == "withdrawn"


def test_withdrawn_and_low_grades_of_own_names_come_first(graded: Desk) -> None:
    """Followed names before others, withdrawn before low grades, the rest as it was."""
    with graded.warehouse.transaction() as tx:
        tx.execute("UPDATE grades SET grade = 'F' WHERE cik = ? AND form = '10-K'", [RECASTER])
    first = attention.first(quality.grades(graded), attention.mine(graded))
    bad = first["status"].eq_missing("withdrawn") | first["grade"].is_in(["D", "F"])
    assert bad.to_list() == sorted(bad.to_list(), reverse=True)
    assert first["status"][0] == "withdrawn"
    with graded.warehouse.transaction() as tx:
        tx.execute("INSERT INTO watchlist (cik, added_at) VALUES (?, ?)", [RECASTER, NOW])
    first = attention.first(quality.grades(graded), attention.mine(graded))
    assert (first["cik"][0], first["grade"][0]) == (RECASTER, "F")
    whys = attention.with_why(graded, first.head(20))
    gone = whys.filter(pl.col("status") == "withdrawn")
    assert gone["why"].str.starts_with("Withdrawn by item 4.02").all()


def test_names_of_running_plans_are_held(graded: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """By their tickers; plans that are over hold nothing."""
    symbol = quality.grades(graded, ciks=[RESTATER])["ticker"][0]
    plans = pl.DataFrame({"symbol": [symbol, "NOBODY"], "state": ["filled", "closed"]})
    monkeypatch.setattr(plan_store, "overview", lambda _: plans)
    assert attention.held(graded) == {RESTATER}
    assert attention.mine(graded) == {RESTATER}


def test_a_report_not_rated_says_what_is_missing_and_who_tells_it(graded: Desk) -> None:
    """The 10-K/A of the same period has what the 10-K lacks."""
    again = of(graded, "amended").row(0, named=True)
    with graded.warehouse.transaction() as tx:
        tx.execute("UPDATE grades SET grade = 'NR', score = NULL, reason = 'not rated: few facts' "
                   "WHERE accession = ?", [again["accession"]])  # fmt: skip
        tx.execute("DELETE FROM filing_items WHERE accession = ? AND item IN ('Assets', 'Cfo')",
                   [again["accession"]])  # fmt: skip
    row = quality.grades(graded, statuses=["amended"]).row(0, named=True)
    assert row["reason"].startswith(
        "not rated: few facts; missing: assets, operating cash flow; told for its period by 10-"
    )
    with graded.warehouse.transaction() as tx:
        tx.execute("DELETE FROM filing_items WHERE item IN ('Assets', 'Cfo')")
    row = quality.grades(graded, statuses=["amended"]).row(0, named=True)
    assert "missing: assets, operating cash flow; no filing here tells them" in row["reason"]
