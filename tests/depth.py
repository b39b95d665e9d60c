"""How much is tried of what holds for any input: the profile of Hypothesis says it.

`quick` is that of every run and of `make test`: few cases, always the same ones. `ci` is that of
`make thorough`, the second step of continuous integration. `long` is asked for by hand.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from core.store import connection

QUICK, CI, LONG = "quick", "ci", "long"
PROFILES = {QUICK: 8, CI: 60, LONG: 10_000}  # cases of a property that costs little
MANY = 500  # cases of a dear one where many were asked for


def profile() -> str:
    """The name of the profile this run was asked for."""
    return os.environ.get("HYPOTHESIS_PROFILE", QUICK)


def load() -> None:
    """Make the profiles known and take the one that was asked for."""
    for name, cases_of_it in PROFILES.items():
        hypothesis.settings.register_profile(
            name, deadline=None, derandomize=name != LONG, max_examples=cases_of_it
        )
    hypothesis.settings.load_profile(profile())


def one_thread() -> None:
    """Let each store of a quick run work in the thread that asks: each worker has a core."""
    if profile() == QUICK:
        connection.CONFIG["threads"] = 1


def pick(quick: int, ci: int, long: int | None = None) -> int:
    """The number for this run; `ci` also where many were asked for and nothing says how many."""
    return {QUICK: quick, LONG: ci if long is None else long}.get(profile(), ci)


def cases(few: int, **others: Any) -> hypothesis.settings:
    """Settings of a property whose every case costs tenths of a second: `few` in a thorough run,
    a third of them in a quick one, 500 on request.
    """
    count = pick(-(-few // 3), few, MANY)
    return hypothesis.settings(max_examples=count, deadline=None, **others)


def leave_for_later(items: Iterable[pytest.Item]) -> None:
    """Mark what a quick run leaves out of a test that is marked `few(n)`: all but its first n
    parameters; and what a thorough one asks for more cases: all properties.
    """
    seen: Counter[tuple[Path, str]] = Counter()
    for item in items:
        test = getattr(item, "function", None)
        if getattr(test, "is_hypothesis_test", False) or item.path.parent.name == "property":
            item.add_marker(pytest.mark.deep)
        if few := item.get_closest_marker("few"):
            name = (item.path, item.name.partition("[")[0])
            seen[name] += 1
            if seen[name] > few.args[0]:
                item.add_marker(pytest.mark.thorough)
