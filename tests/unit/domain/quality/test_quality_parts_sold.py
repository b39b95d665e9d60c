"""Honest sums whose lines stand elsewhere: parts sold, charges below the costs."""

from __future__ import annotations

import pytest

from tests.unit.domain.quality.reports import MILLION, year
from tests.unit.domain.quality.test_quality_false_alarms import (
    CHANGE,
    failed,
    two,
    with_cash_before,
)

ASSETS = "AssetsOfDisposalGroupIncludingDiscontinuedOperation"
CASH = "DisposalGroupIncludingDiscontinuedOperationCashAndCashEquivalents"
WITH_SOLD = (
    "CashCashEquivalentsRestrictedCashAndRestrictedCashEquivalents"
    "IncludingDisposalGroupAndDiscontinuedOperations"
)
BRIDGE = {"Q09", "Q10"}


@pytest.mark.parametrize(("told", "change", "fails"), [
    ({ASSETS: 700}, -300, False), ({ASSETS: 500}, -300, True), ({ASSETS: 700}, 300, False),
    ({ASSETS: 700, CASH: 300}, -300, False), ({ASSETS: 5000, CASH: 200}, -300, True),
    ({WITH_SOLD: 750}, -300, False), ({WITH_SOLD: 650, ASSETS: 5000}, -300, True),
    ({"LoansReceivableHeldForSaleAmount": 5000}, -20, True), ({ASSETS: 10}, -20, False),
    ({ASSETS: 10}, -100, True), ({"LiabilitiesOfDisposalGroupIncludingDiscontinuedOperation": 700},
                                 -300, False),
])  # fmt: skip
def test_cash_that_leaves_with_what_is_held_for_sale(
    told: dict[str, float], change: float, *, fails: bool
) -> None:
    """No more than the cash told of the group, else half of what it has; and it comes back."""
    assert ("Q09" in failed(*two(**{CHANGE: change}, **told))) is fails


@pytest.mark.parametrize("flow", ["Operating", "Investing", "Financing"])
@pytest.mark.parametrize("factor", [0.1, 10.0])
def test_a_flow_at_a_tenth_is_no_cash_of_what_is_held_for_sale(flow: str, factor: float) -> None:
    """However much is held for sale: nothing but a lost digit is apart by nine tenths."""
    flows = {"Operating": 600.0, "Investing": -240.0, "Financing": -360.0}
    wrong = {f"NetCashProvidedByUsedIn{flow}Activities": flows[flow] * factor}
    found = failed(*two(**{CHANGE: 0.0, ASSETS: 50_000.0}, **wrong))
    assert found >= BRIDGE


def test_the_part_sold_leaves_cash_through_a_line_of_its_own() -> None:
    """The flows told are those of what goes on; with what the part sold took cash is whole."""
    change = {CHANGE: 0.0, "NetCashProvidedByUsedInDiscontinuedOperations": -150.0}

    def bridge(end: float) -> set[str]:
        rows = two(**change, CashAndCashEquivalentsAtCarryingValue=end)
        return failed(*(with_cash_before(some) for some in rows))

    assert "Q16" not in bridge(300.0)
    assert "Q16" in bridge(150.0)


@pytest.mark.parametrize(("others", "fails"), [(6.0, False), (40.0, True)])
def test_a_discontinued_part_told_by_shares_of_its_owners(others: float, *, fails: bool) -> None:
    """The line of the whole leaves out what a sale gained; what owners and others have does not."""
    sold = "IncomeLossFromDiscontinuedOperationsNetOfTax"
    whole = "IncomeLossFromContinuingOperationsIncludingPortionAttributableToNoncontrollingInterest"
    told = {
        whole: 300.0, sold: 1.0, f"{sold}AttributableToReportingEntity": 54.0,
        f"{sold}AttributableToNoncontrollingInterest": others, "ProfitLoss": 360.0,
    }  # fmt: skip
    whole_now = {name: value * MILLION for name, value in told.items()}
    alike = whole_now | {sold: 60 * MILLION, f"{sold}AttributableToReportingEntity": 54 * MILLION,
                         f"{sold}AttributableToNoncontrollingInterest": 6 * MILLION}  # fmt: skip
    before = [year(n, **alike) for n in (2018, 2019)]
    assert ("Q21" in failed(*before, year(2020, **whole_now))) is fails


@pytest.mark.parametrize(("reorganised", "fails"), [(40.0, False), (0.0, True)])
def test_charges_that_the_operating_expenses_leave_out(reorganised: float, *, fails: bool) -> None:
    """Goodwill written off and a reorganisation stand below the costs, each on a line."""
    usual = {"OperatingExpenses": 400 * MILLION, "OperatingIncomeLoss": 560 * MILLION}
    before = [year(n, **usual) for n in range(2016, 2020)]
    charged = {"GoodwillImpairmentLoss": 86.0, "RestructuringCharges": reorganised}
    last = usual | {name: value * MILLION for name, value in charged.items() if value}
    last["OperatingIncomeLoss"] = 434 * MILLION
    assert ("Q18" in failed(*before, year(2020, **last))) is fails
