"""Errors of the log, sent to a server that takes them as Sentry does (an envelope by POST).

A thread of its own sends; whoever logs never waits. What cannot be sent is dropped and counted:
the log has it anyway. Values were redacted before they came here.
"""

from __future__ import annotations

import json
import logging
import queue
import secrets
import threading
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

MOST_WAITING = 100
SECONDS = 5.0
LONGEST = 8000  # letters of a message


class ErrorSink(logging.Handler):
    """A handler of the log for errors; `close` sends what waits."""

    def __init__(self, dsn: str, environment: str, release: str) -> None:
        super().__init__(logging.ERROR)
        parts = urlsplit(dsn)
        host = parts.netloc.rpartition("@")[2]
        before, _, project = parts.path.rpartition("/")
        self.url = f"{parts.scheme}://{host}{before}/api/{project}/envelope/"
        self._key = (parts.username or "").strip()
        self._about = {"environment": environment, "release": release, "platform": "python"}
        self._waiting: queue.Queue[bytes | None] = queue.Queue(MOST_WAITING)
        self.dropped = 0
        self._thread = threading.Thread(target=self._send_for_ever, name="error-sink", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Take one line of the log."""
        if record.name.startswith(("httpx", "httpcore")):
            return  # its own
        try:
            self._waiting.put_nowait(self._envelope(record))
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Send what waits, for a moment, then stop."""
        if self._thread.is_alive():
            try:
                self._waiting.put(None, timeout=SECONDS)
            except queue.Full:
                self.dropped += self._waiting.qsize()
            self._thread.join(SECONDS)
        super().close()

    def _envelope(self, record: logging.LogRecord) -> bytes:
        event_id = secrets.token_hex(16)
        said = self.format(record)[:LONGEST]
        event = {
            **self._about,
            "event_id": event_id,
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": "fatal" if record.levelno >= logging.CRITICAL else "error",
            "logger": record.name,
            "message": {"formatted": said},
            "tags": _tags(said),
        }
        lines = [{"event_id": event_id}, {"type": "event"}, event]
        return b"\n".join(json.dumps(line, default=str).encode() for line in lines) + b"\n"

    def _send_for_ever(self) -> None:
        auth = f"Sentry sentry_version=7, sentry_client=openbell/1, sentry_key={self._key}"
        headers = {"x-sentry-auth": auth, "content-type": "application/x-sentry-envelope"}
        with httpx.Client(timeout=SECONDS, trust_env=False, headers=headers) as client:
            while (body := self._waiting.get()) is not None:
                try:
                    if client.post(self.url, content=body).is_error:
                        self.dropped += 1
                except httpx.HTTPError:
                    self.dropped += 1


def _tags(said: str) -> dict[str, str]:
    """Correlation and trace of a JSON line, so that the log is found."""
    try:
        line: Any = json.loads(said)
    except ValueError:
        return {}
    names = ("correlation_id", "trace_id", "job", "dataset")
    return {name: str(line[name]) for name in names if isinstance(line, dict) and line.get(name)}
