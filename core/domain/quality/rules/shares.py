"""Rules about shares, earnings per share, signs and sizes inside one filing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from core.domain.quality.facts.amounts import Amounts
from core.domain.quality.facts.arrays import Flags, Floats, Numbers, or_zero
from core.domain.quality.facts.packing import found_rows
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.outcome import Outcome, outcome
from core.domain.quality.rules.honest import opening
from core.domain.quality.words import FindingText, facts_of, with_columns_from, words

MILLION = 1e6


def earnings(book: PeriodTable) -> Outcome:
    """Q24: basic EPS times basic shares is about one of the incomes it may rest on."""
    _, spans = book.near
    items = spans.items
    product, room = items["EpsBasic"] * items["SharesBasic"], _room(spans)
    pence = np.where(_in_pounds(book)[spans.fid], product / 100, np.nan)
    incomes = [*(items[n] for n in INCOMES), *_to_common(items)]
    gaps = [_gap(income, told) - room for income in incomes for told in (product, pence)]
    gap = np.fmin.reduce(gaps)
    judged = ~np.isnan(gap) & (items["SharesBasic"] > 0)
    wrong = judged & (gap > 0)
    if not wrong.any():
        return outcome("Q24", spans.fid[judged])
    actual = spans.first(INCOMES)[wrong]
    failed = with_columns_from(
        spans.rows(wrong, ["EpsBasic", "SharesBasic"]), expected=product[wrong], actual=actual,
        tolerance=room[wrong] + np.abs(actual) * 0.01,
        items=["EpsBasic", "SharesBasic", "NetIncome"],
    )  # fmt: skip
    said = (
        "Basic earnings per share of {EpsBasic} times {SharesBasic} shares is {expected}, but the "
        "income is {actual}."
    )
    return outcome("Q24", spans.fid[judged], FindingText(failed, said))


INCOMES = ("IncomeToCommon", "NetIncome", "ProfitLoss", "IncomeContinuing")  # the likeliest first


def _to_common(items: Mapping[str, Floats]) -> list[Floats]:
    """Net income less what preferred, participating and redeemable shares take of it, as told."""
    taken = [items[n] for n in ("PreferredDividends", "UndistributedToParticipating")]
    income, none = items["NetIncome"], np.isnan(taken).all(axis=0)
    common = np.where(none, np.nan, income - np.nansum(taken, axis=0))
    return [common, income - items["RedeemableNciIncome"]]


def _in_pounds(book: PeriodTable) -> Flags:
    """Which filings are in a currency whose shares are quoted in hundredths."""
    units, main = book.known.units.to_list(), book.known.main
    codes = [code for code, unit in enumerate(units) if unit in HUNDREDTHS]
    pounds: Flags = np.isin(main, codes)
    return pounds


HUNDREDTHS = ("GBP", "ZAR", "ILS")


def _gap(income: Floats, product: Floats) -> Floats:
    """How far the product is from the income, beyond what preferred and participating shares take.

    They may take a twentieth untold; nothing adds to the income but rounding.
    """
    short = income - product
    gap: Floats = np.abs(short) - np.abs(income) * np.where(short > 0, 0.05, 0.01)
    return gap


def earned(spans: Amounts) -> Mapping[str, Flags]:
    """Of each income where basic EPS times shares is about that, and no rounding makes it so."""
    items = spans.items
    product, room = items["EpsBasic"] * items["SharesBasic"], _room(spans)
    told = (items["SharesBasic"] > 0) & (np.abs(items["EpsBasic"]) >= 0.05)
    return {
        name: told & (np.abs(items[name] - product) <= room + np.abs(items[name]) * 0.01)
        for name in INCOMES
    }


def as_earned(book: PeriodTable, fid: Numbers, count: Floats) -> Flags:
    """Which counts of some filings are about the weighted shares there that earnings per share and
    the income agree with: within three times either way, for shares are issued.
    """
    _, spans = book.near
    agrees = np.logical_or.reduce(list(earned(spans).values())) & spans.keys["own"].to_numpy()
    known = np.full(book.filings.height, np.nan)
    np.fmax.at(known, spans.fid[agrees], spans.items["SharesBasic"][agrees])
    ratio = count / known[fid]
    alike: Flags = (ratio > 1 / 3) & (ratio < 3)
    return alike


def _room(spans: Amounts) -> Floats:
    return np.abs(spans.items["SharesBasic"]) * 0.005 + spans.unit * 2


def dilution(book: PeriodTable) -> Outcome:
    """Q25: diluted shares >= basic shares, diluted EPS <= basic EPS."""
    _, spans = book.near
    items = spans.items
    shares = (items["SharesBasic"] > 0) & (items["SharesDiluted"] > 0)
    eps = ~np.isnan(items["EpsBasic"] + items["EpsDiluted"])
    fewer = shares & (items["SharesDiluted"] < items["SharesBasic"] * 0.995)
    more = eps & (items["EpsDiluted"] > items["EpsBasic"] + _cents(items["EpsBasic"]))
    failed = [
        _pair(spans.rows(wrong, names), *names, *said)
        for wrong, names, said in (
            (fewer, ("SharesDiluted", "SharesBasic"), ("are fewer than", 0.0)),
            (more, ("EpsDiluted", "EpsBasic"), ("are more than", 0.01)),
        )
        if wrong.any()
    ]
    return outcome("Q25", spans.fid[shares | eps], *failed)


def _cents(eps: Floats) -> Floats:
    """A cent; of a loss more: what is continued may earn, so that dilution makes it smaller."""
    return np.maximum(0.0101, np.where(eps < 0, 0.03 * np.abs(eps), 0.0))


def _pair(bad: pl.DataFrame, item: str, other: str, verb: str, room: float) -> FindingText:
    text = words(item)
    said = f"{text[:1].upper()}{text[1:]} of {{actual}} {verb} {words(other)} of {{expected}}."
    told = with_columns_from(bad, expected=other, actual=item, tolerance=room, items=[item, other])
    return FindingText(told, said)


def cash_flow_starts_with_net_income(book: PeriodTable) -> Outcome:
    """Q26: the profit heading the cash flow is the net income, or differs by others' share.

    Where no noncontrolling share is reported the two may differ by a quarter at most, and never in
    sign beyond rounding; where it is, rule Q22 judges them.
    """
    _, spans = book.near
    items = spans.items
    net, profit = items["NetIncome"], items["ProfitLoss"]
    judged = ~np.isnan(net) & ~np.isnan(profit) & _wholly_owned(spans)
    judged &= ~_with_others(book)[spans.fid]
    judged &= ~((spans.keys["months"].to_numpy() == 3) & book.flag("annual")[spans.fid])
    for made_up in spans.filled.get("ProfitLoss", {}).values():
        judged &= ~made_up
    room = np.maximum(spans.greatest(["NetIncome", "ProfitLoss"]) * 0.25, spans.unit * 100)
    wrong = judged & (np.abs(net - profit) > room)
    if not wrong.any():
        return outcome("Q26", spans.fid[judged])
    failed = with_columns_from(
        spans.rows(wrong, ["NetIncome", "ProfitLoss"]), expected="ProfitLoss", actual="NetIncome",
        tolerance=room[wrong], items=["NetIncome", "ProfitLoss"],
    )  # fmt: skip
    said = (
        "Net income is {actual}, but the profit heading the cash flow is {expected}, and no "
        "noncontrolling share is reported."
    )
    return outcome("Q26", spans.fid[judged], FindingText(failed, said))


def _wholly_owned(spans: Amounts) -> Flags:
    """Where no share of others is told, nor that they have one of the comprehensive income."""
    others = [spans.items[n] for n in ("NciIncome", "RedeemableNciIncome", "NciDiscontinued")]
    none: Flags = np.logical_and.reduce([np.isnan(share) for share in others])
    no_share: Flags = or_zero(spans.items["ComprehensiveNci"]) == 0
    return none & no_share


def _with_others(book: PeriodTable) -> Flags:
    """Which filings tell of any share of others in the income, under whatever name."""
    told = book.measuring(book.named(OTHERS))
    found = np.zeros(book.filings.height, bool)
    value, fid = (book.facts[name].to_numpy()[told] for name in ("value", "fid"))
    found[fid[value != 0]] = True
    return found


OTHERS = "^(Minority|Noncontrolling)InterestIn|NetIncomeLoss.*Attributable.*Noncontrolling"


def negatives(book: PeriodTable) -> Outcome:
    """Q29: items flagged positive that are below zero."""
    flagged = book.flagged("positive")
    wrong, judged = flagged & (book.value < 0), book.fid[flagged]
    wrong &= ~_losses(book, wrong)
    wrong[wrong] = ~_on_opening(book, np.flatnonzero(wrong))
    if not wrong.any():
        return outcome("Q29", judged)
    bad = book.rows(wrong)
    failed = with_columns_from(
        bad, expected=0.0, actual="value", tolerance=0.0, rows=facts_of(bad, "row")
    )
    return outcome("Q29", judged, FindingText(failed, "{item} is {value}, but cannot be below 0."))


def _on_opening(book: PeriodTable, rows: Numbers) -> Flags:
    """Which rows of `long` are balances of an adoption, as the other days of their filings tell."""
    here = np.zeros(book.filings.height, bool)
    here[book.fid[rows]] = True
    known = np.flatnonzero(here[book.fid])
    asked = (book.fid[rows], book.end[rows])
    adopted = opening((book.fid[known], book.end[known]), asked, book.own[rows])
    told: Flags = adopted & (book.months[rows] == 0)
    return told


def _losses(book: PeriodTable, negative: Flags) -> Flags:
    """Revenues below zero that the income confirms: those of funds hold their losses.

    Of a filer of the kind, any larger loss does: who shares in the fund bears a part of it.
    """
    rows, spans = np.flatnonzero(negative & book.of(["Revenues"])), book.spans
    confirmed = np.zeros(len(negative), bool)
    if len(rows):
        keys = (spans.fid, spans.start, spans.end)
        place = found_rows(keys, (book.fid[rows], book.start[rows], book.end[rows]))
        income = np.append(spans.first(("PretaxIncome", "ProfitLoss", "NetIncome")), np.nan)[place]
        share = np.where(holds_losses(book)[book.fid[rows]], LEAST_LOSS, 1.0)
        confirmed[rows] = income <= share * book.value[rows]
    return confirmed


LEAST_LOSS = 0.25  # of the negative revenue


def holds_losses(book: PeriodTable) -> Flags:
    """Which filings are of funds and their advisers: losses of what they hold are revenue."""
    style = book.filings["style"]
    found: Flags = ((style == "fund") | (style == "adviser")).to_numpy()
    return found


def accelerated_but_tiny(book: PeriodTable) -> Outcome:
    """Q32: an accelerated filer whose every balance is below a million."""
    points, _ = book.near
    filer = book.filings["filer"]
    filers = ((filer == "large") | (filer == "accelerated")).to_numpy()
    sheets = filers[points.fid] & ~np.isnan(points.items["Assets"])
    greatest = np.zeros(book.filings.height)
    np.fmax.at(greatest, points.fid[sheets], points.greatest(BALANCES)[sheets])
    wrong = sheets & ((greatest >= SHELL_BALANCE) & (greatest < MILLION))[points.fid]
    if not wrong.any():
        return outcome("Q32", points.fid[sheets])
    tops = points.rows(wrong, []).group_by("fid").agg(pl.col("end").max())
    actual = greatest[tops["fid"].to_numpy()]
    failed = with_columns_from(tops, actual=actual, expected=MILLION, items=["Assets"])
    said = "The greatest balance is {actual}, but a filer of this category has more than 1,000,000."
    return outcome("Q32", points.fid[sheets], FindingText(failed, said))


SHELL_BALANCE = 1000.0  # less is what a company has before the merger that it was made for
BALANCES = (
    "Assets", "LiabilitiesAndEquity", "EquityParent", "AssetsCurrent", "PropertyPlantEquipment",
)  # fmt: skip
