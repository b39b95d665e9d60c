"""What is looked at again and again: errors are told once, and a look under way is finished."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from core.errors import OpenbellError, StoreError
from core.jobs.looker import Looker, TimedLook
from tests.working import until


async def told(function: Callable[[], None], turns: Callable[[], bool]) -> list[str]:
    """What is logged of a look until it has had its turns."""
    looker = Looker([TimedLook("things", function, 0.001)])
    with capture_logs() as lines:
        await looker.initialize()
        await until(turns)
        await looker.close()
    return [line["event"] for line in lines]


@pytest.mark.parametrize("error", [StoreError("full"), ZeroDivisionError("unforeseen")])
async def test_a_look_that_fails_is_told_once_and_goes_on(error: Exception) -> None:
    """The same trouble at every look is one line, whoever's fault it is."""
    looks: list[int] = []

    def fail() -> None:
        looks.append(1)
        raise error

    assert await told(fail, lambda: len(looks) > 3) == ["look failed"]


@pytest.mark.parametrize("kind", [StoreError, ZeroDivisionError])
async def test_another_trouble_and_one_that_comes_back_are_told_again(
    kind: type[OpenbellError] | type[ZeroDivisionError],
) -> None:
    """A look without an error ends a trouble."""
    coming = iter(["full", "full", "gone", "", "gone"])
    over: list[int] = []

    def look() -> None:
        if word := next(coming, None):
            raise kind(word)
        if word is None:
            over.append(1)

    assert await told(look, lambda: bool(over)) == ["look failed"] * 3


async def test_a_look_under_way_is_finished_before_the_end() -> None:
    """It may be writing: what it uses must not be closed under it."""
    entered, leave, done = threading.Event(), threading.Event(), list[int]()

    def slow() -> None:
        entered.set()
        leave.wait(10)
        done.append(1)

    looker = Looker([TimedLook("things", slow, 60.0)])
    await looker.initialize()
    await until(entered.is_set)
    closing = asyncio.create_task(looker.close())
    await asyncio.sleep(0.01)
    assert not closing.done()
    leave.set()
    await closing
    assert done == [1]


async def test_without_a_look_there_is_nothing_to_stop() -> None:
    """A desk may have none."""
    looker = Looker([])
    await looker.initialize()
    await looker.close()
