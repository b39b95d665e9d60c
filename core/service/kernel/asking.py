"""The desk's side of the relay: an ask becomes a job of the queue, and its answer is awaited.

Asks and answers are signed with the secret of the lake's lease: who can write to Redis alone can
make the engine do nothing, nor a desk believe anything.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.domain.access.principals import NOBODY, Principal
from core.errors import OpenbellError, ProtocolError, ReadOnlyError, StoreError, rebuilt
from core.jobs.queue.port import FRONT, JobQueue, JobStatus
from core.observe import logs
from core.service.kernel import wire
from core.service.kernel.carrying import handing
from core.service.kernel.given_files import Carried

if TYPE_CHECKING:
    from core.jobs.queue.letters import Letters

ACT = "act"
GIVEN_UP = (JobStatus.CANCELLED, JobStatus.DEAD, JobStatus.CORRUPT)
LONGEST_SECONDS = 600.0  # for what the engine has begun
log = logs.get("relay")


class Seal:
    """Bodies with the signature of those who know the secret, which is asked for once."""

    def __init__(self, secret: Callable[[], bytes]) -> None:
        self._secret = cache(secret)

    def on(self, body: bytes) -> bytes:
        """The body behind its signature."""
        return hmac.digest(self._secret(), body, hashlib.sha256) + body

    def off(self, sealed: bytes) -> bytes:
        """The body; ProtocolError when the signature is not that of the secret."""
        signature, body = sealed[:32], sealed[32:]
        if not hmac.compare_digest(signature, hmac.digest(self._secret(), body, hashlib.sha256)):
            raise ProtocolError("a letter in the queue bears a wrong signature")
        return body


class EngineRelay:
    """A `Relay` through the queue that desk and engine share."""

    def __init__(
        self,
        queue: JobQueue,
        letters: Letters,
        seal: Seal,
        seconds: float,
        caught_up: Callable[[], None],
        away: Callable[[], float | None],
    ) -> None:
        """`caught_up` makes the desk see what is committed; `away` since when none leads (s)."""
        self._queue, self._letters, self._seal = queue, letters, seal
        self._seconds, self._caught_up, self.away = seconds, caught_up, away
        self._deaf_since: float | None = None  # the first of the asks that failed in a row
        self._answered_at = 0.0  # monotonic, of the last answer to whatever

    def ask(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], who: Principal) -> Any:
        """See Relay."""
        began = time.monotonic()
        with self._reaching(f"{name} was not done"):
            letter_id, job_id = self._send(name, args, kwargs, who)
        with self._reaching(f"{name} may have been done or not"):
            answer = self._letters.awaited(letter_id, self._seconds)
            if answer is None:
                answer = self._late(name, letter_id, job_id, began)
        self._answered_at = time.monotonic()
        told = wire.loads(self._seal.off(answer))
        if told["id"] != letter_id:
            raise ProtocolError(f"the answer to {name} is one to something else")
        self._caught_up()
        if fault := told.get("error"):
            kind, message, where, hint = fault
            raise rebuilt(kind, message, where=where, hint=hint)
        return told["value"]

    @contextmanager
    def _reaching(self, what: str) -> Iterator[None]:
        """A queue that does not answer as a ReadOnlyError that says what came of an ask."""
        try:
            yield
            self._deaf_since = None
        except ReadOnlyError:
            raise
        except StoreError as error:
            self._deaf_since = self._deaf_since or time.monotonic()
            away = time.monotonic() - self._deaf_since
            raise ReadOnlyError(
                f"{what}: read-only for {away:.0f} s, the engine is out of reach",
                where=error.where,
                hint="look what came of it, or try again in a moment",
            ) from error

    def tell(self, name: str, args: Sequence[Any]) -> None:
        """See Relay."""
        try:
            self._send(name, args, {}, NOBODY)
        except OpenbellError as error:
            log.warning("not handed to the engine", act=name, error=str(error))

    def carrying(self, path: Path) -> AbstractContextManager[Carried]:
        """See Relay."""
        return handing(self._letters, self._seal, path)

    def _send(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], who: Principal
    ) -> tuple[str, str]:
        letter_id = secrets.token_hex(16)
        ask = {"id": letter_id, "act": name, "args": [*args], "named": dict(kwargs), "who": who}
        self._letters.put(letter_id, self._seal.on(wire.dumps(ask)))
        payload = {
            "ask": letter_id,
            "act": name,
            "actor": who.name,
            "correlation_id": logs.correlation_id() or logs.new_correlation_id(),
        }
        return letter_id, self._queue.publish(ACT, payload, priority=FRONT).job_id

    def _silence(self, began: float) -> str:
        """Why nobody began what was asked for at `began`.

        An engine that leads and has answered nobody since is one that still opens its desk, one
        after the other maybe: nothing can be changed, however much somebody leads.
        """
        away = self.away()
        if away is None and self._answered_at > began:
            return "the engine is busy"
        return f"read-only for {time.monotonic() - began if away is None else away:.0f} s"

    def _late(self, name: str, letter_id: str, job_id: str, began: float) -> bytes:
        """The answer of what has begun; what has not is called off: it is not done behind us."""
        waits = self._queue.get(job_id).status is JobStatus.QUEUED
        if waits and self._queue.cancel(job_id) is JobStatus.CANCELLED:
            raise ReadOnlyError(
                f"{name} was not done: {self._silence(began)}",
                hint="try again in a moment; an engine that stands by takes over by itself",
            )
        ends = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < ends:
            if answer := self._letters.awaited(letter_id, min(self._seconds, 10.0)):
                return answer
            job = self._queue.get(job_id)
            if job.status in GIVEN_UP:  # nobody answers any more
                why = f": {job.last_error}" if job.last_error else ""
                hint = "look what came of it"
                raise ReadOnlyError(f"{name} was not done to its end{why}", hint=hint)
        raise ReadOnlyError(f"{name} still goes on", hint="look what came of it on Activity")
