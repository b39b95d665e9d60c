"""Honest filings that looked wrong: each kind costs nothing, and the fault beside it still does."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.domain.quality.reports import MILLION, changed, grades_of, quarters, year
from tests.unit.domain.quality.test_quality_odd_inputs import fact

LAST = "0-20-10"
CHANGE = "CashAndCashEquivalentsPeriodIncreaseDecrease"
DISCONTINUED = "CashProvidedByUsedInOperatingActivitiesDiscontinuedOperations"
FX_CONTINUING = "EffectOfExchangeRateOnCashContinuingOperations"
FX = "EffectOfExchangeRateOnCashAndCashEquivalents"
PRETAX = (
    "IncomeLossFromContinuingOperationsBeforeIncomeTaxesExtraordinaryItemsNoncontrollingInterest"
)
CONTINUING = (
    "IncomeLossFromContinuingOperationsIncludingPortionAttributableToNoncontrollingInterest"
)
OTHER_PRETAX = (
    "IncomeLossFromContinuingOperationsBeforeIncomeTaxes"
    "MinorityInterestAndIncomeLossFromEquityMethodInvestments"
)


def failed(*reports: list) -> set[str]:
    """The rules that the last report fails."""
    return set(grades_of(*reports)[LAST]["rules"])


def two(**figures: float) -> list[list]:
    """Three honest years and the year 2020 with more figures in millions."""
    more = {name: value * MILLION for name, value in figures.items()}
    usual = {CHANGE: 0.0, OTHER_PRETAX: 450 * MILLION, "IncomeTaxExpenseBenefit": 90 * MILLION}
    honest = [year(n, **usual) for n in (2017, 2018, 2019)]
    return [*honest, year(2020, **more)]


def test_the_cash_bridge_with_exchange_effects_and_discontinued_flows() -> None:
    """Exchange effect -20 and discontinued -80 make the change of -100; flows alone do not."""
    assert not {"Q09", "Q10"} & failed(*two(**{CHANGE: -100, FX: -20, DISCONTINUED: -80}))
    assert {"Q09", "Q10"} <= failed(*two(**{CHANGE: -100}))
    assert not {"Q09", "Q10"} & failed(*two(**{CHANGE: -100, FX_CONTINUING: -100}))


def test_cash_that_left_on_a_line_of_the_filers_own() -> None:
    """One line that no taxonomy names tells just what the flows lack, however its sign is written;
    another amount, another period or a difference of a few units explains nothing.
    """

    def told(change: float, line: float, year_of: int = 2020) -> set[str]:
        rows = two(**{CHANGE: change})
        as_change = next(r for r in rows[-1] if r["concept"] == CHANGE)
        own = {"taxonomy": "custom", "concept": "CashOfDeconsolidatedCompanies"}
        own |= {"value": line * MILLION, "period_start": date(year_of, 1, 1)}
        own |= {"period_end": date(year_of, 12, 31)}
        return failed(*rows[:-1], [*rows[-1], as_change | own]) & {"Q09", "Q10"}

    both = {"Q09", "Q10"}
    assert not told(-100, -100)
    assert not told(-100, 100)
    assert told(-100, -60) == both
    assert told(-100, -100, 2019) == both
    assert "Q09" in told(-19, -19)


def test_cash_that_went_into_what_is_held_for_sale() -> None:
    """The company tells of it: up to half of it may be cash."""
    assert "Q10" in failed(*two(**{CHANGE: -60}))
    assert "Q10" not in failed(
        *two(**{CHANGE: -60, "AssetsHeldForSaleNotPartOfDisposalGroup": 130})
    )


def with_cash_before(rows: list) -> list:
    """A year's report with its cash of the year before, 450 million."""
    cash = next(r for r in rows if r["concept"] == "CashAndCashEquivalentsAtCarryingValue")
    end = date(cash["period_end"].year - 1, 12, 31)
    return [*rows, cash | {"period_end": end, "value": 450 * MILLION}]


