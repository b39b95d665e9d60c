"""Honest sums whose lines stand elsewhere: parts sold, charges below the costs."""

from __future__ import annotations

import pytest

from tests.unit.domain.quality.reports import MILLION, year
from tests.unit.domain.quality.test_quality_false_alarms import CHANGE, failed, two


@pytest.mark.parametrize(("held", "change", "fails"),
                         [(597, -300, False), (250, -300, True), (597, 300, True)])  # fmt: skip
def test_cash_that_leaves_with_what_is_held_for_sale(
    held: float, change: float, *, fails: bool
) -> None:
    """No more is gone than the group held for sale has; more is no cash of it, nor is less gone."""
    sold = "AssetsOfDisposalGroupIncludingDiscontinuedOperation"
    found = failed(*two(**{CHANGE: change, sold: held}))
    assert ({"Q09", "Q10"} <= found) is fails


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
