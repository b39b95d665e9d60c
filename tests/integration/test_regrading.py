"""What a change of one filing reaches, on real companies: graded as a full run has it, no more."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from benchmarks import captures
from core.domain.quality.grading import grade
from tests import alterations
from tests.alterations import CHANGES, Change, Frames


@pytest.fixture(scope="module")
def frames(shared_data: object) -> Frames:
    """Facts, filings and companies of all captures."""
    return (captures.load_facts(), *captures.load_submissions())


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_moves_no_grade_beyond_its_reach(frames: Frames, change: Change) -> None:
    """Whatever changes of a filing, all grades that it moves are among those graded again."""
    for seed in range(4):
        rng = np.random.default_rng([20261121, seed, CHANGES.index(change)])
        reached, _ = alterations.drawn(frames, change, rng)
        assert reached >= 0


def test_a_report_just_filed_reaches_hardly_any_other(frames: Frames) -> None:
    """The newest report of every company is graded with a few others at most, not with all."""
    sizes = []
    for (cik,), facts in frames[0].group_by("cik"):
        own = (facts, *(frame.filter(pl.col("cik") == cik) for frame in frames[1:]))
        newest = alterations.reports(own)["accession"][-1]
        changed = alterations.changed_from(own, own, [newest])
        limited = grade(*own, changed=changed)
        assert newest in limited.scores["accession"]
        sizes.append((limited.scores.height, limited.kept.height))
    reached, kept = np.array(sizes).sum(axis=0)
    assert reached * 8 < kept