def test_cash_of_a_group_held_for_sale_is_cash_still() -> None:
    """A third of the cash is told under the group held for sale: with it the balances add up."""
    less = {"CashAndCashEquivalentsAtCarryingValue": 300, CHANGE: 0}
    sold = "DisposalGroupIncludingDiscontinuedOperationCashAndCashEquivalents"

    def with_beginning(**figures: float) -> set[str]:
        return failed(*(with_cash_before(rows) for rows in two(**figures)))

    assert "Q16" in with_beginning(**less)
    assert "Q16" not in with_beginning(**less, **{sold: 150})
    assert "Q16" in with_beginning(**less, **{sold: 40})


def test_cash_with_fiduciary_cash_in_the_bridge() -> None:
    """The change is that of a wider cash; its balances are told under another name."""
    wide = (
        "CashCashEquivalentsRestrictedCashAndRestrictedCashEquivalents"
        "IncludingDisposalGroupAndDiscontinuedOperations"
    )
    change = (
        "CashCashEquivalentsRestrictedCashAndRestrictedCashEquivalents"
        "PeriodIncreaseDecreaseIncludingExchangeRateEffect"
    )
    narrow = "CashCashEquivalentsRestrictedCashAndRestrictedCashEquivalents"

    def bridge(end: float) -> list:
        rows = year(2020, **{change: 0.0, narrow: 450 * MILLION, wide: end})
        about = {k: rows[0][k] for k in ("accession", "filed", "fiscal_year", "form")}
        begin = about | {"period_end": date(2019, 12, 31)}
        return [*rows, fact(narrow, 900 * MILLION, **begin), fact(wide, 9000 * MILLION, **begin)]

    before = [year(n) for n in (2018, 2019)]
    assert "Q16" not in failed(*before, bridge(9000 * MILLION))


def test_a_rounding_unit_of_a_tenth_of_a_million() -> None:
    """Sums of amounts in tenths of millions may be a tenth apart."""
    figures = {
        "Liabilities": 3000.3, "StockholdersEquity": 1999.4, "Revenues": 2400.3,
        "CostOfRevenue": 1440.2, "GrossProfit": 960.1, "NetIncomeLoss": 360.2,
        "NetCashProvidedByUsedInOperatingActivities": 600.3, "InventoryNet": 290.4,
        "NetCashProvidedByUsedInInvestingActivities": -240.1, "AccountsReceivableNetCurrent": 340.6,
        "NetCashProvidedByUsedInFinancingActivities": -360.2, "Assets": 4999.8,
        "LiabilitiesAndStockholdersEquity": 4999.8, "CashAndCashEquivalentsAtCarryingValue": 450.7,
        CHANGE: 0.1,
    }  # fmt: skip
    assert not {"Q02", "Q09"} & failed(*two(**figures))


def test_profit_that_we_filled_in_alarms_nobody() -> None:
    """Continuing and discontinued income need not make a profit that the filer never told."""
    told = {"IncomeLossFromDiscontinuedOperationsNetOfTax": 10.0}
    told[
        "IncomeLossFromContinuingOperationsIncludingPortionAttributableToNoncontrollingInterest"
    ] = 340.0
    assert "Q21" not in failed(*two(**told))
    whole = {name: value * MILLION for name, value in told.items()} | {"ProfitLoss": 350 * MILLION}
    before = [year(n, **whole) for n in (2018, 2019)]
    assert "Q21" in failed(*before, year(2020, **(whole | {"ProfitLoss": 360 * MILLION})))


def test_segment_income_under_a_tag_of_pretax_income() -> None:
    """Of two pretax incomes that one counts which makes the net income with the tax."""
    told = {PRETAX: 720.0, OTHER_PRETAX: 450.0, "IncomeTaxExpenseBenefit": 90.0}
    assert "Q20" not in failed(*two(**told))
    assert "Q20" in failed(*two(**(told | {OTHER_PRETAX: 500.0})))


