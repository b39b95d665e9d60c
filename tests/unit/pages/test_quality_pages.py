"""The pages of grades over a small store that is really graded and reconciled."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from components.kit import once
from components.kit import saved_views as views
from components.parts import quality as lists
from components.parts import quality_filters, quality_findings, reconciliation
from core.service.desk import Desk
from core.service.filings import quality, reconcile
from core.service.filings.grade_document import CSV_COLUMNS
from tests import begun
from tests import opened as pages
from tests.filled import fill
from tests.shown import tables

ACCESSION = "0000001001-26-000008"


def opened(name: str, **query: str) -> AppTest:
    """A page on which stand neither an exception nor an error."""
    at = pages.opened(name, **query)
    assert [box.value for box in at.error] == []
    return at


@pytest.fixture(autouse=True)
def _fresh_cache():
    """No test sees the grades that another one read."""
    once.forget()


def _reconciled(desk: Desk) -> None:
    fill(desk)
    reconcile.run(desk, "test")


@pytest.fixture
def graded(make_desk: Callable[..., Desk]) -> Desk:
    """Two companies with eight filings each, graded, checked and measured."""
    return make_desk(partial(begun.put_prepared, _reconciled))


def text_of(at: AppTest) -> str:
    return " ".join(str(item.value) for item in [*at.markdown, *at.caption, *at.subheader])


def test_every_graded_filing_is_listed(graded: Desk) -> None:
    """All sixteen filings stand in the table, with grade and trend."""
    (table, *_) = tables(opened("data_quality"))
    assert len(table) == 16
    assert {"grade", "score", "trend"} <= set(table.columns)
    assert list(table.columns)[:3] == ["ticker", "company", "grade"]  # a name without a ticker too


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("query", "left"),
    [
        ({"company": "AAA"}, 8),
        ({"q": ACCESSION}, 1),
        ({"q": "beta = corp"}, 8),
        ({"company": "AAA", "form": "10-Q"}, 8),
    ],
)
def test_filters_come_from_the_address(graded: Desk, query: dict[str, str], left: int) -> None:
    """Company, form and text in the URL narrow the table."""
    assert f"{left} of 16 graded filings" in text_of(opened("data_quality", **query))


def test_the_files_are_in_a_box(graded: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closed, the box costs one element; open, it has both sets in three formats."""
    assert len(opened("data_quality").get("download_button")) == 0
    monkeypatch.setattr(views, "is_open", lambda _: True)
    buttons = opened("data_quality").get("download_button")
    assert [b.proto.label for b in buttons] == ["CSV", "Parquet", "JSON"] * 2
    assert [b.proto.label for b in opened("rules").get("download_button")] == ["CSV", "JSON"]


def test_a_grade_nobody_has_leaves_none(graded: Desk) -> None:
    """The page says that no filing passes, and how to go on."""
    held = set(quality.grades(graded)["grade"])
    letter = next(g for g in quality_filters.LETTERS if g not in held)
    assert "No filing passes" in text_of(opened("data_quality", grade=letter))


def test_the_filtered_export_has_the_documented_columns(graded: Desk) -> None:
    """The file of the filtered view holds exactly its rows, in the columns of the CSV."""
    chosen = lists.all_grades(graded).filter(pl.col("ticker") == "BBB")
    frame = lists.scored(graded, chosen)
    assert frame.columns == list(CSV_COLUMNS)
    assert frame["ticker"].unique().to_list() == ["BBB"]
    assert lists.scored(graded, None).height == 16


def test_filters_hold_while_their_box_is_closed(
    graded: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They stand in the address and are told in words; the box shows and changes them."""
    at = opened(
        "data_quality", company="BBB", since="2026", form=["10-Q", "no form"], q="0000001002"
    )
    told = next(c.value for c in at.caption if "graded filings" in c.value)
    assert re.search(r"of 16 graded filings \(BBB, 10-Q, since 2026, “0000001002”\)", told)
    assert set(tables(at)[0]["form"]) <= {"10-Q"}
    assert not at.multiselect
    monkeypatch.setattr(views, "is_open", lambda _: True)
    at.run()
    assert at.multiselect(key="choice_form").value == ["10-Q"]
    at.multiselect(key="choice_form").set_value([]).run()
    assert not at.exception
    assert "form" not in at.query_params
    at.selectbox(key="choice_since").set_value(None).run()
    at.text_input(key="choice_q").set_value("").run()
    assert list(at.query_params) == ["company"]
    assert len(tables(at)[0]) == 8


def test_a_filter_named_twice_counts_once(graded: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that repeats itself is read, with the box open as well."""
    monkeypatch.setattr(views, "is_open", lambda _: True)
    at = opened("data_quality", form=["10-Q", "10-Q"])
    assert at.multiselect(key="choice_form").value == ["10-Q"]


@pytest.mark.few(1)
@pytest.mark.parametrize("by", ["Company", "Form", "Year"])
def test_shares_of_grades_are_shown_by_what_the_address_says(graded: Desk, by: str) -> None:
    """Beside the distribution stands one chart of shares: by company, form or year."""
    charts = opened("data_quality", by=by).get("plotly_chart")
    assert [chart.proto.alt for chart in charts] == [
        "Filings by grade", f"Share of each grade by {by.lower()}",
    ]  # fmt: skip


def test_datasets_have_grades_and_a_history(graded: Desk) -> None:
    """The second view tells the weakest dataset and shows the runs of one."""
    at = opened("data_quality", view="Datasets", dataset="prices.daily")
    assert at.selectbox(key="dataset").value == "prices.daily"
    assert "datasets with rows are A or B" in text_of(at)


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "part", ["Findings", "Facts used", "Statements", "Comparatives", "Versions"]
)
def test_every_part_of_a_filing_opens(graded: Desk, part: str) -> None:
    """A filing is reached by its accession, and all its parts draw."""
    at = opened("filing", filing=ACCESSION, part=part)
    assert "Alpha Inc" in text_of(at)
    assert at.selectbox(key="filing_choice").value == ACCESSION


