"""What became of filings on the pages: beside every grade, and what needs eyes first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import polars as pl
import pytest

from components.kit import once
from components.kit import saved_views as views
from components.parts import quality_findings, quality_status
from core.service.desk import Desk
from core.service.filings import quality
from tests import begun
from tests.opened import opened
from tests.shown import tables
from tests.with_statuses import NOW, RECASTER, RESTATER, fill


@pytest.fixture(autouse=True)
def _fresh_cache():
    """No test sees the grades that another one read."""
    once.forget()


def _followed(desk: Desk) -> None:
    with fill(desk).warehouse.transaction() as tx:
        for cik in (RESTATER, RECASTER):
            tx.execute("INSERT INTO watchlist (cik, added_at) VALUES (?, ?)", [cik, NOW])


@pytest.fixture
def graded(make_desk: Callable[..., Desk]) -> Desk:
    """Two companies, followed, with every status."""
    return make_desk(partial(begun.put_prepared, _followed))


def withdrawn(desk: Desk) -> dict:
    return quality.grades(desk, statuses=["withdrawn"]).row(0, named=True)


def test_data_quality_opens_on_what_needs_eyes(graded: Desk) -> None:
    """The withdrawn report is the first row, with its why, above the charts."""
    at = opened("data_quality")
    table = tables(at)[0]
    gone = quality.grades(graded, statuses=["withdrawn"]).height
    assert table["status"][:gone] == ["withdrawn"] * gone
    assert table["why"][0].startswith("Withdrawn by item 4.02 of the 8-K of")
    assert f"**{gone}** withdrawn" in " ".join(item.value for item in at.markdown)


def test_statuses_are_a_filter_away(graded: Desk) -> None:
    """In the address, told in words."""
    at = opened("data_quality", status="superseded")
    assert set(tables(at)[0]["status"]) == {"superseded"}
    assert any("(superseded)" in item.value for item in at.caption)


def test_prospectuses_are_left_out_until_asked_for(
    graded: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Documents that can have no grade are no part of the list that the page opens on."""
    accession = quality.grades(graded, forms=["10-Q"])["accession"][0]
    with graded.warehouse.transaction() as tx:
        tx.execute("UPDATE grades SET form = '424B5', grade = 'NR', score = NULL "
                   "WHERE accession = ?", [accession])  # fmt: skip
    once.forget()
    every = quality.grades(graded).height

    def counted(**query: str) -> str:
        told = opened("data_quality", **query).caption
        return next(c.value for c in told if "graded filings" in c.value)

    assert counted().startswith(f"{every - 1} of {every} ")
    assert counted(documents="prospectuses and others").startswith(f"1 of {every} ")
    assert counted(documents="all").startswith(f"{every} of {every} ")
    assert counted(form="424B5").startswith(f"1 of {every} ")
    assert counted(q=accession).startswith(f"1 of {every} ")
    monkeypatch.setattr(views, "is_open", lambda _: True)
    at = opened("data_quality", documents="all")
    assert at.selectbox(key="choice_documents").value == "all"