def test_preferred_dividends_and_redemptions_take_from_the_income() -> None:
    """Income to common may be less than the told dividends say; more it may not be."""
    told = {"PreferredStockDividendsIncomeStatementImpact": 30.0}
    common = "NetIncomeLossAvailableToCommonStockholdersBasic"
    assert "Q23" not in failed(*two(**told, **{common: 300.0}))
    assert "Q23" in failed(*two(**told, **{common: 380.0}))


def test_negative_revenue_of_a_fund() -> None:
    """Losses of investments are its revenue; where the income contradicts it, it is a fault."""
    loss = {PRETAX: -500.0, "IncomeTaxExpenseBenefit": -140.0, "NetIncomeLoss": -360.0}
    assert "Q29" not in failed(*two(Revenues=-200.0, **loss))
    assert "Q29" in failed(*two(Revenues=-200.0))


def test_a_form_of_ones_own_is_let_off() -> None:
    """A filer whose comprehensive income holds what no tag tells breaks the sum every year."""
    own = {"ComprehensiveIncomeNetOfTax": 300.0, "OtherComprehensiveIncomeLossNetOfTax": 40.0}
    every = {name: value * MILLION for name, value in own.items()}
    kept = [year(n, **every) for n in range(2015, 2021)]
    assert "Q07" not in failed(*kept)
    right = every | {"ComprehensiveIncomeNetOfTax": 400 * MILLION}
    assert "Q07" in failed(*(year(n, **right) for n in range(2015, 2020)), year(2020, **every))


def test_quarterly_data_in_an_annual_report() -> None:
    """A table of quarters leaves lines out; the year itself does not."""
    rows = year(2020, **{PRETAX: 450 * MILLION, "IncomeTaxExpenseBenefit": 90 * MILLION})
    about = {k: rows[0][k] for k in ("accession", "filed", "fiscal_year", "form", "period_end")}
    quarter = about | {"period_start": date(2020, 10, 1)}
    rows += [
        fact(PRETAX, 120 * MILLION, **quarter), fact("NetIncomeLoss", 60 * MILLION, **quarter),
        fact("IncomeTaxExpenseBenefit", 20 * MILLION, **quarter),
    ]  # fmt: skip
    before = two()[:3]
    assert "Q20" not in failed(*before, rows)
    assert "Q20" in failed(*before, changed(rows, concept="IncomeTaxExpenseBenefit", factor=3.0))


@pytest.mark.parametrize("count", [25_000, 1_000])
def test_shares_of_a_shell_before_a_merger(count: int) -> None:
    """Round counts up to a hundred thousand contradict no cover."""
    rows = [row for row in year(2020) if "WeightedAverage" not in row["concept"]]
    about = {k: rows[0][k] for k in ("form", "accession", "filed", "fiscal_year", "period_end")}
    shares = about | {"unit": "shares"}
    rows.append(fact("CommonStockSharesOutstanding", count, **shares))
    cover = shares | {"taxonomy": "dei", "period_end": date(2021, 1, 31)}
    rows.append(fact("EntityCommonStockSharesOutstanding", 551_054_569, **cover))
    assert "Q31" not in failed(rows)
    rows[-2]["value"] = 551_055.0
    assert "Q31" in failed(rows)


def test_a_third_quarter_without_the_year_to_date() -> None:
    """Cash flow for the quarter alone is the year to date under a quarter's dates, or half told."""
    reports = [[row | {"fiscal_period": f"Q{n}"} for row in r] for n, r in enumerate(quarters(), 1)]
    long = {row["period_start"] for row in reports[2] if row["period_start"]}
    last = [row for row in reports[2] if row["period_start"] != min(long)]
    assert "Q56" in grades_of(*reports[:2], last)["0-20-3"]["rules"]
    assert "Q56" not in grades_of(*reports)["0-20-3"]["rules"]


