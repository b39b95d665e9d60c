"""Which concepts are parts of a line, as weights (1, -1 or 0) of a `concept` by its name."""

from __future__ import annotations

from functools import cache

import polars as pl

LIABLE = (
    "Payable|Liabilit|Debt|Accrued|Notes|Obligation|Borrowings|CommercialPaper|Deposits|Unearned|"
    "DeferredRevenue|Postretire|Pension|DeferredCredit|Dividends|ContingentConsideration"
)
OWNED = (
    "DeferredTaxAssets|DeferredIncomeTaxAssets|^Prepaid|^Assets|Securities|RightOfUse|"
    "DeferredCosts|Receivable"
)
OF_OTHERS = "^EquityMethodInvestmentSummarized"  # what companies owe and own that it has a share of
LATE = "Noncurrent|LongTerm"
OWNED_SOON = "^(CashAndCashEquivalentsAtCarryingValue|Cash|InventoryNet|ShortTermInvestments)$"
OWNED_LATE = (
    "Noncurrent|^(Goodwill|PropertyPlantAndEquipmentNet|IntangibleAssetsNetExcludingGoodwill|"
    "FiniteLivedIntangibleAssetsNet|OperatingLeaseRightOfUseAsset|LongTermInvestments)$"
)
OWED_LATE = (
    "Noncurrent|^(DeferredIncomeTaxLiabilitiesNet|LongTermDebtAndCapitalLeaseObligations|"
    "OtherLongTermDebtNoncurrent)$"
)
WHOLES = "^(Assets|Liabilities)(Current|Noncurrent)?$"
NO_CASH = (  # what income is told after, though no cash moved
    "^(DepreciationDepletionAndAmortization|DepreciationAndAmortization|ShareBasedCompensation|"
    "DepreciationAmortizationAndAccretionNet|DeferredIncomeTaxExpenseBenefit|GoodwillImpairmentLoss|"
    "AssetImpairmentCharges|ProvisionForLoan(And|)Lease(And|)(Other|)Losses|OtherNoncashExpense|"
    "AmortizationOfFinancingCosts|ProvisionForDoubtfulAccounts|ImpairmentOfInvestments|"
    "OtherThanTemporaryImpairmentLossesInvestments.*)$"
)
NO_CASH_GAINED = "^(OtherNoncashIncome|(GainLoss|GainsLosses)On|IncomeLossFromEquityMethodInv)"
OWED_MORE = (
    "^IncreaseDecreaseIn.*(Payable|Liabilit|Deferred.*Revenue|Accrued|Unearned|Obligation|Reserve|"
    "Customer(Advances|Deposits))"
)
PAID_IN = (
    "^Payments(To|For).*(Acquire|Purchase|Propert|Business|Invest|Equipment|Software|Development|"
    "Originat|Explor|Capital)"
)
SET_ASIDE = "^IncreaseDecreaseInRestrictedCash(AndInvestments|AndCashEquivalents|)$"  # invested
OF_TRADE = (  # lent to be sold, or owed by customers: operations
    "Loans?.*HeldForSale|^ProceedsFrom(SaleAndCollection|Collection|Sale)OfReceivables$"
)
NOT_PAID_IN = "Repurchase|Debt|Dividend|CommonStock|Stock$|Minority|Financing|IssuanceCosts"
GOT_BACK = (
    "^ProceedsFrom(Sale|Maturit|Divest|Disposition|Collection|InsuranceSettlementInvesting|"
    ".*AvailableForSale|.*HeldToMaturity|.*PropertyPlant|.*Business|.*PaymentsFor.*Invest)"
)
NOT_GOT_BACK = "CommonStock|Stock$|Equity$|Minority|Debt|TreasuryStock|Warrants"


@cache
def soon(*, owed: bool) -> pl.Expr:
    """1 for balances due or used within the year."""
    name = pl.col("concept")
    current = name.str.contains("Current") & ~name.str.contains(LATE)
    current = current if owed else current | name.str.contains(OWNED_SOON)
    return pl.when(_of_side(owed=owed) & current).then(1.0).otherwise(0.0)


@cache
def late(*, owed: bool) -> pl.Expr:
    """1 for the others."""
    lasting = pl.col("concept").str.contains(OWED_LATE if owed else OWNED_LATE)
    return pl.when(_of_side(owed=owed) & lasting).then(1.0).otherwise(0.0)


def _of_side(*, owed: bool) -> pl.Expr:
    name = pl.col("concept")
    liable = name.str.contains(LIABLE) & ~name.str.contains(OWNED)
    return (liable if owed else ~liable) & ~name.str.contains(f"{WHOLES}|{OF_OTHERS}")


@cache
def earning() -> pl.Expr:
    """The signs of what leads from income to operating cash flow."""
    name = pl.col("concept")
    owed = name.str.contains(OWED_MORE) & ~name.str.contains("Receivable")
    weight = pl.when(name.str.contains(NO_CASH) | owed).then(1.0)
    taken = name.str.contains(NO_CASH_GAINED) | name.str.contains("^IncreaseDecreaseIn")
    taken &= ~name.str.contains(SET_ASIDE)
    return weight.when(taken).then(-1.0).otherwise(0.0)


@cache
def investing() -> pl.Expr:
    """The signs of what investing cash flow is made of."""
    name = pl.col("concept")
    trade = name.str.contains(OF_TRADE)
    paid = name.str.contains(PAID_IN) & ~name.str.contains(NOT_PAID_IN) & ~trade
    paid |= name.str.contains(f"^PaymentsForProceedsFrom|{SET_ASIDE}")
    got = name.str.contains(GOT_BACK) & ~name.str.contains(NOT_GOT_BACK) & ~trade
    return pl.when(paid).then(-1.0).when(got).then(1.0).otherwise(0.0)
