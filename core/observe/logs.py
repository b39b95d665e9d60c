"""Structured logs: JSON or console lines on stderr, with a correlation id that follows a click
or command through job, pull and request. Secrets are redacted, control characters escaped."""

from __future__ import annotations

import logging
import re
import secrets
import sys
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any

import structlog

from core.observe.escaping import escape

SERVICE = "openbell"
_SECRET_KEY = re.compile(r"token|secret|password|authorization|api_?key|cookie", re.IGNORECASE)
_SECRET_TEXT = re.compile(r"(?i)(bearer\s+|token=|password=|api_?key=)[^\s&\"']+")
_LIBRARIES = ("uvicorn", "uvicorn.error", "uvicorn.access", "streamlit")
_TALKATIVE = ("httpx", "httpcore", "apscheduler", "uvicorn.access", "watchdog", "fontTools")
_MUTED = ("apscheduler.executors",)  # what fails there is told by the scheduler's listener
_PROCESSORS: list[Any] = []
_MORE: list[logging.Handler] = []
Event = MutableMapping[str, Any]


def configure(
    fmt: str, level: str, output: str = "stderr", more: Sequence[logging.Handler] = ()
) -> None:
    """Send the logs of Openbell and of its libraries to stderr (or stdout) in one format.

    `more` handlers get each line, too.
    """
    renderer = _console if fmt == "console" else structlog.processors.JSONRenderer(default=str)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _trace,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
        _clean,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(sys.stdout if output == "stdout" else sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for other in _MORE:
        other.close()
    _MORE[:] = more
    root.handlers = [handler, *more]
    for other in more:
        other.setFormatter(formatter)
    root.setLevel(level)
    for name in _LIBRARIES:  # one format for all: what they have set up for themselves goes
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _MUTED:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    _PROCESSORS[:] = [  # in place: loggers remember the list they were first used with
        structlog.stdlib.filter_by_level,
        *shared,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ]
    structlog.configure(
        processors=_PROCESSORS,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def get(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a room, e.g. `get("pulls")`; call it with an event name and key=value."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(f"{SERVICE}.{name}")
    return logger


def new_correlation_id() -> str:
    """A fresh id for one click or command: 16 hex digits."""
    return secrets.token_hex(8)


def correlation_id() -> str | None:
    """The id bound in this context, if any."""
    value = structlog.contextvars.get_contextvars().get("correlation_id")
    return str(value) if value else None


@contextmanager
def correlated(identifier: str | None = None, **bound: Any) -> Iterator[str]:
    """Bind a correlation id (a new one when none is given or bound) to what is logged inside."""
    chosen = identifier or correlation_id() or new_correlation_id()
    with structlog.contextvars.bound_contextvars(correlation_id=chosen, **bound):
        yield chosen


def is_secret(name: str) -> bool:
    """Whether a value of that name is never to be shown."""
    return bool(_SECRET_KEY.search(name))


def redact(text: str) -> str:
    """Text without the values of tokens and passwords."""
    return _SECRET_TEXT.sub(lambda match: match[1] + "[redacted]", text)


def _untraced() -> tuple[str, str] | None:
    return None


_trace_ids: Callable[[], tuple[str, str] | None] = _untraced


def traced_by(ids: Callable[[], tuple[str, str] | None] | None) -> None:
    """Name in every line from now on the trace and the span that `ids` tells; None: no more."""
    global _trace_ids  # noqa: PLW0603 - one for the process is the point
    _trace_ids = ids or _untraced


def _trace(_: Any, __: str, event: Event) -> Event:
    """Name the trace and the span that a line belongs to, while traces are on."""
    if found := _trace_ids():
        event["trace_id"], event["span_id"] = found
    return event


def _clean(_: Any, __: str, event: Event) -> Event:
    """Name the service, repeat the event as `message`, and redact every value."""
    cleaned: Event = {"service": SERVICE}
    for key, value in event.items():
        if key.startswith("_"):
            cleaned[key] = value
        elif is_secret(key):
            cleaned[key] = "[redacted]"
        else:
            cleaned[key] = redact(value) if isinstance(value, str) else value
    cleaned.setdefault("message", cleaned.get("event", ""))
    return cleaned


def _console(_: Any, __: str, event: Event) -> str:
    head = (
        f"{event.pop('time', '')} {str(event.pop('level', '')).upper():7} {event.pop('event', '')}"
    )
    for name in ("service", "message", "logger"):
        event.pop(name, None)
    return escape(" ".join([head, *(f"{key}={value}" for key, value in event.items())]))
