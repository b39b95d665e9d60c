"""Honest reports that alarms were false on: lines between, sheets of an adoption, idle flows."""

from __future__ import annotations

from datetime import date

import pytest

from core.domain.quality.grading import grade
from core.domain.tables.frames import COMPANIES
from tests.unit.domain.quality.reports import MILLION, changed, report, year
from tests.unit.domain.quality.test_quality_honest_kinds import balances, failed, stated
from tests.unit.domain.quality.test_quality_odd_inputs import facts, listed

LAST = "0-20-10"
BEFORE = range(2016, 2020)
CFO, CFI, CFF = (
    f"NetCashProvidedByUsedIn{kind}Activities" for kind in ("Operating", "Investing", "Financing")
)
CHANGE = "CashAndCashEquivalentsPeriodIncreaseDecrease"


def sheet(rows: list, day: date, **amounts: float) -> list:
    """A report with some balances of another day, in millions."""
    assets = next(row for row in rows if row["concept"] == "Assets")
    more = [
        assets | {"concept": name, "period_end": day, "value": value * MILLION}
        for name, value in amounts.items()
    ]
    return [*rows, *more]


PARTIAL = {"Assets": 2000, "LiabilitiesAndStockholdersEquity": 850, "AssetsCurrent": -1}


def quarter(**amounts: float) -> list:
    """A first quarter with the sheet of the year end beside its own."""
    rows = report("10-Q", date(2021, 1, 1), date(2021, 3, 31), 3)
    full = {"Assets": 5000, "LiabilitiesAndStockholdersEquity": 5000}
    return sheet(rows, date(2020, 12, 31), **full, **amounts)


@pytest.mark.parametrize(("day", "wrong"), [(date(2021, 1, 1), set()),
                                            (date(2021, 2, 15), {"Q01", "Q29"})])  # fmt: skip
def test_the_sheet_of_the_day_after_another_holds_what_a_standard_changes(
    day: date, wrong: set[str]
) -> None:
    """Some of its lines, or how much they change: it need not add up. That of another day must."""
    found = failed(sheet(quarter(), day, **PARTIAL), accession="0-21-3")
    assert found & {"Q01", "Q29"} == wrong


def gaining(number: int, income: float, *, gain: float = 0.0) -> list:
    """A year whose operating income is revenue less expenses, with a gain on a sale beside."""
    rows = year(number, OperatingExpenses=1900 * MILLION, OperatingIncomeLoss=income * MILLION)
    return stated(rows, "GainLossOnSaleOfBusiness", gain) if gain else rows


def test_one_line_between_revenue_and_income_is_that_line() -> None:
    """45 of a gain make the income 545 of 500; 45 that nothing tells do not."""
    usual = [gaining(n, 500) for n in BEFORE]
    assert "Q18" in failed(*usual, gaining(2020, 545))
    assert "Q18" not in failed(*usual, gaining(2020, 545, gain=45))
    assert "Q18" in failed(*usual, gaining(2020, 545, gain=30))


def test_an_amount_of_the_form_itself_is_no_line_between() -> None:
    """Expenses with the amount of the revenue leave the income itself between the two sides."""
    usual = [gaining(n, 500) for n in BEFORE]
    assert "Q18" in failed(*usual, changed(gaining(2020, 500), "OperatingExpenses", 2400 / 1900))


@pytest.mark.parametrize(
    ("concept", "value"),
    [("PreferredStockDividendsIncomeStatementImpact", 60),
     ("UndistributedEarningsLossAllocatedToParticipatingSecuritiesBasic", 60),
     ("NetIncomeLossAttributableToRedeemableNoncontrollingInterest", 60)],
)  # fmt: skip
def test_earnings_per_share_are_of_what_is_left_to_common_shares(
    concept: str, value: float
) -> None:
    """360 less 60 make 3.00 of a hundred shares, where the 60 are told."""
    rows = year(2020, EarningsPerShareBasic=3.0, EarningsPerShareDiluted=3.0)
    assert "Q24" in failed(rows)
    assert "Q24" not in failed(stated(rows, concept, value))


def idle(flow: float) -> list:
    """A year without an investing flow, whose change in cash is told."""
    return changed(year(2020, **{CHANGE: flow * MILLION}), CFI, gone=True)


def test_who_invests_nothing_misses_no_investing_flow() -> None:
    """Operations and financing (600 less 360) are all of the change in cash, or they are not."""
    assert "Q42" not in failed(idle(240))
    assert "Q42" in failed(idle(0))


def test_a_year_ago_there_were_investments() -> None:
    """Now there are none, and the change in cash says so."""
    ago = {"period_start": date(2019, 1, 1), "period_end": date(2019, 12, 31)}
    assert "Q42" not in failed(stated(idle(240), CFI, -240, **ago))
    assert "Q42" in failed(stated(idle(0), CFI, -240, **ago))


def test_tables_of_quarters_in_annual_reports_leave_lines_out() -> None:
    """A tax of the fourth quarter a year ago asks for none of this year's."""
    names = ("NetIncomeLoss", "Revenues", "GrossProfit", CFO)
    rows = year(2020)
    now, ago = (
        {"period_start": date(n, 10, 1), "period_end": date(n, 12, 31)} for n in (2020, 2019)
    )
    for name in names:
        rows = stated(rows, name, 90, **now)
    tax = "IncomeTaxExpenseBenefit"
    assert "Q42" not in failed(stated(rows, tax, 30, **ago))
    before = {"period_start": date(2020, 7, 1), "period_end": date(2020, 9, 30)}
    rows = stated(rows, tax, 20, **before)  # told of the quarter before: then it is missed
    assert "Q42" in failed(stated(rows, tax, 30, **ago))


