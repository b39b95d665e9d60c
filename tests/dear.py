"""Settings of properties whose every case costs tenths of a second."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

MANY = 500
ON_REQUEST = 1000  # cases of a profile that is asked for, not of every run


def cases(few: int, **others: Any) -> settings:
    """That many cases in every run, always the same ones; 500 where many were asked for."""
    asked = settings.default.max_examples >= ON_REQUEST
    return settings(max_examples=MANY if asked else few, deadline=None, **others)
