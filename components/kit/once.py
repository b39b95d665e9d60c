"""Make a thing once per version of the data and share it between sessions: figures, mostly.

    fig = once.made(lambda: charts.pull_timeline(history), "timeline", name, last_pull_id)

The key must name everything that the thing is made from; a version id stands for the data.
Things are shared, so nobody may change them.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

from core.service.cache import SingleFlightCache

T = TypeVar("T")
KEPT = 256

_things = SingleFlightCache(KEPT)
_gates: dict[tuple[Hashable, ...], threading.RLock] = {}
_recent: dict[tuple[Hashable, ...], tuple[float, Any]] = {}
_of: dict[int, tuple[weakref.ref[Any], dict[tuple[Hashable, ...], Any]]] = {}


def cached(make: Callable[[], T], *key: Hashable) -> T:
    """The thing of that key; made now when it is not there. The latest 256 are kept."""
    return _things.get(key, make)


def cached_for_owner(source: Any, make: Callable[[], T], *key: Hashable) -> T:
    """What is made from a frame or history that the desk keeps, once while it keeps it."""
    place = (*key, id(source))
    whose, thing = _things.get(place, lambda: (source, make()))
    if whose is source:
        return thing
    _things.drop(place)  # an identity has come back
    return _things.get(place, lambda: (source, make()))[1]


def cached_for_object(source: Any, make: Callable[[], T], *key: Hashable) -> T:
    """What is made from a frame, kept as long as the frame itself lives."""
    place = id(source)
    ref, things = _of.get(place, (None, {}))
    if ref is None or ref() is not source:
        ref, things = weakref.ref(source, lambda gone: _let_go(place, gone)), {}
        _of[place] = (ref, things)
    if key not in things:
        things[key] = make()
    return cast("T", things[key])


def _let_go(place: int, gone: weakref.ref[Any]) -> None:
    if _of and place in _of and _of[place][0] is gone:  # None while the interpreter ends
        del _of[place]


def cached_for_seconds(make: Callable[[], T], seconds: float, *key: Hashable) -> T:
    """The thing of that key, made again when it is older than so many seconds.

    For the few small things that have no version. One session makes it, others wait for that.
    """
    found = _recent.get(key)
    if found is None or time.monotonic() - found[0] > seconds:
        with _gates.setdefault(key, threading.RLock()):
            newer = _recent.get(key)
            if newer is found or newer is None:
                thing = make()
                newer = _recent[key] = (time.monotonic(), thing)
            found = newer
    return cast("T", found[1])


def forget_lately() -> None:
    """Make what has no version anew at the next look: something has just changed."""
    _recent.clear()


def forget() -> None:
    """Let go of everything (tests start from here)."""
    forget_lately()
    _of.clear()
    _things.clear()
