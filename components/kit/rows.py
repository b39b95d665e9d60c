"""Values as they are written in the cells of lists and on paper, by the names of their columns."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from components.kit import formats

WHOLE = ("score", "evidence_pct")  # points of a hundred
NAMES = ("cik", "year", "fiscal_year")  # numbers that name something
LARGE = (  # amounts, of which a fraction is told where there is one
    "risk",
    "value",
    "left_value",
    "right_value",
    "dollar_volume",
    "notional",
    "amount",
    "dollars_m",
)
PERCENT = ("revision_risk_pct",)  # that are no finer than a whole one
PLUS = ("gap_atr", "realised_r")  # with the sign of a gain too; so are all that end in gap_pct


def is_size(name: str) -> bool:
    """Whether a column holds bytes."""
    return name == "bytes" or name.endswith("_bytes")


def told(name: str, value: Any, zone: str = formats.MARKET_ZONE) -> str:
    """A value as it is written in a cell."""
    if value is None:
        return formats.NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _number(name, value)
    if isinstance(value, Decimal):
        return _exact(value)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return _moment(value, zone)


def _moment(value: Any, zone: str) -> str:
    if isinstance(value, datetime):
        return formats.when(value, zone)
    return formats.day(value) if isinstance(value, date) else str(value)


def _exact(value: Decimal) -> str:
    """With all its digits, two at least behind the point."""
    whole, _, part = f"{value:,f}".partition(".")
    return formats.minus(f"{whole}.{part.rstrip('0'):0<2}")


def _number(name: str, value: float) -> str:
    if name in NAMES:
        return str(value)
    if is_size(name):
        return formats.size(value)
    if name == "seconds" or name.endswith("_seconds"):
        return f"{value:,.1f} s"
    if isinstance(value, int):
        return formats.minus(f"{value:,}")
    if name in WHOLE:
        return f"{value:.0f}"
    gains = name in PLUS or name.endswith("gap_pct")
    whole = name in PERCENT or (name in LARGE and float(value).is_integer())
    digits = 0 if whole else 2
    text = formats.signed_number(value) if gains else formats.minus(f"{value:,.{digits}f}")
    return text + (" %" if name.endswith("_pct") else "")
