"""What the parts of two lines say each should be, and whether they have come out crosswise.

Two lines may be of one size, so that their own past does not tell them apart; but what each is made
of is told under other names. What a line should be is what it was in the period that the report
compares with, and what its parts grew by; of flows also what their parts are together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from core.domain.quality.facts.amounts import Amounts
from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.packing import as_index
from core.domain.quality.facts.table import PeriodTable

Two = tuple[Floats, Floats]
PERIOD = ["fid", "start", "end"]
BEFORE = ["fid", "start_before", "end_before"]
YEAR_DAYS, LENGTH_DAYS = (350, 380), 8
LEAST = {True: 0.05, False: 0.1}  # of both lines: balances, flows; nearer ones are told by nothing
CROSSED, CLEARLY, ABOUT = 0.5, 0.3, 0.9
FITS = 0.7  # of both lines: what parts leave open that say what both should be
DOUBTFUL = 1.5  # of how far both are from their past: farther crosswise is no exchange
WHOLE = 0.05  # of the investments: what their parts may leave out
SUMMED = 0.01  # of a line: what its own parts may leave out that show that it is no other

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
TWICE = "PaymentsToAcquirePropertyPlantAndEquipment", "PaymentsToAcquireProductiveAssets"
OF_TRADE = (  # lent to be sold, or owed by customers: operations
    "Loans?.*HeldForSale|^ProceedsFrom(SaleAndCollection|Collection|Sale)OfReceivables$"
)
NOT_PAID_IN = "Repurchase|Debt|Dividend|CommonStock|Stock$|Minority|Financing|IssuanceCosts"
GOT_BACK = (
    "^ProceedsFrom(Sale|Maturit|Divest|Disposition|Collection|InsuranceSettlementInvesting|"
    ".*AvailableForSale|.*HeldToMaturity|.*PropertyPlant|.*Business|.*PaymentsFor.*Invest)"
)
NOT_GOT_BACK = "CommonStock|Stock$|Equity$|Minority|Debt|TreasuryStock|Warrants"
INCOME = ("IncomeContinuingAll", "IncomeContinuing", "ProfitLoss", "NetIncome")


def crosswise(
    book: PeriodTable, pair: tuple[str, str], rows: tuple[Numbers, Numbers], past: Two
) -> Flags:
    """Which own pairs of lines are by their parts what the other should be.

    pair: names of the items. rows: of `book.long`, of each. past: what each was told to be before,
    NaN where nothing was.
    """
    values = book.value[rows[0]], book.value[rows[1]]
    direct, cross = _apart(values, past)
    doubtful = ~(cross >= DOUBTFUL * direct) & ~_lenders(book)[book.fid[rows[0]]]
    found = np.zeros(len(doubtful), bool)
    if not doubtful.any():
        return found
    balances = pair[0] != "Cfo"
    given = book.points if balances else book.spans
    asked = book.long[PERIOD][as_index(rows[0][doubtful])].with_row_index("place")
    compared = _compared(given, asked, pair)
    place = compared["place"].to_numpy()
    if not len(place):
        return found
    now = values[0][doubtful][place], values[1][doubtful][place]
    was = compared["one"].to_numpy(), compared["other"].to_numpy()
    test = _BalancesCrossed(book, pair[0]) if balances else _FlowsCrossed(book)
    found[np.flatnonzero(doubtful)[place]] = test(compared, now, was)
    return found


def summed_current(book: PeriodTable, item: str, rows: tuple[Numbers, Numbers]) -> Flags:
    """Which current balances are what their own parts make together, as the other line is not.

    item: their name. rows: of `book.long`, of the current balances and of the others.
    """
    asked = book.long[PERIOD][as_index(rows[0])]
    lines = _lines(book, asked, _soon(book, owed=item.startswith("Liabilities")))
    total = (
        lines.filter(pl.col("start").is_null()).group_by("fid", "end").agg(pl.col("value").sum())
    )
    found = asked.join(total, on=["fid", "end"], how="left", maintain_order="left")
    parts = found["value"].fill_null(0.0).to_numpy()
    summed: Flags = _near(book.value[rows[0]], parts, SUMMED)
    return summed & ~_near(book.value[rows[1]], parts, 6 * SUMMED)


def _lenders(book: PeriodTable) -> Flags:
    """Filings of those that lend and invest as their business."""
    names = [n for n, style in enumerate(book.rules.styles) if style.name in ("bank", "fund")]
    lenders: Flags = np.isin(book.style, names)
    return lenders


def _apart(values: Two, expected: Two) -> Two:
    """(how far both are from what they should be, how far crosswise)."""
    direct = np.abs(values[0] - expected[0]) + np.abs(values[1] - expected[1])
    return direct, np.abs(values[1] - expected[0]) + np.abs(values[0] - expected[1])


def _compared(given: Amounts, asked: pl.DataFrame, pair: tuple[str, str]) -> pl.DataFrame:
    """`asked` with the last period before (of flows the year before's) that tells both lines.

    Columns besides: start_before, end_before, and the lines of then as one and other.
    """
    both = np.isin(given.fid, asked["fid"].to_numpy())
    both &= ~np.isnan(given.items[pair[0]] + given.items[pair[1]])
    told = given.rows(both, pair).select(
        "fid", start_before="start", end_before="end", one=pair[0], other=pair[1]
    )
    found = asked.join(told, on="fid").filter(pl.col("end_before") < pl.col("end"))
    if pair[0] == "Cfo":
        back = (pl.col("end") - pl.col("end_before")).dt.total_days()
        lengths = [
            (pl.col(end) - pl.col(start)).dt.total_days()
            for start, end in (("start", "end"), ("start_before", "end_before"))
        ]
        like = (lengths[0] - lengths[1]).abs() <= LENGTH_DAYS
        found = found.filter(back.is_between(*YEAR_DAYS), like)
    last = found.sort("place", "end_before", "start_before")
    return last.unique("place", keep="last", maintain_order=True)


class _BalancesCrossed:
    """A test of balances: the lines of then, and what their parts have more since."""

    def __init__(self, book: PeriodTable, item: str) -> None:
        owed = item.startswith("Liabilities")
        self.book, self.weights = book, (_soon(book, owed=owed), _late(book, owed=owed))

    def __call__(self, compared: pl.DataFrame, now: Two, was: Two) -> Flags:
        grown = [self._grown(compared, weights) for weights in self.weights]
        direct, cross = _apart(now, (was[0] + grown[0], was[1] + grown[1]))
        large = direct > LEAST[True] * (np.abs(now[0]) + np.abs(now[1]))
        crossed: Flags = large & (cross < CROSSED * direct)
        return crossed

    def _grown(self, compared: pl.DataFrame, weights: Floats) -> Floats:
        """What the parts told of both dates have more on the second."""
        parts = _lines(self.book, compared, weights).select("fid", "end", "name", "value")
        then = parts.rename({"end": "end_before", "value": "was"})
        both = compared.select("place", "fid", "end", "end_before").join(parts, on=["fid", "end"])
        both = both.join(then, on=["fid", "end_before", "name"])
        more = both.group_by("place").agg(more=(pl.col("value") - pl.col("was")).sum())
        return _of_places(compared, more, "more")


class _FlowsCrossed:
    """A test of flows: by what their parts have more than a year ago, and by the parts alone."""

    def __init__(self, book: PeriodTable) -> None:
        self.book, self.weights = book, (_earning(book), _investing(book))

    def __call__(self, compared: pl.DataFrame, now: Two, was: Two) -> Flags:
        lines = [_lines(self.book, compared, weights) for weights in self.weights]
        income = [_income(self.book.spans, compared, names) for names in (PERIOD, BEFORE)]
        earned, earned_before = (
            _sums(compared, lines[0], names) + told
            for names, told in zip((PERIOD, BEFORE), income, strict=True)
        )
        spent, spent_before = (_sums(compared, lines[1], names) for names in (PERIOD, BEFORE))
        direct, cross = _apart(
            now, (was[0] + earned - earned_before, was[1] + spent - spent_before)
        )
        level_direct, level_cross = _apart(now, (earned, spent))
        size = np.abs(now[0]) + np.abs(now[1])
        large = (direct > LEAST[False] * size) & (level_cross < FITS * size)
        both = (cross < CROSSED * direct) & (level_cross < CROSSED * level_direct)
        clearly = (cross < CLEARLY * direct) & (level_cross < ABOUT * level_direct)
        whole = (
            _near(now[0], spent) & ~_near(now[1], spent, 6 * WHOLE) & _near(was[1], spent_before)
        )
        crossed: Flags = (large & (both | clearly)) | whole
        return crossed


def _near(value: Floats, total: Floats, share: float = WHOLE) -> Flags:
    near: Flags = (np.abs(value - total) <= share * np.abs(total)) & (total != 0)
    return near


def _lines(book: PeriodTable, compared: pl.DataFrame, weights: Floats) -> pl.DataFrame:
    """fid, start, end, name (hash of the concept), value: weighted facts of the filings."""
    weight = weights[book.number]
    rows = np.flatnonzero((weight != 0) & np.isin(_fid(book), compared["fid"].to_numpy()))
    facts = book.facts[["fid", "period_start", "period_end", "value"]][as_index(rows)]
    told = (
        facts.rename({"period_start": "start", "period_end": "end"})
        .with_columns(
            name=book.measures["name"][as_index(book.number[rows])],
            concept=book.measures["concept"][as_index(book.number[rows])],
            value=pl.col("value") * weight[rows],
        )
        .unique([*PERIOD, "name"], keep="first", maintain_order=True)
    )
    narrow = told.filter(pl.col("concept") == TWICE[0])
    wide = told.filter(pl.col("concept") == TWICE[1])
    again = wide.join(narrow, on=PERIOD, how="semi", nulls_equal=True)
    return told.join(again, on=[*PERIOD, "name"], how="anti", nulls_equal=True).drop("concept")


def _fid(book: PeriodTable) -> Numbers:
    return book.facts["fid"].to_numpy()


def _sums(compared: pl.DataFrame, lines: pl.DataFrame, names: Sequence[str]) -> Floats:
    """What the lines of a period make together; 0 where there is none."""
    total = lines.group_by(PERIOD).agg(total=pl.col("value").sum())
    found = compared.join(total, left_on=names, right_on=PERIOD, how="left", maintain_order="left")
    return found["total"].fill_null(0.0).to_numpy()


def _income(spans: Amounts, compared: pl.DataFrame, names: Sequence[str]) -> Floats:
    """Income of a period before what was discontinued; 0 where none is told."""
    some = np.isin(spans.fid, compared["fid"].to_numpy())
    told = (
        spans.rows(some, []).select(PERIOD).with_columns(total=pl.Series(spans.first(INCOME)[some]))
    )
    found = compared.join(told, left_on=names, right_on=PERIOD, how="left", maintain_order="left")
    return found["total"].fill_null(0.0).fill_nan(0.0).to_numpy()


def _of_places(compared: pl.DataFrame, told: pl.DataFrame, name: str) -> Floats:
    found = compared.select("place").join(told, on="place", how="left", maintain_order="left")
    return found[name].fill_null(0.0).to_numpy()


def _soon(book: PeriodTable, *, owed: bool) -> Floats:
    """1 for balances due or used within the year."""
    name = pl.col("concept")
    soon = name.str.contains("Current") & ~name.str.contains(LATE)
    soon = soon if owed else soon | name.str.contains(OWNED_SOON)
    return _weights(book, pl.when(_of_side(owed=owed) & soon).then(1.0).otherwise(0.0))


def _late(book: PeriodTable, *, owed: bool) -> Floats:
    """1 for the others."""
    late = pl.col("concept").str.contains(OWED_LATE if owed else OWNED_LATE)
    return _weights(book, pl.when(_of_side(owed=owed) & late).then(1.0).otherwise(0.0))


def _of_side(*, owed: bool) -> pl.Expr:
    name = pl.col("concept")
    liable = name.str.contains(LIABLE) & ~name.str.contains(OWNED)
    return (liable if owed else ~liable) & ~name.str.contains(f"{WHOLES}|{OF_OTHERS}")


def _earning(book: PeriodTable) -> Floats:
    """The signs of what leads from income to operating cash flow."""
    name = pl.col("concept")
    owed = name.str.contains(OWED_MORE) & ~name.str.contains("Receivable")
    weight = pl.when(name.str.contains(NO_CASH) | owed).then(1.0)
    taken = name.str.contains(NO_CASH_GAINED) | name.str.contains("^IncreaseDecreaseIn")
    taken &= ~name.str.contains(SET_ASIDE)
    return _weights(book, weight.when(taken).then(-1.0).otherwise(0.0))


def _investing(book: PeriodTable) -> Floats:
    """The signs of what investing cash flow is made of."""
    name = pl.col("concept")
    trade = name.str.contains(OF_TRADE)
    paid = name.str.contains(PAID_IN) & ~name.str.contains(NOT_PAID_IN) & ~trade
    paid |= name.str.contains(f"^PaymentsForProceedsFrom|{SET_ASIDE}")
    got = name.str.contains(GOT_BACK) & ~name.str.contains(NOT_GOT_BACK) & ~trade
    return _weights(book, pl.when(paid).then(-1.0).when(got).then(1.0).otherwise(0.0))


def _weights(book: PeriodTable, weight: pl.Expr) -> Floats:
    """A weight for each measure: of amounts of money only."""
    money = pl.col("unit").str.contains("^[A-Z]{3}$") & (pl.col("taxonomy") != "custom")
    told = book.measures.select(pl.when(money).then(weight).otherwise(0.0).alias("weight"))
    return told["weight"].to_numpy()
