"""Trying again what may pass: bounded tries, full jitter, and the wait that the other side asks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, stop_after_attempt

from core.errors import (
    ForeignAnswerError,
    OpenbellError,
    ProtocolError,
    QueryFailedError,
    RateLimitedError,
)

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]
RetryHook = Callable[[OpenbellError, float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Retry:
    """Tries again after passing failures: full jitter over a doubling wait, `Retry-After` first.

    `retries` is the number of further tries; no wait, asked for or not, exceeds `max_seconds`.
    `jitter` answers in [0, 1).
    """

    retries: int = 5
    base_seconds: float = 0.5
    max_seconds: float = 60.0
    jitter: Callable[[], float] = random.random
    sleep: Sleep = asyncio.sleep

    async def run(
        self, operation: Callable[[], Awaitable[T]], on_retry: RetryHook | None = None
    ) -> T:
        """The operation's result; its last error when the tries are used up."""

        async def told(state: RetryCallState) -> None:
            error = _error(state)
            if on_retry and isinstance(error, OpenbellError):
                await on_retry(error, state.upcoming_sleep)

        attempts = AsyncRetrying(
            stop=stop_after_attempt(self.retries + 1),
            retry=_again,
            wait=lambda state: self.wait_seconds(state.attempt_number, _error(state)),
            sleep=self.sleep,
            before_sleep=told,
            reraise=True,
        )

        async def once() -> T:  # tenacity awaits what it knows to be a coroutine function
            return await operation()

        return await attempts(once)

    def wait_seconds(self, attempt: int, error: BaseException | None) -> float:
        """The wait after try number `attempt` (1 is the first)."""
        asked = error.retry_after_seconds if isinstance(error, RateLimitedError) else None
        if asked is not None:
            return min(asked, self.max_seconds)
        ceiling = min(self.base_seconds * 2.0 ** min(attempt - 1, 30), self.max_seconds)
        return self.jitter() * ceiling


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _again(state: RetryCallState) -> bool:
    error = _error(state)
    often = isinstance(error, ProtocolError) and state.attempt_number > 1  # it goes on for longer
    return error is not None and not often and _passing(error)


def _passing(error: BaseException) -> bool:
    """Worth another try at once. A failed query is not, for each one costs Foundry a query more,
    nor is the answer of somebody else, who does not go within seconds."""
    transient = isinstance(error, OpenbellError) and error.transient
    return transient and not isinstance(error, QueryFailedError | ForeignAnswerError)
