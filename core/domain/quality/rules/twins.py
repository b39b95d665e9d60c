"""Figures that are all but one: what tells one of them with another's sign, or in another scale.

Of two that differ by a small part or by nothing the negative, or exactly a thousandth or a
millionth, of the other is a slip, whatever was sold and whoever owns a share.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from core.domain.quality.facts.amounts import Amounts
from core.domain.quality.facts.arrays import Flags, Floats
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.rules import rest_flows, ties
from core.domain.quality.words import FindingText, contrast

FLOWS = (  # the first is told with the fault, of the figures that carry a letter
    ("Cfo", "CfoContinuing"), ("Cfi", "CfiContinuing"), ("Cff", "CffContinuing"),
    ("NetIncome", "ProfitLoss"), ("ProfitLoss", "NetIncome"), ("NetIncome", "IncomeToCommon"),
    ("ProfitLoss", "IncomeToCommon"),
)  # fmt: skip
BALANCES = (("EquityAll", "EquityParent"), ("EquityParent", "EquityAll"))
EPS = ("EpsBasic", "EpsDiluted")
REST = ", but what the other flow leaves of the change in cash is "
TURNED = ": the signs contradict each other."
SCALED = ": one of them is in the wrong scale."
EXACT = 0.005
LIKE = 0.05
EPS_LIKE = 0.25
LEAST = 20.0  # rounding units
LEAST_EPS = 0.02
CENT = 0.01
TAKEN = (  # of the income, before it is the shareholders'
    "PreferredDividends", "UndistributedToParticipating", "NciIncome", "RedeemableNciIncome",
)  # fmt: skip


def against_twins(book: PeriodTable) -> list[FindingText]:
    """Failures in words, for each pair that any filing tells apart by a sign or a scale."""
    points, spans = book.near
    found = []
    for given, pairs, likeness in ((spans, FLOWS, EXACT), (points, BALANCES, LIKE)):
        for item, twin in pairs:
            turned, scaled = _slips(given, item, twin, likeness)
            found += [(given, item, twin, turned, TURNED), (given, item, twin, scaled, SCALED)]
    for item, twin in (EPS, EPS[::-1]):
        found.append((spans, item, twin, _eps_turned(spans, item, twin), TURNED))
        found.append((spans, item, "ProfitLoss", _against_profit(spans, item), TURNED))
        found.append((spans, item, "NetIncome", _against_income(book, item), TURNED))
    said = [_told(book, *one) for one in found if one[3].any()]
    for item, left, turned, scaled in rest_flows.slips(spans):
        for wrong, tail in ((turned, TURNED), (scaled, SCALED)):
            if wrong.any():
                said.append(_told_beside(book, spans, item, (left, REST), wrong, tail))
    for slip in ties.slips(book):
        for wrong, tail in ((slip.turned, TURNED), (slip.scaled, SCALED)):
            if wrong.any():
                beside = slip.made, slip.said
                said.append(_told_beside(book, slip.given, slip.item, beside, wrong, tail))
    return said


def _slips(given: Amounts, item: str, twin: str, likeness: float) -> tuple[Flags, Flags]:
    """(turned, scaled): where the item is its twin but for the sign, or but for the scale."""
    value, other = given.items[item], given.items[twin]
    told = _told_of_both(given, value, other)
    turned = told & (np.abs(value + other) <= likeness * np.abs(other))
    size = np.abs(value / other)
    powers = [np.abs(size * scale - 1) <= EXACT for scale in (1e-6, 1e-3, 1e3, 1e6)]
    scaled = np.logical_or.reduce(powers) & (
        np.fmax(np.abs(value), np.abs(other)) >= LEAST * given.unit
    )
    explained = _of_others(given, item, twin)
    return turned & ~explained, scaled & ~explained


def _told_of_both(given: Amounts, value: Floats, other: Floats) -> Flags:
    told: Flags = (np.abs(value) >= LEAST * given.unit) & (np.abs(other) >= LEAST * given.unit)
    return told


def _of_others(given: Amounts, item: str, twin: str) -> Flags:
    """Where what others own, or parts sold, are told and make just the difference."""
    gap = given.items[item] - given.items[twin]
    found = np.zeros(len(gap), bool)
    for name in ("NciIncome", "RedeemableNciIncome", "CfoDiscontinued", "CfiDiscontinued",
                 "CffDiscontinued", "PreferredDividends", "MinorityInterest"):  # fmt: skip
        if name in given.items:
            found |= np.abs(np.abs(given.items[name]) - np.abs(gap)) <= LIKE * np.abs(gap)
    return found


def _eps_turned(spans: Amounts, item: str, twin: str) -> Flags:
    """Where basic and diluted earnings per share are one the negative of the other."""
    value, other = spans.items[item], spans.items[twin]
    turned: Flags = (np.abs(value) >= LEAST_EPS) & (value * other < 0)
    return turned & (np.abs(value + other) <= EPS_LIKE * np.abs(other))


def _against_profit(spans: Amounts, eps: str) -> Flags:
    """Where a profit is told of all owners alone, and earnings per share have another sign.

    The shares say that it is this profit; of a company with other owners it need not be.
    """
    items = spans.items
    profit, value = items["ProfitLoss"], items[eps]
    alone = np.isnan(spans.first(("NetIncome", "IncomeToCommon"))) | _filled(spans, "NetIncome")
    shares = spans.first(("SharesBasic", "SharesDiluted"))
    fits = np.abs(np.abs(value * shares) - np.abs(profit)) <= EPS_LIKE * np.abs(profit)
    turned: Flags = (np.abs(value) >= LEAST_EPS) & (value * profit < 0)
    against: Flags = alone & turned & fits
    return against


def _against_income(book: PeriodTable, eps: str) -> Flags:
    """Where a cent a share is the income by share, rounded, with another sign.

    What preferred and other owners take may turn the sign; then it is told, of whatever period.
    """
    _, spans = book.near
    items = spans.items
    income, value = items["NetIncome"], items[eps]
    taken = np.isin(spans.fid, book.fid[book.of(TAKEN) & (book.value != 0)])
    alone = ~taken & np.isnan(items["IncomeToCommon"]) & ~_filled(spans, "NetIncome")
    share = income / items[eps.replace("Eps", "Shares")]
    cent = (np.abs(value) >= CENT) & (np.abs(value) < LEAST_EPS)
    turned = cent & (np.abs(share) >= CENT / 2) & (value * share < 0)
    against: Flags = alone & turned & (np.abs(value + share) <= CENT / 2 + EXACT * np.abs(share))
    return against


def _filled(given: Amounts, item: str) -> Flags:
    """Where an item was filled in from a relation."""
    filled = [np.zeros(len(given.fid), bool), *given.filled.get(item, {}).values()]
    found: Flags = np.logical_or.reduce(filled)
    return found


def _told(
    book: PeriodTable, given: Amounts, item: str, twin: str, wrong: Flags, tail: str
) -> FindingText:
    beside = given.items[twin], f", but {twin} is "
    return _told_beside(book, given, item, beside, wrong, tail)


def _told_beside(
    book: PeriodTable, given: Amounts, item: str, beside: tuple[Floats, str], wrong: Flags,
    tail: str,
) -> FindingText:  # fmt: skip
    other = pl.Series("other", beside[0][wrong])
    keys = given.rows(wrong, []).select("fid", "start", "end").with_columns(other)
    stated = book.rows(book.of([item]) & np.isin(book.fid, given.fid[wrong]))
    stated = stated.select("fid", "start", "end", "item", "value", "row")
    found = keys.join(stated, on=["fid", "start", "end"], nulls_equal=True)
    return contrast(found, "other", beside[1], tail)
