"""Working some items ahead of whoever takes them, in threads beside."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")


def ahead(
    work: Callable[[Item], Done], items: Sequence[Item], most: int
) -> Generator[Done, None, None]:
    """What `work` makes of the items, in their order; at most `most` are made or wait at a time.

    A single item is worked in the calling thread. Whoever stops early closes the generator: what
    was not begun is left, what is under way is waited for. An error of `work` comes in its turn.
    """
    if len(items) == 1:
        yield work(items[0])
        return
    left, waiting = iter(items), deque[Future[Done]]()
    with ThreadPoolExecutor(most, "ahead") as pool:

        def begin() -> None:
            for item in left:
                waiting.append(pool.submit(copy_context().run, work, item))
                if len(waiting) >= most:
                    return

        try:
            begin()
            while waiting:
                done = waiting.popleft().result()
                begin()
                yield done
                del done  # it is not held while the next one is waited for
        finally:
            for one in waiting:
                one.cancel()