def test_the_past_of_a_shell_is_no_past_of_the_business_that_it_bought() -> None:
    """Each line of last year is another company's; three told anew are a restatement."""

    def again(**figures: float) -> list:
        rows = year(2020)
        about = {k: rows[0][k] for k in ("accession", "filed", "fiscal_year", "form")}
        return [*rows, *(row | about for row in year(2019, **figures))]

    before = [year(n) for n in (2018, 2019)]
    few = {"InventoryNet": 250.0, "Revenues": 2500.0, "CostOfRevenue": 1540.0}
    many = {
        "Assets": 31.0, "LiabilitiesAndStockholdersEquity": 31.0, "Revenues": 7.0,
        "Liabilities": 19.0, "StockholdersEquity": 12.0, "NetIncomeLoss": 3.3,
        "CostOfRevenue": 5.0, "GrossProfit": 2.0,
    }  # fmt: skip
    assert "Q47" in failed(*before, again(**{n: v * MILLION for n, v in few.items()}))
    assert "Q47" not in failed(*before, again(**{n: v * MILLION for n, v in many.items()}))


def test_participating_securities_take_their_share() -> None:
    """Participating securities take up to a twentieth of the income untold."""
    eps = {"EarningsPerShareBasic": 3.48, "EarningsPerShareDiluted": 3.48}
    before = [year(n) for n in (2018, 2019)]
    assert "Q24" not in failed(*before, year(2020, **eps))
    assert "Q24" in failed(*before, year(2020, **dict.fromkeys(eps, 3.69)))


def test_a_cover_of_a_report_that_came_late() -> None:
    """Ten months after the balance sheet, and a week before the filing: late, but no other's."""

    def covered(filed: date) -> list:
        rows = [row | {"filed": filed} for row in year(2020)]
        about = {k: rows[0][k] for k in ("accession", "filed", "fiscal_year", "form")}
        cover = about | {"unit": "shares", "taxonomy": "dei", "period_end": date(2021, 11, 1)}
        return [*rows, fact("EntityCommonStockSharesOutstanding", 100 * MILLION, **cover)]

    assert "Q38" not in failed(covered(date(2021, 11, 8)))
    assert "Q38" in failed(covered(date(2022, 2, 8)))


@pytest.mark.parametrize(("note", "fails"), [(6.0e9, False), (5.8e9, False), (5.0e9, True)])
def test_a_value_rounded_more_coarsely_in_a_note(note: float, *, fails: bool) -> None:
    """6.0 billion beside 5,796 million is a rounding, 5.0 billion a contradiction."""
    rows = year(2020, Revenues=5796 * MILLION)
    (again,) = [row for row in rows if row["concept"] == "Revenues"]
    assert ("Q40" in failed([*rows, again | {"value": note, "seq": 1}])) == fails


def test_earnings_per_share_in_pence() -> None:
    """A filer in pounds may tell pence: a hundredfold, and no fault; in dollars it is one."""
    eps = dict.fromkeys(("EarningsPerShareBasic", "EarningsPerShareDiluted"), 360.0)
    dollars = year(2020, **eps)
    pounds = [row | {"unit": str(row["unit"]).replace("USD", "GBP")} for row in dollars]
    assert "Q24" in failed(dollars)
    assert "Q24" not in failed(pounds)


def test_ifrs_cash_flows_with_discontinued_operations() -> None:
    """Continuing and discontinued flows under IFRS names make the change in cash."""
    about = {"taxonomy": "ifrs-full", "unit": "EUR", "form": "20-F", "accession": LAST}
    flow = about | {"period_start": date(2019, 1, 1)}
    flows = {f"CashFlowsFromUsedIn{kind}ActivitiesContinuingOperations": value for kind, value in
             (("Operating", 90.0), ("Investing", -50.0), ("Financing", -30.0))}  # fmt: skip
    flows["IncreaseDecreaseInCashAndCashEquivalentsDiscontinuedOperations"] = -25.0
    flows["ProfitLoss"] = 100.0
    stocks = {"Assets": 500.0, "EquityAndLiabilities": 500.0, "Equity": 200.0}
    rows = [fact(name, value * MILLION, **about) for name, value in stocks.items()]
    rows += [fact(name, value * MILLION, **flow) for name, value in flows.items()]
    change = "IncreaseDecreaseInCashAndCashEquivalents"
    assert not {"Q09", "Q10"} & failed([*rows, fact(change, -15 * MILLION, **flow)])
    alone = [row for row in rows if "Discontinued" not in str(row["concept"])]
    assert "Q10" in failed([*alone, fact(change, 900 * MILLION, **flow)])


