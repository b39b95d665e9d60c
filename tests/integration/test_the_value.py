"""Which value is the value: reports before other documents, and the tag that adds up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from components.parts import compare
from components.parts.companies import series
from core.domain.filings.facts import coded
from core.domain.filings.figures import the_values
from core.domain.quality.grading import grade
from core.domain.quality.model import default_ruleset
from core.domain.quality.status.retold import HEADLINES, headline_tags
from core.domain.tables.frames import COMPANIES, FACTS, FILINGS
from core.service.desk import Desk
from core.service.filings import alternatives, companies, comparison, quality
from core.service.filings.regrading import grade_all
from core.service.kernel import exports
from core.service.pulls.backfill import backfill
from core.store.fact_codes import append_rows
from core.store.fact_merge import note_upstream

ACCESSION = "0000000007-14-000001"
YEAR = (date(2014, 1, 1), date(2014, 12, 31))


def stated(concept: str, value: float, **more: Any) -> dict[str, Any]:
    """One fact of a year in the columns of FACTS; balances have no start."""
    said = {
        "cik": 7, "taxonomy": "us-gaap", "concept": concept, "unit": "USD", "value": value,
        "period_start": YEAR[0], "period_end": YEAR[1], "accession": ACCESSION, "form": "10-K",
        "fiscal_year": 2014, "fiscal_period": "FY", "filed": date(2015, 2, 1), "frame": None,
        "seq": 0,
    }  # fmt: skip
    return said | more


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    """Facts as a frame."""
    return pl.DataFrame(list(rows), schema=dict(FACTS.columns))


def revenue(*rows: dict[str, Any]) -> tuple[str, float]:
    """What stands for the revenues of the filing."""
    items = grade(frame(*rows), FILINGS.empty(), COMPANIES.empty()).items
    (found,) = items.filter(pl.col("item") == "Revenues").select("concept", "value").rows()
    return found


CONTRACTS = "RevenueFromContractWithCustomerExcludingAssessedTax"
# Sales in America under the first tag, those of the whole under another (Procter & Gamble 2014).
ABROAD = (stated("Revenues", 28.4e9), stated("SalesRevenueNet", 82.0e9))
COST = (stated("CostOfRevenue", 42.0e9), stated("GrossProfit", 40.0e9))


@pytest.mark.parametrize(
    ("rows", "right"),
    [
        ((*ABROAD, *COST), "SalesRevenueNet"),
        ((*ABROAD, COST[1]), "SalesRevenueNet"),  # a part is below the profit of the whole
        ((*ABROAD, stated("CostsAndExpenses", 67e9), stated("OperatingIncomeLoss", 15e9)),
         "SalesRevenueNet"),
        ((*ABROAD, stated("OperatingExpenses", 67e9), stated("OperatingIncomeLoss", 15e9)),
         "SalesRevenueNet"),  # no cost of sales (asset managers)
        ((stated("Revenues", 5e9), stated("SalesRevenueNet", 9e9), stated("SalesRevenueGoodsNet",
          4e9)), "SalesRevenueNet"),  # the sum of its parts
        (ABROAD, "Revenues"),  # nothing speaks for the other
        ((stated(CONTRACTS, 307e6), stated("RevenuesNetOfInterestExpense", 532e6)),
         "RevenuesNetOfInterestExpense"),  # a broker's commissions are a part (Interactive Brokers)
        ((stated("Revenues", 82e9), stated("SalesRevenueNet", 28.4e9), *COST), "Revenues"),
        ((stated("Revenues", 82e12), stated("SalesRevenueNet", 82e9), *COST), "Revenues"),
        ((stated("Revenues", -82e9), stated("SalesRevenueNet", 82e9), *COST), "Revenues"),
    ],
)  # fmt: skip
def test_the_tag_that_adds_up_is_the_revenue(rows: tuple[dict[str, Any], ...], right: str) -> None:
    """Before the first of the list; a thousandfold or negative first stays, to be found."""
    assert revenue(*rows)[0] == right


def test_each_period_is_judged_by_itself() -> None:
    """A comparative with one tag keeps it."""
    before = {"period_start": date(2013, 1, 1), "period_end": date(2013, 12, 31)}
    rows = (*ABROAD, *COST, stated("Revenues", 81e9, **before))
    items = grade(frame(*rows), FILINGS.empty(), COMPANIES.empty()).items
    found = items.filter(pl.col("item") == "Revenues").sort("period_end")
    assert found["value"].to_list() == [81e9, 82e9]


def of_year(year: int, months: int = 12) -> dict[str, date]:
    """The period of the first months of a year."""
    end = date(year, 12, 31) if months == 12 else date(year, months + 1, 1) - timedelta(days=1)
    return {"period_start": date(year, 1, 1), "period_end": end}


@pytest.mark.parametrize(
    ("rows", "right"),
    [
        # Occidental 2018: a part of the year's sales, and the whole beside those of other years
        ((("Revenues", 15.6, 2018), (CONTRACTS, 17.8, 2018), (CONTRACTS, 12.5, 2017),
          (CONTRACTS, 10.1, 2016)), 17.8),
        ((("Revenues", 12.0, 2018, 3), (CONTRACTS, 2524.0, 2018, 3), (CONTRACTS, 2058.0, 2017, 3)),
         2524.0),  # News Corp's quarter
        ((("Revenues", 17.8, 2018), (CONTRACTS, 15.6, 2018), (CONTRACTS, 9.0, 2017),
          ("Revenues", 12.5, 2017)), 17.8),  # both have their past
        ((("Revenues", 17.8, 2018), (CONTRACTS, 15.6, 2018)), 17.8),  # neither has
        ((("Revenues", 17.8, 2018), ("Revenues", 4.0, 2017, 3), (CONTRACTS, 15.6, 2018)), 17.8),
        ((("Revenues", 17.8, 2018), (CONTRACTS, 15.6, 2018), (CONTRACTS, 12.5, 2017),
          ("CostOfRevenue", 10.0, 2018), ("GrossProfit", 7.8, 2018)), 17.8),  # adding up decides
        ((("Revenues", 17.8, 2018), ("Revenues", 9.0, 2016), (CONTRACTS, 15.6, 2018),
          (CONTRACTS, 12.5, 2017)), 15.6),  # of another time, not of the year before
    ],
)  # fmt: skip
def test_a_tag_of_one_year_yields_to_one_with_comparatives(
    rows: tuple[tuple[Any, ...], ...], right: float
) -> None:
    """Statements tell the year before as well; what a note tells of one year is a part."""
    told = [stated(name, value * 1e9, **of_year(*when)) for name, value, *when in rows]
    items = grade(frame(*told), FILINGS.empty(), COMPANIES.empty()).items
    ours = items.filter(pl.col("item") == "Revenues", pl.col("period_end").dt.year() == 2018)
    assert ours["value"].to_list() == [right * 1e9]


@pytest.mark.parametrize("form", ["DEF 14A", "PRE 14A", "S-1/A", "424B3", "8-K", "S-4"])
def test_reports_go_before_other_documents(form: str) -> None:
    """Whichever was filed last; without a report the other document counts."""
    other = stated("NetIncomeLoss", 348e3, form=form, filed=date(2016, 4, 1), accession="b")
    assert the_values(frame(stated("NetIncomeLoss", 348e6), other))["value"].to_list() == [348e6]
    assert the_values(frame(other))["value"].to_list() == [348e3]


@pytest.mark.parametrize("form", ["10-K/A", "10-Q", "20-F", "10-KT", "40-F/A", "10-K405"])
def test_the_report_filed_last_counts(form: str) -> None:
    """Amendments and later reports state a period anew."""
    later = stated("NetIncomeLoss", 9.0, form=form, filed=date(2016, 4, 1), accession="b")
    assert the_values(frame(later, stated("NetIncomeLoss", 8.0)))["value"].to_list() == [9.0]


def put(desk: Desk, *rows: dict[str, Any]) -> None:
    """Store facts as companyfacts would, with their companies, and grade them."""
    facts = frame(*rows)
    names = pl.DataFrame({"cik": facts["cik"].unique().sort()}).with_columns(
        name=pl.format("COMPANY {}", "cik"), pull_id=pl.lit("p")
    )
    with desk.warehouse.transaction() as tx:
        note_upstream(tx, "p", "companyfacts")
        append_rows(tx, coded(facts), "p", datetime(2017, 1, 1, tzinfo=UTC))
        tx.insert("companies", names)
    grade_all(desk)


def test_the_filing_shows_what_was_set_aside_and_exports_name_concepts(desk: Desk) -> None:
    """One function: grades, features and the page of the filing have the same value."""
    put(desk, *ABROAD, *COST, stated("OperatingIncomeLoss", 14.8e9),
        stated("Assets", 9e9, period_start=None))  # fmt: skip
    view = quality.filing(desk, ACCESSION, 7)
    names = ("item", "concept", "value", "rejected", "rejected_value", "reason")
    assert view.rejected.select(names).rows() == [
        ("Revenues", "SalesRevenueNet", 82.0e9, "Revenues", 28.4e9, alternatives.AGREES)
    ]
    (row,) = exports.frame_of(desk, "features").to_dicts()
    assert (row["revenues_concept"], row["assets_concept"]) == ("SalesRevenueNet", "Assets")
    assert (row["accession"], row["currency"]) == (ACCESSION, "USD")
    assert row["operating_margin"] == pytest.approx(14.8 / 82.0)


NO_PARENT = (
    stated("ProfitLoss", 5.0),
    stated("NetCashProvidedByUsedInOperatingActivitiesContinuingOperations", 7.0),
    stated("Assets", 9e9, period_start=None),
)
WITH_PARENT = (
    stated("NetIncomeLoss", 4.0),
    stated("NetCashProvidedByUsedInOperatingActivities", 6.0),
)


@pytest.mark.parametrize(
    ("more", "income", "cash"),
    [
        ((), ("ProfitLoss", 5.0),
         ("NetCashProvidedByUsedInOperatingActivitiesContinuingOperations", 7.0)),
        (WITH_PARENT, ("NetIncomeLoss", 4.0), ("NetCashProvidedByUsedInOperatingActivities", 6.0)),
    ],
)  # fmt: skip
def test_what_is_stated_instead_stands_for_it_everywhere(
    desk: Desk, more: tuple[dict[str, Any], ...], income: tuple[str, float], cash: tuple[str, float]
) -> None:
    """Feature records, the page of the filing and Compare take one value, from one list.

    Profit with minority interests and continuing cash flow only where no other is stated.
    """
    put(desk, *NO_PARENT, *more, *(row | {"cik": 8} for row in (*NO_PARENT, *WITH_PARENT)))
    row = exports.frame_of(desk, "features", cik=7).row(0, named=True)
    assert (row["net_income_concept"], row["net_income_value"]) == income
    assert (row["cfo_concept"], row["cfo_value"]) == cash
    shown = quality.filing(desk, ACCESSION, 7).facts
    taken = {item: rest for item, *rest in shown.select("item", "concept", "value").rows()}
    assert (tuple(taken["NetIncome"]), tuple(taken["Cfo"])) == (income, cash)
    notes = dict(shown.select("item", "note").rows())
    assert notes["NetIncome"] == (None if more else alternatives.STANDS_IN)
    both = {r["concept"]: r for r in comparison.side_by_side(desk, 7, 8).to_dicts()}
    for concept, ours in (("NetIncomeLoss", income), (WITH_PARENT[1]["concept"], cash)):
        assert (both[concept]["left_concept"], both[concept]["left_value"]) == ours


def test_what_stands_in_is_told_of_own_periods_and_of_filings_that_tell_none() -> None:
    """A comparative of an item that the filing tells is no other item, so growth is of one."""
    before = {"period_start": date(2013, 1, 1), "period_end": date(2013, 12, 31)}
    rows = [*NO_PARENT, stated("ProfitLoss", 3.0, **before)]

    def taken(*more: dict[str, Any]) -> list[tuple[str, float]]:
        items = grade(frame(*rows, *more), FILINGS.empty(), COMPANIES.empty()).items
        found = items.filter(pl.col("item") == "NetIncome").sort("period_end")
        return found.select("concept", "value").rows()

    assert taken() == [("ProfitLoss", 3.0), ("ProfitLoss", 5.0)]
    assert taken(WITH_PARENT[0]) == [("NetIncomeLoss", 4.0)]
    quarter = stated("NetIncomeLoss", 1.0, period_start=date(2014, 10, 1))
    assert sorted(taken(quarter)) == [("NetIncomeLoss", 1.0), ("ProfitLoss", 5.0)]


def test_headlines_of_a_status_go_by_the_same_list() -> None:
    """What stands for net income or equity in a grade is the headline where that is not told."""
    rules = default_ruleset()
    of = {(taxonomy, tag): name for taxonomy, tag, name, _ in headline_tags(rules).rows()}
    for name, item in rules.items.items():
        first = of.get(("us-gaap", item.tags[0])) if item.tags else None
        if first and name in HEADLINES.values():
            instead = [o for o in (*item.stands, *item.otherwise) if rules.items[o].figure]
            assert set(item.stands) <= set(instead)
            others = {of["us-gaap", rules.items[other].tags[0]] for other in instead}
            assert others <= {first}


def test_compare_takes_the_tag_that_adds_up(desk: Desk) -> None:
    """The whole's sales under another tag, named, beside the other company's."""
    other = (stated("Revenues", 40e9, cik=8), stated("Assets", 1e9, cik=8, period_start=None))
    put(desk, *ABROAD, *COST, *other)
    rows = {row["concept"]: row for row in comparison.side_by_side(desk, 7, 8).to_dicts()}
    row = rows["Revenues"]
    assert (row["left_value"], row["left_concept"]) == (82e9, "SalesRevenueNet")
    assert (row["right_concept"], row["ratio"]) == ("Revenues", 82 / 40)


def test_a_record_holds_flows_of_one_span(desk: Desk) -> None:
    """Net income of the last twelve months is none of a half year's record (Amazon's 10-Qs)."""
    year = {"period_start": date(2013, 7, 1), "period_end": date(2014, 6, 30), "form": "10-Q"}
    half = year | {"period_start": date(2014, 1, 1)}
    quarter = year | {"period_start": date(2014, 4, 1)}
    put(desk, *(stated("Revenues", v, **span) for v, span in ((50.0, half), (26.0, quarter))),
        *(stated("NetIncomeLoss", v, **span) for v, span in ((9.0, year), (4.0, half),
                                                             (2.0, quarter))),
        stated("GrossProfit", 8.0, **quarter),
        stated("Assets", 9e9, **(half | {"period_start": None})))  # fmt: skip
    (row,) = exports.frame_of(desk, "features").to_dicts()
    assert (row["months"], row["revenues_value"], row["net_income_value"]) == (6, 50.0, 4.0)
    assert (row["net_margin"], row["gross_profit_value"], row["gross_margin"]) == (0.08, None, None)


def test_compare_names_form_and_filing_of_both_sides(desk: Desk) -> None:
    """And goes by the report where a proxy says otherwise, also of a later period."""
    proxy = {"form": "DEF 14A", "accession": "b", "filed": date(2015, 4, 1)}
    later = {"period_start": date(2014, 4, 1), "period_end": date(2015, 3, 31)}
    put(desk, stated("NetIncomeLoss", 348e6), stated("NetIncomeLoss", 348e3, **proxy),
        stated("NetIncomeLoss", 350e3, **proxy, **later),
        stated("NetIncomeLoss", 174e6, cik=8))  # fmt: skip
    (row,) = comparison.side_by_side(desk, 7, 8).to_dicts()
    assert (row["left_value"], row["right_value"], row["ratio"]) == (348e6, 174e6, 2.0)
    assert (row["left_form"], row["left_accession"]) == ("10-K", ACCESSION)


@pytest.mark.parametrize("known", [True, False])
def test_compare_takes_what_a_company_states_instead(desk: Desk, known: bool) -> None:
    """Profit with minority interests stands for net income only where no other is stated."""
    own = (stated("NetIncomeLoss", 4e6),) if known else ()
    put(desk, stated("ProfitLoss", 5e6), *own, stated("NetIncomeLoss", 2e6, cik=8))
    (row,) = comparison.side_by_side(desk, 7, 8).to_dicts()
    assert (row["concept"], row["right_concept"]) == ("NetIncomeLoss", "NetIncomeLoss")
    taken = ("NetIncomeLoss", 4e6, 2.0) if known else ("ProfitLoss", 5e6, 2.5)
    assert (row["left_concept"], row["left_value"], row["ratio"]) == taken
    listed = comparison.side_by_side(desk, 7, 8)
    drawn = compare.chart(desk, (7, 8), ("A", "B"), listed, "NetIncomeLoss")
    assert [list(trace.y) for trace in drawn.data] == [[taken[1]], [2e6]]


def load(desk: Desk, folder: Path) -> None:
    """Load a case and grade it."""
    for name in ("submissions", "companyfacts"):
        backfill(desk, path=folder / f"{name}.zip")
    grade_all(desk)


def test_case_of_the_proxy_scale(desk: Desk, cases: Path) -> None:
    """Net income 2020 is 348,000,000, in Compare and in the chart of the concept."""
    load(desk, cases / "compare-proxy-scale")
    cik = 9100107
    found = comparison.side_by_side(desk, cik, 9100105)
    (row,) = found.filter(pl.col("concept") == "NetIncomeLoss").to_dicts()
    assert (row["left_value"], row["left_form"]) == (348e6, "10-K")
    over = series(companies.facts(desk, cik, "NetIncomeLoss"), "Years")
    assert over.filter(pl.col("period_end") == date(2020, 12, 31))["value"].to_list() == [348e6]


def test_case_of_honest_filers(desk: Desk, cases: Path) -> None:
    """Every filing is A."""
    load(desk, cases / "honest-filers")
    letters = quality.grades(desk)["grade"]
    assert letters.len() > 0
    assert set(letters) == {"A"}
