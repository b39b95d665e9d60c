"""What the parts of two lines say each should be, and whether they have come out crosswise.

Two lines may be of one size, so that their own past does not tell them apart; but what each is made
of is told under other names. What a line should be is what it was in the period that the report
compares with, and what its parts grew by; of flows also what their parts are together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from core.domain.quality.facts.amounts import Amounts
from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.concepts import MONEY
from core.domain.quality.facts.packing import (
    NO_DAY,
    as_index,
    dated,
    found_rows,
    grouped,
    last_per_group,
    matched_rows,
    packed,
)
from core.domain.quality.facts.table import PeriodTable

Two = tuple[Floats, Floats]
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


@dataclass(frozen=True, slots=True)
class ReportPeriods:
    """Filings, and a period of each in days since 1970."""

    fid: Numbers
    start: Numbers
    end: Numbers


@dataclass(frozen=True, slots=True)
class Compared:
    """Pairs of lines, each with the period before that it is compared with, and both of then."""

    place: Numbers  # of the pair among those asked for
    now: ReportPeriods
    before: ReportPeriods
    was: Two


@dataclass(frozen=True, slots=True)
class Lines:
    """Weighted facts of some filings: the period (start NO_DAY: balances), concept and value."""

    period: ReportPeriods
    concept: Numbers
    value: Floats

    def of(self, rows: Flags) -> Lines:
        """Some of them."""
        p = self.period
        some = ReportPeriods(p.fid[rows], p.start[rows], p.end[rows])
        return Lines(some, self.concept[rows], self.value[rows])


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
    compared = _compared(book, given, rows[0][doubtful], pair)
    if not len(compared.place):
        return found
    now = values[0][doubtful][compared.place], values[1][doubtful][compared.place]
    crossed = _balances_crossed if balances else _flows_crossed
    found[np.flatnonzero(doubtful)[compared.place]] = crossed(book, pair[0], compared, now)
    return found


def summed_current(book: PeriodTable, item: str, rows: tuple[Numbers, Numbers]) -> Flags:
    """Which current balances are what their own parts make together, as the other line is not.

    item: their name. rows: of `book.long`, of the current balances and of the others.
    """
    if not len(rows[0]):
        return np.zeros(0, bool)
    fid, end = book.fid[rows[0]], book.end[rows[0]]
    lines = _lines(book, fid, _soon(book, owed=item.startswith("Liabilities")))
    lines = lines.of(lines.period.start == NO_DAY)
    place, told = matched_rows((fid, end), (lines.period.fid, lines.period.end))
    parts = _summed(place, lines.value[told], len(fid))
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


def _compared(book: PeriodTable, given: Amounts, rows: Numbers, pair: tuple[str, str]) -> Compared:
    """Some rows of `long` with the last period before that tells both lines; of flows the year
    before's. Without those of which none does.
    """
    lines = given.items[pair[0]], given.items[pair[1]]
    told = np.flatnonzero(~np.isnan(lines[0] + lines[1]))
    place, before = matched_rows((book.fid[rows],), (given.fid[told],))
    row, before = rows[place], told[before]
    back = book.end[row] - given.end[before]
    fits = back > 0
    if pair[0] == "Cfo":
        longer = (book.end[row] - book.start[row]) - (given.end[before] - given.start[before])
        fits = (back >= YEAR_DAYS[0]) & (back <= YEAR_DAYS[1]) & (np.abs(longer) <= LENGTH_DAYS)
    place, row, before = place[fits], row[fits], before[fits]
    last = last_per_group(place, packed([given.end[before], given.start[before]]))
    row, before = row[last], before[last]
    now = ReportPeriods(book.fid[row], book.start[row], book.end[row])
    then = ReportPeriods(now.fid, given.start[before], given.end[before])
    return Compared(place[last], now, then, (lines[0][before], lines[1][before]))


def _balances_crossed(book: PeriodTable, item: str, compared: Compared, now: Two) -> Flags:
    """By the lines of then, and what their parts have more since."""
    owed, was = item.startswith("Liabilities"), compared.was
    grown = [_grown(book, compared, kind(book, owed=owed)) for kind in (_soon, _late)]
    direct, cross = _apart(now, (was[0] + grown[0], was[1] + grown[1]))
    large = direct > LEAST[True] * (np.abs(now[0]) + np.abs(now[1]))
    crossed: Flags = large & (cross < CROSSED * direct)
    return crossed


def _grown(book: PeriodTable, compared: Compared, weights: Floats) -> Floats:
    """What the parts told of both dates have more on the second."""
    asked, before = compared.now, compared.before
    parts = _lines(book, asked.fid, weights)
    fid, end, concept = parts.period.fid, parts.period.end, parts.concept
    place, now = matched_rows((asked.fid, asked.end), (fid, end))
    then = (before.fid[place], before.end[place], concept[now])
    both, was = matched_rows(then, (fid, end, concept))
    more = parts.value[now[both]] - parts.value[was]
    return _summed(place[both], more, len(compared.place))


def _summed(place: Numbers, values: Floats, places: int) -> Floats:
    """What the values of each place make together; 0 where there is none."""
    return np.bincount(place, values, places).astype(np.float64, copy=False)


def _flows_crossed(book: PeriodTable, _: str, compared: Compared, now: Two) -> Flags:
    """By what their parts have more than a year ago, and by the parts alone."""
    both, was = (compared.now, compared.before), compared.was
    lines = [_lines(book, compared.now.fid, of(book)) for of in (_earning, _investing)]
    earned, earned_before = (_sums(p, lines[0]) + _income(book.spans, p) for p in both)
    spent, spent_before = (_sums(p, lines[1]) for p in both)
    direct, cross = _apart(now, (was[0] + earned - earned_before, was[1] + spent - spent_before))
    level_direct, level_cross = _apart(now, (earned, spent))
    size = np.abs(now[0]) + np.abs(now[1])
    large = (direct > LEAST[False] * size) & (level_cross < FITS * size)
    crossed = (cross < CROSSED * direct) & (level_cross < CROSSED * level_direct)
    crossed |= (cross < CLEARLY * direct) & (level_cross < ABOUT * level_direct)
    whole: Flags = (
        _near(now[0], spent) & ~_near(now[1], spent, 6 * WHOLE) & _near(was[1], spent_before)
    )
    return (large & crossed) | whole


def _near(value: Floats, total: Floats, share: float = WHOLE) -> Flags:
    near: Flags = (np.abs(value - total) <= share * np.abs(total)) & (total != 0)
    return near


def _lines(book: PeriodTable, fids: Numbers, weights: Floats) -> Lines:
    """The facts of some filings that have a weight, each concept of a period once."""
    here = np.zeros(book.filings.height, bool)
    here[fids] = True
    rows = book.measuring(weights != 0)
    rows = rows[here[_fid(book)[rows]]]
    facts = book.facts[["period_start", "period_end", "value"]][as_index(rows)]
    fid, start, end = _fid(book)[rows], dated(facts["period_start"]), dated(facts["period_end"])
    concept = book.concepts[1][book.number[rows]]
    first = grouped(packed([fid, start, end, concept]))[0]
    value = facts["value"].to_numpy() * weights[book.number[rows]]
    period = ReportPeriods(fid[first], start[first], end[first])
    lines = Lines(period, concept[first], value[first])
    return lines.of(~_twice(book, lines))


def _twice(book: PeriodTable, lines: Lines) -> Flags:
    """Which tell again, with what else was acquired, what another line tells of their period."""
    narrow, wide = (
        np.isin(lines.concept, np.flatnonzero(book.concepts[0] == name)) for name in TWICE
    )
    p = lines.period
    period = packed([p.fid, p.start, p.end])
    again: Flags = wide & np.isin(period, period[narrow])
    return again


def _fid(book: PeriodTable) -> Numbers:
    return book.facts["fid"].to_numpy()


def _sums(asked: ReportPeriods, lines: Lines) -> Floats:
    """What the lines of a period make together; 0 where there is none."""
    p = lines.period
    place, told = matched_rows((asked.fid, asked.start, asked.end), (p.fid, p.start, p.end))
    return _summed(place, lines.value[told], len(asked.fid))


def _income(spans: Amounts, asked: ReportPeriods) -> Floats:
    """Income of a period before what was discontinued; 0 where none is told."""
    known = (spans.fid, spans.start, spans.end)
    place = found_rows(known, (asked.fid, asked.start, asked.end))
    income = np.append(spans.first(INCOME), np.nan)[place]
    return np.where(np.isnan(income), 0.0, income)


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
    different, of = book.concepts
    told = different.to_frame("concept").select(weight.alias("weight"))["weight"].to_numpy()
    given, taxonomy = book.measures["given"], book.measures["taxonomy"]
    money = ((given == MONEY) & (taxonomy != "custom")).to_numpy()
    return np.where(money, told[of], 0.0)
