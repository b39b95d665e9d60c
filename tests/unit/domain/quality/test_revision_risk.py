"""Revision risk: what it rests on was known on the report's day, and it says why."""

from __future__ import annotations

from datetime import date, timedelta
from importlib import resources
from types import SimpleNamespace

import numpy as np
import orjson
import polars as pl
import pytest

from core.domain.quality.grading import grade
from core.domain.quality.revision import model as revision
from core.domain.quality.revision.features import (
    FEATURES,
    USUAL_BALANCES,
    Grounds,
    Standard,
    features,
)
from core.domain.quality.revision.signs import SIGNS, _changed
from core.domain.quality.status.timeline import statuses
from core.domain.tables.frames import COMPANIES
from core.errors import SchemaError
from tests.unit.domain.quality.test_filing_status import CIK, NOTICE, listed, report

NOBODY = COMPANIES.empty()
YEARS = [(f"k{y}", "10-K", f"{y + 1}-02-20", f"{y}-12-31") for y in range(2014, 2020)]


def years(changed=()):
    """Annual reports; each of `changed` tells the year before again, a third of it otherwise."""
    parts = [report(*year) for year in YEARS]
    for y in changed:
        before = report(f"k{y}", "10-K", f"{y + 1}-02-20", f"{y - 1}-12-31")
        parts.append(before.with_columns(value=pl.col("value") * _factor()))
    return pl.concat(parts)


def _factor():
    return pl.when(pl.int_range(pl.len()) % 3 == 0).then(1.1).otherwise(1.0)


def filings(*more):
    return listed(*((a, f, d, p, None) for a, f, d, p in YEARS), *more)


def known(facts, given):
    graded = grade(facts, given, NOBODY)
    return Grounds(statuses(facts, given).signs, graded.scores, graded.items, given)


def told(facts, given):
    """accession -> (risk, reasons)."""
    found = revision.risks(known(facts, given))
    return {r["accession"]: (r["revision_risk"], r["revision_reasons"]) for r in found.to_dicts()}


def test_a_history_of_changed_reports_raises_the_risk_and_is_named():
    quiet, restless = (told(years(c), filings())["k2019"] for c in ((), (2015, 2016, 2017, 2018)))
    assert restless[0] > quiet[0]
    said = (
        "of the amounts of its company's 5 reports of this kind (annual or quarterly) of one to "
        "seven years before, typically 24.5 % were changed later"
    )
    assert said in restless[1]
    assert len(quiet[1]) == len(restless[1]) == 3


def test_a_report_that_tells_the_year_before_otherwise_says_how_much():
    again = report("k2019", "10-K", "2020-02-20", "2018-12-31", base=1.1e6)
    found = told(pl.concat([years(), again]), filings())["k2019"]
    assert any(
        "% of the figures that it repeats have other values" in reason for reason in found[1]
    )


def test_nothing_that_was_filed_after_a_report_moves_its_risk():
    """Told day by day, every report has the risk that all facts together give it."""
    facts = years((2015, 2016, 2017, 2018, 2019))
    given = filings(("n", "8-K", "2018-05-01", "2018-05-01", "4.02"), NOTICE)
    whole = told(facts, given)
    assert len(whole) == len(YEARS)
    for accession, _, filed, _ in YEARS:
        day = pl.col("filed") <= date.fromisoformat(filed)
        assert told(facts.filter(day), given.filter(day))[accession] == whole[accession]


def test_a_change_taken_back_by_then_counts_no_more():
    """The figures of 2014 are told otherwise for 2015, and as first told in 2016."""
    back = report("k2016", "10-K", "2017-02-20", "2014-12-31")
    signs = statuses(pl.concat([years((2015,)), back]), filings()).signs
    changed = dict(signs.select("accession", "past_changed").rows())
    assert [changed[f"k{y}"] for y in (2015, 2016, 2017)] == [1, 0, 0]


def of(facts, given, accession="k2019"):
    """The features of one report."""
    rows = features(known(facts, given), (), date(2015, 12, 15))
    return rows.row(by_predicate=pl.col("accession") == accession, named=True)


@pytest.mark.parametrize(
    ("form", "filed", "items", "counts"),
    [
        ("8-K", "2020-01-10", "5.03,9.01", 1.0),
        ("8-K/A", "2020-02-20", "5.03", 1.0),
        ("8-K", "2020-01-10", "5.02,15.03", 0.0),
        ("8-K", "2019-11-01", "5.03", 0.0),
        ("8-K", "2020-02-21", "5.03", 0.0),
        ("10-Q", "2020-01-10", "5.03", 0.0),
    ],
)
def test_a_changed_charter_is_that_of_the_hundred_days_before(form, filed, items, counts):
    assert of(years(), filings(("x", form, filed, filed, items)))["charter"] == counts


