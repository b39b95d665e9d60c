"""How many shares a split leaves: a third that a source wrote with ten digits is still a third."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

_LARGEST_PART = 1000  # of the two whole numbers that a split is agreed in, as 1 for 1000
_SMALLER_PART = 20  # the other one; without it every number is near to some two of them
_WRITTEN_TO = Fraction(2, 1_000_000)  # sources write ratios with six digits and more


def split_ratio(told: Decimal) -> Fraction:
    """New shares per old one as the two whole numbers that were meant, where the told number is as
    near to them as its digits reach; else the told number.
    """
    exact = Fraction(told)
    meant = exact.limit_denominator(_LARGEST_PART)
    agreed = min(meant.numerator, meant.denominator) <= _SMALLER_PART
    return meant if agreed and abs(meant - exact) <= exact * _WRITTEN_TO else exact


def after_split(shares: Decimal, told: Decimal) -> tuple[Decimal, Decimal]:
    """Whole shares after a split and the fraction of one beside them, both signed like `shares`."""
    exact = Fraction(shares) * split_ratio(told)
    kept = int(exact)
    rest = exact - kept
    return Decimal(kept), Decimal(rest.numerator) / Decimal(rest.denominator)


def scaled(shares: int, told: Decimal) -> int:
    """Whole shares of an order after a split, the fraction left out."""
    return int(after_split(Decimal(shares), told)[0])
