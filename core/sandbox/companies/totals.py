"""Sums of a simulated balance sheet, from its parts."""

from __future__ import annotations

from core.sandbox.market.news import Ints


def assets(s: dict[str, Ints]) -> Ints:
    """All that a company owns."""
    return s["cash"] + s["sti"] + s["ar"] + s["inv"] + s["oca"] + _noncurrent(s)


def _noncurrent(s: dict[str, Ints]) -> Ints:
    return s["ppe"] + s["goodwill"] + s["intang"] + s["onca"]


def liabilities(s: dict[str, Ints]) -> Ints:
    """All that it owes."""
    return s["ap"] + s["accrued"] + s["defrev"] + s["ltd"] + s["oncl"]


def with_totals(s: dict[str, Ints]) -> dict[str, Ints]:
    """With the sums of the balance sheet; equity is summed from its own parts, not plugged."""
    s["assets_noncurrent"] = _noncurrent(s)
    s["assets"] = assets(s)
    s["assets_current"] = s["assets"] - s["assets_noncurrent"]
    s["liabilities_noncurrent"] = s["ltd"] + s["oncl"]
    s["liabilities"] = liabilities(s)
    s["liabilities_current"] = s["liabilities"] - s["liabilities_noncurrent"]
    s["payables"] = s["ap"] + s["accrued"]
    s["equity"] = s["par"] + s["apic"] + s["retained"] + s["aoci"] - s["treasury"]
    s["equity_all"] = s["equity"] + s["minority"]
    s["balance"] = s["liabilities"] + s["mezz"] + s["equity_all"]
    return s
