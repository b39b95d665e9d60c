"""Asking for something of every watched company: in parallel, in batches, each failure its own.

A producer per company fetches and decodes; one writer stores what is ready in one transaction for
many companies. Memory is bounded by the batch, not by the number of companies.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from core.errors import NotFoundError, OpenbellError, PausedError, ValidationError

T = TypeVar("T")
FLUSH_SECONDS = 2.0  # a slow upstream still shows what has come


@dataclass(slots=True)
class CompaniesOutcome:
    """What became of the companies asked for."""

    asked: int = 0
    unchanged: list[int] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)
    failed: dict[int, OpenbellError] = field(default_factory=dict)
    missing: dict[int, NotFoundError] = field(default_factory=dict)
    skipped: int = 0  # not asked any more, because the upstream is down or has blocked us

    @property
    def over(self) -> int:
        """Companies of which the fate is known."""
        return len(self.unchanged) + len(self.stored) + len(self.failed) + len(self.missing)

    def partial(self) -> str | None:
        """One sentence about what is not there, None when everything is."""
        if not self.failed:
            return None
        named = list(self.failed.items())[:3]
        some = [f"CIK {cik}: {str(error).removesuffix('.')}" for cik, error in named]
        some += [f"and {len(self.failed) - 3} more"] if len(self.failed) > 3 else []
        rest = f"; {self.skipped} not asked" if self.skipped else ""
        return f"{len(self.failed)} of {self.asked} companies failed{rest}: {'; '.join(some)}."

    def owed(self) -> bool:
        """Whether companies are missing for a reason that may pass: asking again may bring them."""
        passing = (e.transient or isinstance(e, PausedError) for e in self.failed.values())
        return self.skipped > 0 or any(passing)

    def raise_if_nothing_came(self) -> None:
        """The first failure, when not one company could be had."""
        if self.asked and not self.unchanged and not self.stored:
            errors = [*self.failed.values(), *self.missing.values()]
            if errors:
                raise errors[0]


@dataclass(frozen=True, slots=True)
class Each(Generic[T]):
    """How to fetch one company and how to store several.

    `fetch` gives None when the company is unchanged. `expected` are companies that were there
    before: for those, being gone is a failure. `weight` of a batch is bounded by `limit`.
    """

    fetch: Callable[[int], Awaitable[T | None]]
    store: Callable[[list[T]], None]
    weight: Callable[[T], int]
    limit: int
    expected: frozenset[int] = frozenset()
    parallel: int = 4


async def for_each_company(
    each: Each[T], ciks: Sequence[int], on_step: Callable[[CompaniesOutcome], None] | None = None
) -> CompaniesOutcome:
    """Fetch and store every company once.

    A company that fails does not stop the others; a pause (block, host down) stops all, a
    ValidationError (no contact set) and a failing store are raised. Raises the first failure when
    nothing came at all.
    """
    outcome = CompaniesOutcome(asked=len(ciks))
    ready: asyncio.Queue[tuple[int, T] | None] = asyncio.Queue(maxsize=each.parallel)
    try:
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(_write(each, ready, outcome, on_step))
            await _fetch_all(each, list(ciks), ready, outcome)
            await ready.put(None)
            await writer
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    if on_step and not outcome.stored:
        on_step(outcome)
    outcome.raise_if_nothing_came()
    return outcome


async def _fetch_all(
    each: Each[T],
    todo: list[int],
    ready: asyncio.Queue[tuple[int, T] | None],
    outcome: CompaniesOutcome,
) -> None:
    todo.reverse()

    async def work() -> None:
        while todo:
            cik = todo.pop()
            await _fetch_one(each, cik, ready, outcome)
            if isinstance(outcome.failed.get(cik), PausedError):
                outcome.skipped += len(todo)
                todo.clear()

    async with asyncio.TaskGroup() as group:
        for _ in range(min(each.parallel, len(todo))):
            group.create_task(work())


async def _fetch_one(
    each: Each[T], cik: int, ready: asyncio.Queue[tuple[int, T] | None], outcome: CompaniesOutcome
) -> None:
    try:
        item = await each.fetch(cik)
    except ValidationError:
        raise
    except NotFoundError as error:
        (outcome.failed if cik in each.expected else outcome.missing)[cik] = error
    except OpenbellError as error:
        outcome.failed[cik] = error
    else:
        if item is None:
            outcome.unchanged.append(cik)
        else:
            await ready.put((cik, item))


async def _write(
    each: Each[T],
    ready: asyncio.Queue[tuple[int, T] | None],
    outcome: CompaniesOutcome,
    on_step: Callable[[CompaniesOutcome], None] | None,
) -> None:
    more = True
    with ThreadPoolExecutor(1, "sec-store") as lane:
        while more:
            batch: list[tuple[int, T]] = []
            more = await _fill(each, ready, batch)
            if not batch:
                continue
            items = [item for _, item in batch]
            await asyncio.get_running_loop().run_in_executor(lane, each.store, items)
            outcome.stored.extend(cik for cik, _ in batch)
            if on_step:
                on_step(outcome)


async def _fill(
    each: Each[T], ready: asyncio.Queue[tuple[int, T] | None], batch: list[tuple[int, T]]
) -> bool:
    """Fill a batch to its limit or for some seconds; False when nothing more will come."""
    weight, deadline = 0, None
    while weight < each.limit:
        wait = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            entry = await asyncio.wait_for(ready.get(), wait)
        except TimeoutError:
            return True
        if entry is None:
            return False
        batch.append(entry)
        weight += each.weight(entry[1])
        deadline = deadline or time.monotonic() + FLUSH_SECONDS
    return True
