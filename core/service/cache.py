"""What is kept between questions: the last few answers, made once however many ask."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from core.errors import NotFoundError, OpenbellError, UsageError, ValidationError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _NoAnswer:
    """Why a question could not be answered."""

    error: OpenbellError


class SingleFlightCache:
    """The last few answers by key; a key holds the version of the data, so none is ever stale.

    When many ask for the same new one at once, as sessions do after a pull, one makes it and the
    others wait for it. A question that has no answer (an OpenbellError) is remembered like one that
    has. `make` must not write to the store: who waits may hold its lock.
    """

    def __init__(self, entries: int = 12) -> None:
        self._entries = entries
        self._kept: OrderedDict[tuple[object, ...], Any] = OrderedDict()
        self._making: dict[tuple[object, ...], threading.RLock] = {}
        self._lock = threading.Lock()

    def get(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        """The kept answer, or a new one."""
        with self._lock:
            if key in self._kept:
                return cast("T", self._found(key))
            gate = self._making.setdefault(key, threading.RLock())
        with gate:
            with self._lock:
                if key in self._kept:
                    return cast("T", self._found(key))
            try:
                value = make()
                self._keep(key, value)
            except (NotFoundError, ValidationError, UsageError) as error:
                self._keep(key, _NoAnswer(error))
                raise
            finally:
                with self._lock:
                    self._making.pop(key, None)
        return value

    def drop(self, key: tuple[object, ...]) -> None:
        """Let go of one answer."""
        with self._lock:
            self._kept.pop(key, None)

    def clear(self) -> None:
        """Let go of all of them."""
        with self._lock:
            self._kept.clear()

    def _found(self, key: tuple[object, ...]) -> Any:
        self._kept.move_to_end(key)
        found = self._kept[key]
        if isinstance(found, _NoAnswer):
            raise found.error.with_traceback(None)
        return found

    def _keep(self, key: tuple[object, ...], value: object) -> None:
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > self._entries:
                self._kept.popitem(last=False)


SESSIONS = SingleFlightCache()  # measured sessions and histories: large frames
DERIVED = SingleFlightCache(48)  # small answers: chosen rows, small charts, measures of the book
