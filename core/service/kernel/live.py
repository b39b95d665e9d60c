"""How far running jobs are, for desks: the engine that leads puts it into Redis, desks look there.

It is told a few times a second by a thread of its own, so that no pull waits for Redis. It is
signed, as all that desks believe; without Redis, or once it is old, nothing is known.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import cast

from core.errors import ProtocolError, StoreError
from core.jobs.pulling.progress import Live, ProgressBoard
from core.observe import logs
from core.redis_place import RedisPlace
from core.service.kernel import wire
from core.service.kernel.asking import Seal

EVERY_SECONDS = 0.25
KEPT_SECONDS = 3600
TOLD_MESSAGES = 50  # of one job, the latest
log = logs.get("live")


class LiveNotes:
    """What is told of jobs, by job id; StoreError where Redis is away."""

    def __init__(self, place: RedisPlace, secret: Callable[[], bytes]) -> None:
        """`secret`: known to those who may read the lake; asked for once."""
        self._place = place
        self._seal = Seal(lambda: hashlib.sha256(b"live" + secret()).digest())

    def put(self, live: Live) -> None:
        """Tell how far a job is."""
        body = self._seal.on(wire.dumps(replace(live, events=live.events[-TOLD_MESSAGES:])))
        with self._place.using() as client:
            client.set(self._key(live.job_id), body, ex=KEPT_SECONDS)

    def get(self, job_id: str) -> Live | None:
        """What was told last; ProtocolError when it was not told by an engine of this lake."""
        with self._place.using() as client:
            found = cast(bytes | None, client.get(self._key(job_id)))
        if found is None:
            return None
        live = wire.loads(self._seal.off(found))
        if not isinstance(live, Live) or live.job_id != job_id:
            raise ProtocolError(f"what is told of job {job_id} is of something else")
        return live

    def close(self) -> None:
        """Let go of the connections."""
        self._place.close()

    def _key(self, job_id: str) -> str:
        return self._place.key("live", job_id)


class Teller:
    """Tells of what changes on a board; close it when nothing runs any more."""

    def __init__(self, board: ProgressBoard, notes: LiveNotes) -> None:
        self._notes = notes
        self._lock = threading.Lock()
        self._changed: dict[str, Live] = {}
        self._told, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._main, name="live", daemon=True)
        board.listeners.append(self._heard)
        self._thread.start()

    def close(self) -> None:
        """Tell what changed last, and stop."""
        self._stop.set()
        self._told.set()
        self._thread.join()
        self._tell()
        self._notes.close()

    def _heard(self, live: Live) -> None:
        with self._lock:
            self._changed[live.job_id] = live
        self._told.set()

    def _main(self) -> None:
        while not self._stop.is_set():
            self._told.wait()
            self._told.clear()
            self._tell()
            self._stop.wait(EVERY_SECONDS)

    def _tell(self) -> None:
        with self._lock:
            changed, self._changed = self._changed, {}
        for live in changed.values():
            try:
                self._notes.put(live)
            except StoreError as error:  # what comes next tells it all
                log.info("progress was not told to desks", error=str(error))
                return


class FollowedBoard(ProgressBoard):
    """The board of a desk that runs no jobs: what the engine tells of them."""

    def __init__(self, now: Callable[[], datetime], notes: LiveNotes) -> None:
        super().__init__(now)
        self._notes = notes

    def get(self, job_id: str) -> Live | None:
        """See ProgressBoard."""
        try:
            return self._notes.get(job_id)
        except (StoreError, ProtocolError) as error:
            log.info("progress of a job is not known", error=str(error))
            return None

    def close(self) -> None:
        """Let go of the connections."""
        self._notes.close()
