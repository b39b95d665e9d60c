"""What a lock guards is touched by its holder alone: an access without it fails at once.

    guard(board, "_lock", "_jobs")
    board.start("j", "prices")  # AssertionError where it touched `_jobs` without `_lock`

Unlike a race, which shows itself now and then, this shows every time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from typing import Any

_CHANGES = {
    kind: [name for name in names if hasattr(kind, name)]
    for kind in (dict, OrderedDict, list, set, deque)
    for names in [
        ("__setitem__", "__delitem__", "pop", "popitem", "clear", "update", "setdefault",
         "move_to_end", "append", "remove", "add", "discard")
    ]
}  # fmt: skip


class Held:
    """A lock that knows who holds it, and how often it was taken."""

    def __init__(self, lock: Any) -> None:
        self.taken = 0
        self._lock = lock
        self._holders: list[int] = []

    @property
    def mine(self) -> bool:
        """Whether this thread holds it."""
        return threading.get_ident() in self._holders

    def acquire(self, *words: Any, **named: Any) -> bool:
        """As the lock itself."""
        got = bool(self._lock.acquire(*words, **named))
        if got:
            self.taken += 1
            self._holders.append(threading.get_ident())
        return got

    def release(self) -> None:
        """As the lock itself."""
        self._holders.pop()
        self._lock.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def guard(thing: Any, lock: str, *names: str, reads: bool = True) -> Held:
    """Watch attributes of an object from now on; without `reads` only what changes them."""
    held = Held(getattr(thing, lock))

    def must(name: str) -> None:
        assert held.mine, f"{name} of {kind.__name__} is touched without {lock}"

    kind = type(thing)

    def get(self: Any, name: str) -> Any:
        if reads and name in names:
            must(name)
        return object.__getattribute__(self, name)

    def put(self: Any, name: str, value: Any) -> None:
        if name in names:
            must(name)
            value = _watched(value, lambda: must(name))
        object.__setattr__(self, name, value)

    for name in names:
        was = getattr(thing, name)
        object.__setattr__(thing, name, _watched(was, lambda name=name: must(name)))
    object.__setattr__(thing, lock, held)
    space = {"__slots__": (), "__getattribute__": get, "__setattr__": put}
    thing.__class__ = type(kind.__name__, (kind,), space)
    return held


def _watched(value: Any, must: Any) -> Any:
    """A container that asks before every change; anything else as it is."""
    kind = type(value)
    if kind not in _CHANGES:
        return value

    def asking(change: Any) -> Any:
        def asked(self: Any, *words: Any, **named: Any) -> Any:
            must()
            return change(self, *words, **named)

        return asked

    space = {name: asking(getattr(kind, name)) for name in _CHANGES[kind]}
    bound = (value.maxlen,) if isinstance(value, deque) else ()
    made = type(kind.__name__, (kind,), {})(value, *bound)
    for name, change in space.items():  # once it is filled
        setattr(type(made), name, change)
    return made
