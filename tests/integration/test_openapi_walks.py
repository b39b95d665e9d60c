"""Walks through the API: what one answer names is asked of and acted on next."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests import depth, fuzzing, walking

WALKS = int(os.environ.get("WALKS", depth.pick(5, 20, 2000)))
BEGIN = int(os.environ.get("BEGIN", "1"))


@pytest.mark.deep
def test_every_answer_of_a_walk_is_described(tmp_path: Path) -> None:
    """Nothing undescribed, nothing wrong accepted, nothing right refused."""
    with fuzzing.served(tmp_path) as token, fuzzing.connected(token) as client:
        walked = walking.walk(walking.described(), client, WALKS, BEGIN)
    told = "\n".join(f"{name} {status}: {n}" for (name, status), n in walked.asked.most_common())
    sys.stdout.write(f"{walked.walks} walks, {walked.asked.total()} calls\n{told}\n")
    assert walked.wrong == []
    assert len({name for name, status in walked.asked if status < 300}) > 5