ALL = "StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest"


def owned(number: int, others: float, *, parent: bool = True) -> list:
    """A year with both equities, and what others own."""
    more = {f"Line{n}": MILLION for n in range(20)}
    rows = year(number, StockholdersEquity=(2000 - others) * MILLION, **more)
    rows = sheet(rows, date(number, 12, 31), **{ALL: 2000, "MinorityInterest": others})
    return rows if parent else changed(rows, "StockholdersEquity", gone=True)


@pytest.mark.parametrize(("others", "missed"), [(4, True), (0, False)])
def test_equity_with_what_others_own_stands_for_that_without_where_they_own_nothing(
    others: float, missed: bool
) -> None:
    """Two that are nearly the same are two, as long as there is something between them."""
    usual = [owned(n, others) for n in BEFORE]
    assert ("Q48" in failed(*usual, owned(2020, others, parent=False))) is missed


def test_debt_that_was_due_and_is_paid_is_no_exchange_of_lines() -> None:
    """What the report before told as due makes up for what current liabilities fell by."""
    due = "ConvertibleDebtCurrent"
    usual = [year(n, **balances(2000, 1000)) for n in range(2015, 2020)]
    last = year(2020, **balances(1010, 2000))
    assert "Q57" in failed(*usual, last)
    usual[-1] = stated(usual[-1], due, 700, period_start=None)
    assert "Q57" not in failed(*usual, last)


def taking(number: int, flows: tuple[float, float]) -> list:
    """A first quarter with an operating and an investing flow, in millions."""
    sizes = dict(zip((CFO, CFI), (flow * MILLION for flow in flows), strict=True))
    return report("10-Q", date(number, 1, 1), date(number, 3, 31), 3, **sizes)


def test_a_quarter_like_that_of_the_year_before_is_no_exchange_of_flows() -> None:
    """Operations that take cash in every first quarter, beside sales of investments."""
    usual = [taking(n, (150, -60)) for n in range(2015, 2020)]
    odd = taking(2020, (-60, 150))
    assert "Q57" in failed(*usual, odd, accession="0-20-3")
    usual[-1] = taking(2019, (-70, 20))
    assert "Q57" not in failed(*usual, odd, accession="0-20-3")


@pytest.mark.parametrize(("sold", "wrong"), [(True, False), (False, True)])
def test_cash_that_goes_to_what_is_held_for_sale_leaves_the_change_in_cash(
    sold: bool, wrong: bool
) -> None:
    """A line of the statement that the facts do not carry: a third of the greatest flow."""
    rows = year(2020, **{CHANGE: -200 * MILLION})
    if sold:
        held = 450 * MILLION
        rows = stated(rows, "AssetsHeldForSaleNotPartOfDisposalGroup", held, period_start=None)
    usual = [year(n, **{CHANGE: 0.0}) for n in BEFORE]
    assert ("Q10" in failed(*usual, rows)) is wrong


RESTRICTED = "CashCashEquivalentsRestrictedCashAndRestrictedCashEquivalents"


@pytest.mark.parametrize(("held", "missed"), [(450.2, True), (450.0, False)])
def test_cash_with_what_is_restricted_stands_for_cash_where_nothing_is_restricted(
    held: float, missed: bool
) -> None:
    """However little is restricted, it is another amount."""
    more = {f"Line{n}": MILLION for n in range(20)} | {RESTRICTED: held * MILLION}
    last = changed(year(2020, **more), "CashAndCashEquivalentsAtCarryingValue", gone=True)
    assert ("Q48" in failed(*(year(n, **more) for n in BEFORE), last)) is missed


@pytest.mark.parametrize(("apart", "wrong"), [(-30, False), (-55, False), (-130, True)])
def test_a_habit_excuses_no_more_than_it_made_before(apart: float, wrong: bool) -> None:
    """Years whose flows leave 30 of 600 out: a line may vary, but hardly to four times as much."""
    past = [year(n, **{CHANGE: -30.0 * MILLION}) for n in BEFORE]
    last = year(2020, **{CHANGE: apart * MILLION})
    assert ("Q10" in failed(*past, last)) is wrong


@pytest.mark.parametrize(("net", "taken"), [(5000.0, False), (2000.0, True)])
def test_net_assets_that_are_all_assets_are_no_equity(net: float, *, taken: bool) -> None:
    """Who owes 3,000 million does not own 5,000 of 5,000, and liabilities of 0 are no fact."""
    owed = {"LiabilitiesCurrent": 1000.0 * MILLION, "LiabilitiesNoncurrent": 2000.0 * MILLION}
    rows = [row for row in year(2020, **owed) if row["concept"] != "Liabilities"]
    for row in rows:
        if row["concept"] == "StockholdersEquity":
            row |= {"concept": "AssetsNet", "value": net * MILLION}
    items = grade(
        facts(*rows), listed("0-20-10", rows[0]["filed"], "10-K"), COMPANIES.empty()
    ).items
    assert ("EquityParent" in set(items["item"])) == taken
    assert "Q06" not in failed(rows)
