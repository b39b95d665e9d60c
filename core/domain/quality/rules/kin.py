"""Values against their next of kin in the same period of the same filing: sign and size."""

from __future__ import annotations

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Flags, Floats
from core.domain.quality.facts.table import Book
from core.domain.quality.words import Said, unlike

KIN = (  # of two items that go together, the first has the other's size but not its sign
    ("NetIncome", "ProfitLoss", 0.25),
    ("NetIncome", "IncomeToCommon", 0.25),
    ("NetIncome", "IncomeContinuing", 0.25),
    ("NetIncome", "IncomeContinuingAll", 0.15),
    ("NetIncome", "Comprehensive", 0.01),
    ("PretaxIncome", "OperatingIncome", 0.15),
    ("ProfitLoss", "IncomeContinuingAll", 0.15),
)
SIZES = {  # an item is not larger than so many times the greatest of its kin
    "OperatingIncome": (
        30.0,
        ("PretaxIncome", "Revenues", "CostsAndExpenses", "OperatingExpenses"),
    ),
    "EpsDiluted": (20.0, ("EpsBasic",)),
    "EpsBasic": (20.0, ("EpsDiluted",)),
    "Comprehensive": (60.0, ("NetIncome", "Revenues", "ProfitLoss", "Oci")),
    "Cfo": (100.0, ("Revenues", "NetIncome", "Cfi", "Cff")),
}
RELATED = ("NetIncome", "ProfitLoss", "IncomeContinuing")


def against_kin(book: Book) -> list[Said]:
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


def _signs(book: Book, item: str, kin: str, slack: float) -> Flags:
    value, other = book.near[1].items[item], book.near[1].items[kin]
    sold = np.abs(book.near[1].items["IncomeDiscontinued"]) > 0.5 * np.abs(value)
    mirrored: Flags = np.abs(value + other) <= slack * np.abs(other)
    turned: Flags = np.sign(value) * np.sign(other) == -1
    return mirrored & ~sold & turned


def _share_signs(book: Book, eps: str) -> tuple[Flags, Floats]:
    items = book.near[1].items
    income = book.near[1].first(("IncomeToCommon", "NetIncome", "ProfitLoss"))
    wrong: Flags = (np.abs(items[eps]) >= 0.02) & (np.sign(items[eps]) * np.sign(income) == -1)
    for name in RELATED:
        wrong &= np.isnan(items[name]) | (np.sign(items[name]) == np.sign(income))
    return wrong, income


def _sizes(book: Book, item: str, factor: float, kin: tuple[str, ...]) -> tuple[Flags, Floats]:
    greatest = book.near[1].greatest(kin)
    least = 0.05 if item.startswith("Eps") else book.near[1].unit * 10
    huge: Flags = np.abs(book.near[1].items[item]) > factor * greatest
    return huge & (greatest >= least), greatest


def _told(book: Book, item: str, wrong: Flags, other: Floats, middle: str, tail: str) -> Said:
    keys = book.near[1].rows(wrong, []).select("fid", "start", "end", other=pl.Series(other[wrong]))
    concerned = book.of([item]) & np.isin(book.fid, book.near[1].fid[wrong])
    stated = book.rows(concerned).select("fid", "start", "end", "item", "value", "row")
    # What was filled in stands for no fact, so that nothing can be told of it.
    return unlike(keys.join(stated, on=["fid", "start", "end"]), "other", middle, tail)
