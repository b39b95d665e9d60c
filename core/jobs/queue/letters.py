"""Letters between processes that share a queue in Redis: an ask, and the answer that is awaited.

A job's payload is a reference; what it is about lies here, until the answer is there or an hour is
over. Who waits is woken by Redis when the answer comes.
"""

from __future__ import annotations

import time
from typing import Any, cast

from core.jobs.queue.redis_rows import RedisRows

KEPT_SECONDS = 3600
PIECES_KEPT_SECONDS = 60  # of a file: who wants them waits for them
SLICE_SECONDS = 1.0  # shorter than the socket's own patience


class Letters:
    """The letters of one queue; thread-safe. StoreError when Redis is away."""

    def __init__(self, rows: RedisRows) -> None:
        self._rows = rows

    def put(self, letter_id: str, body: bytes) -> None:
        """Lay an ask down."""
        with self._rows.typed():
            self._rows.client.set(self._rows.key("ask", letter_id), body, ex=KEPT_SECONDS)

    def take(self, letter_id: str) -> bytes | None:
        """An ask; None when it is answered, or too old."""
        with self._rows.typed():
            return cast(bytes | None, self._rows.client.get(self._rows.key("ask", letter_id)))

    def answer(self, letter_id: str, body: bytes) -> None:
        """Answer an ask, which is then done with."""
        key = self._rows.key("answer", letter_id)
        with self._rows.typed(), self._rows.client.pipeline() as pipe:
            pipe.delete(self._rows.key("ask", letter_id))
            pipe.rpush(key, body)
            pipe.expire(key, KEPT_SECONDS)
            pipe.execute()

    def awaited(self, letter_id: str, seconds: float) -> bytes | None:
        """The answer to an ask, when it comes in time."""
        return self._popped("answer", letter_id, seconds)

    def want(self, carriage: str, body: bytes) -> None:
        """Ask for a piece of what a desk carries."""
        self._push("want", carriage, body)

    def wanted(self, carriage: str, seconds: float) -> bytes | None:
        """The next piece that is asked for, when one is in time."""
        return self._popped("want", carriage, seconds)

    def hand(self, turn: str, body: bytes) -> None:
        """Hand over a piece that was asked for."""
        self._push("piece", turn, body)

    def handed(self, turn: str, seconds: float) -> bytes | None:
        """The next piece, when it comes in time."""
        return self._popped("piece", turn, seconds)

    def _push(self, kind: str, name: str, body: bytes) -> None:
        key = self._rows.key(kind, name)
        with self._rows.typed(), self._rows.client.pipeline() as pipe:
            pipe.rpush(key, body)
            pipe.expire(key, PIECES_KEPT_SECONDS)
            pipe.execute()

    def _popped(self, kind: str, name: str, seconds: float) -> bytes | None:
        ends = time.monotonic() + seconds
        key = self._rows.key(kind, name)
        while (left := ends - time.monotonic()) > 0:
            with self._rows.typed():
                asked: Any = self._rows.client
                found = asked.blpop([key], timeout=min(left, SLICE_SECONDS))
            if found:
                return cast(bytes, found[1])
        return None
