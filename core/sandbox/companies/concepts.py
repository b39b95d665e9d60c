"""Which item of the books is reported under which concept, by style of company.

Each row: concept, item, kind. Kinds: `flow` (income statement), `cash` (cash flow statement, year
to date only), `stock` (balance sheet), `held` (instants that the cash flow statement also shows).
"""

from __future__ import annotations

Row = tuple[str, str, str]

PRETAX = (
    "IncomeLossFromContinuingOperationsBeforeIncomeTaxesExtraordinaryItemsNoncontrollingInterest"
)
CASH_CHANGE = (
    "CashCashEquivalentsRestrictedCashAndRestrictedCashEquivalents"
    "PeriodIncreaseDecreaseIncludingExchangeRateEffect"
)
FX_EFFECT = "EffectOfExchangeRateOnCashCashEquivalentsRestrictedCashAndRestrictedCashEquivalents"
REVENUE = "RevenueFromContractWithCustomerExcludingAssessedTax"
EQUITY_ALL = "StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest"

COMMON: tuple[Row, ...] = (
    (PRETAX, "pretax", "flow"),
    ("IncomeTaxExpenseBenefit", "tax", "flow"),
    ("NetIncomeLoss", "ni_parent", "flow"),
    ("OtherComprehensiveIncomeLossNetOfTax", "oci", "flow"),
    ("ComprehensiveIncomeNetOfTax", "comprehensive_parent", "flow"),
    ("CashAndCashEquivalentsAtCarryingValue", "cash", "stock"),
    ("Goodwill", "goodwill", "stock"),
    ("Assets", "assets", "stock"),
    ("Liabilities", "liabilities", "stock"),
    ("CommonStockValue", "par", "stock"),
    ("AdditionalPaidInCapital", "apic", "stock"),
    ("RetainedEarningsAccumulatedDeficit", "retained", "stock"),
    ("AccumulatedOtherComprehensiveIncomeLossNetOfTax", "aoci", "stock"),
    ("TreasuryStockValue", "treasury", "stock"),
    ("StockholdersEquity", "equity", "held"),
    ("LiabilitiesAndStockholdersEquity", "balance", "stock"),
    ("CashCashEquivalentsRestrictedCashAndRestrictedCashEquivalents", "cash", "held"),
    ("DepreciationDepletionAndAmortization", "da", "cash"),
    ("ShareBasedCompensation", "sbc", "cash"),
    ("NetCashProvidedByUsedInOperatingActivities", "cfo", "cash"),
    ("PaymentsToAcquirePropertyPlantAndEquipment", "capex", "cash"),
    ("NetCashProvidedByUsedInInvestingActivities", "cfi", "cash"),
    ("PaymentsOfDividends", "dividends", "cash"),
    ("PaymentsForRepurchaseOfCommonStock", "buyback", "cash"),
    ("ProceedsFromIssuanceOfLongTermDebt", "debt_issued", "cash"),
    ("RepaymentsOfLongTermDebt", "debt_repaid", "cash"),
    ("ProceedsFromIssuanceOfCommonStock", "stock_issued", "cash"),
    ("NetCashProvidedByUsedInFinancingActivities", "cff", "cash"),
    (CASH_CHANGE, "cash_change", "cash"),
)

