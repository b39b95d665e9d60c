"""Divisions of the Standard Industrial Classification: the sector of last resort of a company."""

from __future__ import annotations

# first and last major group (two digits) of each division
DIVISIONS: tuple[tuple[int, int, str], ...] = (
    (1, 9, "Agriculture, forestry and fishing"),
    (10, 14, "Mining"),
    (15, 17, "Construction"),
    (20, 39, "Manufacturing"),
    (40, 49, "Transportation and utilities"),
    (50, 51, "Wholesale trade"),
    (52, 59, "Retail trade"),
    (60, 67, "Finance, insurance and real estate"),
    (70, 89, "Services"),
    (91, 97, "Public administration"),
)
UNKNOWN = "unknown"


def division(sic: str | None) -> str | None:
    """The division of a SIC code of three or four digits, marked as one; None when it has none."""
    text = (sic or "").strip()
    if not text.isdigit() or len(text) > 4:
        return None
    group = int(text.zfill(4)[:2])
    found = (name for first, last, name in DIVISIONS if first <= group <= last)
    name = next(found, None)
    return f"{name} (SIC division)" if name else None


def sector_of(sector: str | None, sic: str | None) -> str:
    """The sector as the universe has it, else the SIC division, else `unknown`."""
    known = (sector or "").strip()
    if known and known.lower() not in {UNKNOWN, "n/a", "none", "-"}:
        return known
    return division(sic) or UNKNOWN
