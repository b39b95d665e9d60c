"""Answers of a lake in Redis, by the number of its snapshot: what one desk read, all have read.

They are signed with a key of the lake, so nobody who reaches Redis alone can make a desk believe
anything. Old snapshots are forgotten by time; a bound on what is kept leaves room for the jobs.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import cast

import polars as pl

from core.errors import StoreError
from core.observe import logs
from core.redis_place import RedisPlace
from core.store.memory import LARGEST_BYTES

KEPT_SECONDS = 300
ALL_BYTES = 64_000_000  # of what is kept within KEPT_SECONDS
WAITING = 100  # answers on their way to Redis; more are not kept
log = logs.get("answers")


class SharedAnswers:
    """Frames by snapshot and question; thread-safe. Without Redis there are none."""

    def __init__(self, place: RedisPlace, secret: Callable[[], bytes]) -> None:
        """`secret`: known to those who may read the lake; asked for once."""
        self._place = place
        self._key_of_all = cache(lambda: hashlib.sha256(b"answers" + secret()).digest())
        self._writer = ThreadPoolExecutor(1, "shared-answers")
        self._room = threading.BoundedSemaphore(WAITING)

    def get(self, snapshot: int, question: tuple[str, str]) -> pl.DataFrame | None:
        """What some desk has read; nobody may change it."""
        name = _name(question)
        try:
            with self._place.using() as client:
                found = cast(bytes | None, client.get(self._key(snapshot, name)))
            return None if found is None else self._opened(found, snapshot, name)
        except StoreError:  # the lake itself is asked
            return None

    def keep(self, snapshot: int, question: tuple[str, str], frame: pl.DataFrame) -> None:
        """Let the others have it; nobody waits for that."""
        if frame.estimated_size() > LARGEST_BYTES or not self._room.acquire(blocking=False):
            return
        try:
            self._writer.submit(self._kept, snapshot, question, frame)
        except RuntimeError:  # the desk is being closed
            self._room.release()

    def close(self) -> None:
        """Hand on what waits, and let go of the connections."""
        self._writer.shutdown()
        self._place.close()

    def _kept(self, snapshot: int, question: tuple[str, str], frame: pl.DataFrame) -> None:
        name, body = _name(question), io.BytesIO()
        try:
            frame.write_ipc(body, compression="lz4")
            sealed = self._signature(snapshot, name, body.getvalue()) + body.getvalue()
            if self._has_room(len(sealed)):
                with self._place.using() as client:
                    client.set(self._key(snapshot, name), sealed, ex=KEPT_SECONDS, nx=True)
        except (StoreError, pl.exceptions.PolarsError) as error:
            log.info("an answer was not shared", error=str(error))
        finally:
            self._room.release()

    def _has_room(self, size: int) -> bool:
        """Whether there is room in this stretch of time; counts the size."""
        key = self._place.key("answers", "bytes", str(int(time.time() // KEPT_SECONDS)))
        with self._place.using() as client, client.pipeline() as pipe:
            pipe.incrby(key, size)
            pipe.expire(key, 2 * KEPT_SECONDS)
            total: int = pipe.execute()[0]
        return total <= ALL_BYTES

    def _opened(self, sealed: bytes, snapshot: int, name: str) -> pl.DataFrame | None:
        signature, body = sealed[:32], sealed[32:]
        if not hmac.compare_digest(signature, self._signature(snapshot, name, body)):
            log.warning("a shared answer bears a wrong signature")
            return None
        return pl.read_ipc(io.BytesIO(body))

    def _signature(self, snapshot: int, name: str, body: bytes) -> bytes:
        told = f"{snapshot}:{name}:".encode()
        return hashlib.blake2b(told + body, key=self._key_of_all(), digest_size=32).digest()

    def _key(self, snapshot: int, name: str) -> str:
        return self._place.key("answers", str(snapshot), name)


def _name(question: tuple[str, str]) -> str:
    return hashlib.sha256("\0".join(question).encode()).hexdigest()