def test_a_filing_without_a_grade_is_said(graded: Desk) -> None:
    """An unknown accession in the URL gets a sentence."""
    assert "has no grade" in text_of(opened("filing", filing="0000000000-00-000000"))


def test_a_filing_that_is_listed_but_not_graded_leads_to_edgar(graded: Desk) -> None:
    """An 8-K found by its accession is told in the SEC's words, with the way to the document."""
    row = {"accession": "0000001002-26-000099", "form": "8-K", "items": "2.02", "description": None}
    with graded.warehouse.transaction() as tx:
        known = tx.read("SELECT * FROM filings WHERE cik = 1002 LIMIT 1")
        tx.insert(
            "filings", known.with_columns(**{k: pl.lit(v, pl.String) for k, v in row.items()})
        )
    told = text_of(opened("filing", filing=row["accession"]))
    assert "· 8-K** of" in told
    assert ": Results" in told
    assert "/Archives/edgar/data/1002/000000100226000099/0000001002-26-000099-index.htm" in told
    assert "has no grade" in told


def test_a_company_in_the_address_opens_its_newest_filing(graded: Desk) -> None:
    """Without an accession the newest filing of the company is shown."""
    at = opened("filing", cik="1002")
    assert at.selectbox(key="filing_choice").value == "0000001002-26-000008"


@pytest.mark.parametrize("cik", [1001, 1002])
def test_registrants_that_share_an_accession_are_told_apart(graded: Desk, cik: int) -> None:
    """The company in the address is the one shown, and stays in the address and the search."""
    shared = "0000001002-26-000008"
    with graded.warehouse.transaction() as tx:
        tx.execute(
            "UPDATE grades SET accession = ? WHERE accession = '0000001001-26-000008'", [shared]
        )
        tx.execute(
            "UPDATE filings SET accession = ? WHERE accession = '0000001001-26-000008'", [shared]
        )
    at = opened("filing", filing=shared, cik=str(cik))
    ticker = {1001: "AAA", 1002: "BBB"}[cik]
    named = at.selectbox(key="filing_choice").format_func(shared)
    assert named.startswith(ticker)
    assert "cik" in opened("filing", filing=shared).query_params
    found = text_of(opened("search", q=shared))
    assert f"cik={cik}" in found
    assert "has no grade" in text_of(opened("filing", filing=shared, cik="1003"))


def test_a_prospectus_is_not_what_one_sees_first(graded: Desk) -> None:
    """Without an accession the newest rated filing leads; all the company's can be chosen."""
    with graded.warehouse.transaction() as tx:
        tx.execute(
            "UPDATE grades SET grade = CASE WHEN accession > '0000001002-26-000006' THEN 'NR' "
            "ELSE 'B' END WHERE cik = 1002"
        )
    at = opened("filing", cik="1002")
    choice = at.selectbox(key="filing_choice")
    assert choice.value == "0000001002-26-000006"
    assert any("0000001002-26-000008" in option for option in choice.options)


def test_findings_tell_both_numbers() -> None:
    """What was stated, what was expected, the difference, the tolerance and the period."""
    finding = {
        "expected": 1000.0,
        "actual": 900.0,
        "tolerance": 2.0,
        "period_start": None,
        "period_end": "2025-12-31",
    }
    told = quality_findings.numbers(finding)
    assert told == "Stated 900, expected 1,000: 100 less · tolerance 2 · at 2025-12-31"


def test_the_checks_are_shown_and_run_again(graded: Desk) -> None:
    """Six checks of the last run; the button makes another run."""
    at = opened("reconciliation")
    assert len(tables(at)[-1]) == 6
    at.button(key="reconcile_now").click().run()
    assert not at.exception
    assert len(tables(at)[-1]) == 12


