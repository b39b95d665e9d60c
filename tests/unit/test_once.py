"""Things made once per version of the data."""

from __future__ import annotations

import pytest

from components import once


@pytest.fixture(autouse=True)
def _empty():
    once.forget()
    yield
    once.forget()


def test_a_thing_is_made_once_for_its_key():
    """The same key gives the same thing; another version is made anew."""
    made = []
    first = once.made(lambda: made.append(1) or [1], "chart", "v1")
    again = once.made(lambda: made.append(1) or [2], "chart", "v1")
    other = once.made(lambda: made.append(1) or [3], "chart", "v2")
    assert first is again
    assert other == [3]
    assert len(made) == 2


def test_only_the_latest_things_are_kept():
    """Old things make room, so the memory stays bounded."""
    for number in range(once.KEPT + 10):
        once.made(lambda: "thing", number)
    assert once.made(lambda: "new", 0) == "new"
    assert once.made(lambda: "new", once.KEPT + 9) == "thing"


def test_what_has_no_version_lives_a_while(monkeypatch):
    """Within its seconds a thing is kept; later, or after a change, it is made anew."""
    clock = [100.0]
    monkeypatch.setattr(once.time, "monotonic", lambda: clock[0])
    assert once.lately(lambda: 1, 2.0, "statuses") == 1
    clock[0] += 1.9
    assert once.lately(lambda: 2, 2.0, "statuses") == 1
    clock[0] += 0.2
    assert once.lately(lambda: 3, 2.0, "statuses") == 3
    once.forget_lately()
    assert once.lately(lambda: 4, 2.0, "statuses") == 4
