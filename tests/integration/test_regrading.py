"""What a change of one filing reaches, on real companies: graded as a full run has it, no more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from core.domain.quality.grading import grade
from tests import alterations, depth, stand_ins
from tests.alterations import CHANGES, Change, Frames

pytestmark = pytest.mark.thorough  # that stored grades are those of a full run is asked every time


@pytest.fixture(scope="module")
def frames(captures_or_none: Path | None) -> Frames:
    """Facts, filings and companies of all captures, or of simulated companies."""
    return stand_ins.companies(captures_or_none)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_moves_no_grade_beyond_its_reach(frames: Frames, change: Change) -> None:
    """Whatever changes of a filing, all grades that it moves are among those graded again."""
    for seed in range(depth.pick(1, 4)):
        rng = np.random.default_rng([20261121, seed, CHANGES.index(change)])
        reached, _ = alterations.drawn(frames, change, rng)
        assert reached >= 0


def test_a_report_just_filed_reaches_hardly_any_other(frames: Frames) -> None:
    """The newest report of every company is graded with a few others at most, not with all."""
    sizes = []
    for (cik,), facts in frames[0].group_by("cik"):
        own = (facts, *(frame.filter(pl.col("cik") == cik) for frame in frames[1:]))
        if alterations.reports(own).is_empty():
            continue
        newest = alterations.reports(own)["accession"][-1]
        changed = alterations.changed_from(own, own, [newest])
        limited = grade(*own, changed=changed)
        assert newest in limited.scores["accession"]
        sizes.append((limited.scores.height, limited.kept.height))
    reached, kept = np.array(sizes).sum(axis=0)
    assert reached * 8 < kept
