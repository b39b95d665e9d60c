"""The engine of a desk and what it is made of, before it starts and after it ended."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.errors import StoreError
from core.jobs.runner import Engine
from core.service.desk import Desk
from core.service.engine import DeskEngine


@pytest.mark.parametrize("scheduler", [True, False])
async def test_what_was_never_opened_is_closed_without_harm(desk: Desk, scheduler: bool) -> None:
    """A failure of one at the start closes the others, whether they had begun or not."""
    engine = DeskEngine(desk, scheduler=scheduler)
    for resource in engine._engine._resources:
        await resource.close()
    engine.wake()
    assert not engine.alive


def test_without_a_timetable_nothing_is_late_and_nothing_was_looked_at(desk: Desk) -> None:
    """An engine that runs only what is asked for has none of the two that look."""
    engine = DeskEngine(desk, scheduler=False)
    assert engine.overdue == ()
    assert (engine.scheduler_ticked, engine.detector_ticked) == (None, None)
    engine.close()


class Failing:
    """A resource that fails at its start or at its end."""

    def __init__(self, at: str, error: Exception) -> None:
        self._at, self._error = at, error

    async def initialize(self) -> None:
        """Fail here, if anywhere."""
        self._fail("start")

    async def close(self) -> None:
        """Or here."""
        self._fail("end")

    def _fail(self, at: str) -> None:
        if at == self._at:
            raise self._error


@pytest.mark.parametrize("error", [StoreError("full"), ZeroDivisionError("unforeseen")])
def test_whoever_starts_or_ends_an_engine_hears_why_it_could_not(error: Exception) -> None:
    """The thread has no reader of its own; it is over either way."""
    engine = Engine([Failing("start", error)])
    with pytest.raises(type(error)):
        engine.start()
    assert not engine.alive
    ending: Callable[[], None] = Engine([Failing("end", error)]).close
    ending()  # never started: nothing to end
    started = Engine([Failing("end", error)])
    started.start()
    with pytest.raises(type(error)):
        started.close()
    assert not started.alive
