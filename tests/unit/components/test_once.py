"""Things made once per version of the data."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from components.kit import once


@pytest.fixture(autouse=True)
def _empty():
    once.forget()
    yield
    once.forget()


def test_a_thing_is_made_once_for_its_key():
    """The same key gives the same thing; another version is made anew."""
    made = []
    first = once.cached(lambda: made.append(1) or [1], "chart", "v1")
    again = once.cached(lambda: made.append(1) or [2], "chart", "v1")
    other = once.cached(lambda: made.append(1) or [3], "chart", "v2")
    assert first is again
    assert other == [3]
    assert len(made) == 2


def test_only_the_latest_things_are_kept():
    """Old things make room, so the memory stays bounded."""
    for number in range(once.KEPT + 10):
        once.cached(lambda: "thing", number)
    assert once.cached(lambda: "new", 0) == "new"
    assert once.cached(lambda: "new", once.KEPT + 9) == "thing"


def test_what_has_no_version_lives_a_while(monkeypatch):
    """Within its seconds a thing is kept; later, or after a change, it is made anew."""
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    assert once.cached_for_seconds(lambda: 1, 2.0, "statuses") == 1
    clock[0] += 1.9
    assert once.cached_for_seconds(lambda: 2, 2.0, "statuses") == 1
    clock[0] += 0.2
    assert once.cached_for_seconds(lambda: 3, 2.0, "statuses") == 3
    once.forget_lately()
    assert once.cached_for_seconds(lambda: 4, 2.0, "statuses") == 4


def test_many_who_ask_at_once_wait_for_one(monkeypatch):
    """After a pull all sessions ask for the same new thing; it is made by one of them."""
    made, ready = [], threading.Barrier(8)

    def make() -> int:
        made.append(1)
        time.sleep(0.05)
        return len(made)

    def ask(how) -> int:
        ready.wait(10)
        return how()

    for how in (
        lambda: once.cached(make, "herd"),
        lambda: once.cached_for_seconds(make, 60.0, "herd"),
    ):
        made.clear()
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(ask, [how] * 8)) == [1] * 8
        assert made == [1]


def test_a_thing_that_failed_is_tried_again():
    """An error reaches who asked, and the next one tries anew."""

    def fail() -> None:
        raise ValueError("not now")

    with pytest.raises(ValueError, match="not now"):
        once.cached(fail, "fails")
    assert once.cached(lambda: 5, "fails") == 5


def test_an_identity_that_comes_back_gets_a_thing_of_its_own(monkeypatch):
    """Python gives the identity of a dead object to another; the old thing is not shown for it."""
    monkeypatch.setattr(once, "id", lambda _: 7, raising=False)
    first, second = [1], [2]
    assert once.cached_for_owner(first, lambda: "of the first") == "of the first"
    assert once.cached_for_owner(second, lambda: "of the second") == "of the second"
    assert once.cached_for_owner(second, lambda: "again") == "of the second"