def test_a_check_that_found_rows_shows_a_sample(
    graded: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every check has its sentence; the sample of one that found rows is in its box."""
    with graded.warehouse.transaction() as tx:
        tx.execute("DELETE FROM grades WHERE accession = ?", [ACCESSION])
    reconcile.run(graded, "test")
    at = opened("reconciliation")
    assert all(title in text_of(at) for title in reconciliation.TITLES.values())
    assert len(tables(at)) == 1
    monkeypatch.setattr(views, "is_open", lambda _: True)
    assert len(tables(opened("reconciliation"))) > 1


def test_facts_behind_a_finding_are_spread_out_when_asked(
    graded: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A finding says its sentence and numbers; its facts are drawn while the box is open."""
    facts = [{"concept": "Assets", "value": 5.0, "unit": "USD", "accession": ACCESSION}]
    found = pl.DataFrame(
        {"rule": ["Q01"], "severity": ["critical"], "message": ["They differ."]}
        | {"expected": [7.0], "actual": [5.0], "tolerance": [1.0], "facts": [facts]}
        | {"period_start": [None], "period_end": ["2025-12-31"]}
    )
    seen = quality.filing
    monkeypatch.setattr(
        quality, "filing", lambda *args, **named: replace(seen(*args, **named), findings=found)
    )
    for is_open in (False, True):
        monkeypatch.setattr(views, "is_open", lambda _, now=is_open: now)
        at = opened("filing", filing=ACCESSION)
        assert "Stated 5, expected 7: 2 less" in text_of(at)
        assert len(tables(at)) == int(is_open)


def test_rules_are_found_by_word(desk: Desk) -> None:
    """The search narrows the table; every rule of the set can be read in full."""
    (table,) = tables(opened("rules", q="dqc_0015"))
    assert list(table["rule"]) == ["Q29"]
    assert "Q09 ·" in text_of(opened("rules", rule="Q09"))
    assert f"**{len(quality.rules())} rules**" in text_of(opened("rules"))


def test_companies_show_grades_where_they_are_read(graded: Desk) -> None:
    """Watch list and filings carry the grade."""
    at = opened("companies", company="AAA")
    assert all("grade" in table for table in tables(at)[:2])


def test_marks_of_the_sources_form_are_no_words(graded: Desk) -> None:
    """The SEC parts two categories by `<br>`, and lists three items without a name as `,,`."""
    with graded.warehouse.transaction() as tx:
        tx.execute("UPDATE companies SET category = 'Non-accelerated filer<br>Smaller company'")
        tx.execute("UPDATE filings SET items = ',,' WHERE accession = ?", [ACCESSION])
    at = opened("companies", company="AAA")
    assert "Non-accelerated filer, Smaller company" in text_of(at)
    listed = next(table for table in tables(at) if "items" in table)
    assert listed["items"][listed["accession"].index(ACCESSION)] in (None, "", "–")


@pytest.mark.few(1)
@pytest.mark.parametrize("part", ["Findings", "Statements", "Comparatives", "Versions"])
def test_a_filing_without_a_period_opens_too(graded: Desk, part: str) -> None:
    """A prospectus has no period and no score: its page draws, and says that it is not rated."""
    with graded.warehouse.transaction() as tx:
        tx.execute(
            "UPDATE grades SET period_end = NULL, score = NULL, grade = 'NR' WHERE accession = ?",
            [ACCESSION],
        )
    at = opened("filing", filing=ACCESSION, part=part)
    assert "not rated" in text_of(at)


def test_a_report_without_facts_shows_no_empty_scores(graded: Desk) -> None:
    """Nothing was evaluated: five boxes without a number say nothing beside the reason."""
    gone = ", ".join(f"{name} = NULL" for name in (*quality_findings.SUBSCORES, "evaluable"))
    with graded.warehouse.transaction() as tx:
        tx.execute(
            f"UPDATE grades SET {gone}, score = NULL, grade = 'NR' WHERE accession = ?", [ACCESSION]
        )
    at = opened("filing", filing=ACCESSION)
    assert list(at.metric) == []
    assert "No rule could be evaluated" in text_of(at)
    assert "Weight passed" not in text_of(at)


def test_what_found_rows_without_a_sample_is_not_among_the_right_ones() -> None:
    """A check is right when nothing is affected, whether or not it kept rows to show."""
    rows = [
        {"check_name": "a", "affected": 2, "sample": None},
        {"check_name": "b", "affected": 1, "sample": '[{"cik": 7}]'},
        {"check_name": "c", "affected": 0, "sample": "[]"},
    ]
    found, right = reconciliation._parted(pl.DataFrame(rows))
    assert [(check["check_name"], sample.height) for check, sample in found] == [("a", 0), ("b", 1)]
    assert [check["check_name"] for check in right] == ["c"]