INDUSTRIAL: tuple[Row, ...] = (
    (REVENUE, "rev", "flow"),
    ("CostOfRevenue", "cogs", "flow"),
    ("GrossProfit", "gp", "flow"),
    ("SellingGeneralAndAdministrativeExpense", "sga", "flow"),
    ("OperatingExpenses", "opex", "flow"),
    ("OperatingIncomeLoss", "opinc", "flow"),
    ("NonoperatingIncomeExpense", "nonop", "flow"),
    ("ShortTermInvestments", "sti", "stock"),
    ("AccountsReceivableNetCurrent", "ar", "stock"),
    ("InventoryNet", "inv", "stock"),
    ("PrepaidExpenseAndOtherAssetsCurrent", "oca", "stock"),
    ("AssetsCurrent", "assets_current", "stock"),
    ("PropertyPlantAndEquipmentNet", "ppe", "stock"),
    ("FiniteLivedIntangibleAssetsNet", "intang", "stock"),
    ("OtherAssetsNoncurrent", "onca", "stock"),
    ("AccountsPayableCurrent", "ap", "stock"),
    ("AccruedLiabilitiesCurrent", "accrued", "stock"),
    ("ContractWithCustomerLiabilityCurrent", "defrev", "stock"),
    ("LiabilitiesCurrent", "liabilities_current", "stock"),
    ("LongTermDebtNoncurrent", "ltd", "stock"),
    ("OtherLiabilitiesNoncurrent", "oncl", "stock"),
    ("IncreaseDecreaseInAccountsReceivable", "d_ar", "cash"),
    ("IncreaseDecreaseInInventories", "d_inv", "cash"),
    ("IncreaseDecreaseInAccountsPayable", "d_ap", "cash"),
    ("PaymentsToAcquireInvestments", "sti_bought", "cash"),
    ("ProceedsFromSaleMaturityAndCollectionsOfInvestments", "sti_sold", "cash"),
)

BANK: tuple[Row, ...] = (
    ("InterestAndDividendIncomeOperating", "rev_main", "flow"),
    ("InterestExpense", "cogs", "flow"),
    ("InterestIncomeExpenseNet", "nii", "flow"),
    ("ProvisionForLoanLeaseAndOtherLosses", "rnd", "flow"),
    ("InterestIncomeExpenseAfterProvisionForLoanLoss", "nii_after", "flow"),
    ("NoninterestIncome", "rev_other", "flow"),
    ("NoninterestExpense", "sga", "flow"),
    ("Revenues", "rev_net", "flow"),
    ("AvailableForSaleSecuritiesDebtSecurities", "sti", "stock"),
    ("FinancingReceivableExcludingAccruedInterestAfterAllowanceForCreditLoss", "ar", "stock"),
    ("Deposits", "accrued", "stock"),
    ("LongTermDebt", "ltd", "stock"),
    ("PaymentsForProceedsFromLoansAndLeases", "lending", "cash"),
    ("IncreaseDecreaseInDeposits", "deposits_in", "cash"),
)

INSURER: tuple[Row, ...] = (
    ("PremiumsEarnedNet", "rev_main", "flow"),
    ("NetInvestmentIncome", "rev_other", "flow"),
    ("Revenues", "rev", "flow"),
    ("PolicyholderBenefitsAndClaimsIncurredNet", "cogs", "flow"),
    ("OtherCostAndExpenseOperating", "opex", "flow"),
    ("BenefitsLossesAndExpenses", "costs", "flow"),
    ("NonoperatingIncomeExpense", "nonop", "flow"),
    ("AvailableForSaleSecuritiesDebtSecurities", "sti", "stock"),
    ("PremiumsReceivableAtCarryingValue", "ar", "stock"),
    ("LiabilityForClaimsAndClaimsAdjustmentExpense", "accrued", "stock"),
    ("UnearnedPremiums", "defrev", "stock"),
    ("LongTermDebt", "ltd", "stock"),
)

REIT: tuple[Row, ...] = (
    ("OperatingLeaseLeaseIncome", "rev_main", "flow"),
    ("Revenues", "rev", "flow"),
    ("DirectCostsOfLeasedAndRentedPropertyOrEquipment", "cogs", "flow"),
    ("GeneralAndAdministrativeExpense", "opex", "flow"),
    ("CostsAndExpenses", "costs", "flow"),
    ("OperatingIncomeLoss", "opinc", "flow"),
    ("NonoperatingIncomeExpense", "nonop", "flow"),
    ("RealEstateInvestmentPropertyNet", "ppe", "stock"),
    ("AccountsReceivableNet", "ar", "stock"),
    ("AccountsPayableAndAccruedLiabilitiesCurrentAndNoncurrent", "payables", "stock"),
    ("LongTermDebt", "ltd", "stock"),
)

