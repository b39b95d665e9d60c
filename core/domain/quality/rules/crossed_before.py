"""Sums of quarters that an earlier report broke, which told two lines under each other's names."""

from __future__ import annotations

import numpy as np

from core.domain.quality.facts.arrays import Flags, Floats, Numbers
from core.domain.quality.facts.packing import found_rows
from core.domain.quality.rules.recast import Flows


def crossed_before(
    flows: Flows,
    pair: tuple[int, int],
    parts: tuple[Numbers, Numbers, Numbers],
    room: Floats,
    asked: Flags,
) -> Flags:
    """Which sums hold with what the earlier report tells of the other line of a pair, as the sum of
    that line does then.

    pair: the places of two items. parts: places of the longer flows, their last quarters and what
    came before. room: what rounding leaves each. asked: the sums to ask of.
    """
    long, last, rest = parts
    left, right = (np.flatnonzero(asked & (flows.item[long] == item)) for item in pair)
    keys = [
        tuple(of[rows[some]] for of, rows in (
            (flows.fid, long), (flows.start, long), (flows.end, long), (flows.fid, rest),
        ))
        for some in (left, right)
    ]  # fmt: skip
    found = np.zeros(len(long), bool)
    if not len(left) or not len(right):
        return found
    place = found_rows(keys[1], keys[0])
    one, other = left[place >= 0], right[place[place >= 0]]
    holds = [
        np.abs(flows.value[long[a]] - flows.value[last[a]] - flows.value[rest[b]]) <= room[a]
        for a, b in ((one, other), (other, one))
    ]
    both = holds[0] & holds[1]
    found[one[both]] = found[other[both]] = True
    return found
