"""Waiting for pulls ends: with the engine, the desk, or the one who waits; it never hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from core.errors import TransportError, UsageError
from core.service import calloff
from core.service.desk import Desk
from core.service.kernel import commands
from core.service.pulls import refresh


def test_no_engine_no_wait(desk: Desk) -> None:
    """Nothing is asked for where nothing would do it."""
    with pytest.raises(UsageError, match="runs no jobs"):
        commands.run(desk, "pull", {"datasets": ["prices.daily"]})
    assert refresh.running(desk) == {}


class _Idle:
    """An engine that is there and does nothing."""

    alive = True

    def wake(self) -> None: ...
    def close(self) -> None: ...


@pytest.mark.parametrize("end", ["engine", "desk", "caller"])
def test_a_wait_ends(desk: Desk, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    """The pull stays queued, and the one who waits is told."""
    engine, switch = _Idle(), calloff.CallOff()
    monkeypatch.setattr(desk, "engine", engine)
    tickets = refresh.refresh_now(desk, ["prices.daily"])
    ends: dict[str, Callable[[], None]] = {
        "engine": lambda: setattr(engine, "alive", False),
        "desk": desk.call_off,
        "caller": switch.call_off,
    }
    looked = threading.Event()
    told: list[Exception] = []

    def wait() -> None:
        with calloff.call_off_with(switch), pytest.raises(TransportError) as caught:
            refresh.wait(desk, tickets, lambda _: looked.set(), timeout_seconds=30)
        told.append(caught.value)

    waiter = threading.Thread(target=wait)
    waiter.start()
    assert looked.wait(10)
    ends[end]()
    waiter.join(10)
    assert "nobody works on the pulls" in str(told[0])
    assert refresh.progress(desk, tickets[0].job_id).state == "queued"