IFRS: tuple[Row, ...] = (
    ("Revenue", "rev", "flow"),
    ("CostOfSales", "cogs", "flow"),
    ("GrossProfit", "gp", "flow"),
    ("ProfitLossFromOperatingActivities", "opinc", "flow"),
    ("ProfitLossBeforeTax", "pretax", "flow"),
    ("IncomeTaxExpenseContinuingOperations", "tax", "flow"),
    ("ProfitLoss", "ni", "flow"),
    ("ProfitLossAttributableToOwnersOfParent", "ni_parent", "flow"),
    ("OtherComprehensiveIncome", "oci", "flow"),
    ("ComprehensiveIncome", "comprehensive", "flow"),
    ("CurrentAssets", "assets_current", "stock"),
    ("NoncurrentAssets", "assets_noncurrent", "stock"),
    ("Assets", "assets", "stock"),
    ("TradeAndOtherCurrentReceivables", "ar", "stock"),
    ("Inventories", "inv", "stock"),
    ("PropertyPlantAndEquipment", "ppe", "stock"),
    ("CurrentLiabilities", "liabilities_current", "stock"),
    ("NoncurrentLiabilities", "liabilities_noncurrent", "stock"),
    ("Liabilities", "liabilities", "stock"),
    ("EquityAttributableToOwnersOfParent", "equity", "stock"),
    ("Equity", "equity_all", "held"),
    ("EquityAndLiabilities", "balance", "stock"),
    ("CashAndCashEquivalents", "cash", "held"),
    ("CashFlowsFromUsedInOperatingActivities", "cfo", "cash"),
    ("CashFlowsFromUsedInInvestingActivities", "cfi", "cash"),
    ("CashFlowsFromUsedInFinancingActivities", "cff", "cash"),
    ("EffectOfExchangeRateChangesOnCashAndCashEquivalents", "fx", "cash"),
    (
        "IncreaseDecreaseInCashAndCashEquivalentsBeforeEffectOfExchangeRateChanges",
        "cash_change_no_fx",
        "cash",
    ),
    ("IncreaseDecreaseInCashAndCashEquivalents", "cash_change", "cash"),
)

NCI: tuple[Row, ...] = (
    ("ProfitLoss", "ni", "flow"),
    ("NetIncomeLossAttributableToNoncontrollingInterest", "ni_nci", "flow"),
    (
        "ComprehensiveIncomeNetOfTaxIncludingPortionAttributableToNoncontrollingInterest",
        "comprehensive",
        "flow",
    ),
    ("ComprehensiveIncomeNetOfTaxAttributableToNoncontrollingInterest", "ni_nci", "flow"),
    ("MinorityInterest", "minority", "stock"),
    (EQUITY_ALL, "equity_all", "held"),
)
MEZZANINE: tuple[Row, ...] = (
    ("RedeemableNoncontrollingInterestEquityCarryingAmount", "mezz", "stock"),
)
NONCURRENT: tuple[Row, ...] = (
    ("AssetsNoncurrent", "assets_noncurrent", "stock"),
    ("LiabilitiesNoncurrent", "liabilities_noncurrent", "stock"),
)
RESEARCH: tuple[Row, ...] = (("ResearchAndDevelopmentExpense", "rnd", "flow"),)
FX: tuple[Row, ...] = ((FX_EFFECT, "fx", "cash"),)

_ROLE_ROWS = (
    ("nci", NCI),
    ("mezzanine", MEZZANINE),
    ("fx", FX),
    ("thousands", NONCURRENT),
    ("current_noncurrent_swapped", NONCURRENT),
)
_STYLES = {"industrial": INDUSTRIAL, "bank": BANK, "insurer": INSURER, "reit": REIT}


def concepts_of(style: str, roles: frozenset[str], *, research: bool) -> tuple[Row, ...]:
    """The concepts a company reports, in order."""
    if "ifrs" in roles:
        return IFRS
    rows = _STYLES[style] + COMMON
    for role, more in _ROLE_ROWS:
        rows += more if role in roles else ()
    if style == "industrial" and research:
        rows += RESEARCH
    dropped = {"Liabilities"} if "no_liabilities" in roles else set()
    return tuple(row for row in rows if row[0] not in dropped)
