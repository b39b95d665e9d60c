"""Another thread at the instant when it does most harm: what has no lock shows it every time."""

from __future__ import annotations

import threading
from collections.abc import Callable

A_MOMENT = 0.1  # seconds: enough for one that nothing holds up


class Meanwhile:
    """Begins work in a thread the first time it is called, and gives it a moment to do its harm.

    One that a lock holds up goes on afterwards: `done` waits for it.
    """

    def __init__(self, work: Callable[[], object]) -> None:
        self.failure: Exception | None = None
        self._work = work
        self._thread: threading.Thread | None = None

    def __call__(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run)
            self._thread.start()
            self._thread.join(A_MOMENT)

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - told by `done`
            self.failure = error

    def done(self) -> None:
        """Wait for the other thread; raises what it failed with."""
        assert self._thread is not None
        self._thread.join(60)
        assert not self._thread.is_alive()
        if self.failure is not None:
            raise self.failure
