"""Traces: spans from a click or a command through job, pull and request to the commit.

Off unless `start` is called; then nothing of OpenTelemetry's SDK is imported, and a span is a
context that does nothing. The context of a trace goes along in the row of a job (`carrier`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol

from core.observe import logs

FIELD = "traceparent"  # as W3C calls it: in the payload of jobs and in the headers of requests
_NOTHING: AbstractContextManager[Any] = nullcontext()


class Tracing(Protocol):
    """What makes spans while traces are on."""

    def span(self, name: str, attributes: dict[str, Any]) -> AbstractContextManager[Any]:
        """A span as long as the block lasts."""
        ...

    def resumed(self, carried: str) -> AbstractContextManager[Any]:
        """The context that somebody else carried here."""
        ...

    def carrier(self) -> str | None:
        """The context of now, to be carried."""
        ...

    def ids(self) -> tuple[str, str] | None:
        """Trace and span of now, in hex."""
        ...

    def stop(self) -> None:
        """Send what waits, then make no more."""
        ...


_tracing: Tracing | None = None


def start(url: str, file: Path | None) -> Callable[[], None]:
    """Trace from now on to a collector, a file, or both; with neither stay off. How to stop."""
    if not url and file is None:
        return _nothing
    from core.observe.tracing import to_places

    return use(to_places(url, file))


def use(tracing: Tracing) -> Callable[[], None]:
    """Trace with this from now on; how to stop."""
    global _tracing  # noqa: PLW0603 - one for the process is the point
    _tracing = tracing
    logs.traced_by(tracing.ids)

    def stop() -> None:
        global _tracing  # noqa: PLW0603
        if _tracing is tracing:
            _tracing = None
            logs.traced_by(None)
        tracing.stop()

    return stop


def _nothing() -> None:
    return


def is_on() -> bool:
    """Whether spans are made."""
    return _tracing is not None


def span(name: str, **attributes: Any) -> AbstractContextManager[Any]:
    """A span as long as the block lasts; attributes that are None are left out."""
    tracing = _tracing
    return _NOTHING if tracing is None else tracing.span(name, attributes)


def resumed(carried: object) -> AbstractContextManager[Any]:
    """Go on with a trace that was carried here; anything that is no such text begins none."""
    tracing = _tracing
    if tracing is None or not isinstance(carried, str):
        return _NOTHING
    return tracing.resumed(carried)


def carrier() -> str | None:
    """The context of now as text, for `resumed` elsewhere; None while off or outside of spans."""
    return None if _tracing is None else _tracing.carrier()


def ids() -> tuple[str, str] | None:
    """Trace and span of now, for lines of the log."""
    return None if _tracing is None else _tracing.ids()
