"""Make a thing once per version of the data and share it between sessions: figures, mostly.

    fig = once.made(lambda: charts.pull_timeline(history), "timeline", name, last_pull_id)

The key must name everything that the thing is made from; a version id stands for the data.
Things are shared, so nobody may change them.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")
KEPT = 256

_lock = threading.Lock()
_things: OrderedDict[tuple[Hashable, ...], Any] = OrderedDict()
_recent: dict[tuple[Hashable, ...], tuple[float, Any]] = {}
_of: dict[int, tuple[weakref.ref[Any], dict[tuple[Hashable, ...], Any]]] = {}


def made(make: Callable[[], T], *key: Hashable) -> T:
    """The thing of that key; made now when it is not there. The latest 256 are kept."""
    with _lock:
        if key in _things:
            _things.move_to_end(key)
            return _things[key]
    thing = make()
    with _lock:
        _things[key] = thing
        while len(_things) > KEPT:
            _things.popitem(last=False)
    return thing


def kept(source: Any, make: Callable[[], T], *key: Hashable) -> T:
    """What is made from a frame or history that the desk keeps, once while it keeps it."""
    whose, thing = made(lambda: (source, make()), *key, id(source))
    return thing if whose is source else make()  # an identity may come back


def of(source: Any, make: Callable[[], T], *key: Hashable) -> T:
    """What is made from a frame, kept as long as the frame itself lives."""
    place = id(source)
    ref, things = _of.get(place, (None, {}))
    if ref is None or ref() is not source:
        ref, things = weakref.ref(source, lambda gone: _let_go(place, gone)), {}
        _of[place] = (ref, things)
    if key not in things:
        things[key] = make()
    return things[key]


def _let_go(place: int, gone: weakref.ref[Any]) -> None:
    if place in _of and _of[place][0] is gone:
        del _of[place]


def lately(make: Callable[[], T], seconds: float, *key: Hashable) -> T:
    """The thing of that key, made again when it is older than so many seconds.

    For the few small things that have no version. Two sessions may make it at the same time.
    """
    made_at, thing = _recent.get(key, (0.0, None))
    if time.monotonic() - made_at > seconds or key not in _recent:
        thing = make()
        _recent[key] = (time.monotonic(), thing)
    return thing  # type: ignore[return-value]


def forget_lately() -> None:
    """Make what has no version anew at the next look: something has just changed."""
    _recent.clear()


def forget() -> None:
    """Let go of everything (tests start from here)."""
    forget_lately()
    _of.clear()
    with _lock:
        _things.clear()
