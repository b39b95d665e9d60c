"""Lines of one size that are exchanged: what they are made of tells them apart."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.domain.quality.reports import MILLION, grades_of, report, year

LAST = "0-20-10"
CFO, CFI = (f"NetCashProvidedByUsedIn{kind}Activities" for kind in ("Operating", "Investing"))
SOON, LATER = "AssetsCurrent", "AssetsNoncurrent"


def with_year_before(number: int, own: dict[str, float], other: dict[str, float]) -> list:
    """A report that tells its year and, beside it, the year before."""
    rows = year(number, **own)
    about = {k: rows[0][k] for k in ("accession", "filed", "fiscal_year", "form")}
    return [*rows, *(row | about for row in year(number - 1, **other))]


def sheet(soon: float, later: float, inventory: float, plant: float) -> dict[str, float]:
    names = (SOON, LATER, "InventoryNet", "PropertyPlantAndEquipmentNet")
    return {n: v * MILLION for n, v in zip(names, (soon, later, inventory, plant), strict=True)}


def flows(operating: float, investing: float, income: float, spent: float) -> dict[str, float]:
    names = (CFO, CFI, "NetIncomeLoss", "PaymentsToAcquirePropertyPlantAndEquipment")
    made = {
        n: v * MILLION for n, v in zip(names, (operating, investing, income, spent), strict=True)
    }
    return made | {"DepreciationDepletionAndAmortization": 120 * MILLION}


def found(now: dict[str, float], before: dict[str, float]) -> set[str]:
    """The rules that a report fails after five like `before`."""
    past = [with_year_before(n, before, before) for n in range(2015, 2020)]
    return set(grades_of(*past, with_year_before(2020, now, before))[LAST]["rules"])


def test_balances_of_one_size_are_told_apart_by_what_their_parts_grew_by() -> None:
    """Inventory came in and plant went: current assets cannot have grown by 330."""
    before = sheet(2300, 2700, 290, 1000)
    assert "Q57" in found(sheet(2630, 2370, 360, 930), before)
    assert "Q57" not in found(sheet(2370, 2630, 360, 930), before)


def test_balances_that_part_with_their_parts_are_no_exchange() -> None:
    """The same two balances, where the parts grew and fell by as much."""
    assert "Q57" not in found(sheet(2630, 2370, 620, 670), sheet(2300, 2700, 290, 1000))


def test_flows_that_are_both_outflows_are_told_apart_by_their_parts() -> None:
    """A loss less depreciation is what operations took, plant bought what was invested."""
    before = flows(-230, -50, -350, 50)
    assert "Q57" in found(flows(-60, -240, -360, 60), before)
    assert "Q57" not in found(flows(-240, -60, -360, 60), before)


def test_investments_told_as_operations_are_what_was_paid_for_them() -> None:
    """To the dollar what plant cost, in a year whose operations say nothing of themselves."""
    before = flows(400, -400, 100, 400)
    assert "Q57" in found(flows(-420, 900, 10, 420), before)
    assert "Q57" not in found(flows(900, -420, 10, 420), before)


def test_without_a_year_before_nothing_is_told() -> None:
    """Parts say what a line should be only beside what it was."""
    alone = [year(n, **sheet(2300, 2700, 290, 1000)) for n in range(2015, 2020)]
    wrong = year(2020, **sheet(2630, 2370, 360, 930))
    assert "Q57" not in grades_of(*alone, wrong)[LAST]["rules"]


LOANS_SOLD = "ProceedsFromSaleOfMortgageLoansHeldForSale"
COLLECTED = "ProceedsFromSaleAndCollectionOfReceivables"
INCOME, SPENT = "NetIncomeLoss", "PaymentsToAcquirePropertyPlantAndEquipment"


def moved(operating: float, investing: float, **parts: float) -> dict[str, float]:
    """Flows and their parts, in millions."""
    told = {CFO: operating, CFI: investing, **parts}
    return {name: value * MILLION for name, value in told.items()}


@pytest.mark.parametrize(
    ("now", "before"),
    [
        pytest.param(
            moved(180, -6, **{INCOME: -76, SPENT: 6, LOANS_SOLD: 158}),
            moved(-5, -60, **{INCOME: -46, SPENT: 50}),
            id="lent to be sold",
        ),
        pytest.param(
            moved(-150, -230, **{INCOME: -358, SPENT: 139, "ImpairmentOfInvestments": 190}),
            moved(-164, 5, **{INCOME: -194, SPENT: -5}),
            id="investments written down",
        ),
        pytest.param(
            moved(17, -96, **{INCOME: -49, SPENT: 15, "IncreaseDecreaseInRestrictedCash": 83}),
            moved(590, -20, **{INCOME: 520, SPENT: 24}),
            id="cash set aside",
        ),
        pytest.param(
            moved(22, -56, **{INCOME: -58, SPENT: 56, COLLECTED: 56}),
            moved(-45, -92, **{INCOME: -25, SPENT: 92}),
            id="owed by customers",
        ),
        pytest.param(
            moved(-25, -11, **{INCOME: -10, SPENT: 11, "PaymentsToAcquireProductiveAssets": 11}),
            moved(51, 43, **{INCOME: 51, SPENT: -43}),
            id="one amount under two names",
        ),
    ],
)  # fmt: skip
def test_flows_that_their_own_parts_explain_are_no_exchange(
    now: dict[str, float], before: dict[str, float]
) -> None:
    """What they are made of is counted once, and on the side where it belongs."""
    assert "Q57" not in found(now, before)


OWED_SOON, OWED_LATER = "LiabilitiesCurrent", "LiabilitiesNoncurrent"
OF_INVESTEES = "EquityMethodInvestmentSummarizedFinancialInformationCurrentLiabilities"


def owed(soon: float, later: float, payable: float, pension: float, **others: float) -> dict:
    told = {
        OWED_SOON: soon, OWED_LATER: later, "AccountsPayableCurrent": payable,
        "DefinedBenefitPensionPlanLiabilitiesNoncurrent": pension, **others,
    }  # fmt: skip
    return {name: value * MILLION for name, value in told.items()}


def test_what_investees_owe_is_no_part_of_the_sheet() -> None:
    """Their current liabilities grew by more than its own did."""
    before = owed(5320, 5240, 2450, 2500, **{OF_INVESTEES: 1200})
    now = owed(5400, 5840, 2510, 2740, **{OF_INVESTEES: 1700})
    assert "Q57" not in found(now, before)
    assert "Q57" in found(owed(5400, 5840, 2900, 2500), owed(5320, 5240, 2450, 2500))


def test_current_assets_that_their_parts_make_up_are_no_exchange() -> None:
    """Cash bought a business: each is near what the other was."""
    before = {SOON: 156, LATER: 107, "CashAndCashEquivalentsAtCarryingValue": 84}
    parts = {"CashAndCashEquivalentsAtCarryingValue": 29, "AccountsReceivableNetCurrent": 41}
    now = {SOON: 111, LATER: 141, **parts, "InventoryNet": 41}
    sized = [{n: v * MILLION for n, v in told.items()} for told in (now, before)]
    assert "Q57" not in found(*sized)
    sized[0].pop("InventoryNet")
    assert "Q57" in found(*sized)


def test_an_honest_report_after_exchanged_lines_is_not_the_one_at_fault() -> None:
    """It tells the year before with its parts; the report of that year had the lines exchanged, and
    nothing beside them that told.
    """
    usual, odd = flows(600, -240, 480, 240), flows(-100, 40, -220, 20)
    past = [with_year_before(n, usual, usual) for n in range(2015, 2019)]
    honest = with_year_before(2020, usual, odd)
    assert "Q57" not in grades_of(*past, with_year_before(2019, odd, usual), honest)[LAST]["rules"]
    crossed = odd | {CFO: odd[CFI], CFI: odd[CFO]}
    alone = year(2019, **crossed)
    assert "Q57" not in grades_of(*past, alone, honest)["0-19-10"]["rules"]
    assert "Q57" not in grades_of(*past, alone, honest)[LAST]["rules"]
    slipped = with_year_before(2020, usual, crossed)
    assert "Q57" in grades_of(*past, with_year_before(2019, odd, usual), slipped)[LAST]["rules"]


def half(first: dict[str, float], second: dict[str, float]) -> tuple[list, list]:
    """The reports of a first quarter and of the half-year, with its second quarter beside it."""
    begin, march, june = date(2021, 1, 1), date(2021, 3, 31), date(2021, 6, 30)
    rows = report("10-Q", begin, june, 2, **{n: first[n] + second[n] for n in first})
    about = {k: rows[0][k] for k in ("accession", "filed", "fiscal_year", "form")}
    own = [r | about for r in report("10-Q", date(2021, 4, 1), june, 2, **second)]
    return report("10-Q", begin, march, 1, **first), [*rows, *(r for r in own if r["period_start"])]


def test_quarters_that_add_up_with_the_earlier_lines_exchanged_are_the_earlier_reports() -> None:
    """Then the one before told two lines under each other's names; else the sum is wrong."""
    first = {CFO: 150 * MILLION, CFI: -60 * MILLION}
    one, two = half(first, {CFO: 170 * MILLION, CFI: -30 * MILLION})
    usual = [year(n) for n in range(2016, 2021)]
    assert "Q27" not in grades_of(*usual, one, two)["0-21-2"]["rules"]
    crossed, _ = half({CFO: first[CFI], CFI: first[CFO]}, first)
    assert "Q27" not in grades_of(*usual, crossed, two)["0-21-2"]["rules"]
    other, _ = half({CFO: 100 * MILLION, CFI: 90 * MILLION}, first)
    assert "Q27" in grades_of(*usual, other, two)["0-21-2"]["rules"]