def test_balances_are_counted_of_quarterly_reports():
    """Those of a year's end are told again, so that an annual report has the usual share."""
    flow = pl.when(pl.int_range(pl.len()) < 10).then(pl.lit(date(2020, 1, 1)))
    quarter = report("q1", "10-Q", "2020-05-05", "2020-03-31").with_columns(period_start=flow)
    facts, given = pl.concat([years(), quarter]), filings(("q1", "10-Q", "2020-05-05", "2020-03-31",
                                                           None))  # fmt: skip
    assert of(facts, given, "q1")["balances"] == pytest.approx(20 / 30)
    assert of(facts, given)["balances"] == USUAL_BALANCES


def goodwill(**amounts):
    """Annual reports of some years with goodwill and assets, by year."""
    parts = [
        report(*year, change={"Goodwill": amounts[year[0]], "Assets": 1e9})
        if year[0] in amounts else report(*year)
        for year in YEARS
    ]  # fmt: skip
    return pl.concat(parts)


@pytest.mark.parametrize(("amounts", "moved"), [
    ({"k2018": 3e8, "k2019": 2e8}, 0.1),
    ({"k2018": 1e8, "k2019": 9e8}, 0.3),  # no more counts
    ({"k2017": 3e8, "k2019": 2e8}, 0.0),
    ({"k2019": 2e8}, 0.0),
])  # fmt: skip
def test_goodwill_moved_since_the_report_of_a_year_before(amounts, moved):
    """In assets; nothing where one of the two does not tell it."""
    assert of(goodwill(**amounts), filings())["goodwill"] == pytest.approx(moved)


def test_goodwill_is_away_from_that_of_reports_filed_by_then():
    """A report of a nearer day that comes later hides none."""
    days = [("a", "2019-02-20", "2018-12-28", 3e8), ("b", "2020-02-20", "2019-12-31", 2e8),
            ("c", "2020-06-01", "2018-12-31", 3e8)]  # fmt: skip
    parts = [report(n, "10-K", filed, end, change={"Goodwill": value, "Assets": 1e9})
             for n, filed, end, value in days]  # fmt: skip
    given = listed(*((n, "10-K", filed, end, None) for n, filed, end, _ in days))
    for known_by in (2, 3):
        facts = pl.concat(parts[:known_by])
        assert of(facts, given.head(known_by), "b")["goodwill"] == pytest.approx(0.1)


def test_how_late_and_of_how_many_lines_a_report_is():
    row = of(years(), filings())
    assert (row["days"], row["delay"]) == (51, pytest.approx(np.log(52)))
    assert row["concepts"] == pytest.approx(np.log(31))


def test_a_past_of_its_kind_goes_back_further_and_leaves_other_kinds_out():
    """There a changed quarter says nothing of annual reports, and a year of five years ago does."""
    quarter = ("q1", "10-Q", "2018-05-05", "2018-03-31", None)
    first, again = (report(n, "10-Q", d, "2018-03-31") for n, d in
                    (("q1", "2018-05-05"), ("q5", "2019-05-06")))  # fmt: skip
    changed = again.with_columns(value=pl.col("value") * _factor())
    given = filings(quarter, ("q5", "10-Q", "2019-05-06", "2019-03-31", None))
    row, quiet = (of(pl.concat([years(), first, other]), given) for other in (changed, again))
    assert row["past"] > quiet["past"]
    assert row["past_alike"] == quiet["past_alike"]
    old, young = of(years((2015,)), filings()), of(years(), filings())
    assert old["past"] == young["past"]
    assert old["past_alike"] > young["past_alike"]


def test_standards_count_from_the_day_they_are_issued_until_they_hold():
    model = revision.default_model()
    rows = features(known(years(), filings()), model.standards, model.strict_since)
    pending = dict(rows.select("accession", "standards").rows())
    issued = [s for s in model.standards if s.issued <= date(2017, 2, 20)]
    near = timedelta(days=380)
    soon = [s for s in issued if timedelta(days=-20) <= s.after - date(2016, 12, 31) <= near]
    assert pending["k2016"] == len(soon) == 4
    assert pending["k2019"] == 0


def level(facts, accession, standards=()):
    rows = features(known(facts, filings()), standards, date(2015, 12, 15))
    return dict(rows.select("accession", "past").rows())[accession]


def test_a_past_before_a_new_standard_says_little():
    """All companies told 2017 anew under it; what one changed by itself says more of it."""
    facts = years((2018,))
    one = Standard("one", issued=date(2017, 1, 1), after=date(2018, 6, 15))
    assert level(facts, "k2019") > level(facts, "k2019", (one,))
    assert level(facts, "k2019") > level(years(), "k2019")


def test_how_much_was_changed_before_counts_below_a_twentieth_too():
    """A past of one changed amount in thirty is worse than one of none."""
    again = report("k2018", "10-K", "2019-02-20", "2017-12-31", change={"Assets": 5e6})
    found = known(pl.concat([years(), again]), filings()).signs
    assert dict(found.select("accession", "past_changed").rows())["k2019"] == 0
    assert level(pl.concat([years(), again]), "k2019") > level(years(), "k2019")


