"""Grading whatever comes: empty frames, single facts, missing labels, IFRS, any small frame."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.quality.grading import Graded, grade
from core.domain.quality.model import default_ruleset
from core.domain.tables.frames import COMPANIES, FACTS, FILINGS, check

FILED = date(2020, 2, 20)
YEAR = (date(2019, 1, 1), date(2019, 12, 31))
LETTERS = {"A", "B", "C", "D", "F", "NR"}


def fact(concept: str, value: float, **changes: Any) -> dict[str, object]:
    """One fact of a 10-K for 2019 as a row of FACTS."""
    row: dict[str, object] = {
        "cik": 1, "taxonomy": "us-gaap", "concept": concept, "unit": "USD",
        "period_start": None, "period_end": YEAR[1], "value": value, "accession": "0-20-1",
        "fiscal_year": 2019, "fiscal_period": "FY", "form": "10-K", "filed": FILED,
        "frame": None, "seq": 0,
    }  # fmt: skip
    return row | changes


def facts(*rows: dict[str, object]) -> pl.DataFrame:
    """Rows in the FACTS schema."""
    return check(pl.DataFrame(list(rows), schema=dict(FACTS.columns)), FACTS)


def listed(accession: str, filed: date, form: str = "10-K", cik: int = 1) -> pl.DataFrame:
    """One XBRL filing of the submissions."""
    row = dict.fromkeys(FILINGS.columns) | {
        "cik": cik, "accession": accession, "form": form, "filed": filed,
        "report_date": YEAR[1], "is_xbrl": True,
    }  # fmt: skip
    return pl.DataFrame([row], schema=dict(FILINGS.columns))


def graded(frame: pl.DataFrame, filings: pl.DataFrame | None = None) -> Graded:
    """Grades of the facts with the filings given, and no company known."""
    return grade(frame, FILINGS.empty() if filings is None else filings, COMPANIES.empty())


def sheet(value: float = 5e9, **changes: Any) -> list[dict[str, object]]:
    """A balance sheet, profit and cash flow that add up."""
    flow = {"period_start": YEAR[0]} | changes
    return [
        fact("Assets", value, **changes),
        fact("LiabilitiesAndStockholdersEquity", value, **changes),
        fact("Liabilities", value * 0.6, **changes),
        fact("StockholdersEquity", value * 0.4, **changes),
        fact("NetIncomeLoss", value * 0.02, **flow),
        fact("NetCashProvidedByUsedInOperatingActivities", value * 0.03, **flow),
    ]


def test_nothing_to_grade_gives_no_grades() -> None:
    """Empty frames come out as empty scores, findings and judgements."""
    result = graded(FACTS.empty())
    assert result.scores.is_empty()
    assert result.findings.is_empty()
    assert result.judged.is_empty()


def test_one_fact_is_not_rated_and_says_why() -> None:
    """A filing of a single fact is NR with a reason, not an A."""
    row = graded(facts(fact("Assets", 5e9))).scores.row(0, named=True)
    assert row["grade"] == "NR"
    assert "not rated" in row["reason"]


def test_missing_labels_do_not_stop_the_grading() -> None:
    """Facts without fiscal year, period, form or frame are graded; the labels are reported."""
    bare = [
        row | {"fiscal_year": None, "fiscal_period": None} for row in sheet()
    ]  # fmt: skip
    result = graded(facts(*bare))
    assert result.scores.height == 1
    assert "Q51" in result.findings["rule"].to_list()


def test_an_ifrs_filer_is_judged_by_its_own_identity() -> None:
    """Assets of an IFRS filer are compared with EquityAndLiabilities, in its currency."""
    shared = {"taxonomy": "ifrs-full", "unit": "EUR", "form": "20-F"}
    broken = facts(
        fact("Assets", 5e9, **shared), fact("EquityAndLiabilities", 4e9, **shared),
        fact("Equity", 2e9, **shared), fact("Liabilities", 2e9, **shared),
    )  # fmt: skip
    found = graded(broken).findings
    assert "critical" in found["severity"].to_list()


def test_an_xbrl_report_without_facts_is_found_and_not_rated() -> None:
    """Q44: an XBRL 10-K of a company with facts that has none itself is an NR row and a finding."""
    both = pl.concat([listed("0-20-1", FILED), listed("0-20-2", date(2020, 5, 8), "10-Q")])
    later = listed("0-20-3", date(2020, 8, 7), "8-K")
    result = graded(facts(*sheet()), pl.concat([both, later]))
    row = result.scores.filter(pl.col("accession") == "0-20-2").row(0, named=True)
    assert (row["grade"], row["facts"], row["major"]) == ("NR", 0, 1)
    assert "without facts" in row["reason"]
    found = result.findings.filter(pl.col("rule") == "Q44")
    assert found["accession"].to_list() == ["0-20-2"]


def test_facts_that_were_not_pulled_since_are_no_fault_of_the_filer() -> None:
    """Q44 says of a report younger than our facts so, and of an older one that it was left out."""
    between, after = (listed(f"0-20-{n}", date(2020, n, 8), "10-Q") for n in (5, 8))
    told = facts(
        *sheet(), *[row | {"accession": "0-20-6", "filed": date(2020, 6, 8)} for row in sheet()]
    )
    later = listed("0-20-9", date(2020, 9, 7), "8-K")
    known = pl.concat(
        [listed("0-20-1", FILED), between, listed("0-20-6", date(2020, 6, 8)), after, later]
    )
    found = graded(told, known).findings.filter(pl.col("rule") == "Q44")
    said = dict(found.select("accession", "message").iter_rows())
    assert "those of later filings are" in said["0-20-5"]
    assert "our facts of the company end with 2020-06-08" in said["0-20-8"]


def test_a_report_of_today_may_still_lack_its_facts() -> None:
    """Q44 waits a day, and says nothing of companies whose facts were never pulled."""
    today = listed("0-20-2", date(2020, 5, 8), "10-Q")
    stranger = listed("0-20-9", FILED, cik=9)
    result = graded(facts(*sheet()), pl.concat([listed("0-20-1", FILED), today, stranger]))
    assert "Q44" not in result.findings["rule"].to_list()


CONCEPTS = [
    *sorted(
        {
            (taxonomy, tag)
            for item in default_ruleset().items.values()
            for taxonomy, tags in (
                ("us-gaap", item.tags),
                ("ifrs-full", item.ifrs),
                ("dei", item.dei),
            )
            for tag in tags
        }
    ),
    ("us-gaap", "NoSuchConcept"),
]
NUMBERS = st.sampled_from([0.0, -1.0, 1.0, 0.01, 1e3, -5e6, 7e9, 1e15, 1e300, -1e300])
DAYS = st.integers(-400, 800).map(lambda n: date(2019, 6, 30) + timedelta(days=n))
ROWS = st.builds(
    lambda what, unit, start, end, value, accession, label, form, filed, seq: fact(
        what[1], value, taxonomy=what[0], unit=unit, period_start=start, period_end=end,
        accession=accession, fiscal_year=label[0], fiscal_period=label[1], form=form,
        filed=filed, seq=seq,
    ),
    st.sampled_from(CONCEPTS),
    st.sampled_from(["USD", "EUR", "shares", "USD/shares", "pure", "USDPerShare", ""]),
    st.none() | DAYS, DAYS, NUMBERS,
    st.sampled_from(["0-20-1", "0-20-2", "0-20-3"]),
    st.sampled_from([(2019, "FY"), (None, None), (2019, "Q1"), (1900, "H1")]),
    st.sampled_from(["10-K", "10-Q", "10-K/A", "20-F", "8-K", "?"]),
    DAYS, st.integers(0, 2),
)  # fmt: skip


@settings(deadline=None, derandomize=True, max_examples=25)
@given(st.lists(ROWS, max_size=25))
def test_whatever_is_filed_gets_a_grade_or_a_reason(rows: list[dict[str, object]]) -> None:
    """Any small frame is graded: one row a filing, a known letter, NR only with a reason."""
    frame = facts(*rows)
    scores = graded(frame).scores
    assert scores.height == frame.select("cik", "accession").unique().height
    assert set(scores["grade"]) <= LETTERS
    unrated = scores.filter(pl.col("grade") == "NR")
    assert unrated["reason"].null_count() == 0
    assert scores["score"].drop_nulls().is_between(0, 100).all()
