"""The server's event loop: calls from other threads all arrive, and a burst wakes it once."""

from __future__ import annotations

import asyncio
import threading

import pytest
import uvloop

from app import loop
from app.loop import QuietLoop


@pytest.mark.parametrize("debug", [False, True])
def test_every_call_of_every_thread_arrives_in_its_order(debug: bool) -> None:
    """Four threads hand over a thousand calls each; none is lost or overtaken."""

    async def main() -> list[tuple[int, int]]:
        loop, seen, done = asyncio.get_running_loop(), [], asyncio.Event()

        def put(thread: int, n: int) -> None:
            seen.append((thread, n))
            if len(seen) == 4000:
                done.set()

        def send(thread: int) -> None:
            for n in range(1000):
                loop.call_soon_threadsafe(put, thread, n)

        threads = [threading.Thread(target=send, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        async with asyncio.timeout(20):
            await done.wait()
        for thread in threads:
            thread.join()
        return seen

    with asyncio.Runner(loop_factory=QuietLoop, debug=debug) as runner:
        seen = runner.run(main())
    for thread in range(4):
        assert [n for who, n in seen if who == thread] == list(range(1000))


def test_calls_after_a_pause_wake_the_loop_again() -> None:
    """Work in a thread ends in time, one piece after the other."""

    async def main() -> list[int]:
        async with asyncio.timeout(20):
            return [await asyncio.to_thread(lambda n=n: n) for n in range(50)]

    with asyncio.Runner(loop_factory=QuietLoop) as runner:
        assert runner.run(main()) == list(range(50))


def test_a_closed_loop_says_so() -> None:
    """A late call is refused with the error that callers know."""
    loop = QuietLoop()
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_soon_threadsafe(print)


def test_the_server_gets_the_fastest_loop_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """uvloop's where it is installed, else the quiet one."""
    made = loop.fresh()
    made.close()
    assert isinstance(made, QuietLoop) == (uvloop is None)
    monkeypatch.setattr(loop, "uvloop", None)
    made = loop.fresh()
    made.close()
    assert isinstance(made, QuietLoop)