def test_a_withdrawn_filing_says_so(graded: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its notice, and the headlines told otherwise with both values."""
    monkeypatch.setattr(views, "is_open", lambda _: True)
    row = withdrawn(graded)
    at = opened("filing", filing=row["accession"], cik=str(row["cik"]))
    (said,) = [item.value for item in at.error]
    assert said.startswith("Withdrawn by item 4.02 of the 8-K of")
    changes = next(table for table in tables(at) if "right_value" in table)
    assert "net income" in set(changes["headline"])
    assert said.endswith("Known since Fri 27 Feb 2026.")  # the day of the notice
    assert len(at.success) == 0


def test_a_restated_filing_warns(graded: Desk) -> None:
    """But is no error."""
    row = quality.grades(graded, statuses=["restated later"]).row(0, named=True)
    at = opened("filing", filing=row["accession"], cik=str(row["cik"]), part="Versions")
    assert any(item.value.startswith("Restated later by the") for item in at.warning)
    assert not at.error
    became = next(table for table in tables(at) if "since" in table)
    assert became["status"] == ["as filed", "restated later"]


def clean_filing(desk: Desk) -> dict:
    found = quality.grades(desk, statuses=["as filed"], forms=["10-Q"])
    sound = found.filter(pl.col("score") == 100.0, pl.col("critical") == 0, pl.col("major") == 0)
    row = sound.filter(pl.col("minor") == 0, pl.col("info") == 0).row(0, named=True)
    with desk.warehouse.transaction() as tx:
        tx.execute("UPDATE grades SET missing_score = 100, required_score = 100 "
                   "WHERE accession = ?", [row["accession"]])  # fmt: skip
    once.forget()
    return row


def test_no_fault_found_needs_every_sub_score_full(graded: Desk) -> None:
    """Beside a sub-score of 96.7 the page says what could not be checked."""
    row = clean_filing(graded)
    at = opened("filing", filing=row["accession"], cik=str(row["cik"]))
    assert [item.value for item in at.success] == ["No rule found a fault in this filing."]
    with graded.warehouse.transaction() as tx:
        tx.execute("UPDATE grades SET missing_score = 96.7 WHERE accession = ?", [row["accession"]])
        tx.execute("DELETE FROM filing_items WHERE accession = ? AND item = 'Cfo'",
                   [row["accession"]])  # fmt: skip
    once.forget()
    at = opened("filing", filing=row["accession"], cik=str(row["cik"]))
    assert len(at.success) == 0
    (said,) = [item.value for item in at.info]
    assert "Missing values 96.7" in said
    assert f"operating cash flow for its period to {row['period_end']}" in said


def test_missing_values_name_what_no_relation_could_be_checked_without(graded: Desk) -> None:
    """A coverage below 100 with its operand and period, beside findings too."""
    row = clean_filing(graded)
    with graded.warehouse.transaction() as tx:
        tx.execute("UPDATE grades SET missing_score = 90, coverage_pct = 90 WHERE accession = ?",
                   [row["accession"]])  # fmt: skip
        tx.execute("DELETE FROM filing_items WHERE accession = ? AND item = 'PretaxIncome'",
                   [row["accession"]])  # fmt: skip
    once.forget()
    view = quality.filing(graded, row["accession"])
    at = opened("filing", filing=row["accession"], cik=str(row["cik"]))
    (said,) = [item.value for item in at.info]
    assert f"pretax income for the {view.unchecked[0].months} months to {row['period_end']}" in said
    assert "(for Q20)" in said
    with graded.warehouse.transaction() as tx:
        tx.execute("UPDATE findings SET accession = ?, cik = ? WHERE rule = (SELECT min(rule) FROM "
                   "findings)", [row["accession"], row["cik"]])  # fmt: skip
    once.forget()
    at = opened("filing", filing=row["accession"], cik=str(row["cik"]))
    assert any(c.value.startswith("Missing values 90.0: It does not tell") for c in at.caption)


def test_every_sub_score_says_what_it_measures() -> None:
    """The words stand beside the figure."""
    assert set(quality_findings.MEANT) == set(quality_findings.SUBSCORES)
    assert set(quality_status.CHANGES) >= {"headline", "value", "right_value", "told_on"}


def test_companies_show_the_status_beside_the_grade(graded: Desk) -> None:
    """On the watch list and among the filings of a company."""
    at = opened("companies", company=str(RESTATER))
    listed, filings = (
        next(table for table in tables(at) if name in table) for name in ("trend", "accepted_at")
    )
    assert set(listed["status"]) == {"as filed"}
    assert "withdrawn" in filings["status"]
    row = withdrawn(graded)
    at = opened("companies", company=str(RESTATER), known=row["filed"].isoformat())
    then = next(table for table in tables(at) if "accepted_at" in table)
    mine = then["accession"].index(row["accession"])
    assert [then[name][mine] for name in ("grade", "status")] == ["A", "as filed"]


def test_the_revision_risk_stands_on_filing_and_in_the_table(graded: Desk) -> None:
    """With its reasons on *Filing*; in percent beside the status in the list of *Data quality*."""
    row = quality.grades(graded, ciks=[RESTATER], forms=["10-K"]).row(0, named=True)
    share = f"{100 * row['revision_risk']:.0f}"
    at = opened("filing", filing=row["accession"], cik=str(row["cik"]))
    said = next(item.value for item in at.markdown if item.value.startswith("Revision risk"))
    assert f"**{share}" in said
    assert said.count(";") == len(row["revision_reasons"]) - 1
    shown = tables(opened("data_quality", q=row["accession"]))[0]
    assert shown["revision_risk_pct"] == [share]
