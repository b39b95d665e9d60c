"""Total equity told otherwise where the parent's was the headline; reports without facts."""

from __future__ import annotations

import polars as pl
import pytest

from core.domain.quality.status.timeline import statuses
from tests.unit.domain.quality.test_filing_status import (
    FY2019,
    FY2020,
    NOTICE,
    YEAR,
    as_known_on,
    listed,
    report,
    told,
)

TOTAL = "StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest"
PARENT = "StockholdersEquity"
BOTH = {PARENT: 5_859_866.0, TOTAL: 5_865_493.0}


def later(values, accession="k21", filed="2021-08-25", form="10-K", end=FY2019):
    """A later report that tells nothing of a day but some equities."""
    return report(accession, form, filed, end, values, names=())


def year_status(*parts, on=None):
    return told(pl.concat([report(*YEAR[:4], BOTH), *parts]), on=on)["k19"]


def test_total_equity_told_otherwise_without_the_parents_is_a_restatement():
    assert year_status(later({TOTAL: 5_970_953.0})) == (
        "restated later",
        "restated later by the 10-K of 2021-08-25 (k21): equity 5.8655 million → 5.971 million",
    )
    assert year_status(later({TOTAL: 5_970_953.0}), on="2021-08-24")[0] == "as filed"


@pytest.mark.parametrize(
    "values",
    [
        {TOTAL: 5_865_500.0},  # rounding
        {TOTAL: 6_865_493.0, PARENT: BOTH[PARENT]},  # others' share alone
        {TOTAL: -5_865_493.0},  # a sign
    ],
)
def test_what_says_nothing_of_the_parents_equity_is_none(values):
    assert year_status(later(values))[0] == "as filed"


def test_the_parents_equity_under_the_name_of_the_total_is_none():
    facts = [report(*YEAR[:4], {PARENT: 2_190_000.0, TOTAL: 2_207_000.0})]
    facts.append(later({TOTAL: 2_190_000.0}))
    assert told(pl.concat(facts))["k19"][0] == "as filed"


def test_a_total_of_another_day_under_a_wrong_date_is_none():
    slip = [later({TOTAL: 9_865_493.0}), later({TOTAL: 9_865_493.0}, end=FY2020)]
    assert year_status(*slip)[0] == "as filed"


def test_a_total_told_as_before_again_ends_it():
    parts = [later({TOTAL: 5_970_953.0}), later(BOTH, "k22", "2022-08-25")]
    facts = pl.concat([report(*YEAR[:4], BOTH), *parts])
    timeline = statuses(facts, listed(YEAR)).timeline
    assert as_known_on(timeline, "k19", "2021-09-01") == "restated later"
    assert as_known_on(timeline, "k19", "2022-08-25") == "as filed"


def test_what_a_first_other_telling_is_no_sign_of_is_none_later_either():
    """As known on a day: what comes later says nothing of the day before it."""
    parts = [
        later({TOTAL: 6_865_493.0, PARENT: BOTH[PARENT]}),
        later({TOTAL: 6_900_000.0}, "k22", "2022-08-25"),
    ]
    assert year_status(*parts)[0] == "as filed"


def bare(accession, form="10-Q", filed="2020-05-05", period="2020-03-31", xbrl=True):
    rows = listed((accession, form, filed, period, None))
    return rows.with_columns(is_xbrl=pl.lit(xbrl))


def test_a_report_marked_xbrl_without_facts_stands_as_filed():
    """It is graded (not rated), so it has a status as others have."""
    filings = pl.concat([listed(YEAR), bare("q1")])
    assert told(report(*YEAR[:4]), filings)["q1"] == ("as filed", None)
    assert "q1" not in told(report(*YEAR[:4]), pl.concat([listed(YEAR), bare("q1", xbrl=False)]))


def test_companies_whose_facts_are_not_pulled_have_no_status():
    assert told(report(*YEAR[:4]).clear(), bare("q1")) == {}


def test_a_report_without_facts_is_withdrawn_and_amended_like_others():
    filings = pl.concat([listed(YEAR, NOTICE), bare("q1")])
    assert told(report(*YEAR[:4]), filings)["q1"][0] == "withdrawn"
    again = report("q1a", "10-Q/A", "2020-09-01", "2020-03-31")
    amended = told(pl.concat([report(*YEAR[:4]), again]), pl.concat([listed(YEAR), bare("q1")]))
    assert amended["q1"][0] == "amended"