@pytest.mark.parametrize(("equity", "fails"), [(-1500.0, False), (-2000.0, True)])
def test_convertible_preferred_stock_before_an_offering(equity: float, *, fails: bool) -> None:
    """A deficit leaves room for stock that no tag tells; twice the equity is a turned sign."""
    sheet = {"StockholdersEquity": equity * MILLION, "Liabilities": 3000 * MILLION}
    assert ("Q02" in failed(year(2020, **sheet))) == fails


def covered(number: int, shares: float, *without: str) -> list:
    """A year's report with a count on its cover, and no weighted shares nor what else is named."""
    dropped = ("WeightedAverage", *without)
    rows = [row for row in year(number) if not any(name in row["concept"] for name in dropped)]
    about = {k: rows[0][k] for k in ("accession", "filed", "fiscal_year", "form")}
    cover = about | {"unit": "shares", "taxonomy": "dei", "period_end": date(number + 1, 1, 31)}
    return [*rows, fact("EntityCommonStockSharesOutstanding", shares, **cover)]


@pytest.mark.parametrize(("count", "fails"), [(25_000.0, False), (551_054.0, True)])
def test_the_cover_of_a_shell_is_no_past(count: float, *, fails: bool) -> None:
    """Without a count in the statements the cover before is asked, unless that was a shell's."""

    found = failed(covered(2019, count), covered(2020, 2_000_551_054_569.0))
    assert ("Q31" in found) == fails


@pytest.mark.parametrize(("count", "fails"), [(100.0, False), (1e8, True), (1e-4, True)])
def test_a_right_cover_after_a_wrong_one(count: float, *, fails: bool) -> None:
    """The cover before was in the wrong scale: the earnings per share tell which of the two is."""

    before = 1e8 if count == 100.0 else 100.0
    assert (
        "Q31" in failed(covered(2019, before * MILLION), covered(2020, count * MILLION))
    ) == fails


@pytest.mark.parametrize("factor", [1e6, 1e-6])
def test_a_right_cover_after_a_wrong_one_without_earnings_per_share(factor: float) -> None:
    """Only the wrong one is told of: the one after it is of the size of the one before both."""

    wrong = 420e6 * factor
    for counts, fails in (
        ((415e6, wrong, 433e6), False),
        ((415e6, wrong), True),
        ((wrong, 433e6), True),
    ):
        told = [
            covered(2021 - len(counts) + place, n, "PerShare") for place, n in enumerate(counts)
        ]
        assert ("Q31" in failed(*told)) == fails


def test_a_profit_over_a_loss_of_what_goes_on() -> None:
    """What was sold may stand under the filer's own tag: the earnings per share tell the sign."""
    told = {"IncomeLossFromContinuingOperations": -360.0, "NetIncomeLoss": 350.0}
    shares = {"WeightedAverageNumberOfSharesOutstandingBasic": 100 * MILLION}
    both = {name: value * MILLION for name, value in told.items()} | shares
    assert "Q34" not in failed(*[year(n, **both, EarningsPerShareBasic=3.5) for n in (2019, 2020)])
    for eps in (-3.5, -3.6, 35.0):
        assert "Q34" in failed(*[year(n, **both, EarningsPerShareBasic=eps) for n in (2019, 2020)])
