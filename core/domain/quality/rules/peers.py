"""Values against their next of kin in the same period of the same filing: sign and size."""

from __future__ import annotations

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Flags, Floats, or_zero
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.rules.shares import earned
from core.domain.quality.words import FindingText, contrast

KIN = (  # of two items that go together, the first has the other's size but not its sign
    ("NetIncome", "ProfitLoss", 0.25),
    ("NetIncome", "IncomeToCommon", 0.25),
    ("NetIncome", "IncomeContinuing", 0.25),
    ("NetIncome", "IncomeContinuingAll", 0.05),
    ("NetIncome", "Comprehensive", 0.01),
    ("ProfitLoss", "IncomeContinuingAll", 0.05),
)
SIZES = {  # an item is not larger than so many times the greatest of its kin
    "OperatingIncome": (
        30.0,
        ("PretaxIncome", "Revenues", "CostsAndExpenses", "OperatingExpenses"),
    ),
    "SharesBasic": (20.0, ("SharesDiluted",)),
    "SharesDiluted": (20.0, ("SharesBasic",)),
    "EpsDiluted": (20.0, ("EpsBasic",)),
    "EpsBasic": (20.0, ("EpsDiluted",)),
    "Comprehensive": (60.0, ("NetIncome", "Revenues", "ProfitLoss", "Oci")),
    "Cfo": (100.0, ("Revenues", "NetIncome", "Cfi", "Cff")),
}
LEAST_SHARES = 100.0  # fewer are those of a shell
RELATED = ("NetIncome", "ProfitLoss", "IncomeContinuing")


def against_peers(book: PeriodTable) -> list[FindingText]:
    """Failures in words, for each relation that any filing breaks."""
    found = []
    for item, next_kin, slack in KIN:
        wrong, other = _signs(book, item, next_kin, slack), book.near[1].items[next_kin]
        found.append((item, wrong, other, f", but {next_kin} is ", TURNED))
    for item in ("EpsBasic", "EpsDiluted"):
        wrong, other = _share_signs(book, item)
        found.append((item, wrong, other, ", but income is ", TURNED))
    for item, (factor, kin) in SIZES.items():
        wrong, other = _sizes(book, item, factor, kin)
        found.append((item, wrong, other, ", but the greatest of its kin is ", HUGE))
    return [_told(book, *one) for one in found if one[1].any()]


TURNED = ": the signs contradict each other."
HUGE = ": not of one size."


def _signs(book: PeriodTable, item: str, kin: str, slack: float) -> Flags:
    value, other = book.near[1].items[item], book.near[1].items[kin]
    disposed = (book.near[1].items[n] for n in ("IncomeDiscontinued", "DisposalGain"))
    sold = np.fmax(*(np.abs(part) for part in disposed)) > 0.5 * np.abs(value)
    mirrored: Flags = np.abs(value + other) <= slack * np.abs(other)
    turned: Flags = np.sign(value) * np.sign(other) == -1
    explained = _of_others(book, value - other, kin) | _preferred(value, other, kin)
    if kin in ALL_OWNERS:  # in a table of quarters the share of others may be left out
        untold = np.isnan(book.near[1].items["NciIncome"])
        explained |= untold & _telling(book, ("NciIncome",))[book.near[1].fid]
    if item == "NetIncome" and kin in CONTINUING:  # what was sold may be in the filer's own words
        explained |= earned(book.near[1])[item]
    large = np.abs(value) > 10 * book.near[1].unit  # of two small ones it says nothing
    return mirrored & ~sold & turned & ~explained & large


def _preferred(value: Floats, other: Floats, kin: str) -> Flags:
    """Whether preferred dividends, told or not, may have taken more than the income."""
    taken: Flags = (value > 0) & (np.abs(value + other) > 0.03 * np.abs(other))
    return taken & (kin == "IncomeToCommon")


def _of_others(book: PeriodTable, gap: Floats, kin: str) -> Flags:
    """Whether others own most of what the profit of all owners has more, or less."""
    items = book.near[1].items
    shares = [or_zero(items[name]) for name in ("NciIncome", "RedeemableNciIncome")]
    owned: Flags = np.abs(shares[0]) + np.abs(shares[1]) >= 0.5 * np.abs(gap)
    return owned & (kin in ALL_OWNERS)


CONTINUING = ("IncomeContinuing", "IncomeContinuingAll")
ALL_OWNERS = ("ProfitLoss", "IncomeContinuingAll")


def _share_signs(book: PeriodTable, eps: str) -> tuple[Flags, Floats]:
    items = book.near[1].items
    income = book.near[1].first(("IncomeToCommon", "NetIncome"))
    wrong: Flags = (np.abs(items[eps]) >= 0.02) & (np.sign(items[eps]) * np.sign(income) == -1)
    paid = np.abs(items[eps] * items["SharesBasic"] + income)  # preferred dividends may take it
    wrong &= ~(paid > 0.25 * np.abs(income))
    wrong &= ~((income > 0) & (_most_told(book, "PreferredDividends")[book.near[1].fid] >= income))
    for name in RELATED:
        wrong &= np.isnan(items[name]) | (np.sign(items[name]) == np.sign(income))
    return wrong, income


def _telling(book: PeriodTable, items: tuple[str, ...]) -> Flags:
    """Which filings tell any of some items, of whatever period, and not as nothing."""
    found = np.zeros(book.filings.height, bool)
    found[book.fid[book.of(items) & (book.value != 0)]] = True
    return found


def _most_told(book: PeriodTable, item: str) -> Floats:
    """Of each filing the greatest of what it tells of an item, of whatever period; 0: nothing."""
    rows, most = np.flatnonzero(book.of([item])), np.zeros(book.filings.height)
    np.fmax.at(most, book.fid[rows], book.value[rows])
    return most


def _sizes(
    book: PeriodTable, item: str, factor: float, kin: tuple[str, ...]
) -> tuple[Flags, Floats]:
    greatest = book.near[1].greatest(kin)
    if item.startswith("Shares"):
        counts = np.abs(book.near[1].items[item])
        return (counts > factor * greatest) & (greatest > LEAST_SHARES), greatest
    least = 0.05 if item.startswith("Eps") else book.near[1].unit * 10
    value = np.abs(book.near[1].items[item])
    huge: Flags = value > factor * greatest
    if item.startswith("Eps"):  # either may be the one in the wrong scale: not a rounded cent
        return huge & (greatest > 0) & ((greatest >= least) | _finer_than_cents(greatest)), greatest
    if item == "OperatingIncome":  # a loss is no larger than what was spent, where that is told
        huge &= ~np.isnan(book.near[1].greatest(kin[:1] + kin[2:]))
    return huge & (greatest >= least), greatest


def _finer_than_cents(value: Floats) -> Flags:
    finer: Flags = np.abs(value * 100 - np.round(value * 100)) > 0.01
    return finer


def _told(
    book: PeriodTable, item: str, wrong: Flags, other: Floats, middle: str, tail: str
) -> FindingText:
    keys = book.near[1].rows(wrong, []).select("fid", "start", "end", other=pl.Series(other[wrong]))
    concerned = book.of([item]) & np.isin(book.fid, book.near[1].fid[wrong])
    stated = book.rows(concerned).select("fid", "start", "end", "item", "value", "row")
    # What was filled in stands for no fact, so that nothing can be told of it.
    return contrast(keys.join(stated, on=["fid", "start", "end"]), "other", middle, tail)
