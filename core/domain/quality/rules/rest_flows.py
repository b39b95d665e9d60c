"""Cash flows of who has two of the three: the change in cash says what each of them is.

A shell invests nothing, and who is paid for by nobody finances nothing. Where operations and one
other flow are told, each is what the other leaves of the change in cash, so that one that is just
its negative, or a thousandth or a millionth of it, is a slip. Any other difference may be a flow
that is not told.
"""

from __future__ import annotations

import numpy as np

from core.domain.quality.facts.amounts import Amounts
from core.domain.quality.facts.arrays import Flags, Floats, or_zero

FLOWS = ("Cfo", "Cfi", "Cff")
CHANGES = ("CashChangeRestricted", "CashChange")
EXACT = 0.0005
LEAST = 20.0  # rounding units
POWERS = (1e-6, 1e-3, 1e3, 1e6)


def slips(spans: Amounts) -> list[tuple[str, Floats, Flags, Flags]]:
    """(flow, what the other leaves of the change, where it is the negative, where a thousandth)."""
    told = {name: _as_told(spans, name) for name in (*FLOWS, *CHANGES)}
    for name in FLOWS:  # of who sold no part, what is continued is all
        told[name] = _of_all(spans, name, told[name])
    change = np.where(np.isnan(told[CHANGES[0]]), told[CHANGES[1]], told[CHANGES[0]])
    change = change - or_zero(spans.items["Fx"])
    count = sum(~np.isnan(told[name]) for name in FLOWS)
    none = sum(told[name] == 0 for name in FLOWS)
    found = []
    for name in FLOWS:
        value = told[name]
        others = np.nansum([told[other] for other in FLOWS if other != name], axis=0)
        left = change - others
        two = (count == 2) | ((count == 3) & (none == 1))
        two &= ~np.isnan(told["Cfo"]) & ~np.isnan(value)
        large = np.fmin(np.abs(value), np.abs(left)) >= LEAST
        large &= np.fmax(np.abs(value), np.abs(left)) >= LEAST * spans.unit
        room = EXACT * np.abs(left)
        turned = two & large & (np.abs(value + left) <= room)
        size = np.abs(value / left)
        scaled = np.logical_or.reduce([np.abs(size * power - 1) <= EXACT for power in POWERS])
        found.append((name, left, turned, two & large & scaled & (value * left > 0)))
    return found


def _of_all(spans: Amounts, name: str, told: Floats) -> Floats:
    """A flow, or that of continuing operations where no discontinued one is told."""
    continuing = _as_told(spans, f"{name}Continuing")
    continuing[or_zero(spans.items[f"{name}Discontinued"]) != 0] = np.nan
    return np.where(np.isnan(told), continuing, told)


def _as_told(spans: Amounts, name: str) -> Floats:
    """The amounts of an item without those that were filled in."""
    value = spans.items[name].copy()
    for made_up in spans.filled.get(name, {}).values():
        value[made_up] = np.nan
    return value