def test_a_standard_of_insurers_means_whoever_owes_insured_people():
    """Owners of an insurer tell its policies, whatever kind of filers they are themselves."""
    days = {"issued": date(2017, 1, 1), "after": date(2018, 6, 15)}
    one = Standard("one", **days, styles=("insurer",), policies=True)
    first = pl.int_range(pl.len()).over("accession") == 0
    owed = pl.when(first).then(pl.lit("PolicyholderBenefitsAndClaimsIncurredNet"))
    given = years().with_columns(concept=owed.otherwise("concept"))
    for facts, pending in ((given, 1.0), (years(), 0.0)):
        rows = features(known(facts, filings()), (one,), date(2015, 12, 15))
        assert dict(rows.select("accession", "standards").rows())["k2017"] == pending


def test_the_probability_is_that_of_the_weights():
    found = known(years((2015, 2016)), filings())
    model = revision.default_model()
    rows = features(found, model.standards, model.strict_since)
    z = model.intercept + revision.matrix(rows, model.usual) @ model.weights
    assert revision.risks(found)["revision_risk"].to_list() == pytest.approx(
        1 / (1 + np.exp(-z)), abs=1e-4
    )


def test_a_young_company_has_the_usual_past():
    """Its reports are none that could have been told again; that is no sign of good figures."""
    rows = features(known(years(), filings()), (), date(2015, 12, 15))
    first = rows.filter(pl.col("accession") == "k2014")
    assert first["past"].to_list() == [None]
    usual = np.arange(1.0, len(FEATURES) + 1)
    assert revision.matrix(first, usual)[0][FEATURES.index("past")] == usual[FEATURES.index("past")]


def test_a_feature_without_numbers_is_refused():
    texts = [
        (resources.files("core.domain.quality.revision") / name).read_text("utf-8")
        for name in revision.FILES
    ]
    numbers = orjson.loads(texts[1])
    del numbers["features"]["loss"]
    with pytest.raises(SchemaError, match="loss"):
        revision.read_model(texts[0], orjson.dumps(numbers).decode())
    assert revision.read_model(*texts).id == revision.default_model().id


def test_a_purchase_told_as_if_made_before_raises_the_risk():
    """Pro forma figures of a report are counted in it alone."""
    concept = pl.when(pl.int_range(pl.len()) < 2).then(
        pl.lit("BusinessAcquisitionsProFormaRevenue")
    ).otherwise("concept")  # fmt: skip
    mine = pl.col("accession") == "k2019"
    whole = years()
    bought = whole.filter(mine).with_columns(concept.alias("concept")).unique(
        [n for n in whole.columns if n != "value"], keep="first", maintain_order=True
    )  # fmt: skip
    facts = pl.concat([whole.filter(~mine), bought])
    counted = dict(known(facts, filings()).signs.select("accession", "pro_forma").rows())
    assert counted["k2019"] > 0
    assert counted["k2018"] == 0
    assert told(facts, filings())["k2019"][0] > told(years(), filings())["k2019"][0]


def test_amounts_are_counted_where_they_are_told_first():
    """What a report repeats of the year before is not its own."""
    signs = statuses(years((2019,)), filings()).signs
    alone = statuses(years(), filings()).signs
    counts = [dict(s.select("accession", "amounts").rows())["k2019"] for s in (signs, alone)]
    assert counts[0] == counts[1] > 0


def test_what_says_the_same_is_one_reason():
    """A past of all reports and of those of its kind, amounts and lines: one of each is told."""
    reasons = told(years((2015, 2016, 2017, 2018)), filings())["k2019"][1]
    assert sum("lines" in said or "amounts, so that" in said for said in reasons) == 1
    assert sum("were changed later" in said for said in reasons) == 1


def test_other_filings_than_reports_have_none():
    other = report("s1", "S-1", "2020-06-01", "2019-12-31")
    found = told(pl.concat([years(), other]), filings())
    assert "s1" not in found
    assert statuses(years().clear(), filings().clear()).signs.schema == SIGNS
    assert CIK == 77


def test_changes_of_a_report_add_up_in_the_order_of_the_reports_that_tell_them():
    """Of many reports the steps come in any order; a sum up to each of them does not."""
    size = 2000
    steps = pl.DataFrame({
        "rid": np.repeat(np.arange(size), 3), "by": np.tile([7000, 8000, 9000], size),
        "money": True, "step": np.tile(np.array([1, 1, -1], np.int8), size),
    }).sample(fraction=1.0, shuffle=True, seed=3)  # fmt: skip
    found = _changed(SimpleNamespace(steps=steps)).sort("old", "by")
    assert found["held"].to_list() == [1, 2, 1] * size


@pytest.mark.parametrize("back", [False, True])
def test_goodwill_in_two_currencies_moves_alike_in_any_order(back):
    """A translation beside it: of which the last was read, counted."""
    own = goodwill(k2018=3e8, k2019=2e8)
    other = own.with_columns(unit=pl.lit("EUR"), value=pl.col("value") * 0.7)
    facts = pl.concat([own, other] if back else [other, own])
    assert of(facts, filings())["goodwill"] == pytest.approx(0.1)
