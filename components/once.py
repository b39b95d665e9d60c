"""Make a thing once per version of the data and share it between sessions: figures, mostly.

    fig = once.made(lambda: charts.pull_timeline(history), "timeline", name, last_pull_id)

The key must name everything that the thing is made from; a version id stands for the data.
Things are shared, so nobody may change them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")
KEPT = 256

_lock = threading.Lock()
_things: OrderedDict[tuple[Hashable, ...], Any] = OrderedDict()


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


def forget() -> None:
    """Let go of everything (tests start from here)."""
    with _lock:
        _things.clear()
